# archive.py NAME CREATED CONFIG ROOT OUTPUT: packs the directory ROOT as an image of one layer.
"""The format is `docker save`'s (image specification 1.2): a layer, a configuration named by its
own SHA-256, and manifest.json. Equal input gives equal bytes: names are sorted, dates and owners
fixed.
"""

import hashlib
import io
import json
import pathlib
import platform
import stat
import sys
import tarfile

# What the image specification calls the machines that Python names.
ARCHITECTURES = {"aarch64": "arm64", "x86_64": "amd64"}


def member(name, mode=0o644, size=0, kind=tarfile.REGTYPE, link=""):
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size, entry.type, entry.linkname, entry.mtime = mode, size, kind, link, 1
    return entry


def write_layer(root, output):
    with tarfile.open(output, "w", format=tarfile.GNU_FORMAT) as layer:
        for path in sorted(root.rglob("*")):
            name, status = str(path.relative_to(root)), path.lstat()
            mode = stat.S_IMODE(status.st_mode)
            if path.is_symlink():
                layer.addfile(member(name, 0o777, kind=tarfile.SYMTYPE, link=str(path.readlink())))
            elif path.is_dir():
                layer.addfile(member(name, mode, kind=tarfile.DIRTYPE))
            else:
                with path.open("rb") as content:
                    layer.addfile(member(name, mode, status.st_size), content)


def main(name, created, config, root, output):
    layer = pathlib.Path(f"{output}.layer")
    write_layer(pathlib.Path(root), layer)
    with layer.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    description = json.dumps({
        "architecture": ARCHITECTURES[platform.machine()], "os": "linux", "created": created,
        "config": json.loads(config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": created}],
    }, sort_keys=True).encode()
    identity = hashlib.sha256(description).hexdigest()
    manifest = json.dumps([{"Config": f"{identity}.json", "RepoTags": [f"{name}:{identity[:12]}"],
                            "Layers": [f"{digest}/layer.tar"]}]).encode()
    with tarfile.open(output, "w", format=tarfile.GNU_FORMAT) as archive:
        for file, content in ((f"{identity}.json", description), ("manifest.json", manifest)):
            archive.addfile(member(file, size=len(content)), io.BytesIO(content))
        with layer.open("rb") as content:
            archive.addfile(member(f"{digest}/layer.tar", size=layer.stat().st_size), content)
    layer.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
