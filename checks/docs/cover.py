# What exists is documented: commands, flags, variables, checks, metrics, events, pages.

import re
import tomllib

import links
import program
import session

COMMANDS, TELEMETRY = "docs/commands.md", "docs/telemetry.md"
POLICY, ARCHITECTURE = "docs/memory-policy.md", "docs/architecture.md"
INDEX = "docs/README.md"
# Variables whose meaning others have settled.
OTHERS = ("CARGO_", "RUSTUP_", "XDG_")


def check(tree):
    yield from readers(tree)
    yield from commands(tree)
    yield from crates(tree)
    yield from directories(tree)
    yield from variables(tree)
    yield from budgets(tree)
    yield from telemetry(tree)


def readers(tree):
    """Each page below docs says for whom it is, and is in the index."""
    listed = {links.target_of(tree.pages[INDEX], link)[0] for _, link in tree.pages[INDEX].links()}
    for path, page in tree.pages.items():
        if re.fullmatch(r"docs/[\w-]+\.md", path) and path != INDEX:
            if not re.match(r"# .+\n\n\*?For ", page.text):
                yield path, 3, "the first sentence does not name the reader: `For ...`"
            if path not in listed:
                yield INDEX, 1, f"it does not list {path}"


def commands(tree):
    """The reference has a row for each command, and its help, flags and all."""
    rows = {word for _, heading, word in tree.pages[COMMANDS].cells(1)
            if heading == "All commands"}
    shown = {command for _, command, _ in session.steps(tree.pages[COMMANDS])}
    for command in program.commands():
        name = f"git-mind {' '.join(command)}"
        if name not in rows:
            yield COMMANDS, 1, f"no row of the table of commands is for `{name}`"
        if f"{name} --help" not in shown:
            yield COMMANDS, 1, f"it does not show `{name} --help`"
    for name in sorted(row for row in rows if row.startswith("git-mind ")):
        if tuple(name.split()[1:]) not in program.commands():
            yield COMMANDS, 1, f"there is no `{name}`"


def directories(tree):
    """The picture of the tree has the directories at the top that are not hidden."""
    shown = {line.split()[0] for block in tree.pages[ARCHITECTURE].blocks
             for line in block.lines if re.match(r"[\w.]+/\S*  ", line)}
    there = {f"{path.split('/')[0]}/" for path in tree.files if "/" in path and path[0] != "."}
    listed = tomllib.loads(tree.read("checks/matrix.toml"))["check"]["docs"]["sources"]
    tops = {path.split("/")[0] for path in tree.files if path[0] != "."}
    for name in sorted(tops - set(listed)):
        yield "checks/matrix.toml", 1, f"the check docs does not see {name}: add it to its sources"
    for name in sorted({entry for entry in shown if entry.endswith("/")} ^ there):
        yield ARCHITECTURE, 1, f"the picture of the tree and the tree differ: {name}"


def crates(tree):
    """The drawing of the crates is what their manifests say."""
    lines = (line for block in tree.pages[ARCHITECTURE].blocks for line in block.lines)
    rows = (re.match(r"(gitmind[\w-]*) *->((?: [\w-]+)*)", line) for line in lines)
    drawn = {row[1]: set(row[2].split()) for row in rows if row}
    for path in sorted(tree.files):
        if not re.fullmatch(r"(crates/[\w/-]+/)?Cargo\.toml", path) or "test-support" in path:
            continue
        manifest = tomllib.loads(tree.read(path))
        name = manifest["package"]["name"]
        needs = {need.removeprefix("gitmind-") for need in manifest.get("dependencies", {})
                 if need.startswith("gitmind-")}
        if drawn.pop(name, None) != needs:
            yield ARCHITECTURE, 1, f"draw `{name} -> {' '.join(sorted(needs))}`, as {path} says"
    for name in sorted(drawn):
        yield ARCHITECTURE, 1, f"there is no crate `{name}`"


def variables(tree):
    """Every variable has a row somewhere."""
    rows = {word for page in tree.pages.values() if not page.is_record
            for _, _, word in page.cells(1)}
    # What a build script reads is cargo's.
    sources = ((file, text) for file, text in tree.sources.items()
               if file.startswith(("src/", "crates/", "tests/", "checks/", "docker/"))
               and not file.endswith("/build.rs"))
    read = {name: file for file, text in sources
            for name in re.findall(r'(?:env|std::env)(?:\.|::)var(?:_os)?\("([A-Z_]+)"\)'
                                   r'|environ\.get\("([A-Z_]+)"\)|\$\{([A-Z_]+):-', text)
            for name in name if name and not name.startswith(OTHERS)}
    for name in sorted(program.variables() | set(read)):
        if name not in rows:
            where = read.get(name, "git-mind")
            yield "docs", 1, f"no table has a row for the variable `{name}`, which {where} reads"


def budgets(tree):
    """Every operation has a row in the table of budgets, and no other has one."""
    listed = {word for _, heading, word in tree.pages[POLICY].cells(2) if heading == "Budgets"}
    declared = tree.read("src/context/operation.rs")
    known = set(re.findall(r'Op::new\(\d+, "([a-z.]+)"\)', declared))
    for name in sorted(known ^ listed):
        what = "no budget for the operation" if name in known else "a budget for what is none:"
        yield POLICY, 1, f"it has {what} `{name}`"


def telemetry(tree):
    """The tables of the page on telemetry are the metrics and events of the program."""
    page = tree.pages[TELEMETRY]
    sources = [text for file, text in tree.sources.items() if file.startswith(("src/", "crates/"))]
    commands = "".join(text for file, text in tree.sources.items() if file.startswith("src/cli/"))
    rows = {tuple(cell.strip() for cell in line.split("|")[1:4])
            for line in page.text.splitlines() if line.startswith("| `")}
    declared = re.findall(r'^ +(\w+) = (\w+)\s+"([a-z_.]+)", "(gitmind_\w+)";$',
                          tree.read("crates/telemetry/src/metric.rs"), re.MULTILINE)
    for variant, kind, name, family in declared:
        in_file, kind = (f"{family}_total", "counter") if kind == "Counter" else (family, "gauge")
        if not any(row[0] == f"`{name}`" and row[1].startswith(f"`{in_file}") and row[2] == kind
                   for row in rows):
            yield TELEMETRY, 1, f"it has no row `{name}`, `{in_file}`, {kind}"
        if f"Metric::{variant}" not in commands:
            yield "crates/telemetry/src/metric.rs", 1, f"nothing records `{name}`"
    names = {name for _, _, name, _ in declared}
    for line, heading, word in page.cells(1):
        if heading == "Metrics" and word not in names:
            yield TELEMETRY, line, f"it lists what is no metric: `{word}`"
    logged = r'\.log\(\w+(?:::\w+)?, "\w+", "(\w+)"|"([a-z_]+_(?:start|ok|failed))"'
    for name in sorted({one or other for one, other in re.findall(logged, commands)}):
        if f"`{name}`" not in page.text:
            yield TELEMETRY, 1, f"it does not list the event `{name}`"
    for line, heading, word in page.cells(2):
        if heading == "Events" and not any(f'"{word}"' in text for text in sources):
            yield TELEMETRY, line, f"the program has no event `{word}`"
