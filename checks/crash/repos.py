# Repositories to do things to, and what must be true of them whatever was done.

import os
import pathlib
import re
import shutil
import subprocess

JOURNAL, CACHE = "refs/gitmind/edges/main", "refs/gitmind/cache/main"
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b", "LC_ALL": "C", "TZ": "UTC",
}
# Edges of an import that do not fit one commit.
MANY = 900


def undated(lines):
    """The lines of `list` or `query` without their times: two runs append in different minutes."""
    return re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "DATE", lines)


class Broken(Exception):
    """What must not be."""


class Operation:
    """A command of the program on a repository that `prepare` has made."""

    def __init__(self, name, arguments, start, variables=None):
        self.name, self.arguments, self.start = name, arguments, start
        self.variables = variables or {}
        self.is_append = arguments[0] in ("link", "import", "merge")
        # A merge of what was merged adds nothing.
        self.is_done_once = arguments[0] == "merge"
        self.is_query = arguments[0] in ("list", "query")


OPERATIONS = [
    Operation("full rebuild", ["cache-rebuild", "--threads", "2"], "journal"),
    Operation("incremental rebuild", ["cache-rebuild", "--threads", "2"], "behind"),
    Operation("spilling rebuild", ["cache-rebuild", "--force", "--threads", "2"], "behind",
              {"GM_ARENA_HINT_CACHE_REBUILD": "4096", "GM_ARENA_CAP_CACHE_REBUILD": "32768"}),
    Operation("link", ["link", "a", "b"], "cached"),
    Operation("import", ["import", "../many.jsonl"], "cached"),
    Operation("merge", ["merge", "other"], "cached"),
    Operation("list", ["list"], "cached"),
    Operation("query", ["query", "--from", "a"], "cached"),
]


def link_object(file, new):
    """Copies a file of a repository, but for an object, which gets another name."""
    (os.link if "/.git/objects/" in file else shutil.copy2)(file, new)


class Bench:
    """The directory of a run: repositories that operations start from, copied for each use."""

    def __init__(self, program, directory):
        self.program, self.directory = str(pathlib.Path(program).resolve()), pathlib.Path(directory)
        files = [f"f{number}" for number in range(40)]
        ends = [(files[n * 7 % 40], files[n * 3 % 40]) for n in range(600)]
        line = '{{"source_path": "{}", "target_path": "{}"}}\n'
        for name, count in (("first", 400), ("many", MANY)):
            text = "".join(line.format(*ends[n % 600]) for n in range(count))
            (self.directory / f"{name}.jsonl").write_text(text)
        work = self.directory / "journal"
        self.git(self.directory, "init", "-q", "-b", "main", "--template=", "journal")
        for name in ["a", "b", *files]:
            (work / name).write_text(name)
        self.git(work, "add", ".")
        self.git(work, "commit", "-q", "-m", "files")
        # Nothing reads them, and each copy would have them.
        for name in ["a", "b", *files]:
            (work / name).unlink()
        self.mind(work, "import", "../first.jsonl")
        self.mind(work, "link", "a", "f1")
        self.mind(work, "link", "b", "f3", "--branch", "other")
        for start in ("behind", "cached"):
            shutil.copytree(work, self.directory / start, symlinks=True)
            self.mind(self.directory / start, "cache-rebuild")
        self.mind(self.directory / "behind", "link", "b", "f2")
        # Without loose objects, so that one that is written needs a directory of its own.
        for start in ("behind", "cached"):
            self.git(self.directory / start, "repack", "-qad")

    def environment(self, home, operation=None):
        more = operation.variables if operation else {}
        return {**ENVIRONMENT, "HOME": str(home), **more}

    def git(self, directory, *arguments):
        return self.finish(directory, ["git", *arguments], ENVIRONMENT)

    def mind(self, directory, *arguments, operation=None):
        home = pathlib.Path(f"{directory}.home")
        home.mkdir(exist_ok=True)
        environment = self.environment(home, operation)
        return self.finish(directory, [self.program, *arguments], environment)

    def finish(self, directory, command, environment):
        ran = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
        if ran.returncode:
            raise Broken(f"{' '.join(command[:3])}: exit code {ran.returncode}: {ran.stderr.strip()}")
        return ran.stdout

    def copy(self, operation, name, state=""):
        """A fresh repository for an operation; `state` is what else was done to what it starts from.

        Objects are hard links: nothing writes to one, and what damages one makes a file of its own.
        """
        directory = self.directory / name
        for old in (directory, pathlib.Path(f"{directory}.home")):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(self.directory / (operation.start + state), directory, symlinks=True,
                        copy_function=link_object)
        pathlib.Path(f"{directory}.home").mkdir()
        return directory

    def state(self, directory):
        """What a user sees: the edges, and the cache as its files."""
        edges = undated(self.mind(directory, "list")).splitlines()
        return edges[:-1], self.cache(directory)

    def cache(self, directory):
        # Nothing packs refs here.
        has_cache = os.path.exists(f"{directory}/.git/{CACHE}")
        files = self.git(directory, "ls-tree", "-r", "-t", CACHE) if has_cache else ""
        # The metadata has the name of the tip, and an append dates its commit.
        return [line for line in files.splitlines() if not line.endswith("\tmeta")]

    def has_cache(self, directory, files):
        """Whether the cache has these files, by git."""
        try:
            return self.cache(directory) == files
        except Broken:
            return False

    def answers(self, directory, is_sound=True):
        """What queries say of some files; None where a damaged journal lets them say nothing."""
        try:
            answers = [self.mind(directory, "query", "--from", name) for name in ("a", "b", "f1", "f21")]
            return [undated(answer) for answer in answers]
        except Broken:
            if is_sound:
                raise
            return None

    def refs(self, directory):
        return self.git(directory, "for-each-ref")

    def check_sound(self, directory):
        problems = self.git(directory, "fsck", "--strict", "--full", "--no-dangling", "--no-progress")
        if problems:
            raise Broken(f"git fsck --strict: {problems}")

    def left(self, directory):
        """Locks, temporary files and what keeps a pack of ours, where they are there."""
        found = []
        for path in [*pathlib.Path(directory, ".git").rglob("*"), *pathlib.Path(f"{directory}.home").rglob("*")]:
            below_home = f"{directory}.home/.gitmind/" in str(path) and path.parent.parent.name == ".gitmind"
            is_lock = path.name.endswith((".lock", ".keep"))
            if is_lock or path.name.startswith("tmp_") or below_home:
                found.append(str(path.relative_to(self.directory)))
        return sorted(found)
