"""The data of the course: readers of the files in `data/` and small tasks drawn from a seed.

Nothing here accesses the internet. `data/SOURCES.md` names the source and the licence of each file.
"""

from __future__ import annotations  # the types name numpy.random, which takes time to load

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.checks import check_choice, check_number, check_whole

DATA = Path(__file__).resolve().parent.parent / "data"
CHECKSUMS = {  # SHA-256
    "digits.npz": "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e",
    "sunspots.npz": "4c60159e8641aedaee793c8ae6271d784e94c0d57eeee9bf46af54be26ca4a78",
}
CLASSES = 10  # in every classification task of this module


@dataclass(frozen=True)
class Digits:
    """Handwritten digits: `images` (1797, 8, 8) with ink from 0 to 1, `labels` (1797,) from 0 to 9."""

    images: Array
    labels: Array

    @property
    def features(self) -> Array:
        """The images as rows (1797, 64), each pixel with mean 0 and variance 1; pixels that never change stay 0."""
        rows = self.images.reshape(len(self.images), -1)
        spread = rows.std(axis=0)
        return (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1)


@dataclass(frozen=True)
class Split:
    """A task in two parts: inputs (examples, features) and targets (examples,) for training and for testing."""

    train_inputs: Array
    train_targets: Array
    test_inputs: Array
    test_targets: Array


def read(name: str) -> bytes:
    """Return the contents of `data/name` after verifying its checksum.

    Raises FileNotFoundError or ValueError that names the file and says how to restore it.
    """
    path = DATA / name
    remedy = f"To restore it: git checkout -- data/{name}"
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise FileNotFoundError(f"The data file {path} is missing or cannot be read. {remedy}") from problem
    import hashlib  # imported here: it takes as long to load as all of this package

    if hashlib.sha256(content).hexdigest() != CHECKSUMS[name]:
        raise ValueError(f"The data file {path} is damaged: its checksum is not the recorded one. {remedy}")
    return content


@lru_cache(maxsize=1)
def digits() -> Digits:
    """The 1797 handwritten digits of 8 × 8 pixels (Alpaydin and Kaynak 1998), read-only arrays."""
    with np.load(io.BytesIO(read("digits.npz"))) as archive:
        images, labels = archive["images"] / 16, archive["labels"].astype(np.intp)  # numpy's type of an index
    images.flags.writeable = labels.flags.writeable = False
    return Digits(images, labels)


def clusters(
    size: int = 1000, *, classes: int = CLASSES, features: int = 20, noise: float = 0.5, seed: int = 0
) -> tuple[Array, Array]:
    """Draw points around `classes` centres from N(0, I): inputs (size, features) and targets (size,)."""
    check_number("noise", noise, least=0)
    generator = np.random.default_rng(check_whole("seed", seed, 0))
    centres = generator.standard_normal((check_whole("classes", classes, 1), check_whole("features", features, 1)))
    targets = generator.integers(0, classes, check_whole("size", size, 1))
    inputs = centres[targets] + noise * generator.standard_normal((size, features))
    return inputs, targets


def gaussian(size: int, *, features: int = 64, classes: int = CLASSES, seed: int = 0) -> tuple[Array, Array]:
    """Draw inputs (size, features) from N(0, 1) and targets (size,) that don't depend on them."""
    generator = np.random.default_rng(check_whole("seed", seed, 0))
    inputs = generator.standard_normal((check_whole("size", size, 1), check_whole("features", features, 1)))
    return inputs, generator.integers(0, check_whole("classes", classes, 1), size)


def digit_rows(size: int, *, seed: int = 0) -> tuple[Array, Array]:
    """Return `size` different digits in an order drawn from `seed`: standardised inputs (size, 64), targets (size,)."""
    labels = digits().labels
    order = np.random.default_rng(check_whole("seed", seed, 0)).permutation(len(labels))
    chosen = order[: check_whole("size", size, 1, len(labels))]
    return _standardised()[chosen], labels[chosen]


@lru_cache(maxsize=1)
def _standardised() -> Array:
    return digits().features


TASKS: dict[str, Callable[..., tuple[Array, Array]]] = {
    "digits": digit_rows,
    "clusters": clusters,
    "gaussian": gaussian,
}


def classification_batch(name: str, size: int, seed: int = 0, **options: Any) -> tuple[Array, Array]:
    """Return one batch of a ten-class task: inputs (size, features) float64, targets (size,) whole numbers 0 … 9.

    `name` is "digits" (64 standardised pixels), "clusters" (20 features) or "gaussian" (64, or `features=`).
    Raises ValueError for another name, a size below 1 or a size above the number of digits.
    """
    check_choice("data", name, tuple(TASKS))
    return TASKS[name](size, seed=seed, **options)


def train_test_split(inputs: Array, targets: Array, *, test_fraction: float = 0.25, seed: int = 0) -> Split:
    """Split examples at random: the last `test_fraction` of a shuffled order is for testing."""
    if len(inputs) != len(targets):
        raise ValueError(f"inputs and targets must be equally long; got {len(inputs)} and {len(targets)}")
    if len(inputs) < 2:
        raise ValueError(f"inputs must hold at least 2 examples; got {len(inputs)}")
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must be between 0 and 1; got {test_fraction!r}")
    order = np.random.default_rng(check_whole("seed", seed, 0)).permutation(len(inputs))
    held_out = min(max(1, round(len(inputs) * test_fraction)), len(inputs) - 1)
    train, test = order[:-held_out], order[-held_out:]
    return Split(inputs[train], targets[train], inputs[test], targets[test])


