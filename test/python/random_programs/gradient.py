# ===- gradient.py - derivatives of random programs against differences -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""What a gradient in f32 may be off is seen on the differences themselves: every tensor on the way is scaled, element
by element, by 1 + r e, where e is the relative error that the running error analysis gives its step, and r is random.
A scaled value has a scaled derivative: such a difference is off as the roundings of the steps, and of the steps back,
would have it. The root of the mean square of some of them, times six (as in linnet/_src/running_error.py), is a bound.
Where terms cancel inside a step back, as in a softmax's or a norm's, their roundings stay: the sum of all e, times the
largest gradient of the program. To it comes what two steps of the difference are apart, of which the smaller one is off
less, and what float64 leaves of a difference."""
import numpy as np
from linnet import gradients
from linnet import testing as lt
from linnet._src.running_error import UNIT, Computed
from random_programs.graph import Unclear, given, run

STEP = 1e-4
ELEMENTS = 4  # of every argument that are compared
ROUNDINGS = 6  # tried for an element
LEAST = 4 * UNIT  # relative error of a step: steps back have a few operations, too


def local_errors(program, arrays):
    """Relative errors of steps on exact operands, the largest of a tensor, by value."""
    values = {v: given(x) for v, x in arrays.items()}
    errors = {v: LEAST for v, x in values.items() if isinstance(x, Computed)}
    for node in program.nodes:
        found = run(program, node, values, program.at({}))
        for v, x in zip(node.results, found, strict=True):
            if isinstance(x, Computed):
                largest = np.abs(x.value[np.isfinite(x.value)]).max(initial=0)
                errors[v] = max(LEAST, x.error.max(initial=0) / largest) if largest else LEAST
                x = Computed(x.value)
            values[v] = x
    return errors


def loss(program, arrays, cotangents, scale=None):
    """In float64, as linnet.gradients has it; `scale`: of values on the way."""
    if scale is None:
        values = program.evaluate(arrays, {})
    else:
        values = {v: scaled(given(x), scale.get(v)) for v, x in arrays.items()}
        for node in program.nodes:
            found = run(program, node, values, program.at({}))
            values.update((v, scaled(x, scale.get(v))) for v, x in zip(node.results, found, strict=True))
    results = [values[v].value for v in program.outputs if isinstance(values[v], Computed)]
    return sum(float((r * c).sum()) for r, c in zip(results, cotangents, strict=True))


def scaled(x, scale):
    return x if scale is None else Computed(x.value * scale)


class Differences:
    """Of a program's loss, by single elements."""

    def __init__(self, program, arrays, cotangents, rng):
        self.program, self.arrays, self.cotangents = program, arrays, cotangents
        values, errors = program.evaluate(arrays, {}), local_errors(program, arrays)
        self.all_steps = sum(errors.values())
        scales = [{v: 1 + e * rng.standard_normal(values[v].value.shape) for v, e in errors.items()}
                  for _ in range(ROUNDINGS)]
        self.starts = [(s, self.at(None, 0, 0, s)) for s in (None, *scales)]

    def at(self, value, position, step, scale=None):
        """The loss where one element is moved."""
        arrays = self.arrays
        if step:
            moved = np.array(arrays[value], np.float64)
            moved[position] += step
            arrays = arrays | {value: moved}
        return loss(self.program, arrays, self.cotangents, scale)

    def central(self, value, position, step):
        return (self.at(value, position, step) - self.at(value, position, -step)) / (2 * step)

    def expected(self, value, position, largest):
        """The derivative, and what f32 may be off; None beside a kink, where two steps do not agree.
        `largest`: gradient of the program."""
        step = STEP / 4
        try:
            coarse, fine = self.central(value, position, STEP), self.central(value, position, step)
            if not np.isclose(coarse, fine, rtol=1e-4, atol=1e-6 * (1 + abs(fine))):
                return None
            own, *others = ((self.at(value, position, step, s) - start) / step for s, start in self.starts)
        except Unclear:
            return None
        spread = np.sqrt(np.mean(np.square(np.array(others) - own)))
        exact = 8 * np.finfo(np.float64).eps * abs(self.starts[0][1]) / step
        roundings = 6 * spread + self.all_steps * largest
        return fine, roundings + abs(coarse - fine) + exact + np.finfo(np.float32).tiny


def check_gradients(program, seed):
    """What is wrong with the program's gradients, or None, and how many elements were compared."""
    rng = np.random.default_rng([3, seed])
    arguments = program.given()
    arrays = program.inputs(rng, {})
    wrt = [i for i, a in enumerate(arguments) if program.types[a.value].dtype == "f32"]
    values = program.evaluate(arrays, {})
    shapes = [values[v].value.shape for v in program.outputs if isinstance(values[v], Computed)]
    if not wrt or not shapes:
        return None, 0  # nothing to differentiate
    cotangents = [rng.standard_normal(s).astype(np.float32) for s in shapes]
    text = gradients.module(program.text(), wrt).replace("@primal", f"@primal_{program.name}")
    _, *found = lt.load(text).session().call("main", *(arrays[a.value] for a in arguments), *cotangents,
                                             poison=lt.on_cpu())
    largest, compared = max(np.abs(gradient).max(initial=0) for gradient in found), 0
    try:
        differences = Differences(program, arrays, cotangents, rng)
    except Unclear:
        return None, 0
    for i, gradient in zip(wrt, found, strict=True):
        value = arguments[i].value
        for position in rng.integers(0, max(gradient.size, 1), ELEMENTS if gradient.size else 0):
            position = np.unravel_index(position, gradient.shape)
            want = differences.expected(value, position, largest)
            if want is None:
                continue
            got, compared = float(gradient[position]), compared + 1
            if not abs(got - want[0]) <= want[1]:
                return (f"seed {seed}: the gradient of %a{value} at {tuple(map(int, position))} is {got!r}, "
                        f"expected {want[0]!r} within {want[1]:.2e}\n{program.text()}"), compared
    return None, compared
