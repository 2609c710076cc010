"""Combine a recording into the readings of all layers and the case from which findings are derived."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .graph import PRODUCTS, Graph, name_of, source_of
from .judgement import MANY_CALLS, Case
from .measuring import norms
from .readings import LayerReading
from .recording import (
    OUTPUTS,
    RECURRENT,
    BackwardReadings,
    Recording,
    Row,
    flatten,
    may_be_alike,
    own_parameters,
    rows_alike,
)

MOST_TRIED = 8
"""The largest number of layers that are tried one by one."""

BATCH_NORMS = nn.modules.batchnorm._BatchNorm


STOPS = frozenset(("Round", "Floor", "Ceil", "Trunc", "Sign", "Clamp", "ClampMin", "ClampMax", "Heaviside"))
"""Steps that pass on no gradient, or none beyond an edge."""

GATES = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3}
"""Recurrent layers and the number of gates stacked in their matrices; only units of one gate are compared."""


class Changes(NamedTuple):
    """Whether other values of some parameters change an output, an output with a gradient, and the loss."""

    outputs: bool
    learning: bool
    loss: bool


class Chart:
    """The readings of a recorded model."""

    def __init__(
        self,
        model: nn.Module,
        names: Mapping[Tensor, str],
        recording: Recording,
        readings: BackwardReadings,
        loss: Tensor,
        graph: Graph,
        of_outputs: Graph,
        changes: Callable[[Sequence[Tensor]], Changes],
    ) -> None:
        """`changes` tells whether outputs and loss change when the given parameters are set to other values."""
        self._model, self._recording, self._readings = model, recording, readings
        self._loss, self._graph = loss, graph
        self._modules = recording.modules
        self._names: Mapping[Tensor, str] = names
        self._gradients = dict(zip(_asking(self._names), readings.gradients, strict=True))
        self._sizes = dict(zip(self._names, norms([each.detach() for each in self._names]).tolist(), strict=True))
        self._of_outputs = of_outputs
        some_learn = any(each is not None for each in readings.gradients)
        self._unused = set(self._of_outputs.leaves) - set(graph.leaves) if some_learn else set()
        self._biases = {each for each, name in self._names.items() if "bias" in name.rpartition(".")[2]}
        rows = recording.rows
        self._rows = [*rows, *_never_called(self._modules, rows)]
        self._cut_off: set[Tensor] = set()
        self._wanted: set[Tensor] = set()
        self._statuses = {row.place: self._status(row) for row in self._rows}
        if some_learn:
            self._try_out(changes)
        self._matrices = {row.place for row in self._rows if any(each.dim() > 1 for each in _asking(row.parameters))}
        self.layers = tuple(self._reading(row) for row in self._rows)
        self._by_place = {row.place: layer for row, layer in zip(self._rows, self.layers, strict=True)}

    def case(self, bad: str, samples: int, rms: float, natural: float) -> Case:
        """Return the case from which the findings are derived.

        bad: a description of the place where nan or infinity arises; samples: the size of the batch; rms: the root
        mean square of the model's outputs; natural: the one that the targets lead to expect.
        """
        first_calls = [row for row in self._rows if row.call == 1]
        way, skips = self._best_way()
        trunk = [self._by_place[row.place] for row in way if row.place in self._matrices]
        detached, targets = self._detached()
        return Case(
            layers=self.layers,
            loss=float(self._loss.detach()),
            bad=bad,
            detached=detached,
            targets=targets,
            waking=[row.label for row in self._waking if row.call == 1],
            matrices=frozenset(row.name for row in first_calls if row.place in self._matrices),
            batch_norm=any(_uses_the_batch(module) for _, module in self._modules),
            frozen=not self._gradients,
            trunk=tuple(trunk),
            way=tuple(self._by_place[row.place] for row in way),
            stopper=self._stopper(way),
            skips=skips,
            samples=samples,
            outputs_signal=self._readings.signals.get(OUTPUTS, math.nan),
            outputs_rms=rms,
            outputs_natural=natural,
            unregistered=self._unregistered(),
            symmetric=tuple(self._symmetric()),
            forgotten=tuple(self._forgotten()),
            beside=self._is_beside(),
            coverage=self._coverage(),
            input_spreads={row.label: row.input_spread for row in self._rows if len(row.input_spread) > 1},
            call_spreads=self._call_spreads(),
            straight=tuple(self._straight()),
        )

    def first_bad(self, inputs: Any, targets: Any) -> str | None:
        """Return the first place with nan or infinity: "" if there is none, None if it is in the computation itself."""
        gradients = [value for value in self._gradients.values() if value is not None]
        if all(map(math.isfinite, [float(self._loss.detach()), *gradients, *self._readings.signals.values()])):
            return ""
        if not all(map(_finite, flatten(inputs))):
            return "the inputs"
        for parameter, name in self._names.items():
            if not _finite(parameter):
                return f"the parameter {name}"
        if not all(map(_finite, flatten(targets))):
            return "the targets"
        return None

    def recorded_bad(self) -> str:
        """Describe the first layer or pass at which nan or infinity was read."""
        for row in self._rows:
            if not row.finite:
                return f"the forward pass, at {row.label} ({row.type})"
        if not _finite(self._loss):
            return "the loss function"
        for row in reversed(self._rows):
            if not math.isfinite(self._readings.signals.get(row.place, 0.0)):
                return f"the backward pass, at {row.label} ({row.type})"
        return "the gradient of a parameter"

    # A layer ---------------------------------------------------------------------------------------------------------

    def _reading(self, row: Row) -> LayerReading:
        gradients = {each: self._gradients.get(each) for each in row.parameters}
        found = [(value, self._sizes[each]) for each, value in gradients.items() if value is not None]
        gradient = math.hypot(*(value for value, _ in found)) if found else math.nan
        weight = math.hypot(*(size for _, size in found))
        signal = self._readings.signals.get(row.place, math.nan)
        return LayerReading(
            name=row.name,
            type=row.type,
            call=row.call,
            status=self._statuses[row.place],
            parameters=sum(each.numel() for each in row.parameters),
            gradient_norm=gradient,
            gradient_to_weight=gradient / weight if weight else math.nan,
            signal_norm=signal,
            steps=tuple(self._readings.steps.get(row.place, ())),
            activation_mean=row.mean,
            activation_std=row.std,
            spread=row.spread,
            saturated=_mean(row.saturated),
            dead=_mean(row.dead),
            units=row.units,
            squashes=row.squashes,
            one_hot=row.one_hot,
            finite=row.finite and math.isfinite(self._readings.signals.get(row.place, 0.0)),
            underflow=signal <= self._readings.small,
        )

    def _status(self, row: Row) -> str:
        if not row.parameters:
            return "no parameters"
        if any(each not in self._names for each in row.parameters):
            return "unregistered"
        asking = _asking(row.parameters)
        if not asking:
            return "frozen"
        if any(self._gradients[each] is not None for each in asking):
            return "learns"
        if any(each in self._cut_off for each in asking):
            return "detached"
        if row.call == 0 or (math.isnan(row.mean) and not any(each in self._recording.used for each in asking)):
            return "not called"
        return "unused" if any(each in self._unused for each in asking) else "detached"

    @cached_property
    def _waking(self) -> list[Row]:
        """The layers with weights or factors that are all zero and get a gradient: a step, and they pass on signals."""
        zeros = {each for each, size in self._sizes.items() if size == 0 and self._gradients.get(each)} - self._biases
        return [row for row in self._rows if not zeros.isdisjoint(row.parameters)] if zeros else []

    # Paths through the graph -----------------------------------------------------------------------------------------

    def _best_way(self) -> tuple[list[Row], int]:
        """Return the layers on the path of least resistance from the first layer to the loss, and its number of skips.

        If there are several first layers, the path starts at the one with the most layers after it. If most layers
        aren't in the graph (inside reentrant checkpoints), return all layers in order of execution.
        """
        at: dict[Any, Row] = {}
        for row in self._rows:
            for made in row.steps:
                if made in self._graph.steps:
                    at.setdefault(made, row)  # the output of an Identity belongs to the layer before it
        learn = {place for place in self._matrices if self._statuses[place] == "learns"}
        learning = [row for row in self._rows if row.place in learn and row.call]
        matrices = {step: 1.0 for step, row in at.items() if row.place in learn}
        if 2 * len({row.place for row in learning if any(step in matrices for step in row.steps)}) < len(learning):
            return learning, 0
        if not matrices:
            return [], 0
        signals = self._readings.signals
        strengths = {
            step: strength
            for step, row in at.items()
            if not math.isnan(strength := signals.get(row.place, math.nan) * row.spread)
        }
        best, towards = self._graph.best_ways(strengths)
        behind = self._graph.longest_way(matrices)
        above = self._graph.above(matrices)
        firsts = [step for step in matrices if step not in above] or list(matrices)
        resistance = {each: best.get(each, math.inf) + 1 / (strengths.get(each, math.inf) or 5e-324) for each in firsts}
        step = max(firsts, key=lambda each: (behind.get(each, 0.0), -resistance[each]))
        steps = [step]
        while (step := towards.get(step)) is not None:
            steps.append(step)
        way = list(dict.fromkeys(at[step].place for step in steps if step in at))
        by_place = {row.place: row for row in at.values()}
        return [by_place[place] for place in way], self._graph.joins(steps)

    def _coverage(self) -> float:
        """Return the share of the weights with a gradient that aren't hidden inside opaque steps."""
        measured = {
            each
            for row in self._rows
            for each in row.parameters
            if not math.isnan(self._readings.signals.get(row.place, math.nan))
        }
        learning = [each for each, value in self._gradients.items() if value is not None and each.dim() > 1]
        opaque = [
            each
            for each in learning
            if each not in measured and (each in self._recording.opaque or each not in self._graph.leaves)
        ]
        numbers = sum(each.numel() for each in learning)
        return 1 - sum(each.numel() for each in opaque) / numbers if numbers else 1.0

    def _is_beside(self) -> bool:
        """Whether the graph of the loss contains no layer's output, no output of the model and no matrix product.

        If it contains a matrix product, the loss function runs the model itself.
        """
        made = [step for row in self._rows for step in row.steps]
        outputs = [each.grad_fn for each in self._recording.outputs if each.grad_fn is not None]
        some_learn = any(each is not None for each in self._gradients.values())
        if not some_learn or not outputs or any(name.startswith(PRODUCTS) for name in self._graph.names):
            return False
        return not any(step in self._graph.steps for step in (*made, *outputs))

    def _unregistered(self) -> tuple[int, int]:
        """Return the number of tensors, and of their elements, that the outputs depend on but no optimizer gets.

        They are parameters in Python lists and the like, and plain tensors of the model that require a gradient.
        """
        others = [each for each in self._of_outputs.leaves if each not in self._names and each in self._graph.leaves]
        if not others:
            return 0, 0
        others = [each for each in others if each not in set(self._model.buffers())]
        plain = {id(each) for each in self._recording.held if each.requires_grad}
        found = [each for each in others if isinstance(each, nn.Parameter) or id(each) in plain]
        return len(found), sum(each.numel() for each in found)

    def _stopper(self, way: Sequence[Row]) -> str:
        """Name the function between two layers of the path from the first of which on the signal is exactly 0."""
        signals = self._readings.signals
        rows = [row for row in way if row.steps and signals.get(row.place, math.nan) == signals.get(row.place)]
        silent = [place for place, row in enumerate(rows) if signals[row.place] == 0]
        if not silent:
            return ""
        behind = rows[silent[-1] + 1 :]
        waiting = list(behind[0].steps if behind else [each.grad_fn for each in self._recording.outputs])
        seen, ends = set(waiting), set(rows[silent[-1]].steps)
        for step in waiting:
            name = name_of(step).removesuffix("Backward")
            if name in STOPS:
                return f"{name.lower()}()"
            for below in self._graph.below.get(step, ()) if step not in ends else ():
                if below not in seen:
                    seen.add(below)
                    waiting.append(below)
        return ""

    # Parameters without a gradient -----------------------------------------------------------------------------------

    def _detached(self) -> tuple[list[str], list[str]]:
        """Return labels of layers and names of parameters that should learn but get no gradient, and target networks.

        A part that ran without gradients is taken for a target network if its parameters have the names and shapes of
        those of a part that learns, and it has more than one matrix or a name such as "target". So is a part that
        affects no output with a gradient, only the loss: it computes the loss's targets.
        """
        found: list[str] = []
        twins: list[str] = []
        learning = {name for parameter, name in self._names.items() if self._gradients.get(parameter)}
        for row in self._rows:
            if row.call > 1:
                continue
            if self._statuses[row.place] == "detached":
                is_target = self._has_twin(row, learning) or self._wanted.issuperset(_asking(row.parameters))
                (twins if is_target else found).append(row.label)
            elif self._statuses[row.place] == "learns":
                found += [self._names[each] for each in self._silent(row)]
        return found, twins

    def _try_out(self, changes: Callable[[Sequence[Tensor]], Changes]) -> None:
        """Set parameters without a gradient to other values, to tell those that are cut off from those without effect.

        A used parameter is cut off if it affects the loss. A parameter of a module that nothing calls is cut off if it
        affects the outputs.
        """
        silent = self._without_gradient("detached", "learns")
        needed = _needed(silent, lambda parameters: changes(parameters).loss)
        self._unused.update(each for part in silent for each in part if each not in needed)
        idle = self._without_gradient("not called")
        self._cut_off |= _needed(idle, lambda parameters: changes(parameters).outputs)
        quiet = needed & {each for row in self._rows if not row.steps and row.call for each in row.parameters}
        if quiet and not changes(list(quiet)).learning:
            self._wanted = quiet
        if silent or idle:
            self._statuses = {row.place: self._status(row) for row in self._rows}

    def _without_gradient(self, *statuses: str) -> list[list[Tensor]]:
        rows = [row for row in self._rows if row.call < 2 and self._statuses[row.place] in statuses]
        return [part for row in rows if (part := self._silent(row))]

    def _silent(self, row: Row) -> list[Tensor]:
        """Return the parameters of a layer that should learn, are used, and get no gradient."""
        if self._statuses[row.place] in ("detached", "not called"):
            return _asking(row.parameters)
        return [
            each
            for each in _asking(row.parameters)
            if self._gradients[each] is None
            and each in self._recording.used
            and each not in self._unused
            and row.type != "MultiheadAttention"
        ]

    def _has_twin(self, row: Row, learning: set[str]) -> bool:
        shapes = {name: each.shape for each, name in self._names.items()}
        for parameter in row.parameters:
            name = self._names[parameter]
            parts = name.split(".")
            ends = [".".join(parts[place:]) for place in range(1, len(parts))]
            if not any(
                other != name
                and shapes[other] == parameter.shape
                and any(other.endswith(f".{end}") for end in ends)
                and other.split(".")[0] != parts[0]
                for other in learning
            ):
                return False
        top = self._names[row.parameters[0]].split(".")[0] if row.parameters else ""
        matrices = sum(each.dim() > 1 for each, name in self._names.items() if name.split(".")[0] == top)
        named = any(word in top.lower() for word in ("target", "teacher", "ema", "momentum", "old", "slow"))
        return bool(row.parameters) and not row.steps and (matrices > 1 or named)

    def _forgotten(self) -> Iterator[tuple[str, int, int]]:
        """Yield name, calls and silent calls of modules whose outputs are cut off or discarded nearly every time."""
        modules = dict(self._modules)
        calls: dict[str, list[Row]] = {}
        for row in self._rows:
            if row.call and row.steps and row.place in self._matrices:
                calls.setdefault(row.name, []).append(row)
        for name, rows in calls.items():
            is_state = isinstance(modules.get(name), RECURRENT)
            cut = [row for row in rows if row.cut]
            lost = [
                row
                for row in (rows if is_state else cut)
                if not any(step in self._graph.steps or step in self._of_outputs.steps for step in row.steps)
            ]
            if len(rows) < MANY_CALLS or max(len(cut), len(lost)) < 0.8 * len(rows):
                continue
            if len(lost) >= 0.8 * len(rows):
                yield name, len(rows), len(lost)
            elif self._stand_alone(rows):
                yield name, len(rows), len(cut)

    def _stand_alone(self, rows: Sequence[Row]) -> bool:
        """Whether the calls of a module are independent of each other in autograd's graph."""
        makers = {step: row for row in rows for step in row.steps}
        return not any(
            makers[above] is not row for row in rows for above in self._graph.above(row.steps) & makers.keys()
        )

    def _symmetric(self) -> Iterator[str]:
        """Yield labels of layers whose units are and stay the same, as they get the same gradient, or stay at zero."""
        if self._loss.requires_grad is False:
            return
        tensors = dict(zip(self._gradients, self._recording.gradients, strict=False))
        matrices = [each for each in tensors if each.dim() > 1 and not each.is_complex()]
        if not any(may_be_alike(each, self._sizes[each]) and rows_alike(each) for each in matrices):
            return
        wakes = bool(self._waking) and not all(len(each) < 2 or rows_alike(each) for each in matrices)
        for row in self._rows:
            for each in row.parameters if row.call == 1 else ():
                gradient = tensors.get(each)
                if each.dim() < 2 or len(each) < 2 or gradient is None or gradient.is_sparse or each.is_complex():
                    continue
                if self._stays_at_zero(row, each):
                    yield row.label
                    break
                if row.type in ("Embedding", "EmbeddingBag") or not rows_alike(each):
                    continue
                gates = gradient.chunk(GATES.get(row.type, 1))
                if all(map(rows_alike, gates)) and not (wakes and not bool(each.any()) and not bool(gradient.any())):
                    yield row.label
                    break

    def _stays_at_zero(self, row: Row, matrix: Tensor) -> bool:
        """Whether a matrix and its gradient are exactly 0, and no layer after it is about to become nonzero."""
        if self._sizes[matrix] != 0 or self._gradients.get(matrix) != 0 or not row.steps:
            return False
        steps = [step for each in self._rows if each.name == row.name for step in each.steps]
        behind = self._graph.above(steps)
        return not any(step in behind for each in self._waking for step in each.steps)

    def _straight(self) -> Iterator[tuple[str, str]]:
        """Yield labels of two linear layers of which one gets the other's outputs, with no activation between them.

        Where the space between them has fewer dimensions than both ends, the two are a matrix of low rank.
        """
        made = {
            source_of(row.steps[0]): (row, matrix)
            for row in self._rows
            if row.type in ("Linear", "linear()") and row.steps
            for matrix in [each for each in _asking(row.parameters) if each.dim() == 2][:1]
        }
        for step, (row, matrix) in made.items():
            for below in self._graph.below.get(step, ()):
                before, first = made.get(source_of(below), (row, matrix))
                wide = matrix.shape[1] == len(first) >= min(len(matrix), first.shape[1])
                if before is not row and wide and len(self._graph.consumers[before.steps[0]]) == 1:
                    yield before.label, row.label

    def _call_spreads(self) -> dict[str, tuple[float, ...]]:
        """Return the spread of the inputs at every call of a recurrent cell."""
        found: dict[str, list[float]] = {}
        for row in self._rows:
            if len(row.input_spread) == 1:
                found.setdefault(row.name, []).extend(row.input_spread)
        return {name: tuple(each) for name, each in found.items()}


def _never_called(modules: Sequence[tuple[str, nn.Module]], called: Sequence[Row]) -> list[Row]:
    """Return rows for modules with parameters of no called layer: used by name, in a function, or not at all."""
    covered = {each for row in called for each in row.parameters}
    rows: list[Row] = []
    for name, module in modules:
        own = [each for each in own_parameters(module) if each not in covered]
        if own:
            rows.append(Row(-2 - len(rows), name or "model", type(module).__name__, 0, own))
    return rows


def _needed(parts: list[list[Tensor]], matter: Callable[[list[Tensor]], bool]) -> set[Tensor]:
    """Return the parameters that matter, tried all at once and then, if they matter and are few, layer by layer."""
    together = [each for part in parts for each in part]
    if not together or not matter(together):
        return set()
    if not 1 < len(parts) <= MOST_TRIED:
        return set(together)
    return {each for part in parts if matter(part) for each in part} or set(together)


def _asking(parameters: Any) -> list[Tensor]:
    return [each for each in parameters if each.requires_grad]


def _uses_the_batch(module: nn.Module) -> bool:
    return isinstance(module, BATCH_NORMS) and (module.training or module.running_mean is None)


def _finite(tensor: Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex()) or bool(torch.isfinite(tensor).all())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
