# ===- test_split_attention.py - long caches in parts, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Attention of a handful of rows over many keys: against float64, the same bits on any number of
threads, and parts that see no key."""

import numpy as np
import pytest
from linnet import reference
from linnet._src import kernels
from linnet._src import testing as lt

LEVELS = kernels.LEVELS
TOLERANCE = {"f32": 4e-6, "bf16": 2**-8, "f16": 2**-10}
LENGTHS = {"whole": [5000, 4100], "short": [1, 3000], "none": [0, 2048]}


def attend(cpu, *, keys=5000, batch=2, heads=4, key_heads=2, queries=1, depth=16, dtype="f32",
           dynamic=False, masks="", lengths=None, offset=None, bias=False, alibi=False, attributes="",
           lse=False, **options):
    rng = np.random.default_rng(keys + depth)
    q = lt.random(rng, (batch, heads, queries, depth), dtype)
    k, v = (lt.random(rng, (batch, key_heads, keys, depth), dtype) for _ in range(2))
    arrays, which, dims = [q, k, v], [2] if dynamic else [], [None, None, "N", None]
    arguments = [lt.argument("q", q.shape, dtype)]
    arguments += [lt.argument(n, k.shape, dtype, which, dims) for n in "kv"]
    words = []
    if lengths is not None:
        arrays.append(np.asarray(lengths, np.int32))
        arguments.append(f"%n: tensor<{batch}xi32>")
        words.append(f"kv_lengths(%n : tensor<{batch}xi32>)")
    if offset is not None:
        arrays.append(np.asarray(offset, np.int64))
        arguments.append("%p: tensor<i64>")
        words.append("q_offset(%p : tensor<i64>)")
    if bias:
        b = lt.random(rng, (heads, 1, keys), "f32")
        arrays.insert(3, b)
        arguments.append(f"%b: tensor<{heads}x1x{keys}xf32>")
        words.insert(0, f"bias(%b : tensor<{heads}x1x{keys}xf32>)")
        options["bias"] = b
    if alibi:
        slopes = options["alibi_slopes"] = np.float32(2.0 ** -np.arange(8, 8 + heads))
        arrays.append(slopes)
        arguments.append(f"%slopes: tensor<{heads}xf32>")
        words.insert(0, f"alibi_slopes(%slopes : tensor<{heads}xf32>)")
    if masks:
        words.append(f"masks<[{masks}]>")
    o = lt.tensor_type(q.shape, dtype)
    results = [o] + [f"tensor<{batch}x{heads}x{queries}xf32>"] * lse
    types = [o] + [lt.tensor_type(k.shape, dtype, which)] * 2
    names = ", ".join(f"%y#{i}" for i in range(len(results)))
    text = (f"func.func @main({', '.join(arguments)}) -> ({', '.join(results)}) {{\n"
            f"%y:{len(results)} = linnet.attention %q, %k, %v {' '.join(words)} {attributes} : "
            f"{', '.join(types)} -> {', '.join(results)}\n"
            f"return {names} : {', '.join(results)}\n}}")
    path = lt.compile_text(text, cpu=cpu)
    found = [lt.open_bundle(path, threads).session().call("main", *arrays)
             for threads in (1, 2, 3)]
    for other in found[1:]:
        assert all(x.tobytes() == y.tobytes() for x, y in zip(found[0], other))
    exact = reference.attention(q, k, v, **options)
    for actual, expected in zip(found[0], exact):
        actual = np.asarray(actual, np.float64)
        hidden = np.isneginf(expected)
        np.testing.assert_array_equal(np.isneginf(actual), hidden)
        largest = np.abs(expected[~hidden]).max(initial=1e-30)
        error = np.abs(actual[~hidden] - expected[~hidden]).max(initial=0)
        assert error <= TOLERANCE[dtype] * largest


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("keys", [4096, 5003, 9001])
def test_no_masks(cpu, keys, dynamic):
    attend(cpu, keys=keys, dynamic=dynamic, lse=True)
    attend(cpu, keys=keys, dynamic=dynamic, heads=12, queries=1, depth=7)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("keys", [0, 1, 63, 257, 20000])
def test_unknown_count(cpu, keys):
    attend(cpu, keys=keys, dynamic=True, lse=True, batch=1)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("case", LENGTHS)
def test_lengths(cpu, case):
    lengths = LENGTHS[case]
    attend(cpu, masks="kv_lengths", lengths=lengths, kv_lengths=lengths, lse=True)


@pytest.mark.parametrize("cpu", LEVELS)
def test_positions(cpu):
    for offset in (0, 100, 2500, 6000):
        attend(cpu, masks="causal", offset=offset, q_offset=offset, causal=True, queries=3, heads=2)
        attend(cpu, masks="causal, window<left = 700>", offset=offset, q_offset=offset, causal=True,
               window=(700, None), queries=2, lse=True)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_types(cpu, dtype):
    attend(cpu, dtype=dtype, depth=64)


@pytest.mark.parametrize("cpu", LEVELS)
def test_alibi(cpu):
    """Positions count from the first key, not from that of a part."""
    attend(cpu, alibi=True, lse=True)
    attend(cpu, alibi=True, masks="kv_lengths", lengths=[4999, 2100], kv_lengths=[4999, 2100],
           dynamic=True, heads=8)
    attend(cpu, alibi=True, masks="causal", offset=2500, q_offset=2500, causal=True, queries=2)


@pytest.mark.parametrize("cpu", LEVELS)
def test_bias(cpu):
    attend(cpu, bias=True, lse=True)
    attend(cpu, attributes="softcap(3.0)", softcap=3.0)
