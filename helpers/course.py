"""The lessons of the course: one record for each, from which every list of lessons is derived.

The map, the panels, the site's menu, the slides, the exercises and the README's table all follow `LESSONS`.
CONTRIBUTING.md explains how to add a lesson.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TITLE = "Where did the gradient go?"
AUTHORS = f"the authors of {TITLE}"
CODE_LICENCE, CONTENT_LICENCE = "BSD-3-Clause", "CC BY 4.0"

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


@dataclass(frozen=True)
class Lesson:
    """A lesson: its two-digit number, its title, and the phrases by which other parts of the course describe it."""

    number: str
    slug: str
    """The last part of its file names: `notebooks/NN_slug.ipynb` and `data/quiz/NN_slug.json`."""
    title: str
    adds: str
    """What the lesson adds to the network, as a phrase for the map of the course."""
    shows: str
    """What the lesson shows, as a phrase for the table in the README."""
    panels: tuple[str, ...] = ()
    """The lesson's panels, its main one first: functions in `helpers/panels/lesson_NN.py`."""

    @property
    def name(self) -> str:
        """Number and title: "03 Deep sigmoid networks"."""
        return f"{self.number} {self.title}"

    @property
    def notebook(self) -> str:
        """The name of its notebook's file: "03_deep_sigmoid_nets.ipynb"."""
        return f"{self.number}_{self.slug}.ipynb"


_ALL = (
    Lesson(
        "00",
        "start_here",
        "Start here",
        adds="one slider: the depth",
        shows="one slider, the map of the course, a test of the installation, your own progress",
        panels=("start_here",),
    ),
    Lesson(
        "01",
        "definition",
        "What is a vanishing gradient?",
        adds="a chain of single neurons",
        shows="a product of slopes, exponential in depth, and where floating-point numbers end",
        panels=("definition",),
    ),
    Lesson(
        "02",
        "activation_derivatives",
        "Activation derivatives",
        adds="the slope of each neuron",
        shows="why the average squared slope counts, and the largest slope hardly matters",
        panels=("activation_derivatives",),
    ),
    Lesson(
        "03",
        "deep_sigmoid_nets",
        "Deep sigmoid networks",
        adds="whole layers of neurons",
        shows="measured against theory to 100 layers; early layers that stand still while late ones move",
        panels=("deep_sigmoid_nets",),
    ),
    Lesson(
        "04",
        "relu",
        "ReLU",
        adds="slopes of 1 or 0, and dead units",
        shows="why a slope of 1 is not enough; plots that look healthy and are not; dead units and dead networks",
        panels=("relu", "relu_schemes", "born_dead"),
    ),
    Lesson(
        "05",
        "initialization",
        "Initialization",
        adds="the scale of the weights",
        shows="the plane of weight and bias scales: on one side of a line gradients vanish, on the other they explode",
        panels=("initialization", "initialization_schemes", "jacobian_singular_values"),
    ),
    Lesson(
        "06",
        "batch_norm",
        "Batch normalization",
        adds="a fixed spread in every layer",
        shows="why it rescues sigmoids, why deep plain ReLU networks explode with it, and what its own bias changes",
        panels=("batch_norm", "scale_invariance"),
    ),
    Lesson(
        "07",
        "resnets",
        "Residual networks",
        adds="a way around each layer",
        shows="what a skip does to the size and to the pattern of a gradient, which paths carry it, and what its "
        "inventors measured",
        panels=("residual_networks", "path_lengths", "shattered_gradients"),
    ),
    Lesson(
        "08",
        "lstms",
        "Recurrent networks and LSTMs",
        adds="a memory controlled by gates, over time",
        shows="one layer at every step; the bias of a forget gate as a half-life; which networks learn to remember",
        panels=("recurrent_networks",),
    ),
    Lesson(
        "09",
        "gans",
        "GANs",
        adds="a second network that judges the first",
        shows="how much gradient a perfect discriminator leaves under three losses; a ring and digits, generated live",
        panels=("gans", "generator_losses", "way_back", "disjoint_supports"),
    ),
    Lesson(
        "10",
        "clipping",
        "Gradient clipping",
        adds="a limit to the gradient",
        shows="what clipping does about explosions, on a cliff and in training; why it leaves vanishing as it is",
        panels=("gradient_clipping", "cliff"),
    ),
    Lesson(
        "11",
        "your_own_network",
        "Your own network",
        adds="any network, and instruments for it",
        shows="six networks that do not learn, each for another reason: name the illness, see the evidence, apply the "
        "remedy; then the same for a network of your own",
        panels=("unknown_network",),
    ),
)

LESSONS: Mapping[str, Lesson] = {lesson.number: lesson for lesson in _ALL}
"""Every lesson by its two-digit number, in order."""


def notebooks(folder: Path = NOTEBOOKS) -> Mapping[str, Path]:
    """Return the notebooks that exist, by their lesson's two-digit number.

    A notebook without a record, such as a copy or a teacher's own, is not a lesson and is left out.
    """
    paths = {number: folder / lesson.notebook for number, lesson in LESSONS.items()}
    return {number: path for number, path in paths.items() if path.is_file()}
