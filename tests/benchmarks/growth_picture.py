"""Draws the results of the growth benchmark: panels with logarithmic axes, as SVG."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PANEL_WIDTH, PANEL_HEIGHT = 340, 300
LEFT, TOP, RIGHT, BOTTOM = 48, 52, 76, 40
LABEL_HEIGHT = 14
# A background of its own: a page's colours need not follow those of the system.
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #18212c }
text.title { font-size: 14px; font-weight: 600 }
text.tick, text.note { fill: #586473 }
.ground { fill: #ffffff } .grid { stroke: #dfe3e8 } .proportional { stroke: #8b95a3 }
path, line { fill: none; stroke-width: 1 } path.job { stroke-width: 2 }
.file { --job: #2457c5 } .sync { --job: #b45309 } .reconcile { --job: #7a3db8 }
.backup { --job: #14653f } .restore { --job: #a8221a }
path.job { stroke: var(--job) } circle, text.job { fill: var(--job) }
@media (prefers-color-scheme: dark) {
  text { fill: #e6ebf1 } text.tick, text.note { fill: #9dabba }
  .ground { fill: #171e27 } .grid { stroke: #2a3441 } .proportional { stroke: #6b7888 }
  .file { --job: #8ab0ff } .sync { --job: #ebbf66 } .reconcile { --job: #cfa8ff }
  .backup { --job: #79d8a8 } .restore { --job: #ff9f96 }
  circle, text.job { fill: var(--job) }
}
"""


@dataclass(frozen=True)
class Scale:
    """Places values between two ends on a logarithmic axis."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value is, in pixels."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)


@dataclass(frozen=True)
class Panel:
    """A panel of the picture.

    Attributes:
        title: what it shows, with the unit.
        lines: by the name of a job, the value for each number of rows.
        is_cost: whether to compare the lines with one that is proportional to rows.
    """

    title: str
    lines: Mapping[str, Mapping[int, float]]
    is_cost: bool


def picture(title: str, panels: Sequence[Panel]) -> ET.Element:
    """Draw the panels beside each other, with a line for each job."""
    width, height = PANEL_WIDTH * len(panels), PANEL_HEIGHT
    root = ET.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width} {height}", role="img"
    )
    root.set("width", str(width))
    root.set("height", str(height))
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "style").text = STYLE
    add(root, "rect", width=width, height=height, rx=8, **{"class": "ground"})
    for number, panel in enumerate(panels):
        group = ET.SubElement(root, "g", transform=f"translate({number * PANEL_WIDTH} 0)")
        add(group, "text", panel.title, x=LEFT, y=24, **{"class": "title"})
        draw(group, panel.lines, is_cost=panel.is_cost)
    return root


def draw(panel: ET.Element, lines: Mapping[str, Mapping[int, float]], *, is_cost: bool) -> None:
    """Draw the axes and lines of a panel; a cost has the line of what is proportional to rows."""
    sizes = sorted({size for points in lines.values() for size in points})
    values = [value for points in lines.values() for value in points.values()]
    ticks = ticks_of(min(values), max(values))
    right, bottom = PANEL_WIDTH - RIGHT, PANEL_HEIGHT - BOTTOM
    across = Scale(sizes[0], sizes[-1], LEFT + 6, right)
    up = Scale(ticks[0], ticks[-1], bottom, TOP)
    for tick in ticks:
        y = up.at(tick)
        add(panel, "line", x1=LEFT, x2=right, y1=y, y2=y, **{"class": "grid"})
        text = {"x": LEFT - 6, "y": y + 4, "text-anchor": "end", "class": "tick"}
        add(panel, "text", f"{tick:g}", **text)
    for size in sizes:
        text = {"x": across.at(size), "y": bottom + 18, "text-anchor": "middle", "class": "tick"}
        add(panel, "text", short(size), **text)
    if is_cost:
        add(panel, "text", "dashed: proportional to rows", x=LEFT, y=40, **{"class": "note"})
        first = max(sizes[0], sizes[-1] * ticks[0] / ticks[-1])
        start = (across.at(first), up.at(ticks[-1] * first / sizes[-1]))
        dashed = {"stroke-dasharray": "4 4", "class": "proportional"}
        add(panel, "line", x1=start[0], y1=start[1], x2=right, y2=TOP, **dashed)
    ends = {}
    for name, points in lines.items():
        places = [(across.at(size), up.at(value)) for size, value in points.items()]
        group = ET.SubElement(panel, "g", {"class": name})
        add(group, "path", d="M" + " L".join(f"{x} {y}" for x, y in places), **{"class": "job"})
        for x, y in places:
            add(group, "circle", cx=x, cy=y, r=2.5)
        ends[name] = places[-1][1]
    for name, y in spread(ends, bottom).items():
        group = ET.SubElement(panel, "g", {"class": name})
        add(group, "text", name, x=right + 8, y=y + 4, **{"class": "job"})


def spread(ends: Mapping[str, float], bottom: float) -> dict[str, float]:
    """Where the labels of lines go, so that none covers another."""
    placed: dict[str, float] = {}
    lowest = -math.inf
    for name, y in sorted(ends.items(), key=lambda one: one[1]):
        placed[name] = lowest = max(y, lowest + LABEL_HEIGHT)
    # Those that were pushed below the panel push the others up.
    highest = float(bottom)
    for name in reversed(placed):
        placed[name] = highest = min(placed[name], highest)
        highest -= LABEL_HEIGHT
    return placed


def ticks_of(low: float, high: float) -> list[float]:
    """Round numbers from below the lowest value to above the highest."""
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    steps = (1, 2, 5) if high / low < 50 else (1,)
    known = [step * 10.0**power for power in powers for step in steps]
    first = max(tick for tick in known if tick <= low)
    last = min(tick for tick in known if tick >= high and tick > first)
    return [tick for tick in known if first <= tick <= last]


def short(rows: int) -> str:
    """A number of rows, as on an axis."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if rows >= unit:
            return f"{rows / unit:g}{name}"
    return str(rows)


def add(parent: ET.Element, tag: str, text: str | None = None, **attributes: Any) -> None:
    """Add an element."""
    ET.SubElement(parent, tag, {k: str(v) for k, v in attributes.items()}).text = text
