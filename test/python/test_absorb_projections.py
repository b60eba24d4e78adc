# ===- test_absorb_projections.py - attention over latents -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Keys and values that are projections of shared rows, in several spellings: never made, and the result is that of
the f64 meaning."""
import numpy as np
import pytest
from linnet import testing
from linnet._src.running_error import attend, einsum
from upstream import lower

BATCH, HEADS, KEYS, RANK, PLAIN, ROTATED, VALUES = 2, 5, 37, 24, 7, 3, 6


def tensor(*shape):
    return "tensor<" + "".join(f"{n}x" for n in shape) + "T>"


def latent(one_cache):
    """Keys and values from one matrix, rotated parts beside the rows or in a tensor of their own."""
    b, h, n, r, d, e, v = BATCH, HEADS, KEYS, RANK, PLAIN, ROTATED, VALUES
    rows, rotated, heads = tensor(b, n, r), tensor(b, n, e), tensor(b, n, h, d + v)
    slices = f"""
      %c = tensor.extract_slice %cache[0, 0, 0] [{b}, {n}, {r}] [1, 1, 1] : {tensor(b, n, r + e)} to {rows}
      %r = tensor.extract_slice %cache[0, 0, {r}] [{b}, {n}, {e}] [1, 1, 1] : {tensor(b, n, r + e)} to {rotated}"""
    given = f"%cache: {tensor(b, n, r + e)}" if one_cache else f"%c: {rows}, %r: {rotated}"
    return f"""
    func.func @main(%q: {tensor(b, h, 1, d + e)}, {given}, %w: {tensor(r, h * (d + v))}) -> {tensor(b, h, 1, v)} {{{
      slices if one_cache else ""}
      %kv = linnet.einsum "bnr,rc->bnc" %c, %w : {rows}, {tensor(r, h * (d + v))} -> {tensor(b, n, h * (d + v))}
      %heads = tensor.expand_shape %kv [[0], [1], [2, 3]] output_shape [{b}, {n}, {h}, {d + v}]
        : {tensor(b, n, h * (d + v))} into {heads}
      %kn = tensor.extract_slice %heads[0, 0, 0, 0] [{b}, {n}, {h}, {d}] [1, 1, 1, 1] : {heads} to {tensor(b, n, h, d)}
      %vn = tensor.extract_slice %heads[0, 0, 0, {d}] [{b}, {n}, {h}, {v}] [1, 1, 1, 1] : {heads} to {tensor(b, n, h, v)}
      %kp = linnet.einsum "bnhd->bhnd" %kn : {tensor(b, n, h, d)} -> {tensor(b, h, n, d)}
      %v = linnet.einsum "bnhd->bhnd" %vn : {tensor(b, n, h, v)} -> {tensor(b, h, n, v)}
      %rr = linnet.broadcast %r dims [0, 2, 3] : {rotated} -> {tensor(b, h, n, e)}
      %k = tensor.concat dim(3) %kp, %rr : ({tensor(b, h, n, d)}, {tensor(b, h, n, e)}) -> {tensor(b, h, n, d + e)}
      %o = linnet.attention %q, %k, %v : {tensor(b, h, 1, d + e)}, {tensor(b, h, n, d + e)}, {tensor(b, h, n, v)}
        -> {tensor(b, h, 1, v)}
      return %o : {tensor(b, h, 1, v)}
    }}"""


def separate():
    """An encoder's states, a matrix each for keys and values, heads first; a bias and lengths stay."""
    b, h, n, r, d, v = BATCH, HEADS, KEYS, RANK, PLAIN, VALUES
    return f"""
    func.func @main(%q: {tensor(b, h, 1, d)}, %c: {tensor(b, n, r)}, %wk: {tensor(h, d, r)}, %wv: {tensor(r, h, v)},
                    %bias: tensor<{h}x1x{n}xf32>, %n: tensor<{b}xi32>) -> {tensor(b, h, 1, v)} {{
      %k = linnet.einsum "bnr,hdr->bhnd" %c, %wk : {tensor(b, n, r)}, {tensor(h, d, r)} -> {tensor(b, h, n, d)}
      %v = linnet.einsum "bnr,rhd->bhnd" %c, %wv : {tensor(b, n, r)}, {tensor(r, h, v)} -> {tensor(b, h, n, v)}
      %o = linnet.attention %q, %k, %v bias(%bias : tensor<{h}x1x{n}xf32>) kv_lengths(%n : tensor<{b}xi32>)
        masks<[kv_lengths]> scale(0.5) : {tensor(b, h, 1, d)}, {tensor(b, h, n, d)}, {tensor(b, h, n, v)}
        -> {tensor(b, h, 1, v)}
      return %o : {tensor(b, h, 1, v)}
    }}"""


