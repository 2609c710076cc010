"""How long one tick of the engine takes, against the matrix products alone and against the usual way in torch."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from typing import Any

import helpers  # noqa: F401 - pins BLAS to one thread before numpy is loaded

# isort: split
import numpy as np
import torch

from helpers.datasets import classification_batch
from helpers.network import GradientProfile, NetworkSpec, gradient_profile, initial_parameters

ROUNDS = 101
KEEPS = {"relu": "he_normal", "gelu": "he_normal"}  # a signal that dies out would be computed again in float64

# depth, width, batch, seeds, activation, goal for tick / products
AGAINST_PRODUCTS = [
    (50, 32, 64, 1, "sigmoid", 2.2),
    (50, 64, 64, 1, "sigmoid", 1.7),
    (50, 64, 64, 1, "tanh", 1.7),
    (50, 64, 64, 1, "relu", 1.7),
    (50, 64, 64, 1, "gelu", None),
    (30, 64, 128, 1, "sigmoid", 1.7),
    (100, 128, 64, 1, "sigmoid", 1.7),
    (200, 256, 256, 1, "sigmoid", 1.7),
    (50, 64, 64, 16, "sigmoid", 1.9),
    (30, 64, 128, 8, "sigmoid", 1.9),
]
AGAINST_TORCH = [(50, 32, 64), (50, 64, 64), (100, 128, 64)]


def interleaved(actions: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Milliseconds of every action, taken in turns so that noise of the machine meets all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for action in actions.values():
        action()
    for _ in range(rounds):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            taken[name].append(1e3 * (time.perf_counter() - start))
    return taken


def ratio(taken: dict[str, list[float]], above: str, below: str) -> float:
    """The median over rounds of one action's time over another's in the same round."""
    return statistics.median(a / b for a, b in zip(taken[above], taken[below], strict=True))


def least(taken: dict[str, list[float]], above: str, below: str) -> float:
    """The same of each action's quickest round, when nothing else had the processor."""
    return min(taken[above]) / min(taken[below])


def bare_products(spec: NetworkSpec, parameters: Any, inputs: np.ndarray) -> Callable[[], None]:
    """The three matrix products that every layer needs, and nothing else, on arrays of the same shapes."""
    shape = (spec.depth, spec.seeds, spec.batch, spec.width)
    hidden = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    output = np.empty_like(hidden)
    gradient = np.empty(shape[1:], np.float32)
    weights = parameters.weights
    first = np.empty((spec.seeds, inputs.shape[1], spec.width), np.float32)
    product = np.empty((spec.seeds, spec.width, spec.width), np.float32)
    transposed = [weight.swapaxes(1, 2) for weight in weights]
    below = list(hidden.swapaxes(2, 3))

    def products() -> None:
        np.matmul(inputs, weights[0], out=output[0])
        for layer in range(1, spec.depth):
            np.matmul(hidden[layer], weights[layer], out=output[layer])
        for layer in range(spec.depth - 1, 0, -1):
            np.matmul(below[layer], output[layer], out=product)
            np.matmul(output[layer], transposed[layer], out=gradient)
        np.matmul(inputs.T, output[0], out=first)

    return products


def fresh_torch(spec: NetworkSpec, inputs: np.ndarray, targets: np.ndarray, whole: bool) -> Callable[[], Any]:
    """What a student writes: a new `nn.Sequential`, `backward()`, and the norms read from `.grad`.

    `whole` asks for all that a tick gives: weights of a scheme and gain of one's own, ‖∂L/∂h‖ as well as ‖∂L/∂W‖.
    """
    x, t = torch.tensor(inputs, dtype=torch.float32), torch.tensor(targets)

    def measure() -> list[list[float]]:
        layers: list[torch.nn.Module] = []
        for layer in range(spec.depth):
            linear = torch.nn.Linear(spec.width if layer else x.shape[1], spec.width)
            if whole:
                torch.nn.init.xavier_normal_(linear.weight, spec.gain)
                torch.nn.init.zeros_(linear.bias)
            layers += [linear, torch.nn.Tanh()]
        model = torch.nn.Sequential(*layers, torch.nn.Linear(spec.width, 10))
        hidden = [x]
        if whole:
            for number in range(0, 2 * spec.depth, 2):
                hidden.append(model[number + 1](model[number](hidden[-1])))
                hidden[-1].retain_grad()
        logits = model[-1](hidden[-1]) if whole else model(x)
        torch.nn.functional.cross_entropy(logits, t).backward()
        weights = [layer.weight for layer in model if isinstance(layer, torch.nn.Linear)]
        return [[array.grad.norm().item() for array in arrays] for arrays in (weights, hidden[1:])]

    return measure


