"""Exercises: solutions pass, known mistakes are named, and nothing a learner writes hurts the notebook."""

from __future__ import annotations

import builtins
import math
import re
import sys
import threading
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import course, theory
from helpers.activations import get_activation
from helpers.exercises import EXERCISES, check_exercise, checking, lesson_01, lesson_03

FUNCTIONS = ["chain_gradient", "softsign_slope", "weight_deviation", "predict_factor"]


def solved(exercise_id):
    """What the exercise's own solution defines."""
    names: dict[str, Any] = {}
    exec(EXERCISES[exercise_id].solution, names)
    return names[exercise_id]


@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_the_shown_solution_is_right(exercise_id):
    verdict = check_exercise(exercise_id, solved(exercise_id))
    assert verdict.correct and verdict.message and not verdict.hint


@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_an_exercise_has_hints_in_stages_and_a_short_solution(exercise_id):
    exercise = EXERCISES[exercise_id]
    assert exercise.id == exercise_id and len(exercise.hints) >= 2 and exercise.lesson in course.LESSONS
    assert len(exercise.solution.splitlines()) <= 12 and exercise_id in exercise.solution


@pytest.mark.parametrize("exercise_id", EXERCISES)
@pytest.mark.parametrize("nothing", [..., None])
def test_nothing_yet_is_open_not_wrong(exercise_id, nothing):
    verdict = check_exercise(exercise_id, nothing)
    assert verdict.status == "open" and "Not yet done" in verdict.message and verdict.hint


@pytest.mark.parametrize("exercise_id", FUNCTIONS)
@pytest.mark.parametrize("result", [..., None])
def test_the_unfinished_template_is_open(exercise_id, result):
    verdict = check_exercise(exercise_id, lambda *arguments: result)
    assert verdict.status == "open" and "Not yet done" in verdict.message


def test_an_unknown_exercise_lists_all():
    with pytest.raises(ValueError, match="chain_gradient.*critical_gain.*'nope'"):
        check_exercise("nope", 1)


# Verdicts on functions -----------------------------------------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softsign(z):
    return z / (1 + abs(z))


def tanh_slope(z):
    return 1 - np.tanh(z) ** 2


