# ===- runtime - compiled models on NumPy arrays -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Loads bundles and calls their functions on NumPy arrays (bf16: ml_dtypes.bfloat16).

    runtime = linnet.runtime.Runtime(threads=2)
    module = runtime.load("model.lnb")
    session = module.session()
    y, = session.call("main", x)

Inputs are read where they are when they are contiguous and of the right type; results are
fresh arrays, or the arrays given as `out`. An argument that the function takes over (donates)
is copied first unless `donate=True`: then its array is overwritten. States live in the session
and are left out of inputs and results.
"""

import dataclasses
import importlib.util
import math
import os
import pathlib
import sys

import ml_dtypes
import numpy as np
from linnet._src.arrays import empty_at

__all__ = ["Error", "Function", "Module", "Parameter", "Runtime", "Session", "State", "Symbol",
           "version"]

_TYPES = {1: np.dtype(np.bool_), 2: np.dtype(np.int8), 3: np.dtype(np.int16),
          4: np.dtype(np.int32), 5: np.dtype(np.int64), 6: np.dtype(np.float16),
          7: np.dtype(ml_dtypes.bfloat16), 8: np.dtype(np.float32), 9: np.dtype(np.float64)}
_CODES = {dtype: code for code, dtype in _TYPES.items()}
# Bits of unsigned integers are kept: Linnet's integers have no sign of their own.
_CODES.update({np.dtype(np.uint8): 2, np.dtype(np.uint16): 3, np.dtype(np.uint32): 4,
               np.dtype(np.uint64): 5})
_NAMES = ("OK", "INVALID_ARGUMENT", "BAD_FILE", "IO", "UNSUPPORTED", "OUT_OF_MEMORY", "FAULT",
          "POISONED")


class Error(RuntimeError):
    """A status of the runtime; `code` is the name of its lnt_code without LNT_."""

    def __init__(self, message, code=0):
        super().__init__(message)
        self.code = _NAMES[code]


def _load_native():
    """The extension beside this file (installed), or the one of the build folder."""
    try:
        from linnet._src.runtime import _native
        return _native
    except ImportError:
        pass
    default = pathlib.Path(__file__).parents[4] / "build"
    build = pathlib.Path(os.environ.get("LINNET_BUILD", default)) / "python"
    for path in sorted(build.glob("_native*.so")):
        spec = importlib.util.spec_from_file_location("linnet._src.runtime._native", path)
        native = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = native
        spec.loader.exec_module(native)
        return native
    raise ImportError(f"the runtime's Python extension is not in {build}: build with "
                      "nanobind installed in .venv, or set LINNET_BUILD")


_native = _load_native()


def version():
    """Of the runtime, "0.1.0"."""
    return _native.version()


@dataclasses.dataclass(frozen=True)
class Symbol:
    """A named size; `max` None: unbounded."""
    name: str
    min: int
    max: int | None
    multiple: int


@dataclasses.dataclass(frozen=True)
class Parameter:
    """An argument or a result. `dims` has numbers, names of symbols, or "?" for a size that is
    computed. `alias`: argument: the result that takes its memory over; result: the argument
    whose memory it is."""
    name: str
    dtype: np.dtype
    dims: tuple
    state: str | None
    alias: int | None


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    index: int
    symbols: tuple
    arguments: tuple
    results: tuple
    memory: dict  # bytes at the symbols' maxima; None: unbounded
    dispatches: int


@dataclasses.dataclass(frozen=True)
class State:
    name: str
    dtype: np.dtype
    shape: tuple  # -1: not known before a call
    created: bool
    poisoned: bool


def _parameters(rows):
    return tuple(Parameter(name, _TYPES[code], dims, state, None if alias < 0 else alias)
                 for name, code, dims, state, alias in rows)


def _empty(shape, dtype):
    """An array for a result. A large one starts on a cache line, which NumPy's own may not, or on
    a page, as buffers of the runtime do: kernels are fastest where operands and results agree."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < 1 << 16:
        return np.empty(shape, dtype)
    return empty_at(shape, dtype, 64 if size < 1 << 20 else 4096)


def _operand(array):
    """What the extension takes: the type's code and the memory. NumPy shows bf16 to nobody, so
    its bits go."""
    code = _CODES.get(array.dtype)
    if code is None:
        raise TypeError(f"arrays of {array.dtype} are not supported")
    return code, array.view(np.uint16) if code == 7 else array


_POISON = bool(os.environ.get("LINNET_POISON"))


_DEVICES = {"cpu": 0, "cuda": 1, "vulkan": 2}


class Runtime:
    """Owns `threads` threads (0: one per core). `device`: where its modules run, "cpu", "cuda" or
    "vulkan", of which "vulkan:2" is the second; arrays go there and come back with every call,
    states and weights stay."""

    def __init__(self, threads=0, memory_limit=0, device="cpu"):
        kind, _, index = device.partition(":")
        if kind not in _DEVICES or (index and not (index.isdecimal() and len(index) < 9)):
            raise ValueError(f"expected a device like cpu, cuda, vulkan or vulkan:2, found {device!r}")
        self._handle = _native.Runtime(threads, memory_limit, _DEVICES[kind], int(index or 0))
        self.device = device

    @property
    def threads(self):
        return self._handle.threads()

    def load(self, bundle, weights=(), level=None):
        """A module from a path or from bytes. `weights`: safetensors files with the external
        weights. `level`: which code to use instead of the best."""
        memory = bundle if isinstance(bundle, bytes) else None
        path = None if memory is not None else os.fspath(bundle)
        return Module(self._handle.load(path, memory, [os.fspath(w) for w in weights], level))


