"""What all panels have in common: one scale of type, axes that follow, sentences with a headline, plots in turn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from helpers import figures, panels, theme
from helpers.course import LESSONS, notebooks
from helpers.panels import curves
from helpers.publish.cells.running import read_cells

ROOT = Path(__file__).resolve().parents[1]
PANELS = {name: getattr(panels, name) for names in panels.PANELS.values() for name in names}
SCALE = {theme.SMALL, theme.TEXT, theme.LARGE}


@cache
def figure_of(name: str) -> go.Figure:
    """A panel's figure as it is made."""
    return PANELS[name]().live.figure


@cache
def states_of(name: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any], str]]:
    """What a panel shows at its start and after each preset, computed once: the preset, the data, and all it says."""
    panel, found = PANELS[name](), []
    for preset in ({}, *panel.presets.values()):
        panel.set(**preset)
        found.append((preset, panel.data, panel.summary))
        assert not panel.live.error, (preset, panel.live.error)
    return found


def sizes(part: Any) -> set[float]:
    """All sizes of fonts in a figure's layout, as plain data."""
    if isinstance(part, list | tuple):
        return {size for each in part for size in sizes(each)}
    if not isinstance(part, dict):
        return set()
    found = {size for name, each in part.items() for size in sizes(each)}
    fonts = [each for name, each in part.items() if name.endswith("font") and isinstance(each, dict)]
    return found | {font["size"] for font in fonts if "size" in font}


@pytest.mark.parametrize("name", PANELS)
def test_a_figure_has_the_courses_type_and_no_paper_and_no_title(name: str) -> None:
    figure = figure_of(name)
    assert sizes(figure.to_plotly_json()["layout"]) <= SCALE
    assert figure.layout.template.layout.paper_bgcolor == figure.layout.template.layout.plot_bgcolor == theme.NOTHING
    assert figure.layout.title.text is None and figure.layout.meta["label"]
    assert figure.layout.height in (theme.UNDER_PICTURE, theme.ALONE, theme.UNDER_PICTURE + theme.PICTURE)


@pytest.mark.parametrize("sheet", ["live/live.css", "lesson/lesson.css", "publish/cells/site.css"])
def test_style_sheets_keep_to_the_scale_of_type(sheet: str) -> None:
    text = (ROOT / "helpers" / sheet).read_text(encoding="utf-8")
    found = re.findall(r"font(?:-size)?: (?:[a-z0-9]+ )?([\d.]+)px", text)
    assert found and {float(size) for size in found} <= SCALE


@pytest.mark.parametrize("name", PANELS)
def test_a_sentence_has_a_headline_and_two_lines_at_most(name: str) -> None:
    """A headline fits a laptop's width, and what stands under it two lines of some 75 characters."""
    for _, data, summary in states_of(name):
        headline, _, detail = data["summary"].partition("\n")
        assert 0 < len(headline) <= 95, headline
        assert 0 < len(detail) <= 156 and "\n" not in detail, detail
        assert not re.search(r"\bhears?\b|\ba (layer|step|block)[;:,.]", f"{headline} {detail}"), summary
        assert summary == f"{headline} {detail}"


@pytest.mark.parametrize("name", PANELS)
def test_axes_hold_what_is_shown_and_half_of_them_at_least_is_used(name: str) -> None:
    """Of lines over layers; an axis ends at one of a few places, so a line that just passes one uses less of it.

    A panel whose axes don't move has nothing to hold.
    """
    if not {"xaxis", "yaxis"} <= set(states_of(name)[0][1].get("ranges", ())):
        return
    for preset, data, _ in states_of(name):
        on_it = [trace for trace in figure_of(name).data if trace.yaxis in (None, "y") and trace.name in data]
        lines = [np.asarray(data[trace.name]) for trace in on_it if trace.name not in ("6ξ", "ρ per step")]
        heights = np.concatenate([line[-1] if line.shape[0] == 2 else line for line in lines])
        low, high = data["ranges"]["yaxis"]
        known = heights[np.isfinite(heights)]
        assert low <= known.min() and known.max() <= high, preset
        places = [np.flatnonzero(np.isfinite(line)) for line in lines if line.ndim == 1]
        longest = max(place[-1] + 1 for place in places if len(place))
        assert longest >= 0.4 * data["ranges"]["xaxis"][1], preset


