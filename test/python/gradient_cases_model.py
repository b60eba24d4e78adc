# ===- gradient_cases_model.py - rows for attention, convolutions, pools, losses -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import itertools

import numpy as np
import torch
import torch.nn.functional as F
from gradient_cases import array, case, type_of

from linnet import reference as ref
from linnet._src.reference import attention as family
from linnet._src.reference import conv, loss, norm, pool, resize
from linnet._src.reference import random as rng

B, H, NQ, NK = 2, 4, 5, 7
KEY = 4711


def coins(*shape):
    return np.random.default_rng(9).random(shape) < 0.6


SEGMENTS = dict(q_segments=np.int32([[0, 0, 1, 1, 2], [0, 1, 1, 1, 1]]),
                kv_segments=np.int64([[0, 0, 0, 1, 1, 2, 2], [1, 1, 1, 1, 0, 0, 0]]))
LENGTHS = dict(kv_lengths=np.int32([7, 4]))
# masks, operands, attributes; operands are options of the reference
ATTENTION = [
    ("", {}, ""), ("causal", {}, ""), ("causal", {}, "alignment<bottom_right>"),
    ("causal", {}, "alignment<top_left>"), ("window<left = 2>", {}, ""), ("window<right = 1>", {}, ""),
    ("window<left = 1, right = 2>", {}, "alignment<top_left>"), ("causal, window<left = 2>", {}, ""),
    ("explicit", dict(mask=coins(H, NQ, NK)), ""), ("explicit", dict(mask=coins(NK)), ""),
    ("explicit", dict(mask=coins(B, 1, NQ, NK)), ""), ("explicit", dict(mask=coins(NQ, 1)), ""),
    ("kv_lengths", LENGTHS, ""), ("causal, kv_lengths", LENGTHS, ""),
    ("window<left = 2, right = 0>, kv_lengths", LENGTHS, "alignment<top_left>"),
    ("segments", SEGMENTS, ""), ("causal, segments", SEGMENTS, ""),
    ("causal, window<left = 3>, explicit, kv_lengths, segments",
     dict(mask=coins(1, H, 1, NK), **LENGTHS, **SEGMENTS), ""),
    ("causal", dict(q_offset=np.array(3)), ""), ("causal", dict(q_offset=np.int32([-2, 4])), ""),
    ("window<left = 1, right = 1>", dict(q_offset=np.int64([1, 6])), ""),
    *[("causal", dict(bias=array(*shape)), "") for shape in ((), (NK,), (NQ, 1), (H, 1, NK),
                                                           (B, 1, NQ, NK), (B, H, NQ, NK))],
    ("", {}, "scale(0.5)"), ("causal", {}, "scale(-0.3)"), ("causal", {}, "softcap(1.5)"),
    ("causal", dict(bias=array(H, 1, NK)), "scale(0.7) softcap(2.0)"),
    ("causal", dict(alibi_slopes=abs(array(H))), ""),
    ("causal, kv_lengths", dict(bias=array(NK), alibi_slopes=abs(array(H)), **LENGTHS), "softcap(1.5)"),
    ("causal", dict(dropout=0.3), ""), ("", dict(dropout=0.6, bias=array(NK)), "softcap(1.5)"),
    ("window<left = 4>, explicit, kv_lengths", dict(mask=coins(NQ, NK), dropout=0.2, **LENGTHS), ""),
]


def options_of(masks, attributes):
    """Masks and attributes as the reference takes them."""
    options = {"causal": True} if "causal" in masks else {}
    if "window" in masks:
        sides = dict(s.replace(" ", "").split("=") for s in
                     masks.split("window<")[1].split(">")[0].split(","))
        options["window"] = tuple(int(sides[s]) if s in sides else None for s in ("left", "right"))
    for name in attributes.split():
        key, value = name.rstrip(")>").replace("<", "(").split("(")
        options[key] = value if key == "alignment" else float(value)
    return options


