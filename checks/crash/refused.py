# Refuses a change of a file or folder: one call, or from one on all of its kind.

import errno

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
# What an error says when the ref has moved all the same.
IS_THERE = "has its new value"
# What becomes of an operation.
DONE, ERROR, MOVED = "done", "an error", "an error, and the ref has moved"


def error(name):
    return next(number for kind, number in ERRORS.items() if name.startswith(kind))


def points(expected, is_long, chance):
    """Which calls to refuse: numbers, and whether all that follow are refused with it."""
    names = [call.split(" ")[0] for call in expected.calls]
    firsts = {name: number for number, name in reversed(list(enumerate(names, 1)))}
    once = range(1, len(names) + 1) if is_long else kill.sample(expected.calls, chance)
    return [(number, False) for number in once] + [(number, True) for number in firsts.values()]


def refuse(bench, operation, expected, number, is_on):
    """What becomes of an operation of which a call is refused; None if it made fewer."""
    folder, seen = bench.copy(operation, f"refuse-{number}-{is_on}"), []

    def visit(call):
        seen.append(call)
        # An answer that cannot be written is another matter.
        if call.name == "exit_group" or any(path.endswith(".out") for path in call.paths):
            return None
        is_it = len(seen) == number or is_on and len(seen) > number and call.name == seen[number - 1].name
        return error(call.name) if is_it else None

    with open(bench.folder / f"refuse-{number}-{is_on}.out", "w+") as output:
        code = tracer.run([bench.program, *operation.arguments],
                          bench.environment(f"{folder}.home", operation), output, visit, folder)
        output.seek(0)
        said = output.read().strip()
    if len(seen) < number:
        return None
    try:
        if code not in (0, 1) or code and not said:
            raise repos.Broken(f"exit code {code}: {said}")
        state = kill.judge(bench, operation, expected, folder, not code)
        if code and (state == "new") != (IS_THERE in said):
            raise repos.Broken(f"the {state} state, and it said: {said}")
        return (MOVED if state == "new" else ERROR) if code else DONE
    except repos.Broken as broken:
        calls = "it and its like" if is_on else "it"
        raise repos.Broken(f"{operation.name}, call {number}, {seen[number - 1]}, {calls} refused: {broken}")