def test_layers_nearly_fill_their_axis_and_its_ranges_are_the_smallest_of_a_few() -> None:
    assert curves.layers_range(1) == [0.5, 5.5] and curves.layers_range(41) == [0.5, 45.5]
    last_layers = [curves.layers_range(depth)[1] - 0.5 for depth in range(5, 501)]
    assert all(depth <= end <= 1.2 * depth for depth, end in enumerate(last_layers, 5)) and last_layers[-1] == 500
    assert len(set(last_layers[:96])) <= 30, "an axis that moves at each layer takes frames from the picture"
    assert curves.decades_range(np.array([-51.0, 0.0])) == [-60, 1]
    assert curves.decades_range(np.array([np.nan, -np.inf, 2.0])) == [-1, 3]
    assert curves.decades_range(np.array([np.nan])) == [-1, 1]
    ends = {tuple(curves.decades_range(np.array([-low, 0.0]))) for low in np.linspace(0, 100, 1001)}
    assert len(ends) < 15, "it moves seldom"


def test_plots_that_take_turns_have_all_the_room_and_their_own_marks() -> None:
    figure = figures.signal_and_saturation(curves.LAYERS, title="t", low=-90, high=15)
    first, second = figure.layout.meta["views"]
    assert (first["name"], second["name"]) == ("gradient", "saturated units")
    assert first["hides"] == ["x2y2"] and second["hides"] == ["xy"]
    assert figure.layout.yaxis.domain == figure.layout.yaxis2.domain == (0, 1)
    marks = {name for name in first["patch"] if name.startswith(("shapes", "annotations"))}
    assert len(marks) == 2 and all(first["patch"][name] and not second["patch"][name] for name in marks)
    for name in ("xaxis", "yaxis"):
        assert first["patch"][f"{name}.visible"] and not second["patch"][f"{name}.visible"]
        assert second["patch"][f"{name}2.visible"] and not first["patch"][f"{name}2.visible"]


@pytest.mark.parametrize("name", PANELS)
def test_a_legend_names_once_each_what_its_plots_show_and_nothing_else(name: str) -> None:
    """At every switch; a line in a hidden plot is named where one of its group, of the same look, is seen."""
    figure = figure_of(name)
    group = [trace.legendgroup or trace.name for trace in figure.data]
    plots = [f"{trace.xaxis}{trace.yaxis}" for trace in figure.data]
    own = [trace.type != "heatmap" and trace.showlegend is not False for trace in figure.data]
    for view in (figure.layout.meta or {}).get("views") or [{"hides": [], "legend": own}]:
        seen = {each for each, plot in zip(group, plots, strict=True) if plot not in view["hides"]}
        named = [group[i] for i, shown in enumerate(view["legend"]) if shown]
        assert set(named) <= seen and len(named) == len(set(named)), (view, named)


def test_each_plot_that_takes_turns_has_its_own_names() -> None:
    first, second = figures.both_ways(curves.LAYERS, title="t").layout.meta["views"]
    assert first["legend"] == [True] * 3 + [False] * 3 and second["legend"] == [False] * 3 + [True] * 3
    assert not any(figure_of("deep_sigmoid_nets").layout.meta["views"][1]["legend"])


def test_questions_are_as_large_as_the_text_beside_them_and_as_wide() -> None:
    """JupyterLab's setting holds in both, the site has none; the site's own sheet gives its text the same width."""
    sheets = {name: (ROOT / "helpers" / name).read_text(encoding="utf-8") for name in SHEETS}
    assert not re.findall(r"font-size: 17px", sheets["lesson/lesson.css"])
    assert f"font-size: var(--jp-content-font-size1, {theme.TEXT}px)" in sheets["lesson/lesson.css"]
    widths = {re.search(selector + r"[^}]*max-width: (\S+);", sheets[name])[1] for name, selector in SHEETS.items()}
    assert widths == {"75ch"}


