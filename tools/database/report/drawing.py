"""Draws a line of 30 days as SVG: static, with the limit, and with words for a screen reader."""

from datetime import datetime, timedelta

from markupsafe import Markup

from tools.database.report.reading import Line

WIDTH, HEIGHT, PAD = 320, 56, 4
DAYS = 30
GAP = timedelta(hours=12)  # without figures: the line is interrupted


def draw(line: Line, most: float | None, now: datetime, words: str) -> Markup:
    """Return the line from 30 days before `now` until `now`; `most` is the limit, which is drawn dashed."""
    top = max([value for _, value in line] + ([most] if most else []) + [0.0]) or 1.0
    start = now - timedelta(days=DAYS)

    def place(at: datetime, value: float) -> tuple[float, float]:
        x = (at - start) / timedelta(days=DAYS) * WIDTH
        return round(min(max(x, 0.0), WIDTH), 1), round(HEIGHT - PAD - value / top * (HEIGHT - 2 * PAD), 1)

    parts: list[list[tuple[float, float]]] = []
    before: datetime | None = None
    for at, value in line:
        if before is None or at - before > GAP:
            parts.append([])
        parts[-1].append(place(at, value))
        before = at
    drawn = [_part(part) for part in parts]
    limit = ""
    if most:
        y = place(now, most)[1]
        limit = f'<line class="limit" x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"/>'
    body = Markup("").join([*drawn, Markup(limit)])  # noqa: S704 numbers alone
    frame = '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
    return Markup(frame + "{}</svg>").format(WIDTH, HEIGHT, words, body)  # noqa: S704 a constant


def _part(points: list[tuple[float, float]]) -> Markup:
    """Return one stretch of a line: an area below it and the line; a single point is a short dash."""
    if len(points) == 1:
        (x, y), *_ = points
        points = [(max(x - 1.5, 0.0), y), (min(x + 1.5, WIDTH), y)]
    path = " ".join(f"{x},{y}" for x, y in points)
    first, last = points[0][0], points[-1][0]
    area = f"{first},{HEIGHT} {path} {last},{HEIGHT}"
    return Markup(  # noqa: S704 numbers alone
        f'<polygon class="area" points="{area}"/><polyline class="line" points="{path}"/>'
    )
