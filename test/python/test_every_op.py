# ===- test_every_op.py - every op on empty and dynamic shapes -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# A table of ops with named sizes. Each is compiled with constant sizes and with dynamic ones, and
# called at sizes of no round number, with each size 0 and 1 in turn and with all of them so. What
# holds nothing is poisoned, so every element of a result is written and none is read before.
#
# ===----------------------------------------------------------------------===//
import dataclasses
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest
from linnet import reference as ref
from linnet import testing as lt

FULL = bool(os.environ.get("LINNET_FULL"))
OBJECTS = [(dtype, level) for dtype in lt.FLOATS for level in ("x86-64-v3", "x86-64-v4")]
USUAL = {"B": 2, "N": 7, "M": 5, "K": 3, "H": 6, "W": 9, "C": 18}
ROOT = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Op:
    """`arguments`: per name its sizes, then its type. `body` computes %y (or %y:2) and writes
    types as {name} and {r0}; a letter is a size of that name. `expected` takes the arrays."""
    arguments: dict
    results: tuple
    body: str
    expected: callable
    fixed: str = ""  # sizes that the op wants constant
    nonempty: str = ""  # sizes that must not be 0, by the op's meaning
    wide: tuple = ()  # arguments, and results as r0, that are f32 whatever the others are
    element: str = "f32"  # what a body writes as {element}

    def sizes(self):
        """All assignments of sizes that are tried."""
        names = sorted({d for dims in [*self.arguments.values(), *self.results]
                        for d in dims if isinstance(d, str) and d in USUAL} - set(self.fixed))
        usual = {name: USUAL[name] for name in names}
        yield usual
        for n in (0, 1):
            may = [name for name in names if n or name not in self.nonempty]
            for which in [[name] for name in may] + [may] * (len(may) > 1):
                yield usual | dict.fromkeys(which, n)

    def type(self, dims, sizes):
        """With the constant `sizes`, or dynamic where that is empty."""
        *dims, dtype = dims
        shape = [self.number(d, sizes) for d in dims]
        return "tensor<" + "".join("?x" if n is None else f"{n}x" for n in shape) + f"{dtype}>"

    def number(self, d, sizes):
        if d in USUAL and d in self.fixed:
            return USUAL[d]
        return sizes.get(d) if isinstance(d, str) else d

    def text(self, name, sizes):
        types = {a: self.type(dims, sizes) for a, dims in self.arguments.items()}
        types |= {f"r{i}": self.type(dims, sizes) for i, dims in enumerate(self.results)}
        arguments = []
        for a, (*dims, _) in self.arguments.items():
            named = ", ".join(str(n) if (n := self.number(d, sizes)) is not None else f'"{d}"'
                              for d in dims)
            dynamic = any(self.number(d, sizes) is None for d in dims)
            arguments.append(f"%{a}: {types[a]}" + f" {{linnet.dims = [{named}]}}" * dynamic)
        results = ", ".join(types[f"r{i}"] for i in range(len(self.results)))
        values = "%y" if len(self.results) == 1 else ", ".join(
            f"%y#{i}" for i in range(len(self.results)))
        return (f"func.func @{name}({', '.join(arguments)}) -> ({results}) {{\n"
                f"  {self.body.format(**types, element=self.element)}\n  return {values} : {results}\n}}\n")

    def of(self, dtype):
        """The same op in another float type."""
        def dims(name, value):
            return value if name in self.wide else tuple(dtype if d == "f32" else d for d in value)
        return dataclasses.replace(
            self, element=dtype, arguments={a: dims(a, d) for a, d in self.arguments.items()},
            results=tuple(dims(f"r{i}", d) for i, d in enumerate(self.results)))

    def arrays(self, sizes):
        rng = np.random.default_rng(0)
        arrays = {}
        for name, (*dims, dtype) in self.arguments.items():
            shape = [self.number(d, sizes) for d in dims]
            arrays[name] = lt.random(rng, shape, dtype)
            if dtype[0] == "i":
                arrays[name] = np.abs(arrays[name]) % 5  # an index
            if name == "a":
                arrays[name] = -np.abs(arrays[name])  # a rate of decay
        return arrays


