# Pictures of a terminal: docs/NAME.svg shows what the commands of docs/NAME.sh print.

import html
import pathlib
import re

import links
import session

# The line of a script below which commands are shown.
SHOWN = "# Shown:"
# The picture's width does not depend on what varies, such as a number of milliseconds.
COLUMNS, ADVANCE, LEADING, MARGIN = 112, 8.4, 20, 16
STYLE = ("svg{background:#0d1117}text{font:14px ui-monospace,Menlo,Consolas,monospace;"
         "fill:#e6edf3;white-space:pre}.p{fill:#7d8590}.s1{font-weight:bold}.s2{fill:#7d8590}"
         ".s31{fill:#ff7b72}.s32{fill:#3fb950}.s33{fill:#d29922}.s34{fill:#58a6ff}"
         ".s35{fill:#bc8cff}.s36{fill:#39c5cf}.s90{fill:#7d8590}")


def spans(line):
    """A line of a terminal as text of SVG: a tspan for each part that has a style."""
    styles, parts = [], []
    for style, text in re.findall(r"\x1b\[([\d;]*)m|([^\x1b]+)", line):
        if text:
            classes = " ".join(f"s{number}" for number in styles)
            text = html.escape(text, quote=False)
            parts.append(f'<tspan class="{classes}">{text}</tspan>' if styles else text)
        else:
            numbers = [number for number in style.split(";") if number not in ("", "0", "22", "39")]
            styles = [*styles, *numbers] if numbers else []
    return "".join(parts)


def draw(title, rows):
    """The picture of rows of a terminal, a line of the file for each."""
    width, height = round(COLUMNS * ADVANCE) + 2 * MARGIN, len(rows) * LEADING + 2 * MARGIN
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
             f"<title>{html.escape(title, quote=False)}</title>", f"<style>{STYLE}</style>",
             f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>']
    lines += [f'<text x="{MARGIN}" y="{MARGIN + LEADING * number - 5}" xml:space="preserve">{row}'
              "</text>" for number, row in enumerate(rows, 1)]
    return "\n".join([*lines, "</svg>", ""])


def picture(script):
    """The picture of a script, whose first line says what it shows; and rows that are too long."""
    title, *commands = script.splitlines()
    hidden = commands.index(SHOWN)
    printed = session.outputs(commands, {"CLICOLOR_FORCE": "1"})
    rows, long = [], []
    for command, output in list(zip(commands, printed))[hidden + 1:]:
        plain = re.sub(r"\x1b\[[\d;]*m", "", output)
        long += [row for row in (f"$ {command}", *plain.splitlines()) if len(row) > COLUMNS]
        rows.append(f'<tspan class="p">$</tspan> {html.escape(command, quote=False)}')
        rows += map(spans, output.splitlines())
    return draw(title.removeprefix("# "), rows), long


def scripts(tree):
    """Each picture that a page shows and that has a script, with its page and line."""
    for path, page in tree.pages.items():
        for line, link in page.links():
            shown = links.target_of(page, link)[0]
            script = f"{shown.removesuffix('.svg')}.sh"
            if shown.endswith(".svg") and script in tree:
                yield path, line, shown, tree.read(script)


def check(tree, write=False):
    for path, line, shown, script in scripts(tree):
        new, long = picture(script)
        for row in long:
            yield path, line, f"{shown} has a row of more than {COLUMNS} columns: {row}"
        old = tree.read(shown) if shown in tree else ""
        if list(map(session.masked, old.splitlines())) != list(map(session.masked, new.splitlines())):
            if write:
                pathlib.Path(tree.top / shown).write_text(new, encoding="utf-8")
            else:
                yield path, line, f"{shown} is not what its script prints; run: checks/docs/check --write"
