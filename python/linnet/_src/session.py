# ===- session.py - compiled models through the C interface -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Loads bundles and calls them on NumPy arrays, by linnet-c/Runtime.h alone (ctypes).

    model = Model("model.lnb", threads=1)
    session = model.session(C=512)
    logits, = session.call("prefill", tokens)
"""

import ctypes
import functools
import os
import pathlib

import ml_dtypes
import numpy as np

MAX_RANK = 32
TYPES = {1: np.dtype(np.bool_), 2: np.dtype(np.int8), 3: np.dtype(np.int16), 4: np.dtype(np.int32),
         5: np.dtype(np.int64), 6: np.dtype(np.float16), 7: np.dtype(ml_dtypes.bfloat16),
         8: np.dtype(np.float32), 9: np.dtype(np.float64)}
CODES = {dtype: code for code, dtype in TYPES.items()}

_i64, _u64, _ptr, _str, _size = (ctypes.c_int64, ctypes.c_uint64, ctypes.c_void_p,
                                 ctypes.c_char_p, ctypes.c_size_t)


def _struct(struct, /, **fields):
    return type(struct, (ctypes.Structure,), {"_fields_": list(fields.items())})


Buffer = _struct("Buffer", device=ctypes.c_int, handle=_ptr, offset=_u64, size=_u64)
Tensor = _struct("Tensor", type=ctypes.c_int, rank=ctypes.c_uint32, dims=ctypes.POINTER(_i64),
                 buffer=Buffer)
RuntimeOptions = _struct("RuntimeOptions", size=_size, threads=ctypes.c_int32, memory_limit=_u64,
                         max_commands=_u64)
LoadOptions = _struct("LoadOptions", size=_size, weights=ctypes.POINTER(_str), weight_count=_size,
                      level=_str, profile=ctypes.c_int)
Symbol = _struct("Symbol", name=_str, min=_i64, max=_i64, multiple=_i64)
Dim = _struct("Dim", size=_i64, symbol=ctypes.c_int32)
Param = _struct("Param", name=_str, type=ctypes.c_int, rank=ctypes.c_uint32,
                dims=ctypes.POINTER(Dim), state=_str, alias=ctypes.c_int32)
Plan = _struct("Plan", arguments=_u64, state=_u64, constants=_u64, arena=_u64, scratch=_u64,
               largest_live=_u64, total=_u64)
Function = _struct("Function", name=_str, symbols=ctypes.POINTER(Symbol), symbol_count=_size,
                   arguments=ctypes.POINTER(Param), argument_count=_size,
                   results=ctypes.POINTER(Param), result_count=_size, command_count=_size,
                   dispatch_count=_size, copies_forced=ctypes.c_uint32, memory=Plan)
Binding = _struct("Binding", name=_str, value=_i64)


class RuntimeError_(RuntimeError):
    """A status of the runtime: `code` is its lnt_code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@functools.cache
def library():
    """libLinnetRuntime.so of $LINNET_BUILD, or of the build folder of this checkout."""
    default = pathlib.Path(__file__).parents[3] / "build"
    build = pathlib.Path(os.environ.get("LINNET_BUILD", default))
    lib = ctypes.CDLL(str(build / "lib" / "libLinnetRuntime.so"))
    lib.lnt_status_message.restype = _str
    lib.lnt_module_function.restype = ctypes.POINTER(Function)
    lib.lnt_module_function_count.restype = _size
    for name in ("lnt_status_message", "lnt_status_code", "lnt_status_free",
                 "lnt_module_function_count", "lnt_runtime_destroy", "lnt_module_destroy",
                 "lnt_session_destroy"):
        getattr(lib, name).argtypes = [_ptr]
    lib.lnt_module_function.argtypes = [_ptr, _size]
    for name in ("lnt_runtime_create", "lnt_module_load_file", "lnt_session_create", "lnt_call",
                 "lnt_infer_shapes", "lnt_session_get_state", "lnt_session_set_state",
                 "lnt_session_reset_state"):
        getattr(lib, name).restype = _ptr
    return lib


def _check(status):
    if status:
        lib = library()
        code, message = lib.lnt_status_code(status), lib.lnt_status_message(status).decode()
        lib.lnt_status_free(status)
        raise RuntimeError_(code, message)


def _tensor(array):
    dims = (_i64 * max(array.ndim, 1))(*array.shape)
    handle = array.ctypes.data if array.size else None
    return Tensor(CODES[array.dtype], array.ndim, dims, Buffer(0, handle, 0, array.nbytes))