def torch_attention(q, k, v, bias=None, scale=None, softcap=None, dropout=None, alibi_slopes=None,
                    **masks):
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    s = q @ k.mT * (q.shape[3] ** -0.5 if scale is None else scale)
    s = s if softcap is None else softcap * torch.tanh(s / softcap)
    s = s if bias is None else s + bias
    if alibi_slopes is not None:
        _, p = family.positions(len(q), q.shape[2], k.shape[2], **masks)
        s = s + alibi_slopes[:, None, None] * torch.from_numpy(np.arange(k.shape[2]) - p)
    seen = torch.from_numpy(np.broadcast_to(
        ref.visible_keys(len(q), q.shape[2], k.shape[2], **masks), s.shape).copy())
    rows = seen.any(3)
    s = s.masked_fill(~seen & rows[..., None], -torch.inf)
    # as the op's gradient is computed: weights from the log-sum-exp, and dot(dout, o) by itself
    known = s.logsumexp(3, keepdim=True).detach()
    w = (s - known).exp()
    total = w.sum(3, keepdim=True)
    factors = torch.from_numpy(family._dropout_factors(s.shape, dropout))
    return ((w * factors) @ v / total).masked_fill(~rows[..., None], 0), (known + total.log())[..., 0]


def attention_case(masks, operands, attributes, lse=False, key_heads=2, seed=0):
    fixed = options_of(masks, attributes)
    inputs = [array(B, H, NQ, 8, seed=seed), array(B, key_heads, NK, 8, seed=seed),
              array(B, key_heads, NK, 6, seed=seed)]
    names, text, dropout = [], "", operands.get("dropout")
    added = ("bias", "alibi_slopes")  # to scores; slopes are no operand to differentiate by
    for name, value in operands.items():
        if name != "dropout":
            text += f" {name}(%x{3 + len(names)} : {type_of(value)})"
            names.append(name)
            inputs.append(value)
    if dropout:
        text += f" dropout_key(%x{len(inputs)} : i64) dropout_counter(%x{len(inputs) + 1} : tensor<i64>)"
        attributes += f" dropout({dropout})"
        inputs += [np.int64(KEY), np.array(KEY)]
        fixed["dropout"] = (dropout, KEY, KEY)

    def call(function):
        def run(q, k, v, *rest):
            given = dict(zip(names, rest))
            masks = {n: np.asarray(x) for n, x in given.items() if n not in added}
            biased = {n: given[n] for n in added if n in given}
            o, sums = function(q, k, v, **masks, **biased, **fixed)
            return (o, sums) if lse else o
        return run
    masks = f" masks<[{masks}]>" * bool(masks)
    results = "%y0, %y1" if lse else "%y"
    return case(f"{results} = linnet.attention %x0, %x1, %x2{text}{masks} {attributes}"
                " : {0}, {1}, {2} -> {r}", *inputs, torch=call(torch_attention),
                reference=call(ref.attention),
                wrt=[0, 1, 2] + [3 + i for i, n in enumerate(names) if n == "bias"])


def attentions():
    for masks, operands, attributes in ATTENTION:
        yield "linnet.attention", attention_case(masks, operands, attributes)
        if not operands.keys() & {"mask", "kv_lengths", "q_offset", "q_segments"}:
            # where no row is empty, so that every log-sum-exp is a number
            yield "linnet.attention", attention_case(masks, operands, attributes, lse=True)
    for heads in (1, 4):
        yield "linnet.attention", attention_case("causal", {}, "", key_heads=heads)


def rotate(x, cos, sin, layout):
    """cos and sin are [B or 1, 1, N, R/2]."""
    half = cos.shape[3]
    lo, hi = ((x[..., :half], x[..., half:2 * half]) if layout == "half" else
              (x[..., 0:2 * half:2], x[..., 1:2 * half:2]))
    parts = lo * cos - hi * sin, hi * cos + lo * sin
    turned = torch.cat(parts, -1) if layout == "half" else torch.stack(parts, -1).flatten(-2)
    return torch.cat([turned, x[..., 2 * half:]], -1)


