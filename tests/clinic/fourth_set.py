"""A fourth blind set: 88 healthy networks, and 57 mistakes with their repaired twins, by a writer who saw no doctor.

The networks are as they were handed over on 28 November 2026, laid out anew; each entry of HEALTHY and SICK is a
dictionary with its name, a `build(seed)` and, of a mistake, `repaired(seed)` and perhaps `train(seed)`. The writer
trained all of them: Adam at 0.001 or 0.01, 300 steps. Healthy ones took 30 % off their loss with three seeds, and of 56
mistakes the repaired twin ends 30 % lower; of one (sigmoid_mlp_10_layers) it does with two seeds of three.
"""

# ruff: noqa
# mypy: ignore-errors
import copy, math
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import parametrizations as PZ
from torch.utils.checkpoint import checkpoint

HEALTHY, SICK = [], []


def _builder(f, *a):
    def build(seed=0):
        torch.manual_seed(seed)
        out = f(*a)
        return tuple(out) if len(out) == 5 else tuple(out) + (None,)

    return build


def healthy(name, **kw):
    def deco(f):
        HEALTHY.append(dict(name=name, build=_builder(f), illness=None, kind=None, **kw))
        return f

    return deco


class TrainIter:
    """iterator: one training step per next(), yields the loss (float). .model/.inputs/... are for looking."""

    def __init__(self, gen, model, inputs, target, loss_fn):
        self.gen, self.model, self.inputs, self.target, self.loss_fn = gen, model, inputs, target, loss_fn

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.gen)


def sick(name, kind, illness, loop=None, **kw):
    """f(fix: bool) -> (model, inputs, target, loss_fn[, opt factory]).  loop(fix, model, inputs, target, loss_fn) -> generator."""

    def deco(f):
        e = dict(name=name, build=_builder(f, False), repaired=_builder(f, True), illness=illness, kind=kind, **kw)
        if loop is not None:

            def mk(fix):
                def train(seed=0):
                    m, i, t, l, _ = _builder(f, fix)(seed)
                    return TrainIter(loop(fix, m, i, t, l), m, i, t, l)

                return train

            e["train"], e["repaired_train"] = mk(False), mk(True)
        SICK.append(e)
        return f

    return deco


# ------------------------------------------------------------------ data
def imgs(b=8, k=4, c=3, s=32, noise=0.5):
    y = torch.arange(b) % k
    proto = F.interpolate(torch.randn(k, c, s // 4, s // 4), size=(s, s), mode="bilinear", align_corners=False)
    x = proto[y] + noise * torch.randn(b, c, s, s)
    return (x - x.mean()) / x.std(), y


def tab(b=64, d=16, k=None):
    x = torch.randn(b, d)
    w = torch.randn(d, 3) / d**0.5
    h = torch.sin(2 * (x @ w)).sum(1) + (x @ w)[:, 0]
    if k is None:
        return x, h.unsqueeze(1)
    q = torch.quantile(h, torch.linspace(0, 1, k + 1)[1:-1])
    return x, torch.bucketize(h, q)


def toks(b=8, t=24, v=32):
    """next token = a fixed permutation of the present one most of the time"""
    perm = torch.randperm(v)
    s = [torch.randint(0, v, (b,))]
    for _ in range(t):
        s.append(torch.where(torch.rand(b) < 0.1, torch.randint(0, v, (b,)), perm[s[-1]]))
    s = torch.stack(s, 1)
    return s[:, :-1], s[:, 1:]


def lm_loss(o, y):
    return F.cross_entropy(o.reshape(-1, o.shape[-1]), y.reshape(-1))


def series(b=16, t=30, d=4):
    x = torch.randn(b, t, d) * 0.5 + torch.randn(b, 1, d)
    y = x[:, :, 0].mean(1, keepdim=True) * 2 + torch.tanh(x[:, -1, 1:2])
    return x, y


CE, MSE, BCEL = F.cross_entropy, F.mse_loss, F.binary_cross_entropy_with_logits


# ------------------------------------------------------------------ CNNs
class LN2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class CNXBlock(nn.Module):
    def __init__(self, d, ls=1e-6):
        super().__init__()
        self.dw = nn.Conv2d(d, d, 7, padding=3, groups=d)
        self.norm = nn.LayerNorm(d, eps=1e-6)
        self.pw1, self.act, self.pw2 = nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d)
        self.gamma = nn.Parameter(ls * torch.ones(d))

    def forward(self, x):
        h = self.norm(self.dw(x).permute(0, 2, 3, 1))
        h = self.gamma * self.pw2(self.act(self.pw1(h)))
        return x + h.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, k=4, dims=(16, 32), depths=(2, 2)):
        super().__init__()
        ls, prev = [], None
        for d, n in zip(dims, depths):
            ls += [nn.Conv2d(3, d, 4, 4), LN2d(d)] if prev is None else [LN2d(prev), nn.Conv2d(prev, d, 2, 2)]
            ls += [CNXBlock(d) for _ in range(n)]
            prev = d
        self.body, self.norm, self.head = nn.Sequential(*ls), nn.LayerNorm(prev), nn.Linear(prev, k)
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(m.weight, std=0.02)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.head(self.norm(self.body(x).mean((2, 3))))


@healthy("convnext_layerscale")
def _():
    x, y = imgs()
    return ConvNeXt(), (x,), y, nn.CrossEntropyLoss(label_smoothing=0.05)


class SE(nn.Module):
    def __init__(self, c, r=4):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(c, c // r, 1), nn.Conv2d(c // r, c, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.silu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


class MBConv(nn.Module):
    def __init__(self, ci, co, s=1, e=4):
        super().__init__()
        m = ci * e
        self.f = nn.Sequential(
            nn.Conv2d(ci, m, 1, bias=False),
            nn.BatchNorm2d(m),
            nn.SiLU(),
            nn.Conv2d(m, m, 3, s, 1, groups=m, bias=False),
            nn.BatchNorm2d(m),
            nn.SiLU(),
            SE(m),
            nn.Conv2d(m, co, 1, bias=False),
            nn.BatchNorm2d(co),
        )
        self.res = s == 1 and ci == co

    def forward(self, x):
        return x + self.f(x) if self.res else self.f(x)


class EffNet(nn.Module):
    def __init__(self, k=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU())
        self.blocks = nn.Sequential(MBConv(8, 8), MBConv(8, 12, 2), MBConv(12, 12), MBConv(12, 16, 2), MBConv(16, 16))
        self.head = nn.Sequential(
            nn.Conv2d(16, 48, 1, bias=False),
            nn.BatchNorm2d(48),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(48, k),
        )

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


@healthy("efficientnet_se")
def _():
    x, y = imgs()
    return EffNet(), (x,), y, CE


class DenseLayer(nn.Module):
    def __init__(self, ci, g=6):
        super().__init__()
        self.n1, self.c1 = nn.BatchNorm2d(ci), nn.Conv2d(ci, 4 * g, 1, bias=False)
        self.n2, self.c2 = nn.BatchNorm2d(4 * g), nn.Conv2d(4 * g, g, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.c2(F.relu(self.n2(self.c1(F.relu(self.n1(x))))))], 1)


@healthy("densenet_bc")
def _():
    ls, c = [nn.Conv2d(3, 12, 3, 2, 1, bias=False)], 12
    for st in range(3):
        for _ in range(3):
            ls.append(DenseLayer(c))
            c += 6
        if st < 2:
            ls += [nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c // 2, 1, bias=False), nn.AvgPool2d(2)]
            c //= 2
    ls += [nn.BatchNorm2d(c), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 4)]
    x, y = imgs()
    return nn.Sequential(*ls), (x,), y, CE


def dconv(i, o):
    return nn.Sequential(
        nn.Conv2d(i, o, 3, padding=1),
        nn.BatchNorm2d(o),
        nn.ReLU(True),
        nn.Conv2d(o, o, 3, padding=1),
        nn.BatchNorm2d(o),
        nn.ReLU(True),
    )


class UNet(nn.Module):
    def __init__(self, ci=3, co=1, w=8):
        super().__init__()
        self.d1, self.d2, self.mid = dconv(ci, w), dconv(w, 2 * w), dconv(2 * w, 4 * w)
        self.u2, self.c2 = nn.ConvTranspose2d(4 * w, 2 * w, 2, 2), dconv(4 * w, 2 * w)
        self.u1, self.c1 = nn.ConvTranspose2d(2 * w, w, 2, 2), dconv(2 * w, w)
        self.out = nn.Conv2d(w, co, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        h = self.c2(torch.cat([self.u2(m), b], 1))
        return self.out(self.c1(torch.cat([self.u1(h), a], 1)))


def dice_bce(o, y):
    p = o.sigmoid()
    dice = 1 - (2 * (p * y).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + y.sum((1, 2, 3)) + 1)
    return BCEL(o, y) + dice.mean()


@healthy("unet_segmentation_dice")
def _():
    x, _ = imgs(4)
    y = (F.avg_pool2d(x.mean(1, keepdim=True), 5, 1, 2) > 0.2).float()
    return UNet(), (x,), y, dice_bce


class RepVGGBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o))
        self.b = nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o))
        self.idn = nn.BatchNorm2d(i) if i == o and s == 1 else None

    def forward(self, x):
        y = self.a(x) + self.b(x)
        if self.idn is not None:
            y = y + self.idn(x)
        return F.relu(y)


@healthy("repvgg")
def _():
    x, y = imgs()
    m = nn.Sequential(
        RepVGGBlock(3, 12, 2),
        RepVGGBlock(12, 12),
        RepVGGBlock(12, 24, 2),
        RepVGGBlock(24, 24),
        RepVGGBlock(24, 24),
        RepVGGBlock(24, 32, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 4),
    )
    return m, (x,), y, CE


class Inception(nn.Module):
    def __init__(self, i, a, b, c, p):
        super().__init__()
        cb = lambda i, o, k: nn.Sequential(nn.Conv2d(i, o, k, padding=k // 2), nn.BatchNorm2d(o), nn.ReLU())
        self.b1, self.b2 = cb(i, a, 1), nn.Sequential(cb(i, b // 2, 1), cb(b // 2, b, 3))
        self.b3, self.b4 = (
            nn.Sequential(cb(i, c // 2, 1), cb(c // 2, c, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), cb(i, p, 1)),
        )

    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)


class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.i1, self.i2, self.i3 = Inception(8, 8, 8, 4, 4), Inception(24, 8, 8, 8, 8), Inception(32, 8, 8, 8, 8)
        self.aux, self.fc = nn.Linear(24, 4), nn.Linear(32, 4)

    def forward(self, x):
        a = self.i1(self.stem(x))
        h = self.i3(F.max_pool2d(self.i2(a), 2))
        return self.fc(h.mean((2, 3))), self.aux(a.mean((2, 3)))


@healthy("inception_aux_head")
def _():
    x, y = imgs()
    return GoogLeNet(), (x,), y, lambda o, t: CE(o[0], t) + 0.3 * CE(o[1], t)


class Fire(nn.Module):
    def __init__(self, i, s, e):
        super().__init__()
        self.s, self.e1, self.e3 = nn.Conv2d(i, s, 1), nn.Conv2d(s, e, 1), nn.Conv2d(s, e, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.s(x))
        return torch.cat([F.relu(self.e1(x)), F.relu(self.e3(x))], 1)


@healthy("squeezenet")
def _():
    x, y = imgs()
    m = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(16, 8, 16),
        Fire(32, 8, 16),
        nn.MaxPool2d(3, 2),
        Fire(32, 12, 24),
        Fire(48, 12, 24),
        nn.Dropout(0.3),
        nn.Conv2d(48, 4, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    for mod in m.modules():
        if isinstance(mod, nn.Conv2d):
            nn.init.kaiming_uniform_(mod.weight)
            nn.init.zeros_(mod.bias)
    nn.init.normal_(m[9].weight, std=0.01)
    return m, (x,), y, CE


class ShuffleUnit(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c // 2
        self.f = nn.Sequential(
            nn.Conv2d(h, h, 1, bias=False),
            nn.BatchNorm2d(h),
            nn.ReLU(),
            nn.Conv2d(h, h, 3, 1, 1, groups=h, bias=False),
            nn.BatchNorm2d(h),
            nn.Conv2d(h, h, 1, bias=False),
            nn.BatchNorm2d(h),
            nn.ReLU(),
        )

    def forward(self, x):
        a, b = x.chunk(2, 1)
        x = torch.cat([a, self.f(b)], 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


@healthy("shufflenet_v2")
def _():
    x, y = imgs()
    m = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        *[ShuffleUnit(16) for _ in range(4)],
        nn.Conv2d(16, 32, 1, 2),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        ShuffleUnit(32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 4),
    )
    return m, (x,), y, CE


class HRNet(nn.Module):
    def __init__(self):
        super().__init__()
        cb = lambda i, o, s=1: nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU())
        self.stem, self.hi1, self.lo0, self.lo1 = cb(3, 8, 2), cb(8, 8), cb(8, 16, 2), cb(16, 16)
        self.l2h, self.h2l = nn.Conv2d(16, 8, 1), nn.Conv2d(8, 16, 3, 2, 1)
        self.hi2, self.lo2, self.out = cb(8, 8), cb(16, 16), nn.Conv2d(24, 5, 1)

    def forward(self, x):
        x = self.stem(x)
        h, l = self.hi1(x), self.lo1(self.lo0(x))
        h, l = h + F.interpolate(self.l2h(l), scale_factor=2), l + self.h2l(h)
        h, l = self.hi2(h), self.lo2(l)
        return self.out(torch.cat([h, F.interpolate(l, scale_factor=2)], 1))


@healthy("hrnet_keypoint_heatmaps")
def _():
    x = 0.1 * torch.randn(4, 3, 32, 32)
    g = torch.arange(16).float()
    kp = torch.randint(3, 13, (4, 5, 2)).float()
    hm = torch.exp(
        -(
            (g[None, None, :, None] - kp[..., 0, None, None]) ** 2
            + (g[None, None, None, :] - kp[..., 1, None, None]) ** 2
        )
        / 4
    )
    up = F.interpolate(hm, scale_factor=2)
    x = x + torch.stack([up[:, 0] + up[:, 3], up[:, 1] + up[:, 4], up[:, 2] - up[:, 3]], 1)
    return HRNet(), (x,), hm, MSE


class PreActBlock(nn.Module):
    def __init__(self, c, norm=nn.BatchNorm2d):
        super().__init__()
        self.n1, self.c1, self.n2, self.c2 = (
            norm(c),
            nn.Conv2d(c, c, 3, padding=1, bias=False),
            norm(c),
            nn.Conv2d(c, c, 3, padding=1, bias=False),
        )

    def forward(self, x):
        return x + self.c2(F.relu(self.n2(self.c1(F.relu(self.n1(x))))))


class BasicBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o)
        self.c2, self.b2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.sc = (
            nn.Identity() if i == o and s == 1 else nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o))
        )

    def forward(self, x):
        return F.relu(self.sc(x) + self.b2(self.c2(F.relu(self.b1(self.c1(x))))))


def resnet(k=4, w=8, zero=False):
    m = nn.Sequential(
        nn.Conv2d(3, w, 3, 2, 1, bias=False),
        nn.BatchNorm2d(w),
        nn.ReLU(),
        BasicBlock(w, w),
        BasicBlock(w, 2 * w, 2),
        BasicBlock(2 * w, 4 * w, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * w, k),
    )
    if zero:
        for b in m.modules():
            if isinstance(b, BasicBlock):
                nn.init.zeros_(b.b2.weight)
    return m


@healthy("resnet_zero_init_last_bn")
def _():
    x, y = imgs()
    return resnet(zero=True), (x,), y, CE


@healthy("resnet_sgd_momentum_channels_last")
def _():
    x, y = imgs()
    m = resnet().to(memory_format=torch.channels_last)
    return (
        m,
        (x.to(memory_format=torch.channels_last),),
        y,
        CE,
        lambda m: torch.optim.SGD(m.parameters(), 0.05, momentum=0.9, nesterov=True),
    )


@healthy("groupnorm_cnn_single_sample")
def _():
    x, y = imgs(1)
    m = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.GroupNorm(4, 16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.GroupNorm(4, 32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 4),
    )
    return m, (x,), torch.tensor([2]), CE


# ------------------------------------------------------------------ transformers
class Attn(nn.Module):
    def __init__(self, d, h, causal=False):
        super().__init__()
        self.h, self.causal = h, causal
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x, bias=None):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.h, d // self.h).permute(2, 0, 3, 1, 4)
        a = q @ k.transpose(-1, -2) / math.sqrt(d // self.h)
        if bias is not None:
            a = a + bias
        if self.causal:
            a = a.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), float("-inf"))
        return self.o((a.softmax(-1) @ v).transpose(1, 2).reshape(b, t, d))


class PreBlock(nn.Module):
    def __init__(self, d, h, causal=False, p=0.0):
        super().__init__()
        self.n1, self.a, self.n2 = nn.LayerNorm(d), Attn(d, h, causal), nn.LayerNorm(d)
        self.m, self.p = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d)), nn.Dropout(p)

    def forward(self, x, bias=None):
        x = x + self.p(self.a(self.n1(x), bias))
        return x + self.p(self.m(self.n2(x)))