def simple(body, dims, expected, **more):
    """One argument %x, and a result of its type."""
    return Op({"x": (*dims, "f32")}, ((*dims, "f32"),), f"%y = {body} : {{x}}", expected, **more)


def reduction(kind, **more):
    return Op({"x": ("N", "M", "f32")}, (("N", "f32"),),
              f"%y = linnet.reduce {kind} %x axes [1] : {{x}} -> {{r0}}",
              lambda x: ref.reduce(kind, x, [1]), **more)


def norm(kind, expected):
    return Op({"x": ("N", "M", 24, "f32"), "s": (24, "f32")}, (("N", "M", 24, "f32"),),
              f"%y = linnet.{kind} %x scale %s axes 1 eps 1.0e-5 : {{x}}, {{s}}", expected)


def attention(masks, **arguments):
    return Op({"q": ("B", 4, "N", 8, "f32"), "k": ("B", 2, "M", 8, "f32"),
               "v": ("B", 2, "M", 8, "f32")}, (("B", 4, "N", 8, "f32"), ("B", 4, "N", "f32")),
              f"%y:2 = linnet.attention %q, %k, %v {masks}: {{q}}, {{k}}, {{v}} -> {{r0}}, {{r1}}",
              lambda q, k, v: ref.attention(q, k, v, **arguments), wide=("r1",))