@pytest.mark.parametrize(
    "exercise_id, function, words",
    [
        ("chain_gradient", lambda w, s: math.prod(s), "product of the slopes alone"),
        ("chain_gradient", lambda w, s: math.prod(w), "product of the weights alone"),
        ("chain_gradient", lambda w, s: 0.0 * math.prod(w * s), "begin with 1"),
        ("chain_gradient", lambda w, s: float(np.sum(w * s)), "You add the neurons"),
        ("chain_gradient", lambda w, s: math.prod(w + s), "not weight plus slope"),
        ("chain_gradient", lambda w, s: w[-1] * s[-1], "last neuron alone"),
        ("chain_gradient", lambda w, s: w[0] * s[0], "inside the loop"),
        ("chain_gradient", lambda w, s: math.prod(w[1:] * s[1:]), "first neuron is missing"),
        ("chain_gradient", lambda w, s: math.prod(w[:-1] * s[:-1]), "end one too early"),
        ("chain_gradient", lambda w, s: math.prod(w / s), "you divide by it"),
        ("chain_gradient", lambda w, s: math.prod((w * s) ** 2), "each factor twice"),
        ("chain_gradient", lambda w, s: abs(math.prod(w * s)), r"\[-2, 1.5\].*gives 1.5; the right result is -1.5"),
        ("softsign_slope", softsign, "softsign itself"),
        ("softsign_slope", lambda z: 1 / (1 + abs(z)), "rule has two terms"),
        ("softsign_slope", lambda z: -abs(z) / (1 + abs(z)) ** 2, "second term of the quotient rule alone"),
        ("softsign_slope", lambda z: abs(z) / (1 + abs(z)) ** 2, "second term of the quotient rule alone"),
        ("softsign_slope", lambda z: (1 + 2 * abs(z)) / (1 + abs(z)) ** 2, "is subtracted"),
        ("softsign_slope", lambda z: 1 / (1 + z) ** 2, "absolute value is missing"),
        ("softsign_slope", lambda z: 1 / (1 + abs(z)) - z / (1 + abs(z)) ** 2, "sign is wrong"),
        ("softsign_slope", lambda z: 1 / (1 + z**2), "whole denominator is squared"),
        ("softsign_slope", lambda z: np.sign(z) / (1 + abs(z)) ** 2, "its slope is positive"),
        ("softsign_slope", lambda z: 1 - softsign(z) ** 2, "slope of tanh"),
        ("softsign_slope", lambda z: softsign(z) * (1 - softsign(z)), "a sigmoid's rule"),
        ("softsign_slope", lambda z: -2 * np.sign(z) / (1 + abs(z)) ** 3, "derivative twice"),
        ("softsign_slope", lambda z: 2 * z / (1 + abs(z)) ** 3, "softsign squared"),
        ("softsign_slope", lambda z: float(np.sum(solved("softsign_slope")(z))), r"shape \(7,\)"),
        ("weight_deviation", lambda z, w: w**2 / np.sum(tanh_slope(z) ** 2), "That is the variance"),
        ("weight_deviation", lambda z, w: w / np.mean(tanh_slope(z) ** 2) ** 0.5, "That is σ_w"),
        ("weight_deviation", lambda z, w: w / len(z) ** 0.5 / tanh_slope(z).mean(), "Square each slope first"),
        ("weight_deviation", lambda z, w: w / len(z) ** 0.5 / tanh_slope(z).std(), "is measured from their mean"),
        ("weight_deviation", lambda z, w: w / len(z) ** 0.5 / tanh_slope(z).max(), "takes the largest slope"),
        ("weight_deviation", lambda z, w: w / len(z) ** 0.5, "tanh's largest slope, 1"),
        ("weight_deviation", lambda z, w: w / len(z) ** 0.5 / (tanh_slope(z) ** 2).mean(), "root of the mean square"),
        ("weight_deviation", lambda z, w: np.sum(tanh_slope(z) ** 2) ** -0.5, "`wanted` is missing"),
        ("weight_deviation", lambda z, w: (w / np.sum(tanh_slope(z) ** 2)) ** 0.5, "factor of the squared norm"),
        ("weight_deviation", lambda z, w: w * (np.mean(tanh_slope(z) ** 2) / len(z)) ** 0.5, "Upside down"),
        ("weight_deviation", lambda z, w: w / np.sum(np.tanh(z) ** 2) ** 0.5, "tanh's values"),
        ("weight_deviation", lambda z, w: w / np.sum((1 - np.tanh(z)) ** 2) ** 0.5, r"1 − tanh²"),
        ("weight_deviation", lambda z, w: w / np.sum((sigmoid(z) * sigmoid(-z)) ** 2) ** 0.5, "tanh neurons"),
    ],
)
def test_a_known_mistake_is_named_with_its_input(exercise_id, function, words):
    verdict = check_exercise(exercise_id, function)
    assert verdict.status == "wrong" and verdict.hint == EXERCISES[exercise_id].hints[0]
    assert f"{exercise_id}(" in verdict.message
    assert re.search(words, verdict.message), verdict.message


def from_torch(fan_in, fan_out, leak):
    """PyTorch's call as it is documented: its fan_in is the last size, for weights that multiply from the left."""
    return torch.nn.init.kaiming_uniform_(torch.empty(fan_in, fan_out), a=leak)


@pytest.mark.parametrize(
    "exercise_id, answer",
    [
        ("chain_gradient", lambda w, s: theory.chain_gradient("sigmoid", len(w))[-1]),
        ("chain_gradient", lambda w, s: (w[0] * s[0]) ** (len(w) - 1)),
        ("float32_depth", 76),
        ("softsign_slope", get_activation("tanh").slope),
        ("softsign_slope", get_activation("sigmoid").slope),
        ("weight_deviation", lambda z, w: w / theory.per_layer_factor("tanh", 1.0)),
        ("weight_deviation", lambda z, w: w / theory.mean_square_slope("tanh", float(z.var())) ** 0.5),
        ("predict_factor", lambda f, s, g: theory.per_layer_factor("sigmoid", g**2)),
        ("critical_gain", theory.critical_gain("sigmoid")),
        ("count_dead", lambda h: 1 - (h > 0).any(axis=0).mean()),
        ("count_dead", lambda h: (h > 0).any(axis=0).sum()),
        ("born_dead", lambda n: theory.born_dead_probability(int(n.max()), len(n))),
        ("he_init", from_torch),
        ("jacobian_values", lambda w, x: np.linalg.svd(np.linalg.multi_dot([np.eye(len(x)), *w]), compute_uv=False)),
    ],
)
def test_a_line_of_the_notebook_or_a_call_of_a_library_is_no_answer(exercise_id, answer):
    assert check_exercise(exercise_id, answer).status == "wrong"