class ViT(nn.Module):
    def __init__(self, k=4, d=32, n=4, zero_head=True):
        super().__init__()
        self.patch = nn.Conv2d(3, d, 8, 8)
        self.cls, self.pos = nn.Parameter(torch.zeros(1, 1, d)), nn.Parameter(torch.zeros(1, 17, d))
        nn.init.trunc_normal_(self.pos, std=0.02)
        self.blocks, self.norm, self.head = (
            nn.ModuleList(PreBlock(d, 4, p=0.1) for _ in range(n)),
            nn.LayerNorm(d),
            nn.Linear(d, k),
        )
        if zero_head:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
        for b in self.blocks:
            x = b(x)
        return self.head(self.norm(x)[:, 0])


@healthy("vit_zero_init_head")
def _():
    x, y = imgs()
    return ViT(), (x,), y, CE


class Swin(nn.Module):
    def __init__(self, d=24, ws=4):
        super().__init__()
        self.ws, self.patch = ws, nn.Conv2d(3, d, 4, 4)
        self.b = nn.ModuleList(PreBlock(d, 3) for _ in range(4))
        self.rel = nn.ParameterList(nn.Parameter(torch.zeros(3, ws * ws, ws * ws)) for _ in range(4))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, 4)

    def forward(self, x):
        x = self.patch(x).permute(0, 2, 3, 1)
        n, H, W, d = x.shape
        w = self.ws
        for i, blk in enumerate(self.b):
            if i % 2:
                x = torch.roll(x, (-w // 2, -w // 2), (1, 2))
            z = x.view(n, H // w, w, W // w, w, d).transpose(2, 3).reshape(-1, w * w, d)
            z = blk(z, self.rel[i])
            x = z.view(n, H // w, W // w, w, w, d).transpose(2, 3).reshape(n, H, W, d)
            if i % 2:
                x = torch.roll(x, (w // 2, w // 2), (1, 2))
        return self.head(self.norm(x).mean((1, 2)))


@healthy("swin_shifted_windows")
def _():
    x, y = imgs()
    return Swin(), (x,), y, CE


class GPT(nn.Module):
    def __init__(self, v=32, d=32, n=4, T=24):
        super().__init__()
        self.tok, self.pos = nn.Embedding(v, d), nn.Embedding(T, d)
        self.b, self.nf = nn.ModuleList(PreBlock(d, 4, True) for _ in range(n)), nn.LayerNorm(d)
        self.head = nn.Linear(d, v, bias=False)
        self.apply(self._init)
        for k, p in self.named_parameters():
            if k.endswith("o.weight") or k.endswith("m.2.weight"):
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * n))
        self.head.weight = self.tok.weight

    def _init(self, m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.02)
            if getattr(m, "bias", None) is not None:
                nn.init.zeros_(m.bias)

    def forward(self, i):
        x = self.tok(i) + self.pos(torch.arange(i.shape[1]))
        for b in self.b:
            x = b(x)
        return self.head(self.nf(x))


@healthy("gpt_prenorm_tied")
def _():
    x, y = toks()
    return GPT(), (x,), y, lm_loss


class Bert(nn.Module):
    def __init__(self, v=33, d=32, n=4, T=24):
        super().__init__()
        self.tok, self.pos, self.ln = nn.Embedding(v, d), nn.Embedding(T, d), nn.LayerNorm(d)
        self.enc = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(d, 4, 64, dropout=0.1, activation="gelu", batch_first=True), n
        )
        self.head = nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.LayerNorm(d), nn.Linear(d, v))
        for m in self.modules():
            if isinstance(m, (nn.Linear, nn.Embedding)):
                nn.init.normal_(m.weight, std=0.02)

    def forward(self, i, mask):
        x = self.ln(self.tok(i) + self.pos(torch.arange(i.shape[1])))
        return self.head(self.enc(x, src_key_padding_mask=mask))


@healthy("bert_postnorm_mlm")
def _():
    s, _ = toks(16)
    y = torch.full_like(s, -100)
    sel = torch.rand(s.shape) < 0.25
    y[sel] = s[sel]
    i = s.masked_fill(sel, 32)
    pad = torch.zeros(s.shape, dtype=torch.bool)
    pad[::2, 20:] = True
    y[pad] = -100
    return Bert(), (i, pad), y, lambda o, t: F.cross_entropy(o.flatten(0, 1), t.flatten(), ignore_index=-100)


class Perceiver(nn.Module):
    def __init__(self, d=32, nl=8):
        super().__init__()
        self.lat, self.inp = nn.Parameter(torch.randn(nl, d) * 0.02), nn.Linear(3 + 16, d)
        self.nq, self.nk, self.x = nn.LayerNorm(d), nn.LayerNorm(d), nn.MultiheadAttention(d, 1, batch_first=True)
        self.blocks, self.head = nn.ModuleList(PreBlock(d, 4) for _ in range(2)), nn.Linear(d, 4)

    def forward(self, x):
        n = len(x)
        g = torch.linspace(-1, 1, 16)
        yy, xx = torch.meshgrid(g, g, indexing="ij")
        f = torch.cat(
            [
                fn(math.pi * k * c.reshape(-1, 1))
                for k in (1, 2, 4, 8)
                for c in (yy, xx)
                for fn in (torch.sin, torch.cos)
            ],
            1,
        )
        z = torch.cat([F.avg_pool2d(x, 2).flatten(2).transpose(1, 2), f.expand(n, -1, -1)], -1)
        kv, l = self.nk(self.inp(z)), self.lat.expand(n, -1, -1)
        for b in self.blocks:  # shared cross attention
            l = l + self.x(self.nq(l), kv, kv, need_weights=False)[0]
            l = b(l)
        return self.head(l.mean(1))


@healthy("perceiver")
def _():
    x, y = imgs()
    return Perceiver(), (x,), y, CE


class RMSNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.g = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.g


class T5(nn.Module):
    def __init__(self, v=32, d=32, T=24):
        super().__init__()
        self.emb, self.rel = nn.Embedding(v, d), nn.Embedding(2 * T, 4)
        self.b = nn.ModuleList(PreBlock(d, 4, True) for _ in range(3))
        for b in self.b:
            b.n1, b.n2 = RMSNorm(d), RMSNorm(d)
        self.nf, self.head, self.T = RMSNorm(d), nn.Linear(d, v, bias=False), T

    def forward(self, i):
        r = torch.arange(i.shape[1])
        bias = self.rel(r[None] - r[:, None] + self.T).permute(2, 0, 1)
        x = self.emb(i)
        for b in self.b:
            x = b(x, bias)
        return self.head(self.nf(x))


@healthy("t5_relative_bias")
def _():
    x, y = toks()
    return T5(), (x,), y, lm_loss


class LlamaBlock(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h, self.n1, self.n2 = h, RMSNorm(d), RMSNorm(d)
        self.q, self.k, self.v, self.o = (nn.Linear(d, e, bias=False) for e in (d, d // 2, d // 2, d))
        self.w1, self.w2, self.w3 = (
            nn.Linear(d, 2 * d, bias=False),
            nn.Linear(2 * d, d, bias=False),
            nn.Linear(d, 2 * d, bias=False),
        )

    def rope(self, x):
        t, d = x.shape[-2:]
        f = 10000 ** (-torch.arange(0, d, 2) / d)
        a = torch.arange(t)[:, None] * f
        x1, x2 = x[..., ::2], x[..., 1::2]
        return torch.stack([x1 * a.cos() - x2 * a.sin(), x1 * a.sin() + x2 * a.cos()], -1).flatten(-2)

    def forward(self, x):
        b, t, d = x.shape
        sp = lambda z, h: z.view(b, t, h, d // self.h).transpose(1, 2)
        n = self.n1(x)
        q, k, v = sp(self.q(n), self.h), sp(self.k(n), self.h // 2), sp(self.v(n), self.h // 2)
        k, v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
        a = F.scaled_dot_product_attention(self.rope(q), self.rope(k), v, is_causal=True)
        x = x + self.o(a.transpose(1, 2).reshape(b, t, d))
        n = self.n2(x)
        return x + self.w2(F.silu(self.w1(n)) * self.w3(n))


class Llama(nn.Module):
    def __init__(self, v=32, d=32, n=3):
        super().__init__()
        self.e, self.b, self.nf, self.head = (
            nn.Embedding(v, d),
            nn.Sequential(*[LlamaBlock(d, 4) for _ in range(n)]),
            RMSNorm(d),
            nn.Linear(d, v, bias=False),
        )

    def forward(self, i):
        return self.head(self.nf(self.b(self.e(i))))


@healthy("llama_rope_rmsnorm_swiglu_gqa")
def _():
    x, y = toks()
    return Llama(), (x,), y, lm_loss


class MoE(nn.Module):
    """top-1 routing; with 8 experts and few tokens some experts get nothing"""

    def __init__(self, d=16, n=8, k=4):
        super().__init__()
        self.inp, self.gate, self.out = nn.Linear(16, d), nn.Linear(d, n, bias=False), nn.Linear(d, k)
        self.ex = nn.ModuleList(nn.Sequential(nn.Linear(d, 32), nn.ReLU(), nn.Linear(32, d)) for _ in range(n))

    def forward(self, x):
        h = self.inp(x)
        p = self.gate(h).softmax(-1)
        w, i = p.max(-1)
        y = torch.zeros_like(h)
        for e, ex in enumerate(self.ex):
            s = (i == e).nonzero().squeeze(1)
            if len(s):
                y = y.index_add(0, s, ex(h[s]) * w[s, None])
        return self.out(h + y)


@healthy("moe_top1_unused_experts")
def _():
    x, y = tab(12, 16, 4)
    return MoE(), (x,), y, CE


# ------------------------------------------------------------------ sequence models
class PackedLSTM(nn.Module):
    def __init__(self, v=30, d=24):
        super().__init__()
        self.e, self.r, self.o = (
            nn.Embedding(v, d, padding_idx=0),
            nn.LSTM(d, d, 2, batch_first=True, bidirectional=True, dropout=0.2),
            nn.Linear(2 * d, 3),
        )

    def forward(self, x, lens):
        p = nn.utils.rnn.pack_padded_sequence(self.e(x), lens, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.r(p)
        return self.o(torch.cat([h[-2], h[-1]], 1))


@healthy("bilstm_packed_embedding_padding")
def _():
    y = torch.arange(24) % 3
    lens = torch.randint(5, 16, (24,))
    x = torch.randint(1, 10, (24, 16)) + 7 * y[:, None]
    x[torch.arange(16)[None] >= lens[:, None]] = 0
    return PackedLSTM(), (x, lens), y, CE


class Seq2Seq(nn.Module):
    def __init__(self, v=16, d=32):
        super().__init__()
        self.e, self.enc, self.dec = nn.Embedding(v, d), nn.GRU(d, d, batch_first=True), nn.GRUCell(2 * d, d)
        self.wa, self.va, self.out = nn.Linear(2 * d, d), nn.Linear(d, 1), nn.Linear(2 * d, v)

    def forward(self, src, tgt_in):
        m, h = self.enc(self.e(src))
        h, ys = h[0], []
        for t in range(tgt_in.shape[1]):
            a = self.va(torch.tanh(self.wa(torch.cat([m, h[:, None].expand_as(m)], -1)))).softmax(1)
            c = (a * m).sum(1)
            h = self.dec(torch.cat([self.e(tgt_in[:, t]), c], -1), h)
            ys.append(self.out(torch.cat([h, c], -1)))
        return torch.stack(ys, 1)


@healthy("gru_seq2seq_bahdanau")
def _():
    s = torch.randint(1, 16, (16, 7))
    y = s.flip(1)
    ti = torch.cat([torch.zeros(16, 1, dtype=torch.long), y[:, :-1]], 1)
    return Seq2Seq(), (s, ti), y, lm_loss


class IndRNN(nn.Module):
    def __init__(self, i, h):
        super().__init__()
        self.w, self.u = nn.Linear(i, h), nn.Parameter(torch.empty(h).uniform_(0, 1))

    def forward(self, x):
        h, o, z = 0, [], self.w(x)
        for t in range(x.shape[1]):
            h = F.relu(z[:, t] + self.u * h)
            o.append(h)
        return torch.stack(o, 1)


class LastLinear(nn.Linear):
    def forward(self, x):
        return super().forward(x[:, -1])


@healthy("indrnn_stacked")
def _():
    x, y = series()
    return nn.Sequential(IndRNN(4, 32), IndRNN(32, 32), LastLinear(32, 1)), (x,), y, MSE


class SRU(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.w = nn.Linear(d, 3 * d)
        nn.init.constant_(self.w.bias[d : 2 * d].data, 1.0)

    def forward(self, x):
        z, f, r = self.w(x).chunk(3, -1)
        f, r, c, o = f.sigmoid(), r.sigmoid(), 0, []
        for t in range(x.shape[1]):
            c = f[:, t] * c + (1 - f[:, t]) * z[:, t]
            o.append(r[:, t] * torch.tanh(c) + (1 - r[:, t]) * x[:, t])
        return torch.stack(o, 1)


@healthy("sru_highway")
def _():
    x, y = series()
    return nn.Sequential(nn.Linear(4, 24), SRU(24), SRU(24), LastLinear(24, 1)), (x,), y, MSE


class S4D(nn.Module):
    def __init__(self, d, n=8):
        super().__init__()
        self.loga = nn.Parameter(torch.log(0.5 * torch.ones(d, n)))
        self.aim = nn.Parameter(math.pi * torch.arange(n).float().repeat(d, 1))
        self.c = nn.Parameter(torch.randn(d, n, 2) * 0.5**0.5)
        self.logdt = nn.Parameter(torch.empty(d).uniform_(math.log(1e-3), math.log(1e-1)))
        self.D, self.out, self.norm = nn.Parameter(torch.randn(d)), nn.Linear(d, 2 * d), nn.LayerNorm(d)

    def forward(self, x):
        u = self.norm(x).transpose(1, 2)
        L = u.shape[-1]
        dt = self.logdt.exp()[:, None]
        A = -self.loga.exp() + 1j * self.aim
        C = torch.view_as_complex(self.c) * (torch.exp(dt * A) - 1) / A
        K = 2 * (C[..., None] * torch.exp((dt * A)[..., None] * torch.arange(L))).sum(1).real
        y = torch.fft.irfft(torch.fft.rfft(K, 2 * L) * torch.fft.rfft(u, 2 * L), 2 * L)[..., :L]
        y = F.gelu(y + u * self.D[:, None]).transpose(1, 2)
        return x + F.glu(self.out(y), -1)


class MeanLinear(nn.Linear):
    def forward(self, x):
        return super().forward(x.mean(1))


@healthy("s4d_fft_conv")
def _():
    x, y = series(t=48)
    return nn.Sequential(nn.Linear(4, 16), S4D(16), S4D(16), MeanLinear(16, 1)), (x,), y, MSE


class Mamba(nn.Module):
    def __init__(self, d, n=4):
        super().__init__()
        self.inp, self.conv = nn.Linear(d, 4 * d), nn.Conv1d(2 * d, 2 * d, 3, padding=2, groups=2 * d)
        self.xp, self.dt, self.out = nn.Linear(2 * d, 2 * n + 1), nn.Linear(1, 2 * d), nn.Linear(2 * d, d)
        self.A, self.D, self.norm, self.n = (
            nn.Parameter(torch.log(torch.arange(1, n + 1).float().repeat(2 * d, 1))),
            nn.Parameter(torch.ones(2 * d)),
            RMSNorm(d),
            n,
        )

    def forward(self, x):
        u, z = self.inp(self.norm(x)).chunk(2, -1)
        u = F.silu(self.conv(u.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        dt, B, C = self.xp(u).split([1, self.n, self.n], -1)
        dt = F.softplus(self.dt(dt))
        dA = torch.exp(-dt[..., None] * self.A.exp())
        dB = dt[..., None] * B[:, :, None] * u[..., None]
        h, ys = 0, []
        for t in range(x.shape[1]):
            h = dA[:, t] * h + dB[:, t]
            ys.append((h * C[:, t, None]).sum(-1))
        return x + self.out((torch.stack(ys, 1) + u * self.D) * F.silu(z))


class Mamba1(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.a, self.b, self.n, self.h = (
            nn.Embedding(32, 16),
            Mamba(16),
            Mamba(16),
            RMSNorm(16),
            nn.Linear(16, 32, bias=False),
        )

    def forward(self, i):
        return self.h(self.n(self.b(self.a(self.e(i)))))


@healthy("mamba_selective_scan")
def _():
    x, y = toks(8, 16)
    return Mamba1(), (x,), y, lm_loss


class TemporalBlock(nn.Module):
    def __init__(self, i, o, dil):
        super().__init__()
        self.pad = 2 * dil
        self.c1, self.c2 = (
            PZ.weight_norm(nn.Conv1d(i, o, 3, dilation=dil)),
            PZ.weight_norm(nn.Conv1d(o, o, 3, dilation=dil)),
        )
        self.ds = nn.Conv1d(i, o, 1) if i != o else None

    def forward(self, x):
        h = F.dropout(F.relu(self.c1(F.pad(x, (self.pad, 0)))), 0.1, self.training)
        h = F.relu(self.c2(F.pad(h, (self.pad, 0))))
        return F.relu(h + (x if self.ds is None else self.ds(x)))


class TCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.b, self.o = (
            nn.Sequential(
                TemporalBlock(4, 16, 1), TemporalBlock(16, 16, 2), TemporalBlock(16, 16, 4), TemporalBlock(16, 16, 8)
            ),
            nn.Linear(16, 1),
        )

    def forward(self, x):
        return self.o(self.b(x.transpose(1, 2))[..., -1])


@healthy("tcn_weightnorm")
def _():
    x, y = series()
    return TCN(), (x,), y, MSE


class WaveNet(nn.Module):
    def __init__(self, v=32, c=16, n=6, res=True):
        super().__init__()
        self.e, self.res = nn.Embedding(v, c), res
        self.f = nn.ModuleList(nn.Conv1d(c, 2 * c, 2, dilation=2 ** (i % 4)) for i in range(n))
        self.r, self.s = (
            nn.ModuleList(nn.Conv1d(c, c, 1) for _ in range(n)),
            nn.ModuleList(nn.Conv1d(c, 32, 1) for _ in range(n)),
        )
        self.o1, self.o2 = nn.Conv1d(32, 32, 1), nn.Conv1d(32, v, 1)

    def forward(self, i):
        x, sk = self.e(i).transpose(1, 2), 0
        for k, (f, r, s) in enumerate(zip(self.f, self.r, self.s)):
            a, b = f(F.pad(x, (2 ** (k % 4), 0))).chunk(2, 1)
            z = torch.tanh(a) * torch.sigmoid(b)
            sk = sk + s(z)
            x = x + r(z) if self.res else r(z)
        if not self.res:
            sk = s(z)
        return self.o2(F.relu(self.o1(F.relu(sk)))).transpose(1, 2)


@healthy("wavenet_gated")
def _():
    x, y = toks()
    return WaveNet(), (x,), y, lm_loss


class ConvLSTM(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.c, self.g, self.o = c, nn.Conv2d(1 + c, 4 * c, 3, padding=1), nn.Conv2d(c, 1, 1)

    def forward(self, x):
        b, t, _, h, w = x.shape
        H = C = x.new_zeros(b, self.c, h, w)
        for k in range(t):
            i, f, o, g = self.g(torch.cat([x[:, k], H], 1)).chunk(4, 1)
            C = torch.sigmoid(f + 1) * C + torch.sigmoid(i) * torch.tanh(g)
            H = torch.sigmoid(o) * torch.tanh(C)
        return self.o(H)


@healthy("convlstm_next_frame")
def _():
    f = torch.zeros(6, 1, 16, 16)
    for b in range(6):
        a, c = torch.randint(0, 12, (2,)).tolist()
        f[b, 0, a : a + 4, c : c + 4] = 1
    seq = torch.stack([f.roll((t, t), (2, 3)) for t in range(6)], 1)
    return ConvLSTM(), (seq[:, :5],), seq[:, 5], MSE


class TimeFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.r, self.o = nn.LSTM(4, 32), nn.Linear(32, 1)

    def forward(self, x):
        return {"pred": self.o(self.r(x)[0][-1]), "aux": None}


@healthy("lstm_time_first_dict_output")
def _():
    x, y = series()
    return TimeFirst(), (x.transpose(0, 1).contiguous(),), {"y": y}, lambda o, t: MSE(o["pred"], t["y"])


# ------------------------------------------------------------------ graphs, sets
def graph(n=40, e=160, d=8):
    x = torch.randn(n, d)
    s, t = torch.randint(0, n, (e,)), torch.randint(0, n, (e,))
    ei = torch.cat([torch.stack([s, t]), torch.stack([t, s])], 1)
    deg = torch.zeros(n).index_add(0, ei[1], torch.ones(ei.shape[1])).clamp(min=1)
    y = (torch.zeros(n).index_add(0, ei[1], x[ei[0], 0]) / deg + x[:, 1] * 0.5 > 0).long()
    return x, ei, y


class GIN(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(1))
        self.mlp = nn.Sequential(nn.Linear(d, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Linear(h, h), nn.ReLU())

    def forward(self, x, ei):
        return self.mlp((1 + self.eps) * x + torch.zeros_like(x).index_add(0, ei[1], x[ei[0]]))


class GINNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.o = GIN(8, 24), GIN(24, 24), nn.Linear(24, 2)

    def forward(self, x, ei):
        return self.o(self.b(self.a(x, ei), ei))


@healthy("gin_index_add")
def _():
    x, ei, y = graph()
    return GINNet(), (x, ei), y, CE


class GAT(nn.Module):
    def __init__(self, i, o, h=4):
        super().__init__()
        self.h, self.o, self.w = h, o, nn.Linear(i, h * o, bias=False)
        self.a = nn.Parameter(torch.randn(2, h, o) / o**0.5)

    def forward(self, x, ei):
        z = self.w(x).view(-1, self.h, self.o)
        e = F.leaky_relu((z * self.a[0]).sum(-1)[ei[0]] + (z * self.a[1]).sum(-1)[ei[1]], 0.2)
        e = (e - e.max()).exp()
        den = torch.zeros(len(x), self.h).index_add(0, ei[1], e) + 1e-16
        return torch.zeros_like(z).index_add(0, ei[1], z[ei[0]] * (e / den[ei[1]])[..., None]).flatten(1)


class GATNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = GAT(8, 8), GAT(32, 2, 1)

    def forward(self, x, ei):
        return self.b(F.elu(self.a(x, ei)), ei)


@healthy("gat_semi_supervised_mask")
def _():
    x, ei, y = graph()
    sl = torch.arange(40)
    ei = torch.cat([ei, torch.stack([sl, sl])], 1)
    mask = torch.arange(40) % 2 == 0
    return GATNet(), (x, ei), (y, mask), lambda o, t: CE(o[t[1]], t[0][t[1]])


class PointNet(nn.Module):
    def __init__(self):
        super().__init__()
        m = lambda *d: nn.Sequential(
            *[q for a, b in zip(d, d[1:]) for q in (nn.Conv1d(a, b, 1), nn.BatchNorm1d(b), nn.ReLU())]
        )
        self.t1, self.t2 = m(3, 16, 32), nn.Linear(32, 9)
        nn.init.zeros_(self.t2.weight)
        self.t2.bias.data.copy_(torch.eye(3).flatten())
        self.f, self.h = (
            m(3, 16, 64),
            nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 3)),
        )

    def forward(self, x):
        T = self.t2(self.t1(x).max(-1)[0]).view(-1, 3, 3)
        return self.h(self.f(T @ x).max(-1)[0])


@healthy("pointnet_tnet_identity")
def _():
    y = torch.arange(12) % 3
    p = torch.randn(12, 3, 64)
    p = torch.where(
        (y == 0)[:, None, None],
        p / p.norm(dim=1, keepdim=True),
        torch.where((y == 1)[:, None, None], p.clamp(-0.7, 0.7), p * torch.tensor([1.0, 1, 0.1])[:, None]),
    )
    return PointNet(), (p,), y, CE


class DeepSets(nn.Module):
    def __init__(self):
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(2, 32), nn.ELU(), nn.Linear(32, 32), nn.ELU(), nn.Linear(32, 32))
        self.rho = nn.Sequential(nn.Linear(32, 32), nn.ELU(), nn.Linear(32, 1))

    def forward(self, x, mask):
        return self.rho((self.phi(x) * mask[..., None]).sum(1)).squeeze(-1)


@healthy("deepsets_sum_masked")
def _():
    x, m = torch.rand(32, 10, 2), (torch.rand(32, 10) < 0.7).float()
    y = (x[..., 0] * m).sum(1) - 2 * (x[..., 1] * m).max(1)[0]
    return DeepSets(), (x, m), y, F.smooth_l1_loss


# ------------------------------------------------------------------ generative, self-supervised
class Coupling(nn.Module):
    def __init__(self, d, flip):
        super().__init__()
        self.flip, self.net = (
            flip,
            nn.Sequential(nn.Linear(d // 2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, d)),
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        a, b = x.chunk(2, 1)
        if self.flip:
            a, b = b, a
        s, t = self.net(a).chunk(2, 1)
        s = torch.tanh(s)
        b = b * s.exp() + t
        return torch.cat([b, a] if self.flip else [a, b], 1), s.sum(1)


class RealNVP(nn.Module):
    def __init__(self, d=4, n=6):
        super().__init__()
        self.c = nn.ModuleList(Coupling(d, i % 2 == 1) for i in range(n))

    def forward(self, x):
        ld = 0
        for c in self.c:
            x, l = c(x)
            ld = ld + l
        return x, ld


@healthy("realnvp_zero_init_couplings", floor=2.0)
def _():
    z = torch.randn(128, 4)
    x = torch.stack(
        [z[:, 0] * 2, z[:, 0] ** 2 + 0.3 * z[:, 1], z[:, 2] + z[:, 0], 0.3 * z[:, 3] + torch.sin(2 * z[:, 2])], 1
    )
    return (
        RealNVP(),
        (x,),
        torch.zeros(128),
        lambda o, t: (0.5 * o[0].pow(2).sum(1) + 2 * math.log(2 * math.pi) - o[1]).mean(),
    )


class VAE(nn.Module):
    def __init__(self, d=64, z=8):
        super().__init__()
        self.e, self.mu, self.lv = nn.Sequential(nn.Linear(d, 64), nn.ReLU()), nn.Linear(64, z), nn.Linear(64, z)
        self.d = nn.Sequential(nn.Linear(z, 64), nn.ReLU(), nn.Linear(64, d))

    def forward(self, x):
        h = self.e(x)
        mu, lv = self.mu(h), self.lv(h)
        return self.d(mu + torch.randn_like(mu) * (0.5 * lv).exp()), mu, lv


def bars(b=64):
    x = torch.zeros(b, 8, 8)
    for i in range(b):
        x[i, torch.randint(0, 8, (1,)).item(), :] = 1
        x[i, :, torch.randint(0, 8, (1,)).item()] = 1
    return x.flatten(1)


def elbo(o, x, beta=1.0):
    kl = -0.5 * (1 + o[2] - o[1].pow(2) - o[2].exp()).sum(1).mean()
    return F.binary_cross_entropy_with_logits(o[0], x, reduction="none").sum(1).mean() + beta * kl


@healthy("vae_bernoulli")
def _():
    x = bars()
    return VAE(), (x,), x, elbo


class VQ(nn.Module):
    def __init__(self, n=32, d=16, ste=True):
        super().__init__()
        self.ste, self.cb = ste, nn.Embedding(n, d)
        nn.init.uniform_(self.cb.weight, -1 / n, 1 / n)

    def forward(self, z):
        zf = z.permute(0, 2, 3, 1)
        d = (zf.unsqueeze(-2) - self.cb.weight).pow(2).sum(-1)
        q = self.cb(d.argmin(-1)).permute(0, 3, 1, 2)
        if not self.ste:
            return q, F.mse_loss(q, z.detach())
        l = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
        return z + (q - z).detach(), l


class VQVAE(nn.Module):
    def __init__(self, ste=True):
        super().__init__()
        self.e = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 1)
        )
        self.q = VQ(ste=ste)
        self.d = nn.Sequential(
            nn.Conv2d(16, 16, 3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 16, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 3, 4, 2, 1),
        )

    def forward(self, x):
        z, l = self.q(self.e(x))
        return self.d(z), l


@healthy("vqvae_straight_through")
def _():
    x, _ = imgs(8, noise=0.1)
    return VQVAE(), (x,), x, lambda o, t: MSE(o[0], t) + o[1]


class ResT(nn.Module):
    def __init__(self, i, o, t=32):
        super().__init__()
        self.n1, self.c1, self.t = nn.GroupNorm(4, i), nn.Conv2d(i, o, 3, padding=1), nn.Linear(t, o)
        self.n2, self.c2 = nn.GroupNorm(4, o), nn.Conv2d(o, o, 3, padding=1)
        nn.init.zeros_(self.c2.weight)
        nn.init.zeros_(self.c2.bias)
        self.s = nn.Conv2d(i, o, 1) if i != o else nn.Identity()

    def forward(self, x, t):
        h = self.c1(F.silu(self.n1(x))) + self.t(F.silu(t))[..., None, None]
        return self.s(x) + self.c2(F.silu(self.n2(h)))


class DiffUNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.te = nn.Sequential(nn.Linear(16, 32), nn.SiLU(), nn.Linear(32, 32))
        self.inp, self.a, self.dn, self.b = (
            nn.Conv2d(1, w, 3, padding=1),
            ResT(w, w),
            nn.Conv2d(w, 2 * w, 3, 2, 1),
            ResT(2 * w, 2 * w),
        )
        self.c, self.no, self.out = ResT(3 * w, w), nn.GroupNorm(4, w), nn.Conv2d(w, 1, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x, t):
        f = t[:, None] * torch.exp(-math.log(1e4) * torch.arange(8) / 8)
        e = self.te(torch.cat([f.sin(), f.cos()], 1))
        h = self.a(self.inp(x), e)
        m = self.b(self.dn(h), e)
        h = self.c(torch.cat([h, F.interpolate(m, scale_factor=2)], 1), e)
        return self.out(F.silu(self.no(h)))


@healthy("ddpm_unet_zero_out_conv")
def _():
    x0 = bars(16).view(16, 1, 8, 8) * 2 - 1
    x0 = F.interpolate(x0, scale_factor=2)
    t = torch.randint(1, 100, (16,)).float()
    ab = torch.cos(t / 100 * math.pi / 2).pow(2).view(-1, 1, 1, 1)
    e = torch.randn_like(x0)
    return DiffUNet(), (ab.sqrt() * x0 + (1 - ab).sqrt() * e, t), e, MSE


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(
            nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
        )

    def forward(self, real, fake):
        u = torch.rand(len(real), 1)
        x = (u * real + (1 - u) * fake).requires_grad_()
        g = torch.autograd.grad(self.f(x).sum(), x, create_graph=True)[0]
        return self.f(real), self.f(fake), ((g.norm(2, dim=1) - 1) ** 2).mean()


@healthy("wgan_gp_critic", floor=-3.0)
def _():
    a = torch.rand(64) * 2 * math.pi
    real = torch.stack([a.cos(), a.sin()], 1) * 2 + 2
    return (
        Critic(),
        (real, torch.randn(64, 2) * 0.3),
        torch.zeros(1),
        lambda o, t: o[1].mean() - o[0].mean() + 10 * o[2],
    )


class DCGAN(nn.Module):
    """generator step: the discriminator is there, frozen"""

    def __init__(self, x):
        super().__init__()
        self.g = nn.Sequential(
            nn.ConvTranspose2d(16, 32, 4, 1, 0, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(True),
            nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(True),
            nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(True),
            nn.ConvTranspose2d(8, 3, 4, 2, 1),
            nn.Tanh(),
        )
        self.d = nn.Sequential(
            nn.Conv2d(3, 8, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8, 16, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(1024, 1),
        )
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.normal_(m.weight, 0, 0.02)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.normal_(m.weight, 1, 0.02)
        o = torch.optim.Adam(self.d.parameters(), 2e-3)
        for _ in range(15):
            f = self.g(torch.randn(len(x), 16, 1, 1)).detach()
            l = F.softplus(-self.d(x)).mean() + F.softplus(self.d(f)).mean()
            o.zero_grad()
            l.backward()
            o.step()
        self.zero_grad()
        self.d.requires_grad_(False)

    def forward(self, z):
        return self.d(self.g(z))


@healthy("dcgan_generator_frozen_discriminator")
def _():
    x, _ = imgs(8)
    return (
        DCGAN(torch.tanh(x)),
        (torch.randn(8, 16, 1, 1),),
        torch.ones(8, 1),
        BCEL,
        lambda m: torch.optim.Adam(m.g.parameters(), 2e-4, betas=(0.5, 0.999)),
    )


def small_cnn(o, w=12, norm=True):
    n = (lambda c: nn.BatchNorm2d(c)) if norm else (lambda c: nn.Identity())
    return nn.Sequential(
        nn.Conv2d(3, w, 3, 2, 1),
        n(w),
        nn.ReLU(),
        nn.Conv2d(w, 2 * w, 3, 2, 1),
        n(2 * w),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * w, o),
    )


class Triplet(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = small_cnn(16)

    def forward(self, a, p, n):
        return tuple(F.normalize(self.f(v), dim=1) for v in (a, p, n))


@healthy("siamese_triplet")
def _():
    x, y = imgs(16, 4, noise=2.0)
    return (
        Triplet(),
        (x[:8], x[8:], x[8:].roll(1, 0)),
        torch.zeros(1),
        lambda o, t: F.triplet_margin_loss(*o, margin=0.5),
    )


def info_nce(o, t=None, tau=0.2):
    z = F.normalize(torch.cat(o), dim=1)
    s = z @ z.t() / tau
    s.fill_diagonal_(-1e9)
    n = len(z) // 2
    return CE(s, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


class SimCLR(nn.Module):
    def __init__(self):
        super().__init__()
        self.f, self.p = (
            small_cnn(32),
            nn.Sequential(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16, bias=False)),
        )

    def forward(self, a, b):
        return self.p(self.f(a)), self.p(self.f(b))


@healthy("simclr_infonce")
def _():
    x, _ = imgs(12, 12, noise=0.3)
    return (
        SimCLR(),
        (x + 0.8 * torch.randn_like(x), x.flip(3).flip(3) * 1.2 + 0.8 * torch.randn_like(x)),
        torch.zeros(1),
        info_nce,
    )


class BYOL(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(small_cnn(32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
        self.t = copy.deepcopy(self.f).requires_grad_(False)
        self.q = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))

    def forward(self, a, b):
        with torch.no_grad():
            ta, tb = self.t(a), self.t(b)
        return self.q(self.f(a)), self.q(self.f(b)), ta, tb


@healthy("byol_stop_gradient")
def _():
    x, _ = imgs(12, 12, noise=0.3)
    cs = F.cosine_similarity
    return (
        BYOL(),
        (x + 0.2 * torch.randn_like(x), x + 0.2 * torch.randn_like(x)),
        torch.zeros(1),
        lambda o, t: 2 - cs(o[0], o[3]).mean() - cs(o[1], o[2]).mean(),
    )


class CLIP(nn.Module):
    def __init__(self):
        super().__init__()
        self.im, self.e, self.tr, self.tp = (
            small_cnn(24),
            nn.Embedding(20, 24),
            PreBlock(24, 4),
            nn.Linear(24, 24, bias=False),
        )
        self.ls = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, x, t):
        a, b = F.normalize(self.im(x), dim=1), F.normalize(self.tp(self.tr(self.e(t))[:, -1]), dim=1)
        return self.ls.exp().clamp(max=100) * a @ b.t()


@healthy("clip_contrastive")
def _():
    x, y = imgs(12, 12)
    t = torch.stack([y % 4, 4 + y // 4, torch.full_like(y, 19)], 1)
    return CLIP(), (x, t), torch.arange(12), lambda o, t: 0.5 * (CE(o, t) + CE(o.t(), t))


# ------------------------------------------------------------------ RL
class DuelDQN(nn.Module):
    def __init__(self, relu_head=False):
        super().__init__()
        self.f, self.v, self.a, self.rh = (
            nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()),
            nn.Linear(64, 1),
            nn.Linear(64, 4),
            relu_head,
        )

    def forward(self, s):
        h = self.f(s)
        a = self.a(h)
        q = self.v(h) + a - a.mean(1, keepdim=True)
        return F.relu(q) if self.rh else q


class DQNStep(nn.Module):
    def __init__(self, relu_head=False):
        super().__init__()
        self.q = DuelDQN(relu_head)
        self.tgt = copy.deepcopy(self.q).requires_grad_(False)

    def forward(self, s, a, r, s2, done):
        q = self.q(s).gather(1, a[:, None]).squeeze(1)
        with torch.no_grad():
            n = self.tgt(s2).gather(1, self.q(s2).argmax(1, keepdim=True)).squeeze(1)
            y = r + 0.99 * n * (1 - done)
        return q, y


def transitions(b=64, shift=0.0):
    s = torch.randn(b, 8)
    a = torch.randint(0, 4, (b,))
    return s, a, s[torch.arange(b), a] * 2 + shift, s + 0.1 * torch.randn(b, 8), (torch.rand(b) < 0.3).float()


@healthy("double_dueling_dqn_target_net")
def _():
    return DQNStep(), transitions(), torch.zeros(1), lambda o, t: F.smooth_l1_loss(o[0], o[1])


class A2C(nn.Module):
    def __init__(self):
        super().__init__()
        self.f, self.pi, self.v = (
            nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh()),
            nn.Linear(64, 4),
            nn.Linear(64, 1),
        )
        for m in self.f:
            if isinstance(m, nn.Linear):
                nn.init.orthogonal_(m.weight, 2**0.5)
        nn.init.orthogonal_(self.pi.weight, 0.01)
        nn.init.orthogonal_(self.v.weight, 1.0)

    def forward(self, s):
        h = self.f(s)
        return self.pi(h), self.v(h).squeeze(1)


def ppo(o, t):
    a, r, old, adv = t
    lp = o[0].log_softmax(1)
    ra = (lp.gather(1, a[:, None]).squeeze(1) - old).exp()
    pg = -torch.min(ra * adv, ra.clamp(0.8, 1.2) * adv).mean()
    return pg + 0.5 * MSE(o[1], r) + 0.01 * (lp.exp() * lp).sum(1).mean()


@healthy("ppo_actor_critic_small_policy_init", floor=-0.15)
def _():
    s, a, r, _, _ = transitions()
    m = A2C()
    with torch.no_grad():
        old = m(s)[0].log_softmax(1).gather(1, a[:, None]).squeeze(1)
    return m, (s,), (a, r, old, (r - r.mean()) / (r.std() + 1e-8)), ppo


class GlimpseREINFORCE(nn.Module):
    """hard attention on one of 16 patches; location net learns by REINFORCE with a baseline"""

    def __init__(self):
        super().__init__()
        self.ctx, self.loc, self.enc, self.cls, self.base = (
            nn.Linear(16 * 8, 64),
            nn.Linear(64, 16),
            nn.Sequential(nn.Linear(8, 32), nn.ReLU()),
            nn.Linear(32, 4),
            nn.Linear(64, 1),
        )

    def forward(self, x):
        c = torch.relu(self.ctx(x.flatten(1)))
        d = torch.distributions.Categorical(logits=self.loc(c))
        l = d.sample()
        return self.cls(self.enc(x[torch.arange(len(x)), l])), d.log_prob(l), self.base(c.detach()).squeeze(1)


def reinforce_loss(o, y):
    R = (o[0].argmax(1) == y).float()
    return CE(o[0], y) + MSE(o[2], R) - (o[1] * (R - o[2].detach())).mean()


@healthy("hard_attention_reinforce_baseline")
def _():
    y = torch.randint(0, 4, (64,))
    x = torch.randn(64, 16, 8) * 0.3
    w = torch.randint(0, 16, (64,))
    x[:, :, 4:] = 0
    x[torch.arange(64), :, :4] += 1.5 * F.one_hot(y, 4).float()[:, None] * (torch.rand(64, 16, 1) < 0.7)
    x[torch.arange(64), w, 4:] = 2
    return GlimpseREINFORCE(), (x,), y, reinforce_loss


# ------------------------------------------------------------------ scientific
class PINN(nn.Module):
    """u'' = -pi^2 sin(pi x), u(0)=u(1)=0"""

    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, x, xb):
        x = x.clone().requires_grad_(True)
        u = self.f(x)
        du = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
        return torch.autograd.grad(du.sum(), x, create_graph=True)[0], self.f(xb)


@healthy("pinn_poisson")
def _():
    x = torch.rand(64, 1)
    return (
        PINN(),
        (x, torch.tensor([[0.0], [1.0]])),
        -(math.pi**2) * torch.sin(math.pi * x),
        lambda o, t: MSE(o[0], t) + 10 * o[1].pow(2).mean(),
    )


class NODE(nn.Module):
    def __init__(self, n=10):
        super().__init__()
        self.n, self.inp, self.f, self.o = (
            n,
            nn.Linear(16, 24),
            nn.Sequential(nn.Linear(25, 48), nn.Tanh(), nn.Linear(48, 24)),
            nn.Linear(24, 4),
        )

    def rhs(self, t, h):
        return self.f(torch.cat([h, torch.full_like(h[:, :1], t)], 1))

    def forward(self, x):
        h, dt = self.inp(x), 1 / self.n
        for i in range(self.n):
            t = i * dt
            k1 = self.rhs(t, h)
            k2 = self.rhs(t + dt / 2, h + dt / 2 * k1)
            k3 = self.rhs(t + dt / 2, h + dt / 2 * k2)
            k4 = self.rhs(t + dt, h + dt * k3)
            h = h + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return self.o(h)


@healthy("neural_ode_rk4")
def _():
    x, y = tab(64, 16, 4)
    return NODE(), (x,), y, CE


class DEQ(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.u, self.w, self.o = nn.Linear(16, d), nn.Linear(d, d, bias=False), nn.Linear(d, 4)
        self.w.weight.data.mul_(0.5)

    def forward(self, x):
        z, u = torch.zeros(len(x), self.w.in_features), self.u(x)
        with torch.no_grad():
            for _ in range(20):
                z = torch.tanh(self.w(z) + u)
        for _ in range(5):  # phantom gradient
            z = torch.tanh(self.w(z) + u)
        return self.o(z)


@healthy("deq_no_grad_then_unrolled")
def _():
    x, y = tab(64, 16, 4)
    return DEQ(), (x,), y, CE


class Sine(nn.Module):
    def __init__(self, i, o, w0=30.0, first=False):
        super().__init__()
        self.l, self.w0 = nn.Linear(i, o), w0
        b = 1 / i if first else math.sqrt(6 / i) / min(w0, 30.0)
        nn.init.uniform_(self.l.weight, -b, b)

    def forward(self, x):
        return torch.sin(self.w0 * self.l(x))


def coords(n=16):
    g = torch.linspace(-1, 1, n)
    c = torch.stack(torch.meshgrid(g, g, indexing="ij"), -1).reshape(-1, 2)
    ph = torch.rand(3) * 6
    return c, torch.stack(
        [torch.sin(4 * c[:, 0] + ph[0]), torch.cos(5 * c[:, 1] + ph[1]), torch.sin(3 * c[:, 0] * c[:, 1] + ph[2])], 1
    ) * 0.5


@healthy("siren_image_fit")
def _():
    c, y = coords()
    return nn.Sequential(Sine(2, 48, first=True), Sine(48, 48), Sine(48, 48), nn.Linear(48, 3)), (c,), y, MSE


class NeRF(nn.Module):
    def __init__(self, L=6):
        super().__init__()
        self.L = L
        self.f = nn.Sequential(nn.Linear(6 * L, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))

    def forward(self, pts):  # rays x samples x 3
        e = torch.cat([f(2.0**k * math.pi * pts) for k in range(self.L) for f in (torch.sin, torch.cos)], -1)
        o = self.f(e)
        al = 1 - torch.exp(-F.softplus(o[..., 3]) * 0.2)
        T = torch.cumprod(torch.cat([torch.ones_like(al[:, :1]), 1 - al + 1e-10], 1), 1)[:, :-1]
        return ((al * T)[..., None] * torch.sigmoid(o[..., :3])).sum(1)


def rays(n=128, s=12):
    o, d = torch.zeros(n, 1, 3), F.normalize(torch.randn(n, 3), dim=1)[:, None]
    p = o + d * torch.linspace(0.2, 1.0, s)[None, :, None]
    return p, 0.5 + 0.45 * torch.sin(3 * d[:, 0])


@healthy("nerf_volume_rendering")
def _():
    p, y = rays()
    return NeRF(), (p,), y, MSE


class Hyper(nn.Module):
    def __init__(self, z=4, h=16):
        super().__init__()
        self.h, self.g = h, nn.Sequential(nn.Linear(z, 32), nn.ReLU(), nn.Linear(32, h + h + h + 1))
        self.g[2].weight.data.mul_(0.3)

    def forward(self, x, z):
        w1, b1, w2, b2 = self.g(z).split([self.h, self.h, self.h, 1], 1)
        return (torch.tanh(x * w1 + b1) * w2).sum(1, keepdim=True) + b2


@healthy("hypernetwork")
def _():
    x, z = torch.rand(128, 1) * 4 - 2, torch.randn(128, 4)
    return Hyper(), (x, z), torch.sin(x * 1.5) * z[:, :1] + z[:, 1:2], MSE


# ------------------------------------------------------------------ fine tuning
class LoRA(nn.Module):
    def __init__(self, base, r=4, zero_a=False):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.A, self.B = (
            nn.Parameter(torch.randn(r, base.in_features) / base.in_features**0.5),
            nn.Parameter(torch.zeros(base.out_features, r)),
        )
        if zero_a:
            nn.init.zeros_(self.A)

    def forward(self, x):
        return self.base(x) + 4 * (x @ self.A.t() @ self.B.t())


def lora_gpt(zero_a=False):
    m = GPT(n=2)
    for p in m.parameters():
        p.data.mul_(3 if p.dim() == 2 else 1)
    m.requires_grad_(False)
    for b in m.b:
        b.a.qkv, b.a.o, b.m[0], b.m[2] = (LoRA(l, zero_a=zero_a) for l in (b.a.qkv, b.a.o, b.m[0], b.m[2]))
    return m


@healthy("lora_on_frozen_gpt")
def _():
    x, y = toks(8, 16)
    return (
        lora_gpt(),
        (x,),
        y,
        lm_loss,
        lambda m: torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], 1e-2),
    )


class AdapterBlock(nn.Module):
    def __init__(self, blk, d):
        super().__init__()
        self.blk, self.dn, self.up = blk.requires_grad_(False), nn.Linear(d, 8), nn.Linear(8, d)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x):
        x = self.blk(x)
        return x + self.up(F.gelu(self.dn(x)))


@healthy("adapters_frozen_vit")
def _():
    m = ViT(zero_head=False, n=2).requires_grad_(False)
    m.blocks = nn.ModuleList(AdapterBlock(b, 32) for b in m.blocks)
    m.head.requires_grad_(True)
    x, y = imgs()
    return m, (x,), y, CE


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.bb, self.head = resnet(16).eval().requires_grad_(False), nn.Linear(16, 4)

    def train(self, mode=True):
        super().train(mode)
        self.bb.eval()
        return self

    def forward(self, x):
        with torch.no_grad():
            f = self.bb(x)
        return self.head(F.normalize(f, dim=1) * 4)


@healthy("frozen_backbone_linear_probe")
def _():
    x, y = imgs(16)
    return Frozen(), (x,), y, CE


class Distill(nn.Module):
    def __init__(self):
        super().__init__()
        self.t, self.s = (
            nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 6)),
            nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 6)),
        )
        for p in self.t.parameters():
            p.data.mul_(2.5)

    def forward(self, x):
        with torch.no_grad():
            t = self.t(x)
        return self.s(x), t


@healthy("distillation_teacher_no_grad")
def _():
    return (
        Distill(),
        (torch.randn(64, 16),),
        torch.zeros(1),
        lambda o, t: 4 * F.kl_div((o[0] / 2).log_softmax(1), (o[1] / 2).softmax(1), reduction="batchmean"),
    )


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.f, self.h1, self.h2, self.ls = (
            nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()),
            nn.Linear(32, 1),
            nn.Linear(32, 4),
            nn.Parameter(torch.zeros(2)),
        )

    def forward(self, x):
        h = self.f(x)
        return self.h1(h), self.h2(h), self.ls


@healthy("multitask_uncertainty_weights", floor=-1.0)
def _():
    x, y = tab()
    k = (x[:, 0] > 0).long() * 2 + (x[:, 1] > 0).long()
    return (
        MultiTask(),
        (x,),
        (y, k),
        lambda o, t: MSE(o[0], t[0]) * (-o[2][0]).exp() + CE(o[1], t[1]) * (-o[2][1]).exp() + o[2].sum() / 2,
    )


# ------------------------------------------------------------------ heads and losses
class CRNN(nn.Module):
    def __init__(self, k=6):
        super().__init__()
        self.c, self.r, self.o = (
            nn.Sequential(nn.Conv1d(8, 32, 3, padding=1), nn.BatchNorm1d(32), nn.ReLU()),
            nn.GRU(32, 24, bidirectional=True, batch_first=True),
            nn.Linear(48, k),
        )

    def forward(self, x):
        return self.o(self.r(self.c(x).transpose(1, 2))[0]).log_softmax(-1).transpose(0, 1)


def ctc_data(b=8):
    y = torch.randint(1, 6, (b, 4))
    x = torch.randn(b, 8, 20) * 0.3
    for i in range(b):
        for j in range(4):
            x[i, y[i, j], 5 * j : 5 * j + 3] += 2
    return x, y


@healthy("crnn_ctc")
def _():
    x, y = ctc_data()
    il, tl = torch.full((8,), 20), torch.full((8,), 4)
    return CRNN(), (x,), y, lambda o, t: F.ctc_loss(o, t, il, tl, zero_infinity=True)


class MDN(nn.Module):
    def __init__(self, k=5):
        super().__init__()
        self.f, self.pi, self.mu, self.s = (
            nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh()),
            nn.Linear(32, k),
            nn.Linear(32, k),
            nn.Linear(32, k),
        )

    def forward(self, x):
        h = self.f(x)
        return self.pi(h).log_softmax(1), self.mu(h), F.softplus(self.s(h)) + 1e-3


def mdn_nll(o, y):
    return -torch.logsumexp(o[0] + torch.distributions.Normal(o[1], o[2]).log_prob(y), 1).mean()


@healthy("mixture_density_network", floor=-0.5)
def _():
    t = torch.rand(128, 1) * 2 - 1
    return MDN(), (t + 0.3 * torch.sin(6 * t) + 0.02 * torch.randn_like(t),), t, mdn_nll


class CRF(nn.Module):
    def __init__(self, v=20, k=5):
        super().__init__()
        self.e, self.r, self.o = (
            nn.Embedding(v, 16),
            nn.LSTM(16, 16, batch_first=True, bidirectional=True),
            nn.Linear(32, k),
        )
        self.tr, self.st = nn.Parameter(torch.randn(k, k) * 0.1), nn.Parameter(torch.zeros(k))

    def forward(self, x):
        em = self.o(self.r(self.e(x))[0])
        a = self.st + em[:, 0]
        for t in range(1, x.shape[1]):
            a = torch.logsumexp(a[:, :, None] + self.tr, 1) + em[:, t]
        return em, a.logsumexp(1), self.tr, self.st


def crf_nll(o, y):
    em, z, tr, st = o
    s = em.gather(2, y[..., None]).squeeze(-1).sum(1) + st[y[:, 0]] + tr[y[:, :-1], y[:, 1:]].sum(1)
    return (z - s).mean()


@healthy("bilstm_crf")
def _():
    x = torch.randint(0, 20, (16, 12))
    y = x % 3 + 2 * (x.roll(1, 1) > 12).long() * (x % 3 == 0)
    return CRF(), (x,), y.clamp(max=4), crf_nll


class Coral(nn.Module):
    def __init__(self, k=5):
        super().__init__()
        self.f, self.b = (
            nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 1, bias=False)),
            nn.Parameter(torch.linspace(1, -1, k - 1)),
        )

    def forward(self, x):
        return self.f(x) + self.b


@healthy("ordinal_regression_coral")
def _():
    x, y = tab(64, 16, 5)
    return Coral(), (x,), (y[:, None] > torch.arange(4)).float(), BCEL


@healthy("quantile_regression_pinball")
def _():
    x, y = tab(128)
    q = torch.tensor([0.1, 0.5, 0.9])
    return (
        nn.Sequential(nn.Linear(16, 64), nn.SiLU(), nn.Linear(64, 3)),
        (x,),
        y,
        lambda o, t: torch.max(q * (t - o), (q - 1) * (t - o)).mean(),
    )


@healthy("poisson_regression_log_link", floor=-9.0)
def _():
    x, y = tab(128)
    lam = torch.exp(0.7 * y + 1).clamp(max=30)
    return (
        nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 1)),
        (x,),
        torch.poisson(lam),
        nn.PoissonNLLLoss(log_input=True),
    )


# ------------------------------------------------------------------ tabular, recommender
class WideDeep(nn.Module):
    def __init__(self, n=200):
        super().__init__()
        self.wide, self.emb = nn.EmbeddingBag(n, 1, mode="sum"), nn.EmbeddingBag(n, 8, mode="mean")
        self.deep = nn.Sequential(nn.Linear(8 + 4, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, ids, off, dense):
        return (self.wide(ids, off) + self.deep(torch.cat([self.emb(ids, off), dense], 1))).squeeze(1)


@healthy("wide_deep_embeddingbag_one_logit")
def _():
    ln = torch.randint(1, 6, (64,))
    off = torch.cat([torch.zeros(1, dtype=torch.long), ln.cumsum(0)[:-1]])
    ids, d = torch.randint(0, 60, (int(ln.sum()),)), torch.randn(64, 4)  # most rows of the table never occur
    w = torch.randn(200)
    s = torch.zeros(64).index_add(0, torch.repeat_interleave(torch.arange(64), ln), w[ids])
    return WideDeep(), (ids, off, d), (s + d[:, 0] > 0).float(), BCEL


class DLRM(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.ModuleList(nn.Embedding(n, 8) for n in (10, 50, 100))
        self.bot, self.top = (
            nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU()),
            nn.Sequential(nn.Linear(8 + 6, 24), nn.ReLU(), nn.Linear(24, 1)),
        )

    def forward(self, d, c):
        b = self.bot(d)
        z = torch.stack([b] + [e(c[:, i]) for i, e in enumerate(self.e)], 1)
        i, j = torch.tril_indices(4, 4, -1)
        return torch.sigmoid(self.top(torch.cat([b, (z @ z.transpose(1, 2))[:, i, j]], 1))).squeeze(1)


@healthy("dlrm_sigmoid_bce")
def _():
    d, c = torch.randn(96, 6), torch.stack([torch.randint(0, n, (96,)) for n in (10, 50, 100)], 1)
    return DLRM(), (d, c), ((d[:, 0] + (c[:, 0] % 2) * 2 - 1) > 0).float(), nn.BCELoss()


class FM(nn.Module):
    def __init__(self, n=40, k=8):
        super().__init__()
        self.w, self.v, self.b = nn.Embedding(n, 1), nn.Embedding(n, k), nn.Parameter(torch.zeros(1))
        nn.init.normal_(self.v.weight, std=0.05)
        nn.init.zeros_(self.w.weight)

    def forward(self, i):
        v = self.v(i)
        return self.b + self.w(i).sum((1, 2)) + 0.5 * (v.sum(1).pow(2) - v.pow(2).sum(1)).sum(1)


@healthy("factorization_machine")
def _():
    i = torch.stack([torch.randint(0, 10, (128,)) + 10 * k for k in range(4)], 1)
    u = torch.randn(40, 2)
    y = (u[i[:, 0]] * u[i[:, 1]]).sum(1) + u[i[:, 2], 0]
    return FM(), (i,), y, MSE


class MF(nn.Module):
    def __init__(self, nu=30, ni=40, k=8):
        super().__init__()
        self.u, self.i, self.bu, self.bi = (
            nn.Embedding(nu, k),
            nn.Embedding(ni, k),
            nn.Embedding(nu, 1),
            nn.Embedding(ni, 1),
        )
        for e in (self.u, self.i):
            nn.init.normal_(e.weight, std=0.1)
        nn.init.zeros_(self.bu.weight)
        nn.init.zeros_(self.bi.weight)

    def forward(self, u, i):
        return 3 + (self.u(u) * self.i(i)).sum(1) + (self.bu(u) + self.bi(i)).squeeze(1)


@healthy("matrix_factorization_biases")
def _():
    u, i = torch.randint(0, 30, (256,)), torch.randint(0, 40, (256,))
    U, V = torch.randn(30, 3), torch.randn(40, 3)
    return MF(), (u, i), (3 + (U[u] * V[i]).sum(1) * 0.6).clamp(1, 5), MSE


class GLUBN(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.l, self.b = nn.Linear(i, 2 * o, bias=False), nn.BatchNorm1d(2 * o)

    def forward(self, x):
        return F.glu(self.b(self.l(x)), 1)


class TabNet(nn.Module):
    def __init__(self, d=16, h=16, steps=3):
        super().__init__()
        self.bn, self.shared = nn.BatchNorm1d(d), GLUBN(d, h)
        self.step, self.att = (
            nn.ModuleList(GLUBN(h, h) for _ in range(steps)),
            nn.ModuleList(nn.Sequential(nn.Linear(h // 2, d), nn.BatchNorm1d(d)) for _ in range(steps)),
        )
        self.o, self.h = nn.Linear(h // 2, 4), h

    def forward(self, x):
        x = self.bn(x)
        prior, out, a = torch.ones_like(x), 0, x.new_zeros(len(x), self.h // 2)
        for s, at in zip(self.step, self.att):
            m = (at(a) * prior).softmax(1) * x.shape[1]
            prior = prior * (1.5 - m / x.shape[1])
            h = self.shared(x * m)
            h = (h + s(h)) * 0.5**0.5
            d, a = h.chunk(2, 1)
            out = out + F.relu(d)
        return self.o(out)


@healthy("tabnet_like")
def _():
    x, y = tab(128, 16, 4)
    return TabNet(), (x * torch.logspace(-1, 1, 16),), y, CE


class SoftTrees(nn.Module):
    def __init__(self, d=16, t=12, depth=3, k=4):
        super().__init__()
        self.D, self.w = depth, nn.Parameter(torch.randn(t, 2**depth - 1, d) / d**0.5)
        self.b, self.leaf = nn.Parameter(torch.zeros(t, 2**depth - 1)), nn.Parameter(torch.randn(t, 2**depth, k) * 0.1)

    def forward(self, x):
        p = torch.sigmoid(2 * (torch.einsum("bd,tnd->btn", x, self.w) + self.b))
        r, i = torch.ones(len(x), self.w.shape[0], 1), 0
        for l in range(self.D):
            q = p[..., i : i + 2**l]
            r = torch.stack([r * q, r * (1 - q)], -1).flatten(2)
            i += 2**l
        return torch.einsum("btl,tlk->bk", r, self.leaf)


@healthy("soft_decision_trees")
def _():
    x, y = tab(128, 16, 4)
    return SoftTrees(), (x,), y, CE


class KANLayer(nn.Module):
    def __init__(self, i, o, g=8):
        super().__init__()
        self.register_buffer("c", torch.linspace(-2, 2, g))
        self.coef, self.base = nn.Parameter(torch.randn(o, i, g) * 0.1 / i**0.5), nn.Linear(i, o, bias=False)

    def forward(self, x):
        b = torch.exp(-(((x[..., None] - self.c) / 0.57) ** 2))
        return self.base(F.silu(x)) + torch.einsum("big,oig->bo", b, self.coef)


@healthy("kan_rbf_splines")
def _():
    x, y = tab(128, 8)
    return nn.Sequential(KANLayer(8, 12), KANLayer(12, 1)), (x,), y, MSE


# ------------------------------------------------------------------ odd arithmetic
class Capsules(nn.Module):
    def __init__(self):
        super().__init__()
        self.c, self.p = nn.Conv2d(3, 16, 5, 2), nn.Conv2d(16, 32, 5, 3)
        self.W = nn.Parameter(torch.randn(64, 4, 8, 8) * 0.1)  # 64 in caps(8) -> 4 out caps(8)

    @staticmethod
    def squash(s):
        n = s.pow(2).sum(-1, keepdim=True)
        return n / (1 + n) * s / (n + 1e-8).sqrt()

    def forward(self, x):
        u = self.squash(self.p(F.relu(self.c(x))).view(len(x), 4, 8, -1).permute(0, 1, 3, 2).reshape(len(x), -1, 8))
        uh = torch.einsum("nid,ijde->nije", u, self.W[: u.shape[1]])
        b = torch.zeros(uh.shape[:3])
        for r in range(3):
            v = self.squash((b.softmax(2)[..., None] * (uh if r == 2 else uh.detach())).sum(1))
            if r < 2:
                b = b + (uh.detach() * v[:, None]).sum(-1)
        return v.norm(dim=-1)


def margin(o, y):
    t = F.one_hot(y, o.shape[1]).float()
    return (t * F.relu(0.9 - o) ** 2 + 0.5 * (1 - t) * F.relu(o - 0.1) ** 2).sum(1).mean()


@healthy("capsule_dynamic_routing")
def _():
    x, y = imgs()
    return Capsules(), (x,), y, margin


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v > 0).float()

    @staticmethod
    def backward(ctx, g):
        (v,) = ctx.saved_tensors
        return g / (1 + 5 * v.abs()) ** 2


class SNN(nn.Module):
    def __init__(self, surrogate=True, T=12):
        super().__init__()
        self.a, self.b, self.o, self.T = nn.Linear(16, 64), nn.Linear(64, 64), nn.Linear(64, 4), T
        self.sp = Spike.apply if surrogate else (lambda v: (v > 0).float())

    def forward(self, x):
        v1, v2, out = 0, 0, 0
        for _ in range(self.T):
            v1 = 0.9 * v1 + self.a(x)
            s1 = self.sp(v1 - 1)
            v1 = v1 - s1.detach()
            v2 = 0.9 * v2 + self.b(s1)
            s2 = self.sp(v2 - 1)
            v2 = v2 - s2.detach()
            out = out + self.o(s2)
        return out / self.T


@healthy("spiking_surrogate_gradient")
def _():
    x, y = tab(64, 16, 4)
    return SNN(), (x,), y, CE


def fq(x, bits=4, ste=True):
    s = x.detach().abs().max().clamp(min=1e-8) / (2 ** (bits - 1) - 1)
    q = (x / s).round() * s
    return x + (q - x).detach() if ste else q


class QLinear(nn.Linear):
    ste = True

    def forward(self, x):
        return F.linear(fq(x, 8, self.ste), fq(self.weight, 4, self.ste), self.bias)


@healthy("qat_fake_quant_ste")
def _():
    x, y = tab(64, 16, 4)
    return nn.Sequential(QLinear(16, 64), nn.ReLU(), QLinear(64, 64), nn.ReLU(), QLinear(64, 4)), (x,), y, CE


class BinConv(nn.Conv2d):
    def forward(self, x):
        w = self.weight
        b = w.sign() * w.abs().mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, w.clamp(-1, 1) + (b - w.clamp(-1, 1)).detach(), None, self.stride, self.padding)


@healthy("binary_weights_xnor")
def _():
    x, y = imgs()
    m = nn.Sequential(
        nn.Conv2d(3, 12, 3, 2, 1),
        nn.BatchNorm2d(12),
        nn.Hardtanh(),
        BinConv(12, 24, 3, 2, 1, bias=False),
        nn.BatchNorm2d(24),
        nn.Hardtanh(),
        BinConv(24, 24, 3, 1, 1, bias=False),
        nn.BatchNorm2d(24),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(96, 4),
    )
    return m, (x,), y, CE


class CLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.w = nn.Parameter(torch.randn(o, i, dtype=torch.cfloat) / i**0.5)

    def forward(self, x):
        return x @ self.w.t()


class ModReLU(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.b = nn.Parameter(torch.zeros(d))

    def forward(self, z):
        return torch.polar(F.relu(z.abs() + self.b), z.angle())


class ComplexNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.r, self.b, self.o = CLinear(17, 32), ModReLU(32), CLinear(32, 16), nn.Linear(16, 4)

    def forward(self, x):
        return self.o(self.b(self.r(self.a(torch.fft.rfft(x, norm="ortho")))).abs())


@healthy("complex_weights_fft")
def _():
    t = torch.arange(32) / 32.0
    y = torch.arange(64) % 4
    x = torch.sin(2 * math.pi * (2 + 2 * y[:, None]) * t + 6 * torch.rand(64, 1)) + 0.5 * torch.randn(64, 32)
    return ComplexNet(), (x,), y, CE


@healthy("spectral_norm_discriminator_hinge")
def _():
    sn = PZ.spectral_norm
    m = nn.Sequential(
        sn(nn.Conv2d(3, 12, 4, 2, 1)),
        nn.LeakyReLU(0.1),
        sn(nn.Conv2d(12, 24, 4, 2, 1)),
        nn.LeakyReLU(0.1),
        nn.Flatten(),
        sn(nn.Linear(24 * 64, 1)),
    )
    x, y = imgs(8, 2)
    return m, (x,), y[:, None].float() * 2 - 1, lambda o, t: F.relu(1 - o * t).mean()


class Ckpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.b, self.o = (
            nn.Embedding(32, 32),
            nn.ModuleList(PreBlock(32, 4, True) for _ in range(3)),
            nn.Linear(32, 32),
        )

    def forward(self, i):
        x = self.e(i)
        for b in self.b:
            x = checkpoint(b, x, use_reentrant=False)
        return self.o(x)


@healthy("checkpointed_transformer")
def _():
    x, y = toks(8, 16)
    return Ckpt(), (x,), y, lm_loss


class MAML(nn.Module):
    def __init__(self, h=32):
        super().__init__()
        self.p = nn.ParameterList(
            [
                nn.Parameter(torch.randn(h, 1)),
                nn.Parameter(torch.randn(h)),
                nn.Parameter(torch.randn(h, h) / h**0.5),
                nn.Parameter(torch.zeros(h)),
                nn.Parameter(torch.randn(1, h) / h**0.5),
                nn.Parameter(torch.zeros(1)),
            ]
        )

    def net(self, x, p):
        return F.linear(torch.tanh(F.linear(torch.tanh(F.linear(x, p[0], p[1])), p[2], p[3])), p[4], p[5])

    def forward(self, xs, ys, xq):
        out = []
        for a, b, c in zip(xs, ys, xq):
            p = list(self.p)
            for _ in range(2):
                g = torch.autograd.grad(MSE(self.net(a, p), b), p, create_graph=True)
                p = [w - 0.05 * d for w, d in zip(p, g)]
            out.append(self.net(c, p))
        return torch.stack(out)


@healthy("maml_inner_loop")
def _():
    A, ph = torch.rand(4, 1, 1) * 2 + 1, torch.rand(4, 1, 1) * 3
    xs, xq = torch.rand(4, 10, 1) * 6 - 3, torch.rand(4, 10, 1) * 6 - 3
    f = lambda x: A * torch.sin(x + ph)
    return MAML(), (xs, f(xs), xq), f(xq), MSE


class GumbelAE(nn.Module):
    def __init__(self, tau=1.0, hard=True):
        super().__init__()
        self.e, self.d, self.tau, self.hard = (
            nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 6 * 8)),
            nn.Sequential(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 64)),
            tau,
            hard,
        )

    def forward(self, x):
        return self.d(F.gumbel_softmax(self.e(x).view(-1, 6, 8), self.tau, self.hard).flatten(1))


@healthy("gumbel_softmax_hard_autoencoder")
def _():
    x = bars()
    return GumbelAE(), (x,), x, BCEL


# ------------------------------------------------------------------ healthy but odd
@healthy("loss_scaled_1e-3")
def _():
    x, y = tab(64, 16, 4)
    return (
        nn.Sequential(nn.Linear(16, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 4)),
        (x,),
        y,
        lambda o, t: 1e-3 * CE(o, t),
    )


class ResMLP(nn.Module):
    def __init__(self, d=32, n=60):
        super().__init__()
        self.i, self.o = nn.Linear(16, d), nn.Linear(d, 1)
        self.f = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(d), nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d)) for _ in range(n)
        )
        for f in self.f:
            f[3].weight.data.mul_(n**-0.5)

    def forward(self, x):
        x = self.i(x)
        for f in self.f:
            x = x + f(x)
        return self.o(x)


@healthy("resmlp_60_blocks_prenorm")
def _():
    x, y = tab()
    return ResMLP(), (x,), y, MSE


@healthy("wide_4096_one_hidden")
def _():
    x, y = tab()
    return nn.Sequential(nn.Linear(16, 4096), nn.ReLU(), nn.Linear(4096, 1)), (x,), y, MSE


class Act(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


@healthy("square_activation_polynomial_net")
def _():
    x, y = tab(64, 8)
    return (
        nn.Sequential(
            nn.Linear(8, 48),
            Act(lambda v: v * v),
            nn.LayerNorm(48),
            nn.Linear(48, 32),
            Act(torch.square),
            nn.Linear(32, 1),
        ),
        (x,),
        y,
        MSE,
    )


@healthy("softplus_then_exp_clamped_positive_targets")
def _():
    x, y = tab()
    return (
        nn.Sequential(nn.Linear(16, 48), nn.Softplus(), nn.Linear(48, 1), Act(lambda v: v.clamp(-8, 8).exp())),
        (x,),
        torch.exp(y * 0.6),
        MSE,
    )


class Denorm(nn.Module):
    def __init__(self, net, mean, std):
        super().__init__()
        self.net = net
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x):
        return self.net(x) * self.std + self.mean


@healthy("targets_1e3_denormalised_output")
def _():
    x, y = tab()
    y = 4000 + 1000 * y
    return (
        Denorm(
            nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)),
            y.mean(),
            y.std(),
        ),
        (x,),
        y,
        F.l1_loss,
    )


