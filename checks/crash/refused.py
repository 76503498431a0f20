# Refuses a change of a file or directory: one call, or from one on all of its kind.

import errno
import os

import kill
import repos
import tracer

# What a call says where it is refused; the first kind that the name begins with.
ERRORS = {
    "write": errno.ENOSPC, "pwrite": errno.ENOSPC, "fallocate": errno.ENOSPC, "mkdir": errno.ENOSPC,
    "open": errno.EMFILE, "creat": errno.EMFILE, "flock": errno.ENOLCK, "link": errno.EPERM,
    "unlink": errno.EACCES, "rmdir": errno.EACCES, "chmod": errno.EPERM, "fchmod": errno.EPERM,
    "": errno.EIO,
}
# What some file systems cannot do: the calls, which of them, and what they say. git does without.
UNABLE = {
    "a directory cannot be synced": (
        {"fsync"}, lambda call, seen: os.path.isdir(call.paths[0]),
        [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM, errno.EROFS]),
    "nothing but a pack can be synced": (
        {"fsync"}, lambda call, seen: "/pack/" not in call.paths[0],
        [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP]),
    "a file cannot have a second name": (
        {"link", "linkat"}, lambda call, seen: True,
        [errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS]),
    "a file has no mode of its own": (
        {"fchmod"}, lambda call, seen: True, [errno.EPERM, errno.ENOSYS]),
    "a signal interrupts each call once": (
        {"fsync", "fdatasync", "flock", "linkat", "renameat", "mkdirat"},
        lambda call, seen: str(call) not in seen, [errno.EINTR]),
}
# What a warning says when the ref has moved and may not have for good.
IS_THERE = "has its new value"
# What becomes of an operation.
DONE, ERROR, MOVED = "done", "an error", "done, with a warning"


def error(name):
    return next(number for kind, number in ERRORS.items() if name.startswith(kind))


def points(expected, is_long, chance):
    """Which calls to refuse: numbers, and whether all that follow are refused with it.

    The short form draws one call of each kind, by name and path, and refuses all of a name from its
    first one on.
    """
    names = [call.split(" ")[0] for call in expected.calls]
    firsts = {name: number for number, name in reversed(list(enumerate(names, 1)))}
    kinds = {}
    for number, call in enumerate(expected.calls, 1):
        # What is the only one of its name is refused with its like.
        if is_refusable(call) and names.count(names[number - 1]) > 1:
            kinds.setdefault(number if is_long else kill.kind(call), []).append(number)
    once = [chance.choice(numbers) for numbers in kinds.values()]
    on = [number for number in firsts.values() if is_refusable(expected.calls[number - 1])]
    return [(number, False) for number in once] + [(number, True) for number in on]


def is_refusable(call):
    """Whether it is no answer, which is another matter, and no end."""
    return not call.startswith("exit_group") and not call.endswith(".out")


def tolerate(bench, operation, expected, fault, number):
    """Runs an operation where a file system cannot do something; it must do all the same."""
    directory, seen, (names, is_one, _) = bench.copy(operation, f"unable-{os.getpid()}"), set(), UNABLE[fault]
    told = 0

    def visit(call):
        nonlocal told
        is_it = call.name in names and is_one(call, seen)
        seen.add(str(call))
        told += is_it
        return number if is_it else None

    with open(f"{directory}.out", "w+") as output:
        code = tracer.run([bench.program, *operation.arguments],
                          bench.environment(f"{directory}.home", operation), output, visit, directory)
        output.seek(0)
        said = output.read().strip()
    state = kill.judge(bench, operation, expected, directory, not code)
    if code or state != "new":
        raise repos.Broken(f"{operation.name}: {fault}, {errno.errorcode[number]}: {state}, {said}")
    return told


def refuse(bench, operation, expected, number, is_on):
    """What becomes of an operation of which a call is refused; None if it made fewer."""
    directory, seen = bench.copy(operation, f"refused-{os.getpid()}"), []

    def visit(call):
        seen.append(call)
        if not is_refusable(str(call)):
            return None
        is_it = len(seen) == number or is_on and len(seen) > number and call.name == seen[number - 1].name
        return error(call.name) if is_it else None

    with open(f"{directory}.out", "w+") as output:
        code = tracer.run([bench.program, *operation.arguments],
                          bench.environment(f"{directory}.home", operation), output, visit, directory)
        output.seek(0)
        said = output.read().strip()
    if len(seen) < number:
        return None
    try:
        if code not in (0, 1) or code and not said:
            raise repos.Broken(f"exit code {code}: {said}")
        state = kill.judge(bench, operation, expected, directory, not code)
        if code and state == "new" or not code and state != "new":
            # Who is told of an error does it again, and has the edge twice.
            raise repos.Broken(f"exit code {code} with the {state} state, and it said: {said}")
        return ERROR if code else MOVED if IS_THERE in said else DONE
    except repos.Broken as broken:
        calls = "it and its like" if is_on else "it"
        raise repos.Broken(f"{operation.name}, call {number}, {seen[number - 1]}, {calls} refused: {broken}")
