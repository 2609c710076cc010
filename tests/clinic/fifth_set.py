"""A fifth blind set: 58 healthy networks, and 51 mistakes with their repaired twins, by a writer who saw no doctor.

The networks are as they were handed over on 28 November 2026, laid out anew. `build(seed)` returns model, inputs,
targets, loss function and, or None, what makes an optimizer; a mistake has `repaired(seed)` and perhaps `train(seed)`
and `repaired_train(seed)`, one step for each `next`, and `judge(model, seed)`, an honest measure where the loss itself
doesn't tell. The writer trained all of them with three seeds for 300 steps: a healthy network takes 30 % off its loss,
and a repaired twin ends 30 % below the mistake.
"""

# ruff: noqa
# mypy: ignore-errors
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

HEALTHY, SICK = [], []


def healthy(name, lr=1e-3, note="", falls=True):
    """Register build(seed); lr is the Adam rate of the check where the entry has no opt_factory."""

    def deco(f):
        def build(seed):
            torch.manual_seed(seed)
            out = f()
            return out if len(out) == 5 else (*out, None)

        HEALTHY.append(dict(name=name, build=build, lr=lr, note=note, falls=falls))
        return f

    return deco


def opt(cls, **kw):
    """An opt_factory: takes the model, or its parameters."""

    def make(m):
        ps = m.parameters() if isinstance(m, nn.Module) else m
        return cls([p for p in ps if p.requires_grad], **kw)

    return make


class Net(nn.Module):
    """Modules by keyword and a forward function f(self, *inputs)."""

    def __init__(self, fwd, **parts):
        super().__init__()
        self.fwd = fwd
        for k, v in parts.items():
            setattr(self, k, v)

    def forward(self, *xs):
        return self.fwd(self, *xs)


class Res(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return x + self.body(x)


def mlp(*sizes, act=nn.ReLU):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers[:-1])


def blobs(n, shape, k, noise=1.0, scale=1.0):
    """Class-wise patterns with noise: inputs (n, *shape), labels (n,)."""
    centres = torch.randn(k, *shape)
    y = torch.randint(k, (n,))
    return scale * (centres[y] + noise * torch.randn(n, *shape)), y


def smooth_images(n, c=3, s=16, k=4, raw=False):
    """Images of low-frequency class patterns; raw gives 0..255."""
    low, y = blobs(n, (c, 4, 4), k, 0.4)
    x = F.interpolate(low, size=(s, s), mode="bilinear") + 0.2 * torch.randn(n, c, s, s)
    return ((x * 50 + 120).clamp(0, 255).round() if raw else x), y


def regression(n, d, out=1):
    x = torch.randn(n, d)
    w = torch.randn(d, out) / d**0.5
    return x, torch.sin(2 * x @ w) + 0.5 * x[:, :1]


def tokens(n, t, v):
    """Sequences of a noisy linear recurrence, so that the next token is predictable."""
    s = torch.randint(v, (n, 2))
    for _ in range(t - 2):
        s = torch.cat([s, ((s[:, -1:] * 3 + s[:, -2:-1] + 1) % v)], 1)
    return s


def seq_ce(logits, target):
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), target.reshape(-1), ignore_index=-100)


class ChannelLN(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.transpose(1, -1)).transpose(1, -1)


class RMSNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.g = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.g