@pytest.mark.parametrize("exercise_id", FUNCTIONS)
@pytest.mark.parametrize(
    "result, words",
    [
        ("text", "type str"),
        ([1, [2]], "type list"),
        (math.nan, "not finite"),
        (np.zeros((3, 2)), r"shape"),
        (1j, "type complex"),
    ],
)
def test_a_result_of_the_wrong_kind_is_said(exercise_id, result, words):
    verdict = check_exercise(exercise_id, lambda *arguments: result)
    assert verdict.status == "wrong" and words in verdict.message


def chain(weights, slopes):
    return float(np.prod(weights * slopes))


@pytest.mark.parametrize(
    "kind",
    [
        float,
        lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True),
        lambda x: np.float32(x),
        lambda x: np.array(x),
        lambda x: np.longdouble(x),
        lambda x: Fraction(x),
        lambda x: Decimal(x),
    ],
    ids=["float", "grad", "float32", "0-d", "longdouble", "Fraction", "Decimal"],
)
def test_every_type_of_real_number_gets_the_right_verdict(kind):
    assert check_exercise("chain_gradient", lambda w, s: kind(chain(w, s))).correct
    verdict = check_exercise("chain_gradient", lambda w, s: kind(np.prod(s)))
    assert verdict.status == "wrong" and "product of the slopes alone" in verdict.message


def tensors(numbers):
    return [torch.tensor(number, requires_grad=True) for number in numbers]


@pytest.mark.parametrize("kind", [list, tuple, torch.tensor, tensors])
def test_a_row_of_numbers_may_be_a_list(kind):
    slope = solved("softsign_slope")
    assert check_exercise("softsign_slope", lambda z: kind(slope(z)) if np.ndim(z) else slope(z)).correct


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_a_coarse_type_is_told_how_many_digits_it_keeps(name):
    verdict = check_exercise(
        "softsign_slope", lambda z: torch.tensor(solved("softsign_slope")(z)).to(getattr(torch, name))
    )
    assert verdict.status == "wrong"
    assert f"A {name} keeps about {checking.DIGITS[name]} digits: compute in float32 or float64." in verdict.message


def test_whole_numbers_count_as_numbers():
    inputs = [(np.array([2.0]), np.array([3.0]))]
    for kind in (int, np.int8, torch.tensor):
        verdict = checking.judge_function(lambda w, s, k=kind: k(int(chain(w, s))), "f", chain, inputs)
        assert verdict.correct, verdict
    coarse = checking.judge_function(lambda w, s: torch.tensor(6, dtype=torch.bfloat16), "f", chain, inputs)
    assert coarse.correct


@pytest.mark.parametrize(
    "result, words",
    [
        (1 + 0j, "complex numbers, of type complex128"),
        (np.complex64(1), "complex numbers, of type complex64"),
        (torch.tensor(1j), "complex numbers, of type complex64"),
        ([torch.tensor(1j)], "complex numbers, of type complex64"),
        (True, "of type bool"),
        (np.bool_(True), "of type bool"),
        (torch.tensor(True), "of type bool"),
        ("0.25", "type str"),
        (10**400, "too large for a float64"),
        (np.datetime64("2026-01-01"), "type datetime64"),
        (np.timedelta64(3), "type timedelta64"),
        (torch.empty(2, device="meta"), "type Tensor (float32)"),
        (np.ma.array(0.01125, mask=True), "a masked array that hides some of its numbers"),
        ([np.ma.array([1.0, 2.0], mask=[True, False])], "a masked array that hides some of its numbers"),
        (np.zeros(1, dtype=[("a", "f8")])[0], "of type void"),
    ],
    ids=range(15),
)
def test_what_is_no_real_number_is_named_by_its_type(result, words):
    verdict = check_exercise("chain_gradient", lambda w, s: result)
    assert verdict.status == "wrong" and words in verdict.message, verdict


