"""Networks of the clinic trained on their own batch: whether they learn, and what `watch` says of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch

from helpers.doctor import watch
from tests.clinic.blind_healthy import BLIND_HEALTHY, BLIND_NOT_SHOWN
from tests.clinic.blind_sick import BLIND_TRAININGS
from tests.clinic.parts import Begin, Example, Make, Step, loss_of
from tests.clinic.table import SEEDS, Seen, made, seen_of

STEPS, LEARNT, RATES = 300, 0.3, (1e-3, 1e-2)
"""A network learns that takes this share off its loss in so many steps of Adam at one of two rates."""


def sound(rate: float) -> Begin:
    """A usual step of Adam; embeddings with sparse gradients have an Adam of their own."""

    def begin(example: Example) -> Step:
        model = example[0]
        sparse = {id(module.weight) for module in model.modules() if getattr(module, "sparse", False)}
        learning = [each for each in model.parameters() if each.requires_grad]
        groups = (
            [each for each in learning if id(each) not in sparse],
            [each for each in learning if id(each) in sparse],
        )
        kinds = torch.optim.Adam, torch.optim.SparseAdam
        optimizers = [kind(group, rate) for kind, group in zip(kinds, groups, strict=True) if group]

        def step() -> float:
            for each in optimizers:
                each.zero_grad()
            loss = loss_of(example)
            loss.backward()
            for each in optimizers:
                each.step()
            return float(loss.detach())

        return step

    return begin


def learnt(losses: list[float]) -> bool:
    """Whether the least mean of ten losses in a row lies so far below the first loss."""
    means = [sum(losses[place : place + 10]) / 10 for place in range(max(1, len(losses) - 9))]
    return min(means) <= losses[0] - LEARNT * abs(losses[0])


def learns(make: Make, seed: int = 0) -> bool:
    """Whether a network learns; training ends when it does."""
    for rate in RATES:
        step = sound(rate)(made(make, seed))
        losses: list[float] = []
        while len(losses) < STEPS:
            losses.append(step())
            if len(losses) % 10 == 0 and learnt(losses):
                return True
    return False


def watched(name: str, right: tuple[str, ...], make: Make, begin: Begin, seed: int) -> tuple[Seen, bool]:
    """What `watch` says of a training, and whether the network learns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = made(make, seed)
        step = begin(example)
        with watch(example[0], show=False) as monitor:
            losses = [step() for _ in range(STEPS)]
        diagnosis = monitor.diagnosis
    return seen_of(name, seed, right, diagnosis), learnt(losses)


def healthy_watched(name: str, make: Make, seed: int) -> Seen | None:
    """What `watch` says of a healthy network at the first rate at which it learns; None where it does at neither."""
    for rate in RATES:
        seen, learns = watched(name, ("healthy",), make, sound(rate), seed)
        if learns:
            return seen
    return None


Trainings = Callable[[int], Iterable[tuple[str, tuple[str, ...], Any]]]


def all_watched_of(trainings: Trainings, seeds: Iterable[int] = SEEDS) -> list[Seen]:
    """What `watch` says of the trainings of a set, by every seed."""
    found = []
    for seed in seeds:
        for name, right, steps in trainings(seed):
            with watch(steps.model, show=False) as monitor:
                for _ in range(STEPS):
                    next(steps)
            found.append(seen_of(name, seed, right, monitor.diagnosis))
    return found


def all_watched(seeds: Iterable[int] = SEEDS) -> list[Seen]:
    """The blind set's healthy networks and its sick trainings, by every seed."""
    seeds = tuple(seeds)
    names = [name for name in BLIND_HEALTHY if name not in BLIND_NOT_SHOWN]
    healthy = [healthy_watched(name, BLIND_HEALTHY[name], seed) for name in names for seed in seeds]
    sick = [
        watched(name, right, make, begin, seed)[0]
        for name, (right, (make, begin)) in BLIND_TRAININGS.items()
        for seed in seeds
    ]
    return [each for each in healthy if each is not None] + sick
