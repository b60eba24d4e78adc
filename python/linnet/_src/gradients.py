# ===- gradients.py - executed tests of derivatives -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Compiles the gradients of a function in IR, runs them and compares.

    check(function([argument("x", (3, 5), "f32")], "tensor<3x5xf32>", "%y = math.tanh %x : ..."),
          [x], reference=np.tanh, torch=torch.tanh)

What is differentiated is sum(result * cotangent), summed over the results of float type, with
random cotangents. `reference` takes float64 arrays: its central differences are the meaning;
`torch` takes float64 tensors: its autograd is the independent implementation.

Tolerance, element by element: |g - r| <= u |r| + SAFETY * s + the smallest normal number, u the unit
roundoff of the gradient's type. The first term is the rounding of the result. s is what a computation
in the tested type may be off: how far the gradient in float64 moves (its standard deviation) when
each operation of its evaluation is off by up to one rounding (rounding.py), so cancellation, long sums
and steep functions come with the tolerance that they need, and nothing else does. Where only the
reference is given, or with `samples` of 0, s is u * sum of |cotangent| * |derivative of a result's
element|, the magnitudes that the gradient sums.
"""

import dataclasses
import re
import typing

import ml_dtypes
import numpy as np

from linnet._src import testing as lt

SAFETY = 8  # standard deviations; what is right is within 5.2 of them in all tests


def _split(text):
    """Parts between top-level commas."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c == ">" and text[i - 1] == "-":
            continue
        depth += (c in "(<[{") - (c in ")>]}")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def _matching(text, start):
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] in "(<[{") - (text[i] in ")>]}" and text[i - 1:i + 1] != "->")
        if depth == 0:
            return i
    raise ValueError("brackets do not match")


class Signature:
    """Arguments (type, attributes) and result types of `func.func @main` in a text."""

    def __init__(self, text):
        self.start = text.index("func.func @main(") + len("func.func @main")
        end = _matching(text, self.start)
        self.arguments = []
        for part in _split(text[self.start + 1:end]):
            type, _, attributes = part.split(":", 1)[1].partition("{")
            self.arguments.append((type.strip(), "{" + attributes if attributes else ""))
        after = text[end + 1:].lstrip()
        assert after.startswith("->"), "expects a function with results"
        after = after[2:].lstrip()
        if after.startswith("("):
            self.results = _split(after[1:_matching(after, 0)])
        else:
            self.results = [after[:after.index("{")].strip()]
            if "attributes" in self.results[0]:
                self.results = [self.results[0].split("attributes")[0].strip()]
        self.results = [r.partition("{")[0].strip() for r in self.results]


def _element(type):
    return re.search(r"(\w+)>?$", type.split("x")[-1] if "x" in type else type).group(1)


def _with_element(type, element):
    return re.sub(r"(f16|bf16|f32|f64)>$", element + ">", type)


def _is_float(type):
    return type.rstrip(">").endswith(("f16", "f32", "f64"))