def rotaries():
    n, depth = 5, 8
    few = np.float32([1.0, 0.3])
    base = lambda b, r: (b ** (-np.arange(0, r, 2) / r)).astype(np.float32)
    by_position = {  # text, further inputs, positions, frequencies
        "base(100.0)": ([], np.arange(n), base(100.0, depth)),
        "base(50.0) rotated(4) offset(%x1 : {1})": ([np.array(3)], np.arange(n) + 3, base(50.0, 4)),
        "base(50.0) offset(%x1 : {1})": ([np.int32([2, 9])], np.arange(n) + np.int32([[2], [9]]),
                                         base(50.0, depth)),
        "frequencies(%x1 : {1}) positions(%x2 : {2})": ([few, np.arange(n) * 7], np.arange(n) * 7, few),
        "frequencies(%x1 : {1}) positions(%x2 : {2}) ": (
            [few, np.arange(2 * n).reshape(2, n) * 3], np.arange(2 * n).reshape(2, n) * 3, few),
    }
    for layout, (text, (more, at, frequencies)) in itertools.product(("half", "interleaved"),
                                                                     by_position.items()):
        angle = (at.astype(np.float32)[..., None] * frequencies).astype(np.float64)
        cos, sin = (torch.from_numpy(f(angle)).reshape(-1, 1, *angle.shape[-2:]) for f in (np.cos, np.sin))
        yield "linnet.rotary", case(
            f"%y = linnet.rotary %x0 {text} layout<{layout}> : {{0}}", array(2, 3, n, depth), *more,
            wrt=[0], torch=lambda x, *_, c=cos, s=sin, l=layout: rotate(x, c, s, l))
    for layout, shape in itertools.product(("half", "interleaved"), ((n, 3), (2, n, 3))):
        full = (shape[0] if len(shape) == 3 else 1, 1, n, 3)
        yield "linnet.rotary", case(
            f"%y = linnet.rotary %x0 tables(%x1, %x2 : {{1}}) layout<{layout}> : {{0}}",
            array(2, 3, n, depth), array(*shape), array(*shape, seed=1),
            torch=lambda x, c, s, f=full, l=layout: rotate(x, c.reshape(f), s.reshape(f), l),
            reference=lambda x, c, s, l=layout: ref.rotary(x, tables=(c, s), layout=l))


FEATURES = {"elu1": lambda v: F.elu(v) + 1, "relu": torch.relu, "relu2": lambda v: torch.relu(v) ** 2,
            "exp": torch.exp}


def features():
    for kind, function in FEATURES.items():
        yield "linnet.feature_map", case(f"%y = linnet.feature_map {kind} %x0 : {{0}}", array(3, 7),
                                         torch=function)


# input, filter, groups, strides, dilations, padding
CONVS = [((2, 4, 7), (6, 2, 3), 2, [2], [1], [1, 1]), ((1, 2, 6, 7), (3, 2, 3, 2), 1, [1, 1], [1, 1], [1, 1, 0, 0]),
         ((1, 4, 7, 8), (4, 1, 3, 3), 4, [2, 3], [2, 1], [2, 2, 1, 1]),
         ((1, 2, 5, 6), (3, 2, 2, 3), 1, [1, 2], [1, 2], [0, 2, 3, 1]),
         ((1, 2, 4, 3, 4), (2, 2, 2, 1, 2), 1, [1, 1, 2], [2, 1, 1], [1, 0, 0, 0, 0, 1])]


def attributes(**lists):
    return " ".join(f"{name} {value}" for name, value in lists.items())


def torch_conv(x, w, b, groups, strides, dilations, padding):
    n = x.dim() - 2
    pads = [p for i in reversed(range(n)) for p in padding[2 * i:2 * i + 2]]
    return getattr(F, f"conv{n}d")(F.pad(x, pads), w, b, strides, 0, dilations, groups)


def torch_conv_transpose(x, w, b, groups, strides, dilations, padding, extra):
    """Of the full result what the padding leaves."""
    n = x.dim() - 2
    y = getattr(F, f"conv_transpose{n}d")(x, w, None, strides, 0, 0, groups, dilations)
    for i in range(n):
        y = y.movedim(2 + i, -1)
        y = F.pad(y, (-padding[2 * i], extra[i] - padding[2 * i + 1])).movedim(-1, 2 + i)
    return y if b is None else y + b.reshape(-1, *[1] * n)


def convolutions():
    for (xs, ws, *options), biased in itertools.product(CONVS, (False, True)):
        groups, strides, dilations, padding = options
        rest = [array(ws[0])] * biased
        yield "linnet.conv", case(
            f"%y = linnet.conv %x0, %x1{' bias %x2' * biased} groups {groups} strides {strides} dilations "
            f"{dilations} padding {padding} : {{0}}, {{1}}{', {2}' * biased} -> {{r}}", array(*xs), array(*ws),
            *rest, torch=lambda x, w, b=None, o=options: torch_conv(x, w, b, *o),
            reference=lambda x, w, b=None, o=options: conv.conv(x, w, b, *o))
    for (xs, ws, groups, strides, dilations, padding), biased in itertools.product(CONVS, (False, True)):
        ws = (xs[1], 2, *ws[2:])
        for extra in ([0] * len(strides), [s - 1 for s in strides]):
            options = (groups, strides, dilations, padding, extra)
            yield "linnet.conv_transpose", case(
                f"%y = linnet.conv_transpose %x0, %x1{' bias %x2' * biased} groups {groups} strides {strides} "
                f"dilations {dilations} padding {padding} output_padding {extra}"
                f" : {{0}}, {{1}}{', {2}' * biased} -> {{r}}", array(*xs), array(*ws),
                *[array(2 * groups)] * biased,
                torch=lambda x, w, b=None, o=options: torch_conv_transpose(x, w, b, *o),
                reference=lambda x, w, b=None, o=options: conv.conv_transpose(x, w, b, *o))


