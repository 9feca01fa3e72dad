"""A recording of a terminal as an SVG that plays by itself, in a loop."""

from dataclasses import dataclass, field
from html import escape

_COLUMNS, _LINES = 104, 26
_CHARACTER, _LINE, _MARGIN, _BAR = 8.4, 19, 14, 30
# A command is typed in one step, and its answer is read for longer the longer it is.
_TYPED_SECONDS, _READ_SECONDS, _LINE_SECONDS = 1.2, 2.0, 0.12
_STYLE = """
text {
  font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  fill: #d7dde5; white-space: pre;
}
.command { fill: #8fd3a8; font-weight: 600 }
g.frame { visibility: hidden }
"""


@dataclass
class Recording:
    """What was typed, and what was printed.

    Attributes:
        frames: the lines of the screen after each step, and for how many seconds they stay.
    """

    frames: list[tuple[list[str], float]] = field(default_factory=list)

    def add(self, command: str, answer: list[str]) -> None:
        """Type a command and show its answer."""
        before = self.frames[-1][0] if self.frames else []
        typed = [*before, *([""] if before else []), f"$ {command}"]
        self.frames.append((typed, _TYPED_SECONDS))
        read = _READ_SECONDS + _LINE_SECONDS * len(answer)
        self.frames.append(([*typed, *(line.rstrip() for line in answer)], read))

    def svg(self) -> str:
        """Draw the recording."""
        width = round(_COLUMNS * _CHARACTER + 2 * _MARGIN)
        height = _BAR + _LINES * _LINE + 2 * _MARGIN
        whole = sum(seconds for _, seconds in self.frames)
        drawn, at = [], 0.0
        rules = []
        for number, (lines, seconds) in enumerate(self.frames):
            begin, end = 100 * at / whole, 100 * (at + seconds) / whole
            # Visible from `begin` to `end`, with no time in between.
            rules.append(
                f"@keyframes f{number} {{ 0%, {begin:.3f}% {{ visibility: hidden }} "
                f"{begin + 0.001:.3f}%, {end:.3f}% {{ visibility: visible }} "
                f"{min(end + 0.001, 100):.3f}%, 100% {{ visibility: hidden }} }}\n"
                f"#f{number} {{ animation: f{number} {whole:.1f}s step-end infinite }}"
            )
            drawn.append(f'<g class="frame" id="f{number}">{self._lines(lines)}</g>')
            at += seconds
        # Where nothing moves, the last frame is shown.
        still = (
            "@media (prefers-reduced-motion: reduce) { g.frame { animation: none !important } "
            f"#f{len(self.frames) - 1} {{ visibility: visible }} }}"
        )
        style = _STYLE + "\n".join(rules) + still
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="A terminal">\n'
            f"<style>{style}</style>\n"
            f'<rect width="{width}" height="{height}" rx="8" fill="#1b222b"/>\n'
            + "".join(
                f'<circle cx="{20 + 18 * n}" cy="17" r="5.5" fill="{fill}"/>'
                for n, fill in enumerate(("#ff5f57", "#febc2e", "#28c840"))
            )
            + "\n"
            + "\n".join(drawn)
            + "\n</svg>\n"
        )

    def _lines(self, lines: list[str]) -> str:
        made = []
        for number, line in enumerate(lines[-_LINES:]):
            y = _BAR + _MARGIN + number * _LINE + 10
            kind = ' class="command"' if line.startswith("$ ") else ""
            shown = line if len(line) <= _COLUMNS else f"{line[: _COLUMNS - 1]}…"
            made.append(
                f'<text x="{_MARGIN}" y="{y}"{kind} xml:space="preserve">{escape(shown)}</text>'
            )
        return "".join(made)
