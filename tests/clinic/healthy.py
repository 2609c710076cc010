"""Architectures that people use, each as its authors start it, written small.

`HEALTHY` maps a name to a function that makes model, loss function, inputs and targets. That they learn is shown by
training (tests/test_clinic.py), not declared.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.clinic.parts import (
    CLASSES,
    FEATURES,
    LENGTH,
    VOCABULARY,
    Attention,
    Example,
    Fn,
    GatedFeed,
    Make,
    Net,
    RMSNorm,
    Scale,
    Skip,
    SqueezeExcite,
    classify,
    conv,
    feed,
    first,
    he,
    head,
    images,
    language,
    mean,
    mlp,
    rebuild,
    rows,
    seq,
    series,
    small,
    texts,
    tokens,
)

HEALTHY: dict[str, Make] = {}

W = 16


def add(name: str, make: Make) -> None:
    assert name not in HEALTHY, name
    HEALTHY[name] = make


def add_all(task: Callable[[nn.Module], Example], models: dict[str, Callable[[], nn.Module]]) -> None:
    """Models that have the loss and the data of a task."""
    for name, make in models.items():
        add(name, lambda m=make: task(m()))


def repeated(count: int, make: Callable[[], nn.Module]) -> list[nn.Module]:
    """Parts of one kind, each with numbers of its own."""
    return [make() for _ in range(count)]


# Images --------------------------------------------------------------------------------------------------------------


def basic(
    a: int, b: int, s: int = 1, *, zero: bool = False, pre: bool = False, groups: int = 1, se: bool = False
) -> nn.Module:
    short = None if a == b and s == 1 else seq(conv(a, b, 1, s, act=None))
    if pre:
        return Skip(
            seq(
                nn.BatchNorm2d(a),
                nn.ReLU(),
                nn.Conv2d(a, b, 3, s, 1),
                nn.BatchNorm2d(b),
                nn.ReLU(),
                nn.Conv2d(b, b, 3, 1, 1),
            ),
            short,
        )
    branch = seq(conv(a, b, 3, s), conv(b, b, 3, 1, groups, act=None), [SqueezeExcite(b)] if se else [])
    if zero:
        nn.init.zeros_(branch[4].weight)
    return Skip(branch, short, nn.ReLU())


def bottleneck(a: int, b: int, s: int = 1, *, groups: int = 1, zero: bool = False, se: bool = False) -> nn.Module:
    short = None if a == b and s == 1 else seq(conv(a, b, 1, s, act=None))
    branch = seq(
        conv(a, b // 2, 1),
        conv(b // 2, b // 2, 3, s, groups),
        conv(b // 2, b, 1, act=None),
        [SqueezeExcite(b)] if se else [],
    )
    if zero:
        nn.init.zeros_(branch[7].weight)
    return Skip(branch, short, nn.ReLU())


def stages(block: Any, counts: tuple[int, ...], width: int = W, **options: Any) -> nn.Module:
    parts, a = conv(3, width), width
    for stage, count in enumerate(counts):
        for place in range(count):
            b = width * 2**stage
            parts.append(block(a, b, 2 if stage and not place else 1, **options))
            a = b
    return he(seq(parts, head(a)))


def vgg(depth: int, norm: bool) -> nn.Module:
    parts: list[nn.Module] = []
    a = 3
    for place in range(depth):
        b = 16 if place < depth // 2 else 32
        parts += conv(a, b, norm=nn.BatchNorm2d if norm else None)
        a = b
        if place in (depth // 3, 2 * depth // 3):
            parts.append(nn.MaxPool2d(2))
    return he(seq(parts, nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, CLASSES)))


def inception(a: int) -> nn.Module:
    m = {
        "p": seq(conv(a, 8, 1)),
        "q": seq(conv(a, 8, 1), conv(8, 8)),
        "r": seq(conv(a, 4, 1), conv(4, 8, 5)),
        "s": seq(nn.MaxPool2d(3, 1, 1), conv(a, 8, 1)),
    }
    return Net(lambda m, x: torch.cat([m.p(x), m.q(x), m.r(x), m.s(x)], 1), **m)


def inverted(a: int, b: int, s: int = 1, act: Any = nn.ReLU6, se: bool = False, k: int = 3) -> nn.Module:
    parts = seq(
        conv(a, 4 * a, 1, act=act),
        conv(4 * a, 4 * a, k, s, 4 * a, act=act),
        [SqueezeExcite(4 * a)] if se else [],
        conv(4 * a, b, 1, act=None),
    )
    return Skip(parts) if a == b and s == 1 else parts


def mobile(act: Any, se: bool, k: int = 3) -> nn.Module:
    return he(
        seq(
            conv(3, W, act=act),
            repeated(3, lambda: inverted(W, W, 1, act, se, k)),
            inverted(W, 2 * W, 2, act, se, k),
            repeated(3, lambda: inverted(2 * W, 2 * W, 1, act, se, k)),
            conv(2 * W, 64, 1, act=act),
            head(64),
        )
    )


def dense(layers: int = 6) -> nn.Module:
    grow = [
        seq(nn.BatchNorm2d(W + 8 * i), nn.ReLU(), nn.Conv2d(W + 8 * i, 8, 3, 1, 1, bias=False)) for i in range(layers)
    ]
    body = seq([Net(lambda m, x: torch.cat([x, m.f(x)], 1), f=f) for f in grow])
    return he(seq(conv(3, W), body, nn.BatchNorm2d(W + 8 * layers), nn.ReLU(), head(W + 8 * layers)))


def shuffled(x: Tensor) -> Tensor:
    return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


def convnext(value: float, blocks: int = 6) -> nn.Module:
    def block() -> nn.Module:
        inner = seq(
            nn.Conv2d(W, W, 7, 1, 3, groups=W),
            lambda x: x.movedim(1, -1),
            nn.LayerNorm(W),
            feed(W, times=4),
            Scale(W, value),
            lambda x: x.movedim(-1, 1),
        )
        return Skip(inner)

    return seq(
        nn.Conv2d(3, W, 2, 2),
        repeated(blocks, block),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.LayerNorm(W),
        nn.Linear(W, CLASSES),
    )


def unet(norm: Any = nn.BatchNorm2d, out: int = 2, act: Any = nn.ReLU) -> nn.Module:
    c = partial(conv, norm=norm, act=act)
    return Net(
        lambda m, x: m.o(m.u(torch.cat([F.interpolate(m.b(F.max_pool2d(h := m.d(x), 2)), scale_factor=2), h], 1))),
        d=seq(c(3, W), c(W, W)),
        b=seq(c(W, 2 * W), c(2 * W, 2 * W)),
        u=seq(c(3 * W, W), c(W, W)),
        o=nn.Conv2d(W, out, 1),
    )


IMAGE_CLASSIFIERS: dict[str, Any] = {
    "AlexNet": lambda: seq(
        conv(3, 16, 5, norm=None),
        nn.MaxPool2d(2),
        conv(16, 32, norm=None),
        nn.MaxPool2d(2),
        conv(32, 32, norm=None),
        conv(32, 32, norm=None),
        nn.Flatten(),
        nn.Dropout(),
        mlp(512, 64, 64, CLASSES),
    ),
    "VGG-8": lambda: vgg(8, False),
    "VGG-13": lambda: vgg(13, False),
    "VGG-16, batch norm": lambda: vgg(16, True),
    "VGG-19, batch norm": lambda: vgg(19, True),
    "NiN": lambda: seq(
        conv(3, 16, 5, norm=None),
        conv(16, 16, 1, norm=None),
        conv(16, 32, norm=None),
        conv(32, CLASSES, 1, norm=None, act=None),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ),
    "All-CNN": lambda: he(
        seq(
            conv(3, 16, norm=None),
            conv(16, 16, 3, 2, norm=None),
            conv(16, 32, norm=None),
            conv(32, 32, 3, 2, norm=None),
            conv(32, 32, 1, norm=None),
            head(32),
        )
    ),
    "GoogLeNet": lambda: seq(conv(3, 16), inception(16), inception(32), nn.MaxPool2d(2), inception(32), head(32)),
    "SqueezeNet": lambda: seq(
        conv(3, 16, norm=None),
        *(
            Net(
                lambda m, x: torch.cat([m.a(h := m.s(x)), m.b(h)], 1),
                s=seq(conv(a, 8, 1, norm=None)),
                a=seq(conv(8, 16, 1, norm=None)),
                b=seq(conv(8, 16, norm=None)),
            )
            for a in (16, 32, 32)
        ),
        head(32),
    ),
    "MobileNet v1": lambda: he(seq(conv(3, W), repeated(6, lambda: seq(conv(W, W, 3, 1, W), conv(W, W, 1))), head(W))),
    "MobileNet v2": lambda: mobile(nn.ReLU6, False),
    "MobileNet v3": lambda: mobile(nn.Hardswish, True),
    "EfficientNet": lambda: mobile(nn.SiLU, True),
    "MnasNet": lambda: mobile(nn.ReLU, True, 5),
    "ShuffleNet": lambda: he(
        seq(
            conv(3, W),
            repeated(
                4,
                lambda: Skip(
                    seq(conv(W, W, 1, 1, 2), shuffled, conv(W, W, 3, 1, W, act=None), conv(W, W, 1, 1, 2, act=None)),
                    last=nn.ReLU(),
                ),
            ),
            head(W),
        )
    ),
    "DenseNet": dense,
    "DenseNet, 12 layers": lambda: dense(12),
    "ResNet-14": lambda: stages(basic, (2, 2, 2)),
    "ResNet-32": lambda: stages(basic, (5, 5, 5), 8),
    "ResNet-20, zero gamma": lambda: stages(basic, (3, 3, 3), zero=True),
    "ResNet-50's blocks": lambda: stages(bottleneck, (3, 4, 3)),
    "ResNet-50's blocks, zero gamma": lambda: stages(bottleneck, (3, 4, 3), zero=True),
    "ResNet-101's blocks": lambda: stages(bottleneck, (3, 8, 3), 8),
    "ResNeXt": lambda: stages(bottleneck, (2, 2, 2), groups=4),
    "Wide ResNet": lambda: stages(basic, (2, 2), 48),
    "Pre-activation ResNet": lambda: stages(basic, (3, 3, 3), pre=True),
    "SE-ResNet": lambda: stages(bottleneck, (2, 2, 2), se=True),
    "RegNet": lambda: stages(bottleneck, (1, 3, 2), groups=2),
    "ResNet, group norm": lambda: he(
        seq(
            conv(3, W),
            repeated(
                6,
                lambda: Skip(
                    seq(conv(W, W, norm=partial(nn.GroupNorm, 4)), conv(W, W, norm=partial(nn.GroupNorm, 4), act=None)),
                    last=nn.ReLU(),
                ),
            ),
            head(W),
        )
    ),
    "Xception": lambda: he(
        seq(
            conv(3, W),
            repeated(
                6,
                lambda: Skip(seq(nn.ReLU(), nn.Conv2d(W, W, 3, 1, 1, groups=W), nn.Conv2d(W, W, 1), nn.BatchNorm2d(W))),
            ),
            head(W),
        )
    ),
    "RepVGG": lambda: he(
        seq(
            conv(3, W),
            repeated(
                5,
                lambda: Net(
                    lambda m, x: F.relu(m.a(x) + m.b(x) + m.c(x)),
                    a=seq(conv(W, W, act=None)),
                    b=seq(conv(W, W, 1, act=None)),
                    c=nn.BatchNorm2d(W),
                ),
            ),
            head(W),
        )
    ),
    "ConvNeXt, LayerScale 1e-6": lambda: convnext(1e-6),
    "ConvNeXt, LayerScale 0.1": lambda: convnext(0.1),
    "ConvMixer": lambda: seq(
        conv(3, W, 2, 2, act=nn.GELU),
        repeated(
            6,
            lambda: seq(
                Skip(seq(nn.Conv2d(W, W, 5, 1, 2, groups=W), nn.GELU(), nn.BatchNorm2d(W))),
                nn.Conv2d(W, W, 1),
                nn.GELU(),
                nn.BatchNorm2d(W),
            ),
        ),
        head(W),
    ),
    "Res2Net": lambda: stages(
        lambda a, b, s: Skip(
            seq(
                conv(a, b, 1, s),
                Net(
                    lambda m, x: torch.cat([(p := x.chunk(2, 1))[0], m.c(p[1] + p[0])], 1), c=seq(conv(b // 2, b // 2))
                ),
                conv(b, b, 1, act=None),
            ),
            None if a == b and s == 1 else seq(conv(a, b, 1, s, act=None)),
            nn.ReLU(),
        ),
        (2, 2),
    ),
    "GhostNet": lambda: he(
        seq(
            conv(3, W),
            repeated(
                5,
                lambda: Net(
                    lambda m, x: torch.cat([h := m.a(x), m.b(h)], 1),
                    a=seq(conv(W, W // 2, 1)),
                    b=seq(conv(W // 2, W // 2, 3, 1, W // 2)),
                ),
            ),
            head(W),
        )
    ),
    "LeNet, tanh": lambda: seq(
        nn.Conv2d(3, 6, 5, 1, 2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 3, 1, 1),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        mlp(256, 64, 32, CLASSES, activation=nn.Tanh),
    ),
    "Spatial transformer": lambda: Net(
        lambda m, x: m.c(
            F.grid_sample(
                x, F.affine_grid(m.t(x).view(-1, 2, 3), list(x.shape), align_corners=False), align_corners=False
            )
        ),
        t=identity_affine(),
        c=seq(conv(3, W), nn.MaxPool2d(4), head(W)),
    ),
    "CoordConv": lambda: seq(
        lambda x: torch.cat([x, torch.linspace(-1, 1, 16).expand(len(x), 1, 16, 16)], 1),
        conv(4, W),
        nn.MaxPool2d(2),
        conv(W, W),
        head(W),
    ),
    "BagNet": lambda: he(seq(conv(3, W, 1), conv(W, W), nn.MaxPool2d(2), conv(W, 2 * W, 1), head(2 * W))),
    "Fourier neural operator": lambda: seq(nn.Conv2d(3, W, 1), spectral(), nn.GELU(), spectral(), nn.GELU(), head(W)),
    "Capsule-like squash": lambda: seq(
        conv(3, W, norm=None),
        nn.MaxPool2d(4),
        nn.Flatten(),
        nn.Linear(W * 16, CLASSES * 8),
        lambda x: squash(x.unflatten(-1, (CLASSES, 8))).norm(dim=-1) * 8,
    ),
}


def identity_affine() -> nn.Module:
    net: Any = seq(nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 6))
    nn.init.zeros_(net[-1].weight)
    net[-1].bias.data.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
    return net


def spectral() -> nn.Module:
    weight = nn.Parameter(torch.randn(W, W, 4, 4, dtype=torch.cfloat) / W)

    def run(m: Net, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(x)
        mixed = torch.zeros_like(spectrum)
        mixed[:, :, :4, :4] = torch.einsum("bixy,ioxy->boxy", spectrum[:, :, :4, :4], m.weight)
        return torch.fft.irfft2(mixed, s=x.shape[-2:]) + m.skip(x)

    return Net(run, weight=weight, skip=nn.Conv2d(W, W, 1))


def squash(x: Tensor) -> Tensor:
    size = x.square().sum(-1, keepdim=True)
    return size / (1 + size) * x / (size + 1e-9).sqrt()


add_all(classify, IMAGE_CLASSIFIERS)


def segmentation(model: nn.Module) -> Any:
    x, _ = images()
    return model, F.cross_entropy, x, (x.mean(1) > 0).long()


add_all(
    segmentation,
    {
        "U-Net": unet,
        "U-Net without norm": lambda: unet(None),
        "U-Net, instance norm": lambda: unet(nn.InstanceNorm2d),
        "SegNet": lambda: seq(
            conv(3, W), nn.MaxPool2d(2), conv(W, 2 * W), nn.Upsample(scale_factor=2), conv(2 * W, W), nn.Conv2d(W, 2, 1)
        ),
        "DeepLab's ASPP": lambda: seq(
            conv(3, W),
            Net(
                lambda m, x: torch.cat([m.a(x), m.b(x), m.c(x)], 1),
                a=nn.Conv2d(W, W, 1),
                b=nn.Conv2d(W, W, 3, 1, 2, 2),
                c=nn.Conv2d(W, W, 3, 1, 4, 4),
            ),
            conv(3 * W, W),
            nn.Conv2d(W, 2, 1),
        ),
        "LinkNet": lambda: Net(
            lambda m, x: m.o((h := m.d(x)) + m.u(m.b(h))),
            d=seq(conv(3, W)),
            b=seq(conv(W, 2 * W, 3, 2)),
            u=nn.ConvTranspose2d(2 * W, W, 2, 2),
            o=nn.Conv2d(W, 2, 1),
        ),
        "Feature pyramid": lambda: Net(
            lambda m, x: m.o(m.l(a := m.a(x)) + F.interpolate(m.k(m.b(a)), scale_factor=2)),
            a=seq(conv(3, W)),
            b=seq(conv(W, 2 * W, 3, 2)),
            l=nn.Conv2d(W, W, 1),
            k=nn.Conv2d(2 * W, W, 1),
            o=nn.Conv2d(W, 2, 3, 1, 1),
        ),
    },
)


def restoration(model: nn.Module) -> Any:
    x, _ = images()
    y = F.avg_pool2d(x, 3, 1, 1)
    return model, F.mse_loss, y + 0.1 * torch.randn_like(y), y


add_all(
    restoration,
    {
        "DnCNN": lambda: Net(
            lambda m, x: x - m.f(x),
            f=he(seq(conv(3, W, norm=None), repeated(6, lambda: seq(conv(W, W))), nn.Conv2d(W, 3, 3, 1, 1)), "fan_in"),
        ),
        "SRCNN": lambda: seq(conv(3, W, 5, norm=None), conv(W, W, 1, norm=None), nn.Conv2d(W, 3, 5, 1, 2)),
        "VDSR": lambda: Net(
            lambda m, x: x + m.f(x),
            f=he(
                seq(conv(3, W, norm=None), repeated(18, lambda: seq(conv(W, W, norm=None))), nn.Conv2d(W, 3, 3, 1, 1)),
                "fan_in",
            ),
        ),
        "EDSR": lambda: seq(
            nn.Conv2d(3, W, 3, 1, 1),
            repeated(
                8, lambda: Skip(seq(nn.Conv2d(W, W, 3, 1, 1), nn.ReLU(), nn.Conv2d(W, W, 3, 1, 1), lambda x: 0.1 * x))
            ),
            nn.Conv2d(W, 3, 3, 1, 1),
        ),
        "Convolutional autoencoder": lambda: seq(
            conv(3, W, 3, 2, norm=None),
            conv(W, 2 * W, 3, 2, norm=None),
            nn.ConvTranspose2d(2 * W, W, 2, 2),
            nn.ReLU(),
            nn.ConvTranspose2d(W, 3, 2, 2),
        ),
    },
)


# Transformers --------------------------------------------------------------------------------------------------------

D = 32


def block(
    *,
    norm: Any = nn.LayerNorm,
    post: bool = False,
    scale: float | None = None,
    gated: bool = False,
    activation: Any = nn.GELU,
    **attention: Any,
) -> nn.Module:
    parts = []
    for inner in (Attention(D, **attention), GatedFeed(D) if gated else feed(D, activation)):
        layers = [Scale(D, scale)] if scale is not None else []
        parts.append(Skip(seq(inner, layers), last=norm(D)) if post else Skip(seq(norm(D), inner, layers)))
    return seq(parts)


def patches(model: nn.Module, token: bool = False) -> nn.Module:
    """Patches of 4 × 4 with positions, the blocks, a norm and a class."""
    return Net(
        lambda m, x: m.o(
            m.n(
                mean(m.f(m.p(x).flatten(2).transpose(1, 2) + m.e))
                if not token
                else first(m.f(torch.cat([m.c.expand(len(x), 1, D), m.p(x).flatten(2).transpose(1, 2)], 1) + m.e))
            )
        ),
        p=nn.Conv2d(3, D, 4, 4),
        f=model,
        n=nn.LayerNorm(D),
        o=nn.Linear(D, CLASSES),
        e=nn.Parameter(0.02 * torch.randn(16 + token, D)),
        c=nn.Parameter(0.02 * torch.randn(1, D)),
    )


def windows(shift: int) -> nn.Module:
    """Attention within windows of four patches, shifted in turn (Swin)."""
    return Skip(
        Net(
            lambda m, x: m.a(m.n(x.roll(shift, 1)).reshape(-1, 4, D)).reshape(x.shape).roll(-shift, 1),
            n=nn.LayerNorm(D),
            a=Attention(D),
        )
    )


def mixing(inner: nn.Module) -> nn.Module:
    return Skip(seq(nn.LayerNorm(D), lambda x: x.transpose(1, 2), inner, lambda x: x.transpose(1, 2)))


def spatial_gate() -> nn.Module:
    across = nn.Conv1d(16, 16, 1)
    nn.init.normal_(across.weight, std=1e-4)
    nn.init.ones_(across.bias)
    return Net(
        lambda m, x: m.b((h := F.gelu(m.a(x)).chunk(2, -1))[0] * m.s(m.n(h[1]))),
        a=nn.Linear(D, 2 * D),
        b=nn.Linear(D, D),
        n=nn.LayerNorm(D),
        s=across,
    )


add_all(
    classify,
    {
        "ViT": lambda: patches(seq(repeated(4, block))),
        "ViT, 12 blocks": lambda: patches(seq(repeated(12, block))),
        "DeiT, class token": lambda: patches(seq(repeated(4, block)), True),
        "CaiT, LayerScale 1e-4": lambda: patches(seq(repeated(6, lambda: block(scale=1e-4)))),
        "Swin": lambda: patches(
            seq(*(seq(windows(2 * (i % 2)), Skip(seq(nn.LayerNorm(D), feed(D)))) for i in range(4)))
        ),
        "MLP-Mixer": lambda: patches(
            seq(repeated(6, lambda: seq(mixing(feed(16)), Skip(seq(nn.LayerNorm(D), feed(D))))))
        ),
        "ResMLP": lambda: patches(
            seq(
                repeated(
                    6, lambda: seq(mixing(seq(nn.Linear(16, 16))), Skip(seq(nn.LayerNorm(D), feed(D), Scale(D, 0.1))))
                )
            )
        ),
        "gMLP": lambda: patches(seq(repeated(6, lambda: Skip(seq(nn.LayerNorm(D), spatial_gate()))))),
        "PoolFormer": lambda: patches(
            seq(
                repeated(
                    4,
                    lambda: seq(
                        Skip(seq(nn.LayerNorm(D), lambda x: mean(x)[:, None] - x)), Skip(seq(nn.LayerNorm(D), feed(D)))
                    ),
                )
            )
        ),
        "Perceiver": lambda: Net(
            lambda m, x: m.o(
                mean(m.s(m.z.expand(len(x), 4, D) + m.a(m.z.expand(len(x), 4, D), m.p(x.flatten(2).transpose(1, 2)))))
            ),
            p=nn.Linear(3, D),
            z=nn.Parameter(0.02 * torch.randn(4, D)),
            a=Attention(D),
            s=seq(block(), block()),
            o=nn.Linear(D, CLASSES),
        ),
        "Compact convolutional transformer": lambda: patches_of(conv(3, D, 3, 2, norm=None) + [nn.MaxPool2d(2)]),
    },
)


def patches_of(stem: list[nn.Module]) -> nn.Module:
    return Net(
        lambda m, x: m.o(m.n(mean(m.f(m.p(x).flatten(2).transpose(1, 2))))),
        p=seq(stem),
        f=seq(block(), block()),
        n=nn.LayerNorm(D),
        o=nn.Linear(D, CLASSES),
    )


def embedded(
    body: nn.Module, out: nn.Module | None = None, pool: Any = mean, position: bool = True, std: float | None = 0.1
) -> nn.Module:
    net: Any = Net(
        lambda m, x: m.o(pool(m.f(m.e(x) + m.p if position else m.e(x)))),
        e=nn.Embedding(VOCABULARY, D),
        p=nn.Parameter(0.02 * torch.randn(LENGTH, D)),
        f=body,
        o=out or nn.Linear(D, CLASSES),
    )
    return small(net, std) if std else net


class Fixed(nn.Module):
    """One block, many times (ALBERT, universal transformer)."""

    def __init__(self, inner: nn.Module, times: int) -> None:
        super().__init__()
        self.inner, self.times = inner, times

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            x = self.inner(x)
        return x


class Experts(nn.Module):
    """A switch layer: each token goes to the expert with the largest gate (Fedus 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.experts = nn.Linear(D, 4), nn.ModuleList(feed(D) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        share, choice = self.gate(x).softmax(-1).max(-1, keepdim=True)
        return sum(
            (share * (choice == place) * expert(x) for place, expert in enumerate(self.experts)), torch.zeros_like(x)
        )


add_all(
    partial(classify, data=texts),
    {
        "BERT": lambda: embedded(seq(repeated(4, lambda: block(post=True))), pool=first),
        "BERT, 12 blocks": lambda: embedded(seq(repeated(12, lambda: block(post=True))), pool=first),
        "ALBERT": lambda: embedded(Fixed(block(post=True), 4), pool=first),
        "Universal transformer": lambda: embedded(Fixed(block(), 6)),
        "FNet": lambda: embedded(
            seq(
                repeated(
                    4,
                    lambda: seq(
                        Skip(seq(lambda x: torch.fft.fft2(x).real), last=nn.LayerNorm(D)),
                        Skip(feed(D), last=nn.LayerNorm(D)),
                    ),
                )
            )
        ),
        "Performer": lambda: embedded(seq(repeated(4, lambda: block(linear=True)))),
        "Switch transformer": lambda: embedded(
            seq(
                repeated(
                    3, lambda: seq(Skip(seq(nn.LayerNorm(D), Attention(D))), Skip(seq(nn.LayerNorm(D), Experts())))
                )
            )
        ),
        "torch's transformer encoder": lambda: embedded(
            nn.TransformerEncoder(
                nn.TransformerEncoderLayer(D, 4, 64, batch_first=True), 4, enable_nested_tensor=False
            ),
            std=None,
        ),
        "torch's transformer encoder, pre-norm": lambda: embedded(
            nn.TransformerEncoder(
                nn.TransformerEncoderLayer(D, 4, 64, batch_first=True, norm_first=True), 6, enable_nested_tensor=False
            ),
            std=None,
        ),
        "LoRA": lambda: lora(embedded(seq(repeated(3, block)))),
        "Adapters": lambda: adapters(embedded(seq(repeated(3, block)))),
        "Frozen backbone": lambda: frozen(embedded(seq(repeated(3, block)))),
        "FastText": lambda: embedded(nn.Identity(), position=False, std=None),
        "Deep averaging network": lambda: embedded(nn.Identity(), mlp(D, D, D, CLASSES), position=False, std=None),
        "TextCNN": lambda: embedded(
            seq(
                lambda x: x.transpose(1, 2),
                Net(
                    lambda m, x: torch.cat([F.relu(c(x)).amax(-1) for c in (m.a, m.b)], 1),
                    a=nn.Conv1d(D, W, 3),
                    b=nn.Conv1d(D, W, 5),
                ),
            ),
            pool=lambda x: x,
            position=False,
            std=None,
        ),
        "Sentiment LSTM": lambda: recurrent(nn.LSTM),
        "Sentiment GRU, both directions": lambda: recurrent(nn.GRU, bidirectional=True),
        "Stacked LSTM": lambda: recurrent(nn.LSTM, num_layers=3),
        "Attention over an LSTM": lambda: embedded(
            seq(
                nn.LSTM(D, D, batch_first=True),
                lambda x: x[0],
                Net(lambda m, x: (m.a(x).softmax(1) * x).sum(1), a=nn.Linear(D, 1)),
            ),
            pool=lambda x: x,
            position=False,
            std=None,
        ),
        "QRNN-like gates": lambda: embedded(
            Net(
                lambda m, x: gated_sum(m.z(x.transpose(1, 2)).tanh(), m.f(x.transpose(1, 2)).sigmoid()),
                z=nn.Conv1d(D, D, 3, 1, 1),
                f=nn.Conv1d(D, D, 3, 1, 1),
            ),
            pool=lambda x: x,
            position=False,
            std=None,
        ),
    },
)


def recurrent(kind: Any, **options: Any) -> nn.Module:
    width = D * (2 if options.get("bidirectional") else 1)
    return embedded(
        seq(kind(D, D, batch_first=True, **options), lambda x: x[0]),
        nn.Linear(width, CLASSES),
        lambda x: x[:, -1],
        False,
        None,
    )


def gated_sum(z: Tensor, f: Tensor) -> Tensor:
    h = torch.zeros_like(z[..., 0])
    for step in range(z.shape[-1]):
        h = f[..., step] * h + (1 - f[..., step]) * z[..., step]
    return h


class Low(nn.Module):
    """LoRA (Hu 2021): a frozen matrix and a learned one of rank 4 that begins at zero."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer, self.a, self.b = (
            layer,
            nn.Parameter(torch.randn(4, layer.in_features) / 4),
            nn.Parameter(torch.zeros(layer.out_features, 4)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + x @ self.a.T @ self.b.T


def lora(model: Any) -> nn.Module:
    model.requires_grad_(False)
    attention: list[Any] = [module for module in model.modules() if isinstance(module, Attention)]
    for module in attention:
        module.q, module.v = Low(module.q), Low(module.v)
    model.o.requires_grad_(True)
    return model


def adapters(model: Any) -> nn.Module:
    model.requires_grad_(False)
    for skip in [module for module in model.modules() if isinstance(module, Skip)]:
        inner = mlp(D, 8, D)
        nn.init.normal_(inner[2].weight, std=1e-3)
        skip.last = Skip(inner)
    model.o.requires_grad_(True)
    return model


def frozen(model: Any) -> nn.Module:
    model.requires_grad_(False)
    model.o.requires_grad_(True)
    return model


def next_word(
    body: nn.Module, norm: Any = nn.LayerNorm, tied: bool = False, std: float | None = 0.1, position: bool = True
) -> nn.Module:
    net: Any = Net(
        lambda m, x: m.o(m.n(m.f(m.e(x) + m.p if position else m.e(x)))),
        e=nn.Embedding(VOCABULARY, D),
        p=nn.Parameter(0.02 * torch.randn(LENGTH, D)),
        f=body,
        n=norm(D),
        o=nn.Linear(D, VOCABULARY, bias=False),
    )
    if tied:
        net.o.weight = net.e.weight
    return small(net, std) if std else net


class TimeMix(nn.Module):
    """RWKV's mixing through time, with a decay for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.k, self.v, self.r, self.o = (nn.Linear(D, D, bias=False) for _ in range(4))
        self.decay = nn.Parameter(torch.linspace(-3, 1, D))

    def forward(self, x: Tensor) -> Tensor:
        k, v, r = self.k(x).clamp(max=10).exp(), self.v(x), self.r(x).sigmoid()
        above = below = torch.zeros_like(x[:, 0])
        out = []
        for step in range(x.shape[1]):
            keep = torch.exp(-torch.exp(self.decay))
            above, below = keep * above + k[:, step] * v[:, step], keep * below + k[:, step]
            out.append(above / (below + 1e-6))
        return self.o(r * torch.stack(out, 1))


class StateSpace(nn.Module):
    """A diagonal state space run as a recurrence (S4D, Mamba without its selection)."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Parameter(torch.log(torch.linspace(0.5, 4, D))), nn.Linear(D, D), nn.Linear(D, D)
        self.gate = nn.Linear(D, D)

    def forward(self, x: Tensor) -> Tensor:
        keep, u = torch.exp(-torch.exp(self.a)), self.b(x)
        state, out = torch.zeros_like(u[:, 0]), []
        for step in range(u.shape[1]):
            state = keep * state + (1 - keep) * u[:, step]
            out.append(state)
        return self.c(torch.stack(out, 1) * F.silu(self.gate(x)))


def tied_small() -> nn.Module:
    net: Any = next_word(
        seq(
            nn.LayerNorm(D),
            repeated(3, lambda: seq(Skip(seq(nn.LayerNorm(D), TimeMix())), Skip(seq(nn.LayerNorm(D), feed(D))))),
        ),
        std=None,
        position=False,
    )
    nn.init.uniform_(net.e.weight, -1e-4, 1e-4)
    return net


add_all(
    language,
    {
        "GPT-2": lambda: next_word(seq(repeated(4, lambda: block(causal=True))), tied=True),
        "GPT-2, 12 blocks": lambda: next_word(seq(repeated(12, lambda: block(causal=True))), tied=True),
        "GPT, PyTorch's own init": lambda: next_word(seq(repeated(4, lambda: block(causal=True))), std=None),
        "LLaMA": lambda: next_word(
            seq(repeated(4, lambda: block(norm=RMSNorm, gated=True, causal=True, rotary=True))), RMSNorm, position=False
        ),
        "GPT-J, parallel": lambda: next_word(
            seq(
                repeated(
                    4,
                    lambda: Net(
                        lambda m, x: x + m.a(h := m.n(x)) + m.f(h),
                        n=nn.LayerNorm(D),
                        a=Attention(D, causal=True, rotary=True),
                        f=feed(D),
                    ),
                )
            ),
            position=False,
        ),
        "RWKV, embedding of 1e-4": tied_small,
        "State space (S4D)": lambda: next_word(
            seq(repeated(4, lambda: Skip(seq(nn.LayerNorm(D), StateSpace())))), std=None, position=False
        ),
        "LSTM language model": lambda: next_word(
            seq(nn.LSTM(D, D, batch_first=True), lambda x: x[0]), no_norm, std=None, position=False
        ),
        "LSTM language model, tied": lambda: next_word(
            seq(nn.LSTM(D, D, 2, batch_first=True), lambda x: x[0]), no_norm, True, None, False
        ),
        "GRU language model": lambda: next_word(
            seq(nn.GRU(D, D, batch_first=True), lambda x: x[0]), no_norm, std=None, position=False
        ),
        "Temporal convolutions": lambda: next_word(
            seq(
                lambda x: x.transpose(1, 2),
                *(
                    Skip(
                        seq(
                            lambda x, p=2**i: F.pad(x, (2 * p, 0)),
                            nn.Conv1d(D, D, 3, dilation=2**i),
                            nn.ReLU(),
                            nn.Dropout(0.1),
                        )
                    )
                    for i in range(3)
                ),
                lambda x: x.transpose(1, 2),
            ),
            no_norm,
            std=None,
            position=False,
        ),
        "WaveNet": lambda: next_word(
            seq(
                lambda x: x.transpose(1, 2),
                *(
                    Skip(
                        Net(
                            lambda m, x, p=2**i: m.o(m.a(h := F.pad(x, (p, 0))).tanh() * m.b(h).sigmoid()),
                            a=nn.Conv1d(D, D, 2, dilation=2**i),
                            b=nn.Conv1d(D, D, 2, dilation=2**i),
                            o=nn.Conv1d(D, D, 1),
                        )
                    )
                    for i in range(4)
                ),
                lambda x: x.transpose(1, 2),
            ),
            no_norm,
            std=None,
            position=False,
        ),
        "Feed-forward language model": lambda: Net(
            lambda m, x: m.o(torch.tanh(m.h(torch.cat([m.e(x), m.e(x.roll(1, 1))], -1)))),
            e=nn.Embedding(VOCABULARY, D),
            h=nn.Linear(2 * D, D),
            o=nn.Linear(D, VOCABULARY),
        ),
    },
)


def no_norm(_: int) -> nn.Module:
    return nn.Identity()


class Translator(nn.Module):
    """Encoder and decoder over tokens: by attention (T5) or by two LSTMs with attention (Bahdanau)."""

    def __init__(self, recurrent: bool) -> None:
        super().__init__()
        self.e, self.o, self.recurrent = nn.Embedding(VOCABULARY, D), nn.Linear(D, VOCABULARY), recurrent
        self.encoder = nn.LSTM(D, D, batch_first=True) if recurrent else seq(block(norm=RMSNorm), block(norm=RMSNorm))
        self.decoder = nn.LSTM(D, D, batch_first=True) if recurrent else seq(block(norm=RMSNorm, causal=True))
        self.cross, self.norm = Attention(D), nn.LayerNorm(D)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if self.recurrent:
            memory, state = self.encoder(self.e(x))
            h, _ = self.decoder(self.e(y), state)
        else:
            memory, h = self.encoder(self.e(x)), self.decoder(self.e(y))
        return self.o(self.norm(h + self.cross(h, memory)))


for name, kind in (("T5, encoder and decoder", False), ("Seq2seq with attention", True)):

    def make_translation(kind: bool = kind) -> Any:
        x = tokens()
        return Translator(kind), lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten()), (x, x.roll(1, 1)), x

    add(name, make_translation)

add_all(
    partial(classify, data=series),
    {
        "Elman network": lambda: seq(nn.RNN(8, D, batch_first=True), lambda x: x[0][:, -1], nn.Linear(D, CLASSES)),
        "LSTM": lambda: seq(nn.LSTM(8, D, batch_first=True), lambda x: x[0][:, -1], nn.Linear(D, CLASSES)),
        "GRU cell in a loop": lambda: Net(
            lambda m, x: m.o(looped(m.c, x)), c=nn.GRUCell(8, D), o=nn.Linear(D, CLASSES)
        ),
        "LSTM by hand": lambda: Net(
            lambda m, x: m.o(lstm_by_hand(m, x)),
            wx=nn.Linear(8, 4 * D),
            wh=nn.Linear(D, 4 * D),
            n=nn.LayerNorm(4 * D),
            o=nn.Linear(D, CLASSES),
        ),
        "IRNN": lambda: seq(irnn(), lambda x: x[0][:, -1], nn.Linear(D, CLASSES)),
        "Unitary-like RNN": lambda: seq(orthogonal_rnn(), lambda x: x[0][:, -1], nn.Linear(D, CLASSES)),
        "InceptionTime-like": lambda: seq(
            lambda x: x.transpose(1, 2),
            nn.Conv1d(8, D, 5, padding=2),
            nn.BatchNorm1d(D),
            nn.ReLU(),
            nn.Conv1d(D, D, 3, padding=1),
            nn.BatchNorm1d(D),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Linear(D, CLASSES),
        ),
        "DeepSets": lambda: seq(mlp(8, D, D), mean, mlp(D, D, CLASSES)),
        "PointNet": lambda: seq(mlp(8, D, D, activation=nn.ReLU), lambda x: x.amax(1), mlp(D, D, CLASSES)),
        "Set transformer": lambda: seq(
            nn.Linear(8, D), block(post=True), block(post=True), mean, nn.Linear(D, CLASSES)
        ),
    },
)


def looped(cell: nn.Module, x: Tensor) -> Tensor:
    state = None
    for step in range(x.shape[1]):
        state = cell(x[:, step], state)
    assert state is not None
    return state


def lstm_by_hand(m: Any, x: Tensor) -> Tensor:
    h = c = torch.zeros(len(x), D)
    for step in range(x.shape[1]):
        i, f, g, o = m.n(m.wx(x[:, step]) + m.wh(h)).chunk(4, -1)
        c = (f + 1).sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    return h


def irnn() -> nn.Module:
    cell = nn.RNN(8, D, batch_first=True, nonlinearity="relu")
    nn.init.eye_(cell.weight_hh_l0)
    return cell


def orthogonal_rnn() -> nn.Module:
    cell = nn.RNN(8, D, batch_first=True)
    nn.init.orthogonal_(cell.weight_hh_l0)
    return cell


# Tables --------------------------------------------------------------------------------------------------------------


def highway(depth: int = 10) -> nn.Module:
    def layer() -> nn.Module:
        gate = nn.Linear(D, D)
        nn.init.constant_(gate.bias, -2.0)
        return Net(lambda m, x: (t := m.t(x).sigmoid()) * F.relu(m.h(x)) + (1 - t) * x, h=nn.Linear(D, D), t=gate)

    return seq(nn.Linear(FEATURES, D), repeated(depth, layer), nn.Linear(D, CLASSES))


def lecun(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)
            nn.init.zeros_(module.bias)
    return model


def he_linear(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return model


def orthogonal(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.orthogonal_(module.weight)
    return model


add_all(
    partial(classify, data=rows),
    {
        "Logistic regression": lambda: nn.Linear(FEATURES, CLASSES),
        "MLP, ReLU": lambda: mlp(FEATURES, 64, 64, CLASSES),
        "MLP, GELU, layer norm": lambda: mlp(FEATURES, 64, 64, 64, CLASSES, activation=nn.GELU, norm=nn.LayerNorm),
        "MLP, tanh": lambda: mlp(FEATURES, 64, 64, CLASSES, activation=nn.Tanh),
        "MLP, sigmoid, one layer": lambda: mlp(FEATURES, 64, CLASSES, activation=nn.Sigmoid),
        "MLP, sigmoid, two layers": lambda: mlp(FEATURES, 64, 64, CLASSES, activation=nn.Sigmoid),
        "MLP, batch norm, 8 layers": lambda: he_linear(mlp(FEATURES, *[64] * 8, CLASSES, norm=nn.BatchNorm1d)),
        "MLP, He, 20 layers": lambda: he_linear(mlp(FEATURES, *[64] * 20, CLASSES)),
        "MLP, leaky ReLU, He, 20 layers": lambda: he_linear(
            mlp(FEATURES, *[64] * 20, CLASSES, activation=nn.LeakyReLU)
        ),
        "MLP, layer norm, 15 layers": lambda: he_linear(mlp(FEATURES, *[64] * 15, CLASSES, norm=nn.LayerNorm)),
        "Self-normalising network": lambda: lecun(mlp(FEATURES, *[64] * 12, CLASSES, activation=nn.SELU)),
        "MLP, orthogonal tanh, 30 layers": lambda: orthogonal(mlp(FEATURES, *[64] * 30, CLASSES, activation=nn.Tanh)),
        "MLP, ELU": lambda: mlp(FEATURES, 64, 64, 64, CLASSES, activation=nn.ELU),
        "MLP, Mish": lambda: mlp(FEATURES, 64, 64, 64, CLASSES, activation=nn.Mish),
        "MLP, PReLU": lambda: mlp(FEATURES, 64, 64, CLASSES, activation=nn.PReLU),
        "MLP, dropout": lambda: seq(
            nn.Linear(FEATURES, 64),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(64, CLASSES),
        ),
        "Highway network": highway,
        "Residual MLP": lambda: seq(
            nn.Linear(FEATURES, D),
            repeated(8, lambda: Skip(seq(nn.BatchNorm1d(D), nn.Linear(D, D), nn.ReLU(), nn.Linear(D, D)))),
            nn.Linear(D, CLASSES),
        ),
        "ReZero": lambda: seq(
            nn.Linear(FEATURES, D),
            repeated(8, lambda: Skip(seq(nn.Linear(D, D), nn.ReLU(), Scale(1, 0.0)))),
            nn.Linear(D, CLASSES),
        ),
        "Fixup": lambda: fixup(),
        "Maxout": lambda: seq(
            *(seq(nn.Linear(a, 128), lambda x: x.unflatten(-1, (64, 2)).amax(-1)) for a in (FEATURES, 64)),
            nn.Linear(64, CLASSES),
        ),
        "Deep & cross": lambda: cross(),
        "FT-transformer": lambda: Net(
            lambda m, x: m.o(mean(m.f(x[..., None] * m.w + m.b))),
            w=nn.Parameter(torch.randn(FEATURES, D) / 5),
            b=nn.Parameter(torch.randn(FEATURES, D) / 5),
            f=seq(block(), block()),
            o=nn.Linear(D, CLASSES),
        ),
        "Neural ODE": lambda: Net(
            lambda m, x: m.o(euler(m.f, m.i(x))),
            i=nn.Linear(FEATURES, D),
            f=mlp(D, D, D, activation=nn.Tanh),
            o=nn.Linear(D, CLASSES),
        ),
        "Deep equilibrium": lambda: Net(
            lambda m, x: m.o(fixed_point(m.f, m.i(x))),
            i=nn.Linear(FEATURES, D),
            f=nn.Linear(D, D),
            o=nn.Linear(D, CLASSES),
        ),
        "Hypernetwork": lambda: Net(
            lambda m, x: F.linear(F.relu(F.linear(x, m.h(m.z).view(D, FEATURES) * 0.3)), m.o.weight, m.o.bias),
            z=nn.Parameter(torch.randn(8)),
            h=nn.Linear(8, D * FEATURES),
            o=nn.Linear(D, CLASSES),
        ),
        "Weight norm": lambda: seq(
            nn.utils.parametrizations.weight_norm(nn.Linear(FEATURES, 64)),
            nn.ReLU(),
            nn.utils.parametrizations.weight_norm(nn.Linear(64, CLASSES)),
        ),
        "Spectral norm": lambda: seq(
            nn.utils.parametrizations.spectral_norm(nn.Linear(FEATURES, 64)), nn.ReLU(), nn.Linear(64, CLASSES)
        ),
        "Ensemble": lambda: Net(
            lambda m, x: (m.a(x) + m.b(x) + m.c(x)) / 3,
            a=mlp(FEATURES, 32, CLASSES),
            b=mlp(FEATURES, 32, CLASSES),
            c=mlp(FEATURES, 32, CLASSES),
        ),
        "Batch norm at the input": lambda: seq(
            Fn(lambda x: 1e5 * x), nn.BatchNorm1d(FEATURES), mlp(FEATURES, 64, 64, CLASSES)
        ),
        "Functional weights": lambda: Net(
            lambda m, x: F.linear(torch.relu(F.linear(x, m.w[0])), m.w[1]),
            w=nn.ParameterList([torch.randn(64, FEATURES) / 4, torch.randn(CLASSES, 64) / 8]),
        ),
    },
)


def fixup() -> nn.Module:
    def branch() -> nn.Module:
        inner = seq(nn.Linear(D, D), nn.ReLU(), nn.Linear(D, D))
        nn.init.kaiming_normal_(inner[0].weight)
        nn.init.zeros_(inner[2].weight)
        return Skip(inner)

    net: Any = seq(nn.Linear(FEATURES, D), repeated(8, branch), nn.Linear(D, CLASSES))
    nn.init.zeros_(net[-1].weight)
    return net


def cross() -> nn.Module:
    return Net(
        lambda m, x: m.o(torch.cat([x + x * m.c(x), m.d(x)], -1)),
        c=nn.Linear(FEATURES, FEATURES),
        d=mlp(FEATURES, 32, 32),
        o=nn.Linear(FEATURES + 32, CLASSES),
    )


def euler(field: nn.Module, h: Tensor, steps: int = 20) -> Tensor:
    for _ in range(steps):
        h = h + field(h) / steps
    return h


def fixed_point(field: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        z = torch.zeros_like(x)
        for _ in range(10):
            z = torch.tanh(field(z) + x)
    return torch.tanh(field(z) + x)


def regression(model: nn.Module, width: int = 2, scale: float = 1.0) -> Any:
    x = 2 * torch.rand(64, width) - 1
    return model, F.mse_loss, scale * x, torch.sin(3 * x).sum(-1, keepdim=True)


class Sine(nn.Module):
    """SIREN (Sitzmann 2020)."""

    def __init__(self, a: int, b: int, begins: bool = False) -> None:
        super().__init__()
        self.layer, self.omega = nn.Linear(a, b), 30.0
        nn.init.uniform_(
            self.layer.weight, *((-1 / a, 1 / a) if begins else (-math.sqrt(6 / a) / 30, math.sqrt(6 / a) / 30))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(self.omega * self.layer(x))


def waves(x: Tensor) -> Tensor:
    return torch.cat([f(2.0**k * x) for k in range(4) for f in (torch.sin, torch.cos)], -1)


add_all(
    regression,
    {
        "Regression MLP": lambda: mlp(2, 64, 64, 1),
        "SIREN": lambda: seq(Sine(2, 64, True), Sine(64, 64), Sine(64, 64), nn.Linear(64, 1)),
        "NeRF": lambda: Net(
            lambda m, x: m.b(torch.cat([m.a(w := waves(x)), w], -1)), a=mlp(16, 64, 64, 64), b=mlp(80, 64, 64, 1)
        ),
        "Fourier features": lambda: seq(lambda x: waves(x), mlp(16, 64, 64, 1)),
        "PINN's tanh MLP": lambda: xavier(mlp(2, 32, 32, 32, 32, 1, activation=nn.Tanh)),
        "Radial basis": lambda: Net(
            lambda m, x: m.o(torch.exp(-4 * torch.cdist(x, m.c).square())),
            c=nn.Parameter(2 * torch.rand(32, 2) - 1),
            o=nn.Linear(32, 1),
        ),
        "DeepONet": lambda: Net(
            lambda m, x: (m.a(x) * m.b(x)).sum(-1, keepdim=True),
            a=mlp(2, 32, 16, activation=nn.Tanh),
            b=mlp(2, 32, 16, activation=nn.Tanh),
        ),
        "Matrix factorisation": lambda: Net(
            lambda m, x: (
                (m.u(u := (x[:, 0] * 9 + 10).long()) * m.v((x[:, 1] * 9 + 10).long())).sum(-1, keepdim=True) + m.c(u)
            ),
            u=nn.Embedding(20, 8),
            v=nn.Embedding(20, 8),
            c=nn.Embedding(20, 1),
        ),
        "Wide and deep": lambda: Net(lambda m, x: m.w(x) + m.d(x), w=nn.Linear(2, 1), d=mlp(2, 64, 64, 1)),
        "Gaussian process features": lambda: Net(
            lambda m, x: m.o(torch.cos(m.r(x))), r=nn.Linear(2, 128).requires_grad_(False), o=nn.Linear(128, 1)
        ),
    },
)


def xavier(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_normal_(module.weight)
            nn.init.zeros_(module.bias)
    return model


# Generative, metric, reinforcement, graphs ---------------------------------------------------------------------------


def vae(out: Any, data: Tensor) -> Tensor:
    x, mu, logvar = out
    return (
        F.mse_loss(x, data, reduction="sum") / len(data) - 0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1).mean()
    )


def vq(m: Any, x: Tensor) -> Any:
    z = m.e(x)
    q = m.book[torch.cdist(z, m.book).argmin(1)]
    return m.d(z + (q - z).detach()), z, q


def flow(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    total = torch.zeros(len(x))
    for part in m.parts:
        a, b = x.chunk(2, -1)
        shift, scale = part(a).chunk(2, -1)
        scale = scale.tanh()
        x, total = torch.cat([b * scale.exp() + shift, a], -1), total + scale.sum(-1)
    return x, total


def likelihood(out: tuple[Tensor, Tensor], _: Any) -> Tensor:
    return (0.5 * out[0].square().sum(-1) - out[1]).mean()


def pixels() -> Tensor:
    return rows(64)[0]


def noisy_denoiser(m: Any, x: Tensor) -> Any:
    t = torch.rand(len(x), 1)
    noise = torch.randn_like(x)
    return m.f(torch.cat([(1 - t).sqrt() * x + t.sqrt() * noise, t], -1)), noise


def gcn(kind: str) -> nn.Module:
    layer = {
        "gcn": lambda a, b: nn.Linear(a, b),
        "sage": lambda a, b: nn.Linear(2 * a, b),
        "gin": lambda a, b: mlp(a, b, b),
        "gat": lambda a, b: nn.Linear(a, b),
    }[kind]

    def step(layer: nn.Module, h: Tensor, adjacency: Tensor, score: nn.Module) -> Tensor:
        if kind == "sage":
            return layer(torch.cat([h, adjacency @ h], -1))
        if kind == "gat":
            z = layer(h)
            return (score(z) + score(z).T).masked_fill(adjacency == 0, -math.inf).softmax(-1) @ z
        return layer(h + adjacency @ h) if kind == "gin" else adjacency @ layer(h)

    return Net(
        lambda m, h, a: m.o(F.relu(step(m.q, F.relu(step(m.p, h, a, m.s)), a, m.s))),
        p=layer(FEATURES, D),
        q=layer(D, D),
        o=nn.Linear(D, CLASSES),
        s=nn.Linear(D, 1, bias=False),
    )


def graph_of(kind: str) -> Any:
    x, y = rows(40)
    links = ((y[:, None] == y[None]) & (torch.rand(40, 40) < 0.4)).float()
    links = ((links + links.T + torch.eye(40)) > 0).float()
    return gcn(kind), F.cross_entropy, (x, links / links.sum(1, keepdim=True)), y


def contrast(out: Tensor, _: Any) -> Tensor:
    z = F.normalize(out, dim=-1)
    scores = z @ z.T / 0.5 - 1e9 * torch.eye(len(z))
    return F.cross_entropy(scores, (torch.arange(len(z)) + len(z) // 2) % len(z))


def pairs() -> Tensor:
    x = torch.randn(24, FEATURES)
    return torch.cat([x, x + 0.1 * torch.randn_like(x)])


def simsiam(m: Any, x: Tensor) -> Tensor:
    z = m.f(x)
    p = m.h(z)
    return -F.cosine_similarity(p, z.roll(len(z) // 2, 0).detach(), dim=-1).mean()


def byol(m: Any, x: Tensor) -> Tensor:
    with torch.no_grad():
        target = m.target(x)
    return 2 - 2 * F.cosine_similarity(m.h(m.f(x)), target.roll(len(x) // 2, 0), dim=-1).mean()


def itself(out: Tensor, _: Any) -> Tensor:
    return out


def with_copy(net: Any) -> nn.Module:
    net.target = copy.deepcopy(net.f)
    return net


def q_learning(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        target = m.target(x.roll(1, 0)).amax(1)
    return m.f(x), target


def critic_of_a_gan() -> Any:
    critic = mlp(FEATURES, 64, 64, 1, activation=partial(nn.LeakyReLU, 0.2))
    real, fake = rows(32)[0], torch.randn(32, FEATURES)
    return (
        critic,
        lambda out, _: F.softplus(-out[:32]).mean() + F.softplus(out[32:]).mean(),
        torch.cat([real, fake]),
        None,
    )


def generator_of_a_gan() -> Any:
    critic = mlp(FEATURES, 64, 1, activation=partial(nn.LeakyReLU, 0.2))
    return mlp(8, 64, 64, FEATURES), lambda out, _: F.softplus(-critic(out)).mean(), torch.randn(32, 8), None


def dcgan() -> Any:
    critic = seq(
        nn.Conv2d(3, W, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(W, 2 * W, 4, 2, 1),
        nn.BatchNorm2d(2 * W),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(2 * W * 16, 1),
    )
    net: Any = seq(
        nn.ConvTranspose2d(16, 2 * W, 4),
        nn.BatchNorm2d(2 * W),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * W, W, 4, 2, 1),
        nn.BatchNorm2d(W),
        nn.ReLU(),
        nn.ConvTranspose2d(W, 3, 4, 2, 1),
        nn.Tanh(),
    )
    for module in net.modules():
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
    return net, lambda out, _: F.softplus(-critic(out)).mean(), torch.randn(16, 16, 1, 1), None


def dcgan_critic() -> Any:
    net: Any = seq(
        nn.Conv2d(3, W, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(W, 2 * W, 4, 2, 1),
        nn.BatchNorm2d(2 * W),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(2 * W * 16, 1),
    )
    return (
        net,
        lambda out, y: F.binary_cross_entropy_with_logits(out[:, 0], y),
        torch.cat([images()[0], torch.rand(16, 3, 16, 16) * 2 - 1]),
        torch.cat([torch.ones(16), torch.zeros(16)]),
    )


def several(weight: float) -> Any:
    x, y = rows()
    net: Any = Net(
        lambda m, x: (m.a(h := m.t(x)), m.b(h)),
        t=seq(mlp(FEATURES, 64, 64), nn.ReLU()),
        a=mlp(64, 32, CLASSES),
        b=mlp(64, 32, 1),
    )
    return net, lambda out, t: F.cross_entropy(out[0], t) + weight * F.mse_loss(out[1], x[:, :1]), x, y


def exits() -> Any:
    net: Any = Net(
        lambda m, x: (m.p(a := m.a(x)), m.q(m.b(a))),
        a=seq(nn.Linear(FEATURES, D), nn.ReLU()),
        b=seq(nn.Linear(D, D), nn.ReLU()),
        p=nn.Linear(D, CLASSES),
        q=nn.Linear(D, CLASSES),
    )
    return net, lambda out, t: F.cross_entropy(out[1], t) + 0.3 * F.cross_entropy(out[0], t), *rows()


def actor_critic() -> Any:
    x, y = rows()
    net: Any = Net(
        lambda m, x: (m.p(h := m.t(x)), m.v(h)),
        t=seq(mlp(FEATURES, 64, 64, activation=nn.Tanh), nn.Tanh()),
        p=nn.Linear(64, CLASSES),
        v=nn.Linear(64, 1),
    )
    orthogonal(net)
    with torch.no_grad():
        net.p.weight *= 0.01
    gain = torch.randn(len(x))
    return (
        net,
        lambda out, a: (
            -(out[0].log_softmax(-1).gather(1, a[:, None])[:, 0] * gain).mean() + 0.5 * F.mse_loss(out[1][:, 0], gain)
        ),
        x,
        y,
    )


def ctc() -> Any:
    net: Any = seq(
        nn.LSTM(8, D, batch_first=True),
        lambda x: x[0],
        nn.Linear(D, CLASSES + 1),
        lambda x: x.log_softmax(-1).transpose(0, 1),
    )
    x, _ = series()
    return (
        net,
        lambda out, t: F.ctc_loss(out, t, torch.full((len(x),), LENGTH), torch.full((len(x),), 4)),
        x,
        torch.randint(1, CLASSES + 1, (len(x), 4)),
    )


def mixture() -> Any:
    x = 2 * torch.rand(64, 1) - 1

    def loss(out: Tensor, t: Tensor) -> Tensor:
        weight, mu, sigma = out.chunk(3, -1)
        parts = weight.log_softmax(-1) - 0.5 * ((t - mu) / sigma.exp()).square() - sigma
        return -parts.logsumexp(-1).mean()

    return mlp(1, 32, 15, activation=nn.Tanh), loss, x, torch.sin(3 * x)


class Bayesian(nn.Module):
    """Weights drawn anew in every pass (Blundell 2015)."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.mu, self.rho = nn.Parameter(torch.randn(b, a) / math.sqrt(a)), nn.Parameter(torch.full((b, a), -4.0))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.mu + F.softplus(self.rho) * torch.randn_like(self.mu))


for name, make in {
    "Autoencoder": lambda: rebuild(mlp(FEATURES, 16, 4, 16, FEATURES), pixels()),
    "Denoising autoencoder": lambda: (
        mlp(FEATURES, 32, 8, 32, FEATURES),
        F.mse_loss,
        (x := pixels()) + 0.1 * torch.randn_like(x),
        x,
    ),
    "Autoencoder, sigmoid and BCE": lambda: rebuild(
        seq(mlp(FEATURES, 16, 4, 16, FEATURES), nn.Sigmoid()), torch.rand(64, FEATURES).round(), F.binary_cross_entropy
    ),
    "VAE": lambda: (
        Net(
            lambda m, x: (m.d((mu := m.a(h := m.e(x))) + (0.5 * (s := m.b(h))).exp() * torch.randn_like(mu)), mu, s),
            e=seq(nn.Linear(FEATURES, 32), nn.ReLU()),
            a=nn.Linear(32, 4),
            b=nn.Linear(32, 4),
            d=mlp(4, 32, FEATURES),
        ),
        vae,
        x := pixels(),
        x,
    ),
    "VQ-VAE": lambda: (
        Net(vq, e=mlp(FEATURES, 32, 8), d=mlp(8, 32, FEATURES), book=nn.Parameter(torch.randn(16, 8) / 4)),
        lambda out, x: (
            F.mse_loss(out[0], x) + F.mse_loss(out[2], out[1].detach()) + 0.25 * F.mse_loss(out[1], out[2].detach())
        ),
        x := pixels(),
        x,
    ),
    "RealNVP": lambda: (
        Net(flow, parts=nn.ModuleList(mlp(FEATURES // 2, 32, FEATURES) for _ in range(4))),
        likelihood,
        pixels(),
        None,
    ),
    "Diffusion, noise prediction": lambda: (
        Net(noisy_denoiser, f=mlp(FEATURES + 1, 64, 64, FEATURES, activation=nn.SiLU)),
        lambda out, _: F.mse_loss(*out),
        pixels(),
        None,
    ),
    "GAN, critic": critic_of_a_gan,
    "GAN, generator": generator_of_a_gan,
    "DCGAN, generator": dcgan,
    "DCGAN, critic": dcgan_critic,
    "WGAN, critic": lambda: (
        mlp(FEATURES, 64, 64, 1),
        lambda out, _: out[32:].mean() - out[:32].mean(),
        torch.cat([rows()[0], torch.randn(32, FEATURES)]),
        None,
    ),
    "Siamese network": lambda: (
        mlp(FEATURES, 64, 16),
        lambda z, y: (
            (d := (z[:24] - z[24:]).square().sum(1)).mul(y).mean()
            + (F.relu(1 - (d + 1e-8).sqrt()).square() * (1 - y)).mean()
        ),
        torch.randn(48, FEATURES),
        (torch.arange(24) % 2).float(),
    ),
    "Triplet network": lambda: (
        mlp(FEATURES, 64, 16),
        lambda z, _: F.triplet_margin_loss(z[:16], z[16:32], z[32:]),
        torch.randn(48, FEATURES),
        None,
    ),
    "SimCLR": lambda: (seq(mlp(FEATURES, 64, 64), nn.ReLU(), nn.Linear(64, 16)), contrast, pairs(), None),
    "SimSiam": lambda: (
        Net(simsiam, f=mlp(FEATURES, 64, 32, norm=nn.BatchNorm1d), h=mlp(32, 16, 32, norm=nn.BatchNorm1d)),
        itself,
        pairs(),
        None,
    ),
    "BYOL": lambda: (
        with_copy(Net(byol, f=mlp(FEATURES, 64, 32, norm=nn.BatchNorm1d), h=mlp(32, 16, 32))),
        itself,
        pairs(),
        None,
    ),
    "CLIP": lambda: (
        Net(
            lambda m, a, b: F.normalize(m.a(a), dim=-1) @ F.normalize(m.b(b), dim=-1).T * m.t.exp(),
            a=mlp(FEATURES, 64, 16),
            b=mlp(FEATURES, 64, 16),
            t=nn.Parameter(torch.tensor(2.659)),
        ),
        F.cross_entropy,
        (x := torch.randn(24, FEATURES), x.flip(1)),
        torch.arange(24),
    ),
    "Prototypical network": lambda: (
        mlp(FEATURES, 64, 16),
        lambda z, y: F.cross_entropy(
            -torch.cdist(
                z, torch.stack([z[y == c].mean(0) if (y == c).any() else z.mean(0) for c in range(CLASSES)])
            ).square(),
            y,
        ),
        *rows(),
    ),
    "ArcFace": lambda: (
        Net(
            lambda m, x: 16 * F.linear(F.normalize(m.f(x)), F.normalize(m.w)),
            f=mlp(FEATURES, 64, 16),
            w=nn.Parameter(torch.randn(CLASSES, 16)),
        ),
        F.cross_entropy,
        *rows(),
    ),
    "GCN": lambda: graph_of("gcn"),
    "GraphSAGE": lambda: graph_of("sage"),
    "GIN": lambda: graph_of("gin"),
    "GAT": lambda: graph_of("gat"),
    "DQN": lambda: (
        with_copy(Net(q_learning, f=mlp(FEATURES, 64, 64, 4))),
        lambda out, a: F.smooth_l1_loss(out[0].gather(1, a[:, None] % 4)[:, 0], 1 + 0.99 * out[1]),
        *rows(),
    ),
    "Dueling DQN": lambda: (
        Net(
            lambda m, x: m.v(h := m.t(x)) + (a := m.a(h)) - a.mean(1, keepdim=True),
            t=seq(mlp(FEATURES, 64, 64), nn.ReLU()),
            v=nn.Linear(64, 1),
            a=nn.Linear(64, 4),
        ),
        lambda out, a: F.smooth_l1_loss(out.gather(1, a[:, None] % 4)[:, 0], a.float()),
        *rows(),
    ),
    "Actor and critic": actor_critic,
    "Multi-task": lambda: several(1.0),
    "Multi-task, a share of 1e-4": lambda: several(1e-4),
    "Early exits": exits,
    "CTC": ctc,
    "Mixture density": mixture,
    "Bayes by backprop": lambda: classify(seq(Bayesian(FEATURES, 64), nn.ReLU(), Bayesian(64, CLASSES)), rows),
    "SVM's hinge": lambda: (mlp(FEATURES, 64, CLASSES), F.multi_margin_loss, *rows()),
    "Knowledge distillation": lambda: (
        mlp(FEATURES, 64, CLASSES),
        lambda out, t: F.kl_div((out / 2).log_softmax(-1), t, reduction="batchmean"),
        x := rows()[0],
        (2 * x[:, :CLASSES]).softmax(-1),
    ),
    "Multi-label": lambda: (
        mlp(FEATURES, 64, CLASSES),
        F.binary_cross_entropy_with_logits,
        x := rows()[0],
        (x[:, :CLASSES] > 0).float(),
    ),
    "Binary classifier, sigmoid and BCE": lambda: (
        seq(mlp(FEATURES, 64, 1), nn.Sigmoid()),
        F.binary_cross_entropy,
        x := rows()[0],
        (x[:, :1] > 0).float(),
    ),
    "Quantile regression": lambda: (
        mlp(2, 64, 3),
        lambda out, t: torch.maximum((e := t - out) * (q := torch.tensor([0.1, 0.5, 0.9])), (q - 1) * e).mean(),
        x := torch.randn(64, 2),
        x.sum(1, keepdim=True),
    ),
    "Word2vec": lambda: (
        Net(
            lambda m, x: (m.a(x) * m.b(x.roll(1, 1))).sum(-1),
            a=nn.Embedding(VOCABULARY, D),
            b=nn.Embedding(VOCABULARY, D),
        ),
        lambda out, t: F.binary_cross_entropy_with_logits(out, t),
        x := tokens(),
        (x > 14).float(),
    ),
}.items():
    add(name, make)