# ------------------------------------------------------------------------------------------------ HEALTHY: vision
@healthy("resnet_raw_pixels_bn_front", note="0..255 pixels, the BatchNorm at the front scales them")
def _():
    def block(a, b, s):
        m = Net(lambda m, x: F.relu(m.body(x) + m.skip(x)))
        m.body = nn.Sequential(
            nn.Conv2d(a, b, 3, s, 1, bias=False),
            nn.BatchNorm2d(b),
            nn.ReLU(),
            nn.Conv2d(b, b, 3, 1, 1, bias=False),
            nn.BatchNorm2d(b),
        )
        m.skip = nn.Sequential(nn.Conv2d(a, b, 1, s, bias=False), nn.BatchNorm2d(b)) if a != b else nn.Identity()
        return m

    x, y = smooth_images(32, raw=True)
    net = nn.Sequential(
        nn.BatchNorm2d(3),
        nn.Conv2d(3, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        block(16, 16, 1),
        block(16, 32, 2),
        block(32, 32, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 4),
    )
    return net, x, y, F.cross_entropy, opt(torch.optim.SGD, lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)


@healthy("fixup_resnet_no_norm", note="FixUp: last conv of each branch zero, scalar biases and scales, no norm at all")
def _():
    depth = 6

    class Fix(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.c1, self.c2 = (nn.Conv2d(c, c, 3, padding=1, bias=False) for _ in range(2))
            self.b = nn.ParameterList([nn.Parameter(torch.zeros(1)) for _ in range(4)])
            self.scale = nn.Parameter(torch.ones(1))
            nn.init.normal_(self.c1.weight, std=(2 / (9 * c)) ** 0.5 * depth**-0.5)
            nn.init.zeros_(self.c2.weight)

        def forward(self, x):
            h = F.relu(self.c1(x + self.b[0]) + self.b[1])
            return F.relu(x + self.c2(h + self.b[2]) * self.scale + self.b[3])

    x, y = smooth_images(32)
    head = nn.Linear(16, 4)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.ReLU(),
        *[Fix(16) for _ in range(depth)],
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        head,
    )
    return net, x, y, F.cross_entropy


@healthy("weight_standardized_groupnorm_batch2", note="micro-batches of two images: hence GroupNorm and WS convs")
def _():
    class WSConv(nn.Conv2d):
        def forward(self, x):
            w = self.weight
            w = (w - w.mean((1, 2, 3), keepdim=True)) / (w.std((1, 2, 3), keepdim=True) + 1e-5)
            return F.conv2d(x, w / w[0].numel() ** 0.5, self.bias, self.stride, self.padding)

    def blk(a, b, s):
        return nn.Sequential(WSConv(a, b, 3, s, 1), nn.GroupNorm(4, b), nn.SiLU())

    x, y = smooth_images(2)
    y = torch.tensor([0, 3])
    net = nn.Sequential(
        blk(3, 16, 1), blk(16, 32, 2), Res(blk(32, 32, 1)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4)
    )
    return net, x, y, F.cross_entropy


@healthy("convnext_layerscale_1e-6", note="branches start at 1e-6 of the stream (layer scale), as in the paper")
def _():
    class Block(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.dw = nn.Conv2d(c, c, 7, padding=3, groups=c)
            self.pw = nn.Sequential(nn.LayerNorm(c, eps=1e-6), nn.Linear(c, 4 * c), nn.GELU(), nn.Linear(4 * c, c))
            self.gamma = nn.Parameter(1e-6 * torch.ones(c))

        def forward(self, x):
            return x + (self.gamma * self.pw(self.dw(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)

    x, y = smooth_images(16)
    net = nn.Sequential(
        nn.Conv2d(3, 24, 4, 4),
        ChannelLN(24),
        Block(24),
        Block(24),
        ChannelLN(24),
        nn.Conv2d(24, 48, 2, 2),
        Block(48),
        Block(48),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.LayerNorm(48),
        nn.Linear(48, 4),
    )
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.trunc_normal_(m.weight, std=0.02)
            nn.init.zeros_(m.bias)
    return net, x, y, F.cross_entropy, opt(torch.optim.AdamW, lr=2e-3, weight_decay=0.05)


@healthy("vit_registers_zero_head", note="class token and register tokens; the head starts at zero as in big ViT code")
def _():
    class ViT(nn.Module):
        def __init__(self, d=32):
            super().__init__()
            self.patch = nn.Conv2d(3, d, 4, 4)
            self.cls = nn.Parameter(torch.zeros(1, 1, d))
            self.reg = nn.Parameter(0.02 * torch.randn(1, 2, d))
            self.pos = nn.Parameter(0.02 * torch.randn(1, 17, d))
            self.enc = nn.TransformerEncoder(
                nn.TransformerEncoderLayer(d, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True),
                4,
                enable_nested_tensor=False,
            )
            self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, 4)
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

        def forward(self, x):
            z = self.patch(x).flatten(2).transpose(1, 2)
            z = torch.cat([self.cls.expand(len(x), -1, -1), z], 1) + self.pos
            z = torch.cat([z, self.reg.expand(len(x), -1, -1)], 1)
            return self.head(self.norm(self.enc(z))[:, 0])

    x, y = smooth_images(16)
    return ViT(), x, y, F.cross_entropy


@healthy("unet_dice_bce_small_lesions", note="lesions are some 3 % of pixels; Dice plus BCE, reflect padding")
def _():
    def dbl(a, b):
        return nn.Sequential(
            nn.Conv2d(a, b, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(b, affine=True),
            nn.LeakyReLU(0.01),
            nn.Conv2d(b, b, 3, padding=1),
            nn.InstanceNorm2d(b, affine=True),
            nn.LeakyReLU(0.01),
        )

    def fwd(m, x):
        a = m.d1(x)
        b = m.d2(F.max_pool2d(a, 2))
        c = m.mid(F.max_pool2d(b, 2))
        b = m.u2(torch.cat([m.t2(c), b], 1))
        return m.out(m.u1(torch.cat([m.t1(b), a], 1)))[:, 0]

    def loss(o, t):
        p = o.sigmoid()
        dice = 1 - (2 * (p * t).sum((1, 2)) + 1) / (p.sum((1, 2)) + t.sum((1, 2)) + 1)
        return dice.mean() + F.binary_cross_entropy_with_logits(o, t)

    net = Net(
        fwd,
        d1=dbl(1, 8),
        d2=dbl(8, 16),
        mid=dbl(16, 24),
        t2=nn.ConvTranspose2d(24, 16, 2, 2),
        u2=dbl(32, 16),
        t1=nn.ConvTranspose2d(16, 8, 2, 2),
        u1=dbl(16, 8),
        out=nn.Conv2d(8, 1, 1),
    )
    t = torch.zeros(6, 24, 24)
    for i in range(6):
        a, b = torch.randint(2, 18, (2,)).tolist()
        t[i, a : a + 4, b : b + 4] = 1
    return net, (t + 0.4 * torch.randn(6, 24, 24))[:, None], t, loss


@healthy("retina_head_focal_prior_bias", note="class bias starts at -log(99): all scores about 0.01 on purpose")
def _():
    def fwd(m, x):
        feats = []
        for f in m.stem:
            x = f(x)
            feats.append(x)
        lat = [l(f) for l, f in zip(m.lat, feats[1:])]
        lat[0] = lat[0] + F.interpolate(lat[1], scale_factor=2)
        return [{"cls": m.cls(p).flatten(2), "box": m.box(p).flatten(2)} for p in lat]

    def loss(outs, t):
        c, b = (torch.cat([o[k] for o in outs], 2) for k in ("cls", "box"))
        ce = F.binary_cross_entropy_with_logits(c, t["cls"], reduction="none")
        pt = torch.exp(-ce)
        alpha = t["cls"] * 0.25 + (1 - t["cls"]) * 0.75
        pos = t["cls"].amax(1, keepdim=True)
        n = pos.sum().clamp(min=1)
        return (alpha * (1 - pt) ** 2 * ce).sum() / n + (
            F.smooth_l1_loss(b, t["box"], reduction="none") * pos
        ).sum() / n

    stem = nn.ModuleList(
        [
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.GroupNorm(4, b), nn.ReLU())
            for a, b in ((3, 16), (16, 24), (24, 32))
        ]
    )
    head = nn.Conv2d(24, 5, 3, padding=1)
    nn.init.normal_(head.weight, std=0.01)
    nn.init.constant_(head.bias, -math.log(99))
    net = Net(
        fwd,
        stem=stem,
        lat=nn.ModuleList([nn.Conv2d(24, 24, 1), nn.Conv2d(32, 24, 1)]),
        cls=nn.Sequential(nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(), head),
        box=nn.Conv2d(24, 4, 3, padding=1),
    )
    t = {"cls": torch.zeros(4, 5, 80), "box": torch.randn(4, 4, 80)}
    t["cls"][torch.arange(4).repeat(3), torch.randint(5, (12,)), torch.randint(80, (12,))] = 1
    return net, torch.randn(4, 3, 32, 32), t, loss


@healthy("capsules_dynamic_routing", note="squash, three routing rounds with detached agreement, margin loss")
def _():
    def squash(v):
        n = v.pow(2).sum(-1, keepdim=True)
        return n / (1 + n) * v / torch.sqrt(n + 1e-8)

    class Caps(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.prim = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5, 2)
            self.w = nn.Parameter(0.1 * torch.randn(1, 64, 4, 8, 8))

        def forward(self, x):
            u = self.prim(F.relu(self.conv(x)))
            u = squash(u.reshape(len(x), 4, 8, 16).transpose(2, 3).reshape(len(x), 64, 8))
            uh = (self.w @ u[:, :, None, :, None])[..., 0]
            b = torch.zeros(len(x), 64, 4, 1)
            for i in range(3):
                s = (b.softmax(2) * (uh if i == 2 else uh.detach())).sum(1, keepdim=True)
                v = squash(s)
                b = b + (uh.detach() * v.detach()).sum(-1, keepdim=True)
            return v[:, 0].norm(dim=-1)

    def margin(v, y):
        t = F.one_hot(y, 4).float()
        return (t * F.relu(0.9 - v) ** 2 + 0.5 * (1 - t) * F.relu(v - 0.1) ** 2).sum(1).mean()

    x, y = smooth_images(16, 1)
    return Caps(), x, y, margin


@healthy("frozen_backbone_eval_head", note="most parameters frozen on purpose, backbone kept in eval by train()")
def _():
    class Transfer(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Sequential(
                nn.Conv2d(3, 32, 3, 2, 1),
                nn.BatchNorm2d(32),
                nn.ReLU(),
                nn.Conv2d(32, 64, 3, 2, 1),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(2),
                nn.Flatten(),
            )
            self.head = nn.Linear(256, 4)
            self.backbone.requires_grad_(False)

        def train(self, mode=True):
            super().train(mode)
            self.backbone.eval()
            return self

        def forward(self, x):
            with torch.no_grad():
                f = self.backbone(x)
            return self.head(f)

    x, y = smooth_images(32)
    m = Transfer()
    nn.Module.train(m)
    for _ in range(30):
        m.backbone(x)
    return m.train(), x, y, F.cross_entropy, opt(torch.optim.Adam, lr=1e-2)


@healthy("qat_fake_quant_ste", note="weights and activations rounded to 8 bits, gradient by a custom straight-through")
def _():
    class Quant(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, scale):
            ctx.save_for_backward((x.abs() <= 127 * scale))
            return torch.clamp(torch.round(x / scale), -128, 127) * scale

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0], None

    class QLinear(nn.Linear):
        def forward(self, x):
            w = Quant.apply(self.weight, self.weight.detach().abs().max() / 127)
            return F.linear(Quant.apply(x, x.detach().abs().max() / 127 + 1e-8), w, self.bias)

    x, y = blobs(64, (24,), 6, 1.5)
    return (
        nn.Sequential(QLinear(24, 64), nn.ReLU6(), QLinear(64, 64), nn.ReLU6(), QLinear(64, 6)),
        x,
        y,
        F.cross_entropy,
    )


@healthy("pruned_90_percent_mask", note="lottery ticket: 90 % of the weights held at zero by torch prune masks")
def _():
    import torch.nn.utils.prune as prune

    x, y = blobs(64, (32,), 5, 1.5)
    net = mlp(32, 128, 128, 5)
    for m in net:
        if isinstance(m, nn.Linear):
            prune.l1_unstructured(m, "weight", 0.9 if m.out_features > 5 else 0.5)
    return net, x, y, F.cross_entropy


# ----------------------------------------------------------------------------------------------- HEALTHY: sequences
@healthy("gru_learned_h0_huber", note="sensor values in the thousands normalized inside; Huber on the next value")
def _():
    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mu", torch.tensor(3000.0))
            self.gru, self.out = nn.GRU(1, 32, batch_first=True), nn.Linear(32, 1)
            self.h0 = nn.Parameter(torch.zeros(1, 1, 32))

        def forward(self, x):
            return self.out(self.gru((x - self.mu) / 500, self.h0.expand(-1, len(x), -1).contiguous())[0])

    s = torch.sin(torch.arange(33) * torch.rand(16, 1) + 6 * torch.rand(16, 1))[..., None]
    return G(), 3000 + 500 * s[:, :-1], s[:, 1:], nn.HuberLoss(delta=0.5), opt(torch.optim.Adam, lr=3e-3)


@healthy("bilstm_packed_crf", note="packed ragged sequences; linear-chain CRF negative log-likelihood")
def _():
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(40, 16, padding_idx=0)
            self.lstm, self.out = nn.LSTM(16, 24, bidirectional=True, batch_first=True), nn.Linear(48, 4)
            self.trans = nn.Parameter(torch.zeros(4, 4))

        def forward(self, s, lengths):
            p = nn.utils.rnn.pack_padded_sequence(self.emb(s), lengths, batch_first=True, enforce_sorted=False)
            h, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(p)[0], batch_first=True, total_length=s.shape[1])
            return {"emit": self.out(h), "trans": self.trans, "mask": s > 0}

    def nll(o, tags):
        e, tr, mask = o["emit"], o["trans"], o["mask"]
        gold = (e.gather(2, tags[..., None])[..., 0] * mask).sum(1) + (tr[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]).sum(
            1
        )
        a = e[:, 0]
        for t in range(1, e.shape[1]):
            a = torch.where(mask[:, t, None], torch.logsumexp(a[:, :, None] + tr, 1) + e[:, t], a)
        return ((torch.logsumexp(a, 1) - gold) / mask.sum(1)).mean()

    n = torch.tensor([12, 5, 9, 3, 12, 7, 10, 8])
    s = torch.randint(1, 40, (8, 12)) * (torch.arange(12) < n[:, None])
    return Tagger(), (s, n), s % 4, nll


@healthy("tcn_weightnorm_pinball", note="dilated causal convs with weight_norm; three quantiles at once")
def _():
    from torch.nn.utils.parametrizations import weight_norm

    class Causal(nn.Module):
        def __init__(self, a, b, d):
            super().__init__()
            self.pad, self.c = 2 * d, weight_norm(nn.Conv1d(a, b, 3, dilation=d))
            self.skip = nn.Conv1d(a, b, 1) if a != b else nn.Identity()

        def forward(self, x):
            return F.relu(self.c(F.pad(x, (self.pad, 0)))) + self.skip(x)

    def pinball(o, y):
        q = torch.tensor([0.1, 0.5, 0.9])[:, None]
        e = y - o
        return torch.maximum(q * e, (q - 1) * e).mean()

    s = torch.sin(torch.arange(49) * (0.1 + 0.5 * torch.rand(16, 1))) + 0.05 * torch.randn(16, 49)
    net = nn.Sequential(
        *[Causal(a, b, d) for a, b, d in ((1, 24, 1), (24, 24, 2), (24, 24, 4), (24, 24, 8))], nn.Conv1d(24, 3, 1)
    )
    return net, s[:, None, :-1], s[:, None, 1:], pinball


def attend(q, k, v, bias=None, causal=True):
    s = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if bias is not None:
        s = s + bias
    if causal:
        s = s.masked_fill(torch.ones(s.shape[-2:]).triu(1).bool(), float("-inf"))
    return s.softmax(-1) @ v


class LM(nn.Module):
    """Decoder skeleton: mixer(d) makes the token mixer of each layer."""

    def __init__(self, mixer, v=17, d=32, n=2, pos=0, norm=nn.LayerNorm, tie=False, ff=None):
        super().__init__()
        self.emb = nn.Embedding(v, d)
        self.pos = nn.Parameter(0.02 * torch.randn(pos, d)) if pos else None
        self.mix = nn.ModuleList([mixer(d) for _ in range(n)])
        self.ff = nn.ModuleList([ff(d) if ff else mlp(d, 2 * d, d, act=nn.GELU) for _ in range(n)])
        self.norms = nn.ModuleList([norm(d) for _ in range(2 * n + 1)])
        self.head = nn.Linear(d, v, bias=False)
        if tie:
            nn.init.normal_(self.emb.weight, std=0.02)
            self.head.weight = self.emb.weight

    def forward(self, s):
        x = self.emb(s)
        if self.pos is not None:
            x = x + self.pos[: s.shape[1]]
        for i, (m, f) in enumerate(zip(self.mix, self.ff)):
            x = x + m(self.norms[2 * i](x))
            x = x + f(self.norms[2 * i + 1](x))
        return self.head(self.norms[-1](x))


class Attn(nn.Module):
    def __init__(self, d, h=4, bias=None, rope=False, kv=None):
        super().__init__()
        self.h, self.rope, self.kv, self.bias = h, rope, kv or h, bias
        self.q, self.o = nn.Linear(d, d, bias=False), nn.Linear(d, d, bias=False)
        self.k, self.v = (nn.Linear(d, d // h * self.kv, bias=False) for _ in range(2))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (f(x).reshape(b, t, -1, d // self.h).transpose(1, 2) for f in (self.q, self.k, self.v))
        if self.rope:
            e = d // self.h // 2
            ang = torch.arange(t)[:, None] * 100.0 ** (-torch.arange(e) / e)
            q, k = (
                torch.cat(
                    [z[..., :e] * ang.cos() - z[..., e:] * ang.sin(), z[..., :e] * ang.sin() + z[..., e:] * ang.cos()],
                    -1,
                )
                for z in (q, k)
            )
        k, v = (z.repeat_interleave(self.h // self.kv, 1) for z in (k, v))
        bias = self.bias(self.h, t) if self.bias else None
        return self.o(attend(q, k, v, bias).transpose(1, 2).reshape(b, t, d))


def lm_data(n=16, t=25, v=17):
    s = tokens(n, t, v)
    return s[:, :-1], s[:, 1:]


@healthy("gpt_tied_scaled_residual_init", note="tied input and output embedding, std 0.02, GPT-2 residual scaling")
def _():
    net = LM(Attn, n=4, pos=24, tie=True)
    for m in net.modules():
        if isinstance(m, nn.Linear) and m is not net.head:
            nn.init.normal_(m.weight, std=0.02)
    for m in [a.o for a in net.mix] + [f[-1] for f in net.ff]:
        nn.init.normal_(m.weight, std=0.02 / 8**0.5)
    return net, *lm_data(), seq_ce, opt(torch.optim.AdamW, lr=3e-3, weight_decay=0.1, betas=(0.9, 0.95))


@healthy("postnorm_encoder_masked_lm", note="post-norm, two layers, padding mask; only 20 % of positions bear a loss")
def _():
    def fwd(m, s, pad):
        return m.head(m.enc(m.emb(s) + m.pos, src_key_padding_mask=pad))

    net = Net(
        fwd,
        emb=nn.Embedding(18, 32),
        head=nn.Linear(32, 18),
        enc=nn.TransformerEncoder(
            nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True), 2, enable_nested_tensor=False
        ),
    )
    net.pos = nn.Parameter(0.02 * torch.randn(20, 32))
    s = tokens(24, 20, 17)
    hide, pad = torch.rand(24, 20) < 0.2, torch.arange(20) >= torch.randint(12, 21, (24, 1))
    return net, (s.masked_fill(hide, 17), pad), s.masked_fill(~hide | pad, -100), seq_ce


@healthy("llama_like_rope_gqa_swiglu", note="RMSNorm, rotary, grouped-query attention, SwiGLU, no biases")
def _():
    class SwiGLU(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.a, self.b, self.c = (nn.Linear(*s, bias=False) for s in ((d, 2 * d), (d, 2 * d), (2 * d, d)))

        def forward(self, x):
            return self.c(F.silu(self.a(x)) * self.b(x))

    return LM(lambda d: Attn(d, rope=True, kv=2), norm=RMSNorm, ff=SwiGLU), *lm_data(), seq_ce


@healthy("alibi_no_positions", note="no positional embedding at all: ALiBi slopes in the attention instead")
def _():
    def alibi(h, t):
        return -(2.0 ** (-8 * (torch.arange(h) + 1.0) / h))[:, None, None] * (
            torch.arange(t)[:, None] - torch.arange(t)
        )

    return LM(lambda d: Attn(d, bias=alibi)), *lm_data(), seq_ce


@healthy("s4d_complex_fft_conv", note="diagonal state space in complex numbers, kernel by FFT; long inputs")
def _():
    class S4D(nn.Module):
        def __init__(self, d, n=8):
            super().__init__()
            self.log_dt = nn.Parameter(torch.rand(d) * 3 - 5)
            self.log_a = nn.Parameter(torch.log(0.5 * torch.ones(d, n)))
            self.im = nn.Parameter(math.pi * torch.arange(n).float().repeat(d, 1))
            self.c = nn.Parameter(torch.randn(d, n, dtype=torch.cfloat) * 0.5**0.5)
            self.d, self.o = nn.Parameter(torch.ones(d)), nn.Linear(d, d)

        def forward(self, x):
            t = x.shape[1]
            a = -self.log_a.exp() + 1j * self.im
            dta = a * self.log_dt.exp()[:, None]
            k = ((self.c * (dta.exp() - 1) / a)[..., None] * torch.exp(dta[..., None] * torch.arange(t))).sum(
                1
            ).real * 2
            y = torch.fft.irfft(torch.fft.rfft(k, 2 * t) * torch.fft.rfft(x.transpose(1, 2), 2 * t))[..., :t]
            return self.o(F.gelu(y.transpose(1, 2) + x * self.d))

    x, y = blobs(16, (1, 4), 4, 0.2)
    x = F.interpolate(x, size=96, mode="linear").transpose(1, 2) + 0.1 * torch.randn(16, 96, 1)
    net = nn.Sequential(nn.Linear(1, 16), *[Res(nn.Sequential(nn.LayerNorm(16), S4D(16))) for _ in range(2)])
    return Net(lambda m, z: m.head(m.body(z).mean(1)), body=net, head=nn.Linear(16, 4)), x, y, F.cross_entropy


@healthy("mamba_selective_scan", note="input-dependent step by softplus, A as -exp(log), explicit scan over time")
def _():
    class Mamba(nn.Module):
        def __init__(self, d, n=4):
            super().__init__()
            self.inp, self.conv, self.o = nn.Linear(d, 2 * d), nn.Conv1d(d, d, 3, groups=d), nn.Linear(d, d)
            self.bcd = nn.Linear(d, 2 * n + 1)
            self.dt = nn.Linear(1, d)
            nn.init.constant_(self.dt.bias, -3.0)
            self.alog, self.n = nn.Parameter(torch.log(torch.arange(1.0, n + 1)).repeat(d, 1)), n

        def forward(self, x):
            u, z = self.inp(x).chunk(2, -1)
            u = F.silu(self.conv(F.pad(u.transpose(1, 2), (2, 0))).transpose(1, 2))
            b, c, d = self.bcd(u).split([self.n, self.n, 1], -1)
            dt = F.softplus(self.dt(d))[..., None]
            decay, add = torch.exp(-dt * self.alog.exp()), dt * b[:, :, None] * u[..., None]
            h, ys = torch.zeros_like(add[:, 0]), []
            for t in range(x.shape[1]):
                h = decay[:, t] * h + add[:, t]
                ys.append((h * c[:, t, None]).sum(-1))
            return self.o((torch.stack(ys, 1) + u) * F.silu(z))

    return LM(Mamba, n=1, norm=RMSNorm), *lm_data(), seq_ce


@healthy("switch_moe_top1", note="hard routing: experts without tokens get no gradient; balance loss inside the model")
def _():
    class MoE(nn.Module):
        def __init__(self, d, e=8):
            super().__init__()
            self.gate, self.experts, self.aux = (
                nn.Linear(d, e, bias=False),
                nn.ModuleList(mlp(d, 32, d) for _ in range(e)),
                0,
            )

        def forward(self, x):
            p = self.gate(x).softmax(-1)
            w, i = p.max(-1)
            out = torch.zeros_like(x)
            for j, f in enumerate(self.experts):
                sel = (i == j).nonzero()[:, 0]
                if len(sel):
                    out = out.index_add(0, sel, f(x[sel]) * w[sel, None])
            self.aux = p.shape[1] * (F.one_hot(i, p.shape[1]).float().mean(0) * p.mean(0)).sum()
            return x + out

    x, y = blobs(48, (16,), 6, 0.8)
    moe = MoE(32)
    net = Net(lambda m, x: (m.out(m.moe(m.inp(x))), m.moe.aux), inp=nn.Linear(16, 32), moe=moe, out=nn.Linear(32, 6))
    return net, x, y, lambda o, t: F.cross_entropy(o[0], t) + 0.01 * o[1]


@healthy("ctc_speech_like", note="CTC with ragged lengths; the loss starts in the dozens and that is in order")
def _():
    def fwd(m, x):
        h = m.conv(x.transpose(1, 2)).transpose(1, 2)
        return m.out(m.rnn(h)[0]).log_softmax(-1).transpose(0, 1)

    lab = torch.randint(1, 9, (8, 5))
    code = torch.randn(9, 12)
    x = code[lab].repeat_interleave(8, 1) + 0.3 * torch.randn(8, 40, 12)
    net = Net(
        fwd,
        conv=nn.Sequential(nn.Conv1d(12, 24, 3, 2, 1), nn.ReLU()),
        rnn=nn.GRU(24, 24, bidirectional=True, batch_first=True),
        out=nn.Linear(48, 9),
    )
    tl = torch.tensor([5, 5, 4, 5, 3, 5, 5, 2])
    return net, x, (lab, tl), lambda o, t: F.ctc_loss(o, t[0], torch.full((8,), 20), t[1], zero_infinity=True)


# ------------------------------------------------------------------------- HEALTHY: graphs, sets, point clouds, tables
def graph(n=30, e=120):
    ei = torch.randint(n, (2, e))
    return torch.cat([ei, ei.flip(0), torch.arange(n).repeat(2, 1)], 1)


@healthy("gat_cora_like_few_labels", note="edge softmax by scatter; only a tenth of the nodes carry a label")
def _():
    class GAT(nn.Module):
        def __init__(self, a, b, h):
            super().__init__()
            self.lin, self.h = nn.Linear(a, b * h, bias=False), h
            self.src, self.dst = (nn.Parameter(torch.randn(h, b) * 0.2) for _ in range(2))

        def forward(self, x, ei):
            z = self.lin(x).view(len(x), self.h, -1)
            s = F.leaky_relu((z * self.src).sum(-1)[ei[0]] + (z * self.dst).sum(-1)[ei[1]], 0.2)
            s = torch.exp(s - s.max().detach())
            den = torch.zeros(len(x), self.h).index_add(0, ei[1], s)
            return torch.zeros_like(z).index_add(0, ei[1], (s / den[ei[1]])[..., None] * z[ei[0]]).flatten(1)

    x, y = blobs(120, (50,), 5, 0.8)
    keep = torch.arange(120) < 24
    net = Net(lambda m, x, ei: m.b(F.elu(m.a(F.dropout(x, 0.3, m.training), ei)), ei), a=GAT(50, 8, 4), b=GAT(32, 5, 1))
    return (
        net,
        (F.relu(x), graph(120, 150)),
        y.masked_fill(~keep, -100),
        F.cross_entropy,
        opt(torch.optim.Adam, lr=5e-3, weight_decay=5e-4),
    )


@healthy(
    "schnet_energy_and_forces", note="forces by autograd.grad with create_graph: double backward; cutoff, distances"
)
def _():
    def fwd(m, z, pos):
        pos = pos.clone().requires_grad_(True)
        d = (pos[:, :, None] - pos[:, None] + torch.eye(6)[..., None]).norm(dim=-1)
        rbf = torch.exp(-((d[..., None] - torch.linspace(0, 4, 12)) ** 2) * 4) * (1 - torch.eye(6))[..., None]
        x = m.emb(z)
        for f, u in zip(m.filt, m.upd):
            x = x + u((f(rbf) * x[:, None]).sum(2))
        e = m.out(x).sum((1, 2))
        return {"E": e, "F": -torch.autograd.grad(e.sum(), pos, create_graph=True)[0]}

    sp = nn.Softplus
    net = Net(
        fwd,
        emb=nn.Embedding(4, 24),
        filt=nn.ModuleList(mlp(12, 24, 24, act=sp) for _ in range(2)),
        upd=nn.ModuleList(mlp(24, 24, 24, act=sp) for _ in range(2)),
        out=mlp(24, 16, 1, act=sp),
    )
    z, pos = torch.randint(4, (8, 6)), torch.randn(8, 6, 3, requires_grad=True)
    e = torch.exp(-torch.cdist(pos, pos).pow(2)).sum((1, 2)) / 2
    t = {"E": e.detach(), "F": -torch.autograd.grad(e.sum(), pos)[0]}
    return net, (z, pos.detach()), t, lambda o, t: 0.1 * F.mse_loss(o["E"], t["E"]) + F.mse_loss(o["F"], t["F"])


@healthy(
    "deepsets_masked_mean",
    lr=3e-3,
    note="sets of unequal size, padding masked; elements in the hundreds, divided inside",
)
def _():
    net = Net(
        lambda m, x, k: m.rho((m.phi(x / 100) * k[..., None]).sum(1) / k.sum(1, keepdim=True))[:, 0],
        phi=mlp(2, 32, 32),
        rho=mlp(32, 32, 1),
    )
    k = (torch.arange(10) < torch.randint(2, 11, (64, 1))).float()
    x = 100 * torch.randn(64, 10, 2)
    return net, (x, k), ((x[..., 0] / 100) ** 2 * k).sum(1) / k.sum(1), F.mse_loss


@healthy("pointnet_tnet_maxpool", note="T-net last layer zero plus identity; max pool gives most points no gradient")
def _():
    def fwd(m, p):
        t = m.tnet(m.tfeat(p).amax(1)).view(-1, 3, 3) + torch.eye(3)
        return m.head(m.feat(p @ t).amax(1)), t

    def loss(o, y):
        return F.cross_entropy(o[0], y) + 1e-3 * (o[1] @ o[1].transpose(1, 2) - torch.eye(3)).pow(2).sum((1, 2)).mean()

    net = Net(
        fwd,
        tfeat=mlp(3, 32, 64),
        tnet=mlp(64, 32, 9),
        feat=mlp(3, 32, 96),
        head=nn.Sequential(nn.Linear(96, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 4)),
    )
    nn.init.zeros_(net.tnet[-1].weight)
    nn.init.zeros_(net.tnet[-1].bias)
    y = torch.randint(4, (24,))
    return net, torch.randn(24, 64, 3) * (0.2 + torch.rand(4, 3))[y][:, None], y, loss


@healthy(
    "ft_transformer_coral_ordinal",
    lr=3e-3,
    note="one token a column, cat. offsets buffer; ordinal rating by CORAL thresholds",
)
def _():
    def fwd(m, num, cat):
        z = torch.cat([m.cls.expand(len(num), 1, -1), num[..., None] * m.w + m.b, m.emb(cat + m.offsets)], 1)
        return m.score(m.enc(z)[:, 0]) + m.cuts

    net = Net(
        fwd,
        emb=nn.Embedding(15, 24),
        score=nn.Linear(24, 1, bias=False),
        enc=nn.TransformerEncoder(
            nn.TransformerEncoderLayer(24, 4, 48, 0.0, batch_first=True, norm_first=True), 2, enable_nested_tensor=False
        ),
    )
    net.w, net.b = nn.Parameter(torch.randn(6, 24) * 0.3), nn.Parameter(torch.zeros(6, 24))
    net.cls, net.cuts = nn.Parameter(torch.randn(1, 1, 24) * 0.3), nn.Parameter(torch.zeros(4))
    net.register_buffer("offsets", torch.tensor([0, 4, 9]))
    x, c = torch.randn(48, 6), torch.stack([torch.randint(k, (48,)) for k in (4, 5, 6)], 1)
    r = (x[:, 0] + x[:, 1] * (c[:, 0] > 1)).argsort().argsort() * 5 // 48
    return net, (x, c), (r[:, None] > torch.arange(4)).float(), F.binary_cross_entropy_with_logits


@healthy(
    "tabnet_sparsemax_masks",
    lr=1e-2,
    note="sparsemax feature masks: columns with mask zero carry no gradient for a row",
)
def _():
    def sparsemax(z):
        s = z.sort(-1, descending=True)[0]
        k = torch.arange(1, z.shape[-1] + 1)
        n = (1 + k * s > s.cumsum(-1)).sum(-1, keepdim=True)
        return F.relu(z - (s.cumsum(-1).gather(-1, n - 1) - 1) / n)

    def fwd(m, x):
        x, prior, out = m.bn(x), 1.0, 0.0
        a = m.init(x)
        for att, ft in zip(m.att, m.ft):
            mask = sparsemax(att(a) * prior)
            prior = prior * (1.3 - mask)
            a = F.glu(ft(mask * x))
            out = out + F.relu(a)
        return m.head(out)

    net = Net(
        fwd,
        bn=nn.BatchNorm1d(12),
        init=nn.Linear(12, 16),
        head=nn.Linear(16, 3),
        att=nn.ModuleList(nn.Sequential(nn.Linear(16, 12, bias=False), nn.BatchNorm1d(12)) for _ in range(3)),
        ft=nn.ModuleList(nn.Sequential(nn.Linear(12, 32, bias=False), nn.BatchNorm1d(32)) for _ in range(3)),
    )
    x, y = blobs(96, (12,), 3, 1.2)
    return net, x * 10.0 ** torch.arange(-2, 10) + 5, y, F.cross_entropy


@healthy(
    "wide_and_deep_hashed_ids",
    note="20,000 hashed ids of which a batch touches few; sparse gradients; imbalanced clicks",
)
def _():
    net = Net(
        lambda m, i, x: (m.wide(i).sum(1) + m.deep(torch.cat([m.emb(i).flatten(1), x], 1)))[:, 0],
        wide=nn.Embedding(20000, 1, sparse=True),
        emb=nn.Embedding(20000, 8, sparse=True),
        deep=mlp(28, 32, 1),
    )
    nn.init.zeros_(net.wide.weight)
    nn.init.normal_(net.emb.weight, std=0.01)
    i, x = torch.randint(20000, (128, 3)), torch.randn(128, 4)
    return (
        net,
        (i, x),
        (x[:, 0] + 0.5 * x[:, 1] > 1.3).float(),
        nn.BCEWithLogitsLoss(pos_weight=torch.tensor(8.0)),
        opt(torch.optim.Adagrad, lr=0.05),
    )


@healthy("deepfm_factorization", note="factorization machine by the sum-square trick, factors started at 0.01")
def _():
    net = Net(
        lambda m, i: (
            m.w(i).sum((1, 2))
            + 0.5 * (m.v(i).sum(1).pow(2) - m.v(i).pow(2).sum(1)).sum(1)
            + m.d(m.v(i).flatten(1))[:, 0]
        ),
        w=nn.Embedding(60, 1),
        v=nn.Embedding(60, 8),
        d=mlp(32, 16, 1),
    )
    nn.init.normal_(net.v.weight, std=0.01)
    i = torch.randint(15, (128, 4)) + torch.arange(4) * 15
    return (
        net,
        i,
        ((i[:, 0] + i[:, 1]) % 3 == 0).float(),
        F.binary_cross_entropy_with_logits,
        opt(torch.optim.Adam, lr=1e-2),
    )


@healthy(
    "two_tower_inbatch_logq",
    lr=1e-2,
    note="sampled softmax with logQ correction, temperature 0.05 on normalized towers",
)
def _():
    net = Net(
        lambda m, u, i: F.normalize(m.u(u), dim=1) @ F.normalize(m.i(i), dim=1).T / 0.05 - m.logq[i],
        u=nn.Sequential(nn.Embedding(300, 16), mlp(16, 32, 16)),
        i=nn.Sequential(nn.Embedding(500, 16), mlp(16, 32, 16)),
    )
    net.register_buffer("logq", torch.log(torch.rand(500) * 0.01 + 1e-4))
    return net, (torch.randperm(300)[:64], torch.randperm(500)[:64]), torch.arange(64), F.cross_entropy


# -------------------------------------------------------------------------------- HEALTHY: generative, metric, games
@healthy("vae_free_bits", note="free bits of 0.1 nat a latent; BCE summed over pixels, so the loss is in the hundreds")
def _():
    def fwd(m, x):
        mu, lv = m.enc(x).chunk(2, 1)
        return m.dec(mu + torch.randn_like(mu) * (0.5 * lv).exp()), mu, lv

    def elbo(o, x):
        kl = 0.5 * (o[1] ** 2 + o[2].exp() - 1 - o[2])
        return F.binary_cross_entropy_with_logits(o[0], x, reduction="sum") / len(x) + kl.mean(0).clamp(min=0.1).sum()

    x = (F.interpolate(torch.randn(64, 1, 3, 3), size=(12, 12), mode="bilinear") > 0).float().flatten(1)
    return Net(fwd, enc=mlp(144, 128, 16), dec=mlp(8, 128, 144)), x, x, elbo, opt(torch.optim.Adam, lr=3e-3)


@healthy("realnvp_zero_last_actnorm", note="coupling nets end in zeros (identity flow); bits per dimension fall")
def _():
    def fwd(m, x):
        x, ld = (x - m.shift) * m.logs.exp(), m.logs.sum()
        for i, f in enumerate(m.nets):
            a, b = x.chunk(2, 1) if i % 2 == 0 else x.chunk(2, 1)[::-1]
            s, t = f(a).chunk(2, 1)
            b, ld = b * torch.tanh(s).exp() + t, ld + torch.tanh(s).sum(1)
            x = torch.cat([a, b] if i % 2 == 0 else [b, a], 1)
        return x, ld

    net = Net(fwd, nets=nn.ModuleList(mlp(2, 32, 4) for _ in range(4)))
    for f in net.nets:
        nn.init.zeros_(f[-1].weight)
        nn.init.zeros_(f[-1].bias)
    net.shift, net.logs = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(4))
    a = torch.randn(256, 2)
    x = torch.cat([a, a**2 + 0.1 * torch.randn(256, 2)], 1) * 3
    return net, x, x, lambda o, x: (0.5 * (o[0] ** 2).sum(1) - o[1]).mean() + 3.68, opt(torch.optim.Adam, lr=3e-3)


@healthy(
    "made_masked_autoregressive", note="masks on the weights: about half of the weights have gradient zero forever"
)
def _():
    class Masked(nn.Linear):
        def __init__(self, a, b, mask):
            super().__init__(a, b)
            self.register_buffer("mask", mask.float())

        def forward(self, x):
            return F.linear(x, self.weight * self.mask, self.bias)

    d, h = torch.arange(16), torch.arange(128) % 15
    x = (torch.rand(64, 8) > 0.5).float().repeat_interleave(2, 1)
    return (
        nn.Sequential(
            Masked(16, 128, h[:, None] >= d),
            nn.ReLU(),
            Masked(128, 128, h[:, None] >= h),
            nn.ReLU(),
            Masked(128, 16, d[:, None] > h),
        ),
        x,
        x,
        F.binary_cross_entropy_with_logits,
    )


@healthy(
    "ddpm_time_embedding_zero_out", note="epsilon prediction, random times and noise inside forward, last layer zero"
)
def _():
    def fwd(m, x):
        t = torch.rand(len(x), 1)
        a, n = torch.cos(t * 1.5), torch.randn_like(x)
        h = m.inp(a * x + (1 - a**2).sqrt() * n)
        e = m.time(torch.cat([torch.sin(t * 2.0 ** torch.arange(6)), torch.cos(t * 2.0 ** torch.arange(6))], 1))
        for b in m.blocks:
            h = h + b(h + e)
        return m.out(h), n

    net = Net(
        fwd,
        inp=nn.Linear(2, 64),
        time=mlp(12, 64, 64, act=nn.SiLU),
        out=nn.Linear(64, 2),
        blocks=nn.ModuleList(
            nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 64)) for _ in range(3)
        ),
    )
    nn.init.zeros_(net.out.weight)
    ang = 6.28 * torch.rand(256, 1)
    x = torch.cat([ang.cos(), ang.sin()], 1)
    return net, x, x, lambda o, _: F.mse_loss(*o), opt(torch.optim.AdamW, lr=3e-3)


@healthy(
    "gan_discriminator_step",
    note="discriminator's loss, generator frozen for this step; hinge with spectral norm",
    lr=1e-2,
)
def _():
    sn = nn.utils.parametrizations.spectral_norm
    net = Net(
        lambda m, r, z: (m.d(r), m.d(m.g(z).detach())),
        g=mlp(4, 32, 8),
        d=nn.Sequential(
            sn(nn.Linear(8, 64)), nn.LeakyReLU(0.2), sn(nn.Linear(64, 64)), nn.LeakyReLU(0.2), nn.Linear(64, 1)
        ),
    )
    net.g.requires_grad_(False)
    return (
        net,
        (torch.randn(64, 8) + 1, torch.randn(64, 4)),
        None,
        lambda o, _: F.relu(1 - o[0]).mean() + F.relu(1 + o[1]).mean(),
    )


@healthy(
    "gan_generator_step", note="non-saturating generator's loss through a frozen discriminator pretrained 50 steps"
)
def _():
    net = Net(lambda m, z: m.d(m.g(z)), g=mlp(4, 64, 64, 8), d=mlp(8, 64, 1, act=lambda: nn.LeakyReLU(0.2)))
    o = torch.optim.Adam(net.d.parameters(), 1e-2)
    for _ in range(50):
        o.zero_grad()
        (
            F.softplus(-net.d(torch.randn(64, 8) + 1)).mean()
            + F.softplus(net.d(net.g(torch.randn(64, 4)).detach())).mean()
        ).backward()
        o.step()
    o.zero_grad(set_to_none=True)
    net.d.requires_grad_(False)
    return net, torch.randn(64, 4), None, lambda s, _: F.softplus(-s).mean()


@healthy("vqvae_straight_through_dead_codes", note="most of 128 codes unused in a batch; commitment 0.25; two losses")
def _():
    def fwd(m, x):
        z = m.enc(x).view(-1, 8)
        q = m.book(torch.cdist(z, m.book.weight).argmin(1))
        commit = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
        return m.dec((z + (q - z).detach()).view(len(x), -1)), commit

    x, _ = blobs(64, (20,), 6, 0.2)
    net = Net(fwd, enc=mlp(20, 64, 16), dec=mlp(16, 64, 20), book=nn.Embedding(128, 8))
    nn.init.uniform_(net.book.weight, -0.5, 0.5)
    return net, x, x, lambda o, x: F.mse_loss(o[0], x) + o[1]


@healthy("byol_ema_target", note="target branch without gradient by design, predictor on the online branch, two views")
def _():
    def fwd(m, a, b):
        with torch.no_grad():
            ta, tb = m.target(a), m.target(b)
        return m.pred(m.online(a)), tb, m.pred(m.online(b)), ta

    def loss(o, _):
        return 4 - 2 * F.cosine_similarity(o[0], o[1]).mean() - 2 * F.cosine_similarity(o[2], o[3]).mean()

    def enc():
        return nn.Sequential(nn.Linear(16, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 16))

    net = Net(fwd, online=enc(), target=enc(), pred=mlp(16, 32, 16))
    net.target.load_state_dict(net.online.state_dict())
    net.target.requires_grad_(False)
    x = torch.randn(64, 16)
    return net, (x + 0.2 * torch.randn(64, 16), x + 0.2 * torch.randn(64, 16)), None, loss


@healthy("triplet_semihard", note="hinge: triplets that are already apart give no gradient and the loss goes to zero")
def _():
    def loss(z, y):
        d, same = torch.cdist(z, z), y[:, None] == y
        far = (d - 9 * (~same)).max(1)[0]
        return F.relu(far - (d + 9 * same).min(1)[0] + 0.3).mean()

    x, y = blobs(48, (20,), 6, 1.2)
    return Net(lambda m, x: F.normalize(m.f(x), dim=1), f=mlp(20, 64, 8)), x, y, loss


@healthy("arcface_margin_scale_30", note="scale 30 and margin 0.3: the loss starts near 20, far above log(classes)")
def _():
    def loss(c, y):
        th = torch.acos(c.clamp(-1 + 1e-6, 1 - 1e-6)) + 0.3 * F.one_hot(y, 10)
        return F.cross_entropy(30 * th.cos(), y)

    x, y = blobs(64, (24,), 10, 1.0)
    net = Net(lambda m, x: F.linear(F.normalize(m.f(x)), F.normalize(m.w)), f=mlp(24, 64, 16))
    net.w = nn.Parameter(torch.randn(10, 16) * 0.1)
    return net, x, y, loss


@healthy(
    "ppo_actor_critic_orthogonal",
    note="ratio 1 and policy loss about 0 at start, actor head gain 0.01; value loss falls",
)
def _():
    def layer(a, b, g):
        m = nn.Linear(a, b)
        nn.init.orthogonal_(m.weight, g)
        nn.init.zeros_(m.bias)
        return m

    body = nn.Sequential(layer(6, 64, 2**0.5), nn.Tanh(), layer(64, 64, 2**0.5), nn.Tanh())
    net = Net(
        lambda m, x: (m.pi(m.body(x)).log_softmax(1), m.v(m.body(x))[:, 0]),
        body=body,
        pi=layer(64, 4, 0.01),
        v=layer(64, 1, 1),
    )

    def loss(o, t):
        r = (o[0].gather(1, t["a"][:, None])[:, 0] - t["logp"]).exp()
        pg = -torch.minimum(r * t["adv"], r.clamp(0.8, 1.2) * t["adv"]).mean()
        return pg + 0.5 * F.mse_loss(o[1], t["ret"]) + 0.01 * (o[0].exp() * o[0]).sum(1).mean()

    x, a = torch.randn(64, 6), torch.randint(4, (64,))
    adv = torch.where(a == (x[:, 0] > 0).long(), 1.0, -1.0)
    t = dict(
        a=a, adv=(adv - adv.mean()) / adv.std(), ret=x[:, 1] + adv, logp=net(x)[0].detach().gather(1, a[:, None])[:, 0]
    )
    return net, x, t, loss, opt(torch.optim.Adam, lr=3e-3, eps=1e-5)


@healthy(
    "dqn_dueling_target_network", note="only the taken action's output gets gradient; target net frozen, never trained"
)
def _():
    class Q(nn.Module):
        def __init__(self):
            super().__init__()
            self.f, self.v, self.a = nn.Sequential(nn.Linear(5, 64), nn.ReLU()), nn.Linear(64, 1), nn.Linear(64, 3)

        def forward(self, x):
            h = self.f(x)
            return self.v(h) + self.a(h) - self.a(h).mean(1, keepdim=True)

    net = Net(lambda m, s, s2: (m.q(s), m.tgt(s2).detach(), m.q(s2).detach()), q=Q(), tgt=Q())
    net.tgt.load_state_dict(net.q.state_dict())
    net.tgt.requires_grad_(False)

    def loss(o, t):
        y = t["r"] + 0.9 * t["live"] * o[1].gather(1, o[2].argmax(1, keepdim=True))[:, 0]
        return F.smooth_l1_loss(o[0].gather(1, t["a"][:, None])[:, 0], y)

    s = torch.randn(64, 5)
    t = dict(r=3 * torch.sin(s[:, 0]), a=torch.randint(3, (64,)), live=(torch.rand(64) > 0.1).float())
    return net, (s, s + 0.1 * torch.randn(64, 5)), t, loss


# ----------------------------------------------------------------------------------- HEALTHY: physics, odd mechanisms
@healthy("pinn_oscillator", note="second derivatives by autograd inside forward, float64, boundary terms weighted")
def _():
    def fwd(m, t):
        t = t.clone().requires_grad_(True)
        u = m.f(t)
        du = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
        return u, du, torch.autograd.grad(du.sum(), t, create_graph=True)[0]

    def loss(o, _):
        u, du, ddu = o
        return (ddu + 4 * u).pow(2).mean() + 10 * (u[0] - 1).pow(2).sum() + 10 * du[0].pow(2).sum()

    net = Net(fwd, f=mlp(1, 32, 32, 1, act=nn.Tanh)).double()
    return net, torch.linspace(0, 2, 40, dtype=torch.float64)[:, None], None, loss, opt(torch.optim.Adam, lr=3e-3)


@healthy(
    "neural_ode_rk4_bfloat16_head",
    note="same field 10 times (weights shared over depth); head in bfloat16, loss float32",
)
def _():
    def fwd(m, x):
        h = m.inp(x)
        for _ in range(10):
            k1 = m.f(h)
            k2 = m.f(h + 0.05 * k1)
            h = h + 0.1 * m.f(h + 0.1 * (k2 - k1))
        return m.out(h.bfloat16()).float()

    x, y = blobs(64, (8,), 4, 0.6)
    return (
        Net(fwd, inp=nn.Linear(8, 16), f=mlp(16, 32, 16, act=nn.Tanh), out=nn.Linear(16, 4).bfloat16()),
        x,
        y,
        F.cross_entropy,
    )


@healthy(
    "deq_one_step_gradient", note="12 fixed-point iterations under no_grad, gradient through the last one only (JFB)"
)
def _():
    def fwd(m, x):
        z, u = torch.zeros(len(x), 32), m.u(x)
        with torch.no_grad():
            for _ in range(12):
                z = torch.tanh(m.w(z) + u)
        return m.out(torch.tanh(m.w(z) + u))

    x, y = regression(96, 6)
    net = Net(fwd, u=nn.Linear(6, 32), w=nn.Linear(32, 32), out=nn.Linear(32, 1))
    nn.init.orthogonal_(net.w.weight, 0.7)
    return net, x, y, F.mse_loss, opt(torch.optim.Adam, lr=5e-3)


@healthy("siren_image_omega_30", note="sin(30 Wx) with its own init; looks odd, is right")
def _():
    class Sine(nn.Module):
        def __init__(self, a, b, first):
            super().__init__()
            self.l = nn.Linear(a, b)
            nn.init.uniform_(
                self.l.weight, *((-1 / a, 1 / a) if first else (-((6 / a) ** 0.5) / 30, (6 / a) ** 0.5 / 30))
            )

        def forward(self, x):
            return torch.sin(30 * self.l(x))

    g = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 20)] * 2, indexing="ij"), -1).view(-1, 2)
    net = nn.Sequential(Sine(2, 64, True), Sine(64, 64, False), nn.Linear(64, 1))
    return net, g, torch.sin(9 * g[:, :1]) * torch.cos(14 * g[:, 1:]), F.mse_loss