# shape, kernel, strides, dilations, padding
POOLS = [((2, 2, 7), [3], [2], [1], [1, 1]), ((1, 2, 6, 7), [2, 3], [2, 2], [1, 1], [0, 0, 1, 1]),
         ((1, 2, 5, 5), [3, 3], [1, 1], [1, 1], [1, 1, 1, 1]), ((1, 1, 8, 7), [2, 3], [3, 1], [2, 2], [1, 0, 2, 1]),
         ((1, 1, 4, 5, 4), [2, 2, 2], [2, 1, 2], [1, 1, 1], [0, 0, 1, 0, 0, 1])]


def torch_pool(kind, kernel, strides, dilations, padding, ceil, *more):
    """PyTorch pads both sides alike and dilates maxima only: None where it has not the op."""
    n = len(kernel)
    if padding[::2] != padding[1::2] or (kind == "avg" and dilations != [1] * n):
        return None
    middle = (dilations, ceil) if kind == "max" else (ceil, *more)
    return lambda x: getattr(F, f"{kind}_pool{n}d")(x, kernel, strides, padding[::2], *middle)


def pools():
    for (shape, kernel, strides, dilations, padding), ceil in itertools.product(POOLS, (False, True)):
        text = f"kernel {kernel} " + attributes(strides=strides, dilations=dilations, padding=padding)
        text += " ceil_mode" * ceil
        options = dict(strides=strides, dilations=dilations, padding=padding, ceil_mode=ceil)
        # all different: where two maxima are equal there is no slope
        x = (np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape) / 4).astype(np.float32)
        yield "linnet.max_pool", case(
            f"%y = linnet.max_pool %x0 {text} : {{0}} -> {{r}}", x,
            torch=torch_pool("max", kernel, strides, dilations, padding, ceil),
            reference=lambda x, k=kernel, o=options: pool.max_pool(x, k, **o))
        for include in (False, True):
            yield "linnet.avg_pool", case(
                f"%y = linnet.avg_pool %x0 {text}{' count_include_pad' * include} : {{0}} -> {{r}}", x,
                torch=torch_pool("avg", kernel, strides, dilations, padding, ceil, include),
                reference=lambda x, k=kernel, i=include, o=options: pool.avg_pool(x, k, i, **o))


RESIZES = {("nearest", "asymmetric"): ("nearest", "nearest"),
           ("nearest", "half_pixel"): ("nearest-exact", "nearest-exact"),
           ("linear", "half_pixel"): ("linear", "bilinear"), ("linear", "align_corners"): ("linear", "bilinear"),
           ("linear", "asymmetric"): None}


def resizes():
    for ((mode, position), names), (shape, sizes) in itertools.product(
            RESIZES.items(), (((1, 2, 5), [9]), ((1, 2, 4, 5), [8, 3]), ((1, 2, 4, 5), [1, 1]))):
        def of_torch(x, n=names, p=position, s=sizes, m=mode):
            return F.interpolate(x, s, mode=n[len(s) - 1],
                                 align_corners=None if m == "nearest" else p == "align_corners")
        yield "linnet.resize", case(
            f"%y = linnet.resize {mode} {position} %x0 : {{0}} -> {{r}}", array(*shape),
            torch=of_torch if names else None,
            reference=lambda x, s=sizes, m=mode, p=position: resize.resize(x, s, m, p))
    yield "linnet.resize", case(
        "%d = tensor.cast %x1 : {1} to tensor<?xf32>\n  %c = arith.constant 0 : index\n"
        "  %n = tensor.dim %d, %c : tensor<?xf32>\n"
        "  %s = linnet.resize linear half_pixel %x0 sizes(%n) : {0} -> tensor<1x2x?xf32>\n"
        "  %y = tensor.cast %s : tensor<1x2x?xf32> to {r}", array(1, 2, 5), array(9), wrt=[0],
        label="sizes", torch=lambda x, n: F.interpolate(x, [9], mode="linear"),
        reference=lambda x, n: resize.resize(x, [9], "linear", "half_pixel"))