class Module:
    """A loaded bundle."""

    def __init__(self, handle):
        self._handle = handle
        self.functions = {}
        for index, row in enumerate(handle.functions()):
            name, symbols, arguments, results, memory, dispatches = row
            self.functions[name] = Function(
                name, index,
                tuple(Symbol(s, low, None if high < 0 else high, m) for s, low, high, m in symbols),
                _parameters(arguments), _parameters(results), memory, dispatches)

    @property
    def level(self):
        """Of the machine code in use, such as "x86-64-v4"."""
        return self._handle.level()

    def memory(self, function, **symbols):
        """Bytes of a call by kind; symbols that are not given count with their maxima."""
        return self._handle.memory(self.functions[function].index, list(symbols.items()))

    def session(self, **symbols):
        """A session; `symbols` size its states."""
        return Session(self, self._handle.session(list(symbols.items())))


class Session:
    """One user of a module: it owns the module's states. Calls are done one after the other,
    without Python's lock."""

    def __init__(self, module, handle):
        self.module = module
        self._handle = handle

    def call(self, function, *inputs, out=None, donate=False, poison=_POISON):
        """The results that are not states, as a list. `out`: arrays for the results that are in
        memory of their own, in order. `poison`: fill memory whenever it holds nothing with NaN
        and fail when a kernel has written to it (by default where the environment has
        LINNET_POISON)."""
        return self._call(function, inputs, out, donate, False, poison)[0]

    def trace(self, function, *inputs):
        """The dispatches of a call, as dictionaries."""
        return self._call(function, inputs, None, False, True, False)[1]

    def _call(self, name, inputs, out, donate, trace, poison):
        function = self._function(name)
        arrays = self._arguments(function, inputs, donate)
        arguments = [None if array is None else _operand(array) for array in arrays]
        shapes = self._handle.shapes(function.index, arguments,
                                     [len(result.dims) for result in function.results])
        own = iter(out) if out is not None else None
        results, visible = [], []
        for result, shape in zip(function.results, shapes):
            results.append(None)
            if result.state is not None:
                continue
            if result.alias is not None:
                visible.append(arrays[result.alias])
                continue
            array = self._result(function, result, shape, own)
            results[-1] = _operand(array)
            visible.append(array)
        if own is not None and next(own, None) is not None:
            raise ValueError(f"{name}: more arrays in out than results in memory of their own")
        return visible, self._handle.call(function.index, arguments, results, trace, poison)

    def _function(self, name):
        if name not in self.module.functions:
            known = ", ".join(map(repr, self.module.functions))
            raise KeyError(f"no function is called {name!r}; there are {known}")
        return self.module.functions[name]

    @staticmethod
    def _arguments(function, inputs, donate):
        wanted = [p for p in function.arguments if p.state is None]
        if len(inputs) != len(wanted):
            names = ", ".join(f"{p.name!r} {'x'.join(map(str, p.dims + (p.dtype.name,)))}"
                              for p in wanted)
            raise TypeError(f"{function.name} takes {len(wanted)} inputs ({names}), "
                            f"found {len(inputs)}")
        given, arrays = iter(inputs), []
        for parameter in function.arguments:
            if parameter.state is not None:
                arrays.append(None)
                continue
            value = next(given)
            # Python's numbers take the argument's type; arrays must have it.
            array = (np.asarray(value) if isinstance(value, np.ndarray | np.generic)
                     else np.asarray(value, parameter.dtype))
            array = np.asarray(array, order="C")
            if parameter.alias is not None and not (donate and array.flags.writeable):
                array = array.copy()
            arrays.append(array)
        return arrays

    @staticmethod
    def _result(function, result, shape, own):
        if own is None:
            return _empty(shape, result.dtype)
        array = next(own, None)
        if array is None:
            raise ValueError(f"{function.name}: fewer arrays in out than results in memory of "
                             "their own")
        if not (array.flags.c_contiguous and array.flags.writeable):
            raise ValueError(f"{function.name}: arrays in out must be contiguous and writeable")
        return array

    @property
    def states(self):
        """The states by name."""
        rows = (self._handle.state(i) for i in range(self._handle.state_count()))
        return {name: State(name, _TYPES[code], shape, created, poisoned)
                for name, code, shape, created, poisoned in rows}

    def get_state(self, name):
        state = self.states.get(name)
        shape = state.shape if state and state.created else ()
        array = np.empty(shape, state.dtype if state else np.int8)
        self._handle.get_state(name, _operand(array)[1])
        return array

    def set_state(self, name, value):
        self._handle.set_state(name, _operand(np.asarray(value, order="C")))

    def reset_state(self, name=None):
        """Zeroes a state, or all."""
        self._handle.reset_state(name)

    def save_state(self, path):
        self._handle.save_state(os.fspath(path))

    def load_state(self, path):
        self._handle.load_state(os.fspath(path))

    @property
    def counters(self):
        """What the calls have done so far: launches, copies to and from the device, ..."""
        return self._handle.counters()

    @property
    def memory(self):
        """Bytes that the session holds, by kind."""
        return self._handle.memory()
