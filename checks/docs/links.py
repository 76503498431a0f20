# Links resolve, every page can be reached from README, and the index lists every decision.

import pathlib
import posixpath

INDEX = "docs/decisions/README.md"


def target_of(page, link):
    """The path from the top and the anchor that a link of a page leads to."""
    path, _, anchor = link.partition("#")
    directory = posixpath.dirname(page.path)
    return (posixpath.normpath(posixpath.join(directory, path)) if path else page.path), anchor


def titles(tree):
    """The lines of the index: a link to each decision, by its title."""
    directory = pathlib.Path(INDEX).parent
    for path, page in tree.pages.items():
        if pathlib.Path(path).parent == directory and path != INDEX:
            title = page.text.splitlines()[0].removeprefix("# ")
            yield f"- [{title}]({pathlib.Path(path).name})"


def write_index(tree):
    """Writes the lines of the index below what stands before them."""
    intro = tree.pages[INDEX].text.split("- [")[0]
    (tree.top / INDEX).write_text(intro + "\n".join(titles(tree)) + "\n", encoding="utf-8")


def check(tree):
    for page in tree.pages.values():
        for line, link in page.links():
            if "://" in link or link.startswith("mailto:"):
                continue
            path, anchor = target_of(page, link)
            if path not in tree:
                yield page.path, line, f"the link leads to {path}, which does not exist"
            elif anchor and path in tree.pages and anchor not in tree.pages[path].anchors:
                yield page.path, line, f"{path} has no heading #{anchor}"
    yield from unreached(tree)
    yield from decisions(tree)


def unreached(tree):
    """Pages that no chain of links from README leads to."""
    seen, unseen = set(), ["README.md"]
    while unseen:
        page = tree.pages[unseen.pop()]
        seen.add(page.path)
        paths = {target_of(page, link)[0] for _, link in page.links()}
        unseen += [path for path in paths if path in tree.pages and path not in seen]
    for path in sorted(set(tree.pages) - seen):
        yield path, 1, "no link from README.md leads here: link it from a page that is read before"


def decisions(tree):
    """The index has each decision by its title."""
    lines = tree.pages[INDEX].text.splitlines()
    for row in titles(tree):
        if row not in lines:
            yield INDEX, 1, f"it has no line `{row}`; run: checks/docs/check --write"