@healthy("selu_alpha_dropout_12_layers")
def _():
    x, y = tab(64, 16, 4)
    ls = [nn.Linear(16, 48), nn.SELU()]
    for _ in range(10):
        ls += [nn.Linear(48, 48), nn.SELU()]
    ls += [nn.AlphaDropout(0.05), nn.Linear(48, 4)]
    m = nn.Sequential(*ls)
    for l in m:
        if isinstance(l, nn.Linear):
            nn.init.kaiming_normal_(l.weight, nonlinearity="linear")
            nn.init.zeros_(l.bias)
    return m, (x,), y, CE


@healthy("focal_prior_bias_detector_head")
def _():
    x = torch.randn(4, 3, 32, 32) * 0.5
    y = torch.zeros(4, 1, 8, 8)
    for b in range(4):
        for _ in range(2):
            i, j = torch.randint(0, 8, (2,)).tolist()
            y[b, 0, i, j] = 1
            x[b, :, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4] += 2
    m = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, 1, 1),
        nn.ReLU(),
        nn.Conv2d(16, 1, 1),
    )
    nn.init.normal_(m[-1].weight, std=0.01)
    nn.init.constant_(m[-1].bias, -math.log(99))

    def focal(o, t):
        p = o.sigmoid()
        pt = t * p + (1 - t) * (1 - p)
        return (
            (0.25 * t + 0.75 * (1 - t)) * (1 - pt) ** 2 * F.binary_cross_entropy_with_logits(o, t, reduction="none")
        ).sum() / t.sum()

    return m, (x,), y, focal