SHEETS = {
    "lesson/lesson.css": r"\.lesson \{",
    "live/live.css": r"\.jp-MarkdownOutput",
    "publish/site/page.css": r", \.lesson \{",
}
"""Style sheets, and the selector in each that gives text its width."""


def test_an_axis_over_layers_says_which_pass_reads_it_in_which_direction() -> None:
    titles = [axis.title.text for axis in figures.both_ways(curves.LAYERS, title="t").select_xaxes()]
    assert titles == ["layer (input ⟵ backward pass ⟵ loss)", "layer (input ⟶ forward pass ⟶ loss)"]
    neutral = figures.signal_and_saturation(curves.LAYERS, title="t", low=-90, high=15).layout.xaxis2.title.text
    assert neutral == "layer (input left, loss right)"


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_text_sends_to_a_switch_where_plots_take_turns(lesson: str) -> None:
    metas = [PANELS[name]().live.figure.layout.meta or {} for name in LESSONS[lesson].panels]
    first, *others = [[view["name"] for view in meta.get("views", ())] for meta in metas]
    text = "\n".join(cell.source for cell in read_cells(notebooks()[lesson]) if cell.kind == "markdown")
    if first:
        assert "switch" in text.lower()
        assert not re.findall(r"\b(?:lower|upper) plot\b|\bplot below\b|\b(?:Above|Below)[:,]|\bAbove stands\b", text)
    assert set(re.findall(r"The switch \*([^*]+)\*", text)) <= {*first, *sum(others, [])}, "a view that is not there"


def test_on_a_narrow_page_columns_stand_one_above_the_other() -> None:
    figure = figures.loss_slopes()
    wide, narrow = figure.layout.meta["wide"], figure.layout.meta["narrow"]
    assert wide["xaxis.domain"][1] < wide["xaxis2.domain"][0]
    assert narrow["xaxis.domain"] == narrow["xaxis2.domain"] == [0, 1]
    assert narrow["yaxis2.domain"][1] < narrow["yaxis.domain"][0] and narrow["height"] > 1.5 * wide["height"]
    assert wide.keys() == narrow.keys(), "what one changes the other one changes back"


def test_a_column_whose_axis_stood_beside_it_has_labels_of_its_own_on_a_narrow_page() -> None:
    meta = figures.singular_values([-2, -1, 0]).layout.meta
    assert (meta["wide"]["yaxis2.showticklabels"], meta["narrow"]["yaxis2.showticklabels"]) == (False, True)


def test_on_a_narrow_page_a_long_title_has_two_lines() -> None:
    figure = figures.both_networks(["z", "x", "logit"], 1)
    wide, narrow = figure.layout.meta["wide"], figure.layout.meta["narrow"]
    assert wide["xaxis.title.text"] == figure.layout.xaxis.title.text
    assert narrow["xaxis.title.text"] == "what enters each layer<br>(noise ⟵ backward pass ⟵ loss)"
    assert (wide["xaxis.ticktext"], narrow["xaxis.ticktext"]) == (["z", "x", "logit"], ["z", "", "logit"])
    names = ("annotations[0].visible", "annotations[1].visible")
    assert all(wide[name] and not narrow[name] for name in names)
    assert narrow["margin.b"] > wide["margin.b"] == theme.TEMPLATE["layout"]["margin"]["b"]


def test_one_idea_has_one_colour() -> None:
    """The gradient signal is blue wherever it isn't told apart by activation, cell or loss; theory is red."""
    for name in PANELS:
        for trace in figure_of(name).data:
            colour = trace.line.color if isinstance(trace, go.Scatter) else None
            if trace.name in ("measured", "gradient", "before", "yours") and colour:
                assert colour == theme.MEASURED, name
            if "theory" in str(trace.name) and colour:
                assert colour == theme.THEORY, name
