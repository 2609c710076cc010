"""The pictures of profile questions: an SVG that shows the numbers it was made from."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.publish.exports.pictures import DECADES, in_words, picture_of, profile_svg
from helpers.quiz import profile_curve
from helpers.quiz.instances import build
from tests.quiz_examples import MANY, PROFILE

SVG = "{http://www.w3.org/2000/svg}"
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


class Drawing:
    """What a reader with a ruler finds on the picture."""

    def __init__(self, svg):
        self.root = ET.fromstring(svg)
        texts = [(float(t.get("x")), float(t.get("y")), t.text) for t in self.root.iter(f"{SVG}text")]
        powers = [(y - 5, text[2:].translate(SUPERSCRIPTS)) for _, y, text in texts if re.match("10[⁻⁰-⁹¹²³]", text)]
        layers = [(x, int(text)) for x, _, text in texts if text.isdecimal()]
        self.powers = [int(power) for _, power in powers]
        self.to_log10 = np.polynomial.Polynomial.fit([y for y, _ in powers], self.powers, 1)
        self.to_layer = np.polynomial.Polynomial.fit([x for x, _ in layers], [layer for _, layer in layers], 1)

    def points(self, tag):
        """Layer and log10 of each corner of the lines (or the bands), read off the numbers at the axes."""
        for element in self.root.iter(f"{SVG}{tag}"):
            pairs = [pair.split(",") for pair in element.get("points").split()]
            yield from ((self.to_layer(float(x)), self.to_log10(float(y))) for x, y in pairs)


@pytest.mark.parametrize("seed", range(4))
def test_the_picture_shows_what_the_engine_measured(seed):
    question = build(PROFILE, seed)
    mean, spread = profile_curve(question)
    drawing = Drawing(picture_of(question).svg)
    layers, values = zip(*drawing.points("polyline"), strict=True)
    assert np.allclose(layers, np.arange(1, len(mean) + 1), atol=0.02)
    assert np.allclose(values, mean, atol=0.01)
    edges = [value for _, value in drawing.points("polygon")]
    assert np.allclose(edges, [*spread[0], *spread[1][::-1]], atol=0.01)


@given(
    st.lists(st.floats(-300, 300) | st.just(np.nan), min_size=2, max_size=100),
    st.floats(0, 3),
)
def test_any_numbers_can_be_drawn_and_read_back(values, width):
    mean = np.array(values)
    svg = profile_svg(mean, np.array([mean - width, mean + width]), "norm")
    assert svg == profile_svg(mean, np.array([mean - width, mean + width]), "norm")
    drawing = Drawing(svg)
    read = {round(layer): value for layer, value in drawing.points("polyline")}
    assert read.keys() == {place + 1 for place in np.flatnonzero(np.isfinite(mean))}
    span = max(drawing.powers) - min(drawing.powers)
    assert all(abs(value - mean[layer - 1]) <= 0.01 * max(span, DECADES) for layer, value in read.items())
    assert 3 <= len(drawing.powers) <= 10
    for element in drawing.root.iter():
        for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", element.get("points", "")):
            assert 0 <= float(x) <= 640 and 0 <= float(y) <= 360


def test_a_line_breaks_off_where_there_is_an_exact_zero():
    mean = np.array([np.nan, np.nan, -3.0, np.nan, -2.0, -1.0])
    drawing = Drawing(profile_svg(mean, np.array([mean, mean]), "norm"))
    assert [round(layer) for layer, _ in drawing.points("polyline")] == [3, 5, 6]
    assert len(list(drawing.root.iter(f"{SVG}polyline"))) == 2
    assert len(list(drawing.root.iter(f"{SVG}circle"))) == 3
    assert in_words(mean, "norm") == (
        "The norm by layer, from the input to the loss. "
        "layer 1: exactly 0, layer 2: exactly 0, layer 3: 10⁻³·⁰, layer 5: 10⁻²·⁰, layer 6: 10⁻¹·⁰."
    )


def test_the_words_name_layers_and_powers_and_give_no_network_away():
    question = build(PROFILE, 1)
    picture = picture_of(question)
    mean, _ = profile_curve(question)
    assert f"layer {len(mean)}: 10" in picture.words and "layer 1: 10" in picture.words
    for answer in question.answers:
        assert answer.text not in picture.svg + picture.words + picture.name


def test_the_name_of_the_file_changes_with_the_picture():
    pictures = [picture_of(build(PROFILE, seed)) for seed in (0, 0, 1)]
    assert pictures[0] == pictures[1] and pictures[0].name != pictures[2].name
    assert re.fullmatch(r"07-profile-[0-9a-f]{8}\.svg", pictures[0].name)


def test_the_picture_asks_for_nothing_from_outside():
    svg = picture_of(build(PROFILE, 0)).svg
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|<style|<script", svg)


def test_other_questions_have_none():
    assert picture_of(build(MANY)) is None