# ====================================================================== SICK
V, X, D, S, Z, C_, SH, L_, DA, NU, N_, O_, CO = (
    "vanishing",
    "exploding",
    "dead units",
    "saturated",
    "zero gradient by code",
    "constant/degenerate initialization",
    "shattered/noise gradients",
    "loss or last layer mistake",
    "data mistake",
    "numeric",
    "normalization/dropout misuse",
    "optimizer/training-loop mistake",
    "collapse of similarity",
)


# ---------------------------------------------------------------- vanishing
@sick(
    "sigmoid_mlp_10_layers",
    V,
    "ten sigmoid layers with default init, the gradient dies on the way down; repaired: GELU + LayerNorm",
)
def _(fix):
    x, y = tab(64, 16, 4)
    ls, d = [], 16
    for _ in range(10):
        ls += [nn.Linear(d, 48)] + ([nn.LayerNorm(48), nn.GELU()] if fix else [nn.Sigmoid()])
        d = 48
    return nn.Sequential(*ls, nn.Linear(48, 4)), (x,), y, CE


@sick(
    "plain_cnn_24_no_norm_default_init",
    V,
    "24 plain conv layers without norm or skip at PyTorch's default init; repaired: BatchNorm + residual blocks",
)
def _(fix):
    x, y = imgs()
    ls = [nn.Conv2d(3, 12, 3, 4, 1), nn.ReLU()]
    for _ in range(12):
        ls += (
            [PreActBlock(12)] if fix else [nn.Conv2d(12, 12, 3, 1, 1), nn.ReLU(), nn.Conv2d(12, 12, 3, 1, 1), nn.ReLU()]
        )
    return nn.Sequential(*ls, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4)), (x,), y, CE