OPS = {
    "attention": attention(""),
    "attention causal": attention("masks<[causal]> ", causal=True),
    "attention_grad": Op(
        {"q": ("B", 4, "N", 8, "f32"), "k": ("B", 2, "M", 8, "f32"), "v": ("B", 2, "M", 8, "f32"),
         "o": ("B", 4, "N", 8, "f32"), "l": ("B", 4, "N", "f32"), "g": ("B", 4, "N", 8, "f32")},
        (("B", 4, "N", 8, "f32"), ("B", 2, "M", 8, "f32"), ("B", 2, "M", 8, "f32")),
        "%y:3 = linnet.attention_grad %q, %k, %v out(%o, %l : {l}) grad(%g)"
        " : {q}, {k}, {v}, {o} -> {r0}, {r1}, {r2}",
        lambda q, k, v, o, l, g: ref.attention_grad(q, k, v, o, l, g)[:3], wide=("l",)),
    "feature_map": simple("linnet.feature_map elu1 %x", ("N", "M"),
                          lambda x: ref.feature_map(x, "elu1")),
    "rotary": simple("linnet.rotary %x base(1.0e4)", ("B", 3, "N", 8),
                     lambda x: ref.rotary(x, base=1e4)),
    "conv": Op({"x": ("B", 3, "H", "W", "f32"), "w": (5, 3, 3, 3, "f32")},
               (("B", 5, "H", "W", "f32"),),
               "%y = linnet.conv %x, %w groups 1 strides [1, 1] dilations [1, 1]"
               " padding [1, 1, 1, 1] : {x}, {w} -> {r0}",
               lambda x, w: ref.conv(x, w, padding=[1, 1, 1, 1]), nonempty="HW"),
    "softmax": simple("linnet.softmax %x axis 1", ("N", "M"), lambda x: ref.softmax(x, 1)),
    "softmax outer": simple("linnet.softmax %x axis 0", ("N", "M"), lambda x: ref.softmax(x, 0)),
    "layer_norm": norm("layer_norm", lambda x, s: ref.layer_norm(x, s)),
    "rms_norm": norm("rms_norm", lambda x, s: ref.rms_norm(x, s)),
    "einsum": Op({"x": ("N", "K", "f32"), "z": ("K", "M", "f32")}, (("N", "M", "f32"),),
                 '%y = linnet.einsum "ik,kj->ij" %x, %z : {x}, {z} -> {r0}',
                 lambda x, z: ref.einsum("ik,kj->ij", x, z)),
    "einsum batch": Op({"x": ("B", "N", "K", "f32"), "z": ("B", "M", "K", "f32")},
                       (("B", "N", "M", "f32"),),
                       '%y = linnet.einsum "bik,bjk->bij" %x, %z : {x}, {z} -> {r0}',
                       lambda x, z: ref.einsum("bik,bjk->bij", x, z)),
    "einsum vector": Op({"x": ("N", "K", "f32"), "z": ("K", "f32")}, (("N", "f32"),),
                        '%y = linnet.einsum "ik,k->i" %x, %z : {x}, {z} -> {r0}',
                        lambda x, z: ref.einsum("ik,k->i", x, z)),
    "einsum transpose": Op({"x": ("B", "N", "M", "f32")}, (("M", "B", "N", "f32"),),
                           '%y = linnet.einsum "bnm->mbn" %x : {x} -> {r0}',
                           lambda x: ref.einsum("bnm->mbn", x)),
    "broadcast": Op({"x": ("M", "f32"), "z": ("N", "M", "f32")}, (("N", "M", "f32"),),
                    "%y = linnet.broadcast %x like %z : {x}, {z} -> {r0}",
                    lambda x, z: ref.broadcast(x, z.shape)),
    **{f"reduce {kind}": reduction(kind) for kind in ("sum", "max", "min", "prod", "mean")},
    "reduce all": Op({"x": ("N", "M", "f32")}, (("f32",),),
                     "%y = linnet.reduce sum %x axes [0, 1] : {x} -> {r0}",
                     lambda x: ref.reduce("sum", x, [0, 1])),
    "gather": Op({"x": (5, "M", "f32"), "z": ("N", "i64")}, (("N", "M", "f32"),),
                 "%y = linnet.gather %x, %z axis 0 : {x}, {z} -> {r0}",
                 lambda x, z: ref.gather(x, z, 0)[0]),
    "argmax": Op({"x": ("N", "M", "f32")}, (("N", "i64"),),
                 "%y = linnet.argmax %x axis 1 : {x} -> {r0}", lambda x: ref.argmax(x, 1)),
    "random": Op({"x": (19, "f32")}, ((19, "f32"),),
                 "%k = arith.constant 5 : i64\n  %y = linnet.random %k, %k : i64, i64 -> {x}",
                 lambda x: ref.random(5, 5, x.shape)),
    "linear_attention": Op(
        {"q": ("B", 2, "N", 8, "f32"), "k": ("B", 2, "N", 8, "f32"), "v": ("B", 2, "N", 6, "f32"),
         "s": ("B", 2, 8, 6, "f32")}, (("B", 2, "N", 6, "f32"), ("B", 2, 8, 6, "f32")),
        "%y:2 = linnet.linear_attention %q, %k, %v state(%s : {s}) : {q}, {k}, {v} -> {r0}, {r1}",
        lambda q, k, v, s: ref.linear_attention(q, k, v, state=s), wide=("s", "r1")),
    "linear_attention_grad": Op(
        {"q": ("B", 4, "N", 8, "f32"), "k": ("B", 2, "N", 8, "f32"), "v": ("B", 1, "N", 6, "f32"),
         "g": ("B", 1, "N", "f32"), "s": ("B", 2, 8, 6, "f32"), "o": ("B", 4, "N", 6, "f32")},
        (("B", 4, "N", 8, "f32"), ("B", 2, "N", 8, "f32"), ("B", 1, "N", 6, "f32"),
         ("B", 1, "N", "f32"), ("B", 2, 8, 6, "f32")),
        "%n = arith.negf %g : {g}\n  %m = math.absf %n : {g}\n  %d = arith.negf %m : {g}\n"
        "  %y:5 = linnet.linear_attention_grad %q, %k, %v decay(%d : {g}) state(%s : {s}) grad(%o)"
        " : {q}, {k}, {v}, {o} -> {r0}, {r1}, {r2}, {r3}, {r4}",
        lambda q, k, v, g, s, o: tuple(ref.linear_attention_grad(q, k, v, o, decay=-np.abs(g),
                                                                 state=s)),
        wide=("s", "r4")),
    "selective_scan": Op(
        {"u": ("B", "N", "C", "f32"), "d": ("B", "N", "C", "f32"), "a": ("C", 4, "f32"),
         "b": ("B", "N", 4, "f32"), "c": ("B", "N", 4, "f32"), "s": ("B", "C", 4, "f32")},
        (("B", "N", "C", "f32"), ("B", "C", 4, "f32")),
        "%y:2 = linnet.selective_scan %u, %d, %a, %b, %c state(%s : {s}) softplus"
        " : {u}, {d}, {a}, {b}, {c} -> {r0}, {r1}",
        lambda u, d, a, b, c, s: ref.selective_scan(u, d, a, b, c, state=s, softplus=True),
        wide=("s", "r1")),
    "causal_conv": Op(
        {"x": ("B", "N", "C", "f32"), "w": ("C", 3, "f32"), "s": ("B", "C", 2, "f32")},
        (("B", "N", "C", "f32"), ("B", "C", 2, "f32")),
        "%y:2 = linnet.causal_conv %x, %w state(%s : {s}) : {x}, {w} -> {r0}, {r1}",
        lambda x, w, s: ref.causal_conv(x, w, state=s)),
    "selective_scan_grad": Op(
        {"u": ("B", "N", "C", "f32"), "d": ("B", "N", "C", "f32"), "a": ("C", 4, "f32"),
         "b": ("B", "N", 4, "f32"), "c": ("B", "N", 4, "f32"), "s": ("B", "C", 4, "f32"),
         "g": ("B", "N", "C", "f32"), "h": ("B", "C", 4, "f32")},
        (("B", "N", "C", "f32"), ("B", "N", "C", "f32"), ("C", 4, "f32"), ("B", "N", 4, "f32"),
         ("B", "N", 4, "f32"), ("B", "C", 4, "f32")),
        "%y:6 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g, %h : {h}) state(%s : {s})"
        " softplus : {u}, {d}, {a}, {b}, {c}, {g} -> {r0}, {r1}, {r2}, {r3}, {r4}, {r5}",
        lambda u, d, a, b, c, s, g, h: tuple(ref.selective_scan_grad(
            u, d, a, b, c, g, h, state=s, softplus=True).values()), wide=("s", "h", "r5")),
    "causal_conv_grad": Op(
        {"x": ("B", "N", "C", "f32"), "w": ("C", 3, "f32"), "s": ("B", "C", 2, "f32"),
         "g": ("B", "N", "C", "f32"), "h": ("B", "C", 2, "f32")},
        (("B", "N", "C", "f32"), ("C", 3, "f32"), ("B", "C", 2, "f32")),
        "%y:3 = linnet.causal_conv_grad %x, %w grad(%g, %h : {h}) state(%s : {s})"
        " : {x}, {w}, {g} -> {r0}, {r1}, {r2}",
        lambda x, w, s, g, h: tuple(ref.causal_conv_grad(x, w, g, h, state=s).values())),
    # what upstream adds
    "arith.addf": Op({"x": ("N", "M", "f32"), "z": ("N", "M", "f32")}, (("N", "M", "f32"),),
                     "%y = arith.addf %x, %z : {x}", lambda x, z: x + z),
    "math.tanh": simple("math.tanh %x", ("N",), lambda x: np.tanh(x)),
    "tensor.concat": Op({"x": ("N", 3, "f32"), "z": ("N", 4, "f32")}, (("N", 7, "f32"),),
                        "%y = tensor.concat dim(1) %x, %z : ({x}, {z}) -> {r0}",
                        lambda x, z: np.concatenate([x, z], 1)),
    "tensor.pad": Op({"x": (6, "M", "f32")}, ((9, "M", "f32"),),
                     "%z = arith.constant 2.0 : {element}\n  %y = tensor.pad %x low[1, 0] high[2, 0] {{\n"
                     "  ^bb0(%i: index, %j: index):\n    tensor.yield %z : {element}\n  }} : {x} to {r0}",
                     lambda x: np.pad(x, [(1, 2), (0, 0)], constant_values=2)),
}


