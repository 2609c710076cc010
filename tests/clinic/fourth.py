"""The fourth blind set as the clinic has it: by name, with the verdicts that a practitioner would accept.

They were written down by the names and the descriptions of the mistakes, before any verdict was seen; `note` stands
for a note beside a healthy verdict, `error` for a DiagnosisError. What one batch can't show is watched in training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from tests.clinic import fourth_set
from tests.clinic.parts import Example, Make

RIGHT = {
    "sigmoid_mlp_10_layers": "vanishing",
    "plain_cnn_24_no_norm_default_init": "vanishing",
    "glu_conv_lm_forgot_residual": "vanishing",
    "deep_autoencoder_std002_init": "vanishing",
    "relu_rnn_randn_recurrent": "exploding",
    "gcn_sum_aggregation_dense_graph": "exploding",
    "euler_ode_forgot_dt": "exploding",
    "retina_prior_bias_on_all_convs": "dead blocked vanishing",
    "log_features_all_negative_positive_weights": "dead blocked",
    "dueling_dqn_relu_head_negative_rewards": "dead blocked loss",
    "vq_codebook_far_from_encoder": "dead note exploding loss",
    "ffn_layernorm_relu_bias_minus6": "dead blocked",
    "sigmoid_net_raw_pixels_255": "saturated data note",
    "lstm_raw_prices": "saturated data note",
    "attention_unscaled_randn_qk": "saturated note exploding",
    "tanh_policy_large_init": "saturated",
    "clip_logit_scale_exponentiated_twice": "loss note exploding saturated",
    "vqvae_without_straight_through": "detached blocked",
    "spiking_net_without_surrogate": "detached blocked",
    "cnn_rnn_data_and_retensor": "detached",
    "finetune_encoder_left_in_no_grad": "detached note",
    "accuracy_as_loss_requires_grad": "detached loss error",
    "mlp_all_zero_init": "symmetric dead blocked",
    "lora_both_factors_zero": "blocked symmetric note dead",
    "lstm_constant_weights": "symmetric note",  # a note: it takes 96 % off its loss all the same
    "embedding_matrix_factorization_zero": "symmetric blocked vanishing",
    "plain_bn_relu_60_layers_no_skip": "shattered exploding",
    "siren_w0_3000": "shattered exploding",
    "reinforce_huge_reward_no_baseline": "note loss data exploding",
    "mlp_double_softmax": "note loss",
    "regression_broadcast_b1_vs_b": "loss",
    "tanh_output_targets_to_10": "loss note data",
    "nllloss_on_raw_logits": "loss",
    "dataset_returns_same_sample": "data note",
    "one_unnormalised_feature_1e6": "data note",
    "nan_in_one_row": "non-finite data",
    "view_instead_of_permute_channels_first": "data note loss",
    "inputs_shuffled_labels_not": "data note stuck",
    "sqrt_of_zero_distance": "non-finite",
    "std_of_single_value_nan": "non-finite",
    "log_of_softmax_underflow": "non-finite",
    "fully_masked_row_minus_inf": "non-finite",
    "fp16_gradient_underflow": "non-finite vanishing note blocked",
    "layernorm_over_single_feature": "blocked",
    "groupnorm_instance_like_on_1x1_map": "blocked vanishing",
    "dropout_keep_prob_confusion": "note blocked dead",
    "batchnorm_on_regression_output": "note loss",
    "attention_pooling_softmax_size_one_dim": "note blocked symmetric",
    "gcn_16_layers_oversmoothing": "vanishing note collapsed",
    "attention_only_no_skip_rank_collapse": "vanishing note collapsed",
    "siamese_positive_pairs_only": "note data loss",
    "vae_posterior_collapse_kl_per_batch_sum": "note loss",
}
"""The verdicts that are right."""

WATCHED = {
    "forgot_zero_grad": "not zeroed",
    "optimizer_holds_old_parameters": "unchanged; stuck; not examined",
    "epoch_scheduler_stepped_per_batch": "update too small; unchanged; stuck",
    "zero_grad_between_backward_and_step": "unchanged; stuck",
    "adam_weight_decay_1": "stuck; dead; collapsed; update too large",
}
"""The verdicts that are right of a training, of networks that are healthy by themselves."""


def maker(build: Callable[[int], Any]) -> Make:
    """A network from the seed that torch was given last."""

    def make() -> Example:
        model, inputs, targets, loss, _ = build(torch.initial_seed())
        return model, loss, inputs if isinstance(inputs, torch.Tensor) else tuple(inputs), targets

    return make


_MISTAKES: dict[str, Any] = {each["name"]: each for each in fourth_set.SICK}
FOURTH_HEALTHY = {each["name"]: maker(each["build"]) for each in fourth_set.HEALTHY}
FOURTH_REPAIRED = {f"{name}, repaired": maker(_MISTAKES[name]["repaired"]) for name in RIGHT}
FOURTH_SICK = {name: (tuple(right.split()), maker(_MISTAKES[name]["build"])) for name, right in RIGHT.items()}


def trainings(seed: int) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Name, right verdicts and steps of every training, as it was written and repaired."""
    for name, right in WATCHED.items():
        yield name, tuple(right.split("; ")), _MISTAKES[name]["train"](seed)
        yield f"{name}, repaired", ("healthy",), _MISTAKES[name]["repaired_train"](seed)
