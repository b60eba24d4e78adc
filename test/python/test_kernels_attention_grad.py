# ===- test_kernels_attention_grad.py - gradients of attention, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Compiled gradients against the float64 reference, from the same o and lse, and those of f32
against PyTorch's autograd in float64.

An element may be off by its rounding and by c * 2^-24 times the sum of the absolute values of the
terms that make it, with c = 2 (4 + sqrt(terms)) + 16 + 6 max|s|: the first as in
linnet/_src/testing.py, for a sum of as many terms as the longest of the products has, 16 for the
exponential, and 6 |s| for what rounding of a score s and of lse changes in exp(s - lse)."""
import dataclasses

import numpy as np
import pytest
import torch
from linnet import reference as ref
from linnet._src import kernels
from linnet._src.reference import attention as family
from test_kernels_attention import DEEP, MASKS, Site, compiled, draw

ROUNDING = {"f32": 2**-23, "bf16": 2**-8, "f16": 2**-11}


@dataclasses.dataclass(frozen=True)
class GradSite(Site):
    dlse: bool = False
    dbias: bool = False

    def text(self):
        (q, k, v, o), args, extra = self.parts()
        rows = f"tensor<{self.dims(self.batch, self.heads, self.queries)}f32>"
        args = args + [("o", o), ("lse", rows), ("dout", o)] + [("dlse", rows)] * self.dlse
        wide = lambda t: t.replace(self.dtype + ">", "f32>")
        results = [wide(q), k, v] + [dict(args)["bias"] if self.dbias else ""] * self.dbias
        grad = "%dout" + f", %dlse : {rows}" * self.dlse
        names = ", ".join(f"%r#{i}" for i in range(len(results)))
        return f"""
        exec.kernel @k({', '.join(f'%{n}: {t}' for n, t in args)}) -> ({', '.join(results)}) {{
          %r:{len(results)} = linnet.attention_grad %q, %k, %v out(%o, %lse : {rows}) grad({grad})
            {extra} : {q}, {k}, {v}, {o} -> {', '.join(results)}
          exec.yield {names} : {', '.join(results)}
        }}"""


def draw_grads(site, args, options, seed=0):
    """The operands that the forward pass and its user give, in the site's types."""
    rng = np.random.default_rng(seed + 100)
    dtype = kernels.DTYPES[site.dtype]
    o, lse = ref.attention(*args[:3], **options)
    o, lse = o.astype(dtype), lse.astype(np.float32)
    dout = rng.standard_normal(o.shape).astype(dtype)
    dlse = rng.standard_normal(lse.shape).astype(np.float32)
    return [o, lse, dout] + [dlse] * site.dlse


def magnitudes(q, k, v, o, lse, dout, dlse=0, *, bias=None, scale=None, dropout=None, **options):
    """The sums of the reference with every term's absolute value, and the factor c."""
    q, k, v, o, lse, dout = (np.asarray(x, np.float64) for x in (q, k, v, o, lse, dout))
    shape, group = k.shape, q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    scale = q.shape[3] ** -0.5 if scale is None else scale
    s, slope = family._scores(q, k, bias, scale, **options)
    w = np.exp(s - np.where(np.isneginf(lse), np.inf, lse)[..., None])
    f = family._dropout_factors(w.shape, dropout)
    t = np.sum(np.abs(dout * o), axis=3) + np.abs(dlse)
    ds = w * (f * (np.abs(dout) @ np.abs(v).swapaxes(2, 3)) + t[..., None])
    # the slope of the soft cap is a difference from one
    dz = abs(scale) * (slope + (0 if options.get("softcap") is None else 0.5)) * ds
    by_group = lambda x: x.reshape(shape[0], shape[1], group, *x.shape[2:]).sum(axis=2)
    largest = np.abs(s[np.isfinite(s)]).max(initial=0)
    c = 2 * (4 + max(q.shape[2] * group, *k.shape[2:], v.shape[3]) ** 0.5) + 16 + 6 * largest
    dk, dv = by_group(dz.swapaxes(2, 3) @ np.abs(q)), by_group((f * w).swapaxes(2, 3) @ np.abs(dout))
    dbias = [] if bias is None else [family._sum_to(ds, np.shape(bias))]
    return c * 2.0**-24, [dz @ np.abs(k), dk, dv] + dbias


