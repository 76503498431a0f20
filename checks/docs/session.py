# Pasted sessions: what a page says that a command prints is what it prints.

import os
import pathlib
import re
import subprocess
import tempfile

# Lines of a report that say where it was made: only that they are there is compared.
OF_A_MACHINE = r"(program|revision|compiler|target|machine|pages|toggles)  .*"
# What differs from run to run, and what stands for it.
MASKS = [
    (r"\b[0-9a-f]{40}\b", "OID"),
    (r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "ULID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", "TIME"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "TIME"),
    (r'("\w+_ms"): ?\d+', r"\1: N"),
    (r"\bduration_ms=\d+", "duration_ms=N"),
    (r"\b\d+ ms\b|\b\d+\.\d\d s\b", "N ms"),
]
SENTINEL = "--- the next command ---"


def masked(line):
    """A line without what differs from run to run. Caps and counts stay."""
    if label := re.fullmatch(OF_A_MACHINE, line):
        return label[1]
    for pattern, text in MASKS:
        # The tree of the shards alone depends on the edges and on nothing else.
        if text != "OID" or "shards" not in line:
            line = re.sub(pattern, text, line)
    if re.search(r"\d [KM]?i?B\b", line):
        measured = r"(?<![\d.])(?!(?:256|128)\.0\b)\d+(?:\.\d+)? (?:[KM]iB\b|B\b|%)|\bunknown\b"
        line = re.sub(rf"{measured}|(?<=  )[\d,]+(?=  |$)", "N", line)
    return " ".join(line.split())


def steps(page):
    """The commands of a page with their lines and outputs, in order."""
    for block in page.blocks:
        if block.language != "console":
            continue
        command = None
        for number, line in enumerate(block.lines, block.line + 1):
            if line.startswith("$ "):
                if command:
                    yield command
                command = (number, line[2:], [])
            elif line.startswith("> ") and command and not command[2]:
                command = (command[0], f"{command[1]}\n{line[2:]}", [])
            elif command:
                command[2].append(line)
        if command:
            yield command


def environment(directory):
    """What a command of a page is run with: the program, without the settings of a user."""
    ours = ("GM_", "GITMIND_", "GIT_MIND_", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    people = {"NAME": "You", "EMAIL": "you@example.org"}
    env |= {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER")
            for key, value in people.items()}
    return env | {"HOME": directory, "TMPDIR": directory, "LC_ALL": "C", "TZ": "UTC",
                  "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def outputs(commands, variables=None):
    """What the commands of a page print, each after the other in one shell and an empty directory."""
    fixtures = pathlib.Path(os.environ.get("FIXTURES", "fixtures")).resolve()
    with tempfile.TemporaryDirectory() as directory:
        script = []
        for command in commands:
            # A checkout is not built here: the program is, and the fixtures are beside it.
            command = command.replace("cargo run --release --", "git-mind")
            command = re.sub(r"git-mind budget\b", f"git-mind budget --fixtures-dir {fixtures}",
                             command)
            script.append(f"{command}\necho '{SENTINEL}'\n")
        os.makedirs(f"{directory}/work")
        ran = subprocess.run(["bash"], input="".join(script), cwd=f"{directory}/work", text=True,
                             env=environment(directory) | (variables or {}), stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False)
    return ran.stdout.replace(directory, "~").split(f"{SENTINEL}\n")[:-1]


def check(page, write=False):
    """What is pasted and not printed, as (line, message); with `write` the page is corrected."""
    found = list(steps(page))
    printed = outputs([command for _, command, _ in found])
    if len(printed) != len(found):
        number, command, _ = found[len(printed)]
        return [(number, f"`{command}` ends the session")]
    problems, lines = [], page.text.splitlines()
    for (number, command, pasted), output in reversed(list(zip(found, printed))):
        expected, actual = list(map(masked, pasted)), list(map(masked, output.splitlines()))
        if expected == actual:
            continue
        start = number + command.count("\n")
        lines[start:start + len(pasted)] = output.splitlines()
        pairs = zip([*expected, "nothing"], [*actual, "nothing"])
        was, now = next(pair for pair in pairs if pair[0] != pair[1])
        problems.insert(0, (number, f"`{command}` does not print `{was}` but `{now}`"))
    if write and problems:
        pathlib.Path(page.path).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return []
    return problems