def batch_norms():
    for shape, scaled, shifted in itertools.product(((4, 3, 2, 3), (6, 5)), (False, True), (False, True)):
        x, c = array(*shape), shape[1]
        var = np.abs(array(c, seed=2)) + np.float32(0.5)
        rest = [array(c, seed=3)] * scaled + [array(c, seed=4)] * shifted

        def text(first, s=scaled, b=shifted):
            names = f" scale(%x{first} : {{{first}}})" * s
            return names + f" bias(%x{first + s} : {{{first + s}}})" * b

        def split(rest, s=scaled, b=shifted):
            rest = iter(rest)
            return next(rest) if s else None, next(rest) if b else None
        yield "linnet.batch_norm", case(
            f"%y = linnet.batch_norm %x0 mean(%x1 : {{1}}) var(%x2 : {{2}}){text(3)} eps 1.0e-2 : {{0}}",
            x, array(c, seed=1), var, *rest,
            torch=lambda x, m, v, *r, f=split: batch_norm_by_hand(x, m, v, *f(r)),
            reference=lambda x, m, v, *r, f=split: norm.batch_norm(x, m, v, *f(r), 1e-2))
        small = f"tensor<{c}xf32>"
        running = " running(%x1, %x2 : {1}, {2}) momentum 1.0e-1"
        for kept in (False, True):
            names, types = ("%y, %m, %v, %o, %w", ", ".join([small] * 4)) if kept else (
                "%y, %m, %v", f"{small}, {small}")
            yield "linnet.batch_norm_train", case(
                f"{names} = linnet.batch_norm_train %x0{text(3)}{running * kept} eps 1.0e-2 : {{0}} -> {types}",
                x, array(c, seed=1), var, *rest, wrt=[0, *range(3, 3 + len(rest))],
                torch=lambda x, m, v, *r, f=split: F.batch_norm(x, None, None, *f(r), True, 0.1, 1e-2),
                reference=lambda x, m, v, *r, f=split: norm.batch_norm_train(x, *f(r), eps=1e-2)[0])


def batch_norm_by_hand(x, mean, var, scale, bias):
    """PyTorch's has no derivative by the statistics."""
    each = lambda v: v.reshape(-1, *[1] * (x.dim() - 2))
    y = (x - each(mean)) * torch.rsqrt(each(var) + 1e-2)
    y = y if scale is None else y * each(scale)
    return y if bias is None else y + each(bias)


def losses():
    x = array(2, 3, 11)
    for reduction, smoothing, ignore in itertools.product(("none", "sum", "mean"), (0.0, 0.1, 1.0), (-100, 5)):
        t = np.array([[1, 10, ignore], [0, 5, 5]])
        options = dict(reduction=reduction, ignore_index=ignore, label_smoothing=smoothing)
        text = f"ignore_index {ignore} label_smoothing {smoothing:e}"
        yield "linnet.cross_entropy", case(
            f"%y = linnet.cross_entropy {reduction} %x0, %x1 {text} : {{0}}, {{1}} -> {{r}}", x, t,
            torch=lambda x, t, o=options: F.cross_entropy(x.movedim(-1, 1), t, **o),
            reference=lambda x, t, o=options: np.asarray(loss.cross_entropy(x, t, **o)[0]))
        yield "linnet.cross_entropy", case(
            f"%y0, %y1 = linnet.cross_entropy {reduction} %x0, %x1 {text} : {{0}}, {{1}} -> {{r}}", x, t,
            label=f"lse {reduction} {text}",
            torch=lambda x, t, o=options: (F.cross_entropy(x.movedim(-1, 1), t, **o), x.logsumexp(-1)),
            reference=lambda x, t, o=options: tuple(map(np.asarray, loss.cross_entropy(x, t, **o))))


def dropouts():
    for rate in (0.0, 0.25, 1.0):
        kept = rng.dropout(np.ones((3, 7)), 5, 6, rate)
        yield "linnet.dropout", case(
            f"%y = linnet.dropout %x0, %x1, %x2 rate {rate:e} : {{0}}, {{1}}, {{2}}", array(3, 7),
            np.int64(5), np.array(6), torch=lambda x, k, c, f=kept: x * torch.from_numpy(f),
            reference=lambda x, k, c, r=rate: rng.dropout(x, 5, 6, r))


def cases():
    for rows in (attentions, rotaries, features, convolutions, pools, resizes, batch_norms, losses,
                 dropouts):
        yield from rows()
