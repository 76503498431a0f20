# Damages a repository, and runs the program on it: an error or the right result, never a panic.

import os
import pathlib
import random
import shutil
import struct
import subprocess

import repos

SHORT, LONG = 2, 200
ERROR, DONE = "an error, refs unchanged", "it is appended"
RIGHT = "the right result"
KEPT = "a damaged file that it does not read stays, and queries do not use it"


def packs(directory, suffix):
    return sorted(pathlib.Path(directory, ".git/objects/pack").glob(f"*.{suffix}"))


# What is done to the repositories that operations start from, once for all faults.
PACKED, LOOSE = "-packed", "-loose"


def prepare(bench):
    """Makes each repository that an operation starts from once more: packed, and unpacked."""
    for start in {operation.start for operation in repos.OPERATIONS}:
        packed, loose = (bench.directory / (start + state) for state in (PACKED, LOOSE))
        for directory in (packed, loose):
            shutil.copytree(bench.directory / start, directory, symlinks=True)
        bench.git(packed, "-c", "pack.writeReverseIndex=true", "repack", "-qadf")
        bench.git(packed, "commit-graph", "write", "--reachable")
        for pack in packs(loose, "pack"):
            content = pack.read_bytes()
            for old in pack.parent.glob(f"{pack.stem}.*"):
                old.unlink()
            subprocess.run(["git", "unpack-objects", "-q"], cwd=loose, input=content,
                           env=repos.ENVIRONMENT, check=True)


def flip(path, chance):
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    rewrite(path, bytes(content))


def cut(path, chance):
    rewrite(path, path.read_bytes()[:chance.randrange(path.stat().st_size)])


def rewrite(path, content):
    # It has another name in the repository that this one was copied from.
    path.unlink()
    path.write_bytes(content)


def of_pack(change, suffix):
    def harm(bench, directory, chance):
        if suffix == "graph":
            change(pathlib.Path(directory, ".git/objects/info/commit-graph"), chance)
        else:
            change(packs(directory, suffix)[0], chance)
    return harm


def loose_object(change):
    """Harms an object that the journal or the cache needs."""
    def harm(bench, directory, chance):
        objects = sorted(pathlib.Path(directory, ".git/objects").glob("??/*"))
        change(chance.choice(objects), chance)
    return harm


def remove(path, _):
    path.unlink()


def cache_names(kind):
    def harm(bench, directory, chance):
        target = {"blob": "HEAD:a", "tree": "HEAD^{tree}"}[kind]
        # `git update-ref` would not do it.
        path = pathlib.Path(directory, ".git", repos.CACHE)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(bench.git(directory, "rev-parse", target))
    return harm