def compare(label, found, expected):
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert len(found) == len(expected), label
    for y, want in zip(found, expected):
        assert y.shape == np.shape(want), label
        rtol, atol = 1e-4, 1e-4
        if y.dtype.itemsize == 2:
            # one rounding of the result, and one of what is added up of several heads before
            rtol, atol = 0, 2 * lt.unit_roundoff(y.dtype) * max(1, np.abs(want).max(initial=0))
        np.testing.assert_allclose(lt.wide(y), want, rtol=rtol, atol=atol, err_msg=label)


def runs(op):
    """(label, function, its text, sizes): a function for each constant shape, one for dynamic."""
    for i, sizes in enumerate(op.sizes()):
        yield f"{sizes}", f"constant_{i}", op.text(f"constant_{i}", sizes), sizes
        yield f"{sizes} dynamic", "dynamic", op.text("dynamic", {}), sizes


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("name", OPS)
def test_op(name, dtype):
    op = OPS[name].of(dtype)
    texts = {function: text for _, function, text, _ in runs(op)}
    module = lt.load("".join(texts.values()))
    for label, function, _, sizes in runs(op):
        arrays = op.arrays(sizes)
        with np.errstate(all="ignore"):
            expected = op.expected(**{a: lt.wide(x) for a, x in arrays.items()})
        found = module.session().call(function, *arrays.values(), poison=True)
        compare(f"{name} {label}", found, expected)


