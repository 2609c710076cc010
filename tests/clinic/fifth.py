"""The fifth blind set as the clinic has it: by name, with the verdicts that a practitioner would accept.

They were written down by the names and the descriptions of the mistakes, before any verdict was seen; `note` stands
for a note beside a healthy verdict. Three notes were accepted afterwards: of the growing ReLU state, of an optimizer
made anew, and of a rate that throws the weights about in a training that then learns a little.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.clinic import fifth_set
from tests.clinic.fourth import maker

RIGHT = {
    "sigmoid_stack_14": "vanishing",
    "relu_rnn_spectral_radius": "exploding non-finite note",
    "lora_both_zero": "blocked symmetric note dead",
    "block_adds_skip_twice": "exploding note",
    "zero_gamma_without_skip": "blocked dead note",
    "tanh_on_raw_pixels": "saturated data note",
    "softmax_then_cross_entropy": "note loss",
    "softmax_over_batch": "loss note",
    "broadcast_targets": "loss",
    "ignore_index_is_a_class": "note loss data",
    "lm_target_not_shifted": "note data loss",
    "target_leaks_as_feature": "note data",
    "integer_division_of_pixels": "data note",
    "dataset_returns_item_zero": "data note",
    "constant_column_std_zero": "non-finite",
    "hidden_state_by_data": "detached",
    "encoder_under_no_grad": "detached note",
    "parameter_rewrapped_in_forward": "unregistered detached",
    "batchnorm_momentum_taken_for_decay": "note",
    "instance_norm_erases_brightness": "note data blocked",
    "batchnorm_on_regression_output": "note loss",
    "dropout_keep_prob": "note blocked dead",
    "padding_mask_inverted": "note data",
    "causal_mask_missing": "note loss data",
    "no_positions_order_matters": "note data",
    "padded_gru_last_step": "note vanishing data",
    "argmax_between_stages": "detached blocked",
    "output_clamped_zero_one": "blocked loss dead saturated note",
    "cosine_sign": "note loss",
    "ppo_ratio_upside_down": "note loss",
    "generator_fed_by_detached_fake": "detached",
    "vae_kl_sum_against_mean_mse": "note loss",
    "infonce_temperature_1e-4": "note loss exploding saturated",
    "loss_times_1e-10": "note loss",
    "rmsnorm_squares_in_half": "non-finite blocked vanishing note",
    "sqrt_of_zero_distance": "non-finite",
    "acos_at_one": "non-finite",
    "softmax_twice_in_attention": "note",
    "reshape_for_transpose": "data note loss",
    "pinn_with_relu": "detached blocked dead note",
    "gcn_24_layers_oversmoothed": "vanishing note collapsed",
    "where_sqrt_trap": "non-finite",
}
"""The verdicts that are right."""

WATCHED = {
    "x_and_y_shuffled_apart": "stuck",
    "head_replaced_after_optimizer": "unchanged; stuck; note",
    "zero_grad_forgotten": "not zeroed",
    "step_before_backward": "unchanged; not zeroed; stuck; update too small",
    "optimizer_made_anew_each_step": "update too large; oscillating; diverging; stuck; note; note",
    "scheduler_per_batch": "update too small; unchanged; stuck",
    "clip_before_unscale": "update too small; unchanged; stuck",
    "rate_one_with_adam": "update too large; diverging; oscillating; stuck; dead; collapsed; non-finite; note",
    "weight_decay_one_in_adam": "stuck; dead; collapsed; update too large",
}
"""The verdicts that are right of a training, of networks that are healthy by themselves."""

_MISTAKES: dict[str, Any] = {each["name"]: each for each in fifth_set.SICK}
FIFTH_HEALTHY = {each["name"]: maker(each["build"]) for each in fifth_set.HEALTHY}
FIFTH_REPAIRED = {f"{name}, repaired": maker(each["repaired"]) for name, each in _MISTAKES.items()}
FIFTH_SICK = {name: (tuple(right.split()), maker(_MISTAKES[name]["build"])) for name, right in RIGHT.items()}


class _Steps:
    """A training by the optimizer that a network comes with, one step for each `next`, as the set's own trainings."""

    def __init__(self, entry: dict[str, Any], made: tuple[Any, ...]) -> None:
        self.model, self._inputs, self._targets, self._loss, optimizer = made
        usual = torch.optim.Adam(self.model.parameters(), entry["lr"]) if optimizer is None else None
        self._optimizer = usual or optimizer(self.model)

    def __next__(self) -> float:
        self._optimizer.zero_grad()
        loss = self._loss(self.model(self._inputs), self._targets)
        loss.backward()
        self._optimizer.step()
        return float(loss.detach())


def trainings(seed: int) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Name, right verdicts and steps of every training, as it was written and repaired."""
    for name, right in WATCHED.items():
        each = _MISTAKES[name]
        for label, verdicts, loop, build in (
            (name, tuple(right.split("; ")), "train", "build"),
            (f"{name}, repaired", ("healthy",), "repaired_train", "repaired"),
        ):
            yield label, verdicts, each[loop](seed) if loop in each else _Steps(each, each[build](seed))
