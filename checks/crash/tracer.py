# Runs a program under ptrace: stops or kills it, or fails a call, at its Nth change of a file or allocation.

import ctypes
import os
import signal
import struct

TRACEME, POKEUSER, CONT, SYSCALL, SETOPTIONS, SYSCALL_INFO = 0, 6, 7, 24, 0x4200, 0x420E
KILL_WITH_US = 0x100000
OPTIONS = KILL_WITH_US | 1 | 2 | 4 | 8 | 16  # system calls told apart; forks, clones and execs traced
SYSCALL_STOP, WAIT_ALL, O_CREAT, ENTRY = signal.SIGTRAP | 0x80, 0x40000000, 0x40, 1
AT_FDCWD = -100
PAGE = 4096
# What a visitor answers to kill the program.
KILL = -1
# Where a traced thread on x86-64 has the number of its call, and what the call returned.
NUMBER_OFFSET, RESULT_OFFSET = 120, 80
CAN_REFUSE = os.uname().machine == "x86_64"

# Calls that change what others see of a file system: number on x86-64, on AArch64, which arguments
# are descriptors (f), paths (p) below the descriptor before them, or neither (.).
CALLS = {
    "open": (2, None, "p."), "openat": (257, 56, "fp."), "creat": (85, None, "p"),
    "write": (1, 64, "f"), "pwrite64": (18, 68, "f"), "writev": (20, 66, "f"),
    "pwritev": (296, 70, "f"), "ftruncate": (77, 46, "f"), "fallocate": (285, 47, "f"),
    "copy_file_range": (326, 285, "..f"), "sendfile": (40, 71, "f"),
    "fsync": (74, 82, "f"), "fdatasync": (75, 83, "f"), "flock": (73, 32, "f"),
    "rename": (82, None, "pp"), "renameat": (264, 38, "fpfp"), "renameat2": (316, 276, "fpfp"),
    "link": (86, None, "pp"), "linkat": (265, 37, "fpfp"),
    "symlink": (88, None, ".p"), "symlinkat": (266, 36, ".fp"),
    "unlink": (87, None, "p"), "unlinkat": (263, 35, "fp"), "rmdir": (84, None, "p"),
    "mkdir": (83, None, "p"), "mkdirat": (258, 34, "fp"),
    "chmod": (90, None, "p"), "fchmod": (91, 52, "f"), "fchmodat": (268, 53, "fp"),
    "utimensat": (280, 88, "fp"), "exit_group": (231, 94, ""),
}
ARCHES = {0xC000003E: 0, 0xC00000B7: 1}
BY_NUMBER = [{call[arch]: name for name, call in CALLS.items() if call[arch] is not None}
             for arch in (0, 1)]
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


class Call:
    """A system call that is about to be made, with the files that it is made on."""

    def __init__(self, thread, name, arguments):
        self.name, self.arguments = name, arguments
        shape, base = CALLS[name][2], AT_FDCWD
        self.paths = []
        for kind, value in zip(shape, arguments):
            if kind == "f":
                base = ctypes.c_int32(value).value
                if "p" not in shape:
                    self.paths.append(link(f"/proc/{thread}/fd/{base}"))
            elif kind == "p":
                directory = link(f"/proc/{thread}/" + ("cwd" if base == AT_FDCWD else f"fd/{base}"))
                self.paths.append(os.path.normpath(os.path.join(directory, text(thread, value))))
                base = AT_FDCWD

    def __str__(self):
        return f"{self.name} {' -> '.join(self.paths)}"


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return "?"


def text(thread, address):
    """The text with a zero at its end at an address of another process."""
    content = b""
    with open(f"/proc/{thread}/mem", "rb", 0) as memory:
        while b"\0" not in content:
            memory.seek(address + len(content))
            # To the end of its page: the next one is there if the text goes on.
            content += memory.read(PAGE - (address + len(content)) % PAGE)
    return content.split(b"\0")[0].decode(errors="replace") or "."


def ptrace(request, thread, address=0, data=0):
    result = LIBC.ptrace(request, thread, address, data)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")
    return result


def entered(thread):
    """The changing call that a thread enters, or None."""
    buffer = ctypes.create_string_buffer(88)
    ptrace(SYSCALL_INFO, thread, len(buffer), ctypes.addressof(buffer))
    kind, arch, number, *arguments = struct.unpack_from("<B3xI16xQ6Q", buffer)
    name = BY_NUMBER[ARCHES[arch]].get(number) if kind == ENTRY else None
    if name == "open" and not arguments[1] & O_CREAT or name == "openat" and not arguments[2] & O_CREAT:
        return None
    return name and Call(thread, name, arguments)


def run(arguments, environment, output, visit, directory):
    """Runs a program; `visit` sees each call before it is made, and may answer KILL, or the number
    of an error, which the call returns without being made.

    Returns the exit status as `os.waitstatus_to_exitcode` has it. Both outputs go to `output`.
    """
    child = os.fork()
    if child == 0:
        try:
            os.chdir(directory)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            LIBC.ptrace(TRACEME, 0, 0, 0)
            os.execvpe(arguments[0], arguments, environment)
        finally:
            os._exit(127)
    os.waitpid(child, 0)
    ptrace(SETOPTIONS, child, 0, OPTIONS)
    ptrace(SYSCALL, child)
    refused = {}
    while True:
        thread, status = os.waitpid(-1, WAIT_ALL)
        if not os.WIFSTOPPED(status):
            if thread == child:
                return os.waitstatus_to_exitcode(status)
            continue
        stopped, passed = os.WSTOPSIG(status), 0
        try:
            if stopped == SYSCALL_STOP and thread in refused:
                ptrace(POKEUSER, thread, RESULT_OFFSET, 2**64 - refused.pop(thread))
            elif stopped == SYSCALL_STOP:
                call = entered(thread)
                answer = visit(call) if call else None
                if answer == KILL:
                    os.kill(child, signal.SIGKILL)
                    continue
                if answer:
                    ptrace(POKEUSER, thread, NUMBER_OFFSET, 2**64 - 1)
                    refused[thread] = answer
            elif stopped not in (signal.SIGTRAP, signal.SIGSTOP):
                passed = stopped
            ptrace(SYSCALL, thread, 0, passed)
        except ProcessLookupError:
            continue  # killed between two looks
        except OSError as error:
            if error.errno != 3:
                raise
