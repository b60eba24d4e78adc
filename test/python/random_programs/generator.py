# ===- generator.py - grows random programs -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""The generator of random programs.

A kind is a function of the generator that adds nodes, or raises Unclear where it does not fit what is there."""
import numpy as np
from linnet import testing as lt
from linnet._src.running_error import Computed
from random_programs.graph import FLOATS, Argument, Node, Program, Size, Type, Unclear, given, run, symbol, times

SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 31, 33, 64, 65, 70, 100, 130)
MOST = 1 << 14  # elements of a tensor
KINDS = []  # (weight, function)
NO_DERIVATIVE = {"matmul", "weighted_sum", "cast", "argmax"}


def kind(weight):
    def note(function):
        KINDS.append((weight, function))
        return function
    return note


class Generator:
    def __init__(self, seed, ops=None, name="main", differentiable=False):
        """`differentiable`: of ops that have derivatives, in f32, of known sizes and without ties."""
        self.rng = np.random.default_rng([7, seed])
        self.differentiable = differentiable
        self.program = Program(name)
        self.values = {}
        self.dtype = str(self.rng.choice(["f32", "f32", "f32", "bf16", "f16"]))
        self.mixed = self.chance(0.2)
        if differentiable:
            self.dtype, self.mixed = "f32", False
        self._choose_sizes()
        self._grow(int(self.rng.integers(2, 12)) if ops is None else ops)
        self._choose_outputs()
        self.program.trim()

    # Choices

    def chance(self, p):
        return bool(self.rng.random() < p)

    def one(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def _choose_sizes(self):
        sizes = [int(n) for n in self.rng.choice(SIZES, 4)]
        if self.chance(0.1):
            sizes[self.rng.integers(4)] = int(self.one([200, 257, 300, 513]))
        empty = self.chance(0.04) and not self.differentiable  # upstream refuses slices of static empty tensors
        if empty:
            sizes[self.rng.integers(4)] = 0
        self.dims, self.symbols, self.other = sizes, {}, {}
        if self.chance(0.4) and not empty and not self.differentiable:  # a product of a symbol and 0 has no symbol
            for i in range(4):
                if self.chance(0.5):
                    name, n = "BNMK"[i], sizes[i]
                    least = min(n, int(self.one([1, 1, 4])))
                    most = None if self.chance(0.3) else max(n, int(self.one([16, 40])))
                    self.program.symbols[name] = (least, most)
                    self.symbols[name], self.dims[i] = n, symbol(name)
                    self.other[name] = int(self.rng.integers(least, max(least, min(most or 40, 40, 2 * n + 3)) + 1))
        self.at = self.program.at(self.symbols)

    def least(self, d):
        """The smallest number that a size can be."""
        return d.at({n: low for n, (low, _) in self.program.symbols.items()}) if isinstance(d, Size) else d

    def count(self, dims):
        return int(np.prod([self.at(d) for d in dims], initial=1))

    def calls(self):
        """Sizes of calls."""
        return [self.symbols] + ([self.other] if self.other != self.symbols else [])

    def float(self):
        return str(self.one(FLOATS)) if self.mixed and self.chance(0.4) else self.dtype

    # Values

    def argument(self, type, make=None, constant=False):
        """A new one, of sizes that it can have."""
        if any(isinstance(d, Size) and d not in map(symbol, d.symbols) for d in type.dims):
            raise Unclear("a size that is computed")
        v = self.program.value(type)
        dtype = lt.DTYPES[type.dtype]
        if make is None:
            ties, scale = self.chance(0.15) and not self.differentiable, float(self.one([1.0, 1.0, 0.5, 2.0]))

            def make(rng, shape, at):
                x = rng.integers(-2, 3, shape) if ties else rng.standard_normal(shape) * scale
                return x.astype(np.float32).astype(dtype)
        argument = Argument(v, make)
        array = make(self.rng, tuple(map(self.at, type.dims)), self.at)
        if constant and not type.dynamic:
            argument.constant = array
        self.program.arguments.append(argument)
        self.values[v] = given(array)
        return v

    def infinite(self, v):
        x = self.values[v]
        return isinstance(x, Computed) and np.isinf(x.value).any()

    def found(self, fits, infinite=False):
        """Values whose type fits."""
        return [v for v, t in enumerate(self.program.types)
                if v in self.values and fits(t) and (infinite or not self.infinite(v))]

    def pick(self, fits=lambda t: True, infinite=False):
        """One of them, rather a recent one."""
        values = self.found(lambda t: t.dtype in FLOATS and fits(t), infinite)
        if not values:
            raise Unclear("no value")
        back = min(int(self.rng.geometric(0.4)) - 1, len(values) - 1)
        return values[-1 - back] if self.chance(0.8) else self.one(values)

    def operand(self, type, fresh=0.3):
        """Of this very type: one that is there, made from one that is there, or an argument."""
        values = self.found(lambda t: t == type)
        if values and not self.chance(fresh):
            return values[-1] if self.chance(0.5) else self.one(values)
        if self.chance(0.5):
            near = [v for v in self.found(lambda t: t.dtype == type.dtype)
                    if self.count(self.type(v).dims) == self.count(type.dims)
                    and times(*self.type(v).dims) == times(*type.dims)]
            if near:
                return self.reshaped(self.one(near[-4:]), type.dims)
        return self.argument(type, constant=self.chance(0.2))

    def type(self, v):
        return self.program.types[v]

    def tensor(self, rank=None, dtype=None):
        """A type of this program's sizes."""
        rank = int(self.one([1, 2, 2, 2, 3, 3, 4])) if rank is None else rank
        dims = []
        for _ in range(rank):
            room = [d for d in self.dims if self.count([*dims, d]) <= MOST]
            dims.append(self.one(room) if room and not self.chance(0.05) else 1)
        return Type(tuple(dims), dtype or self.float())

    # Nodes

    def add(self, name, operands, types, write, meaning):
        """Adds a node unless its results are Unclear; their values."""
        if any(self.count(t.dims) > 2 * MOST for t in types):
            raise Unclear("large")
        node = Node(name, list(operands), [], write, meaning)
        before = len(self.program.types)
        node.results = [self.program.value(t) for t in types]
        try:
            found = run(self.program, node, self.values, self.at)
        except Unclear:
            if len(self.program.types) == before + len(types):
                del self.program.types[before:]
            raise
        self.program.nodes.append(node)
        self.values.update(zip(node.results, found))
        return node.results

    def op(self, name, operands, type, text, meaning):
        """One op of one result: `text` has {0}, {1} for operands, {t0} and so on for their types, {r}."""
        types = {f"t{i}": str(self.type(v)) for i, v in enumerate(operands)}

        def write(w, names):
            return [w.op(text.format(*names, **types, r=type))]
        return self.add(name, operands, [type], write, lambda at, *values: [meaning(*values)])[0]

    def reshaped(self, v, dims):
        """Collapsed and expanded."""
        type, flat = self.type(v), times(*self.type(v).dims)
        if type.dims == dims:
            return v
        line, to = Type((flat,), type.dtype), Type(dims, type.dtype)

        def groups(t):
            return f"[[{', '.join(map(str, range(t.rank)))}]]" if t.rank else "[]"

        def write(w, names):
            name = names[0]
            if type.rank != 1:
                name = (w.op(f"tensor.collapse_shape {name} {groups(type)} : {type} into {line}") if type.rank else
                        w.op(f"tensor.expand_shape {name} [] output_shape [1] : {type} into {line}"))
            if to.rank == 1:
                return [name]
            if not to.rank:
                return [w.op(f"tensor.collapse_shape {name} [] : {line} into {to}")]
            return [w.op(f"tensor.expand_shape {name} {groups(to)} output_shape {w.sizes(dims)} : {line} into {to}")]
        return self.add("reshape", [v], [to], write,
                        lambda at, x: [moved(lambda a: a.reshape([at(d) for d in dims]), x)])[0]

    # Programs

    def _grow(self, ops):
        for name in self.symbols:
            self.argument(Type((symbol(name),), self.dtype))
        for _ in range(1 + self.chance(0.5)):
            self.argument(self.tensor())
        for _ in range(20 * ops):
            if len(self.program.nodes) >= ops:
                return
            self.step()

    def step(self):
        """Tries to add something."""
        kinds = [k for k in KINDS if not self.differentiable or k[1].__name__ not in NO_DERIVATIVE]
        weights = np.array([w for w, _ in kinds], float)
        chosen = kinds[self.rng.choice(len(kinds), p=weights / weights.sum())][1]
        try:
            chosen(self)
        except Unclear:
            pass

    def _choose_outputs(self):
        p = self.program
        made = [v for n in p.nodes for v in n.results if v in self.values and not self.infinite(v)]
        used = {v for n in p.nodes for v in n.operands}
        ends = [v for v in made if v not in used]
        more = [v for v in made if v in used and self.chance(0.2)]
        p.outputs = (ends[-4:] + more)[:6] or [a.value for a in p.arguments if a.constant is None][:1]
        if self.chance(0.1):
            p.outputs.append(p.outputs[0])
        if self.chance(0.15):
            for a in p.given():
                same = [v for v in p.outputs if v not in [x.value for x in p.arguments]
                        and self.type(v) == self.type(a.value) and p.outputs.count(v) == 1
                        and v not in p.donated.values()]
                if same and a.value not in p.outputs:
                    p.donated[a.value] = same[0]


def moved(move, x):
    """A move of elements."""
    return Computed(move(x.value), move(x.error)) if isinstance(x, Computed) else move(x)
