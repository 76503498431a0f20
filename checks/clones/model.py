# The plain model of journals: which edges each commit has, and which of a journal's edges count.

import collections

AUGMENTS = "augments"
FIELDS = "source target type source_path target_path ulid is_tombstone"
Edge = collections.namedtuple("Edge", FIELDS)


class Broken(Exception):
    """What must not be."""


def edge_of(document):
    """An edge as the program prints it."""
    fields = ["source_oid", "target_oid", "type", "source_path", "target_path", "ulid"]
    return Edge(*(document[field] for field in fields), document["attribution"]["flags"] & 4 != 0)


def key(edge):
    """What makes edges equal."""
    return edge.source, edge.target, edge.type


def post_order(parents, tip):
    """The commits of `tip`, each after its parents, which are taken in their order."""
    order, seen, left = [], set(), [(tip, False)]
    while left:
        commit, is_done = left.pop()
        if is_done:
            order.append(commit)
        elif commit not in seen:
            seen.add(commit)
            left.append((commit, True))
            left.extend((parent, False) for parent in reversed(parents[commit]))
    return order


class Model:
    """The edges of all clones."""

    def __init__(self):
        # The edges of each commit, in their order; commits without edges are not in it.
        self.edges = {}
        # The commits with edges that each journal must have.
        self.commits = collections.defaultdict(set)
        # The names that a file has had, as sets.
        self.names = {}

    def add(self, clone, commit, edge):
        self.edges.setdefault(commit, []).append(edge)
        self.commits[clone].add(commit)

    def renamed(self, old, new):
        names = self.names_of(old) | self.names_of(new)
        self.names.update(dict.fromkeys(names, names))

    def names_of(self, path):
        return self.names.get(path, {path})

    def standings(self, parents, tip):
        """Each edge of a journal, the newest first, with its commit and whether it counts."""
        revoked = set()
        for commit in reversed(post_order(parents, tip)):
            for edge in reversed(self.edges.get(commit, [])):
                if edge.is_tombstone:
                    revoked.add(key(edge))
                    yield commit, edge, "tombstone"
                else:
                    yield commit, edge, "taken_back" if key(edge) in revoked else "live"
