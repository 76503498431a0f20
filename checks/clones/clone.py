# A clone on the disk, with git and the program run in it.

import json
import os
import subprocess

from model import Broken

JOURNAL, CACHE = "refs/gitmind/edges/main", "refs/gitmind/cache/main"
FETCHED = "refs/gitmind/remotes/{}/edges/main"


class Clone:
    """A clone with files, or the server."""

    def __init__(self, name, path, program, files=()):
        self.name, self.path, self.program, self.has_hooks = name, path, program, False
        self.files = list(files)
        self.time = 1_700_000_000
        path.mkdir()

    def environment(self):
        who = {f"GIT_{who}_{field}": text for who in ("AUTHOR", "COMMITTER")
               for field, text in (("NAME", self.name), ("EMAIL", f"{self.name}@example.org"),
                                   ("DATE", f"@{self.time} +0000"))}
        # The hooks find the program where git does.
        path = f"{self.program.parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.path.parent), "GIT_CONFIG_NOSYSTEM": "1",
                "LC_ALL": "C", "TZ": "UTC", **who}

    def start(self, *command):
        return subprocess.Popen(command, cwd=self.path, env=self.environment(), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def finish(self, process, may_fail=False):
        """What a process printed; `None` when it failed and may fail."""
        out, error = process.communicate(timeout=600)
        if process.returncode == 0:
            return out
        if may_fail and process.returncode == 1:
            return None
        raise Broken(f"{self.name}: {process.args} ends with {process.returncode}: {out}{error}")

    def git(self, *arguments):
        return self.finish(self.start("git", *arguments)).strip()

    def mind(self, *arguments, may_fail=False):
        return self.finish(self.start(str(self.program), *arguments), may_fail)

    def json(self, *arguments, may_fail=False):
        out = self.mind(*arguments, "--json", may_fail=may_fail)
        return None if out is None else json.loads(out)

    def resolve(self, name):
        return self.git("for-each-ref", "--format=%(objectname)", name)

    def history(self):
        """The parents of each commit of the journal, and its tip; nothing without a journal."""
        tip = self.resolve(JOURNAL)
        lines = self.git("rev-list", "--parents", tip).splitlines() if tip else []
        return {line.split()[0]: line.split()[1:] for line in lines}, tip

    def tree(self, commit="HEAD"):
        """The content of each path of a commit."""
        lines = self.git("ls-tree", "-r", commit).splitlines()
        return {line.split("\t")[1]: line.split()[2] for line in lines}

    def changes(self, old, new):
        """The files that have another content or name: old content and path, new ones."""
        for line in self.git("diff-tree", "-r", "-M", old, new).splitlines():
            (_, _, before, after, status), *paths = (line.split("\t")[0].split(),
                                                     *line.split("\t")[1:])
            if status[0] in "MR":
                yield before, paths[0], after, paths[-1]

    def write(self, path, text):
        (self.path / path).write_text(text)

    def commit(self, *arguments):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change", *arguments)
