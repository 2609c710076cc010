"""The history of the vanishing gradient, as rows of data and as a picture."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import plotly.graph_objects as go

from helpers import theme


@dataclass(frozen=True)
class Milestone:
    """One dated source: its contribution in a few words, its authors, and a sentence about it.

    `kind` is "training" (how networks learn), "problem" (it describes or explains the vanishing gradient) or "remedy"
    (it helps against it).
    """

    year: int
    what: str
    who: str
    kind: str
    sentence: str

    @property
    def label(self) -> str:
        """The short text beside the marker."""
        return f"{self.year}  {self.what}: {self.who}"


MILESTONES = (
    Milestone(
        1986,
        "backpropagation",
        "Rumelhart et al.",
        "training",
        "Rumelhart, Hinton and Williams make backpropagation popular; others had found it before them.",
    ),
    Milestone(
        1991,
        "the problem",
        "Hochreiter",
        "problem",
        "Hochreiter's diploma thesis, in German, shows that error signals shrink or grow exponentially on their way "
        "back through a recurrent network.",
    ),
    Milestone(
        1994,
        "why long memory is hard",
        "Bengio et al.",
        "problem",
        "Bengio, Simard and Frasconi show that a recurrent network that stores information safely has gradients that "
        "vanish over time.",
    ),
    Milestone(
        1997,
        "LSTM",
        "Hochreiter, Schmidhuber",
        "remedy",
        "Hochreiter and Schmidhuber build a cell through which the error passes back in time with a factor of 1.",
    ),
    Milestone(
        2000,
        "forget gate",
        "Gers et al.",
        "remedy",
        "Gers, Schmidhuber and Cummins let the LSTM learn when to forget; the factor becomes the value of a gate.",
    ),
    Milestone(
        2006,
        "pre-training",
        "Hinton et al.",
        "remedy",
        "Hinton, Osindero and Teh first train a deep network layer by layer, and then fine-tune all "
        "of it from the weights found.",
    ),
    Milestone(
        2009,
        "feed-forward networks too",
        "Bradley",
        "problem",
        "Bradley finds that in feed-forward networks the gradients shrink from the output toward the input.",
    ),
    Milestone(
        2010,
        "Xavier initialization",
        "Glorot, Bengio",
        "remedy",
        "Glorot and Bengio relate the difficulty to saturation and to the scale of the initial weights, and propose "
        "another scale.",
    ),
    Milestone(
        2010,
        "ReLU",
        "Nair, Hinton; Glorot et al. 2011",
        "remedy",
        "Nair and Hinton use rectified units in Boltzmann machines; Glorot, Bordes and Bengio train deep "
        "rectifier networks in 2011.",
    ),
    Milestone(
        2013,
        "gradient clipping",
        "Pascanu et al.",
        "remedy",
        "Pascanu, Mikolov and Bengio clip the norm of the gradient, a remedy for exploding gradients and not for "
        "vanishing ones.",
    ),
    Milestone(
        2015,
        "He initialization",
        "He et al.",
        "remedy",
        "He, Zhang, Ren and Sun choose the scale of the weights for ReLU: twice the variance.",
    ),
    Milestone(
        2015,
        "batch normalization",
        "Ioffe, Szegedy",
        "remedy",
        "Ioffe and Szegedy normalize the pre-activations of each unit over the batch.",
    ),
    Milestone(
        2015,
        "highway networks",
        "Srivastava et al.",
        "remedy",
        "Srivastava, Greff and Schmidhuber give feed-forward layers gates, as in the LSTM, which can carry the input "
        "past a layer unchanged.",
    ),
    Milestone(
        2015,
        "residual networks",
        "He et al.",
        "remedy",
        "He, Zhang, Ren and Sun add shortcuts and train more than a hundred layers; vanishing gradients, they write, "
        "are unlikely to be what held their plain networks back.",
    ),
    Milestone(
        2016,
        "layer normalization",
        "Ba et al.",
        "remedy",
        "Ba, Kiros and Hinton normalize over the units of a layer, each example by itself, which also suits recurrent "
        "networks.",
    ),
    Milestone(
        2017,
        "theory of depth",
        "Schoenholz et al.",
        "problem",
        "Schoenholz et al. compute down to which depth a random network still tells inputs apart and keeps its "
        "gradients.",
    ),
    Milestone(
        2017,
        "GAN generators without gradient",
        "Arjovsky, Bottou",
        "problem",
        "Arjovsky and Bottou show that the generator's gradient vanishes when the discriminator is too good.",
    ),
    Milestone(
        2017,
        "SELU",
        "Klambauer et al.",
        "remedy",
        "Klambauer et al. design an activation whose values keep mean 0 and variance 1 from layer to layer.",
    ),
    Milestone(
        2020,
        "ReZero",
        "Bachlechner et al.",
        "remedy",
        "Bachlechner et al. multiply each residual branch by a factor that starts at 0, so that at first every block "
        "passes on its input unchanged.",
    ),
)
"""The history of the problem from 1986 to 2020, in order of years."""


def timeline() -> go.Figure:
    """The history of the vanishing gradient, 1986-2020: a row for each of `MILESTONES`, its sentence on hover."""
    looks = {
        "training": ("how networks learn", theme.INK, "square"),
        "problem": ("the problem is described", theme.WARNING, "diamond"),
        "remedy": ("a remedy", theme.MEASURED, "circle"),
    }
    figure = go.Figure()
    for kind, (name, colour, symbol) in looks.items():
        rows = [row for row, milestone in enumerate(MILESTONES) if milestone.kind == kind]
        chosen = [MILESTONES[row] for row in rows]
        figure.add_scatter(
            x=[milestone.year for milestone in chosen],
            y=rows,
            name=name,
            mode="markers+text",
            marker={"size": 13, "symbol": symbol, "color": colour},
            text=[f"  {milestone.label}  " for milestone in chosen],
            textposition=["middle right" if milestone.year < 2005 else "middle left" for milestone in chosen],
            textfont={"size": theme.SMALL, "color": theme.INK},
            customdata=["<br>".join(textwrap.wrap(milestone.sentence, 56)) for milestone in chosen],
            hovertemplate="%{customdata}<extra></extra>",
            cliponaxis=False,
        )
    figure.update_layout(
        template=theme.TEMPLATE,
        title_text="The vanishing gradient, 1986 to 2020",
        height=130 + 30 * len(MILESTONES),
        margin={"l": 16, "r": 16, "t": 92, "b": 42},
        dragmode=False,
        hoverlabel={"align": "left", "bgcolor": theme.PAPER, "font": {"color": theme.INK}},
    )
    figure.update_xaxes(range=[1985, 2021.5], dtick=5, tick0=1985)
    figure.update_yaxes(range=[len(MILESTONES) - 0.3, -0.7], visible=False)
    return figure