class Elman(nn.Module):
    def __init__(self, cell, d=4, h=32, o=4):
        super().__init__()
        self.r, self.o = cell(d, h, batch_first=True), nn.Linear(h, o)

    def forward(self, x):
        return self.o(self.r(x)[0][:, -1])


class ShrinkTower(nn.Module):
    def __init__(self, fix, n=14):
        super().__init__()
        self.fix, self.e = fix, nn.Embedding(32, 32)
        self.f = nn.ModuleList(nn.Conv1d(32, 64, 3) for _ in range(n))
        self.o = nn.Linear(32, 32)

    def forward(self, i):
        x = self.e(i).transpose(1, 2)
        for f in self.f:
            h = F.glu(f(F.pad(x, (2, 0))), 1)
            x = (x + h) * 0.5**0.5 if self.fix else h
        return self.o(x.transpose(1, 2))


@sick(
    "glu_conv_lm_forgot_residual",
    V,
    "gated conv language model (14 GLU layers) where the residual sum was forgotten: each gate halves signal and gradient",
)
def _(fix):
    x, y = toks(8, 16)
    return ShrinkTower(fix), (x,), y, lm_loss


class DeepAE(nn.Module):
    def __init__(self, fix):
        super().__init__()
        d = [64, 48, 40, 32, 24, 16, 8, 16, 24, 32, 40, 48, 64]
        ls = []
        for a, b in zip(d, d[1:]):
            l = nn.Linear(a, b)
            if not fix:
                nn.init.normal_(l.weight, std=0.02)
                nn.init.zeros_(l.bias)
            else:
                nn.init.xavier_normal_(l.weight, gain=5 / 3)
            ls += [l, nn.Tanh()]
        self.f = nn.Sequential(*ls[:-1])

    def forward(self, x):
        return self.f(x)


