# ===- test_program.py - fusion, placement and control flow, executed -----===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# Functions of random ops are compared with NumPy in float64: whatever dispatch formation fuses,
# whatever is computed in place and wherever the arena puts it, the result is the same.
#
# ===----------------------------------------------------------------------===//
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest
from linnet import testing
from linnet._src.running_error import Computed

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("LINNET_BUILD", ROOT / "build"))
SIZES = (1, 3, 8, 17)


def compile_and_load(folder, text):
    (folder / "m.mlir").write_text(text)
    done = subprocess.run([BUILD / "bin" / "linnet-compile", folder / "m.mlir", "-o",
                           folder / "m.lnb", "--cpu=x86-64-v3", *testing.device_flags()],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return testing.open_bundle(folder / "m.lnb", threads=2).session()


# ===- random functions -===//


def tensor(shape):
    return f"tensor<{''.join(f'{n}x' for n in shape)}f32>"


class Writer:
    """A random function over matrices, as IR and as what it computes in NumPy."""

    def __init__(self, seed, ops=14):
        self.rng = np.random.default_rng(seed)
        self.name, self.lines, self.count = f"f{seed}", [], 0
        self.arguments = [self.rng.normal(size=self.shape()) .astype(np.float32)
                          for _ in range(3)]
        self.values = [(f"%a{i}", a.astype(np.float64)) for i, a in enumerate(self.arguments)]
        for _ in range(ops):
            choice = self.rng.choice(["unary", "binary", "reduce", "transpose", "matmul",
                                      "slice", "insert", "concat", "reshape", "softmax"])
            getattr(self, choice)()
        picks = self.rng.choice(len(self.values), size=3)
        self.results = [self.values[i] for i in (*picks, len(self.values) - 1)]

    def shape(self):
        return tuple(int(n) for n in self.rng.choice(SIZES, size=2))

    def pick(self, shape=None):
        """One of the values; of a shape when one is asked for, if there is any."""
        fits = [v for v in self.values if shape is None or v[1].shape == shape]
        return fits[self.rng.integers(len(fits))] if fits else None

    def add(self, value, line):
        name = f"%v{self.count}"
        self.count += 1
        self.lines.append(line.replace("RESULT", name))
        self.values.append((name, value))

    def empty(self, shape):
        self.lines.append(f"%e{len(self.lines)} = tensor.empty() : {tensor(shape)}")
        return f"%e{len(self.lines) - 1}"

    def zeros(self, shape):
        e = self.empty(shape)
        self.lines.append(f"%z{len(self.lines)} = linalg.fill ins(%zero : f32) outs({e} : "
                          f"{tensor(shape)}) -> {tensor(shape)}")
        return f"%z{len(self.lines) - 1}"

    def named(self, op, value, operands, out, attributes=""):
        types = ", ".join(tensor(v.shape) for _, v in operands)
        names = ", ".join(n for n, _ in operands)
        to = tensor(value.shape)
        result = "" if op == "transpose" else f" -> {to}"
        self.add(value, f"RESULT = linalg.{op} {attributes if op == 'softmax' else ''}"
                        f"ins({names} : {types}) outs({out} : {to})"
                        f"{attributes if op == 'transpose' else ''}{result}")

    def unary(self):
        v = self.pick()
        self.named("tanh", np.tanh(v[1]), [v], self.empty(v[1].shape))

    def binary(self):
        a = self.pick()
        b = self.pick(a[1].shape)
        op, compute = [("add", np.add), ("sub", np.subtract)][self.rng.integers(2)]
        self.named(op, compute(a[1], b[1]), [a, b], self.empty(a[1].shape))

    def reduce(self):
        """Sums rows or columns and subtracts the mean."""
        name, v = self.pick()
        axis = int(self.rng.integers(2))
        n, t, keep = v.shape[axis], tensor(v.shape), 1 - axis
        s = tensor((v.shape[keep],))
        z = self.zeros((v.shape[keep],))
        e, k = self.empty(v.shape), len(self.lines)
        self.lines += [
            f"%n{k} = arith.constant {float(n)} : f32",
            f"%s{k} = linalg.reduce {{arith.addf}} ins({name} : {t}) outs({z} : {s}) "
            f"dimensions = [{axis}]"]
        body = (f"^bb0(%x: f32, %y: f32, %o: f32):\n      %d = arith.divf %y, %n{k} : f32\n"
                "      %r = arith.subf %x, %d : f32\n      linalg.yield %r : f32")
        self.add(v - v.mean(axis=axis, keepdims=True),
                 f"RESULT = linalg.generic {{indexing_maps = [#id, #d{keep}, #id], iterator_types "
                 f'= ["parallel", "parallel"]}} ins({name}, %s{k} : {t}, {s}) outs({e} : {t}) {{'
                 f"\n    {body}\n  }} -> {t}")

    def transpose(self):
        v = self.pick()
        self.named("transpose", v[1].T, [v], self.empty(v[1].T.shape), " permutation = [1, 0]")

    def matmul(self):
        a = self.pick()
        b = next((v for v in reversed(self.values) if v[1].shape[0] == a[1].shape[1]), None)
        if b:
            value = a[1] @ b[1]
            self.named("matmul", value, [a, b], self.zeros(value.shape))

    def slice(self):
        name, v = self.pick()
        size = [int(self.rng.integers(1, n + 1)) for n in v.shape]
        at = [int(self.rng.integers(0, n - k + 1)) for n, k in zip(v.shape, size)]
        value = v[at[0]:at[0] + size[0], at[1]:at[1] + size[1]]
        self.add(value, f"RESULT = tensor.extract_slice {name}{at} {size} [1, 1] : "
                        f"{tensor(v.shape)} to {tensor(size)}")

    def insert(self):
        (name, v), (into, d) = self.pick(), self.pick()
        if v.shape[0] > d.shape[0] or v.shape[1] > d.shape[1]:
            return
        at = [int(self.rng.integers(0, n - k + 1)) for n, k in zip(d.shape, v.shape)]
        value = d.copy()
        value[at[0]:at[0] + v.shape[0], at[1]:at[1] + v.shape[1]] = v
        self.add(value, f"RESULT = tensor.insert_slice {name} into {into}{at} {list(v.shape)} "
                        f"[1, 1] : {tensor(v.shape)} into {tensor(d.shape)}")

    def concat(self):
        a = self.pick()
        b = self.pick(a[1].shape)
        axis = int(self.rng.integers(2))
        value = np.concatenate([a[1], b[1]], axis)
        t = tensor(a[1].shape)
        self.add(value, f"RESULT = tensor.concat dim({axis}) {a[0]}, {b[0]} : ({t}, {t}) -> "
                        f"{tensor(value.shape)}")

    def reshape(self):
        name, v = self.pick()
        flat, k = (v.size,), len(self.lines)
        self.lines.append(f"%c{k} = tensor.collapse_shape {name} [[0, 1]] : {tensor(v.shape)} "
                          f"into {tensor(flat)}")
        value = v.reshape(v.shape[::-1])
        self.add(value, f"RESULT = tensor.expand_shape %c{k} [[0, 1]] output_shape "
                        f"{list(value.shape)} : {tensor(flat)} into {tensor(value.shape)}")

    def softmax(self):
        v = self.pick()
        e = np.exp(v[1] - v[1].max(1, keepdims=True))
        self.named("softmax", e / e.sum(1, keepdims=True), [v], self.empty(v[1].shape),
                   "dimension(1) ")

    def text(self):
        args = ", ".join(f"%a{i}: {tensor(a.shape)}" for i, a in enumerate(self.arguments))
        types = ", ".join(tensor(v.shape) for _, v in self.results)
        names = ", ".join(n for n, _ in self.results)
        body = "\n  ".join(["%zero = arith.constant 0.0 : f32", *self.lines])
        return (f"func.func @{self.name}({args}) -> ({types}) {{\n  {body}\n"
                f"  return {names} : {types}\n}}\n")


MAPS = ("#id = affine_map<(d0, d1) -> (d0, d1)>\n#d0 = affine_map<(d0, d1) -> (d0)>\n"
        "#d1 = affine_map<(d0, d1) -> (d1)>\n")
FUNCTIONS = [Writer(seed) for seed in range(40)] + [Writer(seed, 30) for seed in (1019, 1020, 1021)]


@pytest.fixture(scope="module")
def random_session(tmp_path_factory):
    return compile_and_load(tmp_path_factory.mktemp("random"),
                            MAPS + "".join(f.text() for f in FUNCTIONS))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_random(random_session, function):
    got = random_session.call(function.name, *function.arguments)
    for g, (_, want) in zip(got, function.results):
        np.testing.assert_allclose(g, want, rtol=1e-4, atol=1e-4 * max(1, np.abs(want).max()))


# ===- control flow -===//

CONTROL = """
func.func @control(%x: tensor<4x8xf32>, %n: index, %p: tensor<i1>) -> (tensor<4x8xf32>, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %b = tensor.extract %p[] : tensor<i1>
  %e = tensor.empty() : tensor<4x8xf32>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%y = %x, %z = %x) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
    %s = linalg.add ins(%y, %z : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
    %q = arith.remsi %i, %c2 : index
    %odd = arith.cmpi eq, %q, %c1 : index
    %t = scf.if %odd -> tensor<4x8xf32> {
      %u = linalg.sub ins(%s, %x : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
      scf.yield %u : tensor<4x8xf32>
    } else {
      scf.yield %s : tensor<4x8xf32>
    }
    scf.yield %t, %y : tensor<4x8xf32>, tensor<4x8xf32>
  }
  %w = scf.if %b -> tensor<4x8xf32> {
    scf.yield %r#1 : tensor<4x8xf32>
  } else {
    scf.yield %x : tensor<4x8xf32>
  }
  %o = linalg.mul ins(%r#0, %w : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %m = arith.addi %n, %c2 : index
  return %o, %m : tensor<4x8xf32>, index
}

func.func @until(%x: tensor<16xf32>, %limit: f32) -> (tensor<16xf32>, i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16xf32>
  %e0 = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %r:2 = scf.while (%y = %x, %k = %c0) : (tensor<16xf32>, i64) -> (tensor<16xf32>, i64) {
    %s = linalg.reduce {arith.addf} ins(%y : tensor<16xf32>) outs(%f : tensor<f32>) dimensions = [0]
    %v = tensor.extract %s[] : tensor<f32>
    %c = arith.cmpf olt, %v, %limit : f32
    scf.condition(%c) %y, %k : tensor<16xf32>, i64
  } do {
  ^bb0(%y: tensor<16xf32>, %k: i64):
    %d = linalg.add ins(%y, %y : tensor<16xf32>, tensor<16xf32>) outs(%e : tensor<16xf32>) -> tensor<16xf32>
    %k1 = arith.addi %k, %c1 : i64
    scf.yield %d, %k1 : tensor<16xf32>, i64
  }
  return %r#0, %r#1 : tensor<16xf32>, i64
}

func.func @do_while(%x: tensor<?xf32> {linnet.dims=["N"]}, %n: i64) -> (tensor<?xf32>, tensor<?xf32>, i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %i0 = arith.constant 0 : index
  %N = tensor.dim %x, %i0 : tensor<?xf32>
  %e = tensor.empty(%N) : tensor<?xf32>
  %r:3 = scf.while (%y = %x, %k = %c0) : (tensor<?xf32>, i64) -> (tensor<?xf32>, tensor<?xf32>, i64) {
    %z = linalg.add ins(%y, %x : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %k1 = arith.addi %k, %c1 : i64
    %c = arith.cmpi slt, %k1, %n : i64
    scf.condition(%c) %z, %y, %k1 : tensor<?xf32>, tensor<?xf32>, i64
  } do {
  ^bb0(%z: tensor<?xf32>, %o: tensor<?xf32>, %k: i64):
    %w = linalg.sub ins(%z, %o : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %v = linalg.exp ins(%w : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %u = linalg.add ins(%v, %o : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    scf.yield %u, %k : tensor<?xf32>, i64
  }
  return %r#0, %r#1, %r#2 : tensor<?xf32>, tensor<?xf32>, i64
}

func.func @step(%x: tensor<1x8xf32>, %cache: tensor<50x8xf32> {linnet.state = "cache"}, %at: tensor<i64> {linnet.state = "at"}) -> (tensor<8xf32>, tensor<50x8xf32> {linnet.state = "cache"}, tensor<i64> {linnet.state = "at"}) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1 : i64
  %p = tensor.extract %at[] : tensor<i64>
  %i = arith.index_cast %p : i64 to index
  %next = arith.addi %p, %one : i64
  %new = tensor.from_elements %next : tensor<i64>
  %e = tensor.empty() : tensor<1x8xf32>
  %k = linalg.exp ins(%x : tensor<1x8xf32>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
  %c = tensor.insert_slice %k into %cache[%i, 0] [1, 8] [1, 1] : tensor<1x8xf32> into tensor<50x8xf32>
  %e1 = tensor.empty() : tensor<8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %s = linalg.reduce {arith.addf} ins(%c : tensor<50x8xf32>) outs(%f : tensor<8xf32>) dimensions = [0]
  return %s, %c, %new : tensor<8xf32>, tensor<50x8xf32>, tensor<i64>
}
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return compile_and_load(tmp_path_factory.mktemp("control"), CONTROL)


@pytest.mark.parametrize("flag", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_for_and_if(session, n, flag):
    x = np.random.default_rng(n).normal(size=(4, 8)).astype(np.float32)
    got, count = session.call("control", x, np.int64(n), np.bool_(flag))
    y = z = x.astype(np.float64)
    for i in range(n):
        y, z = (y + z - x if i % 2 else y + z), y
    np.testing.assert_allclose(got, y * (z if flag else x), rtol=1e-5, atol=1e-4)
    assert count == n + 2


@pytest.mark.parametrize("limit, times", [(0.0, 0), (16.0, 0), (1000.0, 6)])
def test_while(session, limit, times):
    got, count = session.call("until", np.ones(16, np.float32), np.float32(limit))
    assert count == times
    np.testing.assert_array_equal(got, np.full(16, 2.0 ** times))


@pytest.mark.parametrize("n", [1, 2, 4])
def test_do_while(session, n):
    """The condition's region computes what the loop carries and gives."""
    x = np.random.default_rng(n).normal(size=9).astype(np.float32)
    got = session.call("do_while", x, np.int64(n))
    y, count = x.astype(np.float64), 0
    while True:
        z, count = y + x, count + 1
        if count >= n:
            break
        y = np.exp(z - y) + y
    for g, want in zip(got, (z, y, count)):
        np.testing.assert_allclose(g, want, rtol=1e-5, atol=1e-5)


def test_state_is_updated_in_place(session):
    total = np.zeros(8)
    for i in range(3):
        x = np.full((1, 8), 0.1 * i, np.float32)
        (got,) = session.call("step", x)
        total += np.exp(x[0].astype(np.float64))
        np.testing.assert_allclose(got, total, rtol=1e-6)


# ===- what a dispatch makes of its own -===//


def test_size_of_what_the_same_dispatch_makes():
    """A pad's size is computed from that of what is padded, which is a result of its dispatch."""
    t = "tensor<?x?xf32>"
    pad = """tensor.pad %s low[0, 2] high[1, 0] {
^bb0(%i: index, %j: index):
  tensor.yield %c : f32
}"""
    text = (f'func.func @main(%x: {t} {{linnet.dims = ["N", "M"]}}) -> ({t}, {t}) {{\n'
            f"%c = arith.constant 1.5 : f32\n%s = linnet.softmax %x axis 1 : {t}\n"
            f"%w = {pad} : {t} to {t}\nreturn %s, %w : {t}, {t}\n}}")
    x = np.random.default_rng(4).normal(size=(5, 7)).astype(np.float32)
    s, w = testing.run(text, x)
    e = np.exp(Computed(x))
    e = e / e.sum(1, keepdims=True)
    testing.assert_close(s, e)
    np.testing.assert_array_equal(w, np.pad(s, [(0, 1), (2, 0)], constant_values=1.5))


@pytest.mark.parametrize("rows", [9, 40])
def test_insert_into_what_is_read(rows):
    """Rows that are normalised and written over themselves: the update waits until all is read."""
    t = "tensor<?x33xf32>"
    text = f"""func.func @main(%x: {t} {{linnet.dims = ["N", 33]}}) -> ({t}, {t}) {{
  %zero = arith.constant 0 : index
  %n = tensor.dim %x, %zero : {t}
  %y = linnet.layer_norm %x eps 1.0e-3 : {t}
  %z = tensor.insert_slice %y into %x[0, 0] [%n, 33] [1, 1] : {t} into {t}
  %p = tensor.extract_slice %x[1, 0] [8, 33] [1, 1] : {t} to tensor<8x33xf32>
  %e = linnet.layer_norm %p eps 1.0e-3 : tensor<8x33xf32>
  %w = tensor.insert_slice %e into %x[0, 0] [8, 33] [1, 1] : tensor<8x33xf32> into {t}
  return %z, %w : {t}, {t}
}}"""
    x = np.random.default_rng(5).normal(size=(rows, 33)).astype(np.float32)
    d = x - Computed(x).mean(1, keepdims=True)
    y = d / np.sqrt((d * d).mean(1, keepdims=True) + 1e-3)
    z, w = testing.run(text, x)
    testing.assert_close(z, y)
    testing.assert_close(w[:8], y[1:9])
    np.testing.assert_array_equal(w[8:], x[8:])


# ===- more operands than a kernel takes -===//

MOST_TENSORS, MANY = 29, 70


def many(kind):
    """A function of MANY tensors, in NumPy and as IR; sizes are such that one dispatch would do."""
    t = "tensor<5xf32>"
    args = ", ".join(f"%a{i}: {t}" for i in range(MANY))
    names = ", ".join(f"%a{i}" for i in range(MANY))
    if kind == "concat":
        lines = [f"%r = tensor.concat dim(0) {names} : ({', '.join([t] * MANY)}) -> tensor<{5 * MANY}xf32>"]
        return (lambda *xs: np.concatenate(xs)), args, lines, f"tensor<{5 * MANY}xf32>"
    lines, total = [], None
    for i in range(MANY):
        lines.append(f"%s{i} = arith.mulf %a{i}, %a{i} : {t}")
        value, of = f"%s{i}", t
        if kind == "norm":
            lines.append(f"%n{i} = linnet.reduce sum %s{i} axes [0] : {t} -> tensor<f32>")
            value, of = f"%n{i}", "tensor<f32>"
        if total:
            lines.append(f"%t{i} = arith.addf {total}, {value} : {of}")
            value = f"%t{i}"
        total = value
    lines.append(f"%r = math.sqrt {total} : {of}")
    return ((lambda *xs: np.sqrt(sum((x * x).sum() for x in xs))) if kind == "norm" else
            (lambda *xs: np.sqrt(sum(x * x for x in xs)))), args, lines, of


@pytest.mark.parametrize("kind", ["norm", "sum", "concat"])
def test_many_operands(kind, tmp_path):
    compute, args, lines, result = many(kind)
    body = "\n  ".join(lines)
    session = compile_and_load(tmp_path, f"func.func @f({args}) -> {result} {{\n  {body}\n  return %r : {result}\n}}\n")
    rng = np.random.default_rng(3)
    inputs = [rng.normal(size=5).astype(np.float32) for _ in range(MANY)]
    got, = session.call("f", *inputs)
    np.testing.assert_allclose(got, compute(*(x.astype(np.float64) for x in inputs)), rtol=3e-6)
    ir = subprocess.run([BUILD / "bin" / "linnet-compile", tmp_path / "m.mlir", "--compile-to=dispatches"],
                        capture_output=True, text=True, check=True).stdout
    kernels = re.findall(r"exec\.kernel @\S+?\((.*)\) -> (.*?) (?:attributes|\{)", ir)
    assert 2 <= ir.count("= exec.dispatch") <= 4 and kernels
    assert max(text.count("tensor<") + results.count("tensor<") for text, results in kernels) <= MOST_TENSORS
