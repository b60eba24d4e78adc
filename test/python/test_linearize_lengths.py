# ===- test_linearize_lengths.py - certified attention of any length up to a maximum -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Where the number of keys is a symbol with a maximum, the bound is that of the maximum: no shorter call exceeds
it, on inputs that gradient ascent has found for that length."""
import re

import numpy as np
import pytest
from linnet import runtime, testing
from test_linearize import HEADS, ascend, clip, compiled, polynomial, slow_softmax, softmax  # noqa: F401
from upstream import lower

MOST = 33


def program(depth, scale, causal, contract, symbols=f"N = {{max = {MOST}}}", keys="N", masks="", argument=""):
    """Queries and keys clipped to norm 1, of lengths that are known at the call."""
    t = f"tensor<1x{HEADS}x?x{depth}xf32>"
    queries = "N" if causal else "M"
    lines = []
    for x in "qk":
        one = f"tensor<1x{HEADS}x?x1xf32>"
        lines.append(f"""
  %{x}2 = arith.mulf %{x}, %{x} : {t}
  %{x}s = linnet.reduce sum %{x}2 axes [3] keepdims : {t} -> {one}
  %{x}c = arith.constant 1.0 : f32
  %{x}e = linnet.broadcast %{x}c like %{x}s : f32, {one} -> {one}
  %{x}m = arith.maximumf %{x}s, %{x}e : {one}
  %{x}r = math.rsqrt %{x}m : {one}
  %{x}b = linnet.broadcast %{x}r like %{x} dims [0, 1, 2, 3] : {one}, {t} -> {t}
  %{x}n = arith.mulf %{x}, %{x}b : {t}""")
    dims = [f'{{linnet.dims = [1, {HEADS}, "{n}", {depth}]}}' for n in (queries, keys, keys)]
    arguments = ", ".join(f"%{x}: {t} {d}" for x, d in zip("qkv", dims))
    masks = masks or ("masks<[causal]>" if causal else "")
    return f"""func.func @main({arguments}{argument}) -> {t} attributes {{linnet.symbols = {{{symbols}}}}} {{{
      ''.join(lines)}
  %o = linnet.attention %qn, %kn, %v {masks} scale({scale:.6e})
      {{linnet.contract = #linnet.contract<{contract}>}} : {t}, {t}, {t} -> {t}
  return %o : {t}
}}
"""


def call(session, *arrays):
    got = session.call("main", *arrays)
    return (got[0] if isinstance(got, (list, tuple)) else got).astype(np.float64)


@pytest.mark.parametrize("causal", [False, True])
def test_no_length_exceeds_the_bound(causal, tmp_path, slow_softmax):  # noqa: F811
    depth, scale = 3, 0.5
    session, site = compiled(program(depth, scale, causal, "bound = 0.1, method = taylor"), tmp_path, slow_softmax)
    assert site["class"] == "certified", site
    degree, reached = int(site["method"][-1]), 0
    rng = np.random.default_rng(6)
    for keys in (1, 2, 7, 16, 31, MOST):
        q, k, v = ascend(rng, HEADS, keys, depth, scale, lambda s: polynomial(s, degree, scale), 60)
        q = np.repeat(q, keys if causal else 2, 1)[None].astype(np.float32)
        k, v = k[None].astype(np.float32), np.repeat(np.where(v == 0, 1, v), depth, 2)[None].astype(np.float32)
        want = softmax(clip(q.astype(np.float64)), clip(k.astype(np.float64)), v.astype(np.float64), scale, causal)
        error = abs(call(session, q, k, v) - want).max()
        assert error <= site["bound"], keys
        reached = max(reached, error / site["bound"])
    print(f"bound {site['bound']:.3g}, reached {reached:.3f} of it")
    assert reached >= 0.5  # of the longest: the maximum costs rounding only
    # and no more keys than were promised are taken
    x = np.zeros((1, HEADS, MOST + 1, depth), np.float32)
    with pytest.raises(runtime.Error, match="N"):
        session.call("main", x, x, x)


def test_the_bound_is_that_of_as_many_keys(tmp_path, slow_softmax):  # noqa: F811
    """Rounding grows with the maximum, and is what a program of that size has."""
    of = []
    for symbols in ("N = {max = 8}", "N = {max = 4096}"):
        text = program(4, 0.3, True, "bound = 0.1, method = taylor", symbols)
        of.append(compiled(text, tmp_path, slow_softmax)[1])
    static = program(4, 0.3, True, "bound = 0.1, method = taylor").replace("1x50x?x", "1x50x4096x").replace(
        '"N"', "4096")
    same = compiled(static, tmp_path, slow_softmax)[1]
    assert of[0]["rounding"] < of[1]["rounding"] == same["rounding"]
    assert of[0]["approximation"] == of[1]["approximation"]


def test_lengths_and_no_keys(tmp_path, slow_softmax):  # noqa: F811
    """Masked keys of a batch, and a call without any."""
    text = program(3, 0.3, False, "bound = 0.1, method = taylor", masks="kv_lengths(%n : tensor<1xi32>) "
                   "masks<[kv_lengths]>", argument=", %n: tensor<1xi32>")
    session, site = compiled(text, tmp_path, slow_softmax)
    assert site["class"] == "certified", site
    rng = np.random.default_rng(3)
    for keys, length in ((9, 5), (5, 0), (MOST, MOST), (0, 0)):
        q, k, v = (rng.standard_normal((1, HEADS, n, 3)).astype(np.float32) for n in (4, keys, keys))
        k[:, :, length:], v[:, :, length:] = np.nan, np.nan
        got = call(session, q, k, v, np.array([length], np.int32))
        if length == 0:
            assert (got == 0).all()
            continue
        want = softmax(clip(q.astype(np.float64)), clip(k[:, :, :length].astype(np.float64)),
                       v[:, :, :length].astype(np.float64), 0.3, False)
        assert abs(got - want).max() <= site["bound"] * abs(v[:, :, :length]).max()


def test_random_features_of_any_length(tmp_path, slow_softmax):  # noqa: F811
    """The failure probability is that of the most pairs; queries need a maximum too."""
    contract = "bound = 0.2, method = favor, seed = 3, failure = 0.05"
    both = f"M = {{max = 8}}, N = {{max = {MOST}}}"
    session, site = compiled(program(4, 0.2, False, contract, both), tmp_path, slow_softmax)
    assert site["class"] == "certified", site
    rng = np.random.default_rng(4)
    for keys in (1, 12, MOST):
        q, k, v = (rng.standard_normal((1, HEADS, n, 4)).astype(np.float32) for n in (3, keys, keys))
        want = softmax(clip(q.astype(np.float64)), clip(k.astype(np.float64)), v.astype(np.float64), 0.2, False)
        assert abs(call(session, q, k, v) - want).max() <= site["bound"] * abs(v).max()
    _, site = compiled(program(4, 0.2, False, contract), tmp_path, slow_softmax)
    assert site["class"] == "exact" and "neither known nor bounded by its symbols" in site["reason"]


@pytest.mark.parametrize("change, reason", [
    (lambda t: t.replace(f"N = {{max = {MOST}}}", ""), "bounded by linnet.symbols"),
    (lambda t: t.replace(f"max = {MOST}", "min = 1"), "bounded by linnet.symbols"),
    # a function that others call is not checked when it is entered
    (lambda t: t.replace("@main", "private @main"), "as many queries as keys"),
    # two symbols that happen to be equal are not known to be
    (lambda t: t.replace('"N"', '"M"', 1), "as many queries as keys"),
])
def test_refused_as_before(change, reason):
    text = change(program(3, 0.3, True, "bound = 0.1, method = taylor"))
    made = lower(text, "--linnet-linearize-attention")
    assert "linnet.attention " in made and re.search(reason, made), made
