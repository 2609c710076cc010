"""What `watch` costs: steps of SGD with it against steps without, in turns within one run."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from helpers.doctor import watch
from helpers.patients import perceptron

ROUNDS, EVERY, GOALS = 9, 10, "1.10 for the first, 1.03 where a step takes 20 ms"


def networks() -> dict[str, tuple[nn.Module, Tensor]]:
    """Networks of three sizes, with a batch for each; a step of the last one takes more than 20 ms."""
    images = torch.randn(128, 1, 8, 8)
    convolutions = [part for _ in range(6) for part in (nn.Conv2d(32, 32, 3, padding=1), nn.ReLU())]
    return {
        "10 × 64 ReLU, batch 64": (perceptron(nn.ReLU, [64] * 10), images[:64].flatten(1)),
        "10 × 256 tanh, batch 128": (perceptron(nn.Tanh, [256] * 10), images.flatten(1)),
        "7 convolutions of 32, batch 128": (
            nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), *convolutions, nn.Flatten(), nn.Linear(2048, 10)),
            images,
        ),
    }


def seconds(model: nn.Module, inputs: Tensor, steps: int, around: Callable[[nn.Module], Any]) -> float:
    """Processor time of some steps of SGD, which other programs hardly touch; the network is a copy each time."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    targets = torch.arange(len(inputs)) % 10
    with around(model):
        start = time.process_time()
        for _ in range(steps):
            optimizer.zero_grad()
            cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        return time.process_time() - start


def ratio_of(model: nn.Module, inputs: Tensor, every: int = EVERY, rounds: int = ROUNDS, steps: int = 100) -> float:
    """The median over rounds of the time with `watch` over the time without in the same round."""
    ratios = []
    for _ in range(rounds):
        bare = seconds(model, inputs, steps, lambda _: nullcontext())
        watched = seconds(model, inputs, steps, lambda model: watch(model, every=every, show=False))
        ratios.append(watched / bare)
    return statistics.median(ratios)


def main() -> None:
    """Print the table."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    print(f"\nwatch(model, every={EVERY}): processor time of a step with it over without, one thread (goals: {GOALS})")
    try:
        for name, (model, inputs) in networks().items():
            print(f"  {name:32s}{ratio_of(model, inputs):8.3f}", flush=True)
    finally:
        torch.set_num_threads(before)


if __name__ == "__main__":
    main()
