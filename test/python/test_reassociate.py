# ===- test_reassociate.py - products in the cheapest order -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Attention without softmax in random spellings, rewritten and run: equal to the f64 meaning within what
summation in another order can change. Errors are measured against the magnitudes that are summed."""
import os
import re

import attention_spellings as spellings
import numpy as np
from linnet import testing
from upstream import lower

EXECUTED = 1000 if os.environ.get("LINNET_FULL") else 40


class Writer(spellings.Writer):
    """Weights q k^T, perhaps causal, perhaps over their sum, times v."""

    def masked(self, s):
        shape = s[1]
        condition, hides = self.condition(shape)
        form = self.pick("select", "times", "constant")
        if form == "select":
            zero = self.splat("0.0", shape)
            first, second = (zero, s) if hides else (s, zero)
            return self.tensor(f"arith.select {condition[0]}, {first[0]}, {second[0]} : "
                               f"{self.type(shape, 'i1')}, {self.type(shape)}", shape)
        if form == "times" and not hides:
            ones = self.tensor(f"arith.uitofp {condition[0]} : {self.type(shape, 'i1')} to "
                               f"{self.type(shape)}", shape)
        else:
            seen = spellings.visible(self.c).astype(int).tolist()
            data = re.sub(r"(\d)", r"\1.0", str(seen))
            square = shape[2:]
            ones = self.repeat(self.tensor(f"arith.constant dense<{data}> : {self.type(square)}", square),
                               [2, 3], shape)
        return self.elementwise("arith.mulf", *((s, ones) if self.chance() else (ones, s)))


def choose(rng):
    group = int(rng.choice([1, 1, 2]))
    causal = str(rng.choice(["none", "top_left"]))
    queries = int(rng.integers(40, 70))
    return spellings.Choices(
        batch=int(rng.integers(1, 3)), heads=group * int(rng.integers(1, 3)), group=group,
        queries=queries, keys=queries if causal != "none" else int(rng.integers(40, 70)),
        width=int(rng.integers(2, 6)), values=int(rng.integers(2, 6)),
        scale=float(rng.choice([1.0, 0.25])), causal=causal)


def write(c, normalised, rng, name):
    w = Writer(c, rng)
    qa, q, ql = w.given("%q", (c.batch, c.heads, c.queries, c.width))
    ka, k, kl = w.given("%k", (c.batch, c.key_heads, c.keys, c.width))
    va, v, vl = w.given("%v", (c.batch, c.key_heads, c.keys, c.values))
    k, v = w.grouped(k), w.grouped(v)
    s = w.product(q, k, transposed=True)
    if c.scale != 1:
        s = w.times(s, c.scale)
    if c.causal != "none":
        s = w.masked(s)
    late = w.chance()
    if normalised:
        total = w.reduce("sum", s, keep=False)
        if not late:
            s = w.elementwise("arith.divf", s, w.repeat(total, [0, 1, 2], s[1]))
    o = w.product(s, v, transposed=False)
    if normalised and late:
        o = w.elementwise("arith.divf", o, w.repeat(total, [0, 1, 2], o[1]))
    text = (f"func.func @{name}({qa}, {ka}, {va}) -> {w.type(o[1])} {{\n" + "\n".join(w.lines)
            + f"\n  return {o[0]} : {w.type(o[1])}\n}}\n")
    return text, [ql, kl, vl]


def reference(c, normalised, arrays):
    """The result in f64, and the sum of the magnitudes of all that is added up."""
    q, k, v = (x.astype(np.float64) for x in arrays)
    k, v = (np.repeat(x, c.group, 1) for x in (k, v))
    seen = spellings.visible(c)
    s = np.where(seen, np.einsum("bhid,bhjd->bhij", q, k) * c.scale, 0)
    size = np.where(seen, np.einsum("bhid,bhjd->bhij", abs(q), abs(k)) * c.scale, 0)
    o, magnitude = (np.einsum("bhij,bhjd->bhid", a, b) for a, b in ((s, v), (size, abs(v))))
    if not normalised:
        return o, magnitude
    total, totals = s.sum(-1, keepdims=True), size.sum(-1, keepdims=True)
    # relative errors of the quotient: that of the numerator and that of the sum
    return o / total, (magnitude + abs(o) * totals / abs(total)) / abs(total)


def inputs(c, normalised, rng):
    arrays = spellings.inputs(c, rng)
    if normalised:  # features are positive, or there may be nothing to divide by
        arrays[:2] = [abs(x) + np.float16(0.25) for x in arrays[:2]]
        arrays = [x.astype(np.float16).astype(np.float32) for x in arrays]
    return arrays


def test_rewritten_programs_compute_the_same():
    given = []
    for i in range(EXECUTED):
        rng = np.random.default_rng([7, i])
        c, normalised = choose(rng), bool(rng.integers(2))
        given.append((c, normalised, *write(c, normalised, rng, f"f{i}")))
    text = lower("\n".join(text for *_, text, _ in given), "--linnet-reassociate")
    bodies = re.split(r"(?=func\.func @f\d)", text)[1:]
    assert len(bodies) == len(given)
    for (c, normalised, source, _), body in zip(given, bodies):
        if c.causal != "none":
            assert body.count("linnet.linear_attention ") == 1 + normalised, source
        assert not re.search(rf"tensor<(\d+x)*{c.queries}x{c.keys}xf32>", body), source
    session = testing.load(text).session()
    unit = 2.0 ** -24
    for i, (c, normalised, source, layouts) in enumerate(given):
        arrays = inputs(c, normalised, np.random.default_rng([8, i]))
        result = session.call(f"f{i}", *(spellings.laid_out(x, layout)
                                         for x, layout in zip(arrays, layouts)))
        result = result[0] if isinstance(result, (list, tuple)) else result
        want, magnitude = reference(c, normalised, arrays)
        # at most one rounding per addition and product on the way
        bound = (c.keys + c.width + 8) * unit * magnitude
        assert (abs(result - want) <= bound).all(), (c, normalised, (abs(result - want) / bound).max())
