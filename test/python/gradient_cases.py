# ===- gradient_cases.py - one op, its inputs, its meanings -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Builds cases for test_gradients_table.py, whose rows are in gradient_cases_plain.py and
gradient_cases_model.py."""
import numpy as np
import torch

from linnet import gradients as lg
from linnet import testing as lt


def array(*shape, seed=0, scale=1.0, dtype="f32"):
    return np.asarray(lt.random(np.random.default_rng(seed + 7 * sum(shape)), shape, dtype, scale))


def type_of(value, dtype=None):
    """Scalars are NumPy scalars, tensors are arrays."""
    dtype = dtype or lt.NAMES[value.dtype]
    return dtype if isinstance(value, np.generic) else lt.tensor_type(value.shape, dtype)


def of_torch(function):
    """A PyTorch function on float64 arrays, where there is no other reference."""
    def call(*inputs):
        result = function(*(torch.from_numpy(np.array(x)) for x in inputs))
        return [r.numpy() for r in result] if isinstance(result, tuple) else result.numpy()
    return call


def case(body, *inputs, torch=None, reference=None, wrt=None, label="", results=None, unit=None,
         prefix=""):
    """A function of `inputs`, %x0, %x1, ... of the types {0}, {1}, ..., whose `body` computes %y, or
    %y0, %y1, ...; {r} are the types of the results: f32 of the shapes that the oracles give, or
    `results`. Central differences are of `reference`, else of PyTorch's function."""
    types = [type_of(x) for x in inputs]
    found = (reference or of_torch(torch))(*map(lt.wide, inputs))
    found = found if isinstance(found, (tuple, list)) else [found]
    results = results or [lt.tensor_type(np.shape(r), "f32") for r in found]
    names = ["%y"] if len(results) == 1 else [f"%y{i}" for i in range(len(results))]
    together = ", ".join(results)
    arguments = ", ".join(f"%x{i}: {t}" for i, t in enumerate(types))
    lines = body.format(*types, r=together)
    text = (f"{prefix}func.func @main({arguments}) -> ({together}) {{\n  {lines}\n"
            f"  return {', '.join(names)} : {together}\n}}\n")
    return lg.Case(text, list(inputs), reference or of_torch(torch), torch, wrt,
                   label=label or lines.splitlines()[-1], unit=unit)
