"""The charts of the demo's page: drawn by Vega-Lite into SVG, without a browser or a network."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 380
ROW = 26
TALL = 220
# Told apart with any eyesight, and dark enough on white: blue, orange, then grey.
COLORS = ("#1f5f99", "#d9730d", "#8a8a8a")
# From young to old, light to dark; the last is not one of them.
AGES = ("#a9cce6", "#6fa8d3", "#3b7fb8", "#1f5f99", "#b3470b")
INK, FAINT = "#24292f", "#d8dee4"


def bars(
    data: Sequence[dict[str, Any]],
    series: Sequence[str],
    title: str,
    colors: Sequence[str] = COLORS,
) -> str:
    """Lying bars, one for each ``name``, made of the ``value`` of each ``series``."""
    names = list(dict.fromkeys(each["name"] for each in data))
    labels = alt.Axis(title=None, labelLimit=170, ticks=False, domain=False)
    chart = _chart(data).mark_bar(height=16)
    chart = chart.encode(
        y=alt.Y("name:N", sort=names, axis=labels),
        x=alt.X("value:Q", axis=_axis(title)),
        color=_color(series, colors),
        order=alt.Order("order:Q"),
    )
    return _drawn(chart, height=ROW * len(names))


def columns(
    data: Sequence[dict[str, Any]],
    series: Sequence[str],
    title: str,
    colors: Sequence[str] = COLORS,
) -> str:
    """Standing columns, one for each ``name``, made of the ``value`` of each ``series``."""
    names = list(dict.fromkeys(each["name"] for each in data))
    chart = _chart(data).mark_bar()
    chart = chart.encode(
        x=alt.X("name:N", sort=names, axis=alt.Axis(title=None, labelAngle=0, ticks=False)),
        y=alt.Y("value:Q", axis=_axis(title)),
        color=_color(series, colors),
        order=alt.Order("order:Q"),
    )
    return _drawn(chart, height=TALL)


def lines(data: Sequence[dict[str, Any]], series: Sequence[str], title: str) -> str:
    """A line for each ``series`` over the ``name`` of months, with a point for each ``value``."""
    names = list(dict.fromkeys(each["name"] for each in data))
    chart = _chart(data).mark_line(point=alt.OverlayMarkDef(size=45), strokeWidth=2)
    chart = chart.encode(
        x=alt.X("name:N", sort=names, axis=alt.Axis(title=None, labelAngle=0, ticks=False)),
        y=alt.Y("value:Q", axis=_axis(title), scale=alt.Scale(zero=True)),
        color=_color(series, COLORS),
        strokeDash=alt.StrokeDash("series:N", sort=list(series), legend=None),
        shape=alt.ResponseFormat("series:N", sort=list(series), legend=None),
    )
    return _drawn(chart, height=TALL)


def against(data: Sequence[dict[str, Any]], title: str, wanted: str) -> str:
    """Lying bars for the ``value`` of each ``name``, with a mark at its ``target``."""
    names = [each["name"] for each in data]
    base = _chart(data).encode(
        y=alt.Y("name:N", sort=names, axis=alt.Axis(title=None, ticks=False, domain=False))
    )
    bar = base.mark_bar(height=16).encode(
        x=alt.X("value:Q", axis=_axis(title)), color=_color([title, wanted], COLORS)
    )
    mark = base.mark_tick(thickness=3, size=22, color=COLORS[1]).encode(x="target:Q")
    return _drawn(alt.layer(bar, mark), height=ROW * len(names))


def _chart(data: Sequence[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=list(data)))


def _axis(title: str) -> alt.Axis:
    return alt.Axis(title=title, tickCount=5, format=",d", domain=False, ticks=False)


def _color(series: Sequence[str], colors: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(series), range=list(colors[: len(series)]))
    legend = alt.Legend(title=None, orient="top", columns=3) if len(series) > 1 else None
    return alt.Color("series:N", scale=scale, legend=legend)


def _drawn(chart: alt.Chart | alt.LayerChart | alt.FacetChart, height: int) -> str:
    """Return a chart as an address that holds it."""
    font = "Liberation Sans, Arial, Helvetica, sans-serif"
    text = {"labelFontSize": 12, "titleFontSize": 12, "labelColor": INK, "titleColor": INK}
    chart = chart.properties(width="container", height=height, background="white")
    specification = chart.to_dict() | {
        "width": WIDTH,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "font": font,
            "view": {"stroke": None},
            "axis": text | {"titleFontWeight": "normal", "gridColor": FAINT, "labelPadding": 6},
            "legend": {"labelFontSize": 12, "labelColor": INK, "symbolType": "square"},
        },
    }
    svg = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