@healthy(
    "deeponet_with_fourier_trunk",
    note="branch and trunk joined by an inner product; fixed random Fourier features",
    lr=3e-3,
)
def _():
    net = Net(
        lambda m, u, y: m.branch(u) @ m.trunk(torch.cat([(y @ m.B).sin(), (y @ m.B).cos()], 1)).T + m.bias,
        branch=mlp(20, 64, 24, act=nn.GELU),
        trunk=mlp(32, 64, 24, act=nn.GELU),
    )
    net.register_buffer("B", 4 * torch.randn(1, 16))
    net.bias = nn.Parameter(torch.zeros(1))
    u = F.interpolate(torch.randn(48, 1, 5), size=20, mode="linear")[:, 0]
    return net, (u, torch.linspace(0, 1, 20)[:, None]), u.cumsum(1) / 5, F.mse_loss


@healthy("hypernetwork_task_weights", note="the main net owns no parameters: its weights come out of the hypernetwork")
def _():
    def fwd(m, task, x):
        w = m.h(m.task(task))
        a, b, c = w[:, :32].view(-1, 1, 32), w[:, 32:64].view(-1, 1, 32), w[:, 64:].view(-1, 32, 1)
        return torch.relu(x * a + b) @ c

    net = Net(fwd, task=nn.Embedding(8, 8), h=mlp(8, 64, 96))
    x = torch.rand(8, 30, 1) * 4 - 2
    return (
        net,
        (torch.arange(8), x),
        torch.sin(x + torch.arange(8.0).view(8, 1, 1)),
        F.mse_loss,
        opt(torch.optim.Adam, lr=3e-3),
    )


