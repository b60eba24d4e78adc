# ===- gradient.py - derivatives of random programs against differences -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
from linnet import gradients
from linnet import testing as lt
from linnet._src.running_error import Computed
from random_programs.graph import Unclear

STEP = 1e-4
ELEMENTS = 6  # of every argument that are compared


def loss(program, arrays, cotangents):
    """In float64, as linnet.gradients has it."""
    values = program.evaluate(arrays, {})
    results = [values[v].value for v in program.outputs if isinstance(values[v], Computed)]
    return sum(float((r * c).sum()) for r, c in zip(results, cotangents, strict=True))


def difference(program, arrays, cotangents, value, position):
    """By one element; None beside a kink, where two steps do not agree."""
    found = []
    for step in (STEP, STEP / 4):
        ends = []
        for sign in (1, -1):
            moved = np.array(arrays[value], np.float64)
            moved[position] += sign * step
            ends.append(loss(program, arrays | {value: moved}, cotangents))
        found.append((ends[0] - ends[1]) / (2 * step))
    return found[1] if np.isclose(*found, rtol=1e-4, atol=1e-6 * (1 + abs(found[1]))) else None


def check_gradients(program, seed):
    """What is wrong with the program's gradients, or None. Raises Unclear where nothing can be said."""
    rng = np.random.default_rng([3, seed])
    given = program.given()
    arrays = program.inputs(rng, {})
    wrt = [i for i, a in enumerate(given) if program.types[a.value].dtype == "f32"]
    values = program.evaluate(arrays, {})
    shapes = [values[v].value.shape for v in program.outputs if isinstance(values[v], Computed)]
    if not wrt or not shapes:
        raise Unclear("nothing to differentiate")
    cotangents = [rng.standard_normal(s).astype(np.float32) for s in shapes]
    text = gradients.module(program.text(), wrt).replace("@primal", f"@primal_{program.name}")
    _, *found = lt.load(text).session().call("main", *(arrays[a.value] for a in given), *cotangents,
                                             poison=lt.on_cpu())
    for i, gradient in zip(wrt, found, strict=True):
        value = given[i].value
        scale = np.abs(gradient).mean() if gradient.size else 0
        for position in rng.integers(0, max(gradient.size, 1), ELEMENTS if gradient.size else 0):
            position = np.unravel_index(position, gradient.shape)
            want = difference(program, arrays, cotangents, value, position)
            if want is None:
                continue
            got = float(gradient[position])
            if not abs(got - want) <= 2e-3 * (abs(want) + scale) + 1e-4:
                return (f"seed {seed}: the gradient of %a{value} at {tuple(map(int, position))} is {got!r}, "
                        f"expected {want!r}\n{program.text()}")
    return None