def torch_gradients(q, k, v, dout, dlse=0, *, bias=None, scale=None, softcap=None, dropout=None,
                    alibi_slopes=None, **masks):
    """PyTorch's autograd in float64 through the formulas of the op."""
    leaves = [torch.from_numpy(x.astype(np.float64)).requires_grad_()
              for x in ((q, k, v) if bias is None else (q, k, v, bias))]
    group = q.shape[1] // k.shape[1]
    keys, values = (x.repeat_interleave(group, 1) for x in leaves[1:3])
    s = leaves[0] @ keys.mT * (q.shape[3] ** -0.5 if scale is None else scale)
    if softcap is not None:
        s = softcap * torch.tanh(s / softcap)
    if bias is not None:
        s = s + leaves[3]
    if alibi_slopes is not None:
        _, p = family.positions(q.shape[0], q.shape[2], k.shape[2], **masks)
        slopes = alibi_slopes.astype(np.float64)[:, None, None]
        s = s + torch.from_numpy(slopes * (np.arange(k.shape[2]) - p))
    seen = np.broadcast_to(ref.visible_keys(q.shape[0], q.shape[2], k.shape[2], **masks), s.shape)
    # a row without keys is left out, as it has no gradients
    s = s.masked_fill(~torch.from_numpy(seen.copy()), -torch.inf)
    empty = (s == -torch.inf).all(3)
    s = torch.where(empty[..., None], torch.zeros(()), s)
    factors = torch.from_numpy(family._dropout_factors(s.shape, dropout))
    o, lse = (s.softmax(3) * factors) @ values, s.logsumexp(3)
    loss = (o * torch.from_numpy(dout.astype(np.float64))).sum(3) + lse * torch.as_tensor(dlse)
    loss.masked_fill(empty, 0).sum().backward()
    return [x.grad.numpy() for x in leaves]


def sizes_of(site, args):
    """Dynamic sizes of the results, in order."""
    q, k, v = (a.shape for a in args[:3])
    declared = [(q, (site.batch, site.heads, site.queries, site.depth)),
                (k, (site.batch, site.key_heads, site.keys, site.depth)),
                (v, (site.batch, site.key_heads, site.keys, site.value_depth))]
    if site.dbias:
        declared.append((args[3].shape, site.bias))
    return [n for shape, sizes in declared for n, s in zip(shape, sizes) if s < 0]


def check(site, args, options, cpu=kernels.LEVELS[-1], threads=2, seed=0):
    more = draw_grads(site, args, options, seed)
    got = compiled(site, cpu)(*args, *more, sizes=sizes_of(site, args), threads=threads)
    want = ref.attention_grad(*args[:3], *more, **options)
    unit, sums = magnitudes(*args[:3], *more, **options)
    if site.dtype == "f32" and args[1].shape[2]:
        for x, y, sum in zip(got, torch_gradients(*args[:3], *more[2:], **options), sums):
            assert (np.abs(x - y) <= unit * sum + ROUNDING["f32"] * np.abs(y) + 1e-37).all()
    for name, x, y, sum, element in zip(("dq", "dk", "dv", "dbias"), got, want, sums,
                                        ("f32", site.dtype, site.dtype, "f32")):
        assert x.shape == y.shape
        bound = unit * sum + ROUNDING[element] * np.abs(y) + np.finfo(np.float32).tiny
        if element == "f16":
            bound += 2.0**-14
        error = np.abs(x.astype(np.float64) - y)
        assert (error <= bound).all(), (name, (error / bound).max())
    return got


