# Finds the pinned toolchains for checks/run, and says what to type where there is none.
#
# A toolchain is a directory that TOOLCHAIN_STABLE or TOOLCHAIN_NIGHTLY names, one of rustup's, or
# the `rustc` on PATH if it is of the pinned release. `python3 -m doctest` runs the examples.

import datetime
import os
import pathlib
import shutil
import subprocess
from typing import NamedTuple

INSTALL = {
    "stable": "rustup toolchain install {} --component clippy,rustfmt,llvm-tools",
    "nightly": "rustup toolchain install nightly-{} --component llvm-tools",
}


class NotFound(Exception):
    """No toolchain of the pinned release is on this machine."""


class Toolchain(NamedTuple):
    """Variables that make cargo the pinned one, rustup's name of it if any, and `rustc -vV`."""

    env: dict
    name: str
    version: str

    def host(self):
        """The triple of the machine."""
        return field(self.version, "host")


def field(version, name):
    """A line of `rustc -vV`.

    >>> field("rustc 1.95.0\\nhost: x86_64-unknown-linux-gnu\\nrelease: 1.95.0", "release")
    '1.95.0'
    """
    found = (line.split(": ", 1)[1] for line in version.splitlines() if line.startswith(f"{name}: "))
    return next(found, None)


def commit_date(nightly):
    """The date of the commits in the nightly of a day: the day before.

    >>> commit_date("2026-05-20"), commit_date("2026-03-01"), commit_date("2027-01-01")
    ('2026-05-19', '2026-02-28', '2026-12-31')
    """
    return str(datetime.date.fromisoformat(nightly) - datetime.timedelta(days=1))


def is_pinned(version, channel, pin):
    """Whether `rustc -vV` tells of the pinned toolchain.

    >>> is_pinned("release: 1.95.0", "stable", "1.95.0")
    True
    >>> is_pinned("release: 1.95.0-beta.1", "stable", "1.95.0")
    False
    >>> is_pinned("commit-date: 2026-02-28\\nrelease: 1.96.0-nightly", "nightly", "2026-03-01")
    True
    """
    if channel == "stable":
        return field(version, "release") == pin
    is_nightly = (field(version, "release") or "").endswith("-nightly")
    return is_nightly and field(version, "commit-date") == commit_date(pin)


def search_path(path, first, cargo_bin):
    """PATH with a directory first if one is given, and cargo's own last unless it is there.

    Cargo looks for `cargo-fmt` and its like in its own directory before PATH, unless PATH names that
    directory; rustup's proxies there would run another toolchain.

    >>> search_path("/usr/bin", "/pinned/bin", "/cargo/bin")
    '/pinned/bin:/usr/bin:/cargo/bin'
    >>> search_path("/cargo/bin:/usr/bin", None, "/cargo/bin")
    '/cargo/bin:/usr/bin'
    """
    parts = [*filter(None, [first]), *filter(None, path.split(os.pathsep))]
    return os.pathsep.join(parts if cargo_bin in parts else [*parts, cargo_bin])


def path_here(first=None):
    """PATH as a check is to have it."""
    cargo_home = pathlib.Path(os.environ.get("CARGO_HOME") or "~/.cargo").expanduser()
    return search_path(os.environ.get("PATH", os.defpath), first, str(cargo_home / "bin"))


def candidates(channel, pin):
    """Where the toolchain may be, the likeliest first, as rustup's name and variables."""
    if rustup := shutil.which("rustup", path=path_here()):
        proxies = os.path.dirname(rustup)
        is_first = os.path.dirname(shutil.which("cargo") or "") == proxies
        path = path_here(None if is_first else proxies)
        for name in (pin if channel == "stable" else f"nightly-{pin}", channel):
            yield name, {"PATH": path, "RUSTUP_TOOLCHAIN": name}
    yield None, {"PATH": path_here()}


def told(env):
    """What `rustc -vV` prints; rustup is not to install what it lacks, since this only looks."""
    env = {**os.environ, "RUSTUP_AUTO_INSTALL": "0", **env}
    if not all(shutil.which(program, path=env["PATH"]) for program in ("rustc", "cargo")):
        return ""
    done = subprocess.run(["rustc", "-vV"], env=env, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def find(channel, pin):
    """The pinned toolchain of a channel; of a directory that the environment names, any release."""
    variable = f"TOOLCHAIN_{channel.upper()}"
    if directory := os.environ.get(variable):
        env = {"PATH": path_here(f"{directory}/bin")}
        version = told(env) if shutil.which("rustc", path=f"{directory}/bin") else ""
        if not version:
            raise NotFound(f"{variable}={directory} has no rustc that runs")
        return Toolchain(env, None, version)
    for name, env in candidates(channel, pin):
        version = told(env)
        if is_pinned(version, channel, pin):
            return Toolchain(env, name, version)
    raise NotFound(f"no {channel} toolchain {pin}: {INSTALL[channel].format(pin)}")