@sick(
    "deep_autoencoder_std002_init",
    V,
    "12-layer tanh autoencoder with the DCGAN/BERT init std=0.02 copied in although there is no norm layer",
)
def _(fix):
    x = bars()
    return DeepAE(fix), (x - x.mean(),), x, BCEL


# ---------------------------------------------------------------- exploding
class ManualRNN(nn.Module):
    def __init__(self, fix, h=32):
        super().__init__()
        self.wx, self.wh, self.o = (
            nn.Parameter(torch.randn(4, h) * 0.3),
            nn.Parameter(torch.eye(h) if fix else torch.randn(h, h) * 0.35),
            nn.Linear(h, 1),
        )

    def forward(self, x):
        h = x.new_zeros(len(x), self.wh.shape[0])
        for t in range(x.shape[1]):
            h = F.relu(x[:, t] @ self.wx + h @ self.wh)
        return self.o(h / 10)


@sick(
    "relu_rnn_randn_recurrent",
    X,
    "hand-written ReLU RNN with a random recurrent matrix of spectral radius 2 over 30 steps; repaired: identity init",
)
def _(fix):
    x, y = series()
    return ManualRNN(fix), (x,), y, MSE


class NoNormResNet(nn.Module):
    def __init__(self, fix, c=12, n=24):
        super().__init__()
        self.stem, self.o = nn.Conv2d(3, c, 8, 8), nn.Linear(c, 4)
        self.f = nn.ModuleList(
            nn.Sequential(nn.ReLU(), nn.Conv2d(c, c, 3, 1, 1), nn.ReLU(), nn.Conv2d(c, c, 3, 1, 1)) for _ in range(n)
        )
        for f in self.f:
            for l in (f[1], f[3]):
                nn.init.kaiming_normal_(l.weight)
            if fix:
                nn.init.zeros_(f[3].weight)

    def forward(self, x):
        x = self.stem(x)
        for f in self.f:
            x = x + f(x)
        return self.o(x.mean((2, 3)))


