"""The doctor: right verdicts, readings that equal plain autograd, and models that are left as they were."""

from __future__ import annotations

import torch
from torch import nn

from helpers.doctor import diagnose


def test_readings_equal_plain_autograd() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    inputs, targets = torch.randn(10, 8), torch.randint(0, 3, (10,))
    outputs = [inputs]
    for module in model:
        outputs.append(module(outputs[-1]))
    loss = nn.functional.cross_entropy(outputs[-1], targets)
    signals = torch.autograd.grad(loss, outputs[1:], retain_graph=True)
    layers = diagnose(model, nn.functional.cross_entropy, inputs, targets).layers
    assert [layer.type for layer in layers] == ["Linear", "Tanh", "Linear", "ReLU", "Linear"]
    for layer, signal, output in zip(layers, signals, outputs[1:], strict=True):
        torch.testing.assert_close(torch.tensor(layer.signal_norm), signal.norm())
        torch.testing.assert_close(torch.tensor(layer.activation_mean), output.mean())
        torch.testing.assert_close(torch.tensor(layer.activation_std), output.std(unbiased=False))
    loss.backward()
    norms = [torch.cat([p.grad.flatten() for p in model[place].parameters()]).norm() for place in (0, 2, 4)]
    torch.testing.assert_close(torch.tensor([layers[place].gradient_norm for place in (0, 2, 4)]), torch.stack(norms))
