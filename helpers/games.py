"""Training games between a generator and a discriminator, with the gradients of `adversarial`, and their recipes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.adversarial import (
    Dense,
    GeneratorGradients,
    discriminator_gradients,
    draw_dense,
    forward,
    generator_gradients,
)
from helpers.arrays import Array
from helpers.checks import check_choice, check_whole
from helpers.datasets import digits
from helpers.theory import GENERATOR_LOSSES

RING_CENTRES = 2.0 * np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)
RING_SPREAD = 0.1
SHIFT = 6.0


# The real data --------------------------------------------------------------------------------------------------------


def _shifted(generator: np.random.Generator, count: int) -> Array:
    return np.array([SHIFT, 0.0]) + 0.5 * generator.standard_normal((count, 2))


def _ring(generator: np.random.Generator, count: int) -> Array:
    centres = RING_CENTRES[generator.integers(0, len(RING_CENTRES), count)]
    return centres + RING_SPREAD * generator.standard_normal((count, 2))


def _digits(generator: np.random.Generator, count: int) -> Array:
    rows = digits().images.reshape(-1, 64)
    return 2 * rows[generator.integers(0, len(rows), count)] - 1


Sampler = Callable[["np.random.Generator", int], Array]

DATA: Mapping[str, Sampler] = {
    "shifted": _shifted,
    "ring": _ring,
    "digits": _digits,
}
"""Real samples (count, features): N((6, 0), ¼ I); eight Gaussians on a ring of radius 2; digits with ink -1 to 1."""


@dataclass(frozen=True)
class Recipe:
    """All settings of a game besides the seed.

    `generator` and `discriminator` are numbers of units from input to output; a generator of two equal sizes is
    s·z + μ, a scale and a shift, and starts as the identity. The discriminator's optimizer is Adam (0.5, 0.9);
    `optimizer` is the generator's. A round consists of `discriminator_steps` steps of the discriminator and one of the
    generator; `warmup` discriminator steps precede the first round. `penalty` is the strength of the gradient penalty,
    which only the loss "wasserstein" has.
    """

    data: str
    loss: str
    generator: tuple[int, ...]
    discriminator: tuple[int, ...]
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    discriminator_learning_rate: float = 1e-3
    discriminator_steps: int = 5
    warmup: int = 0
    penalty: float = 10.0
    batch: int = 128
    output: str = "linear"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("data", self.data, tuple(DATA)),
            ("loss", self.loss, GENERATOR_LOSSES),
            ("optimizer", self.optimizer, ("sgd", "adam")),
        ):
            check_choice(name, value, allowed)


def shifted_recipe(loss: str) -> Recipe:
    """G = s·z + μ has to find N((6, 0), ¼ I): SGD .02 against a discriminator with a head start of 500 steps.

    In 400 rounds the generator stays at its start with the saturating loss and reaches the data with the two others.
    """
    return Recipe("shifted", loss, (2, 2), (2, 32, 32, 1), optimizer="sgd", learning_rate=0.02, warmup=500)


def ring_recipe(loss: str = "non_saturating") -> Recipe:
    """Eight Gaussians on a ring: Adam .001 for both, two discriminator steps per round; 1500 rounds find all eight."""
    return Recipe("ring", loss, (4, 64, 64, 2), (2, 64, 64, 1), discriminator_steps=2)


def digits_recipe(loss: str = "non_saturating") -> Recipe:
    """Digits of 8 × 8 pixels: Adam .001 for both, one step each per round, batch 64; 4000 rounds."""
    return Recipe("digits", loss, (32, 128, 128, 64), (64, 128, 128, 1), discriminator_steps=1, batch=64, output="tanh")


# Optimizers -----------------------------------------------------------------------------------------------------------


class Adam:
    """Kingma & Ba 2015, algorithm 1, as `torch.optim.Adam` computes it."""

    def __init__(self, learning_rate: float, betas: tuple[float, float] = (0.5, 0.9), eps: float = 1e-8) -> None:
        self.learning_rate, self.betas, self.eps, self.steps = learning_rate, betas, eps, 0
        self.moments: list[tuple[Array, Array]] = []

    def step(self, net: Dense, gradients: Sequence[Array]) -> Dense:
        """The network after one step down the gradients (weights, then biases)."""
        if not self.moments:
            self.moments = [(np.zeros_like(g), np.zeros_like(g)) for g in gradients]
        self.steps += 1
        first, second = self.betas
        rate = self.learning_rate / (1 - first**self.steps)
        root = (1 - second**self.steps) ** 0.5
        moved = []
        for array, gradient, (mean, square) in zip(net.arrays, gradients, self.moments, strict=True):
            mean *= first
            mean += (1 - first) * gradient
            square *= second
            square += (1 - second) * gradient * gradient
            moved.append(array - rate * mean / (np.sqrt(square) / root + self.eps))
        return net.with_arrays(moved)


class Sgd:
    """Plain gradient descent."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def step(self, net: Dense, gradients: Sequence[Array]) -> Dense:
        """The network after one step down the gradients (weights, then biases)."""
        return net.with_arrays([a - self.learning_rate * g for a, g in zip(net.arrays, gradients, strict=True)])