def tick(spec: NetworkSpec) -> Callable[[], GradientProfile]:
    """What a slider does: networks of another gain each time, their gradient signal and their loss."""
    gains = cycle(np.linspace(0.9, 1.1, 1000))
    return lambda: gradient_profile(replace(spec, gain=float(next(gains))))


def against_products() -> None:
    """Print the tick, and a tick with weight gradients, as multiples of the bare products in the same precision."""
    print("\nEngine, float32, one thread: median ms, and median ratio to the three bare products of each layer")
    print("tick: what a slider's move takes, ‖∂L/∂h‖ and loss; all: ‖∂L/∂W‖ too, which waits until it is asked for;")
    print("quickest: the tick's ratio between the quickest rounds")
    print(
        f"{'depth':>5} {'width':>5} {'batch':>5} {'seeds':>5} {'activation':>10} | {'products':>8} {'tick':>8}"
        f" {'all':>8} | {'tick ×':>6} {'all ×':>6} {'quickest ×':>10} {'goal':>5}"
    )
    for depth, width, batch, seeds, activation, goal in AGAINST_PRODUCTS:
        spec = NetworkSpec(depth, width, activation, KEEPS.get(activation, "lecun_normal"), batch=batch, seeds=seeds)
        inputs, _ = classification_batch("digits", batch)
        single = inputs.astype(np.float32)
        parameters = initial_parameters(spec, 64, 10, dtype=np.float32)
        one = tick(spec)
        taken = interleaved(
            {
                "products": bare_products(spec, parameters, single),
                "tick": one,
                "all": lambda one=one: one().weight_gradient,
            },
            rounds=ROUNDS if depth * width * seeds < 40_000 else 15,
        )
        ms = {name: statistics.median(times) for name, times in taken.items()}
        ratios = [ratio(taken, "tick", "products"), ratio(taken, "all", "products")]
        print(
            f"{depth:5} {width:5} {batch:5} {seeds:5} {activation:>10} | {ms['products']:8.2f} {ms['tick']:8.2f} "
            f"{ms['all']:8.2f} | {ratios[0]:6.2f} {ratios[1]:6.2f} {least(taken, 'tick', 'products'):10.2f} "
            f"{'' if goal is None else f'≤ {goal}':>5}",
            flush=True,
        )


def against_torch() -> None:
    """Print how much faster a tick is than a fresh torch network, its backward pass and its `.grad`."""
    print("\nEngine against a fresh nn.Sequential, backward() and .grad norms, tanh, float32, one thread: median ms")
    print("torch: ‖∂L/∂W‖ with the default init; torch, all: a scheme of one's own and ‖∂L/∂h‖ too")
    print(
        f"{'depth':>5} {'width':>5} {'batch':>5} | {'torch':>8} {'tick':>8} | {'torch, all':>10} {'all':>8} | "
        f"{'ratio':>6} {'goal':>5} {'ratio, all':>10}"
    )
    for depth, width, batch in AGAINST_TORCH:
        spec = NetworkSpec(depth, width, "tanh", "xavier_normal", batch=batch, seeds=1)
        inputs, targets = classification_batch("digits", batch)
        one = tick(spec)
        actions = {
            "torch": fresh_torch(spec, inputs, targets, whole=False),
            "torch, all": fresh_torch(spec, inputs, targets, whole=True),
            "tick": one,
            "all": lambda one=one: one().weight_gradient,
        }
        taken = interleaved(actions)
        ms = {name: statistics.median(times) for name, times in taken.items()}
        goal = "≥ 7" if (depth, width, batch) == (50, 64, 64) else ""
        print(
            f"{depth:5} {width:5} {batch:5} | {ms['torch']:8.2f} {ms['tick']:8.2f} | {ms['torch, all']:10.2f} "
            f"{ms['all']:8.2f} | {ratio(taken, 'torch', 'tick'):6.1f} {goal:>5} "
            f"{ratio(taken, 'torch, all', 'all'):10.1f}",
            flush=True,
        )


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    against_products()
    against_torch()