class SumGCN(nn.Module):
    def __init__(self, fix, n=8):
        super().__init__()
        self.fix, self.i, self.l, self.o = (
            fix,
            nn.Linear(8, 24),
            nn.ModuleList(nn.Linear(24, 24) for _ in range(n)),
            nn.Linear(24, 2),
        )

    def forward(self, x, ei):
        x = self.i(x)
        deg = torch.zeros(len(x)).index_add(0, ei[1], torch.ones(ei.shape[1])).clamp(min=1)[:, None]
        for l in self.l:
            a = torch.zeros_like(x).index_add(0, ei[1], x[ei[0]])
            x = x + F.relu(l(a / deg)) if self.fix else x + F.relu(l(a))
        return self.o(x)


@sick(
    "gcn_sum_aggregation_dense_graph",
    X,
    "8 message passing layers summing over ~60 neighbours with no degree normalisation: activations grow by 10x per layer",
)
def _(fix):
    x, ei, y = graph(40, 1200)
    return SumGCN(fix), (x, ei), y, CE


class Euler(nn.Module):
    def __init__(self, fix, n=40):
        super().__init__()
        self.n, self.dt, self.i, self.a, self.b, self.o = (
            n,
            (1 / n if fix else 1.0),
            nn.Linear(16, 24),
            nn.Linear(24, 24),
            nn.Linear(24, 24),
            nn.Linear(24, 1),
        )

    def forward(self, x):
        h = self.i(x)
        for _ in range(self.n):
            h = h + self.dt * self.b(F.softplus(self.a(h)))
        return self.o(h)


@sick(
    "euler_ode_forgot_dt",
    X,
    "Euler-integrated neural ODE (40 steps) where the step size dt was forgotten; repaired: dt = 1/40",
)
def _(fix):
    x, y = tab()
    return Euler(fix), (x,), y, MSE


# ---------------------------------------------------------------- dead units
@sick(
    "retina_prior_bias_on_all_convs",
    D,
    "the RetinaNet prior bias -log(99) set on every conv instead of only the last: all ReLUs dead",
)
def _(fix):
    x, y = imgs(8, 2)
    m = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, 2, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(16, 1, 1),
        nn.Flatten(),
    )
    cs = [l for l in m if isinstance(l, nn.Conv2d)]
    for l in cs:
        nn.init.normal_(l.weight, std=0.05)
    for l in cs[-1:] if fix else cs:
        nn.init.constant_(l.bias, -math.log(99))
    return m, (x,), y[:, None].float(), BCEL


@sick(
    "log_features_all_negative_positive_weights",
    D,
    "log-probability features (all about -12) into ReLU layers initialised with torch.rand (positive): first layer never fires; repaired: standardised features",
)
def _(fix):
    x, y = tab(64, 16, 4)
    x = -12 + x
    if fix:
        x = (x - x.mean(0)) / x.std(0)
    m = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))
    m[0].weight.data = torch.rand(48, 16) / 8
    return m, (x,), y, CE


@sick(
    "dueling_dqn_relu_head_negative_rewards",
    D,
    "ReLU on the Q head although all returns are negative (about -5): the outputs die at zero",
)
def _(fix):
    return DQNStep(not fix), transitions(shift=-5.0), torch.zeros(1), lambda o, t: F.smooth_l1_loss(o[0], o[1])


class VQDead(nn.Module):
    def __init__(self, fix, x):
        super().__init__()
        self.e, self.d, self.cb = (
            nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8)),
            nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64)),
            nn.Parameter(torch.randn(64, 8) * 5),
        )
        if fix:
            self.cb.data = self.e(x).detach() + 0.01 * torch.randn(64, 8)

    def forward(self, x):
        z = self.e(x)
        q = self.cb[torch.cdist(z.detach(), self.cb.detach()).argmin(1)]
        return self.d(z + (q - z).detach()), MSE(q, z.detach()) + 0.25 * MSE(z, q.detach())


@sick(
    "vq_codebook_far_from_encoder",
    D,
    "codebook ~N(0,25) while encoder outputs are ~0.1: one single code wins for everything, the rest is dead; repaired: codebook from encoder outputs",
    measure=lambda m, x, y: BCEL(m(*x)[0], y),
)
def _(fix):
    x = bars()
    return VQDead(fix, x), (x,), x, lambda o, t: BCEL(o[0], t) + o[1]


@sick(
    "ffn_layernorm_relu_bias_minus6",
    D,
    "pre-activation bias of the FFNs set to -6 'for sparsity': no ReLU in the model ever fires, only a constant passes",
)
def _(fix):
    x, y = tab(64, 16, 4)
    bl = lambda i: nn.Sequential(nn.Linear(i, 64), nn.ReLU(), nn.Linear(64, 32), nn.LayerNorm(32))
    m = nn.Sequential(bl(16), bl(32), nn.Linear(32, 4))
    for b in m[:2]:
        nn.init.constant_(b[0].bias, 0.0 if fix else -6.0)
    return m, (x,), y, CE


# ---------------------------------------------------------------- saturated
@sick("sigmoid_net_raw_pixels_255", S, "pixels 0..255 straight into sigmoid layers; repaired: standardised pixels")
def _(fix):
    x, y = imgs(32, 4, noise=1.5)
    x = ((x - x.min()) / (x.max() - x.min()) * 255).round()
    if fix:
        x = (x - x.mean()) / x.std()
    return (
        nn.Sequential(
            nn.Flatten(), nn.Linear(3072, 64), nn.Sigmoid(), nn.Linear(64, 32), nn.Sigmoid(), nn.Linear(32, 4)
        ),
        (x,),
        y,
        CE,
    )


@sick(
    "lstm_raw_prices",
    S,
    "LSTM fed with raw prices (~3e4): all gates saturated at the same values; repaired: per-feature standardisation of the window",
)
def _(fix):
    x, y = series(32)
    x = 30000 + 2000 * x
    if fix:
        x = (x - x.mean((0, 1))) / x.std((0, 1))
    m = Elman(nn.LSTM, o=1)
    return m, (x,), y, MSE


class HotAttn(nn.Module):
    def __init__(self, fix, d=64):
        super().__init__()
        self.fix, self.e, self.q, self.k, self.v, self.o = (
            fix,
            nn.Embedding(64, d),
            nn.Linear(d, d),
            nn.Linear(d, d),
            nn.Linear(d, d),
            nn.Linear(d, 4),
        )
        for l in (self.q, self.k):
            if fix:
                nn.init.xavier_uniform_(l.weight)
            else:
                nn.init.normal_(l.weight)

    def forward(self, i):
        x = self.e(i)
        a = self.q(x) @ self.k(x).transpose(1, 2)
        if self.fix:
            a = a / self.q.in_features**0.5
        return self.o((a.softmax(-1) @ self.v(x))[:, 0])


@sick(
    "attention_unscaled_randn_qk",
    S,
    "no 1/sqrt(d) and q/k weights from randn: logits of several hundred, softmax one-hot, no gradient to q/k, the first token only sees one random token",
)
def _(fix):
    y = torch.randint(0, 4, (256,))
    i = torch.randint(8, 64, (256, 12))
    i[:, 0] = 4
    i[torch.arange(256), torch.randint(1, 12, (256,))] = y
    return HotAttn(fix), (i,), y, CE


@sick(
    "tanh_policy_large_init",
    S,
    "tanh-squashed continuous policy whose layers are initialised with std 1: actions stuck at +-1 (behaviour cloning)",
)
def _(fix):
    x = torch.randn(128, 17)
    w = torch.randn(17, 3) / 17**0.5
    m = nn.Sequential(nn.Linear(17, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3), nn.Tanh())
    if not fix:
        for l in m:
            if isinstance(l, nn.Linear):
                nn.init.normal_(l.weight, std=2.0)
                nn.init.zeros_(l.bias)
    return m, (x,), torch.tanh(0.7 * x @ w), MSE


@sick(
    "clip_logit_scale_exponentiated_twice",
    S,
    "CLIP temperature: exp applied to an already exponentiated scale (14.3), scale ~1.6e6, softmax saturated",
)
def _(fix):
    x, y = imgs(12, 12)
    t = torch.stack([y % 4, 4 + y // 4, torch.full_like(y, 19)], 1)
    m = CLIP()
    if not fix:
        m.ls.data.fill_(1 / 0.07)
        old = m.forward
        m.forward = lambda x, t: (
            m.ls.exp() * F.normalize(m.im(x), dim=1) @ F.normalize(m.tp(m.tr(m.e(t))[:, -1]), dim=1).t()
        )
    return m, (x, t), torch.arange(12), lambda o, t: 0.5 * (CE(o, t) + CE(o.t(), t))


# ---------------------------------------------------------------- zero gradient by code
@sick(
    "vqvae_without_straight_through",
    Z,
    "quantised latent returned without the straight-through term: the encoder gets no gradient",
    measure=lambda m, x, y: MSE(m(*x)[0], y),
)
def _(fix):
    x, _ = imgs(8, noise=0.1)
    m = VQVAE(ste=fix)
    return m, (x,), x, lambda o, t: MSE(o[0], t) + o[1]


@sick("spiking_net_without_surrogate", Z, "spike = (v>threshold).float() without surrogate: only the readout learns")
def _(fix):
    x, y = tab(256, 16, 4)
    return SNN(surrogate=fix, T=6), (x,), y, CE


class Retensor(nn.Module):
    def __init__(self, fix):
        super().__init__()
        self.fix, self.e, self.r, self.o = (
            fix,
            nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
            nn.GRU(32, 16, batch_first=True),
            nn.Linear(16, 4),
        )

    def forward(self, x):  # b t c h w
        f = [self.e(x[:, t]) for t in range(x.shape[1])]
        f = torch.stack(f, 1) if self.fix else torch.tensor([v.tolist() for v in f]).transpose(0, 1)
        h = self.r(f)[1][0]
        if not self.fix:
            h = h.data
        return self.o(h)


@sick(
    "cnn_rnn_data_and_retensor",
    Z,
    "frame features collected with torch.tensor(list) and the last hidden state taken as .data: only the last linear layer gets gradient",
)
def _(fix):
    y = torch.randint(0, 4, (64,))
    x = torch.randn(64, 3, 3, 8, 8) * 1.0
    x[torch.arange(64), 2, y % 3] += 0.5 * torch.linspace(-1, 1, 8) * torch.where(y < 2, 1.0, -1.0)[:, None, None]
    return Retensor(fix), (x,), y, CE


@sick(
    "finetune_encoder_left_in_no_grad",
    Z,
    "encoder meant to be fine-tuned still wrapped in the torch.no_grad() of the evaluation code; its random features do not do",
)
def _(fix):
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.head = (
                nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 8)),
                nn.Linear(8, 4),
            )

        def forward(self, x):
            with torch.set_grad_enabled(fix and torch.is_grad_enabled()):
                h = self.enc(x)
            return self.head(h)

    x, y = tab(256, 16, 4)
    return M(), (x,), y, CE


@sick(
    "accuracy_as_loss_requires_grad",
    Z,
    "loss = 1 - accuracy, made 'differentiable' with requires_grad_(): no gradient at all",
    measure=lambda m, x, y: CE(m(*x), y),
)
def _(fix):
    x, y = imgs()
    return small_cnn(4), (x,), y, CE if fix else (lambda o, t: (1 - (o.argmax(1) == t).float().mean()).requires_grad_())


# ---------------------------------------------------------------- constant init
@sick("mlp_all_zero_init", C_, "all weights and biases zero 'for a neutral start'")
def _(fix):
    x, y = tab(64, 16, 4)
    m = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))
    if not fix:
        for p in m.parameters():
            nn.init.zeros_(p)
    return m, (x,), y, CE


def _(fix):
    x, y = imgs(32, 4, noise=1.5)
    m = small_cnn(4, norm=False)
    if not fix:
        for p in m[:-1].parameters():
            nn.init.constant_(p, 0.01)
        nn.init.constant_(m[-1].weight, 0.01)
        nn.init.zeros_(m[-1].bias)
    return m, (x,), y, CE


@sick("lora_both_factors_zero", C_, "LoRA with A and B both zero: no gradient to either")
def _(fix):
    x, y = toks(8, 16)
    return (
        lora_gpt(zero_a=not fix),
        (x,),
        y,
        lm_loss,
        lambda m: torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], 1e-2),
    )


@sick(
    "lstm_constant_weights",
    C_,
    "own init loop fills all LSTM weights with a constant 0.1: the 32 hidden units are one unit",
)
def _(fix):
    x, y = series(64)
    y = torch.stack([x[:, -1, 0] * x[:, -1, 1], x[:, -1, 2].abs()], 1)
    m = Elman(nn.LSTM, o=2)
    if not fix:
        for n, p in m.r.named_parameters():
            nn.init.constant_(p, 0.1 if "weight" in n else 0.0)
    return m, (x,), y, MSE


@sick(
    "embedding_matrix_factorization_zero",
    C_,
    "both embedding tables of a matrix factorisation initialised at 0: the product never gets a gradient, only the biases learn",
)
def _(fix):
    u, i = torch.randint(0, 30, (256,)), torch.randint(0, 40, (256,))
    U, W = torch.randn(30, 3), torch.randn(40, 3)
    m = MF()
    if not fix:
        nn.init.zeros_(m.u.weight)
        nn.init.zeros_(m.i.weight)
    return m, (u, i), 3 + (U[u] * W[i]).sum(1) * 0.6, MSE


# ---------------------------------------------------------------- shattered / noise
@sick(
    "plain_bn_relu_60_layers_no_skip",
    SH,
    "60 Linear-BatchNorm-ReLU layers without skips: gradients shattered and exploding downwards; repaired: residual",
    measure=lambda m, x, y: CE(m(*x), y),
)
def _(fix):
    x, y = tab(64, 16, 4)
    bl = lambda: nn.Sequential(nn.Linear(32, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU())

    class R(nn.Module):
        def __init__(self):
            super().__init__()
            self.i, self.b, self.o = nn.Linear(16, 32), nn.ModuleList(bl() for _ in range(60)), nn.Linear(32, 4)

        def forward(self, x):
            x = self.i(x)
            for b in self.b:
                x = x + 0.2 * b(x) if fix else b(x)
            return self.o(x)

    return R(), (x,), y, CE


def held(n=256):
    c, y = coords(32)
    return c, y


@sick(
    "siren_w0_3000",
    SH,
    "SIREN with omega 3000 in the first layer: fits noise, no generalisation between the pixels (measured on the pixels not trained on)",
    measure=lambda m, x, y: MSE(m(y[1]), y[2]),
)
def _(fix):
    c, y = coords(32)
    p = torch.randperm(1024)
    a, b = p[:512], p[512:]
    m = nn.Sequential(Sine(2, 48, 10.0 if fix else 3000.0, first=True), Sine(48, 48), nn.Linear(48, 3))
    return m, (c[a],), (y[a], c[b], y[b]), lambda o, t: MSE(o, t[0])


@sick(
    "reinforce_huge_reward_no_baseline",
    SH,
    "REINFORCE bandit with rewards around +100 and no baseline: gradient is noise; repaired: baseline subtracted",
    measure=lambda m, x, y: -(m(*x).softmax(1) * y).sum(1).mean() + y.max(1)[0].mean(),
)
def _(fix):
    x = torch.randn(32, 8)
    y = x[:, :6] @ torch.randn(6, 6) / 6**0.5

    def loss(o, r):
        d = torch.distributions.Categorical(logits=o)
        a = d.sample()
        R = r.gather(1, a[:, None]).squeeze(1) + (0 if fix else 100)
        return -(d.log_prob(a) * R).mean()

    return nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 6)), (x,), y, loss


