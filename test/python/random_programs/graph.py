# ===- graph.py - random programs with what each step may be off -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Programs as graphs of nodes that write IR and say in float64 what they compute.

A node's meaning takes and gives `Computed` (linnet/_src/running_error.py) for floats, which bounds with every
step how far f32, and storing in 16 bits, may be off; integers and booleans are exact. A step whose result
says nothing is refused while a program is made: one that is not finite, one whose bound is large beside its
values, a choice between two values that are nearly equal (`Unclear`).

Sizes are numbers or polynomials of symbols, so that one program runs at several sizes."""
import dataclasses
import itertools

import numpy as np
from linnet import testing as lt
from linnet._src.running_error import Computed, MayBeZero

# What the bound of an element may be of the largest magnitude in its tensor
VAGUE = {"f32": 2.0**-8, "f16": 2.0**-4, "bf16": 2.0**-2}
LARGEST = {"f32": 1e6, "f16": 1e3, "bf16": 1e4}
FLOATS = tuple(VAGUE)


class Unclear(Exception):
    """What a step gives cannot be checked, or the step does not fit."""


# ===- sizes and types -===//


class Size:
    """A polynomial of symbols: {(names of a product): factor}."""

    def __init__(self, terms):
        self.terms = tuple(sorted((names, factor) for names, factor in terms.items() if factor))

    def __eq__(self, o):
        return isinstance(o, Size) and self.terms == o.terms

    def __hash__(self):
        return hash(self.terms)

    def __repr__(self):
        return " + ".join("*".join((*names, *([str(f)] if f != 1 or not names else [])))
                          for names, f in self.terms)

    @property
    def symbols(self):
        return {name for names, _ in self.terms for name in names}

    def at(self, symbols):
        return sum(f * int(np.prod([symbols[n] for n in names], initial=1)) for names, f in self.terms)


def _terms(size):
    return dict(size.terms) if isinstance(size, Size) else {(): size}


def _size(terms):
    size = Size(terms)
    if not size.symbols:
        return size.terms[0][1] if size.terms else 0
    return size


def symbol(name):
    return Size({(name,): 1})


def plus(a, b):
    terms = _terms(a)
    for names, factor in _terms(b).items():
        terms[names] = terms.get(names, 0) + factor
    return _size(terms)


def times(*sizes):
    out = {(): 1}
    for size in sizes:
        product = {}
        for (a, x), (b, y) in itertools.product(out.items(), _terms(size).items()):
            names = tuple(sorted(a + b))
            product[names] = product.get(names, 0) + x * y
        out = product
    return _size(out)


@dataclasses.dataclass(frozen=True)
class Type:
    dims: tuple
    dtype: str

    def __str__(self):
        return "tensor<" + "".join("?x" if isinstance(d, Size) else f"{d}x" for d in self.dims) + f"{self.dtype}>"

    @property
    def rank(self):
        return len(self.dims)

    @property
    def dynamic(self):
        return any(isinstance(d, Size) for d in self.dims)

    def of(self, dtype):
        return Type(self.dims, dtype)


# ===- programs -===//


@dataclasses.dataclass(eq=False)
class Node:
    """`write(writer, names)` gives the names of the results; `meaning(at, *values)` what they are, where
    `at` is a size's number."""
    kind: str
    operands: list
    results: list
    write: callable
    meaning: callable
    inner: list = dataclasses.field(default_factory=list)  # values of its region


@dataclasses.dataclass(eq=False)
class Argument:
    """`make(rng, shape, at)` gives an array; `constant` is one that is part of the program."""
    value: int
    make: callable
    constant: np.ndarray | None = None


