# Reads an export with the parsers of Python, and compares it with the edges of `list --json`.
#
# Usage: compare.py FORMAT LIST.json EXPORT; prints how many edges are equal.

import base64
import csv
import datetime
import hashlib
import html.parser
import json
import re
import sys
import unicodedata
import xml.etree.ElementTree as ElementTree

FIELDS = ["type", "type_number", "confidence", "timestamp_ms", "source_oid", "target_oid", "commit", "commit_time", "standing"]
ATTRIBUTION = ["source", "author", "session", "flags", "lane"]


def raw(text):
    """The bytes of a text of `list --json`."""
    return bytes.fromhex(text["hex"]) if isinstance(text, dict) else text.encode()


def escaped(name):
    """What `list` prints for these bytes."""
    out = ""
    for c in name.decode("utf-8", "surrogateescape"):
        if "\udc80" <= c <= "\udcff":
            out += f"\\x{ord(c) - 0xDC00:02x}"
        elif c == "\\":
            out += "\\\\"
        elif ord(c) < 128 and unicodedata.category(c) == "Cc":
            out += f"\\x{ord(c):02x}"
        elif unicodedata.category(c) in ("Cc", "Cf") or c in "\u2028\u2029\ufffe\uffff":
            out += f"\\u{{{ord(c):x}}}"
        else:
            out += c
    return out


def exact(name, holds=lambda c: True):
    """The text of these bytes, with escapes if the format does not hold it."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return escaped(name)
    return text if all(map(holds, text)) else escaped(name)


def in_xml(c):
    return c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"


def marked(text, mark):
    """A cell that no spreadsheet takes for a formula."""
    return mark + text if text[:1] in tuple("=+-@\t\r\n'") else text


def plain(value):
    is_whole = isinstance(value, float) and value.is_integer()
    return "" if value is None else str(int(value) if is_whole else value)


def time_ms(edge):
    """When the edge was recorded: the C tool's hook wrote seconds, and some edges have no time."""
    time = edge["timestamp_ms"]
    if time == 0:
        return int(datetime.datetime.fromisoformat(edge["commit_time"]).timestamp()) * 1000
    legacy = edge["legacy_source_oid"] + edge["legacy_target_oid"]
    is_of_hook = (edge["type_number"], edge["confidence_stored"], edge["attribution"]) == (4, 100, None)
    return time * 1000 if is_of_hook and not legacy.strip("0") and time < 10**11 else time


def row(edge, path, text):
    """An edge as the export should have it."""
    who = edge["attribution"] or {}
    ends = [path(raw(edge[f"{end}_path"]) or edge[f"{end}_oid"].encode()) for end in ("source", "target")]
    fields = {name: plain(edge[name]) for name in FIELDS}
    fields |= {name: text(raw(plain(who.get(name)) if name not in ("author", "session") else who.get(name, ""))) for name in ATTRIBUTION}
    fields |= {name: text(raw(edge[name] or "")) for name in ("ulid", "commit_author")}
    return (*ends, fields)


def of_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, strict=True))
    names = rows[0][2:]
    return [(row[0], row[1], dict(zip(names, row[2:], strict=True))) for row in rows[1:]]


def of_graphml(path):
    space = "{http://graphml.graphdrawing.org/xmlns}"
    root = ElementTree.parse(path).getroot()
    names = {key.get("id"): key.get("attr.name") for key in root.iter(space + "key")}
    data = lambda of: {names[data.get("key")]: data.text or "" for data in of.iter(space + "data")}
    nodes = {}
    for node in root.iter(space + "node"):
        assert node.get("id") not in nodes, "declared once"
        nodes[node.get("id")] = data(node)["label"]
    assert len(set(nodes.values())) == len(nodes)
    return [(nodes[edge.get("source")], nodes[edge.get("target")], data(edge)) for edge in root.iter(space + "edge")]


def of_dot(path):
    quoted = r'"((?:[^"\\]|\\["\\])*)"'
    plain = lambda text: re.sub(r'\\(["\\])', r"\1", text).replace("&amp;", "&")
    lines = open(path, encoding="utf-8", newline="\n").read().split("\n")
    assert re.fullmatch(f"digraph {quoted} {{", lines[0]) and lines[-2:] == ["}", ""], lines[0]
    edges = []
    for line in lines[2:-2]:
        source, target, rest = re.fullmatch(rf"  {quoted} -> {quoted} \[(.*)\];", line).groups()
        edges.append((plain(source), plain(target), {name: plain(text) for name, text in re.findall(f"([a-z_]+)={quoted}", rest)}))
    return edges


