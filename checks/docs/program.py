# What the program says about itself: commands, flags, variables.

import functools
import json
import re
import subprocess

VARIABLE = r"\b(?:GM|GITMIND|GIT_MIND)_[A-Z0-9_]+\b"


def run(*arguments):
    """What the program on the PATH prints."""
    command = ["git-mind", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@functools.cache
def help_of(command):
    """The help of a command, which is a tuple of words; of the program for the empty one."""
    return run(*command, "--help")


def section(text, title):
    """The lines below a title of a help, up to the next one."""
    found = re.search(rf"^{title}:\n((?: .*\n|\n)+)", text, re.MULTILINE)
    return found[1].splitlines() if found else []


@functools.cache
def commands():
    """Every command that does something, as a tuple of words."""
    found, unseen = [], [()]
    while unseen:
        command = unseen.pop(0)
        lines = section(help_of(command), "Commands")
        names = [line.split()[0] for line in lines if re.match(r"  \S", line)]
        unseen += [(*command, name) for name in names if name != "help"]
        if not names:
            found.append(command)
    return found


@functools.cache
def flags(command):
    """The flags of a command."""
    lines = section(help_of(command), "Options")
    heads = [line for line in lines if re.match(r" +-", line)]
    return {flag for head in heads for flag in re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", head)}


@functools.cache
def variables():
    """Every variable that it lists, or that a help names."""
    listed = {toggle["name"] for toggle in json.loads(run("env", "--json"))["toggles"]}
    helps = "".join(map(help_of, commands()))
    return listed | set(re.findall(VARIABLE, helps))
