"""Draw a recording as one SVG that moves by CSS alone: it works where no script may run.

Every row of the terminal is a film strip of its own contents, clipped to one line and moved in
steps. So what stands still costs nothing, and a spinner costs its own row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from pictures.recording import Recording, Row, Run

_CELL = 8.4
_LINE = 18
_MARGIN = 16
_BAR = 30
_PAGE, _INK = "16181d", "d8dbe2"
_PALETTE = {
    "black": "5c6370", "red": "f0757f", "green": "98c379", "brown": "e5c07b", "blue": "6cb2f5",
    "magenta": "d48fe8", "cyan": "5fc2cd", "white": "d8dbe2", "brightblack": "7f8694",
}  # fmt: skip
_STYLE = (
    "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
    "white-space:pre}.b{font-weight:bold}g{animation-timing-function:step-end;"
    "animation-iteration-count:infinite}"
    "@media(prefers-reduced-motion:reduce){g{animation:none!important}}"
)


def draw(recording: Recording, title: str) -> str:
    """The whole document. Without movement it shows the recording's still frame."""
    width = round(recording.columns * _CELL) + 2 * _MARGIN
    height = recording.rows * _LINE + _BAR + _MARGIN
    rows = [_strip(recording, number) for number in range(recording.rows)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label={quoteattr(title)}>',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}{''.join(style for style, _ in rows)}</style>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#{_PAGE}"/>',
            *(
                f'<circle cx="{_MARGIN + 6 + 20 * number}" cy="16" r="6" fill="#{colour}"/>'
                for number, colour in enumerate(("ff5f57", "febc2e", "28c840"))
            ),
            *(body for _, body in rows),
            "</svg>\n",
        ]
    )


def _strip(recording: Recording, number: int) -> tuple[str, str]:
    """The style and the picture of one row."""
    contents: dict[Row, int] = {}
    steps: list[tuple[float, int]] = []
    still = 0
    for index, frame in enumerate(recording.frames):
        place = contents.setdefault(frame.rows[number], len(contents))
        if not steps or steps[-1][1] != place:
            steps.append((frame.at_s, place))
        if index == recording.still:
            still = place
    if list(contents) == [()]:
        return "", ""
    lines = "".join(
        f"<text y={quoteattr(str(_LINE * place + 13))}>{''.join(_spans(row))}</text>"
        for row, place in contents.items()
        if row
    )
    blocks = "".join(_blocks(contents))
    style = _keyframes(number, steps, recording.duration_s) if len(steps) > 1 else ""
    name = f' id="r{number}"' if style else ""
    width = round(recording.columns * _CELL) + 1
    return style, (
        f'<svg x="{_MARGIN}" y="{_BAR + _LINE * number}" width="{width}" height="{_LINE}">'
        f'<g{name} transform="translate(0,{-_LINE * still})">{blocks}{lines}</g></svg>'
    )


def _keyframes(number: int, steps: Sequence[tuple[float, int]], duration_s: float) -> str:
    moments = "".join(
        f"{100 * at_s / duration_s:.3g}%{{transform:translateY({-_LINE * place}px)}}"
        for at_s, place in [(0.0, steps[0][1]), *steps[1:]]
    )
    return f"#r{number}{{animation-name:k{number};animation-duration:{duration_s:.1f}s}}" + (
        f"@keyframes k{number}{{{moments}}}"
    )


def _spans(row: Row) -> Iterator[str]:
    for run in row:
        if not run.text.strip():
            continue
        lead = len(run.text) - len(run.text.lstrip())
        words = run.text.strip()
        bold = ' class="b"' if run.bold else ""
        x, length = _CELL * (run.column + lead), _CELL * len(words)
        yield (
            f'<tspan x="{x:.4g}" textLength="{length:.4g}" fill="#{_ink(run)}"{bold}>'
            f"{escape(words)}</tspan>"
        )


def _blocks(contents: dict[Row, int]) -> Iterator[str]:
    for row, place in contents.items():
        for run in row:
            if run.background != "default":
                yield (
                    f'<rect x="{_CELL * run.column:.4g}" y="{_LINE * place}" height="{_LINE}" '
                    f'width="{_CELL * len(run.text):.4g}" fill="#{_colour(run.background, _INK)}"/>'
                )


def _ink(run: Run) -> str:
    return _colour(run.foreground, _INK if run.background == "default" else _PAGE)


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return _PALETTE.get(name, name if len(name) == 6 else _INK)
