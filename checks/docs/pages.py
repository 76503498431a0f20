# The pages of the repository: headings, links, code and sessions of each.

import dataclasses
import functools
import os
import pathlib
import re
import tomllib

# What is in a checkout and not of the repository.
SKIPPED = {".git", "target", "result", "__pycache__"}


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block: the line of its fence, the word after that, and its lines."""

    line: int
    language: str
    lines: tuple


def anchor_of(heading):
    """The anchor of a heading, as GitHub makes it."""
    words = re.sub(r"^#+ |[`*]|\[|\]\([^)]*\)", "", heading).lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


class Page:
    """A Markdown file. Lines count from 1."""

    def __init__(self, path, text, is_record=False):
        self.path, self.text, self.is_record = path, text, is_record
        self.prose, self.blocks = [], []
        lines = enumerate(text.splitlines(), 1)
        for number, line in lines:
            if not line.startswith("```"):
                self.prose.append((number, line))
                continue
            body = []
            for _, inner in lines:
                if inner.startswith("```"):
                    break
                body.append(inner)
            self.blocks.append(Block(number, line[3:].strip(), tuple(body)))

    @functools.cached_property
    def anchors(self):
        """The anchors of the headings, as GitHub makes them."""
        found = {}
        for _, line in self.prose:
            if re.match(r"#+ ", line):
                slug = anchor_of(line)
                found[slug] = found.get(slug, -1) + 1
                if found[slug]:
                    found[f"{slug}-{found[slug]}"] = 0
        return set(found)

    def links(self):
        """The targets of links and pictures, with their lines."""
        for number, line in self.prose:
            for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                yield number, target

    def spans(self):
        """What stands in code style within lines."""
        for number, line in self.prose:
            for span in re.findall(r"`([^`]+)`", line.replace("\\|", "|")):
                yield number, span

    def named(self, noun):
        """What prose calls a `noun` in code style: the noun before the names, or after one."""
        text = "\n".join(line for _, line in self.prose)
        name = r"`([a-z][\w-]*)`"
        names = rf"\b{noun}s?\s+((?:{name}(?:,\s+(?:and\s+)?|\s+(?:and|or)\s+)?)+)|{name}\s+{noun}s?\b"
        for found in re.finditer(names, text, re.IGNORECASE):
            line = self.prose[text[:found.start()].count("\n")][0]
            yield from ((line, span) for span in re.findall(name, found[0]))

    def commands(self):
        """Everything that may be typed: code in lines, and shell lines of blocks."""
        yield from self.spans()
        for block in self.blocks:
            for number, line in enumerate(block.lines, block.line + 1):
                if block.language in ("sh", "yaml"):
                    yield number, line.split("#")[0] if line.startswith("#") else line
                elif block.language == "console" and line.startswith("$ "):
                    yield number, line[2:]

    def cells(self, column):
        """The words in code style of a column of the tables, with line and heading."""
        heading = ""
        for number, line in self.prose:
            if line.startswith("#"):
                heading = line.lstrip("#").strip()
            cells = line.replace("\\|", "¦").split("|")
            if line.startswith("|") and len(cells) > column:
                for word in re.findall(r"`([^`]+)`", cells[column]):
                    yield number, heading, word.replace("¦", "|")


class Tree:
    """The files below a directory, by their paths from there."""

    def __init__(self, top):
        self.top = pathlib.Path(top)
        self.files = set()
        for directory, directories, names in os.walk(self.top):
            directories[:] = [name for name in directories if name not in SKIPPED]
            inside = pathlib.Path(directory).relative_to(self.top)
            self.files |= {str(inside / name) for name in names}
        self.directories = {str(parent) for file in self.files for parent in pathlib.Path(file).parents}
        pages = sorted(file for file in self.files if file.endswith(".md"))
        # What was decided or released: what such a page names may be gone; its links may not.
        version = tomllib.loads(self.read("Cargo.toml"))["package"]["version"]
        current = {"docs/decisions/README.md", f"docs/release-notes/{version}.md"}
        records = ("docs/decisions/", "docs/release-notes/")
        is_record = {page: page.startswith(records) and page not in current for page in pages}
        self.pages = {page: Page(page, self.read(page), is_record[page]) for page in pages}

    def __contains__(self, path):
        return path in self.files or path in self.directories

    def read(self, path):
        return (self.top / path).read_text(encoding="utf-8")

    @functools.cached_property
    def sources(self):
        """The texts of all files but pages and planted faults, which name what is not there."""
        texts = {}
        for file in self.files - set(self.pages):
            if not file.startswith(("checks/planted/faults", "checks/docs/")):
                try:
                    texts[file] = self.read(file)
                except UnicodeDecodeError:
                    pass
        return texts
