# Kills the program: at each change of a file and ref in turn, and at random moments.

import functools
import os
import random
import re
import signal
import subprocess
import time

import repos
import tracer


# Points at most in the short form; those at the end are around the ref.
SAMPLE_MAX = 30
# Calls after which a killed process leaves what it would have left before them.
WITHOUT_TRACE = ("fsync", "fdatasync", "flock", "fchmod ")
# How the names of locks end.
LOCKS = (".lock", ".keep")


class Expected:
    """What an operation makes of a repository when nothing happens to it."""

    def __init__(self, bench, operation):
        directory = bench.copy(operation, "reference")
        self.old = bench.state(directory)
        self.calls, self.unsynced = [], Durability(directory)
        with open(bench.directory / "reference.out", "w+") as output:
            code = tracer.run([bench.program, *operation.arguments],
                              bench.environment(f"{directory}.home", operation), output, self.see, directory)
            output.seek(0)
            self.said = output.read()
            if code:
                raise repos.Broken(f"{operation.name}: exit code {code}: {self.said}")
        self.new, self.answers = bench.state(directory), bench.answers(directory)
        bench.check_sound(directory)

    @staticmethod
    @functools.cache
    def of(bench, operation):
        """The same, made once."""
        return Expected(bench, operation)

    def see(self, call):
        self.calls.append(str(call))
        self.unsynced.see(call)


class Durability:
    """Refuses an order of calls in which something can survive a power cut that needs what does not:
    a name its file, a ref its objects and directories, an answer its ref.

    The content of a file and the names in a directory are dirty from a change to the sync.
    """

    def __init__(self, directory):
        self.git, self.dirty, self.problems = f"{directory}/.git", set(), []
        # The first name of a file that has a second one.
        self.first_names = {}

    def see(self, call):
        # A file without a name is gone after a power cut.
        paths = [self.first_names.get(path, path) for path in call.paths
                 if path.startswith(f"{self.git}/") and not path.endswith(" (deleted)")]
        if call.name == "exit_group" or call.name.startswith("write") and call.arguments[0] == 1:
            self.expect_clean(call, self.dirty)
        elif not paths:
            return
        elif call.name in ("fsync", "fdatasync"):
            self.dirty -= set(paths)
        elif call.name.startswith(("write", "pwrite", "ftruncate", "fallocate", "copy_", "sendfile")):
            self.dirty |= set(paths)
        elif call.name.startswith("mkdir"):
            # One that is there, or whose own directory is not, is not made.
            if not os.path.lexists(paths[0]) and os.path.isdir(os.path.dirname(paths[0])):
                self.name(paths[0])
        elif call.name.startswith("link"):
            self.first_names[call.paths[-1]] = paths[0]
            self.name(call.paths[-1])
        elif call.name.startswith("rename"):
            self.rename(call, paths[0], call.paths[-1])
        elif call.name.startswith(("unlink", "rmdir")):
            has_another = self.first_names.pop(call.paths[-1], None) or paths[0] in self.first_names.values()
            self.dirty -= set() if has_another else set(paths)

    def rename(self, call, file, name):
        is_ref = name.startswith(f"{self.git}/refs/") and not name.endswith(LOCKS)
        self.expect_clean(call, self.dirty if is_ref else self.dirty & {file})
        self.first_names.pop(call.paths[0], None)
        self.name(name)

    def name(self, path):
        """A directory has a new name. That of a lock need not survive."""
        if not path.endswith(LOCKS):
            self.dirty.add(os.path.dirname(path))

    def expect_clean(self, call, dirty):
        if dirty:
            self.problems.append(f"{call} before the disk has {' '.join(sorted(dirty))}")