class Model:
    """A loaded bundle, with a runtime of its own."""

    def __init__(self, path, threads=1, weights=(), level=None):
        lib = library()
        self._runtime, self._module = _ptr(), _ptr()
        options = RuntimeOptions(ctypes.sizeof(RuntimeOptions), threads, 0, 0)
        _check(lib.lnt_runtime_create(ctypes.byref(options), ctypes.byref(self._runtime)))
        files = (_str * max(len(weights), 1))(*(os.fsencode(w) for w in weights))
        load = LoadOptions(ctypes.sizeof(LoadOptions), files, len(weights),
                           level.encode() if level else None, 0)
        _check(lib.lnt_module_load_file(self._runtime, os.fsencode(path), ctypes.byref(load),
                                        ctypes.byref(self._module)))
        count = lib.lnt_module_function_count(self._module)
        self.functions = {}
        for i in range(count):
            info = lib.lnt_module_function(self._module, i).contents
            self.functions[info.name.decode()] = (i, info)

    def __del__(self):
        for name in ("module", "runtime"):
            if getattr(self, f"_{name}", None):
                getattr(library(), f"lnt_{name}_destroy")(getattr(self, f"_{name}"))

    def session(self, **symbols):
        return Session(self, symbols)


class Session:
    """One user of a model: it owns the model's state."""

    def __init__(self, model, symbols):
        self.model, self._session = model, _ptr()
        bindings = (Binding * max(len(symbols), 1))(
            *(Binding(name.encode(), value) for name, value in symbols.items()))
        _check(library().lnt_session_create(model._module, bindings, _size(len(symbols)),
                                            ctypes.byref(self._session)))

    def __del__(self):
        if getattr(self, "_session", None):
            library().lnt_session_destroy(self._session)

    def call(self, name, *inputs):
        """Calls a function; `inputs` and the results leave out those that are states. Donated
        arguments are copied first. The arrays of donated results are fresh, too."""
        return self.prepare(name, *inputs)()

    def prepare(self, name, *inputs):
        """The same call again and again, on the same memory: for timing. Arguments that are
        donated are overwritten by each."""
        index, info = self.model.functions[name]
        arrays = self._arguments(info, inputs)
        arguments = (Tensor * max(info.argument_count, 1))(*map(_tensor_or_none, arrays))
        shapes = (_i64 * (MAX_RANK * max(info.result_count, 1)))()
        lib = library()
        _check(lib.lnt_infer_shapes(self.model._module, _size(index), arguments,
                                    _size(info.argument_count), shapes, _size(info.result_count)))
        outputs, given = [], []
        for i in range(info.result_count):
            param = info.results[i]
            shape = tuple(shapes[i * MAX_RANK:i * MAX_RANK + param.rank])
            if param.state is not None:
                outputs.append(None)
            elif param.alias >= 0:
                outputs.append(arrays[param.alias].reshape(shape))
            else:
                outputs.append(np.empty(shape, TYPES[param.type]))
            if outputs[-1] is not None:
                given.append(outputs[-1])
        results = (Tensor * max(info.result_count, 1))(*map(_tensor_or_none, outputs))
        session, keep = self._session, arrays

        def run():
            _check(lib.lnt_call(session, _size(index), arguments, _size(info.argument_count),
                                results, _size(info.result_count), None))
            del keep[:0]
            return given

        return run

    def _arguments(self, info, inputs):
        inputs, arrays = iter(inputs), []
        for i in range(info.argument_count):
            param = info.arguments[i]
            if param.state is not None:
                arrays.append(None)
                continue
            array = np.ascontiguousarray(next(inputs))
            array = array.reshape(np.shape(array) if param.rank else ())
            arrays.append(array.copy() if param.alias >= 0 else array)
        if next(inputs, None) is not None:
            raise ValueError(f"{info.name.decode()}: more inputs than arguments")
        return arrays

    def reset(self, name=None):
        _check(library().lnt_session_reset_state(self._session, name.encode() if name else None))

    def set_state(self, name, value):
        value = np.asarray(value, order="C")
        _check(library().lnt_session_set_state(self._session, name.encode(),
                                               ctypes.byref(_tensor(value))))

    def get_state(self, name, shape, dtype):
        """Copies a state of a known shape out of the session."""
        value = np.empty(shape, dtype)
        _check(library().lnt_session_get_state(self._session, name.encode(),
                                               ctypes.byref(_tensor(value).buffer)))
        return value


def _tensor_or_none(array):
    return Tensor() if array is None else _tensor(array)
