"""The data files and the tasks made from them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import datasets
from helpers.datasets import DATA, classification_batch, clusters, digits, digits_split, train_test_split


def test_digits_are_the_uci_ones() -> None:
    read = digits()
    assert read.images.shape == (1797, 8, 8) and read.labels.shape == (1797,)
    assert read.images.dtype == np.float64 and read.images.min() == 0 and read.images.max() == 1
    assert np.bincount(read.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (read.images * 16 == np.round(read.images * 16)).all()
    assert read.labels[:10].tolist() == list(range(10))


def test_a_picture_is_the_right_way_up() -> None:
    """The first digit is a 0: ink around, none in the middle."""
    zero = digits().images[0]
    assert zero[3:5, 3:5].max() == 0 and zero[:, 2:6].max() > 0.8


def test_digits_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError):
        digits().images[0, 0, 0] = 1


def test_features_have_mean_zero_and_variance_one() -> None:
    features = digits().features
    assert features.shape == (1797, 64)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-12)
    spread = features.std(axis=0)
    np.testing.assert_allclose(spread[spread > 0], 1)
    assert (spread == 0).sum() == 3  # pixels that are blank in every picture


@pytest.mark.parametrize("name", ["digits", "clusters", "gaussian"])
def test_a_batch_depends_on_its_seed_alone(name: str) -> None:
    inputs, targets = classification_batch(name, 50, seed=3)
    again, same = classification_batch(name, 50, seed=3)
    other, _ = classification_batch(name, 50, seed=4)
    np.testing.assert_array_equal(inputs, again)
    np.testing.assert_array_equal(targets, same)
    assert not np.array_equal(inputs, other)
    assert inputs.shape == (50, {"digits": 64, "clusters": 20, "gaussian": 64}[name]) and targets.shape == (50,)
    assert inputs.dtype == np.float64 and targets.dtype.kind == "i" and 0 <= targets.min() <= targets.max() <= 9


def test_a_batch_of_digits_has_no_digit_twice() -> None:
    inputs, targets = classification_batch("digits", 1797)
    assert sorted(targets) == sorted(digits().labels)
    np.testing.assert_allclose(inputs.sum(axis=0), 0, atol=1e-9)


def test_gaussian_takes_its_number_of_features() -> None:
    inputs, _ = classification_batch("gaussian", 2000, features=7)
    assert inputs.shape == (2000, 7) and inputs.std() == pytest.approx(1, abs=0.03)


def test_clusters_lie_around_their_centres() -> None:
    inputs, targets = clusters(4000, noise=0.1, seed=1)
    centres = np.stack([inputs[targets == k].mean(axis=0) for k in range(10)])
    assert (inputs - centres[targets]).std() == pytest.approx(0.1, rel=0.05)
    assert centres.std() == pytest.approx(1, rel=0.2)


def test_a_split_loses_and_repeats_nothing() -> None:
    split = digits_split(test_fraction=0.2, seed=1)
    assert len(split.test_inputs) == 359 and len(split.train_inputs) == 1438
    assert sorted([*split.train_targets, *split.test_targets]) == sorted(digits().labels)
    rows = np.concatenate([split.train_inputs, split.test_inputs])
    np.testing.assert_allclose(np.sort(rows.sum(axis=1)), np.sort(digits().features.sum(axis=1)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: classification_batch("mnist", 10), "data must be one of digits, clusters, gaussian; got 'mnist'"),
        (lambda: classification_batch("digits", 0), "size must be a whole number from 1 to 1797; got 0"),
        (lambda: classification_batch("digits", 1798), "size must be a whole number from 1 to 1797; got 1798"),
        (lambda: classification_batch("clusters", 2.5), "size must be a whole number ≥ 1; got 2.5"),
        (lambda: classification_batch("gaussian", 5, seed=-1), "seed must be a whole number ≥ 0; got -1"),
        (lambda: classification_batch("gaussian", True), "size must be a whole number ≥ 1; got True"),
        (lambda: clusters(5, features=0), "features must be a whole number ≥ 1; got 0"),
        (lambda: clusters(5, classes=-2), "classes must be a whole number ≥ 1; got -2"),
        (lambda: clusters(5, noise=-1.0), "noise must be a finite number ≥ 0; got -1.0"),
        (
            lambda: train_test_split(np.zeros((3, 2)), np.zeros(2)),
            "inputs and targets must be equally long; got 3 and 2",
        ),
        (lambda: digits_split(test_fraction=1.5), "test_fraction must be between 0 and 1; got 1.5"),
        (lambda: train_test_split(np.zeros((1, 2)), np.zeros(1)), "inputs must hold at least 2 examples; got 1"),
    ],
)
def test_bad_input_is_named(call, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)


@pytest.fixture
def other_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "DATA", tmp_path)
    datasets.digits.cache_clear()
    yield tmp_path
    datasets.digits.cache_clear()


def test_a_missing_file_says_which_and_how_to_get_it_back(other_folder) -> None:
    with pytest.raises(FileNotFoundError, match=r"digits\.npz is missing .*git checkout -- data/digits\.npz"):
        digits()


@pytest.mark.parametrize("damage", ["cut", "one bit", "empty"])
def test_a_damaged_file_says_which_and_how_to_get_it_back(other_folder, damage: str) -> None:
    content = bytearray((DATA / "digits.npz").read_bytes())
    if damage == "one bit":
        content[20_000] ^= 1
    (other_folder / "digits.npz").write_bytes({"cut": content[:30_000], "one bit": content, "empty": b""}[damage])
    with pytest.raises(ValueError, match=r"digits\.npz is damaged.*git checkout -- data/digits\.npz"):
        digits()


def test_every_data_file_has_a_checksum_and_a_source() -> None:
    sources = (DATA / "SOURCES.md").read_text(encoding="utf-8")
    for name in datasets.CHECKSUMS:
        assert (DATA / name).is_file() and f"`{name}`" in sources
    assert {path.name for path in DATA.glob("*.npz")} == set(datasets.CHECKSUMS)


def test_the_file_is_the_same_after_git_on_windows() -> None:
    """A binary file must never be taken for text, or a line ending inside it gets changed."""
    assert b"\0" in (DATA / "digits.npz").read_bytes()[:8000]