def of_mermaid(path):
    lines = open(path, encoding="utf-8", newline="\n").read().split("\n")
    assert lines[0] == "flowchart LR" and lines[-1] == ""
    nodes, edges = {}, []
    decoded = lambda label: re.sub("#([0-9]+);", lambda code: chr(int(code[1])), label)

    def end(text):
        name, label = re.fullmatch(r'(n[0-9]+)(?:\["([^"\]\[|<>&`\\]*)"\])?', text).groups()
        assert (label is None) == (name in nodes), "declared once, before it is used"
        nodes.setdefault(name, decoded(label or ""))
        return nodes[name]

    for line in lines[1:-1]:
        source, arrow, kind, target = re.fullmatch(r"  (\S+?(?:\[\".*?\"\])?) (-->|-\.->)\|([a-z_]+)\| (.*)", line).groups()
        edges.append((end(source), end(target), {"type": kind, "is_live": arrow == "-->"}))
    return edges


class Page(html.parser.HTMLParser):
    """The content of scripts and styles, by their attributes, and everything that names an address."""

    def __init__(self):
        super().__init__()
        self.content, self.tags = {}, []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        self.tags.append((f"/{tag}", {}))

    def handle_data(self, data):
        tag, attributes = (self.tags or [("", {})])[-1]
        if tag in ("script", "style"):
            key = attributes.get("id", tag)
            self.content[key] = self.content.get(key, "") + data


def of_html(path):
    page = Page()
    page.feed(open(path, encoding="utf-8", newline="\n").read())
    page.close()
    assert [tag for tag, _ in page.tags].count("script") == 2, "no name is markup"
    assert not any({"src", "href", "style"} & set(attributes) for _, attributes in page.tags)
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.content[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    data = json.loads(page.content["data"])
    texts = [data["nodes"], data["types"], data["authors"]]
    assert all(len(set(numbered)) == len(numbered) for numbered in texts)
    nodes, types, authors = texts
    return [(nodes[source], nodes[target], {"type": types[kind].split(" ")[0], "author": authors[author],
             "confidence": plain(round(confidence, 4)), "timestamp_ms": plain(time), "standing": standing or "live"})
            for source, target, kind, author, confidence, time, standing in data["edges"]]


def main(format, list_path, path):
    listed = json.load(open(list_path, encoding="utf-8"))["edges"]
    if format == "jsonl":
        found = [json.loads(line) for line in open(path, encoding="utf-8", newline="\n")]
        assert found == listed
    elif format == "csv":
        found = of_csv(path)
        cell = lambda mark: lambda name: marked(exact(name), mark)
        expected = [row(edge, cell("./"), cell("'")) for edge in listed]
    elif format == "graphml":
        found = of_graphml(path)
        expected = [row(edge, lambda name: exact(name, in_xml), lambda name: exact(name, in_xml)) for edge in listed]
    elif format == "dot":
        found = of_dot(path)
        name = lambda name: "./" * name.startswith(b"%") + escaped(name)
        expected = [row(edge, name, name) for edge in listed]
    elif format == "html":
        found = of_html(path)
        expected = [row(edge, escaped, escaped) for edge in listed]
        expected = [(source, target, {"type": fields["type"], "standing": fields["standing"],
                     "author": fields["author"] or re.search("<(.*)>$", fields["commit_author"])[1],
                     "timestamp_ms": plain(time_ms(edge)), "confidence": plain(round(edge["confidence"], 4))})
                    for edge, (source, target, fields) in zip(listed, expected)]
    else:
        found = of_mermaid(path)
        expected = [(source, target, {"type": fields["type"], "is_live": fields["standing"] == "live"}) for source, target, fields in (row(edge, escaped, escaped) for edge in listed)]
    if format != "jsonl":
        assert len(found) == len(expected), (len(found), len(expected))
        for ours, model in zip(found, expected):
            assert ours[:2] == model[:2], (ours[:2], model[:2])
            for name, value in model[2].items():
                assert ours[2].get(name, "") == value, (name, ours[2].get(name), value)
    print(len(found))


main(*sys.argv[1:])