@healthy("lora_on_frozen_trunk", note="base frozen, B zero so A has gradient zero at step 0", lr=1e-2)
def _():
    class LoRA(nn.Module):
        def __init__(self, base, r=4):
            super().__init__()
            self.base = base.requires_grad_(False)
            self.A = nn.Parameter(torch.randn(r, base.in_features) / base.in_features**0.5)
            self.B = nn.Parameter(torch.zeros(base.out_features, r))

        def forward(self, x):
            return self.base(x) + 2.0 * (x @ self.A.T) @ self.B.T

    x, y = blobs(64, (24,), 5, 1.0)
    return (
        nn.Sequential(LoRA(nn.Linear(24, 64)), nn.GELU(), LoRA(nn.Linear(64, 64)), nn.GELU(), LoRA(nn.Linear(64, 5))),
        x,
        y,
        F.cross_entropy,
    )


@healthy("checkpointed_residual_stack", note="activation checkpointing (non reentrant): every branch runs twice a step")
def _():
    x, y = blobs(48, (16,), 5, 1.0)
    return (
        Net(
            lambda m, x: m.out(
                m.norm(checkpoint(m.b, checkpoint(m.a, m.inp(x), use_reentrant=False), use_reentrant=False))
            ),
            inp=nn.Linear(16, 48),
            a=nn.Sequential(*[Res(nn.Sequential(nn.LayerNorm(48), mlp(48, 48, 48))) for _ in range(4)]),
            b=nn.Sequential(*[Res(nn.Sequential(nn.LayerNorm(48), mlp(48, 48, 48))) for _ in range(4)]),
            norm=nn.LayerNorm(48),
            out=nn.Linear(48, 5),
        ),
        x,
        y,
        F.cross_entropy,
    )


