# The layouts of one journal: the same edges, kept by git in different ways.
#
# Each function makes a bare repository at `path` from `plain`, the one that `git-mind fixture make`
# wrote. What is asserted of all of them is that a rebuild gives the same shards.

import pathlib
import random
import shutil
import subprocess

REF = "refs/gitmind/edges/main"


def git(path, *arguments, data=None):
    """Runs git in `path`; returns what it prints."""
    command = ["git", "-C", path, "-c", "pack.threads=1", *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def commits(plain):
    """The names of the journal's commits, newest first, a line each."""
    return git(plain, "rev-list", REF).splitlines(keepends=True)


def empty(plain, path):
    """A repository with the journal's ref and no commits yet."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path], check=True)
    tip = git(plain, "rev-parse", REF).decode()
    file = pathlib.Path(path, REF)
    file.parent.mkdir(parents=True)
    file.write_text(tip)


def pack(plain, path, names, *options):
    """Puts the commits `names` of `plain` into a pack of `path`."""
    target = pathlib.Path(path, "objects/pack/pack")
    git(plain, "pack-objects", "-q", *options, target, data=b"".join(names))


def loose(plain, path, names):
    """Puts the commits `names` of `plain` into files of their own."""
    content = git(plain, "pack-objects", "-q", "--stdout", data=b"".join(names))
    git(path, "unpack-objects", "-q", data=content)


def packed(plain, path):
    """One pack, newest first, as git writes it."""
    empty(plain, path)
    pack(plain, path, commits(plain), "--window=0")


def deltas(plain, path):
    """One pack with the deltas that git finds."""
    empty(plain, path)
    pack(plain, path, commits(plain), "--window=10", "--depth=50")


def many_packs(plain, path):
    """Ten packs, the newest commits in the newest one."""
    empty(plain, path)
    names = commits(plain)
    size = -(-len(names) // 10)
    for start in reversed(range(0, len(names), size)):
        pack(plain, path, names[start:start + size], "--window=0")


def multi_pack_index(plain, path):
    """Ten packs under one index."""
    many_packs(plain, path)
    git(path, "multi-pack-index", "write")


def with_code(plain, path):
    """One pack in which a third as many commits of code, with trees and files, come between."""
    shutil.copytree(plain, path)
    script = bytearray()
    for number in range(len(commits(plain)) // 3):
        text = f"version {number}\n".encode() * 20
        script += b"commit refs/heads/main\ncommitter a <a@b> %d +0000\ndata 4\ncode\n" % (
            1_700_000_000 + 3 * number)
        script += b"M 100644 inline src/file%d.c\ndata %d\n%s\n" % (number % 50, len(text), text)
    git(path, "fast-import", "--quiet", data=bytes(script))
    git(path, "-c", "pack.window=0", "repack", "-q", "-a", "-d", "-f")


def loose_on_top(plain, path):
    """One pack, and the newest twentieth as files."""
    empty(plain, path)
    names = commits(plain)
    newest = len(names) // 20
    pack(plain, path, names[newest:], "--window=0")
    loose(plain, path, names[:newest])


def all_loose(plain, path):
    """Every commit a file."""
    empty(plain, path)
    loose(plain, path, commits(plain))


def random_order(plain, path):
    """One pack in an order that has nothing to do with the journal's."""
    empty(plain, path)
    names = commits(plain)
    random.Random(1).shuffle(names)
    pack(plain, path, names, "--window=0")


def commit_graph(plain, path):
    """One pack and git's commit-graph."""
    packed(plain, path)
    git(path, "commit-graph", "write", "--reachable")


LAYOUTS = {
    function.__name__.replace("_", "-"): function
    for function in [packed, deltas, many_packs, multi_pack_index, with_code, loose_on_top,
                     all_loose, random_order, commit_graph]
}
