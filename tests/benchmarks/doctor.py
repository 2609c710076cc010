"""The doctor on the clinic: confusion matrix, false alarms, misses, notes and times."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial

import torch

from helpers.doctor import diagnose
from tests.clinic.healthy import HEALTHY
from tests.clinic.parts import Example, Make, loss_of
from tests.clinic.table import all_blind, all_seen, all_unseen, made, reported, table
from tests.clinic.watched import all_watched

ROUNDS = 5


def plain_pass(example: Example) -> None:
    """One forward and one backward pass, as a step of training has it, without the optimizer's part."""
    wanted = [each for each in example[0].parameters() if each.requires_grad]
    loss = loss_of(example)
    if loss.requires_grad and wanted:
        torch.autograd.grad(loss, wanted, allow_unused=True)


def seconds(work: Callable[[], object]) -> float:
    """Processor time, which other programs hardly touch."""
    started = time.process_time()
    work()
    return time.process_time() - started


def times(networks: Mapping[str, Make], rounds: int = ROUNDS) -> list[tuple[float, float]]:
    """Seconds of a plain pass and of a diagnosis for each network: medians of rounds in turns, after one of each.

    Both work on networks of their own, made from the same seed.
    """
    found = []
    for make in networks.values():
        works = partial(plain_pass, made(make, 0)), partial(lambda example: diagnose(*example), made(make, 0))
        for work in works:
            work()
        turns = [[seconds(work) for work in works] for _ in range(rounds)]
        plain, taken = (statistics.median(column) for column in zip(*turns, strict=True))
        found.append((plain, taken))
    return found


def table_of_times(found: list[tuple[float, float]]) -> str:
    """The median ratio of all, and of those whose pass takes longer."""
    lines = [
        f"Time of a diagnosis over one forward and one backward pass, processor time, medians of {ROUNDS} in turns:"
    ]
    for words, least in (("all", 0.0), ("a pass of 5 ms or more", 0.005), ("a pass of 20 ms or more", 0.02)):
        ratios = [taken / plain for plain, taken in found if plain >= least]
        if ratios:
            lines.append(f"  {words:<26}{statistics.median(ratios):6.2f} (median of {len(ratios)} networks)")
    return "\n".join(lines)


def main() -> None:
    """Print the tables; one thread, since the networks are small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = times(HEALTHY)
        seen, unseen, blind, watched = all_seen(), all_unseen(), all_blind(), all_watched()
    finally:
        torch.set_num_threads(threads)
    print("The half on which no threshold was set:\n" + table(each for each in seen if reported(each.name)))
    print("\nThe second set of networks written after the doctor:\n" + table(blind))
    print("\nIts healthy networks and its sick trainings under watch:\n" + table(watched))
    print("\nThe first set of networks written after the doctor, now that it is mended:\n" + table(unseen))
    print("\nThe half on which thresholds were set:\n" + table(each for each in seen if not reported(each.name)))
    print("\n" + table_of_times(found))