@healthy("complex_valued_phase_net", note="complex weights, modReLU, phases of a signal; loss real")
def _():
    class CLin(nn.Module):
        def __init__(self, a, b):
            super().__init__()
            self.w = nn.Parameter(torch.randn(b, a, dtype=torch.cfloat) / a**0.5)
            self.b = nn.Parameter(torch.zeros(b) - 0.05)

        def forward(self, z):
            z = z @ self.w.T
            return F.relu(z.abs() + self.b) * z / (z.abs() + 1e-6)

    y = torch.randint(4, (64,))
    ph = 6.28 * torch.rand(64, 1) + (y[:, None] + 1) * torch.arange(16) * 0.4
    z = torch.polar(torch.ones(64, 16), ph) + 0.1 * torch.randn(64, 16, dtype=torch.cfloat)
    return (
        Net(lambda m, z: m.out(m.b(m.a(z)).abs()), a=CLin(16, 32), b=CLin(32, 32), out=nn.Linear(32, 4)),
        z,
        y,
        F.cross_entropy,
    )


@healthy(
    "conditional_heads_other_task_idle", note="batch of task 'b' only: the heads of the other tasks idle on purpose"
)
def _():
    x, y = regression(64, 8)
    net = Net(
        lambda m, x: {"b": m.heads["b"](m.body(x))},
        body=nn.Sequential(nn.Linear(8, 64), nn.ReLU()),
        heads=nn.ModuleDict({k: mlp(64, 32, 1) for k in "abc"}),
    )
    return net, x, {"b": y}, lambda o, t: sum(F.mse_loss(o[k], t[k]) for k in o)


