# Reads the layers of an image into one tree, for docker/inspect and docker/inspect-ci. It writes
# nothing to a disk, so a name that leads outside of the tree does no harm; it is an error all the same.
#
# `python3 -m doctest` runs the examples.

import posixpath
import tarfile

LINKS_MAX = 40


class Unsafe(Exception):
    """A member that an image of ours does not have, or a link that leads outside."""


def normal(name):
    """The name of a member from the root of the image; nixpkgs writes absolute ones.

    >>> normal("/nix/store/x"), normal("./bin/git-mind"), normal("/")
    ('nix/store/x', 'bin/git-mind', '')
    >>> normal("bin/../../etc/passwd")
    Traceback (most recent call last):
    layers.Unsafe: bin/../../etc/passwd: a name with `..`
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Unsafe(f"{name}: a name with `..`")
    return "/".join(parts)


def add(tree, layer, is_read=lambda name: True):
    """Puts the members of an open layer over a tree of names.

    A directory stands for `dict`, a symbolic link for its target as `str`, a file for its `bytes`,
    which are none where it is not to be read.
    """
    for member in layer:
        name = normal(member.name)
        parents = name.split("/")[:-1]
        for end in range(1, len(parents) + 1):
            if not isinstance(tree.get("/".join(parents[:end]), {}), dict):
                raise Unsafe(f"{member.name}: {'/'.join(parents[:end])} is no directory")
        if member.isdir():
            if name and not isinstance(tree.setdefault(name, {}), dict):
                raise Unsafe(f"{member.name}: a directory over something else")
        elif not name:
            raise Unsafe(f"{member.name!r}: no name")
        elif member.issym():
            tree[name] = member.linkname
        elif member.islnk():
            target = tree.get(normal(member.linkname))
            if not isinstance(target, bytes):
                raise Unsafe(f"{member.name}: a hard link to {member.linkname}, which is no file here")
            tree[name] = target
        elif member.isfile():
            tree[name] = layer.extractfile(member).read() if is_read(name) else b""
        else:
            raise Unsafe(f"{member.name}: neither a file nor a directory nor a link")
    return tree


def resolve(tree, path):
    """The name that a path of the running image leads to, by way of links.

    >>> tree = {"bin": "/nix/store/x/bin", "nix/store/x/bin/mind": b"", "out": "../up", "a": "a"}
    >>> resolve(tree, "/bin/mind")
    'nix/store/x/bin/mind'
    >>> resolve(tree, "/out/passwd")
    Traceback (most recent call last):
    layers.Unsafe: /out/passwd: a link of it leads outside
    >>> resolve(tree, "/a")
    Traceback (most recent call last):
    layers.Unsafe: /a: too many links
    """
    done, left, links = [], path.split("/"), 0
    while left:
        part = left.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                raise Unsafe(f"{path}: a link of it leads outside")
            done.pop()
            continue
        target = tree.get("/".join([*done, part]))
        if not isinstance(target, str):
            done.append(part)
            continue
        links += 1
        if links > LINKS_MAX:
            raise Unsafe(f"{path}: too many links")
        done = [] if posixpath.isabs(target) else done
        left = target.split("/") + left
    return "/".join(done)


def files(tree):
    """The names of all files."""
    return sorted(name for name, what in tree.items() if isinstance(what, bytes))


def read(*members):
    """A tree of members given as name, type and link, for the examples.

    >>> read(("/bin/mind", tarfile.REGTYPE, ""), ("./link", tarfile.LNKTYPE, "/bin/mind"))
    {'bin/mind': b'', 'link': b''}
    >>> read(("etc", tarfile.SYMTYPE, "/etc"), ("etc/passwd", tarfile.REGTYPE, ""))
    Traceback (most recent call last):
    layers.Unsafe: etc/passwd: etc is no directory
    >>> read(("shadow", tarfile.LNKTYPE, "/etc/shadow"))
    Traceback (most recent call last):
    layers.Unsafe: shadow: a hard link to /etc/shadow, which is no file here
    >>> read(("dev/null", tarfile.CHRTYPE, ""))
    Traceback (most recent call last):
    layers.Unsafe: dev/null: neither a file nor a directory nor a link
    """
    import io

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as layer:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            layer.addfile(member)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as layer:
        return add({}, layer)
