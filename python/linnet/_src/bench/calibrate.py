# ===- calibrate.py - the constants of the cost model -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Fits linnet/Analysis/CostModel.h to this machine: small programs of one kind of work each, timed with one
thread. Softmax attention is timed at two depths, which tells its products from its cost per score."""
import json
import os
import pathlib

import numpy as np

from linnet._src.bench import measure, timing
from linnet._src.bench.workload import Workload


def _tensor(*shape):
    return "tensor<" + "".join(f"{n}x" for n in shape) + "f32>"


def _program(shapes, result, body):
    arguments = ", ".join(f"%a{i}: {_tensor(*shape)}" for i, shape in enumerate(shapes))
    return f"func.func @main({arguments}) -> {_tensor(*result)} {{\n  {body}\n  return %y : {_tensor(*result)}\n}}\n"


def _seconds(shapes, result, body, effort):
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    workload = Workload(name="calibration", shape="", text=_program(shapes, result, body), inputs=inputs,
                        flops=0, bytes=0, ceiling="fma")
    call = measure.prepare(workload, 1, None)
    return min(timing.turn(call, effort.seconds) for _ in range(effort.rounds))


def _product(n, effort):
    t = _tensor(n, n)
    body = f'%y = linnet.einsum "ab,bc->ac" %a0, %a1 : {t}, {t} -> {t}'
    return 2 * n**3 / _seconds([(n, n)] * 2, (n, n), body, effort)


def _stream(n, effort):
    body = f"%y = arith.addf %a0, %a1 : {_tensor(n)}"
    return 12 * n / _seconds([(n,)] * 2, (n,), body, effort)


def _attention(n, depths, effort):
    """FLOP/s of both products, and seconds per score, from two depths."""
    times = []
    for d in depths:
        t = _tensor(1, 1, n, d)
        body = f"%y = linnet.attention %a0, %a1, %a2 : {t}, {t}, {t} -> {t}"
        times.append(_seconds([(1, 1, n, d)] * 3, (1, 1, n, d), body, effort) / n**2)
    (low, high), (first, second) = depths, times
    per_flop = max((second - first) / (4 * (high - low)), second / (8 * high))
    return 1 / per_flop, max(first - 4 * low * per_flop, 1e-13)


def _linear(n, features, d, effort):
    q, v = _tensor(1, 1, n, features), _tensor(1, 1, n, d)
    body = (f"%y = linnet.linear_attention %a0, %a1, %a2 normalise(1.0e-6) : {q}, {q}, {v} -> {v}")
    return 4 * n * features * d / _seconds([(1, 1, n, features)] * 2 + [(1, 1, n, d)], (1, 1, n, d), body, effort)


def _copy(n, d, effort):
    """Of an element that is put beside others, in sizes of features."""
    t, both = _tensor(n, d), _tensor(n, 2 * d)
    body = f"%y = tensor.concat dim(1) %a0, %a1 : ({t}, {t}) -> {both}"
    return _seconds([(n, d)] * 2, (n, 2 * d), body, effort) / (2 * n * d)


def _start(effort):
    """Of a call that does next to nothing: its one dispatch."""
    return _seconds([(1,)] * 2, (1,), f"%y = arith.addf %a0, %a1 : {_tensor(1)}", effort)


def _short_attention(effort):
    t = _tensor(1, 1, 16, 16)
    body = f"%y = linnet.attention %a0, %a1, %a2 : {t}, {t}, {t} -> {t}"
    return _seconds([(1, 1, 16, 16)] * 3, (1, 1, 16, 16), body, effort)


def fit(effort):
    """What `--cost-model` reads."""
    attention, score = _attention(1024, (16, 128), effort)
    return {"flops_per_second": _product(512, effort), "bytes_per_second": _stream(1 << 23, effort),
            "attention_flops_per_second": attention, "seconds_per_score": score,
            "linear_flops_per_second": _linear(1024, 256, 64, effort),
            "seconds_per_feature": _copy(2048, 17, effort), "seconds_per_dispatch": _start(effort),
            "seconds_per_attention": _short_attention(effort)}


def write(path, effort):
    with timing.pinned(1):
        model = fit(effort)
    path = pathlib.Path(path)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_text(json.dumps(model, indent=2) + "\n")
    unfinished.rename(path)
    return model