class Program:
    def __init__(self, name="main"):
        self.name = name
        self.symbols = {}  # name: (least, most)
        self.types, self.nodes, self.arguments, self.outputs = [], [], [], []
        self.donated = {}  # argument's value: output

    def value(self, type):
        self.types.append(type)
        return len(self.types) - 1

    def _uses(self, value):
        return any(value in n.operands for n in self.nodes) or value in self.outputs

    def trim(self):
        """Without nodes that nothing needs, and arguments that name no size that is used."""
        needed, nodes = set(self.outputs), []
        for node in reversed(self.nodes):
            if needed & set(node.results):
                needed |= {*node.operands, *node.results, *node.inner}
                nodes.append(node)
        self.nodes = nodes[::-1]
        missing = {s for v in needed for d in self.types[v].dims if isinstance(d, Size) for s in d.symbols}
        kept = []
        for a in sorted(self.arguments, key=lambda a: a.value not in needed):
            named = {s for d in self.types[a.value].dims if d in map(symbol, missing) for s in d.symbols}
            if a.value in needed or named and a.constant is None:
                kept.append(a)
                if a.constant is None:
                    missing -= named
        self.arguments = sorted(kept, key=lambda a: a.value)
        return self

    # Calls

    def at(self, symbols):
        return lambda d: d.at(symbols) if isinstance(d, Size) else d

    def inputs(self, rng, symbols):
        """Arrays by value."""
        at = self.at(symbols)
        return {a.value: a.constant if a.constant is not None else
                a.make(rng, tuple(at(d) for d in self.types[a.value].dims), at) for a in self.arguments}

    def evaluate(self, arrays, symbols):
        """What every value is."""
        values = {v: given(x) for v, x in arrays.items()}
        for node in self.nodes:
            values.update(zip(node.results, run(self, node, values, self.at(symbols))))
        return values

    # Text

    def text(self):
        w = Writer(self)
        names = {}
        for a in self.arguments:
            names[a.value] = f"%a{a.value}"
            if a.constant is not None:
                w.head.append(f"%a{a.value} = arith.constant {literal(a.constant)} : {self.types[a.value]}")
        emit(w, self.nodes, names)
        types = ", ".join(str(self.types[v]) for v in self.outputs)
        bounds = ", ".join(f"{s} = {{min = {low}, max = {high}}}" for s, (low, high) in self.symbols.items()
                           if high is not None and any(f'"{s}"' in self._argument(a) for a in self.given()))
        lines = "\n  ".join([*w.head, *w.lines])
        return (f"func.func @{self.name}({', '.join(map(self._argument, self.given()))}) -> ({types})"
                + (f" attributes {{linnet.symbols = {{{bounds}}}}}" if bounds else "")
                + f" {{\n  {lines}\n  return {', '.join(names[v] for v in self.outputs)} : {types}\n}}\n")

    def given(self):
        return [a for a in self.arguments if a.constant is None]

    def _argument(self, a):
        type, attributes = self.types[a.value], []
        if type.dynamic:
            dims = ", ".join(f'"{d}"' if isinstance(d, Size) else str(d) for d in type.dims)
            attributes.append(f"linnet.dims = [{dims}]")
        if self.donated.get(a.value) in self.outputs:
            attributes.append(f"linnet.donate = {self.outputs.index(self.donated[a.value])} : i64")
        return f"%a{a.value}: {type}" + (f" {{{', '.join(attributes)}}}" if attributes else "")


def given(array):
    return Computed(lt.wide(array)) if array.dtype.kind not in "iub" else array


def emit(w, nodes, names):
    for node in nodes:
        names.update(zip(node.results, node.write(w, [names[v] for v in node.operands])))


def run(program, node, values, at):
    """A node's results; raises Unclear where they say nothing."""
    with np.errstate(all="ignore"):
        try:
            found = node.meaning(at, *(values[v] for v in node.operands))
        except MayBeZero as error:
            raise Unclear(str(error)) from None
        return [settled(x, program.types[v], at) for x, v in zip(found, node.results, strict=True)]


