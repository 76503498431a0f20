# Growth curves as SVG: both axes logarithmic, a line for each figure.

import math

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 400, 70, 40, 150, 50
COLOURS = ["#1b6ca8", "#c4472b", "#3a8f4d", "#7a4fa3"]


def place(value, least, most, start, end):
    """Where `value` is between `start` and `end`."""
    share = (math.log10(value) - math.log10(least)) / (math.log10(most) - math.log10(least))
    return start + share * (end - start)


def decades(values):
    """The powers of ten around `values`."""
    first = math.floor(math.log10(min(values)))
    return [10.0**power for power in range(first, math.ceil(math.log10(max(values))) + 1)]


def text(x, y, content, anchor="middle", colour="#333"):
    """A piece of text."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
            f'font-family="sans-serif" font-size="12">{content}</text>')


def svg(title, x_name, xs, series):
    """The picture of `series`: a name to values, one for each of `xs`."""
    x_ticks, y_ticks = decades(xs), decades([v for values in series.values() for v in values])
    across = lambda x: place(x, x_ticks[0], x_ticks[-1], LEFT, WIDTH - RIGHT)
    up = lambda y: place(y, y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
             f'viewBox="0 0 {WIDTH} {HEIGHT}"><rect width="100%" height="100%" fill="white"/>',
             text(WIDTH / 2, 22, title)]
    for tick in x_ticks:
        parts.append(f'<line x1="{across(tick):.1f}" x2="{across(tick):.1f}" y1="{TOP}" '
                     f'y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(text(across(tick), HEIGHT - BOTTOM + 18, f"{tick:,.0f}".replace(",", " ")))
    for tick in y_ticks:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(tick):.1f}" '
                     f'y2="{up(tick):.1f}" stroke="#ddd"/>')
        parts.append(text(LEFT - 8, up(tick) + 4, f"{tick:g}", "end"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_name))
    for (name, values), colour in zip(series.items(), COLOURS, strict=False):
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in zip(xs, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" '
                     'stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>'
                  for x, y in zip(xs, values, strict=True)]
        parts.append(text(across(xs[-1]) + 10, up(values[-1]) + 4, name, "start", colour))
    return "\n".join([*parts, "</svg>\n"])