def absorbed(kind, q, rows, wk, wv, unit, scale, rotated=None, bias=None, lengths=(KEYS, KEYS)):
    """In f64, with what the absorbed form may be off: the query's and the result's products with the matrices are
    rounded to the element type, and every sum is off by as many units of the magnitudes of its products as it has."""
    plain, over_rows = wk.shape[-1], kind(q[..., :wk.shape[-1]])
    over_rows = einsum("bhid,rhd->bhir", over_rows, wk).stored(unit)
    s = einsum("bhir,bjr->bhij", over_rows, rows)
    if rotated is not None:
        s = s + einsum("bhie,bje->bhij", kind(q[..., plain:]), rotated)
    s = s * scale if bias is None else s * scale + bias
    seen = np.arange(KEYS) < np.reshape(lengths, (-1, 1, 1, 1))
    return einsum("bhir,rhd->bhid", attend(s, rows, "bhij,bjr->bhir", seen).stored(unit), wv)


def check(text, dtype, arrays, *parts, **more):
    """No element is off by more than is possible, nor by more than is likely."""
    text = text.replace("T>", dtype + ">")
    made = lower(text, "--linnet-absorb-projections")
    assert f"tensor<{BATCH}x{HEADS}x{KEYS}x" not in made  # no keys per head
    result, = testing.run(made, *arrays)
    for kind in (testing.Computed, testing.Likely):
        testing.assert_close(result, absorbed(kind, *parts, **more))


@pytest.mark.parametrize("dtype", testing.FLOATS)
@pytest.mark.parametrize("one_cache", (True, False))
def test_latent_attention(one_cache, dtype):
    rng = np.random.default_rng(0)
    q = testing.random(rng, (BATCH, HEADS, 1, PLAIN + ROTATED), dtype)
    cache = testing.random(rng, (BATCH, KEYS, RANK + ROTATED), dtype)
    w = testing.random(rng, (RANK, HEADS * (PLAIN + VALUES)), dtype, RANK ** -0.5)
    c, r = testing.wide(cache)[..., :RANK], testing.wide(cache)[..., RANK:]
    heads = testing.wide(w).reshape(RANK, HEADS, -1)
    rows = [cache] if one_cache else [np.ascontiguousarray(x) for x in np.split(cache, [RANK], 2)]
    check(latent(one_cache), dtype, [q, *rows, w], testing.wide(q), c, heads[..., :PLAIN], heads[..., PLAIN:],
          testing.unit_roundoff(q.dtype), (PLAIN + ROTATED) ** -0.5, r)


@pytest.mark.parametrize("dtype", testing.FLOATS)
def test_states_of_an_encoder(dtype):
    rng = np.random.default_rng(1)
    q = testing.random(rng, (BATCH, HEADS, 1, PLAIN), dtype)
    c = testing.random(rng, (BATCH, KEYS, RANK), dtype)
    wk = testing.random(rng, (HEADS, PLAIN, RANK), dtype, RANK ** -0.5)
    wv = testing.random(rng, (RANK, HEADS, VALUES), dtype, RANK ** -0.5)
    bias = testing.random(rng, (HEADS, 1, KEYS), "f32")
    lengths = np.array([KEYS, 11], np.int32)
    check(separate(), dtype, [q, c, wk, wv, bias, lengths], testing.wide(q), testing.wide(c),
          testing.wide(wk).transpose(2, 0, 1), testing.wide(wv), testing.unit_roundoff(q.dtype), 0.5, bias=bias,
          lengths=lengths)