def emptied(name):
    def harm(bench, directory, chance):
        path = pathlib.Path(directory, ".git", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return harm


def put(bench, directory, kind, content):
    made = subprocess.run(["git", "hash-object", "-w", "-t", kind, "--literally", "--stdin"],
                          cwd=directory, env=repos.ENVIRONMENT, input=content, capture_output=True,
                          check=True)
    return made.stdout.decode().strip()


def with_file(choose, change):
    """A cache in which a file is changed, and all names above it are right."""
    def harm(bench, directory, chance):
        tip = bench.git(directory, "for-each-ref", "--format=%(objectname)", repos.CACHE).strip()
        if not tip:
            return False
        names = bench.git(directory, "ls-tree", "-r", "--name-only", tip).splitlines()
        path = chance.choice([name for name in names if choose(name)])
        blob = subprocess.run(["git", "cat-file", "blob", f"{tip}:{path}"], cwd=directory,
                              env=repos.ENVIRONMENT, capture_output=True, check=True).stdout
        new = put(bench, directory, "blob", change(blob, chance))
        index = {**repos.ENVIRONMENT, "GIT_INDEX_FILE": str(directory / ".git/other-index")}
        for command in (["read-tree", tip],
                        ["update-index", "--cacheinfo", f"100644,{new},{path}"]):
            subprocess.run(["git", *command], cwd=directory, env=index, check=True)
        tree = subprocess.run(["git", "write-tree"], cwd=directory, env=index, check=True,
                              capture_output=True, text=True).stdout.strip()
        message = bench.git(directory, "log", "-1", "--format=%B", tip)
        commit = bench.git(directory, "commit-tree", tree, "-m", message).strip()
        bench.git(directory, "update-ref", repos.CACHE, commit)
        return True
    return harm


def claim(blob, _):
    """A bitmap with one container that says that it has 2^31 ids and more."""
    return blob[:16] + struct.pack("<I", 0x8000_0001) + blob[20:]


def wrong_tree(_bench, directory, chance):
    """A root tree whose entries are cut, unsorted or of no mode."""
    tip = _bench.git(directory, "for-each-ref", "--format=%(objectname)", repos.CACHE).strip()
    if not tip:
        return False
    tree = subprocess.run(["git", "cat-file", "tree", f"{tip}^{{tree}}"], cwd=directory,
                          env=repos.ENVIRONMENT, capture_output=True, check=True).stdout
    bad = [tree[:-7], tree[5:], tree.replace(b"40000 ", b"49999 ", 1),
           b"49999 \0" + tree[-20:] + tree, tree + tree][chance.randrange(5)]
    made = put(_bench, directory, "tree", bad)
    commit = put(_bench, directory, "commit", f"tree {made}\nauthor a <a@b> 1 +0000\n"
                 "committer a <a@b> 1 +0000\n\nCache\n".encode())
    pathlib.Path(directory, ".git", repos.CACHE).write_text(f"{commit}\n")
    return True


def future(blob, _):
    lines = blob.split(b"\n")
    lines[0] = lines[0].rstrip(b"0123456789") + b"999"
    return b"\n".join(lines)


def flipped(blob, chance):
    content = bytearray(blob)
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


ALL = (ERROR, RIGHT, KEPT, DONE)
FAULTS = {
    "a pack is cut": (of_pack(cut, "pack"), ALL),
    "a pack has a flipped bit": (of_pack(flip, "pack"), ALL),
    "a pack's index is cut": (of_pack(cut, "idx"), ALL),
    "a pack's index has a flipped bit": (of_pack(flip, "idx"), ALL),
    "a pack's reverse index is cut": (of_pack(cut, "rev"), (RIGHT, DONE)),
    "a pack's reverse index has a flipped bit": (of_pack(flip, "rev"), (RIGHT, DONE)),
    "the commit graph is cut": (of_pack(cut, "graph"), (RIGHT, DONE)),
    "the commit graph has a flipped bit": (of_pack(flip, "graph"), (RIGHT, DONE)),
    "a loose object is cut": (loose_object(cut), ALL),
    "a loose object has a flipped bit": (loose_object(flip), ALL),
    "a loose object is missing": (loose_object(remove), ALL),
    "the cache's ref names a blob": (cache_names("blob"), (RIGHT, DONE)),
    "the cache's ref names a tree": (cache_names("tree"), (RIGHT, DONE)),
    "the file of the cache's ref is empty": (emptied(repos.CACHE), (ERROR, RIGHT, DONE)),
    "the file of the journal's ref is empty": (emptied(repos.JOURNAL), (ERROR,)),
    "the cache's root tree has wrong entries": (wrong_tree, (RIGHT, DONE)),
    "a bitmap claims 2^31 ids": (with_file(lambda name: name.endswith("ward"), claim), (RIGHT, KEPT, DONE)),
    "the cache's metadata is of a future version": (
        with_file(lambda name: name == "meta", future), (RIGHT, DONE)),
    "the cache's metadata has a flipped bit": (
        with_file(lambda name: name == "meta", flipped), (RIGHT, KEPT, DONE)),
    "the commit index has a flipped bit": (
        with_file(lambda name: name.startswith("commits/"), flipped), (RIGHT, KEPT, DONE)),
}


def shown(operation, allowed):
    """Those outcomes that an operation can have."""
    unfit = {DONE} if not operation.is_append else {RIGHT}
    if not operation.name.startswith("incremental"):
        unfit |= {KEPT}
    return ", or ".join(one for one in allowed if one not in unfit)


def harm(bench, operation, expected, fault, turn):
    """Does a fault to a repository; returns what became of the operation, if it can be done."""
    chance = random.Random(f"{operation.name} {fault} {turn}")
    name = f"harmed-{os.getpid()}"
    change, allowed = FAULTS[fault]
    directory = bench.copy(operation, name, LOOSE if fault.startswith("a loose object") else PACKED)
    if change(bench, directory, chance) is False:
        return None
    refs = {path: path.read_bytes() for path in pathlib.Path(directory, ".git/refs").rglob("*")
            if path.is_file()}
    ran = subprocess.run([bench.program, *operation.arguments], cwd=directory, capture_output=True,
                         text=True, errors="replace", timeout=60,
                         env=bench.environment(f"{directory}.home", operation))
    try:
        if ran.returncode not in (0, 1) or "panicked" in ran.stderr:
            raise repos.Broken(f"exit code {ran.returncode}")
        if ran.returncode:
            now = {path: path.read_bytes() for path in pathlib.Path(directory, ".git/refs").rglob("*")
                   if path.is_file()}
            if now != refs or not ran.stderr.startswith("git-mind: error: "):
                raise repos.Broken("an error that changed a ref, or has no name")
            return ERROR
        if operation.is_append:
            return DONE
        if operation.is_query:
            if ran.stdout != expected.said:
                raise repos.Broken("another answer")
        elif not bench.has_cache(directory, expected.new[1]):
            if KEPT not in allowed or not operation.name.startswith("incremental"):
                raise repos.Broken("another cache")
            if bench.answers(directory, is_sound=False) not in (expected.answers, None):
                raise repos.Broken("another answer after the update")
            return KEPT
        return RIGHT
    except repos.Broken as broken:
        raise repos.Broken(f"{operation.name}: {fault} ({turn}): {broken}: {ran.stderr.strip()}")
