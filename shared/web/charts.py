"""Charts as SVG, drawn on the server: no script, no inline style. Colors are classes (style.css).

Screen readers skip the drawing and read the table below it, which has the same figures; anyone can open it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, log10

from markupsafe import Markup

from shared.core.texts import figures

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP = 44, 12, 14
_BASE = HEIGHT - 30.0  # the line of 0
_GRID = 4  # lines above the base at most
_SHORT = ((1_000_000, 1_000_000, "M"), (10_000, 1_000, "K"))  # from which top on: the unit and its letter
_ROOM = 62  # the least distance between two labels of the base


@dataclass(frozen=True)
class Series:
    """Figures of one color. `tone`: 1 to 3, a class of style.css."""

    name: str
    values: Sequence[float]
    tone: int = 1


@dataclass(frozen=True)
class Chart:
    """What a chart shows.

    Attributes:
        title: what it is about, above it and for screen readers.
        labels: of the base, one for each value.
        series: stacked bars, or lines, of as many values as there are labels.
        column: the head of the first column of the table.
        table: the words that open the table.
        language: code of the language that numbers are written in.
        limit: a value that a dashed line marks, and its name in the legend.
        scale: the least value that the top stands for.
    """

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    column: str
    table: str
    language: str
    limit: float | None = None
    limit_name: str = ""
    scale: float = 4


def bars(chart: Chart) -> Markup:
    """Return values over time as bars, those of several series on top of each other."""
    totals = [sum(one.values[place] for one in chart.series) for place in range(len(chart.labels))]
    top, step = _top(chart, totals), _step(chart)
    width = max(step * 0.68, 1)
    shapes = []
    for place in range(len(chart.labels)):
        y = _BASE
        for one in chart.series:
            if one.values[place] <= 0:
                continue
            part = max(one.values[place] * _unit(top), 2)
            y -= part
            x = _LEFT + place * step + (step - width) / 2
            about = _tag("title", _about(chart, one, place))
            shapes.append(
                _tag("rect", about, class_=f"tone-{one.tone}", x=x, y=y, width=width, height=part, rx=2)
            )
    return _figure(chart, top, shapes)


def lines(chart: Chart) -> Markup:
    """Return values over time as lines with a point for each value."""
    top, step = _top(chart, [value for one in chart.series for value in one.values]), _step(chart)
    shapes = []
    for one in chart.series:
        points = [
            (_LEFT + (place + 0.5) * step, _BASE - max(value, 0) * _unit(top))
            for place, value in enumerate(one.values)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        shapes.append(_tag("polyline", class_=f"line tone-{one.tone}", points=path))
        shapes += [
            _tag(
                "circle", _tag("title", _about(chart, one, place)), class_=f"tone-{one.tone}", cx=x, cy=y, r=4
            )
            for place, (x, y) in enumerate(points)
        ]
    return _figure(chart, top, shapes)


def bar(part: float) -> Markup:
    """Return a part of a whole (0 to 1) as a horizontal bar; its figure is written beside it."""
    track = _tag("rect", class_="track", x=0, y=0, width=100, height=4)
    filled = _tag("rect", class_="tone-1", x=0, y=0, width=100 * min(max(part, 0.0), 1.0), height=4)
    return Markup(
        '<svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(track + filled)


def shares(title: str, rows: Sequence[tuple[str, float, str]]) -> Markup:
    """Return named parts as horizontal bars, whose names and figures are text.

    Args:
        title: what they are about.
        rows: name, part of the longest bar (0 to 1) and figure.
    """
    items = [
        _tag("li", _tag("span", name) + _tag("span", figure, class_="figure") + bar(part))
        for name, part, figure in rows
    ]
    return Markup('<ul class="shares plain" aria-label="{}">{}</ul>').format(title, Markup("").join(items))


def _figure(chart: Chart, top: float, shapes: Sequence[Markup]) -> Markup:
    """Return the drawing with its title, its legend and its table."""
    drawn = [*_grid(chart, top), *shapes, *_limit(chart, top), *_labels(chart)]
    svg = Markup('<svg viewBox="0 0 {} {}" aria-hidden="true">{}</svg>').format(
        WIDTH, HEIGHT, Markup("").join(drawn)
    )
    caption = _tag("figcaption", _tag("strong", chart.title) + _legend(chart))
    details = _tag("details", _tag("summary", chart.table) + _table(chart))
    return _tag("figure", caption + svg + details, class_="chart")


def _grid(chart: Chart, top: float) -> Iterator[Markup]:
    """Yield the lines of the base, the top and what is between, each with its value."""
    for number in range(_GRID + 1):
        value = top * number / _GRID
        y = _BASE - value * _unit(top)
        yield _tag("line", class_="grid", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y)
        yield _tag("text", _short(chart, value, top), class_="end", x=_LEFT - 8, y=y + 4)


def _limit(chart: Chart, top: float) -> Iterator[Markup]:
    if chart.limit is not None and chart.limit <= top:
        y = _BASE - chart.limit * _unit(top)
        yield _tag("line", class_="limit", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y)


def _labels(chart: Chart) -> Iterator[Markup]:
    """Yield the labels of the base that have room, the last one always."""
    step, last = _step(chart), len(chart.labels) - 1
    every = max(ceil(_ROOM / step), 1)
    for place, label in enumerate(chart.labels):
        if (last - place) % every == 0:
            is_extra = (last - place) // every % 3 > 0  # hidden on a phone, where letters are larger
            x = min(max(_LEFT + (place + 0.5) * step, _LEFT + 20), WIDTH - 28)
            yield _tag("text", label, class_="middle extra" if is_extra else "middle", x=x, y=HEIGHT - 8)


def _legend(chart: Chart) -> Markup:
    """Return what the colors stand for, where there are several, and the dashed line."""
    keys = [_tag("span", one.name, class_=f"key tone-{one.tone}") for one in chart.series]
    keys = keys if len(keys) > 1 else []
    if chart.limit_name:
        keys.append(_tag("span", chart.limit_name, class_="key dashed"))
    return Markup("").join(keys)


def _table(chart: Chart) -> Markup:
    """Return the figures, the newest first."""
    heads = [_tag("th", chart.column, scope="col")]
    heads += [_tag("th", one.name, scope="col", class_="number") for one in chart.series]
    rows = [
        _tag("th", label, scope="row")
        + Markup("").join(
            _tag("td", _written(chart, one.values[place]), class_="number") for one in chart.series
        )
        for place, label in enumerate(chart.labels)
    ]
    body = Markup("").join(_tag("tr", row) for row in reversed(rows))
    table = _tag("thead", _tag("tr", Markup("").join(heads))) + _tag("tbody", body)
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table>{}</table></div>'
    ).format(chart.title, table)


def _tag(name: str, content: str = "", /, **attributes: object) -> Markup:
    """Return an element; content and attributes are escaped. `class_` is the attribute class."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_"), f"{value:.1f}" if isinstance(value, float) else value)
        for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, content)


