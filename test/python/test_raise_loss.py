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
from raised_programs import call_all, check, programs, raised

FULL = bool(os.environ.get("LINNET_FULL"))
MATCHED, EXECUTED, MISSED = (1000, 200, 102) if FULL else (150, 20, 24)


def test_every_spelling_is_found():
    given = programs(spellings, MATCHED, 1)
    _, bodies = raised(given, "--canonicalize")
    for (c, text), body in zip(given, bodies):
        op = re.findall(r"linnet\.cross_entropy +(\w+) %\w+, %\w+( ignore_index 1)?(?: label_smoothing (\S+))?", body)
        assert [x[:2] for x in op] == [(c.reduction, " ignore_index 1" if c.ignored else "")], (c, text)
        assert abs(float(op[0][2] or 0) - c.smoothing) < 1e-6, (c, text)
        assert not re.search(r"math\.|arith\.\w+f |linalg|reduce", body), (c, body)


def test_raised_programs_compute_the_same():
    given = programs(spellings, EXECUTED, 2)
    text, _ = raised(given, "--canonicalize")
    for c, arrays, result in call_all(spellings, text, given, 3):
        check(spellings, c, arrays, result)


def test_near_misses_stay():
    given = programs(spellings, MISSED, 4, near_misses=True)
    _, bodies = raised(given, "--canonicalize")
    for (c, source), body in zip(given, bodies):
        # a sum of losses that is divided by something else is a sum of losses still
        kept = re.findall(r"linnet\.cross_entropy +(\w+)", body)
        # and one of two parts of a smoothed loss is a loss of its own
        part = "smooth" in c.missed or c.missed == "weights"
        assert "label_smoothing" not in body
        assert not kept or part or (c.missed in ("count", "all") and kept == ["sum"]), (c, source)
    some = given if FULL else given[:12]
    for c, arrays, result in call_all(spellings, "\n".join(body for _, body in some), some, 5):
        check(spellings, c, arrays, result)


def test_gradients_are_those_of_the_op():
    given = [(c, text) for c, text in programs(spellings, 40, 6) if c.reduction == "mean" and not c.smoothing][:6]
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
        check(spellings, c, arrays, value)
        logits, target, _ = arrays
        seen = (target != 1 if c.ignored else np.ones(c.rows, bool))[:, None]
        e = np.exp(testing.Computed(logits) - logits.max(1, keepdims=True))
        want = (e / e.sum(1, keepdims=True) - np.eye(c.classes)[target]) * (seen / seen.sum())
        testing.assert_close(gradient, want)
