# ===- test_raise_loss.py - linnet-raise finds cross entropy -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import os
import re

import loss_spellings as spellings
import numpy as np
from linnet import testing
from upstream import lower

FULL = bool(os.environ.get("LINNET_FULL"))
MATCHED, EXECUTED, MISSED = (1000, 200, 102) if FULL else (150, 20, 24)


def programs(count, seed, near_misses=False):
    out = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        missed = spellings.NEAR_MISSES[i % len(spellings.NEAR_MISSES)] if near_misses else ""
        c = spellings.choose(rng, missed)
        out.append((c, spellings.write(c, rng, f"f{i}")))
    return out


def raised(given):
    text = lower("\n".join(text for _, text in given), "--linnet-raise", "--canonicalize")
    return text, re.split(r"(?=func\.func @f\d)", text)[1:]


def test_every_spelling_is_found():
    given = programs(MATCHED, 1)
    _, bodies = raised(given)
    assert len(bodies) == len(given)
    for (c, text), body in zip(given, bodies):
        op = re.findall(r"linnet\.cross_entropy +(\w+) %\w+, %\w+( ignore_index 1)?", body)
        assert op == [(c.reduction, " ignore_index 1" if c.ignored else "")], (c, text)
        assert not re.search(r"math\.|arith\.\w+f |linalg|reduce", body), (c, body)


def call_all(text, given, seed):
    session = testing.load(text).session()
    for i, (c, _) in enumerate(given):
        arrays = spellings.inputs(c, np.random.default_rng([seed, i]))
        result = session.call(f"f{i}", *arrays)
        yield c, arrays, result[0] if isinstance(result, (list, tuple)) else result


def close(c, arrays, result):
    np.testing.assert_allclose(result, spellings.reference(c, arrays), rtol=4e-6, atol=4e-6,
                               err_msg=str(c))


def test_raised_programs_compute_the_same():
    given = programs(EXECUTED, 2)
    text, _ = raised(given)
    for c, arrays, result in call_all(text, given, 3):
        close(c, arrays, result)


def test_near_misses_stay():
    given = programs(MISSED, 4, near_misses=True)
    _, bodies = raised(given)
    for (c, source), body in zip(given, bodies):
        # a sum of losses that is divided by something else is a sum of losses still
        kept = re.findall(r"linnet\.cross_entropy +(\w+)", body)
        assert not kept or (c.missed in ("count", "all") and kept == ["sum"]), (c, source)
    some = given if FULL else given[:12]
    for c, arrays, result in call_all("\n".join(body for _, body in some), some, 5):
        close(c, arrays, result)


def test_gradients_are_those_of_the_op():
    given = [(c, text) for c, text in programs(40, 6) if c.reduction == "mean"][:6]
    for i, (c, text) in enumerate(given):
        x = f"tensor<{c.rows}x{c.classes}xf32>"
        t = f"tensor<{c.rows}xi64>"
        body = text[text.index("("):]
        program = f"""func.func private @loss{body}
func.func @main(%x: {x}, %t: {t}, %u: {x}) -> (tensor<f32>, {x}) {{
  %l, %d = linnet.value_and_grad @loss(%x, %t, %u) wrt [0] : ({x}, {t}, {x}) -> (tensor<f32>, {x})
  return %l, %d : tensor<f32>, {x}
}}"""
        arrays = spellings.inputs(c, np.random.default_rng([7, i]))
        value, gradient = testing.run(program, *arrays)
        close(c, arrays, value)
        logits, target, _ = arrays
        seen = (target != 1 if c.ignored else np.ones(c.rows, bool))[:, None]
        e = np.exp(logits.astype(np.float64))
        want = (e / e.sum(1, keepdims=True) - np.eye(c.classes)[target]) * seen / seen.sum()
        np.testing.assert_allclose(gradient, want, rtol=4e-6, atol=4e-6)