def module(text, wrt=None, cotangent_dims=None, suffix=""):
    """Text of a module whose @main gives the loss and the gradients with respect to the arguments
    `wrt` (by default all of float type); its further arguments are the cotangents. Its private
    functions are @primal and @loss with `suffix`."""
    signature = Signature(text)
    wrt = [i for i, (t, _) in enumerate(signature.arguments) if _is_float(t)] if wrt is None else wrt
    floats = [(i, t) for i, t in enumerate(signature.results) if _is_float(t)]
    cotangents = [_with_element(t, "f64" if _element(t) == "f64" else "f32") for _, t in floats]
    types = [t for t, _ in signature.arguments]
    names = [f"%a{i}" for i in range(len(types))]
    extra = [f"%c{k}" for k in range(len(cotangents))]
    typed = ", ".join(f"{n}: {t}" for n, t in zip(names + extra, types + cotangents))
    body, sums = [], []
    results = ", ".join(f"%r{i}" for i in range(len(signature.results)))
    body.append(f"{results} = func.call @primal{suffix}({', '.join(names)}) : ({', '.join(types)}) -> "
                f"({', '.join(signature.results)})")
    for k, ((i, type), wide) in enumerate(zip(floats, cotangents)):
        value = f"%r{i}"
        if type != wide:
            body.append(f"%w{k} = arith.extf {value} : {type} to {wide}")
            value = f"%w{k}"
        rank = wide.count("x") - (wide.count("x>") if "x>" in wide else 0)
        element = _element(wide)
        body.append(f"%p{k} = arith.mulf {value}, %c{k} : {wide}")
        body.append(f"%s{k} = linnet.reduce sum %p{k} axes {list(range(rank))} : {wide} -> "
                    f"tensor<{element}>")
        sums.append(f"%s{k}")
    total, element = sums[0], _element(cotangents[0])
    for k, term in enumerate(sums[1:]):
        body.append(f"%t{k} = arith.addf {total}, {term} : tensor<{element}>")
        total = f"%t{k}"
    gradients = [types[i] for i in wrt]
    loss = f"tensor<{element}>"
    outer = [f"{n}: {t} {a}" for n, (t, a) in zip(names, signature.arguments)]
    for k, type in enumerate(cotangents):
        dims = cotangent_dims[k] if cotangent_dims else None
        outer.append(f"%c{k}: {type}" + (f" {{linnet.dims = {dims}}}" if dims else ""))
    all_types = ", ".join(types + cotangents)
    out = ", ".join([loss, *gradients])
    grads = ", ".join(["%l", *(f"%g{i}" for i in range(len(wrt)))])
    primal = text.replace("func.func @main(", f"func.func private @primal{suffix}(", 1)
    lines = "\n".join("  " + line for line in body)
    return f"""{primal}
func.func private @loss{suffix}({typed}) -> {loss} {{
{lines}
  return {total} : {loss}
}}
func.func @main({', '.join(outer)}) -> ({out}) {{
  {grads} = linnet.value_and_grad @loss{suffix}({', '.join(names + extra)}) wrt {wrt}
      : ({all_types}) -> ({out})
  return {grads} : {out}
}}
"""


def jacobian(function, inputs, index, step=1e-5):
    """Central differences in float64 of the results' elements of float type, all in a row, by those
    of inputs[index]: [elements of the input, elements of the results]."""
    x = np.array(lt.wide(inputs[index]))
    rows = []
    for position in np.ndindex(*x.shape):
        values = []
        for sign in (1, -1):
            moved = x.copy()
            moved[position] += sign * step
            arguments = [moved if i == index else lt.wide(v) for i, v in enumerate(inputs)]
            values.append(_flat(function(*arguments)))
        with np.errstate(invalid="ignore"):  # where both are -inf, nothing changes
            difference = np.where(values[0] == values[1], 0.0, values[0] - values[1])
        rows.append(difference / (2 * step))
    return np.array(rows)


def central_differences(function, inputs, index, cotangents):
    """The gradient by inputs[index], and the magnitudes that it sums."""
    columns = jacobian(function, inputs, index)
    weights = np.concatenate([np.ravel(c) for c in cotangents])
    shape = np.shape(inputs[index])
    if not columns.size:
        return np.zeros(shape), np.zeros(shape)
    return (columns @ weights).reshape(shape), (np.abs(columns) @ np.abs(weights)).reshape(shape)


def _flat(results):
    results = results if isinstance(results, (tuple, list)) else [results]
    arrays = [np.asarray(r) for r in results if r is not None]
    return np.concatenate([np.ravel(r).astype(np.float64) for r in arrays if r.dtype.kind == "f"])


def _of_torch(function, inputs, cotangents, wrt, unit, samples):
    """PyTorch's gradients in float64, and how far roundings of `unit` move them."""
    import torch

    from linnet._src import rounding

    def gradients():
        tensors = [torch.from_numpy(np.array(lt.wide(v))) for v in inputs]
        for i in wrt:
            tensors[i].requires_grad_()
        results = function(*tensors)
        results = results if isinstance(results, (tuple, list)) else [results]
        floats = [r for r in results if r.is_floating_point()]
        total = sum((r * torch.from_numpy(c)).sum() for r, c in zip(floats, cotangents))
        if not total.requires_grad:
            return [torch.zeros(tensors[i].shape, dtype=torch.float64) for i in wrt]
        found = torch.autograd.grad(total, [tensors[i] for i in wrt], allow_unused=True)
        return [torch.zeros(tensors[i].shape, dtype=torch.float64) if g is None else g
                for g, i in zip(found, wrt)]

    return ([x.numpy() for x in values] for values in rounding.spread(gradients, unit, samples))