# The game -------------------------------------------------------------------------------------------------------------


class Game:
    """A generator and a discriminator in training, completely determined by `recipe` and `seed`.

    `rounds` counts the generator's steps, `discriminator_updates` the discriminator's; `gradient_norms` holds the norm
    of the generator's gradient at each of its steps.
    """

    def __init__(self, recipe: Recipe, seed: int = 0) -> None:
        self.recipe, self.seed = recipe, seed
        self._random = np.random.default_rng((seed, 9))
        self.discriminator = self._draw(recipe.discriminator)
        self.generator = self._draw(recipe.generator, recipe.output)
        if len(recipe.generator) == 2:
            identity = np.eye(recipe.generator[0], recipe.generator[1], dtype=np.float32)
            self.generator = self.generator.with_arrays([identity, np.zeros_like(self.generator.biases[0][0])])
        self._optimizers = (
            Adam(recipe.discriminator_learning_rate),
            Adam(recipe.learning_rate) if recipe.optimizer == "adam" else Sgd(recipe.learning_rate),
        )
        self._shown = self.noise(512)
        self.rounds, self.discriminator_updates = 0, 0
        self.gradient_norms: list[float] = []

    def _draw(self, sizes: tuple[int, ...], output: str = "linear") -> Dense:
        net = draw_dense(sizes, [self._random], output=output, dtype=np.float32)
        return net.with_arrays([array[0] for array in net.arrays])

    def noise(self, count: int) -> Array:
        """Draw inputs of the generator, N(0, 1), (count, features)."""
        return self._random.standard_normal((count, self.recipe.generator[0]), dtype=np.float32)

    def real(self, count: int) -> Array:
        """Draw real samples (count, features)."""
        return DATA[self.recipe.data](self._random, count).astype(np.float32)

    def samples(self, count: int = 512) -> Array:
        """Return the generator's samples (count, features) for noise that is the same on every call; at most 512."""
        return forward(self.generator, self._shown[:count]).outputs

    def judge(self, points: Array) -> Array:
        """Return the discriminator's logits (or the critic's values) at points (…, features)."""
        return forward(self.discriminator, np.asarray(points, np.float32)).outputs[..., 0]

    def discriminator_step(self) -> None:
        """Make one step of Adam for the discriminator and none for the generator."""
        recipe = self.recipe
        real, fake = self.real(recipe.batch), forward(self.generator, self.noise(recipe.batch)).outputs
        between = None
        if recipe.loss == "wasserstein":
            share = self._random.random((recipe.batch, 1), dtype=np.float32)
            between = share * real + (1 - share) * fake
        _, gradients = discriminator_gradients(self.discriminator, real, fake, recipe.loss, between, recipe.penalty)
        self.discriminator = self._optimizers[0].step(self.discriminator, gradients)
        self.discriminator_updates += 1

    def generator_gradients(self, noise: Array | None = None) -> GeneratorGradients:
        """Return the generator's current gradients, on fresh noise if none is given."""
        noise = self.noise(self.recipe.batch) if noise is None else noise
        return generator_gradients(self.generator, self.discriminator, noise, self.recipe.loss)

    def shown_gradients(self, count: int = 512) -> GeneratorGradients:
        """Return the generator's gradients on the noise of `samples`; nothing is drawn, so the game doesn't change."""
        return self.generator_gradients(self._shown[:count])

    def generator_step(self) -> None:
        """Make one step of the generator and none of the discriminator."""
        gradients = self.generator_gradients()
        self.gradient_norms.append(float(gradients.norm()))
        self.generator = self._optimizers[1].step(self.generator, self._tied(gradients.generator.arrays))
        self.rounds += 1

    def _tied(self, arrays: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the gradients; for a generator s·z + μ, which has a single scale, that of s is on the diagonal."""
        if len(arrays) > 2:
            return arrays
        return np.eye(len(arrays[0]), dtype=np.float32) * np.trace(arrays[0]), arrays[1]

    def round(self) -> None:
        """Make the discriminator's steps, with the warm-up if it hasn't been made, then one of the generator."""
        for _ in range(self.recipe.discriminator_steps + max(0, self.recipe.warmup - self.discriminator_updates)):
            self.discriminator_step()
        self.generator_step()


def discriminators(
    real: Sampler,
    fake: Sampler,
    sizes: Sequence[int],
    loss: str,
    moments: Sequence[int],
    seeds: int = 4,
) -> list[Dense]:
    """Train discriminators of `seeds` draws in parallel against a fixed generator; return their states at `moments`.

    `real` and `fake` draw samples (count, features); `moments` are increasing numbers of Adam steps. A critic
    ("wasserstein") gets the one-sided penalty of strength 10: with the two-sided one, a critic of one feature that
    starts with the wrong slope stays at slope -1, which has no more penalty than slope 1.
    """
    nets = draw_dense(sizes, [np.random.default_rng((seed, 91)) for seed in range(seeds)], dtype=np.float32)
    random, optimizer, batch = np.random.default_rng(9), Adam(3e-3), 64
    kept = []
    for step in range(moments[-1] + 1):
        if step in moments:
            kept.append(nets)
        here, there = (draw(random, batch)[None].astype(np.float32) for draw in (real, fake))
        share = random.random((1, batch, 1), dtype=np.float32)
        between = share * here + (1 - share) * there if loss == "wasserstein" else None
        _, gradients = discriminator_gradients(nets, here, there, loss, between, one_sided=True)
        nets = optimizer.step(nets, gradients)
    return kept


def play(
    game: Game,
    rounds: int,
    *,
    records: int = 20,
    progress: bool = True,
    description: str = "game",
    on_record: Callable[[Game], object] | None = None,
) -> bool:
    """Play a number of rounds; return False if Ctrl-C or the stop button ended them early. The game can go on then.

    `on_record` is called `records` times on the way, for a figure that follows the game; then there is no progress bar.
    Otherwise a bar shows the progress and disappears at the end.
    """
    check_whole("rounds", rounds, 1)
    check_whole("records", records, 1)
    from tqdm.auto import tqdm  # imported here: it takes as long to load as all of this package

    if sys.platform == "emscripten":
        tqdm.monitor_interval = 0  # a browser has no thread for it, and tqdm would warn about that
    moments = {round(moment) for moment in np.linspace(0, rounds, records + 1)[1:]}
    try:
        shown = progress and on_record is None
        for number in tqdm(range(1, rounds + 1), desc=description, leave=False, disable=None if shown else True):
            game.round()
            if on_record is not None and number in moments:
                on_record(game)
    except KeyboardInterrupt:
        return False
    return True
