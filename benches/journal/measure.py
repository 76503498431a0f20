# Runs of programs, timed by the kernel: wall, processor time and resident peak of a process.
#
# The kernel counts what a process had before it became another program as its own, so the peak is
# asked of GNU time, a small process that starts the program anew.

import dataclasses
import os
import platform
import statistics
import subprocess
import time


@dataclasses.dataclass
class Run:
    """What a command and its children took."""
    wall_s: float
    cpu_s: float
    output: bytes


def run(command, env=None, cpus=None):
    """Runs `command`, a list or a line for the shell, on the processors `cpus`; it must succeed."""
    pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    started = time.perf_counter()
    child = subprocess.Popen(command, shell=isinstance(command, str), stdout=subprocess.PIPE,
                             env={**os.environ, **(env or {})}, preexec_fn=pin)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Run(wall_s, usage.ru_utime + usage.ru_stime, output)


def resident_mb(command):
    """The most that `command` had resident at once; it is run for that."""
    timed = ["time", "--quiet", "--format", "%M", *map(str, command)]
    said = subprocess.run(timed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return int(said.stderr.split()[-1]) * 1024 / 1e6


@dataclasses.dataclass
class Ratio:
    """A median of ratios, each taken within a round, and their range."""
    median: float
    least: float
    most: float

    def __str__(self):
        return f"{self.median:.2f} ({self.least:.2f}-{self.most:.2f})"


def ratio(values, yardsticks):
    """The ratio of two lists of the same rounds."""
    ratios = [value / yardstick for value, yardstick in zip(values, yardsticks, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def environment():
    """The machine and the programs, in one line."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    git = subprocess.run(["git", "--version"], stdout=subprocess.PIPE, check=True).stdout
    return (f"{os.cpu_count()} x {names[0] if names else platform.machine()}, "
            f"Linux {platform.release()}, {git.decode().strip()}")


def fnv1a(text):
    """FNV-1a of 64 bits (Fowler, Noll, Vo): a name for an environment, not a checksum."""
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return f"{value:016x}"