# ---------------------------------------------------------------- loss / last layer
@sick(
    "mlp_double_softmax",
    L_,
    "softmax in the model and CrossEntropyLoss on top",
    measure=lambda m, x, y: F.nll_loss(
        (m(*x) if abs(m(*x).sum(1).mean() - 1) < 1e-3 and (m(*x) >= 0).all() else m(*x).softmax(1))
        .clamp(min=1e-8)
        .log(),
        y,
    ),
)
def _(fix):
    x, y = tab(64, 16, 8)
    m = nn.Sequential(
        nn.Linear(16, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 8), *([] if fix else [nn.Softmax(dim=1)])
    )
    return m, (x,), y, CE


@sick("regression_broadcast_b1_vs_b", L_, "output (B,1) minus target (B,) broadcasts to (B,B): it learns the mean")
def _(fix):
    x, y = tab()
    m = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 1))
    return m, (x,), y if fix else y.squeeze(1), lambda o, t: ((o - t) ** 2).mean()


@sick("tanh_output_targets_to_10", L_, "tanh on the last layer, targets range over +-10")
def _(fix):
    x, y = series(32)
    m = nn.Sequential(nn.Linear(4, 24), SRU(24), LastLinear(24, 1), *([] if fix else [nn.Tanh()]))
    return m, (x[:, :12],), 8 * y, MSE


def _(fix):
    x, y = imgs(32, 4, noise=2.0)
    return small_cnn(4, 8), (x,), y, lambda o, t: F.nll_loss(o.log_softmax(1 if fix else 0), t)


@sick(
    "nllloss_on_raw_logits",
    L_,
    "NLLLoss on raw outputs without log_softmax: unbounded below, only pushes the right logit up without competition",
    measure=lambda m, x, y: CE(m(*x), y) / 1.0,
)
def _(fix):
    x, y = tab(64, 16, 4)
    m = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 4), *([nn.LogSoftmax(1)] if fix else []))
    return m, (x,), y, nn.NLLLoss()


# ---------------------------------------------------------------- data
@sick(
    "dataset_returns_same_sample",
    DA,
    "dataset indexes with a constant: all rows of the batch are the same input, labels differ",
)
def _(fix):
    x, y = imgs(16)
    return small_cnn(4), (x if fix else x[:1].repeat(16, 1, 1, 1),), y, CE


@sick(
    "one_unnormalised_feature_1e6",
    DA,
    "a timestamp column (~1.6e9/1e3) next to 15 normalised features; repaired: column standardised",
)
def _(fix):
    x, y = tab(64, 16, 4)
    x[:, 7] = 1.6e6 + 1e4 * torch.randn(64)
    if fix:
        x[:, 7] = (x[:, 7] - x[:, 7].mean()) / x[:, 7].std()
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)), (x,), y, CE


@sick("nan_in_one_row", DA, "a missing value (NaN) in one row of the table")
def _(fix):
    x, y = tab()
    x[5, 3] = 0.0 if fix else float("nan")
    return nn.Sequential(nn.Linear(16, 64), nn.LayerNorm(64), nn.SiLU(), nn.Linear(64, 1)), (x,), y, MSE


@sick(
    "view_instead_of_permute_channels_first",
    DA,
    "(B,T,C) turned into (B,C,T) with view: channels and time are mixed, batch-first GRU then sees scrambled steps; measured on fresh samples",
    measure=lambda m, x, y: MSE(m(y[1]), y[2]),
)
def _(fix):
    t = torch.arange(24.0)
    n = 160
    f, ph = torch.rand(n, 1) * 0.8 + 0.2, torch.rand(n, 1) * 6
    x = torch.stack([torch.sin(f * t + ph), 3 * torch.randn(n, 24), 2 + torch.randn(n, 24)], 2)
    x = x.permute(0, 2, 1) if fix else x.view(n, 3, 24)
    m = nn.Sequential(
        nn.Conv1d(3, 24, 5),
        nn.ReLU(),
        nn.Conv1d(24, 24, 5),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(24, 1),
    )
    y = 4 * f
    return m, (x[:64].contiguous(),), (y[:64], x[64:].contiguous(), y[64:]), lambda o, t: MSE(o, t[0])


@sick(
    "inputs_shuffled_labels_not",
    DA,
    "features shuffled without shuffling the labels (linear-capacity model cannot memorise)",
)
def _(fix):
    x = torch.randn(256, 12)
    y = (x @ torch.randn(12, 4)).argmax(1)
    if not fix:
        x = x[torch.randperm(256)]
    return nn.Sequential(nn.Linear(12, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 4)), (x,), y, CE


# ---------------------------------------------------------------- numeric
@sick(
    "sqrt_of_zero_distance",
    NU,
    "pairwise distance by sqrt(sum sq) includes the diagonal: sqrt(0) has an infinite gradient -> NaN after the first step",
)
def _(fix):
    x = torch.randn(24, 8)
    tgt = torch.cdist(x[:, :2], x[:, :2])

    def loss(o, t):
        d2 = (o[:, None] - o[None]).pow(2).sum(-1)
        return MSE((d2 + (1e-8 if fix else 0)).sqrt(), t)

    return nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 2)), (x,), tgt, loss


@sick(
    "std_of_single_value_nan",
    NU,
    "reward/feature standardisation with unbiased std over a dimension of size 1 gives NaN",
)
def _(fix):
    x, y = tab()

    class St(nn.Module):
        def forward(self, h):
            d = 1 if fix else 2
            h3 = h.unsqueeze(-1)
            return ((h3 - h3.mean(d, keepdim=True)) / (h3.std(d, keepdim=True) + 1e-6)).squeeze(-1)

    return nn.Sequential(nn.Linear(16, 64), St(), nn.ReLU(), nn.Linear(64, 1)), (x,), y, MSE


@sick(
    "log_of_softmax_underflow", NU, "log(softmax(x)) by hand with large logits: -inf * 0 = NaN; repaired: log_softmax"
)
def _(fix):
    x, y = tab(64, 16, 4)
    oh = F.one_hot(y, 4).float()
    m = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
    m[2].weight.data.mul_(20)
    return m, (x * 10,), oh, lambda o, t: -(t * (o.log_softmax(1) if fix else o.softmax(1).log())).sum(1).mean()


@sick(
    "fully_masked_row_minus_inf", NU, "attention rows of empty sequences are masked completely with -inf: softmax NaN"
)
def _(fix):
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.e, self.q, self.v, self.o = (
                nn.Embedding(20, 16, padding_idx=0),
                nn.Linear(16, 1),
                nn.Linear(16, 16),
                nn.Linear(16, 3),
            )

        def forward(self, i):
            e = self.e(i)
            s = self.q(e).squeeze(-1).masked_fill(i == 0, -1e4 if fix else float("-inf"))
            return self.o((s.softmax(1)[..., None] * self.v(e)).sum(1))

    y = torch.arange(24) % 3
    i = torch.randint(1, 7, (24, 8)) + 6 * y[:, None]
    i[:, 5:] = 0
    i[4] = 0
    return M(), (i,), y, CE


@sick(
    "fp16_gradient_underflow",
    NU,
    "half precision emulated: activations and gradients cast to fp16 with a loss divided by 1e7 - everything underflows; repaired: fp32",
)
def _(fix):
    class H(nn.Module):
        def forward(self, x):
            return x if fix else x.half().float()

    x, y = tab(64, 16, 4)
    m = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), H(), nn.Linear(64, 64), nn.ReLU(), H(), nn.Linear(64, 4), H())
    return m, (x,), y, lambda o, t: CE(o, t) * 1e-7, lambda m: torch.optim.Adam(m.parameters(), 1e-3, eps=1e-12)


# ---------------------------------------------------------------- normalisation / dropout
@sick("layernorm_over_single_feature", N_, "LayerNorm(1) on the scalar output head: always equals its bias")
def _(fix):
    x, y = tab()
    m = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 1), *([] if fix else [nn.LayerNorm(1)]))
    return m, (x,), y, MSE


@sick(
    "groupnorm_instance_like_on_1x1_map",
    N_,
    "GroupNorm(C,C) after global pooling: one value per group, so the features are normalised away",
)
def _(fix):
    x, y = imgs(16)
    m = nn.Sequential(
        nn.Conv2d(3, 12, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(12, 24, 3, 2, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.GroupNorm(4 if fix else 24, 24),
        nn.Flatten(),
        nn.Linear(24, 4),
    )
    return m, (x,), y, CE


@sick("dropout_keep_prob_confusion", N_, "Dropout(0.95) in every layer (keep_prob from TensorFlow)")
def _(fix):
    x, y = tab(128, 16, 4)
    p = 0.05 if fix else 0.95
    return (
        nn.Sequential(
            nn.Linear(16, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 4)
        ),
        (x,),
        y,
        CE,
    )


@sick(
    "batchnorm_on_regression_output", N_, "affine-free BatchNorm as the last layer of a regression with targets 3 +- 3"
)
def _(fix):
    x, y = tab()
    y = 3 + 2 * y
    m = nn.Sequential(
        nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 1), *([] if fix else [nn.BatchNorm1d(1, affine=False)])
    )
    return m, (x,), y, MSE


@sick(
    "attention_pooling_softmax_size_one_dim",
    N_,
    "attention pooling with softmax over the size-1 score dimension: all weights are 1, scorer without gradient, plain sum of 40 mostly noise items",
)
def _(fix):
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.s, self.o = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1)), nn.Linear(5, 4)

        def forward(self, x):
            return self.o((self.s(x).softmax(1 if fix else 2) * x).sum(1))

    y = torch.randint(0, 4, (256,))
    x = torch.randn(256, 40, 5)
    x[:, :, 4] = 0
    j = torch.randint(0, 40, (256,))
    x[torch.arange(256), j, :4] = 3 * F.one_hot(y, 4).float()
    x[torch.arange(256), j, 4] = 3
    return M(), (x,), y, CE


# ---------------------------------------------------------------- training loop
def _mlp(fix):
    x, y = tab(64, 16, 4)
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)), (x,), y, CE


def loop_nozero(fix, m, i, t, l):
    o = torch.optim.SGD(m.parameters(), 0.1, momentum=0.9)
    while True:
        v = l(m(*i), t)
        if fix:
            o.zero_grad()
        v.backward()
        o.step()
        yield v.item()


sick("forgot_zero_grad", O_, "optimizer.zero_grad() never called: gradients accumulate", loop=loop_nozero)(_mlp)


def loop_oldparams(fix, m, i, t, l):
    o = torch.optim.Adam(m.parameters(), 1e-3)
    if not fix:
        for k, c in enumerate(m):
            m[k] = copy.deepcopy(c)  # e.g. model re-created / moved after the optimizer was made
    while True:
        o.zero_grad()
        v = l(m(*i), t)
        v.backward()
        o.step()
        yield v.item()


sick(
    "optimizer_holds_old_parameters",
    O_,
    "model layers re-created after building the optimizer; it steps the old tensors",
    loop=loop_oldparams,
)(_mlp)


def loop_sched(fix, m, i, t, l):
    o = torch.optim.Adam(m.parameters(), 1e-3)
    s = torch.optim.lr_scheduler.ExponentialLR(o, 0.9)
    n = 0
    while True:
        o.zero_grad()
        v = l(m(*i), t)
        v.backward()
        o.step()
        n += 1
        if not fix or n % 50 == 0:
            s.step()
        yield v.item()


sick(
    "epoch_scheduler_stepped_per_batch",
    O_,
    "ExponentialLR(0.9) meant per epoch is stepped every batch: lr is 0 after some steps",
    loop=loop_sched,
)(_mlp)


def loop_order(fix, m, i, t, l):
    o = torch.optim.SGD(m.parameters(), 0.1, momentum=0.9)
    while True:
        v = l(m(*i), t)
        if fix:
            o.zero_grad()
            v.backward()
        else:
            v.backward()
            o.zero_grad()
        o.step()
        yield v.item()


sick(
    "zero_grad_between_backward_and_step",
    O_,
    "zero_grad called between backward and step: nothing is updated",
    loop=loop_order,
)(_mlp)


def loop_wd(fix, m, i, t, l):
    o = torch.optim.Adam(m.parameters(), 1e-3, weight_decay=1e-5 if fix else 1.0)
    while True:
        o.zero_grad()
        v = l(m(*i), t)
        v.backward()
        o.step()
        yield v.item()


sick(
    "adam_weight_decay_1", O_, "Adam(weight_decay=1): the L2 term swamps the gradient, weights go to zero", loop=loop_wd
)(_mlp)


# ---------------------------------------------------------------- collapse
@sick("gcn_16_layers_oversmoothing", CO, "16 mean-aggregation GCN layers without skip: all node features become equal")
def _(fix):
    x, ei, y = graph(60, 240)

    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.i, self.l, self.o = (
                nn.Linear(8, 24),
                nn.ModuleList(nn.Linear(24, 24) for _ in range(16)),
                nn.Linear(24, 2),
            )

        def forward(self, x, ei):
            x = self.i(x)
            dg = torch.zeros(len(x)).index_add(0, ei[1], torch.ones(ei.shape[1])).clamp(min=1)[:, None]
            for l in self.l:
                a = torch.tanh(l((x + torch.zeros_like(x).index_add(0, ei[1], x[ei[0]])) / (dg + 1)))
                x = x + 0.3 * a if fix else a
            return self.o(x)

    return G(), (x, ei), y, CE


@sick(
    "attention_only_no_skip_rank_collapse",
    CO,
    "8 self-attention layers with neither skip connections nor MLP: the tokens collapse to one vector",
)
def _(fix):
    x, y = toks(8, 12)

    class T(nn.Module):
        def __init__(self):
            super().__init__()
            self.e, self.b, self.o = (
                nn.Embedding(32, 32),
                nn.ModuleList(Attn(32, 4) for _ in range(8)),
                nn.Linear(32, 32),
            )

        def forward(self, i):
            h = self.e(i)
            for b in self.b:
                h = h + b(h) if fix else b(h)
            return self.o(h)

    return T(), (x,), y, lm_loss


@sick(
    "siamese_positive_pairs_only",
    CO,
    "siamese net trained with positive pairs only: constant embedding (measure: InfoNCE of the embeddings)",
    measure=lambda m, x, y: info_nce(m(*x)),
)
def _(fix):
    x, _ = imgs(12, 12, noise=0.3)
    return (
        SimCLR(),
        (x + 0.5 * torch.randn_like(x), x + 0.5 * torch.randn_like(x)),
        torch.zeros(1),
        info_nce if fix else (lambda o, t: MSE(o[0], o[1])),
    )


@sick(
    "vae_posterior_collapse_kl_per_batch_sum",
    CO,
    "reconstruction averaged over pixels but KL summed: KL dominates by 64x, posterior collapses to the prior",
    measure=lambda m, x, y: BCEL(m(*x)[0], y),
)
def _(fix):
    x = bars()
    return VAE(), (x,), x, (lambda o, t: elbo(o, t, 0.2)) if fix else (lambda o, t: elbo(o, t, 64.0) / 64)


if __name__ == "__main__":
    from collections import Counter

    print(len(HEALTHY), "healthy,", len(SICK), "sick")
    print(Counter(e["kind"] for e in SICK))