def settled(x, type, at):
    """What is stored of a result."""
    if not isinstance(x, Computed):
        x = np.asarray(x)
        assert x.dtype.kind in "iub" and type.dtype[0] == "i", type
        assert x.shape == tuple(map(at, type.dims)), (x.shape, type)
        return x.astype(lt.DTYPES[type.dtype])
    shape = tuple(map(at, type.dims))
    assert x.value.shape == shape, f"shape {x.value.shape}, expected {shape} of {type}"
    finite = np.isfinite(x.value)
    # -inf is what masks are made of; it is exact
    if not (finite | (np.isneginf(x.value) & ~(x.error > 0))).all():
        raise Unclear("not finite")
    x = Computed(x.value, np.where(finite, x.error, 0))
    if type.dtype != "f32":
        x = x.stored(lt.unit_roundoff(lt.DTYPES[type.dtype]))
        x.error = np.where(finite & (x.error > 0), x.error + 2.0**-14 * (type.dtype == "f16"), 0)
    largest = np.abs(x.value[finite]).max(initial=0)
    if largest > LARGEST[type.dtype] or not (x.error <= VAGUE[type.dtype] * max(largest, 0.1)).all():
        raise Unclear("vague")
    return x


class Writer:
    """Lines of a function; sizes and constants go to its head, once each."""

    def __init__(self, program):
        self.program, self.head, self.lines, self.count, self._known = program, [], [], 0, {}

    def fresh(self):
        self.count += 1
        return f"%v{self.count}"

    def line(self, text):
        self.lines.append(text)

    def op(self, text):
        name = self.fresh()
        self.line(f"{name} = {text}")
        return name

    def _once(self, text):
        if text not in self._known:
            self._known[text] = f"%c{len(self._known)}"
            self.head.append(f"{self._known[text]} = {text}")
        return self._known[text]

    def number(self, value, dtype):
        """A scalar constant."""
        if dtype == "index" or dtype[0] == "i":
            return self._once(f"arith.constant {value} : {dtype}")
        return self._once(f"arith.constant {float_text(value, dtype)} : {dtype}")

    def splat(self, value, type, like=None):
        """A tensor of one number; a dynamic one is shaped as the tensor (name, type) `like`."""
        if not type.dynamic:
            return self._once(f"arith.constant dense<{float_text(value, type.dtype)}> : {type}")
        number = self.number(value, type.dtype)
        if like is None:
            return self.fill(number, type)
        return self.op(f"linnet.broadcast {number} like {like[0]} : {type.dtype}, {like[1]} -> {type}")

    def size(self, d):
        """An index; also of a size that is a number."""
        if not isinstance(d, Size):
            return self.number(d, "index")
        total = None
        for names, factor in d.terms:
            product = None if factor != 1 or not names else self._symbol(names[0])
            rest = names[1:] if product else names
            product = product or self.number(factor, "index")
            for name in rest:
                product = self._once(f"arith.muli {product}, {self._symbol(name)} : index")
            total = product if total is None else self._once(f"arith.addi {total}, {product} : index")
        return total

    def _symbol(self, name):
        for a in self.program.given():
            type = self.program.types[a.value]
            if symbol(name) in type.dims:
                axis = self.number(type.dims.index(symbol(name)), "index")
                return self._once(f"tensor.dim %a{a.value}, {axis} : {type}")
        raise AssertionError(f"no argument has the size {name}")

    def sizes(self, dims):
        """As the static and dynamic sizes of a list."""
        return "[" + ", ".join(self.size(d) if isinstance(d, Size) else str(d) for d in dims) + "]"

    def empty(self, type):
        dynamic = ", ".join(self.size(d) for d in type.dims if isinstance(d, Size))
        return self.op(f"tensor.empty({dynamic}) : {type}")

    def fill(self, number, type):
        return self.op(f"linalg.fill ins({number} : {type.dtype}) outs({self.empty(type)} : {type}) -> {type}")


def float_text(value, dtype):
    if np.isinf(value):
        bits = {"f32": 0x7F800000, "bf16": 0x7F80, "f16": 0x7C00}[dtype]
        sign = {"f32": 1 << 31, "bf16": 1 << 15, "f16": 1 << 15}[dtype] if value < 0 else 0
        return f"0x{bits | sign:X}"
    return f"{float(value):.9e}"


def literal(array):
    if array.size == 0:
        return "dense<>"
    if array.dtype == bool:
        return f"dense<{str(array.tolist()).lower()}>"
    return f'dense<"0x{np.ascontiguousarray(array).tobytes().hex().upper()}">'