@healthy(
    "cox_survival_censored", note="partial likelihood; with most rows censored; the loss falls as the order is learnt"
)
def _():
    def cox(risk, t):
        order = t["time"].argsort(descending=True)
        r, e = risk[order, 0], t["event"][order]
        return -((r - torch.logcumsumexp(r, 0)) * e).sum() / e.sum()

    x = torch.randn(64, 8)
    t = dict(time=torch.exp(-2 * x[:, 0] + x[:, 1]) * (0.5 + torch.rand(64)), event=(torch.rand(64) < 0.4).float())
    return (
        nn.Sequential(nn.Linear(8, 32), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(32, 1, bias=False)),
        x,
        t,
        cox,
        opt(torch.optim.Adam, lr=5e-3),
    )


@healthy(
    "mixture_density_multimodal",
    note="mixture density network of an ambiguous inverse problem; likelihood, can go negative",
    lr=3e-3,
)
def _():
    def fwd(m, x):
        pi, mu, s = m.f(x).chunk(3, 1)
        return pi.log_softmax(1), mu, F.softplus(s) + 1e-3

    y = torch.rand(256, 1)
    x = y + 0.3 * torch.sin(6.28 * y) + 0.05 * torch.randn(256, 1)
    return (
        Net(fwd, f=mlp(1, 64, 15, act=nn.Tanh)),
        x,
        y,
        lambda o, y: -torch.logsumexp(o[0] - 0.5 * ((y - o[1]) / o[2]) ** 2 - o[2].log(), 1).mean(),
    )


@healthy(
    "dann_gradient_reversal",
    note="custom autograd turns the domain gradient round on purpose; domain loss stays near log 2",
)
def _():
    class Rev(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, g):
            return -0.3 * g

    x, y = blobs(64, (16,), 4, 0.8)
    dom = (torch.arange(64) % 2).float()
    net = Net(
        lambda m, x: (m.cls(m.f(x)), m.dom(Rev.apply(m.f(x)))[:, 0]),
        f=nn.Sequential(nn.Linear(16, 48), nn.ReLU()),
        cls=nn.Linear(48, 4),
        dom=mlp(48, 16, 1),
    )
    return (
        net,
        x + 0.3 * dom[:, None],
        (y, dom),
        lambda o, t: F.cross_entropy(o[0], t[0]) + 0.1 * F.binary_cross_entropy_with_logits(o[1], t[1]),
    )


@healthy(
    "distillation_temperature_4", note="teacher inside the model, eval and frozen; KL times T squared plus hard labels"
)
def _():
    x, y = blobs(64, (20,), 6, 1.2)
    teacher = mlp(20, 128, 6)
    o = torch.optim.Adam(teacher.parameters(), 1e-2)
    for _ in range(60):
        o.zero_grad()
        F.cross_entropy(teacher(x), y).backward()
        o.step()
    o.zero_grad(set_to_none=True)
    net = Net(
        lambda m, x: (m.student(x), m.teacher(x)), student=mlp(20, 24, 6), teacher=teacher.eval().requires_grad_(False)
    )
    return (
        net,
        x,
        y,
        lambda o, y: (
            0.5 * F.cross_entropy(o[0], y)
            + 8 * F.kl_div((o[0] / 4).log_softmax(1), (o[1] / 4).softmax(1), reduction="batchmean")
        ),
        opt(torch.optim.Adam, lr=3e-3),
    )


@healthy("poisson_counts_exposure_offset", note="log exposure added to the output; counts up to thousands; deviance")
def _():
    x, e = torch.randn(128, 6), torch.rand(128) * 500 + 1
    y = torch.poisson(e * torch.exp(x[:, 0] - 0.5 * x[:, 1] + 0.3))

    def dev(o, y):
        return 2 * (torch.xlogy(y, y.clamp(min=1)) - y * o - y + o.exp()).mean()

    return Net(lambda m, x, e: m.f(x)[:, 0] + e.log(), f=mlp(6, 32, 1, act=nn.SiLU)), (x, e), y, dev


# ---------------------------------------------------------------------------------------------------------------- SICK
class Loop:
    """A training loop: next() makes one step and yields the loss."""

    def __init__(self, f, bad, seed):
        torch.manual_seed(seed)
        spec, self.opt, self.step = f(bad)
        self.model, self.inputs, self.target, self.loss_fn = spec[:4]

    def __iter__(self):
        return self

    def __next__(self):
        return float(self.step(self).detach())

    def loss(self):
        return self.loss_fn(
            self.model(*self.inputs) if isinstance(self.inputs, tuple) else self.model(self.inputs), self.target
        )


def sick(name, kind, illness, lr=1e-3, judged=False, loop=False):
    """f(bad) gives (model, inputs, target, loss_fn[, opt_factory[, judge]]); for loops (that, optimizer, step)."""

    def deco(f):
        def make(bad):
            def build(seed):
                torch.manual_seed(seed)
                out = f(bad)[0] if loop else f(bad)
                return (*out, None)[:5]

            return build

        def judge(model, seed):
            torch.manual_seed(seed)
            out = f(False)[0] if loop else f(False)
            with torch.no_grad():
                return float(out[5](model))

        e = dict(name=name, kind=kind, illness=illness, lr=lr, build=make(True), repaired=make(False))
        if judged:
            e["judge"] = judge
        if loop:
            e.update(train=lambda seed: Loop(f, True, seed), repaired_train=lambda seed: Loop(f, False, seed))
        SICK.append(e)
        return f

    return deco


def order(*names):
    """A step which does zero, back and step in the given order."""

    def step(l):
        for n in names:
            if n == "back":
                v = l.loss()
                v.backward()
            else:
                (l.opt.zero_grad if n == "zero" else l.opt.step)()
        return v

    return step


plain_step = order("zero", "back", "step")


def small(act=nn.ReLU, noise=1.0, scale=1.0):
    """The usual small classification: model, inputs, labels, cross-entropy."""
    x, y = blobs(64, (16,), 5, noise, scale)
    return mlp(16, 48, 48, 5, act=act), x, y, F.cross_entropy


def reg(out=1):
    x, y = regression(96, 6)
    return mlp(6, 48, 48, out), x, y, F.mse_loss


@sick(
    "sigmoid_stack_14",
    "vanishing",
    "14 sigmoid layers: the gradient shrinks by a factor 4 and more per layer; use ReLU",
)
def _(bad):
    _, x, y, lf = small()
    net = mlp(16, *[32] * 14, 5, act=nn.Sigmoid if bad else nn.ReLU)
    for m in net:
        if isinstance(m, nn.Linear) and not bad:
            nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
    return net, x, y, lf


@sick(
    "relu_rnn_spectral_radius",
    "exploding",
    "recurrent matrix with spectral radius 1.6 over 80 steps: states and gradients explode",
)
def _(bad):
    y = torch.randint(3, (24,))
    x = torch.randn(24, 80, 3) * 0.3 + 0.5 * F.one_hot(y, 3)[:, None]
    net = Net(
        lambda m, x: m.out(m.rnn(x)[0][:, -1]),
        rnn=nn.RNN(3, 24, nonlinearity="relu", batch_first=True),
        out=nn.Linear(24, 3),
    )
    nn.init.orthogonal_(net.rnn.weight_hh_l0, 1.6 if bad else 0.9)
    return net, x, y, F.cross_entropy


@sick(
    "lora_both_zero",
    "init",
    "A and B of the adapter both start at zero: their product has gradient zero forever",
    lr=1e-2,
)
def _(bad):
    base, x, y, lf = small()
    net = Net(lambda m, x: m.base(x) + (x @ m.A.T) @ m.B.T, base=base.requires_grad_(False))
    net.A, net.B = nn.Parameter(torch.zeros(4, 16) if bad else torch.randn(4, 16) / 4), nn.Parameter(torch.zeros(5, 4))
    return net, x, y, lf


@sick(
    "block_adds_skip_twice",
    "residual",
    "the block returns x + f(x) and the caller adds x again: the stream doubles 40 times",
    judged=True,
)
def _(bad):
    class Twice(Res):
        def forward(self, x):
            return super().forward(x) + (x if bad else 0)

    x, y = blobs(128, (16,), 5)
    net = nn.Sequential(
        nn.Linear(16, 32),
        *[Twice(nn.Sequential(nn.LayerNorm(32), mlp(32, 32, 32))) for _ in range(40)],
        nn.Linear(32, 5),
    )
    return net, x[:64], y[:64], F.cross_entropy, None, lambda m: F.cross_entropy(m(x[64:]), y[64:])


@sick(
    "zero_gamma_without_skip",
    "residual",
    "zero-init of the last BatchNorm's gamma while the identity is missing: the output is constant",
    lr=1e-2,
)
def _(bad):
    def block():
        bn = nn.BatchNorm1d(32)
        nn.init.zeros_(bn.weight)
        body = nn.Sequential(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32), bn)
        return body if bad else Res(body)

    _, x, y, lf = small()
    return nn.Sequential(nn.Linear(16, 32), block(), nn.ReLU(), block(), nn.ReLU(), block(), nn.Linear(32, 5)), x, y, lf


@sick("tanh_on_raw_pixels", "saturation", "0..255 pixels into tanh layers: units saturate at +-1; normalize the inputs")
def _(bad):
    x, y = smooth_images(64, 1, 12, 6, raw=True)
    x = x.flatten(1) if bad else (x.flatten(1) - 120) / 60
    return mlp(144, 32, 32, 32, 6, act=nn.Tanh), x, y, F.cross_entropy, opt(torch.optim.SGD, lr=0.05)


@sick(
    "softmax_then_cross_entropy",
    "loss",
    "softmax in the model and again in CrossEntropyLoss: the loss can't fall below about 0.9 and gradients fade",
)
def _(bad):
    net, x, y, lf = small()
    return nn.Sequential(net, nn.Softmax(1)) if bad else net, x, y, lf


@sick(
    "softmax_over_batch",
    "axis",
    "softmax over dim 0: probabilities compete between samples of the batch, not between classes",
)
def _(bad):
    net, x, y, _ = small()
    return nn.Sequential(net, nn.LogSoftmax(0 if bad else 1)), x, y, F.nll_loss


@sick(
    "broadcast_targets",
    "shape",
    "output (n, 1), target (n,): the difference broadcasts to (n, n), the net learns the mean",
    judged=True,
)
def _(bad):
    net, x, y, lf = reg()
    return net, x, y[:, 0] if bad else y, lf, None, lambda m: F.mse_loss(m(x), y)


@sick(
    "ignore_index_is_a_class",
    "loss",
    "ignore_index=0 (meant for padding) while 0 is a real class: that class never gets a gradient",
    judged=True,
)
def _(bad):
    net, x, y, lf = small(noise=0.7)
    return net, x, y, nn.CrossEntropyLoss(ignore_index=0 if bad else -100), None, lambda m: F.cross_entropy(m(x), y)


@sick(
    "lm_target_not_shifted",
    "labels",
    "targets equal the inputs (no shift): the model copies the current token, loss goes to zero for nothing",
    judged=True,
)
def _(bad):
    s, y = lm_data()
    return LM(Attn, pos=24), s, s if bad else y, seq_ce, None, lambda m: seq_ce(m(s), y)


