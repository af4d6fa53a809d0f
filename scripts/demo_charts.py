"""Draw the charts of the demo's report as SVG with Vega-Lite, without browser or network."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 380
BAR_HEIGHT = 26
CHART_HEIGHT = 220
# Blue, orange and gray are distinct for color-blind people and have enough contrast on white.
COLORS = ("#1f5f99", "#d9730d", "#8a8a8a")
# Light to dark with age. The last class has a color of its own.
AGES = ("#a9cce6", "#6fa8d3", "#3b7fb8", "#1f5f99", "#b3470b")
TEXT_COLOR, GRID_COLOR = "#24292f", "#d8dee4"


def bars(
    data: Sequence[dict[str, Any]],
    series: Sequence[str],
    title: str,
    colors: Sequence[str] = COLORS,
) -> str:
    """Draw stacked horizontal bars: one per ``name``, one segment per ``series``."""
    names = list(dict.fromkeys(each["name"] for each in data))
    labels = alt.Axis(title=None, labelLimit=170, ticks=False, domain=False)
    chart = _chart(data).mark_bar(height=16)
    chart = chart.encode(
        y=alt.Y("name:N", sort=names, axis=labels),
        x=alt.X("value:Q", axis=_axis(title)),
        color=_color(series, colors),
        order=alt.Order("order:Q"),
    )
    return _data_uri(chart, height=BAR_HEIGHT * len(names))


def columns(
    data: Sequence[dict[str, Any]],
    series: Sequence[str],
    title: str,
    colors: Sequence[str] = COLORS,
) -> str:
    """Draw stacked columns: one per ``name``, one segment per ``series``."""
    names = list(dict.fromkeys(each["name"] for each in data))
    chart = _chart(data).mark_bar()
    chart = chart.encode(
        x=alt.X("name:N", sort=names, axis=alt.Axis(title=None, labelAngle=0, ticks=False)),
        y=alt.Y("value:Q", axis=_axis(title)),
        color=_color(series, colors),
        order=alt.Order("order:Q"),
    )
    return _data_uri(chart, height=CHART_HEIGHT)


def lines(data: Sequence[dict[str, Any]], series: Sequence[str], title: str) -> str:
    """Draw one line per ``series`` over the months in ``name``, with a point per ``value``."""
    names = list(dict.fromkeys(each["name"] for each in data))
    chart = _chart(data).mark_line(point=alt.OverlayMarkDef(size=45), strokeWidth=2)
    chart = chart.encode(
        x=alt.X("name:N", sort=names, axis=alt.Axis(title=None, labelAngle=0, ticks=False)),
        y=alt.Y("value:Q", axis=_axis(title), scale=alt.Scale(zero=True)),
        color=_color(series, COLORS),
        strokeDash=alt.StrokeDash("series:N", sort=list(series), legend=None),
        shape=alt.Shape("series:N", sort=list(series), legend=None),
    )
    return _data_uri(chart, height=CHART_HEIGHT)


def bars_with_target(data: Sequence[dict[str, Any]], title: str, target: str) -> str:
    """Draw one horizontal bar per ``name``, with a mark at its ``target``."""
    names = [each["name"] for each in data]
    base = _chart(data).encode(
        y=alt.Y("name:N", sort=names, axis=alt.Axis(title=None, ticks=False, domain=False))
    )
    bar = base.mark_bar(height=16).encode(
        x=alt.X("value:Q", axis=_axis(title)), color=_color([title, target], COLORS)
    )
    mark = base.mark_tick(thickness=3, size=22, color=COLORS[1]).encode(x="target:Q")
    return _data_uri(alt.layer(bar, mark), height=BAR_HEIGHT * len(names))


def _chart(data: Sequence[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=list(data)))


def _axis(title: str) -> alt.Axis:
    return alt.Axis(title=title, tickCount=5, format=",d", domain=False, ticks=False)


def _color(series: Sequence[str], colors: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(series), range=list(colors[: len(series)]))
    legend = alt.Legend(title=None, orient="top", columns=3) if len(series) > 1 else None
    return alt.Color("series:N", scale=scale, legend=legend)


def _data_uri(chart: alt.Chart | alt.LayerChart | alt.FacetChart, height: int) -> str:
    """Render a chart as a data URI."""
    font = "Liberation Sans, Arial, Helvetica, sans-serif"
    text = {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelColor": TEXT_COLOR,
        "titleColor": TEXT_COLOR,
    }
    chart = chart.properties(width="container", height=height, background="white")
    specification = chart.to_dict() | {
        "width": WIDTH,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "font": font,
            "view": {"stroke": None},
            "axis": text
            | {"titleFontWeight": "normal", "gridColor": GRID_COLOR, "labelPadding": 6},
            "legend": {"labelFontSize": 12, "labelColor": TEXT_COLOR, "symbolType": "square"},
        },
    }
    svg = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