@pytest.mark.parametrize(
    "thing, word",
    [
        (1j, "complex"),
        (np.complex64(1), "complex"),
        (torch.tensor(1j), "complex"),
        (True, "bool"),
        (torch.tensor(True), "bool"),
    ],
    ids=range(5),
)
@pytest.mark.parametrize("exercise_id", ["float32_depth", "critical_gain"])
def test_a_number_that_is_no_real_one_is_named_by_its_type(exercise_id, thing, word):
    assert f"value of type {word}" in check_exercise(exercise_id, thing).message


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int32])
def test_one_number_of_any_type_is_read(dtype):
    assert check_exercise("float32_depth", torch.tensor(75, dtype=dtype)).correct


@pytest.mark.parametrize("exercise_id", ["forget_path", "predict_factor"])
def test_a_function_that_fails_when_it_is_called_once_more_is_told_so(exercise_id):
    right, calls = solved(exercise_id), []

    def function(*arguments):
        calls.append(1)
        return right(*arguments) if len(calls) <= first else "text"

    first = 0
    while (verdict := check_exercise(exercise_id, function)).message.startswith("On `"):
        first, calls = first + 1, []
    assert "type str" in verdict.message or verdict.correct


def test_torch_numbers_count_as_numbers():
    def chain_gradient(weights, slopes):
        product = torch.tensor(weights, requires_grad=True) * torch.tensor(slopes)
        return product.prod()

    assert check_exercise("chain_gradient", chain_gradient).correct


def test_a_learners_function_may_change_its_input():
    def chain_gradient(weights, slopes):
        weights *= slopes
        return np.prod(weights)

    def forgetful(weights, slopes):
        product = np.prod(slopes)
        slopes[:] = 0
        return product

    assert check_exercise("chain_gradient", chain_gradient).correct
    assert "product of the slopes alone" in check_exercise("chain_gradient", forgetful).message


@pytest.mark.parametrize("thing", [3, "chain_gradient", [1, 2]])
def test_what_cannot_be_called_is_asked_for_again(thing):
    verdict = check_exercise("chain_gradient", thing)
    assert verdict.status == "wrong" and "without parentheses" in verdict.message


def test_the_line_that_fails_is_named():
    def chain_gradient(weights, slopes):
        total = 1.0
        return total / 0  # here

    verdict = check_exercise("chain_gradient", chain_gradient)
    line = chain_gradient.__code__.co_firstlineno + 2
    assert verdict.status == "wrong"
    assert f"ZeroDivisionError: float division by zero, in line {line}: `return total / 0  # here`" in verdict.message


class Nasty(Exception):
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, RecursionError, Nasty, MemoryError, GeneratorExit])
def test_no_exception_of_the_learner_gets_out(error):
    def chain_gradient(weights, slopes):
        raise error

    verdict = check_exercise("chain_gradient", chain_gradient)
    assert verdict.status == "wrong" and error.__name__ in verdict.message


class Trap:
    """An object that does something when it is read as a number."""

    def __init__(self, act):
        self._act = act

    def __array__(self, *arguments, **more):
        return self._act()


def leave():
    raise SystemExit("left")


def turn():
    while True:
        pass


@pytest.mark.parametrize("act, words", [(leave, "SystemExit: left"), (turn, "endless loop")])
def test_what_an_object_does_when_it_is_read_stays_within_the_limits(act, words, monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 0.2)
    verdict = check_exercise("chain_gradient", lambda weights, slopes: Trap(act))
    assert verdict.status == "wrong" and words in verdict.message


