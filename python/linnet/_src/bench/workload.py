# ===- workload.py - what is timed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""A workload: IR, inputs and weights, counts, its ceiling, and the same for the peers."""

import dataclasses
import typing

import numpy as np

from linnet._src import testing as lt
from linnet._src.arrays import empty_at


class Unavailable(Exception):
    """Why a peer cannot do a workload."""


@dataclasses.dataclass(frozen=True)
class Must:
    """The fastest of some peers takes at least `ratio` times as long as Linnet."""
    peers: tuple
    ratio: float


@dataclasses.dataclass
class Workload:
    name: str
    shape: str
    text: str
    inputs: list
    flops: float
    bytes: float
    ceiling: str  # fma, bf16, read, copy or scan
    dtype: str = "f32"
    weights: dict = dataclasses.field(default_factory=dict)
    # how PyTorch is given it: f(torch module, inputs..., weights...) -> tensor; the fastest counts
    torch: tuple = ()
    onnx: tuple = None  # one node: (op, attributes, order of inputs and weights)
    exported: bool = False  # or, where one node is refused, PyTorch's form exported to ONNX
    iree: tuple = ()  # functions that give the text of a module; where there are some, no ONNX
    tolerance: float = 1e-3
    scan: tuple = ()
    target: float = None  # fraction of the ceiling, on one thread
    musts: tuple = ()  # of Must
    # for models with state: sizes of the session, what to do with it once, and before each call
    function: str = "main"
    symbols: dict = dataclasses.field(default_factory=dict)
    setup: typing.Callable = lambda session: None
    before: typing.Callable = lambda session: None
    # for a step that changes what it keeps: f(torch module, compiled, inputs, weights) gives calls
    torch_steps: typing.Callable = None
    settle: int = 0  # calls before the one whose results are compared
    flags: tuple = ()  # of linnet-compile
    # Linnet is a peer of itself with these flags too: the program without a rewrite
    as_written: tuple = ()

    def __post_init__(self):
        self.inputs = [aligned(x) for x in self.inputs]


def aligned(array):
    """The same on a cache line: the frameworks' own allocators give that, NumPy's does not."""
    array = np.asarray(array, order="C")  # a number stays one
    result = empty_at(array.shape, array.dtype, 64)
    result[...] = array
    return result


def rng_of(*seed):
    return np.random.default_rng(sum(seed))


def constant(name, array, dtype="f32"):
    type = lt.tensor_type(array.shape, dtype)
    return (f"ml_program.global private @{name}(#ml_program.extern<{type}>) : {type}\n",
            f"%{name} = ml_program.global_load_const @{name} : {type}\n")