def judge(bench, operation, expected, directory, is_acknowledged):
    """Looks at what a run left that was killed or failed, and runs it once more."""
    bench.check_sound(directory)
    edges, files = bench.state(directory)
    if edges not in (expected.old[0], expected.new[0]):
        raise repos.Broken(f"{len(edges)} edges, neither the old ones nor the new ones")
    if files not in (expected.old[1], expected.new[1]):
        raise repos.Broken("the cache is neither the old one nor the new one")
    is_new = (edges, files) == expected.new
    if is_acknowledged and not is_new:
        raise repos.Broken("it was acknowledged, and is not there")
    bench.mind(directory, *operation.arguments, operation=operation)
    bench.check_sound(directory)
    again = bench.state(directory)
    if operation.is_append:
        added = len(expected.new[0]) - len(expected.old[0])
        if is_new and operation.is_done_once:
            added = 0
        if len(again[0]) != len(edges) + added:
            raise repos.Broken(f"the next run made {len(edges)} edges {len(again[0])}")
    elif again != expected.new:
        raise repos.Broken("the cache of the next run is not the one of a run that is not killed")
    if bench.left(directory) and operation.is_done_once:
        # All was merged, so that run wrote nothing.
        bench.mind(directory, "link", "a", "b")
    elif bench.left(directory) and not operation.is_append:
        # The cache was current, so that run wrote nothing.
        bench.mind(directory, "cache-rebuild", "--force")
    if left := bench.left(directory):
        raise repos.Broken(f"the next run left {' '.join(left)}")
    return "new" if is_new else "old"


def kind(call):
    """A call without the names that differ from run to run."""
    return re.sub(r"[^ /]*tmp_[^ ]*|[0-9a-f]{16,}", "*", call)


def sample(calls, chance):
    """Numbers of calls: each that is of another kind than the one before, and some of the rest."""
    kinds = [kind(call) for call in calls]
    points = [number for number, (this, before) in enumerate(zip(kinds, [None, *kinds]), 1)
              if this != before]
    rest = sorted(set(range(1, len(calls) + 1)) - set(points))
    if len(points) > SAMPLE_MAX:
        early = points[:-SAMPLE_MAX]
        points = points[-SAMPLE_MAX:] + chance.sample(early, min(len(early), 8))
    return sorted([*points, *chance.sample(rest, min(len(rest), 8))])


def distinct(points, calls):
    """Those points before which a kill leaves something else than before the call before."""
    return [point for point in points if point == 1 or not calls[point - 2].startswith(WITHOUT_TRACE)]


def kill_at(bench, operation, expected, number):
    """Kills the program before its call `number`; None if it made fewer."""
    directory, seen = bench.copy(operation, f"killed-{os.getpid()}"), []

    def visit(call):
        seen.append(str(call))
        return tracer.KILL if len(seen) == number else None

    with open(f"{directory}.out", "w+") as output:
        code = tracer.run([bench.program, *operation.arguments],
                          bench.environment(f"{directory}.home", operation), output, visit, directory)
        output.seek(0)
        said = output.read()
    if code == 0:
        return None
    try:
        if code != -signal.SIGKILL:
            raise repos.Broken(f"exit code {code}: {said}")
        return judge(bench, operation, expected, directory, bool(said.strip()))
    except repos.Broken as broken:
        raise repos.Broken(f"{operation.name} killed before call {number}, {seen[-1]}: {broken}")


def kill_randomly(bench, operation, expected, rounds, seed):
    """Kills the program at random moments; returns how often each state was found."""
    chance, name = random.Random(seed), f"killed-{os.getpid()}"
    found, longest = {"old": 0, "new": 0, "ended": 0}, 0.02
    for turn in range(rounds):
        directory = bench.copy(operation, name)
        with open(f"{directory}.out", "w+") as output:
            began = time.monotonic()
            child = subprocess.Popen(
                [bench.program, *operation.arguments], cwd=directory, stdout=output, stderr=output,
                env=bench.environment(f"{directory}.home", operation))
            moment = chance.random() * longest
            try:
                child.wait(moment)
                longest = max(0.002, longest * 0.9)
            except subprocess.TimeoutExpired:
                longest = min(0.2, longest * 1.02)
            child.kill()
            code = child.wait()
            output.seek(0)
            said = output.read()
        try:
            state = judge(bench, operation, expected, directory, False) if code else "ended"
        except repos.Broken as broken:
            raise repos.Broken(f"{operation.name} killed in round {turn} after {moment:.6f} s: {broken}")
        found[state] += 1
    return found