@pytest.mark.parametrize("module, name", [(np, "allclose"), (np, "prod"), (np, "isfinite"), (builtins, "len")])
def test_code_that_changes_its_judges_is_judged_by_the_old_ones(module, name):
    before = getattr(module, name)

    def chain_gradient(weights, slopes):
        setattr(module, name, lambda *arguments, **more: True)
        return 1e9

    assert check_exercise("chain_gradient", chain_gradient).status == "wrong"
    assert getattr(module, name) is before


def test_the_words_of_an_error_are_cut_where_they_are_long():
    def chain_gradient(weights, slopes):
        raise ValueError("x" * 10**7)

    message = check_exercise("chain_gradient", chain_gradient).message
    assert "ValueError: xxx" in message and "x…, in line" in message and len(message) < 600


class Stubborn:
    """Something to call of which nothing can be asked."""

    def __call__(self, *arguments):
        return 1 / 0

    def __getattr__(self, name):
        raise RuntimeError(name)


def test_an_object_that_answers_no_question_is_judged():
    assert "ZeroDivisionError" in check_exercise("chain_gradient", Stubborn()).message


def test_a_function_of_other_arguments_is_told_so():
    verdict = check_exercise("chain_gradient", lambda: 1)
    assert verdict.status == "wrong" and "TypeError" in verdict.message


def test_a_loop_without_end_is_stopped(monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 0.2)
    before = threading.active_count()

    def chain_gradient(weights, slopes):
        while True:
            pass

    verdict = check_exercise("chain_gradient", chain_gradient)
    assert verdict.status == "wrong" and "endless loop" in verdict.message
    assert threading.active_count() == before


def test_code_that_catches_everything_is_said_to_go_on(monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 0.2)
    over = threading.Event()

    def chain_gradient(weights, slopes):
        while not over.is_set():
            try:
                while not over.is_set():
                    pass
            except BaseException:
                pass

    message = check_exercise("chain_gradient", chain_gradient).message
    over.set()
    assert "no answer after" in message and "goes on in the background" in message
    assert "Kernel → Restart" in message


def test_a_loop_that_is_stopped_is_not_said_to_go_on(monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 0.2)

    def chain_gradient(weights, slopes):
        while True:
            pass

    assert "background" not in check_exercise("chain_gradient", chain_gradient).message


def test_module_and_readme_say_what_the_limit_does_not_cover():
    readme = (Path(__file__).parents[1] / "docs/progress.md").read_text(encoding="utf-8")
    for text in (" ".join(readme.split()), " ".join(checking.__doc__.split())):
        assert "no sandbox" in text and "7**(3*10**7)" in text and "catches every exception" in text
    assert f"{checking.SECONDS:g} seconds and, on Linux, {checking.MEMORY / 1e9:g} GB" in readme


def test_printing_without_end_is_cut_off(monkeypatch, capsys):
    monkeypatch.setattr(checking, "SECONDS", 0.3)
    standard = sys.stdout

    def chain_gradient(weights, slopes):
        while True:
            print("still here", weights[0])
            print("here too", file=sys.stderr)

    assert "endless loop" in check_exercise("chain_gradient", chain_gradient).message
    printed, complained = capsys.readouterr()
    assert printed.startswith("still here 1.5\n") and complained.startswith("here too\n")
    for text in (printed, complained):
        assert text.endswith("the rest is left out.\n") and len(text) < checking.PRINTED + 100
    assert sys.stdout is standard


def test_a_few_prints_are_shown(capsys):
    def chain_gradient(weights, slopes):
        print("weights", len(weights))
        return np.prod(weights * slopes)

    assert check_exercise("chain_gradient", chain_gradient).correct
    assert capsys.readouterr().out.splitlines()[:2] == ["weights 3", "weights 1"]


def test_sys_exit_ends_the_try_not_the_notebook():
    def chain_gradient(weights, slopes):
        sys.exit("done")

    assert "SystemExit: done" in check_exercise("chain_gradient", chain_gradient).message


def hoard_in_a_loop(weights, slopes):
    hoard = []
    while True:
        hoard.append(np.empty(5_000_000))


def hoard_at_once(weights, slopes):
    return np.ones(10_000_000_000)


def hoard_lists(weights, slopes):
    return [[0] * 5_000_000 for _ in range(10_000)]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux limits the memory of a process")
