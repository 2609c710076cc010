"""The panels that the notebooks show, one line each. Every slider moves a real computation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import ipywidgets
import numpy as np
import plotly.graph_objects as go
from ipywidgets.widgets.widget_button import ButtonStyle
from ipywidgets.widgets.widget_description import DescriptionStyle
from ipywidgets.widgets.widget_int import SliderStyle

from helpers import figures, theme, theory
from helpers.activations import ACTIVATIONS
from helpers.live import LiveFigure
from helpers.network import NetworkSpec, gradient_profile

DEEPEST = 100
LAYERS = np.arange(1, DEEPEST + 1)
BATCH = 32

SCHEMES = {
    "PyTorch's default": "pytorch_default",
    "LeCun": "lecun_normal",
    "Xavier": "xavier_normal",
    "He": "he_normal",
    "orthogonal": "orthogonal",
    "standard normal": "standard_normal",
}

Compute = Callable[..., dict[str, Any]]
Presets = Mapping[str, Mapping[str, Any]]


class Panel(ipywidgets.VBox):
    """Controls, the live figure under them, and the states to try as buttons.

    `controls` holds the ipywidgets controls by name, `live` the `LiveFigure`, `presets` the values that each button
    sets. `panel.data` is what the figure shows now; `panel.set(depth=20)` moves controls.
    """

    def __init__(
        self,
        figure: go.Figure,
        controls: Mapping[str, ipywidgets.Widget],
        compute: Compute,
        presets: Presets | None = None,
    ) -> None:
        self.controls = dict(controls)
        self.presets = dict(presets or {})
        self.live = LiveFigure(figure, controls, compute)
        columns = ipywidgets.Layout(
            display="grid", grid_template_columns="repeat(auto-fit, minmax(max(22em, 40%), 1fr))", grid_gap="2px 24px",
            width="100%",
        )  # fmt: skip
        rows: list[ipywidgets.Widget] = [ipywidgets.Box(list(controls.values()), layout=columns), self.live]
        if self.presets:
            self.buttons = [self._button(name) for name in self.presets]
            wrap = ipywidgets.Layout(display="flex", flex_flow="row wrap", width="100%", align_items="center")
            rows.append(ipywidgets.Box([ipywidgets.HTML("<b>Try:</b>&nbsp;"), *self.buttons], layout=wrap))
        super().__init__(rows, layout=ipywidgets.Layout(width="100%"))
        self.add_class("live-panel")

    def _button(self, name: str) -> ipywidgets.Button:
        button = ipywidgets.Button(
            description=name, tooltip=f"Move the sliders: {name}", layout=_layout(), style=_plain()
        )
        button.on_click(lambda _: self.set(**self.presets[name]))
        return button

    def set(self, **values: Any) -> None:
        """Move controls by name; ValueError names the one that is unknown."""
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"no control named {name!r}; this panel has {', '.join(self.controls)}")
            self.controls[name].value = value

    @property
    def data(self) -> dict[str, Any]:
        """What the figure shows for the controls' present values, by trace name."""
        return self.live.data

    @property
    def summary(self) -> str:
        """The sentence under the figure."""
        return str(self.data.get("summary", ""))


def still(figure: go.Figure) -> LiveFigure:
    """A figure without controls, drawn by the same plotly.js as the panels of the page."""
    return LiveFigure(figure, {}, dict)


# ---------------------------------------------------------------- controls

# One layout and one style for all: each widget of its own would be a message of its own to the page.
_LABELS = {"description_width": "7.5em"}


@cache
def _looks(style: type[ipywidgets.Widget]) -> dict[str, ipywidgets.Widget]:
    return {"layout": _layout(), "style": style(**_LABELS)}


@cache
def _plain() -> ButtonStyle:
    return ButtonStyle()


@cache
def _layout() -> ipywidgets.Layout:
    return ipywidgets.Layout(width="auto", height="auto")


def _int_slider(label: str, value: int, low: int, high: int) -> ipywidgets.IntSlider:
    return ipywidgets.IntSlider(value, low, high, description=label, **_looks(SliderStyle))


def _float_slider(label: str, value: float, low: float, high: float, step: float) -> ipywidgets.FloatSlider:
    return ipywidgets.FloatSlider(value, min=low, max=high, step=step, description=label, **_looks(SliderStyle))


def _log_slider(label: str, value: float, low: float, high: float) -> ipywidgets.FloatLogSlider:
    """From 10**low to 10**high."""
    return ipywidgets.FloatLogSlider(
        value, base=10, min=low, max=high, step=0.05, description=label, readout_format=".3g", **_looks(SliderStyle)
    )


