# What the pages name exists: commands, flags, variables, checks, files, metrics, hashes.

import fnmatch
import re
import tomllib

import program

# A word that stands for another: NAME, [NAME...], <file>, NNNN.
PLACEHOLDER = re.compile(r"\.\.\.|[<\[\]…]|(?<![A-Za-z_.])[A-Z]{2,}(?![A-Za-z_])|NNNN")
# `cache.rebuild` and its like, which are metrics and operations.
DOTTED = r"(?:journal|cache|alloc|arena|attr|telemetry)\.[a-z_]+(?:\.[a-z_]+)*"


def check(tree):
    matrix = tomllib.loads(tree.read("checks/matrix.toml"))
    pinned = tree.read("fixtures/fixtures.toml") + tree.read("checks/generated.toml")
    for page in tree.pages.values():
        if page.is_record:
            continue
        commands = list(page.commands())
        for line, code in commands:
            for problem in (*invocations(code), *cargo(code, tree), *checks(code, matrix, tree)):
                yield page.path, line, problem
        for line, code in [*commands, *whole(page)]:
            for problem in variables(code, tree):
                yield page.path, line, problem
        for line, name in page.named("check"):
            if name not in matrix["check"] and f"checks/kinds/{name}.nix" not in tree:
                yield page.path, line, f"there is no check `{name}`, and no kind of checks"
        for line, code in page.spans():
            for problem in (*paths(code, tree, page), *flags(code, tree), *metrics(code, tree)):
                yield page.path, line, problem
        for line, text in enumerate(page.text.splitlines(), 1):
            for digest in re.findall(r"\b[0-9a-f]{64}\b|sha256-[\w+/=]{44}", text):
                if digest not in pinned:
                    yield page.path, line, f"no fixture has the hash {digest}"
            if re.search(r"(?<![\w.])/(?:work|root|home)/", text):
                yield page.path, line, "a path of one machine"


def whole(page):
    """The lines of blocks that are no commands."""
    for block in page.blocks:
        yield from enumerate(block.lines, block.line + 1)


def invocations(code):
    """git-mind's commands and flags, wherever they stand in a line."""
    for typed in re.findall(r"(?<![\w./-])git[- ]mind( [^|;&)>]*)", code):
        words = [word for word in re.sub(r"-C \S+", "", typed).split() if "..." not in word]
        known = {command[:size] for command in program.commands() for size in (1, 2)}
        command = ()
        while words and command not in program.commands() and not words[0].startswith("-"):
            command = (*command, words.pop(0))
            if command not in known | {("help",)} and not PLACEHOLDER.search(command[-1]):
                yield f"git-mind has no command `{' '.join(command)}`"
                return
        if command == ("help",):
            return
        for word in words:
            flag = word.split("=")[0].strip("[]")
            if re.match(r"--?[A-Za-z]", flag) and flag not in program.flags(command):
                yield f"`git-mind {' '.join(command)}` has no flag `{flag}`"


def flags(code, tree):
    """A flag on its own is one of git-mind's, or a script of the tree knows it."""
    flag = code.split()[0].split("=")[0]
    if not re.fullmatch(r"--[a-z][a-z-]*", flag):
        return
    if any(flag in program.flags(command) for command in program.commands()):
        return
    if not any(f'"{flag}"' in text or f"{flag})" in text for text in tree.sources.values()):
        yield f"neither git-mind nor a script of ours has the flag `{flag}`"


def cargo(code, tree):
    """Targets and packages that cargo is asked for."""
    directories = {"test": "tests", "bench": "benches", "example": "examples"}
    for kind, name in re.findall(r"\bcargo [^|;&]*--(test|bench|example) (\w+)", code):
        ends = (f"{directories[kind]}/{name}.rs", f"{directories[kind]}/{name}/main.rs")
        target = f'[[{kind}]]\nname = "{name}"\n'
        named = any(file.endswith(ends) or file.endswith("Cargo.toml") and target in tree.read(file)
                    for file in tree.files)
        if not named and not PLACEHOLDER.search(name):
            yield f"cargo has no {kind} `{name}`"


def checks(code, matrix, tree):
    """Checks, faults, outputs of the flake."""
    for script, table in (("checks/run", matrix["check"]), ("checks/airgap/run", matrix["check"]),
                          ("checks/planted/run", faults(tree))):
        for words in re.findall(rf"(?:^|[ `]){script}((?: [\w.\[\]-]+)*)", code):
            for name in words.split():
                if re.fullmatch(r"[a-z][\w-]*", name) and name not in table:
                    yield f"{script} knows no `{name}`"
    for name in re.findall(r"\.#checks\.[\w-]+\.([\w-]+)", code):
        if name not in matrix["check"] and not PLACEHOLDER.search(name):
            yield f"no check is called `{name}`"
    wiring = "".join(text for file, text in tree.sources.items() if file.startswith("checks/nix/"))
    generated = tomllib.loads(tree.read("checks/generated.toml"))["fixture"]
    for name in re.findall(r"\.#([a-z][\w-]*)", code):
        if name.removeprefix("fixture-") not in generated and f"{name} " not in f"{wiring}checks ":
            yield f"the flake has no output `{name}`"


def faults(tree):
    return tomllib.loads(tree.read("checks/planted/faults.toml"))["fault"]


def planted(tree):
    """A fault that replaces a text of a page finds it; in a copy that has the fault, the new one."""
    edits = ((name, edit) for name, fault in faults(tree).items()
             for edit in fault.get("edits", [fault]))
    for name, fault in edits:
        is_of_page = fault["file"].endswith(".md") or fault["file"].startswith("docs/")
        if is_of_page and "old" in fault:
            text = tree.read(fault["file"])
            if fault["old"] not in text and fault["new"] not in text:
                yield (fault["file"], 1,
                       f"there is no such text as the fault `{name}` replaces: plant it elsewhere")


def variables(code, tree):
    """A variable of ours is listed by the program or is the tests'; others are read somewhere."""
    for name in re.findall(program.VARIABLE, code):
        used = (text for file, text in tree.sources.items() if not file.startswith(("src/", "crates/")))
        if name not in program.variables() and not any(name in text for text in used):
            yield f"neither git-mind nor a test has the variable `{name}`"
    name = re.fullmatch(r"\$?([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=.*)?", code)
    if name and not re.fullmatch(program.VARIABLE, name[1]):
        if not any(name[1] in text for text in tree.sources.values()):
            yield f"nothing has the variable `{name[1]}`"


def paths(code, tree, page):
    """A path from the top or from the page's directory; braces and stars stand for several."""
    inside = page.path.rpartition("/")[0]
    path = re.split(r"[ :(]", code)[0].rstrip("/.,")
    tops = {file.split("/")[0] for file in tree.files}
    if "/" not in path or path.split("/")[0] not in tops or PLACEHOLDER.search(path):
        return
    braces = re.fullmatch(r"(.*)\{(.*)\}(.*)", path)
    for choice in braces[2].split(",") if braces else [""]:
        one = f"{braces[1]}{choice.strip()}{braces[3]}" if braces else path
        known = one in tree or f"{inside}/{one}" in tree
        if not known and not fnmatch.filter(tree.files, one):
            yield f"`{one}` does not exist"


def metrics(code, tree):
    """A metric or operation is a literal of the program."""
    if re.fullmatch(DOTTED, code):
        sources = (text for file, text in tree.sources.items() if file.startswith(("src/", "crates/")))
        if not any(f'"{code}"' in text for text in sources):
            yield f"the program has no metric, tag or operation `{code}`"
