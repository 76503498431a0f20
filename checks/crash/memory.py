# Runs the program on a heap that fails one request, of any caller.

import os
import pathlib
import signal
import subprocess

import kill
import repos


def library(bench):
    """The library that refuses, built."""
    built = bench.directory / "refuse.so"
    source = pathlib.Path(__file__).with_name("refuse.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", built, source], check=True)
    return built


def start(bench, operation, directory, library, **variables):
    environment = bench.environment(f"{directory}.home", operation)
    environment |= {"LD_PRELOAD": str(library), **variables}
    return subprocess.run([bench.program, *operation.arguments], cwd=directory, env=environment,
                          capture_output=True, text=True, errors="replace", check=False)


def requests(bench, operation, library):
    """How many requests an operation makes of the heap."""
    directory = bench.copy(operation, f"counted-{os.getpid()}")
    count = pathlib.Path(f"{directory}.count")
    ran = start(bench, operation, directory, library, REFUSE_COUNT=str(count))
    if ran.returncode or not count.exists() or int(count.read_text()) < 50:
        raise repos.Broken(f"{operation.name}: the library that refuses counts nothing: {ran.stderr}")
    requests = int(count.read_text())
    count.unlink()
    return requests


def refuse(bench, operation, expected, library, number):
    """Refuses request `number`; returns how the program ended."""
    directory = bench.copy(operation, f"starved-{os.getpid()}")
    before = bench.refs(directory)
    ran = start(bench, operation, directory, library, REFUSE_NTH=str(number))
    try:
        # An abort by a library is as a kill; an error or a panic is not.
        if ran.returncode not in (0, 1, 2, -signal.SIGABRT) or "panicked" in ran.stderr:
            raise repos.Broken(f"exit code {ran.returncode}: {ran.stderr.strip()}")
        if ran.returncode in (1, 2) and bench.refs(directory) != before:
            raise repos.Broken(f"an error, and a ref has changed: {ran.stderr.strip()}")
        said = ran.stdout if ran.returncode == 0 and not operation.is_query else ""
        kill.judge(bench, operation, expected, directory, said)
        return {0: "done", -signal.SIGABRT: "aborted"}.get(ran.returncode, "error")
    except repos.Broken as broken:
        raise repos.Broken(f"{operation.name}, request {number} refused: {broken}")