def _dropdown(label: str, options: Mapping[str, Any], value: Any) -> ipywidgets.Dropdown:
    return ipywidgets.Dropdown(
        options=list(options.items()), value=value, description=label, **_looks(DescriptionStyle)
    )


def _steps(label: str, options: Sequence[Any], value: Any) -> ipywidgets.SelectionSlider:
    return ipywidgets.SelectionSlider(options=options, value=value, description=label, **_looks(SliderStyle))


def _activation_choice(value: str) -> ipywidgets.Dropdown:
    return _dropdown("activation", {theme.ACTIVATION_NAMES[name]: name for name in ACTIVATIONS}, value)


# ---------------------------------------------------------------- arrays of a fixed length


def _padded(values: np.ndarray, length: int = DEEPEST) -> np.ndarray:
    """`values` along the last axis, filled up with NaN to `length`."""
    out = np.full((*values.shape[:-1], length), np.nan)
    out[..., : values.shape[-1]] = values
    return out


def _gaps_for_zero(log10: np.ndarray) -> np.ndarray:
    """log10 of exact zeros is a gap in a line, not a place on it."""
    return np.where(np.isfinite(log10), log10, np.nan)


def _over_seeds(log10: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and (lowest, highest) over seeds of log10 norms (seeds, depth); layers with exact zeros become gaps."""
    known = _gaps_for_zero(log10)
    return known.mean(axis=0), np.stack([known.min(axis=0), known.max(axis=0)])


# ---------------------------------------------------------------- 00


def start_here() -> Panel:
    """One slider: the depth of a sigmoid network, and its gradient signal over the layers."""

    def compute(depth: int) -> dict[str, Any]:
        profile = gradient_profile(NetworkSpec(depth=depth, batch=BATCH, seeds=4))
        mean, spread = _over_seeds(profile.log10_signal)
        lost = mean[0] - mean[-1]
        return {
            "measured": _padded(mean),
            "spread over seeds": _padded(spread),
            "theory": _padded(mean[-1] + _sigmoid_theory(depth, 1.0, 0.0)),
            "summary": f"{_layers(depth)}: the first layer hears {theme.scientific(lost)} of what the last one hears. "
            "This is a real network, and its gradients come from backpropagation.",
        }

    figure = figures.signal_by_layer(LAYERS, title="How much of the gradient reaches each layer", low=-40, high=5)
    return Panel(figure, {"depth": _int_slider("depth", 10, 1, DEEPEST)}, compute)


def _layers(depth: int) -> str:
    return "1 layer" if depth == 1 else f"{depth} layers"


# ---------------------------------------------------------------- 01

FREE, HELD = "free", "held"


def definition() -> Panel:
    """A chain of single neurons: depth, weight, pre-activation and activation set its gradient."""
    z = np.linspace(-8, 8, 161)

    def compute(depth: int, weight: float, preactivation: float, activation: str, bias: str) -> dict[str, Any]:
        function, slope = ACTIVATIONS[activation].function, ACTIVATIONS[activation].slope
        places = np.full(depth, preactivation)
        if bias == FREE:
            for k in range(1, depth):
                places[k] = np.clip(weight * function(places[k - 1]), -1e6, 1e6)
        with np.errstate(divide="ignore"):
            factors = np.log10(np.abs(weight * slope(places[1:])))
            steepest = np.log10(weight * np.max(np.abs(slope(z))))
        top = _next_of((0.3, 1.2, 1.9), np.max(slope(z)))
        # The backward pass: from the last neuron to the first, one factor weight × slope a neuron.
        signal = np.append(np.cumsum(factors[::-1])[::-1], 0.0)
        return {
            "measured": _padded(_gaps_for_zero(signal)),
            "largest slope everywhere": _padded(steepest * np.arange(depth - 1, -1, -1)),
            "slope": slope(z),
            "first neuron": _point(places[0], slope),
            "last neuron": _point(places[-1], slope),
            "ranges": {"yaxis2": [-0.16 * top, top]},
            "summary": _chain_summary(depth, signal[0], float(slope(places[:1])[0])),
        }

    controls = {
        "depth": _int_slider("depth", 20, 1, DEEPEST),
        "weight": _float_slider("weight", 1.0, 0.1, 10, 0.1),
        "preactivation": _float_slider("pre-activation", 0.0, -6, 6, 0.1),
        "activation": _activation_choice("sigmoid"),
        "bias": _dropdown("biases", {"hold the pre-activation": HELD, "zero: it runs free": FREE}, HELD),
    }
    still = {"activation": "sigmoid", "bias": HELD, "preactivation": 0.0}
    presets = {
        "a shallow chain": {**still, "depth": 4, "weight": 1.0},
        "ten times deeper": {**still, "depth": 40, "weight": 1.0},
        "weight 4 at zero: the knife's edge": {**still, "depth": 40, "weight": 4.0},
        "weight 6 at zero: explosion": {**still, "depth": 40, "weight": 6.0},
        "saturated": {**still, "depth": 40, "weight": 4.0, "preactivation": 4.0},
        "weight 6, zero bias": {**still, "depth": 40, "weight": 6.0, "bias": FREE},
    }
    return Panel(figures.chain(LAYERS, z), controls, compute, presets)


def _point(z: float, slope: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Place of one neuron on the slope curve as (2, 1); at the edge of the plot where it lies outside."""
    return np.array([[np.clip(z, -8, 8)], [slope(np.array([z]))[0]]])


def _chain_summary(depth: int, log10_signal: float, first_slope: float) -> str:
    with np.errstate(divide="ignore"):
        log10_gradient = log10_signal + float(np.log10(abs(first_slope)))
    # A step moves the first weight by learning rate × gradient (its input is 1), so 0.01 takes 0.01 / (0.1 · gradient).
    log10_steps = max(-1.0 - log10_gradient, 0.0)
    share = "as much as" if abs(log10_signal) < 1e-9 else f"{theme.scientific(log10_signal)} of what"
    text = f"The first neuron hears {share} the last one hears. "
    if log10_gradient == -np.inf:
        return text + "Its weight never moves."
    if log10_steps == 0:
        return text + "Its weight moves by 0.01 or more in a single step at learning rate 0.1."
    text += f"Its weight needs {theme.scientific(log10_steps)} steps at learning rate 0.1 to move by 0.01"
    a_minute_of_steps = np.log10(60_000)
    return text + (
        f": at a thousand steps a second, {_duration(log10_steps - 3)}." if log10_steps > a_minute_of_steps else "."
    )


def _next_of(limits: Sequence[float], value: float) -> float:
    """The smallest of the rising `limits` that holds `value`."""
    return next((limit for limit in limits if value <= limit), limits[-1])


def _duration(log10_seconds: float) -> str:
    units = [("seconds", 1.0), ("minutes", 60.0), ("hours", 3600.0), ("days", 86400.0), ("years", 31557600.0)]
    age_of_universe = 13.8e9 * 31557600.0
    if log10_seconds > np.log10(age_of_universe):
        return f"{theme.scientific(log10_seconds - np.log10(age_of_universe))} times the age of the universe"
    seconds = 10**log10_seconds
    name, size = next((u for u in reversed(units) if seconds >= u[1]), units[0])
    return f"{theme.scientific(np.log10(seconds / size))} {name}"


# ---------------------------------------------------------------- 02


def activation_derivatives() -> Panel:
    """An activation with its tangent, and the mean square slope that neurons see under a spread of z."""
    z = np.linspace(-6, 6, 241)

    def compute(activation: str, here: float, spread: float) -> dict[str, Any]:
        chosen = ACTIVATIONS[activation]
        value, slope = float(chosen.function(np.array([here]))[0]), float(chosen.slope(np.array([here]))[0])
        reach = np.array([-1.5, 1.5]) / np.hypot(1, slope)
        bell = np.exp(-0.5 * (z / spread) ** 2)
        squared = chosen.slope(z) ** 2
        share = squared * bell / (spread * np.sqrt(2 * np.pi))
        mean_square = theory.mean_square_slope(activation, spread**2)
        steepest = float(np.max(np.abs(chosen.slope(np.linspace(-12, 12, 24001)))))
        top = _next_of((0.08, 0.3, 1.2, 1.5, 4, 8, 16), max(steepest**2, float(np.max(share))))
        bounded = activation in ("sigmoid", "tanh", "hard_tanh")
        return {
            "activation": chosen.function(z),
            "tangent": np.stack([here + reach, value + slope * reach]),
            "here": np.array([[here], [value]]),
            "slope²": squared,
            "spread of z": 0.9 * top * bell,
            "share of it": share,
            "E[slope²]": np.full(2, mean_square),
            "ranges": {"yaxis": [-1.5, 1.5] if bounded else [-2, 4], "yaxis2": [0, top]},
            "summary": f"{theme.ACTIVATION_NAMES[activation]}, {chosen.formula}: slope {slope:.3f} at z = {here:.1f}, "
            f"at most {steepest:.3f}. Under a spread of {spread:.2g} the shaded area, the mean square slope E[slope²], "
            f"is {mean_square:.4f}. With weights of variance 1/width that is {np.sqrt(mean_square):.3f} a layer.",
        }

    controls = {
        "activation": _activation_choice("sigmoid"),
        "here": _float_slider("z (tangent)", 0.0, -6, 6, 0.1),
        "spread": _log_slider("spread of z", 1.0, -1, 1),
    }
    presets = {
        "sigmoid at its best": {"activation": "sigmoid", "here": 0.0, "spread": 0.1},
        "sigmoid, saturated": {"activation": "sigmoid", "here": 5.0, "spread": 10.0},
        "tanh": {"activation": "tanh", "here": 0.0, "spread": 1.0},
        "ReLU: half the neurons": {"activation": "relu", "here": 1.0, "spread": 1.0},
        "GELU: above 1": {"activation": "gelu", "here": 1.4, "spread": 1.0},
    }
    return Panel(figures.slope_and_spread(z), controls, compute, presets)


# ---------------------------------------------------------------- 03

GAINS = [0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0]
GAINS += [7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0]


def deep_sigmoid_nets() -> Panel:
    """A deep sigmoid network on the digits: its gradient signal and its saturated units, layer by layer."""

    def compute(depth: int, width: int, gain: float, scheme: str, seeds: int) -> dict[str, Any]:
        bias_std = default_bias_std(width) if scheme == "pytorch_default" else 0.0
        spec = NetworkSpec(
            depth=depth, width=width, init=scheme, gain=gain, bias_std=bias_std, batch=BATCH, seeds=seeds
        )
        profile = gradient_profile(spec)
        mean, spread = _over_seeds(profile.log10_signal)
        saturated = profile.saturated.mean(axis=0)
        return {
            "measured": _padded(mean),
            "spread over seeds": _padded(spread),
            "theory": _padded(mean[-1] + _sigmoid_theory(depth, spec.weight_variance, bias_std**2)),
            "0.25 a layer": _padded(mean[-1] + np.log10(0.25) * np.arange(depth - 1, -1, -1)),
            "saturated units": _padded(saturated),
            "summary": _deep_summary(spec, mean, float(saturated.mean())),
        }

    critical = round(theory.critical_gain("sigmoid"), 3)
    controls = {
        "depth": _int_slider("depth", 60, 1, DEEPEST),
        "width": _steps("width", [8, 16, 32, 64, 128, 256], 64),
        "gain": _steps("gain", [(f"{gain:.4g}", gain) for gain in sorted([*GAINS, critical])], 1.0),
        "scheme": _dropdown("initialization", SCHEMES, "pytorch_default"),
        "seeds": _int_slider("seeds", 4, 1, 16),
    }
    xavier = {"depth": 60, "width": 64, "scheme": "xavier_normal", "gain": 1.0}
    presets = {
        "PyTorch's default": {**xavier, "scheme": "pytorch_default"},
        "Xavier": xavier,
        f"gain {critical:.2f}: it stops vanishing": {**xavier, "width": 256, "gain": critical},
        "what it costs": {**xavier, "width": 256, "gain": critical, "depth": 20},
    }
    figure = figures.signal_and_saturation(LAYERS, title="A deep sigmoid network on the digits", low=-90, high=15)
    return Panel(figure, controls, compute, presets)


def default_bias_std(width: int) -> float:
    """Standard deviation of the biases that `torch.nn.Linear` draws: 1/√(3 fan_in)."""
    return float(1 / np.sqrt(3 * width))


def _sigmoid_theory(depth: int, weight_variance: float, bias_variance: float) -> np.ndarray:
    """Predicted log10 of signal_l / signal_L for l = 1 … depth."""
    return theory.signal_profile("sigmoid", weight_variance, bias_variance, depth, input_second_moment=1.0)


def _deep_summary(spec: NetworkSpec, mean: np.ndarray, saturated: float) -> str:
    if spec.depth == 1:
        return "One layer has no way back to travel. Add a second one."
    measured = 10 ** ((mean[0] - mean[-1]) / (spec.depth - 1))
    predicted = theory.per_layer_factor(spec.activation, spec.weight_variance, spec.bias_std**2)
    return (
        f"{spec.depth} layers of {spec.width}: the signal changes by a factor of {measured:.3g} a layer "
        f"(theory for wide layers {predicted:.3g}). Layer 1 hears {theme.scientific(mean[0] - mean[-1])} of what layer "
        f"{spec.depth} hears. {saturated:.0%} of the units are saturated."
    )