@pytest.mark.slow
@pytest.mark.cpu  # objects of CPUs
@pytest.mark.parametrize("dtype, level", OBJECTS if FULL else [("bf16", "x86-64-v4")])
def test_objects_name_nothing_outside(dtype, level, tmp_path):
    """That no object that goes into a bundle does is a check of the compiler's; here nm looks."""
    text = "".join(op.of(dtype).text(f"f{i}", {}) for i, op in enumerate(OPS.values()))
    tools = lt.build_folder() / "bin"
    kernels = subprocess.run([tools / "linnet-compile", "-", "--compile-to=dispatches", "-o", "-"],
                             input=text, capture_output=True, text=True, check=True).stdout
    subprocess.run([tools / "linnet-kernels", "-", "--emit=objects", f"--cpu={level}", "-o",
                    tmp_path / "k"], input=kernels, text=True, check=True)
    objects = sorted(tmp_path.glob("k.*.o"))
    assert len(objects) >= len(OPS)
    for path in objects:
        found = subprocess.run(["nm", "-u", path], capture_output=True, text=True, check=True)
        assert not found.stdout, path.name


# Ops of training, whose rows are in tests of their own, and what transformations take away.
ELSEWHERE = {"LossOps", "OptimizerOps", "PoolOps", "ResizeOps", "TrainOps", "batch_norm",
             "batch_norm_grad", "batch_norm_train", "conv_filter_grad", "conv_transpose", "dropout",
             "scatter_add"}


def test_every_op_is_in_the_table():
    declared = {name for path in (ROOT / "include" / "linnet" / "IR").glob("*.td")
                if path.stem not in ELSEWHERE
                for name in re.findall(r'Linnet_Op<"(\w+)"', path.read_text())}
    assert declared - {name.split()[0] for name in OPS} - ELSEWHERE == set()