@pytest.mark.parametrize("hoard", [hoard_in_a_loop, hoard_at_once, hoard_lists])
def test_code_that_wants_all_memory_is_stopped_and_frees_it(monkeypatch, hoard):
    import resource

    monkeypatch.setattr(checking, "MEMORY", 300_000_000)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    verdict = check_exercise("chain_gradient", hoard)
    assert "MemoryError: it asks for more than 0.3 GB of memory, in line" in verdict.message
    assert resource.getrlimit(resource.RLIMIT_AS) == limits
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    verdict = check_exercise("chain_gradient", hoard)
    assert int(Path("/proc/self/statm").read_text().split()[1]) - resident < 20_000, "pages of 4 kB"
    assert check_exercise("chain_gradient", solved("chain_gradient")).correct


class Junk:
    """Nothing about it works."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __array__(self, *arguments, **more):
        raise RuntimeError("no array")

    def __repr__(self):
        raise RuntimeError("no words")

    def __eq__(self, other):
        raise RuntimeError("no equal")

    __hash__ = None


@pytest.mark.parametrize(
    "junk",
    [
        Junk(),
        iter("abc"),
        (n for n in range(3)),
        object,
        np.array(["a"]),
        {"a": 1},
        b"1",
        np.datetime64("2020-01-01"),
        [[[]]],
        np.ma.masked,
        np.array([1, "x"], dtype=object),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_junk_is_judged_whether_handed_over_or_returned(exercise_id, junk):
    for thing in (junk, lambda *arguments: junk):
        verdict = check_exercise(exercise_id, thing)
        assert verdict.status == "wrong" and verdict.message


def test_a_law_right_by_theory_is_held_against_a_network():
    verdict = lesson_03._beside_measurement(lambda activation, slope, gain: 0.5)
    assert verdict.status == "wrong" and "it is 0.23" in verdict.message


@pytest.mark.parametrize("gain, expected", [(1.0, 0.236), (2.0, 0.4142), (4.0, 0.6316)])
def test_the_engine_measures_what_theory_says(gain, expected):
    assert lesson_03.measured_factor(gain) == pytest.approx(expected, rel=0.05)


# Verdicts on numbers -------------------------------------------------------------------------------------------------


def test_float32_ends_where_an_independent_count_says():
    """0.25^n = 2^(-2n) is rounded to 0 from 2^-150 on: half of the smallest float32, and ties go to even."""
    assert lesson_01.float32_zero_depth() == 75
    assert np.float32(2.0**-148) > 0 and np.float32(2.0**-150) == 0


@pytest.mark.parametrize(
    "given_number, status, words",
    [
        (75, "right", "75"),
        ("75", "right", "75"),
        (np.int64(75), "right", "75"),
        (torch.tensor(75), "right", "75"),
        (74, "wrong", "2.8e-45"),
        (20, "wrong", "9.1e-13"),
        (76, "wrong", "76 neurons have 75 factors"),
        (100, "wrong", "it was 0 before"),
        (64, "wrong", "fewer digits"),
        (24, "wrong", "binary digits"),
        (38, "wrong", "smallest number of full precision"),
        (538, "wrong", "float64 ends"),
        (63, "wrong", "fewer digits"),
        (150, "wrong", "here each factor is a quarter"),
        (0, "wrong", "whole number"),
        (75.5, "wrong", "whole number"),
        ("many", "wrong", "not a number"),
        (math.nan, "wrong", "finite"),
        ([75], "wrong", "one number"),
        (np.zeros(3), "wrong", "one number"),
    ],
)
def test_float32_depth(given_number, status, words):
    verdict = check_exercise("float32_depth", given_number)
    assert verdict.status == status and words in verdict.message, verdict


@settings(max_examples=150, deadline=None)
@given(thing=st.one_of(st.text(), st.floats(), st.integers(), st.binary(), st.lists(st.floats()), st.complex_numbers()))
@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_checking_is_total(exercise_id, thing):
    verdict = check_exercise(exercise_id, thing)
    assert verdict.status in {"right", "wrong", "open"} and verdict.message