SHAPES = [(1, 1), (1, 40), (13, 7), (0, 4), (4, 0), (50, 50), (37, 300)]


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("dtype", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("masks", MASKS)
def test_masks(masks, dtype, cpu):
    site = GradSite(MASKS[masks], dtype, depth=24, value_depth=17)
    for nq, nk in SHAPES + [(130, 321)]:
        check(site, *draw(site, nq, nk), cpu)


@pytest.mark.slow(quick="256")
@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("depth,dtype", DEEP)
def test_deep_heads(depth, dtype, cpu):
    site = GradSite("causal", dtype, batch=1, depth=depth, value_depth=depth)
    check(site, *draw(site, 37, 70), cpu)


SITES = {
    "bias": GradSite(bias=(2, 4, -1, -1), dbias=True),
    "bias_rows": GradSite("causal", bias=(4, 1, -1), dbias=True, dlse=True),
    "bias_keys": GradSite(bias=(2, 1, 1, -1), dbias=True),
    "bias_queries": GradSite(bias=(-1, 1), dbias=True),
    "bias_scalar": GradSite(bias=(1, 1, 1, 1), dbias=True),
    "bias_number": GradSite(bias=(2, 4, 1, 1), dbias=True),
    "bias_heads": GradSite("causal", bias=(1, 4, -1, -1), dbias=True, key_heads=1),
    "bias_ignored": GradSite("causal", bias=(4, -1, -1)),
    "mask": GradSite(mask=(2, 1, -1, -1), dlse=True),
    "mask_keys": GradSite("causal", mask=(-1,)),
    "lengths": GradSite(lengths=True, dlse=True),
    "lengths_causal": GradSite("causal", lengths=True, dlse=True),
    "lengths_window": GradSite("window<left = 9, right = 1>", lengths=True),
    "top_left": GradSite("causal", attributes="alignment<top_left>"),
    "offset": GradSite("causal", offset=(), dlse=True),
    "offset_batch": GradSite("window<left = 12>", offset=(2,), lengths=True),
    "segments": GradSite("causal", segments=True, dlse=True),
    "dropout": GradSite("causal", dropout=0.2, dlse=True),
    "alibi": GradSite("causal", alibi=True, dlse=True),
    "alibi_bias": GradSite("window<left = 40>", alibi=True, bias=(4, 1, -1), dbias=True,
                           offset=(2,), key_heads=1),
    "alibi_softcap": GradSite(alibi=True, dropout=0.2, dtype="bf16", lengths=True,
                              attributes="softcap(2.0)"),
    "everything": GradSite("causal, window<left = 40>", bias=(4, -1, -1), mask=(2, 1, 1, -1),
                           lengths=True, offset=(2,), segments=True, dlse=True, dbias=True,
                           dropout=0.3, attributes="softcap(2.0)"),
    "multi_head": GradSite(key_heads=4, depth=8, value_depth=40),
    "multi_query": GradSite("causal", key_heads=1, depth=64, value_depth=64),
    "static": GradSite("causal", queries=37, keys=53, depth=32, value_depth=16, bias=(37, 53),
                       dbias=True),
    "one_channel": GradSite(depth=1, value_depth=1),
    "wide": GradSite("causal", depth=80, value_depth=144),
}
OPTIONS = {"top_left": dict(alignment="top_left"), "everything": dict(softcap=2.0),
           "alibi_softcap": dict(softcap=2.0)}


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("name", SITES)
def test_sites(name, cpu):
    site = SITES[name]
    for i, (nq, nk) in enumerate([(site.queries, site.keys)] if site.queries >= 0 else SHAPES):
        args, options = draw(site, nq, nk, seed=i)
        check(site, args, {**options, **OPTIONS.get(name, {})}, cpu, seed=i)


@pytest.mark.parametrize("dtype", ["f32", "bf16"])
@pytest.mark.parametrize("attributes,options", [
    ("scale(0.7)", dict(scale=0.7)), ("softcap(1.5)", dict(softcap=1.5)),
    ("scale(-0.5) softcap(2.0)", dict(scale=-0.5, softcap=2.0))])
def test_scale_and_softcap(attributes, options, dtype):
    for bias in ((), (-1, -1)):
        for dropout in (0, 0.4):
            site = GradSite("causal", dtype, bias=bias, dbias=bool(bias), dlse=True,
                            attributes=attributes, dropout=dropout)
            args, given = draw(site, 29, 83)
            check(site, args, {**given, **options})


def test_rows_without_keys_give_zeros():
    site = GradSite("causal", bias=(2, 1, -1, -1), dbias=True, lengths=True)
    args, options = draw(site, 40, 90)
    args[4] = options["kv_lengths"] = np.array([90, 0], np.int32)
    args[3][0, :, :5] = -np.inf
    grads = check(site, args, options)
    assert not grads[0][0, :, :5].any() and not grads[0][1].any()
    assert not grads[1][1].any() and not grads[2][1].any() and not grads[3][1].any()


def test_beyond_the_valid_keys_nothing_is_read():
    site = GradSite("causal", lengths=True)
    args, options = draw(site, 40, 150)
    args[3] = options["kv_lengths"] = np.array([3, 77], np.int32)
    for x in args[1:3]:
        for b, n in enumerate(args[3]):
            x[b, :, n:] = 0
    more = draw_grads(site, args, options)
    run = lambda: compiled(site, kernels.LEVELS[-1])(*args, *more, sizes=sizes_of(site, args))
    clean = run()
    for x in args[1:3]:
        for b, n in enumerate(args[3]):
            x[b, :, n:] = np.nan
    for a, b in zip(clean, run()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("name", ["multi_query", "dropout", "bias_rows"])
def test_same_bits_at_every_thread_count_and_alignment(name, cpu):
    site = dataclasses.replace(SITES[name], depth=64, value_depth=64)
    args, options = draw(site, 230, 231)
    args += draw_grads(site, args, options)
    run = lambda **o: compiled(site, cpu)(*args, sizes=sizes_of(site, args), **o)
    first = run(threads=1, skew=False)
    for threads in (1, 2, 3, 7):
        for a, b in zip(first, run(threads=threads)):
            np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))


def test_dynamic_batch():
    site = GradSite("causal", batch=-1)
    for batch in (0, 1, 3):
        check(site, *draw(site, 20, 30, batch=batch))


@pytest.mark.parametrize("name", ["bias", "everything", "multi_query"])
def test_scratch_is_bounded(name):
    site = dataclasses.replace(SITES[name], depth=64, value_depth=64)
    kernel = compiled(site, kernels.LEVELS[-1])
    args, options = draw(site, 1, 1)
    dynamic = kernel.scalars(args + draw_grads(site, args, options), sizes_of(site, args), 0)
    kernel.launch(dynamic)
    small = kernel.launch(dynamic)[1]
    scalars = (type(dynamic))(*[16384 if x == 1 else x for x in dynamic])
    assert kernel.launch(scalars)[1] == small < 2**20
