# Figures of benchmarks: a page names an environment that a table has, a number that is a link to a
# section of the page of benchmarks is in that section, and the release notes copy its figures.

import re

import links
import pages

PAGE = "docs/benchmarks.md"
HASH = r"(?<![\w-])[0-9a-f]{16}(?![\w-])"
HEADER = ["table", "row", "column", "figure", "environment"]


def cells_of(line):
    """The cells of a table's row; none of another line."""
    return [cell.strip() for cell in line.strip("| ").split("|")] if line.startswith("|") else []


def tables(tree):
    """The parts that the harness writes: their environments and lines by their names."""
    written = r"<!-- ([^>]*): begin -->\nEnvironment `([0-9a-f]{16})`:(.*?)<!-- \1: end -->"
    found = re.findall(written, tree.pages[PAGE].text, re.DOTALL)
    return {name: (digest, body.splitlines()) for name, digest, body in found}


def figures(lines, row, column):
    """The cells of `column` of the rows whose first cells are `row`."""
    header = []
    for line in lines:
        cells = cells_of(line)
        if not cells:
            header = []
        elif not header:
            header = cells
        elif row in (", ".join(cells[:size]) for size in range(1, len(cells))):
            yield from (cell for name, cell in zip(header, cells) if name == column)


def sections(tree):
    """The figures of each section of the page of benchmarks, by its anchor."""
    found, anchor = {}, ""
    for line in tree.pages[PAGE].text.splitlines():
        if line.startswith("#"):
            anchor = pages.anchor_of(line)
        found.setdefault(anchor, set()).update(re.findall(r"\d[\d.]*\d|\d", line))
    return found


def linked(tree):
    """Numbers that lead to a section which does not have them."""
    there = sections(tree)
    for page in tree.pages.values():
        for line, text in page.prose:
            for number, target in re.findall(r"\[(\d[\d.]*)\]\(([^)\s]+)\)", text):
                path, anchor = links.target_of(page, target)
                if path == PAGE and number not in there.get(anchor, set()):
                    yield page.path, line, f"{PAGE}#{anchor} does not have the figure {number}"


def check(tree):
    yield from linked(tree)
    measured = tables(tree)
    known = {digest for digest, _ in measured.values()}
    for page in tree.pages.values():
        if not page.is_record:
            for line, text in enumerate(page.text.splitlines(), 1):
                for digest in sorted(set(re.findall(HASH, text)) - known):
                    yield page.path, line, f"no table of {PAGE} has the environment {digest}"
    (notes,) = (page for page in tree.pages.values()
                if page.path.startswith("docs/release-notes/") and not page.is_record)
    rows = [(line, cells_of(text)) for line, text in notes.prose]
    starts = [index for index, (_, cells) in enumerate(rows) if cells == HEADER]
    if not starts:
        yield notes.path, 1, f"it has no table of {', '.join(HEADER)} with figures of {PAGE}"
    for start in starts:
        for line, cells in rows[start + 2:]:
            if len(cells) != len(HEADER):
                break
            name, row, column, figure, environment = cells
            digest, lines = measured.get(name, ("", []))
            there = list(figures(lines, row, column))
            if figure not in there or environment != f"`{digest}`":
                has = f"{' or '.join(there) or 'no such figure'}, environment `{digest}`"
                yield notes.path, line, f"{PAGE}, {name}, {row}, {column} has {has}"