def _about(chart: Chart, one: Series, place: int) -> str:
    return f"{chart.labels[place]}: {one.name} {_written(chart, one.values[place])}"


def _top(chart: Chart, values: Sequence[float]) -> float:
    """Return the value at the top: the highest, or the limit where that is not far above it, rounded up."""
    most = max([chart.scale, *values])
    if chart.limit is not None and chart.limit <= 1.6 * most:
        most = max(most, chart.limit)
    size = 10.0 ** int(log10(most))
    return next(one * size for one in (1, 2, 4, 5, 8, 10, 20) if one * size >= most)


def _step(chart: Chart) -> float:
    """Return the width of a value."""
    return (WIDTH - _LEFT - _RIGHT) / max(len(chart.labels), 1)


def _unit(top: float) -> float:
    """Return the height of one."""
    return (_BASE - _TOP) / top


def _written(chart: Chart, value: float) -> str:
    return figures.number(chart.language, int(value) if value == int(value) else Decimal(str(value)))


def _short(chart: Chart, value: float, top: float) -> str:
    """Write a value of the grid; thousands and millions have little room: "20K", "1.5M"."""
    size, letter = next(((unit, letter) for least, unit, letter in _SHORT if top >= least), (1, ""))
    return _written(chart, value / size) + (letter if value else "")
