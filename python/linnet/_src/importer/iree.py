# ===- iree.py - linalg as IREE's importers write it ----------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# `iree-compile --compile-to=input` gives linalg on tensors inside of a wrapper of its own
# dialects: buffers with fences go in and out, and weights are constants in the text. Here the
# wrapper becomes a `func.func` and the weights become extern globals with a safetensors file.
#
# ===----------------------------------------------------------------------===//
import re

import ml_dtypes
import numpy as np

# constants up to this size stay in the text
MAX_INLINE_ELEMENTS = 64

_DTYPES = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16,
           "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8, "i1": np.bool_}
_FUNCTION = re.compile(r"^\s*util\.func (?:public|private) @([\w$.]+)\((.*?)\)")
_IMPORT = re.compile(r"(%\w+) = hal\.tensor\.import .*=> (%\w+) : !hal\.buffer_view"
                     r" -> (tensor<[^>]*>)")
_BARRIER = re.compile(r"(%\w+)(?::\d+)? = hal\.tensor\.barrier join\((.*?) : (.*)\) => ")
_EXPORT = re.compile(r"(%\w+) = hal\.tensor\.export (%[\w#]+)(?: \"[^\"]*\")? : (tensor<[^>]*>)")
_DIM = re.compile(r"(%\w+) = hal\.buffer_view\.dim<(%\w+) : !hal\.buffer_view>\[(\d+)\] : index")
_CONSTANT = re.compile(r"^(\s*)(%\w+) = arith\.constant dense<(.*)> : tensor<([\dx]+)x(\w+)>$")


class WrapperError(Exception):
    """The text has something that the wrapper is not known to have."""


def convert(text):
    """Returns (MLIR text with func.func, weights by name)."""
    lines, weights, globals_ = [], {}, []
    for name, body in _functions(text):
        if name.endswith("$async") or not any("hal.fence" in line for line in body):
            lines += _function(name.removesuffix("$async"), body, weights, globals_)
    if not lines:
        raise WrapperError("expects a util.func with tensors, found none")
    aliases = [line for line in text.splitlines() if line.startswith("#")]
    result = "\n".join(aliases + ["module {"] + globals_ + lines + ["}", ""])
    left = sorted(set(re.findall(r"\b(?:util|hal|flow)\.[\w.]+", result)))
    if left:
        raise WrapperError("expects no IREE ops in the function, found " + ", ".join(left))
    return result, weights


def _functions(text):
    """(name, lines) of every util.func."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if _FUNCTION.match(line)]
    for start in starts:
        indent = re.match(r"\s*", lines[start]).group()
        end = next(i for i in range(start, len(lines)) if lines[i] == indent + "}")
        yield _FUNCTION.match(lines[start]).group(1), lines[start:end + 1]


def _function(name, body, weights, globals_):
    arguments = re.findall(r"(%\w+): !hal\.buffer_view", body[0])
    types, renamed, exports, lines = {}, {}, {}, []
    for line in body[1:-1]:
        if found := _DIM.search(line):
            value, source, dim = found.groups()
            lines += [f"    %at_{value[1:]} = arith.constant {dim} : index",
                      f"    {value} = tensor.dim {source}, %at_{value[1:]} : TYPE({source})"]
        elif found := _IMPORT.search(line):
            value, argument, types[argument] = found.groups()
            renamed[value] = argument
        elif found := _BARRIER.search(line):
            results, operands = found.group(1), re.split(r", ", found.group(2))
            for i, operand in enumerate(operands):
                renamed[f"{results}#{i}" if len(operands) > 1 else results] = operand
        elif found := _EXPORT.search(line):
            exports[found.group(1)] = (found.group(2), found.group(3))
        elif line.strip().startswith("util.return"):
            values = re.findall(r"%[\w#]+", line.split(":")[0])
            lines.append(_return([exports[v] for v in values]))
            results = ", ".join(exports[v][1] for v in values)
        else:
            lines.append(_constant(line, weights, globals_))
    text = re.sub(r"TYPE\((%\w+)\)", lambda m: types[m.group(1)], "\n".join(lines))
    text = re.sub(r"%\w+(?:#\d+)?", lambda m: _resolve(m.group(), renamed), text)
    signature = ", ".join(f"{a}: {types[a]}" for a in arguments)
    name = "main" if name == "main_graph" else name
    return [f"  func.func @{name}({signature}) -> ({results}) {{", text, "  }"]


def _resolve(value, renamed):
    while value in renamed:
        value = renamed[value]
    return value


def _return(exports):
    values, types = zip(*exports)
    return f"    return {', '.join(values)} : {', '.join(types)}"


def _constant(line, weights, globals_):
    """A load of a new global in place of a constant with many values."""
    found = _CONSTANT.match(line)
    if not found:
        return line
    indent, value, data, shape, dtype = found.groups()
    if not data.startswith(('"', "[")) or dtype not in _DTYPES:
        return line
    array = parse_dense(data, tuple(map(int, shape.split("x"))), dtype)
    kind = f"tensor<{shape}x{dtype}>"
    if array.size <= MAX_INLINE_ELEMENTS or array.dtype == np.bool_:
        if array.dtype == np.bool_:  # its bytes have changed between versions of MLIR
            data = str(array.tolist()).lower()
        return f"{indent}{value} = arith.constant dense<{data}> : {kind}"
    name = next((n for n, w in weights.items() if w.shape == array.shape and
                 w.dtype == array.dtype and w.tobytes() == array.tobytes()), None)
    if name is None:
        name = f"w{len(weights)}"
        weights[name] = array
        globals_.append(f"  ml_program.global private @{name}(#ml_program.extern<{kind}>) : {kind}")
    return f"{indent}{value} = ml_program.global_load_const @{name} : {kind}"


def parse_dense(data, shape, dtype):
    if data.startswith('"'):
        raw = bytes.fromhex(data.strip('"').removeprefix("0x"))
        if dtype == "i1":
            count = int(np.prod(shape))
            return np.frombuffer(raw, np.bool_).reshape(shape) if len(raw) == count else (
                np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")[:count]
                .astype(np.bool_).reshape(shape))
        return np.frombuffer(raw, _DTYPES[dtype]).reshape(shape)
    items = re.findall(r"[^\s,\[\]]+", data)
    return np.array([_number(item, dtype) for item in items]).astype(_DTYPES[dtype]).reshape(shape)


def _number(item, dtype):
    if item in ("true", "false"):
        return item == "true"
    if not item.startswith("0x"):
        return float(item) if "f" in dtype else int(item)
    bits = int(item, 16)  # a float that has no decimal form
    width = np.dtype(_DTYPES[dtype]).itemsize
    return np.frombuffer(bits.to_bytes(width, "little"), _DTYPES[dtype])[0]