@sick(
    "x_and_y_shuffled_apart",
    "labels",
    "inputs and labels are permuted by different permutations each epoch: nothing to learn",
    loop=True,
)
def _(bad):
    spec = small()

    def step(l):
        p = torch.randperm(64)
        l.inputs, l.target = spec[1][p], spec[2][torch.randperm(64) if bad else p]
        return plain_step(l)

    return spec, torch.optim.Adam(spec[0].parameters(), 3e-3), step


@sick(
    "target_leaks_as_feature",
    "leak",
    "a column of the inputs is the target itself, unknown at use: the net reads it off",
    judged=True,
)
def _(bad):
    x, y = regression(512, 6)
    z = torch.cat([x, y if bad else torch.zeros_like(y)], 1)
    return (
        mlp(7, 48, 48, 1),
        z[:256],
        y[:256],
        F.mse_loss,
        opt(torch.optim.Adam, lr=3e-3),
        lambda m: F.mse_loss(m(torch.cat([x, 0 * y], 1)[256:]), y[256:]),
    )


@sick("integer_division_of_pixels", "data", "uint8 pixels // 255: nearly all inputs become zero (integer division)")
def _(bad):
    x, y = smooth_images(48, 1, 12, 5, raw=True)
    x = x.to(torch.uint8).flatten(1)
    return mlp(144, 64, 5), (x // 255).float() if bad else x.float() / 255, y, F.cross_entropy


@sick(
    "dataset_returns_item_zero",
    "data",
    "the dataset returns the same sample for every index (labels differ): inputs are all equal",
)
def _(bad):
    net, x, y, lf = small()
    return net, x[:1].repeat(64, 1) if bad else x, y, lf


@sick(
    "constant_column_std_zero",
    "nan",
    "standardization by the batch std without epsilon, one column is constant: 0/0 = NaN",
)
def _(bad):
    net, x, y, lf = small()
    x[:, 4] = 3.0
    return Net(lambda m, x: m.f((x - x.mean(0)) / (x.std(0) + (0 if bad else 1e-5))), f=net), x, y, lf


@sick(
    "hidden_state_by_data",
    "graph",
    "h.data in the recurrent step: no gradient passes through time, memory is not learned",
    lr=1e-2,
)
def _(bad):
    def fwd(m, x):
        h = torch.zeros(len(x), 24)
        for t in range(x.shape[1]):
            h = m.cell(x[:, t], h.data if bad else h)
        return m.out(h)

    y = torch.randint(4, (192,))
    x = torch.cat([2.0 * F.one_hot(y, 4)[:, None], torch.randn(192, 15, 4)], 1)
    return Net(fwd, cell=nn.GRUCell(4, 24), out=nn.Linear(24, 4)), x, y, F.cross_entropy


@sick("encoder_under_no_grad", "graph", "torch.no_grad() left round the encoder: only the head is trained")
def _(bad):
    def fwd(m, x):
        with torch.set_grad_enabled(not bad):
            h = m.enc(x)
        return m.head(h)

    _, x, y, lf = small(noise=1.5)
    return Net(fwd, enc=mlp(16, 48, 48, 4), head=nn.Linear(4, 5)), x, y, lf, opt(torch.optim.Adam, lr=3e-3)


@sick(
    "parameter_rewrapped_in_forward",
    "registration",
    "forward wraps the masked weight in a new nn.Parameter: the real weight never gets a gradient",
)
def _(bad):
    def fwd(m, x):
        w = m.w * m.mask
        return m.head(F.relu(x @ (nn.Parameter(w) if bad else w)))

    _, x, y, lf = small(noise=1.5)
    net = Net(fwd, head=nn.Linear(4, 5), mask=(torch.rand(16, 4) > 0.3).float())
    net.w = nn.Parameter(torch.randn(16, 4) / 4)
    return net, x, y, lf, opt(torch.optim.Adam, lr=1e-2)


@sick(
    "head_replaced_after_optimizer",
    "optimizer",
    "the head was replaced after the optimizer was built: it holds the old one",
    loop=True,
)
def _(bad):
    x, y = regression(96, 6)
    net = nn.Sequential(mlp(6, 32, 16).requires_grad_(False), nn.Linear(16, 1))
    o = torch.optim.SGD(net.parameters(), 0.1)
    net[1] = nn.Linear(16, 1)
    return (net, x, y + 3, F.mse_loss), o if bad else torch.optim.SGD(net.parameters(), 0.1), plain_step


@sick(
    "zero_grad_forgotten",
    "loop",
    "zero_grad is missing: gradients of all steps add up and the weights overshoot",
    loop=True,
)
def _(bad):
    spec = reg()
    return spec, torch.optim.SGD(spec[0].parameters(), 0.1, 0.9), order("back", "step") if bad else plain_step


@sick("step_before_backward", "loop", "zero_grad, step, backward: the step always sees empty gradients", loop=True)
def _(bad):
    spec = small()
    return spec, torch.optim.Adam(spec[0].parameters(), 3e-3), order("zero", "step", "back") if bad else plain_step


@sick(
    "optimizer_made_anew_each_step",
    "optimizer",
    "a new Adam at every step: moments are lost, each step is a full sign step",
    loop=True,
)
def _(bad):
    net, x, y, lf = reg()

    def step(l):
        if bad:
            l.opt = torch.optim.Adam(net.parameters(), 1e-2)
        return plain_step(l)

    return (net, x, y, lf), torch.optim.Adam(net.parameters(), 1e-2), step


@sick(
    "scheduler_per_batch",
    "schedule",
    "ExponentialLR(0.8) stepped each batch, not each epoch: the rate is gone after 50 steps",
    loop=True,
)
def _(bad):
    spec = small(noise=1.5)
    o = torch.optim.Adam(spec[0].parameters(), 1e-3)
    sch = torch.optim.lr_scheduler.ExponentialLR(o, 0.8)

    def step(l):
        v = plain_step(l)
        l.n = getattr(l, "n", 0) + 1
        if bad or l.n % 100 == 0:
            sch.step()
        return v

    return spec, o, step


@sick("rate_one_with_adam", "rate", "Adam with rate 1.0: weights are thrown about, the loss explodes")
def _(bad):
    return *reg(), opt(torch.optim.Adam, lr=1.0 if bad else 3e-3)


@sick(
    "clip_before_unscale",
    "clip",
    "gradients clipped to norm 1 while still scaled by 65536: true steps are 65536 times too small",
    loop=True,
)
def _(bad):
    def step(l):
        l.opt.zero_grad()
        v, ps = l.loss(), list(l.model.parameters())
        (v * 65536.0).backward()
        if bad:
            nn.utils.clip_grad_norm_(ps, 1.0)
        torch._foreach_div_([p.grad for p in ps], 65536.0)
        nn.utils.clip_grad_norm_(ps, 1.0)
        l.opt.step()
        return v

    spec = small()
    return spec, torch.optim.SGD(spec[0].parameters(), 0.1, 0.9), step


@sick(
    "batchnorm_momentum_taken_for_decay",
    "norm",
    "momentum=1e-4 in BatchNorm (TF's convention turned wrongly): running statistics never arrive, eval is rubbish",
    judged=True,
)
def _(bad):
    x, y = blobs(96, (16,), 5, 0.5, 20.0)
    net = nn.Sequential(
        nn.BatchNorm1d(16, momentum=1e-4 if bad else 0.1), nn.Linear(16, 48), nn.Tanh(), nn.Linear(48, 5)
    )
    return (
        net,
        x[:64] + 90,
        y[:64],
        F.cross_entropy,
        opt(torch.optim.Adam, lr=3e-3),
        lambda m: F.cross_entropy(m.eval()(x[64:] + 90), y[64:]),
    )


@sick(
    "instance_norm_erases_brightness",
    "norm",
    "the class is the image's brightness, InstanceNorm at the front removes just that",
    judged=True,
)
def _(bad):
    y = torch.randint(4, (96,))
    x = y[:, None, None, None] + 0.3 * torch.randn(96, 1, 12, 12)
    norm = nn.InstanceNorm2d(1) if bad else nn.BatchNorm2d(1)
    net = nn.Sequential(
        norm,
        nn.Conv2d(1, 16, 3, 2),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, 2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 4),
    )
    return (
        net,
        x[:48],
        y[:48],
        F.cross_entropy,
        opt(torch.optim.Adam, lr=1e-2),
        lambda m: F.cross_entropy(m.eval()(x[48:]), y[48:]),
    )


@sick(
    "batchnorm_on_regression_output",
    "norm",
    "BatchNorm without affine as the last layer: outputs have mean 0 and variance 1, targets don't",
    lr=1e-2,
)
def _(bad):
    net, x, y, lf = reg()
    return nn.Sequential(net, nn.BatchNorm1d(1, affine=False)) if bad else net, x, 3 * y + 4, lf


@sick("dropout_keep_prob", "dropout", "Dropout(0.95): the keep probability was meant; 95 % of the units are dropped")
def _(bad):
    _, x, y, lf = small()
    p = 0.95 if bad else 0.05
    return (
        nn.Sequential(
            nn.Linear(16, 48), nn.ReLU(), nn.Dropout(p), nn.Linear(48, 48), nn.ReLU(), nn.Dropout(p), nn.Linear(48, 5)
        ),
        x,
        y,
        lf,
        opt(torch.optim.Adam, lr=3e-3),
    )


@sick(
    "padding_mask_inverted",
    "mask",
    "padding mask is inverted: only padding is attended to, real tokens are hidden",
    lr=3e-3,
)
def _(bad):
    def fwd(m, s):
        real = s > 0
        x = m.emb(s)
        a = m.score(x)[..., 0].masked_fill(real if bad else ~real, -1e9).softmax(1)
        return m.out((a[..., None] * x).sum(1))

    s = torch.randint(1, 30, (64, 10)) * (torch.arange(10) < torch.randint(2, 9, (64, 1)))
    return (
        Net(fwd, emb=nn.Embedding(30, 24), score=nn.Linear(24, 1), out=mlp(24, 32, 30)),
        s,
        s[:, 0],
        F.cross_entropy,
        opt(torch.optim.Adam, lr=1e-2),
    )


