# ===- test_raise_recurrence.py - linnet-raise finds recurrences in loops -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import os
import re

import numpy as np
import pytest
import recurrence_exports as exports
import recurrence_spellings as spellings
from linnet import testing
from raised_programs import programs, raised
from upstream import lower

FULL = bool(os.environ.get("LINNET_FULL"))
MATCHED, EXECUTED, MISSED, MISSED_EXECUTED = (1000, 150, 200, 60) if FULL else (150, 14, 60, 20)


def draw(shapes, seed):
    rng = np.random.default_rng(seed)
    return [0.7 * rng.standard_normal(s).astype(np.float32) for s in shapes]


def close(got, want, message=""):
    """Within what sums in f32 lose."""
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * max(1, np.abs(want).max()), err_msg=message)


@pytest.mark.parametrize("name", exports.EXPORTS)
def test_exporters_loops(name):
    text, shapes, reference = exports.EXPORTS[name]()
    body = lower(text, "--linnet-raise")
    assert len(re.findall(r"linnet\.(linear_attention|selective_scan)", body)) == 1, body
    assert "scf.for" not in body
    arrays = draw(shapes, 1)
    for got, want in zip(testing.run(body, *arrays), reference(*arrays)):
        assert got.shape == want.shape
        close(got, want)


def test_every_spelling_is_found():
    given = programs(spellings, MATCHED, 1)
    _, bodies = raised(given)
    for (c, text, *_), body in zip(given, bodies):
        ops = re.findall(r"linnet\.(linear_attention|selective_scan)(.*)", body)
        assert len(ops) == 1 and "scf.for" not in body, (c, text)
        op, rest = ops[0]
        assert (op == "selective_scan") == (c.update == "scan"), (c, text)
        assert ("beta(" in rest) == (c.update in ("delta", "gated", "gated channels")), (c, text)
        assert ("erase(" in rest) == (c.update == "erase"), (c, text)
        assert ("decay(" in rest) == (c.update in ("decay", "channels", "gated", "gated channels")), (c, text)
        assert ("read" in rest) == (c.read != "post" and op == "linear_attention"), (c, text)
        assert ("bonus(" in rest) == (c.read == "bonus"), (c, text)
        assert ("state(" in rest) == c.state, (c, text)


def check(given, text, seed):
    """Runs the functions on random inputs."""
    session = testing.load(text).session()
    for i, (c, _, layouts) in enumerate(given):
        inputs, rows, state = layouts
        arrays = spellings.inputs(c, np.random.default_rng([seed, i]))
        results = session.call(f"f{i}", *spellings.lay_out(arrays, inputs))
        results = results if isinstance(results, (list, tuple)) else [results]
        wanted = list(zip(spellings.reference(c, arrays), (rows, state)))[:1 + c.final]
        for got, (want, letters) in zip(results, wanted):
            close(spellings.canonical(c, got, letters), want, str(c))


def test_raised_programs_compute_the_same():
    given = programs(spellings, EXECUTED, 2)
    check(given, raised(given)[0], 3)


def test_near_misses_stay():
    given = programs(spellings, MISSED, 4, near_misses=True)
    _, bodies = raised(given)
    for (c, text, *_), body in zip(given, bodies):
        assert not re.search(r"linear_attention|selective_scan", body), (c, text)
        assert "scf.for" in body
    some = given[:MISSED_EXECUTED]
    check(some, raised(some)[0], 5)


def test_gradients_are_those_of_the_op():
    """Through the gates that the loop computed: against differences in f64."""
    text, shapes, reference = exports.EXPORTS["gated_by_logistic"]()
    body = lower(text, "--linnet-raise")
    arrays = draw(shapes, 2)
    types = ["x".join(map(str, s)) for s in shapes]
    names = ", ".join(f"%a{i}" for i in range(4))
    given = ", ".join(f"tensor<{t}xf32>" for t in types)
    loss = body[body.index("func.func"):body.rindex("}")].replace("func.func @main", "func.func private @rows")
    program = f"""{loss}
func.func private @loss({", ".join(f"%a{i}: tensor<{t}xf32>" for i, t in enumerate(types))}) -> tensor<f32> {{
  %y, %s = func.call @rows({names}) : ({given}) -> (tensor<2x3x6x5xf32>, tensor<2x3x4x5xf32>)
  %l = linnet.reduce sum %y axes [0, 1, 2, 3] : tensor<2x3x6x5xf32> -> tensor<f32>
  return %l : tensor<f32>
}}
func.func @main({", ".join(f"%a{i}: tensor<{t}xf32>" for i, t in enumerate(types))}) -> (tensor<f32>, tensor<{types[3]}xf32>) {{
  %l, %d = linnet.value_and_grad @loss({names}) wrt [3] : ({given}) -> (tensor<f32>, tensor<{types[3]}xf32>)
  return %l, %d : tensor<f32>, tensor<{types[3]}xf32>
}}"""
    value, gradient = testing.run(program, *arrays)
    total = lambda x: reference(*arrays[:3], x)[0].sum()
    close(value, total(arrays[3]))
    x, step = arrays[3].astype(np.float64), 1e-5
    want = np.zeros_like(x)
    for at in list(np.ndindex(x.shape))[::7]:
        moved = x.copy()
        moved[at] += step
        want[at] = total(moved)
        moved[at] -= 2 * step
        want[at] = (want[at] - total(moved)) / (2 * step)
        np.testing.assert_allclose(gradient[at], want[at], rtol=1e-4, atol=1e-5)
