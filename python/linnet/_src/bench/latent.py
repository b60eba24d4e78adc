# ===- latent.py - one token over a cache of latent rows -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Multi-head latent attention (arXiv:2405.04434), decoding: the program makes every head's keys and values from the
cache by a matrix; absorbed, attention runs over the cache itself."""

import numpy as np

from linnet._src import testing as lt
from linnet._src.bench.workload import Workload, constant, rng_of


def _text(heads, rows, rank, rotated, plain, values):
    """Rows and the rotated part of the keys lie beside each other, and so do the matrices of keys and values."""
    def t(*shape):
        return lt.tensor_type(shape, "f32")

    h, n, r, e, d, v = heads, rows, rank, rotated, plain, values
    cache, projected = t(1, n, r + e), t(1, n, h * (d + v))
    weight, load = constant("w", np.empty((r, h * (d + v)), np.float32))

    def part(name, of, type, offset, *shape):
        zeros, ones = ", ".join(["0"] * (len(shape) - 1) + [str(offset)]), ", ".join("1" * len(shape))
        sizes = ", ".join(map(str, shape))
        return f"%{name} = tensor.extract_slice %{of}[{zeros}] [{sizes}] [{ones}] : {type} to {t(*shape)}"

    body = f"""{load}
{part("c", "cache", cache, 0, 1, n, r)}
{part("r", "cache", cache, r, 1, n, e)}
%kv = linnet.einsum "bnr,rc->bnc" %c, %w : {t(1, n, r)}, {t(r, h * (d + v))} -> {projected}
%heads = tensor.expand_shape %kv [[0], [1], [2, 3]] output_shape [1, {n}, {h}, {d + v}] : {projected} into {t(1, n, h, d + v)}
{part("kn", "heads", t(1, n, h, d + v), 0, 1, n, h, d)}
{part("vn", "heads", t(1, n, h, d + v), d, 1, n, h, v)}
%kp = linnet.einsum "bnhd->bhnd" %kn : {t(1, n, h, d)} -> {t(1, h, n, d)}
%v = linnet.einsum "bnhd->bhnd" %vn : {t(1, n, h, v)} -> {t(1, h, n, v)}
%rr = linnet.broadcast %r dims [0, 2, 3] : {t(1, n, e)} -> {t(1, h, n, e)}
%k = tensor.concat dim(3) %kp, %rr : ({t(1, h, n, d)}, {t(1, h, n, e)}) -> {t(1, h, n, d + e)}
%y = linnet.attention %q, %k, %v : {t(1, h, 1, d + e)}, {t(1, h, n, d + e)}, {t(1, h, n, v)} -> {t(1, h, 1, v)}"""
    return weight + lt.function([f"%q: {t(1, h, 1, d + e)}", f"%cache: {cache}"], t(1, h, 1, v), body)


def decode(heads, rows, rank, rotated, plain, values):
    """FLOPs are those of the absorbed form: all heads share a row, 8 FLOPs for each of its bytes."""
    rng = rng_of(heads, rows, rank)
    q = lt.random(rng, (1, heads, 1, plain + rotated), "f32")
    cache = lt.random(rng, (1, rows, rank + rotated), "f32")
    w = lt.random(rng, (rank, heads * (plain + values)), "f32", rank ** -0.5)
    scale = (plain + rotated) ** -0.5

    def absorbed(t, q, cache, w):
        w = w.view(rank, heads, plain + values)
        over = t.cat([t.einsum("bhid,rhd->bhir", q[..., :plain], w[..., :plain]), q[..., plain:]], -1)
        p = t.softmax(over[0, :, 0] @ cache[0].T * scale, -1)
        return t.einsum("hr,rhd->hd", p @ cache[0, :, :rank], w[..., plain:])[None, :, None]

    return Workload(
        "latent_decode", f"{heads}x{rows}x{rank}", _text(heads, rows, rank, rotated, plain, values), [q, cache],
        2.0 * heads * (rows * (2 * rank + rotated) + rank * (plain + values)),
        4.0 * (cache.size + w.size + q.size + heads * values), "fma", weights={"w": w}, torch=(absorbed,),
        as_written=("--linearize=never",), tolerance=1e-4)