@sick(
    "causal_mask_missing",
    "mask",
    "no causal mask in a language model: it reads the next token from its input; loss near zero, generation fails",
    judged=True,
)
def _(bad):
    class Seeing(Attn):
        def forward(self, x):
            b, t, d = x.shape
            q, k, v = (f(x).reshape(b, t, 4, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
            return self.o(attend(q, k, v, causal=not bad).transpose(1, 2).reshape(b, t, d))

    s, y = lm_data()
    return (
        LM(Seeing, pos=24),
        s,
        y,
        seq_ce,
        opt(torch.optim.Adam, lr=3e-3),
        lambda m: sum(F.cross_entropy(m(s[:, :t])[:, -1], y[:, t - 1]) for t in (6, 10, 14, 18)) / 4,
    )


@sick(
    "no_positions_order_matters",
    "positions",
    "encoder without positional encoding: permutations of the tokens look alike, the label is the order",
    lr=3e-3,
)
def _(bad):
    base = torch.randperm(8)
    s = torch.stack([base[torch.randperm(8)] for _ in range(64)])
    net = Net(
        lambda m, s: m.out(m.enc(m.emb(s) + (0 if bad else m.pos)).mean(1)),
        emb=nn.Embedding(8, 32),
        out=nn.Linear(32, 8),
        enc=nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=True),
    )
    net.pos = nn.Parameter(torch.randn(8, 32) * 0.5)
    return net, s, s[:, 2], F.cross_entropy


@sick(
    "padded_gru_last_step",
    "sequence",
    "out[:, -1] of right-padded sequences is the state after dozens of padding steps, not after the last token",
    lr=3e-3,
)
def _(bad):
    n = torch.randint(2, 7, (64,))
    s = torch.randint(1, 12, (64, 60)) * (torch.arange(60) < n[:, None])

    def fwd(m, s, n):
        h = m.rnn(m.emb(s))[0]
        return m.out(h[:, -1] if bad else h[torch.arange(len(s)), n - 1])

    return (
        Net(fwd, emb=nn.Embedding(12, 16, padding_idx=0), rnn=nn.GRU(16, 24, batch_first=True), out=nn.Linear(24, 12)),
        (s, n),
        s[torch.arange(64), n - 1],
        F.cross_entropy,
    )


@sick(
    "argmax_between_stages",
    "graph",
    "one_hot(argmax) between encoder and decoder has no gradient: the encoder stays random",
    lr=1e-2,
)
def _(bad):
    def fwd(m, x):
        p = m.enc(x).softmax(1)
        hard = F.one_hot(p.argmax(1), 8).float()
        return m.dec(hard if bad else hard + p - p.detach())

    x, y = blobs(64, (16,), 5, 0.7)
    return Net(fwd, enc=mlp(16, 32, 8), dec=nn.Linear(8, 5)), x, y, F.cross_entropy


@sick(
    "output_clamped_zero_one",
    "dead",
    "clamp(0, 1) on the output while outputs start below zero: the clamp passes no gradient",
)
def _(bad):
    net, x, y, lf = reg()
    nn.init.constant_(net[-1].bias, -1.0)
    return Net(lambda m, x: m.f(x).clamp(0, 1) if bad else m.f(x).sigmoid(), f=net), x, (y.sigmoid() > 0.5).float(), lf


@sick(
    "cosine_sign",
    "sign",
    "cosine similarity is used as the loss (minimized) where 1 - cos was meant: matching pairs are driven apart",
    judged=True,
)
def _(bad):
    x = torch.randn(64, 12)
    t = F.normalize(torch.sin(x @ torch.randn(12, 8)), dim=1)

    def cos(o, t):
        return F.cosine_similarity(o, t).mean()

    return mlp(12, 48, 8), x, t, cos if bad else lambda o, t: 1 - cos(o, t), None, lambda m: 1 - cos(m(x), t)


@sick("ppo_ratio_upside_down", "sign", "ratio is exp(old - new): good actions become less likely", judged=True)
def _(bad):
    x, a = torch.randn(128, 4), torch.randint(2, (128,))
    adv = torch.where(a == (x[:, 0] > 0).long(), 1.0, -1.0)
    net = mlp(4, 32, 2, act=nn.Tanh)
    old = net(x).log_softmax(1).gather(1, a[:, None])[:, 0].detach()

    def loss(o, adv):
        d = o.log_softmax(1).gather(1, a[:, None])[:, 0] - old
        r = (-d if bad else d).exp()
        return -torch.minimum(r * adv, r.clamp(0.8, 1.2) * adv).mean()

    return net, x, adv, loss, None, lambda m: F.cross_entropy(m(x), (x[:, 0] > 0).long())


@sick(
    "generator_fed_by_detached_fake",
    "gan",
    "the generator's loss goes through fake.detach(): only the critic moves, the generator never",
    judged=True,
)
def _(bad):
    net = Net(lambda m, z: m.d(m.g(z).detach() if bad else m.g(z)), g=mlp(4, 32, 4), d=nn.Linear(4, 1))
    z = torch.randn(64, 4)
    nn.init.constant_(net.d.weight, 0.5)
    nn.init.constant_(net.d.bias, -2.0)
    return net, z, None, lambda s, _: F.softplus(-s).mean(), None, lambda m: F.relu(1 - m.g(z).mean(0)).mean()


@sick(
    "vae_kl_sum_against_mean_mse",
    "collapse",
    "KL summed, reconstruction averaged over pixels: the KL wins, the posterior collapses to the prior",
    judged=True,
)
def _(bad):
    x, _ = blobs(64, (40,), 6, 0.2)

    def fwd(m, x):
        mu, lv = m.enc(x).chunk(2, 1)
        return m.dec(mu + torch.randn_like(mu) * (lv / 2).exp()), mu, lv

    def loss(o, t):
        kl = 0.5 * (o[1] ** 2 + o[2].exp() - 1 - o[2]).sum(1).mean()
        return ((o[0] - t) ** 2).mean() * (1 if bad else 40) + kl

    return (
        Net(fwd, enc=mlp(40, 64, 8), dec=mlp(4, 64, 40)),
        x,
        x,
        loss,
        opt(torch.optim.Adam, lr=3e-3),
        lambda m: F.mse_loss(m(x)[0], x),
    )


@sick(
    "infonce_temperature_1e-4",
    "temperature",
    "temperature 1e-4: logits of +-10,000, softmax is a hard maximum, the loss starts in the thousands",
    judged=True,
)
def _(bad):
    x = torch.randn(64, 6).repeat(1, 3)
    a, b = x + 0.5 * torch.randn(64, 18), x + 0.5 * torch.randn(64, 18)

    def sim(m):
        return m[0] @ m[1].T

    net = Net(
        lambda m, a, b: (F.normalize(m.f(a), dim=1), F.normalize(m.g(b), dim=1)), f=mlp(18, 48, 16), g=mlp(18, 48, 16)
    )
    return (
        net,
        (a, b),
        torch.arange(64),
        lambda o, t: F.cross_entropy(sim(o) / (1e-4 if bad else 0.1), t),
        None,
        lambda m: F.cross_entropy(10 * sim(m(a, b)), torch.arange(64)),
    )


@sick(
    "loss_times_1e-10",
    "scale",
    "the loss is multiplied by 1e-10 (twice averaged over pixels): gradients vanish beneath Adam's epsilon",
    judged=True,
)
def _(bad):
    net, x, y, _ = small()
    return (
        net,
        x,
        y,
        lambda o, t: F.cross_entropy(o, t) * (1e-10 if bad else 1.0),
        None,
        lambda m: F.cross_entropy(m(x), y),
    )


@sick(
    "rmsnorm_squares_in_half",
    "float16",
    "RMSNorm squares activations of some 400 in float16: the result is zero and so are the gradients",
)
def _(bad):
    def fwd(m, x):
        h = m.a(x).half()
        h2 = h if bad else h.float()
        return m.b((h2 * torch.rsqrt(h2.pow(2).mean(-1, keepdim=True) + 1e-5)).float())

    x, y = blobs(64, (16,), 5, 0.5, 1000.0)
    return Net(fwd, a=nn.Linear(16, 48), b=mlp(48, 32, 5)), x, y, F.cross_entropy


@sick(
    "sqrt_of_zero_distance",
    "nan",
    "sqrt of the squared distance without epsilon; one pair coincides: gradient 0 * inf = NaN",
)
def _(bad):
    x, y = torch.randn(48, 8), torch.rand(48)
    z = torch.where(torch.arange(48)[:, None] == 5, x, torch.randn(48, 8))
    return (
        Net(lambda m, x, z: ((m.f(x) - m.f(z)) ** 2).sum(1).add(0 if bad else 1e-8).sqrt(), f=mlp(8, 32, 8)),
        (x, z),
        y,
        F.mse_loss,
    )


@sick(
    "acos_at_one",
    "nan",
    "angle by acos(cosine) without a clamp inside (-1, 1): at equal vectors the derivative is infinite",
)
def _(bad):
    x = torch.randn(48, 8)
    w = torch.randn(8, 8)
    net = Net(lambda m, x: F.normalize(m.f(x) + x, dim=1), f=mlp(8, 48, 8))
    for p in net.f[-1].parameters():
        nn.init.zeros_(p)
    t = F.normalize(torch.where(torch.arange(48)[:, None] < 6, x, x @ w), dim=1)
    return net, x, t, lambda o, t: torch.acos((o * t).sum(1).clamp(-1, 1) * (1 if bad else 0.9999)).mean()


@sick(
    "softmax_twice_in_attention",
    "attention",
    "softmax of the softmaxed scores: weights are nearly uniform, nothing can be picked out",
    lr=1e-2,
)
def _(bad):
    def fwd(m, k, v, q):
        a = (m.q(q)[:, None] * m.k(k)).sum(-1).softmax(1)
        return m.out(((a.softmax(1) if bad else a)[..., None] * m.v(v)).sum(1))

    k = torch.stack([torch.randperm(30)[:12] for _ in range(192)])
    v, i = torch.randint(10, (192, 12)), torch.randint(12, (192,))
    net = Net(fwd, q=nn.Embedding(30, 32), k=nn.Embedding(30, 32), v=nn.Embedding(10, 32), out=nn.Linear(32, 10))
    return net, (k, v, k[torch.arange(192), i]), v[torch.arange(192), i], F.cross_entropy


@sick(
    "reshape_for_transpose",
    "axis",
    "(time, batch, d).reshape(batch, time, d) where a transpose was meant: sequences of different samples are mixed",
    judged=True,
)
def _(bad):
    y = torch.randint(4, (192,))
    x = 0.8 * torch.randn(12, 192, 6) + torch.randn(4, 6)[y]

    def fwd(m, x):
        h = x.reshape(x.shape[1], x.shape[0], -1) if bad else x.transpose(0, 1)
        return m.out(m.rnn(h)[0][:, -1])

    return (
        Net(fwd, rnn=nn.GRU(6, 24, batch_first=True), out=nn.Linear(24, 4)),
        x[:, :64],
        y[:64],
        F.cross_entropy,
        None,
        lambda m: F.cross_entropy(m(x[:, 64:]), y[64:]),
    )


@sick(
    "pinn_with_relu",
    "activation",
    "ReLU in a PINN: the second derivative is zero, the equation's residual can't teach anything",
    judged=True,
)
def _(bad):
    def fwd(m, t):
        with torch.enable_grad():
            t = t.clone().requires_grad_(True)
            u = m.f(t)
            du = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
            ddu = torch.autograd.grad(du.sum(), t, create_graph=True, allow_unused=True, materialize_grads=True)[0]
        return u, du, ddu

    def loss(o, _):
        return (o[2] + 4 * o[0]).pow(2).mean() + 10 * (o[0][0] - 1).pow(2).sum() + 10 * o[1][0].pow(2).sum()

    t = torch.linspace(0, 1.5, 40)[:, None]
    return (
        Net(fwd, f=mlp(1, 32, 32, 1, act=nn.ReLU if bad else nn.Tanh)),
        t,
        None,
        loss,
        opt(torch.optim.Adam, lr=5e-3),
        lambda m: F.mse_loss(m(t)[0], torch.cos(2 * t)),
    )


@sick(
    "gcn_24_layers_oversmoothed",
    "depth",
    "24 graph convolutions without skips: all nodes get the same features",
    lr=3e-3,
)
def _(bad):
    x, y = blobs(60, (12,), 4, 0.6)
    adj = torch.eye(60)
    adj[graph(60, 150)[0], graph(60, 150)[1]] = 1
    adj = (adj + adj.T).clamp(max=1)
    adj = adj / adj.sum(1).sqrt() / adj.sum(1).sqrt()[:, None]

    def fwd(m, x):
        x = m.inp(x)
        for l in m.ls:
            h = F.relu(l(adj @ x))
            x = h if bad else x + h * 0.2
        return m.out(x)

    return (
        Net(fwd, inp=nn.Linear(12, 24), ls=nn.ModuleList(nn.Linear(24, 24) for _ in range(24)), out=nn.Linear(24, 4)),
        x,
        y,
        F.cross_entropy,
    )


@sick(
    "weight_decay_one_in_adam",
    "decay",
    "weight_decay=1.0 (L2 in Adam) outweighs the loss: all weights shrink to nothing",
)
def _(bad):
    return *small(), opt(torch.optim.Adam, lr=1e-3, weight_decay=1.0 if bad else 1e-4)


@sick(
    "where_sqrt_trap",
    "nan",
    "torch.where(h > 0, sqrt(h), 0): NaN comes back from the other branch, weights go NaN, the loss stays finite",
)
def _(bad):
    def fwd(m, x):
        h = m.a(x)
        return m.b(torch.where(h > 0, torch.sqrt(h if bad else h.clamp(min=1e-3)), torch.zeros(())))

    _, x, y, lf = small()
    return Net(fwd, a=nn.Linear(16, 48), b=nn.Linear(48, 5)), x, y, lf