def assert_gradient(actual, expected, spread, label=""):
    """See this file's header."""
    assert actual.shape == expected.shape, f"{label}: shape {actual.shape}, not {expected.shape}"
    if not actual.size:
        return
    bound = (lt.unit_roundoff(actual.dtype) * np.abs(expected) + SAFETY * spread
             + float(ml_dtypes.finfo(actual.dtype).smallest_normal))
    error = np.abs(lt.wide(actual) - expected)
    bad = ~(error <= bound)
    if bad.any():
        worst = np.unravel_index(np.argmax(np.where(bad, np.nan_to_num(error, nan=np.inf), -1)),
                                 error.shape)
        raise AssertionError(f"{label}: {int(bad.sum())} of {bad.size} elements are off; the worst at "
                             f"{tuple(map(int, worst))}: {lt.wide(actual)[worst]!r}, expected "
                             f"{expected[worst]!r} within {bound[worst]:.2e}")


@dataclasses.dataclass
class Case:
    """A function @main in IR, inputs, and what its gradients have to be."""
    text: str
    inputs: list
    reference: typing.Callable = None
    torch: typing.Callable = None
    wrt: list = None
    cotangent_dims: list = None
    label: str = ""
    unit: float = None  # the unit roundoff inside, by default that of the inputs
    depth: int = 0  # of the longest sum that is added up term by term
    samples: int = 24  # of disturbed evaluations; 0: by the magnitudes that the reference has

    def __post_init__(self):
        signature = Signature(self.text)
        floats = [i for i, (t, _) in enumerate(signature.arguments) if _is_float(t)]
        self.wrt = floats if self.wrt is None else self.wrt
        rng = np.random.default_rng(0)
        self.cotangents = [rng.standard_normal(s).astype(np.float32)
                           for s in self.shapes(signature)]

    def shapes(self, signature):
        """Of the results of float type."""
        import torch
        results = (self.reference(*map(lt.wide, self.inputs)) if self.reference else self.torch(
            *[torch.from_numpy(np.array(lt.wide(v))) for v in self.inputs]))
        results = results if isinstance(results, (tuple, list)) else [results]
        return [tuple(r.shape) for r, t in zip(results, signature.results) if _is_float(t)]

    def module(self, suffix=""):
        return module(self.text, self.wrt, self.cotangent_dims, suffix)

    def oracles(self):
        """Per oracle its name, gradients and spreads; the two of them are far closer to each other
        than either is to what was compiled."""
        wide = [c.astype(np.float64) for c in self.cotangents]
        unit = self.unit or max(lt.unit_roundoff(self.inputs[i].dtype) for i in self.wrt)
        if self.reference:
            pairs = [central_differences(self.reference, self.inputs, i, wide) for i in self.wrt]
            spreads = [unit * sums for _, sums in pairs]
        if self.torch:
            gradients, disturbed = _of_torch(self.torch, self.inputs, wide, self.wrt, unit,
                                             self.samples)
            spreads = disturbed if self.samples else spreads
            yield "PyTorch", gradients, spreads
        if self.reference:
            # what h^2 and the float64 in the differences leave
            own = [1e-8 * sums + 1e-9 for _, sums in pairs]
            yield "central differences", [gradient for gradient, _ in pairs], [
                s + o / SAFETY for s, o in zip(spreads, own)]

    def compare(self, found):
        # of many terms, partial sums are larger than these, and a function's error is to one side
        factor = max(1.0, self.depth / 128)
        for name, expected, spreads in self.oracles():
            for i, actual, wanted, spread in zip(self.wrt, found, expected, spreads):
                assert_gradient(np.asarray(actual), np.asarray(wanted), factor * spread,
                                f"argument {i} against {name}")


def check(text, inputs, reference=None, torch=None, wrt=None, flags=(), threads=1,
          cotangent_dims=None, depth=0, samples=24):
    """Runs the gradients of @main and compares them with every oracle that is given; returns
    them."""
    case = Case(text, inputs, reference, torch, wrt, cotangent_dims, depth=depth, samples=samples)
    _, *found = lt.run(case.module(), *inputs, *case.cotangents, flags=flags, threads=threads)
    case.compare(found)
    return found


def check_all(cases):
    """Many cases as one module, which compiles faster than one by one."""
    lt.run_cases((case.label, case.module(f"_{i}"), [*case.inputs, *case.cotangents],
                  lambda loss, *found, case=case: case.compare(found))
                 for i, case in enumerate(cases))