def digits_split(*, test_fraction: float = 0.25, seed: int = 0) -> Split:
    """Return the digits as rows of 64 standardised pixels, split into a training and a test part."""
    return train_test_split(_standardised(), digits().labels, test_fraction=test_fraction, seed=seed)


# Sequences -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SequenceTask:
    """A task on sequences: `draw(size, generator)` returns inputs (size, length, features) and their targets.

    Targets are numbers (size, outputs), for the mean squared error, or with `classes` whole numbers (size,), for the
    cross-entropy. `held_out` are inputs and targets for testing. `guess` is the loss of the best prediction that
    ignores the inputs.
    """

    name: str
    features: int
    outputs: int
    classes: bool
    guess: float
    draw: Callable[[int, np.random.Generator], tuple[Array, Array]]
    held_out: tuple[Array, Array]


HELD_OUT = 500  # sequences, drawn from a seed that no training run uses
HELD_OUT_SEED = (0, 2 * HELD_OUT)


def adding_problem(length: int = 50, marked: int | None = None) -> SequenceTask:
    """Add two marked numbers: each step has a number from U(0, 1) and a mark (0 or 1).

    One number is marked in each half of the sequence or, with `marked`, in each half of its first `marked` steps
    (Hochreiter and Schmidhuber 1997, experiment 4, in the form of Le 2015). Always answering 1 has mean squared error
    1/6.
    """
    last = (
        check_whole("length", length, 2)
        if marked is None
        else check_whole("marked", marked, 2, check_whole("length", length, 2))
    )

    def draw(size: int, generator: np.random.Generator) -> tuple[Array, Array]:
        numbers = generator.uniform(0, 1, (size, length))
        marks = np.zeros((size, length))
        places = [generator.integers(0, last // 2, size), generator.integers(last // 2, last, size)]
        for place in places:
            marks[np.arange(size), place] = 1
        return np.stack([numbers, marks], axis=-1), (numbers * marks).sum(axis=1, keepdims=True)

    held_out = draw(HELD_OUT, np.random.default_rng(HELD_OUT_SEED))
    return SequenceTask("adding", 2, 1, False, 1 / 6, draw, held_out)


def delayed_recall(length: int = 60, symbols: int = 4) -> SequenceTask:
    """At the last step, name the one of `symbols` symbols that was shown at the first.

    The steps after the first have N(0, 1) noise on a separate channel. Inputs are (size, length, symbols + 1). Guessing
    has cross-entropy ln symbols.
    """
    check_whole("length", length, 2)
    check_whole("symbols", symbols, 2)

    def draw(size: int, generator: np.random.Generator) -> tuple[Array, Array]:
        targets = generator.integers(0, symbols, size)
        inputs = np.zeros((size, length, symbols + 1))
        inputs[np.arange(size), 0, targets] = 1
        inputs[:, 1:, symbols] = generator.standard_normal((size, length - 1))
        return inputs, targets

    held_out = draw(HELD_OUT, np.random.default_rng(HELD_OUT_SEED))
    return SequenceTask("delayed recall", symbols + 1, symbols, True, math.log(symbols), draw, held_out)


@dataclass(frozen=True)
class Series:
    """A yearly series: `years` and `values`, read-only arrays of one length."""

    years: Array
    values: Array


@lru_cache(maxsize=1)
def sunspots() -> Series:
    """The mean number of sunspots of each year, 1700 to 2008."""
    with np.load(io.BytesIO(read("sunspots.npz"))) as archive:
        years, values = archive["years"].astype(np.int64), archive["numbers"]
    years.flags.writeable = values.flags.writeable = False
    return Series(years, values)


SUNSPOT_UNIT = 100.0
"""Networks get sunspot numbers divided by this, so that values are near 1."""


def sunspot_windows(window: int, first: int, last: int) -> tuple[Array, Array]:
    """Return, for every year from `first` to `last`, the `window` years before it (years, window, 1) and it (years, 1).

    Values are in units of `SUNSPOT_UNIT`. Raises ValueError if the series doesn't have these years.
    """
    series = sunspots()
    begin, end = int(series.years[0]), int(series.years[-1])
    check_whole("window", window, 1, end - begin)
    check_whole("first", first, begin + window, end)
    check_whole("last", last, first, end)
    scaled = series.values / SUNSPOT_UNIT
    places = np.arange(first, last + 1) - begin
    inputs = np.stack([scaled[place - window : place] for place in places])
    return inputs[..., None], scaled[places, None]


def sunspot_forecast(window: int = 33, train_until: int = 1920) -> SequenceTask:
    """Forecast a year's sunspots from the `window` years before it; the years after `train_until` are held out."""
    series = sunspots()
    inputs, targets = sunspot_windows(window, int(series.years[0]) + window, train_until)
    held_out = sunspot_windows(window, train_until + 1, int(series.years[-1]))

    def draw(size: int, generator: np.random.Generator) -> tuple[Array, Array]:
        chosen = generator.integers(0, len(inputs), size)
        return inputs[chosen], targets[chosen]

    guess = float(np.mean((held_out[1] - targets.mean()) ** 2))
    return SequenceTask("sunspots", 1, 1, False, guess, draw, held_out)
