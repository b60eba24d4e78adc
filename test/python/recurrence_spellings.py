# ===- recurrence_spellings.py - the many ways to write a linear recurrence -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Random programs that spell one recurrence as a loop: where slices come from and how, loops over batch and heads,
counters, the state's orientation, products, gates, what is erased, the read-out and what is done to the row."""
import numpy as np
from attention_spellings import Writer
from recurrence_meaning import NEAR_MISSES, choose, constant_gates, inputs, reference, shapes

__all__ = ["NEAR_MISSES", "canonical", "choose", "inputs", "lay_out", "reference", "write"]


class RecurrenceWriter(Writer):
    """Values in the loop have the dimensions `lead`, those of batch and heads that no loop around it counts."""

    def multiply(self, out, *operands):
        """A product without a sum; operands are (value, letters)."""
        size = {l: n for x, letters in operands for l, n in zip(letters, x[1])}
        shape = tuple(size[l] for l in out)
        form = self.pick("einsum", "generic", "repeat", "repeat")
        operands = list(operands)
        if self.chance():
            operands.reverse()
        if form == "einsum" and len(operands) > 1 and all(x[2] == "f32" for x, _ in operands):
            return self.einsum(out, *operands)
        if form == "generic" and len(operands) == 2:
            return self.generic([x for x, _ in operands],
                                [[out.index(l) for l in ls] for _, ls in operands] + [list(range(len(out)))],
                                len(out), shape, ["%r = arith.mulf %a0, %a1 : f32", "linalg.yield %r : f32"])
        y = None
        for x, ls in operands:
            x = self.spread(x, ls, out, shape)
            y = x if y is None else self.elementwise("arith.mulf", y, x)
        return y

    def spread(self, x, letters, out, shape):
        if letters == out:
            return x
        order = sorted(range(len(letters)), key=lambda i: out.index(letters[i]))
        x = self.transpose(x, order)
        letters = "".join(letters[i] for i in order)
        return x if letters == out else self.repeat(x, [out.index(l) for l in letters], shape)

    def einsum(self, out, *operands):
        size = {l: n for x, letters in operands for l, n in zip(letters, x[1])}
        shape = tuple(size[l] for l in out)
        return self.tensor(f'linnet.einsum "{",".join(ls for _, ls in operands)}->{out}" '
                           f"{', '.join(x[0] for x, _ in operands)} : "
                           f"{', '.join(self.type(x[1]) for x, _ in operands)} -> {self.type(shape)}", shape)

    def contract(self, out, a, b):
        """A product summed over the letter that the result lacks."""
        summed = next(l for l in a[1] if l in b[1] and l not in out)
        size = {l: n for x, letters in (a, b) for l, n in zip(letters, x[1])}
        shape = tuple(size[l] for l in out)
        form = self.pick("einsum", "generic", "reduce")
        if self.chance():
            a, b = b, a
        if form == "einsum":
            return self.einsum(out, a, b)
        wide = out + summed
        if form == "reduce":
            return self.reduce("sum", self.multiply(wide, a, b), keep=False)
        factors = "%a1, %a0" if self.chance() else "%a0, %a1"
        terms = "%o, %p" if self.chance() else "%p, %o"
        return self.generic([a[0], b[0]], [[wide.index(l) for l in ls] for _, ls in (a, b)] +
                            [list(range(len(out)))], len(wide), shape,
                            [f"%p = arith.mulf {factors} : f32", f"%r = arith.addf {terms} : f32",
                             "linalg.yield %r : f32"], reductions=(len(out),), init=self.filled("0.0", shape))

    def plus(self, x, y):
        return self.elementwise("arith.addf", *((x, y) if self.chance() else (y, x)))

    def position(self, at):
        """The number of the step, as tensors are sliced with it."""
        form = self.pick("plain", "plain", "cast", "wrapped", "clamped")
        if form == "plain":
            return at
        i, _ = self.emit(f"arith.index_cast {at} : index to i64", None)
        n, _ = self.emit(f"arith.constant {self.c.steps + (self.c.missed == 'shift')} : i64", None)
        zero, _ = self.emit("arith.constant 0 : i64", None)
        if form == "wrapped":
            j, _ = self.emit(f"arith.addi {i}, {n} : i64", None)
            low, _ = self.emit(f"arith.cmpi slt, {i}, {zero} : i64", None)
            i, _ = self.emit(f"arith.select {low}, {j}, {i} : i64", None)
        if form == "clamped":
            one, _ = self.emit("arith.constant 1 : i64", None)
            last, _ = self.emit(f"arith.subi {n}, {one} : i64", None)
            i, _ = self.emit(f"arith.minsi {i}, {last} : i64", None)
            i, _ = self.emit(f"arith.maxsi {i}, {zero} : i64", None)
        return self.emit(f"arith.index_cast {i} : i64 to index", None)[0]

    def at(self, x, letters, counters, want):
        """The element or slice at counters (letter -> index value), its letters in the order `want`."""
        name, shape, element = x
        rest = "".join(l for l in letters if l not in counters)
        to = tuple(n for l, n in zip(letters, shape) if l not in counters)
        form = self.pick("slice", "slice", "kept", "extract", "gather")
        moved = [l for l in letters if l in counters]
        if not moved:
            y = x
        elif form == "gather" and moved == ["n"]:
            i, _ = self.emit(f"arith.index_cast {counters['n']} : index to i64", None)
            at = self.tensor(f"tensor.from_elements {i} : tensor<1xi64>", (1,), "i64")
            d = letters.index("n")
            kept = tuple(1 if l == "n" else n for l, n in zip(letters, shape))
            y = self.tensor(f"linnet.gather {name}, {at[0]} axis {d} : {self.type(shape, element)}, tensor<1xi64> "
                            f"-> {self.type(kept, element)}", kept, element)
            y = self.without(y, letters, counters)
        elif form == "extract" and to:
            lines, places, k = [], [], 0
            for l in letters:
                if l in counters:
                    places.append(counters[l])
                else:
                    lines.append(f"%i{k} = linalg.index {k} : index")
                    places.append(f"%i{k}")
                    k += 1
            y = self.generic([], [list(range(len(to)))], len(to), to, lines + [
                f"%r = tensor.extract {name}[{', '.join(places)}] : {self.type(shape, element)}",
                f"linalg.yield %r : {element}"], element)
        else:
            offsets = ", ".join(counters.get(l, "0") for l in letters)
            sizes = ", ".join("1" if l in counters else str(n) for l, n in zip(letters, shape))
            kept = tuple(1 if l in counters else n for l, n in zip(letters, shape))
            into = kept if form == "kept" and to else to
            y = self.tensor(f"tensor.extract_slice {name}[{offsets}] [{sizes}] [{', '.join('1' * len(shape))}] : "
                            f"{self.type(shape, element)} to {self.type(into, element)}", into, element)
            if into == kept and moved and to:
                y = self.without(y, letters, counters) if form == "kept" else y
        if element != "f32":
            y = self.tensor(f"arith.extf {y[0]} : {self.type(y[1], element)} to {self.type(y[1])}", y[1])
        want = "".join(l for l in want if l in rest)
        return self.transpose(y, [rest.index(l) for l in want]) if rest != want else y, want

    def without(self, x, letters, counters):
        """Dimensions of size 1 that counters stand for, dropped."""
        groups, group, real = [], [], False
        for d, l in enumerate(letters):
            if l not in counters and real:
                groups.append(group)
                group, real = [], False
            group.append(d)
            real |= l not in counters
        return self.collapse(x, groups + [group])


def arrange(rng, letters):
    """An order in which an argument lies in memory."""
    if "n" not in letters or rng.integers(2):
        return letters
    rest = letters.replace("n", "")
    place = int(rng.integers(len(rest)))
    return rest[:place] + "n" + rest[place:]


class LoopWriter(RecurrenceWriter):
    """One program."""

    def __init__(self, c, rng):
        super().__init__(c, rng)
        self.arguments, self.layouts = [], {}
        self.values = {}  # name -> (value, letters) outside of the loops
        nest = [l for l in ("bh" if c.group == 1 else "b") if c.update != "scan" or l == "b"]
        self.nest = nest[:int(rng.choice([0, 0, 0, 1, len(nest)]))] if c.missed != "other result" else []
        self.counters = {l: f"%{l}" for l in self.nest}
        self.counter = int(rng.integers(4)) == 0 and c.missed == ""

    def inside(self, letters):
        return "".join(l for l in letters if l not in self.nest)

    def declare(self):
        c = self.c
        names = {"q": "bxnk" if not c.shared else "bnk", "k": "bhnk" if not c.shared else "bnk", "v": "bhnd",
                 "g": "bhnk" if "channels" in c.update else "bhn", "beta": "bhn", "ea": "bhnk", "eb": "bhnk",
                 "u": "bhnk" if c.missed == "bonus" else "hk", "s": "bhkd", "z": "bhnd", "w": "bhnd", "m": "bhnkj"}
        if c.group == 1:
            names["q"] = names["q"].replace("x", "h")
        if c.update == "scan":
            names |= {"q": "bnk", "k": "bnk", "v": "bnd", "dt": "bnd", "a": "dk", "s": "bdk", "z": "bnd"}
        for name, shape in shapes(c).items():
            letters = names[name]
            if name == "g" and c.gate == "constant":
                letters = letters.replace("b", "").replace("n", "")
                text = np.array2string(constant_gates(c), separator=", ", floatmode="unique", threshold=10**6)
                self.values[name] = self.tensor(f"arith.constant dense<{text}> : {self.type(shape)}", shape), letters
                continue
            sizes = dict(zip(letters, [n for n in shape if n != 1 or len(shape) == len(letters)]))
            if len(letters) < len(shape):  # keys that heads share
                sizes = dict(zip(letters, (shape[0],) + shape[2:]))
            order = arrange(self.rng, letters)
            element = "f16" if name in ("k", "v") and self.chance() and self.chance() else "f32"
            self.layouts[name] = (letters, order, element)
            shape = tuple(sizes[l] for l in order)
            self.arguments.append(f"%{name}: {self.type(shape, element)}")
            self.values[name] = (f"%{name}", shape, element), order

    def get(self, name, want, at=None):
        """An input at the current step, its letters in an order."""
        x, letters = self.values[name]
        counters = {l: v for l, v in self.counters.items() if l in letters}
        if "n" in letters:
            counters["n"] = at or self.step
        return self.at(x, letters, counters, self.inside(want.replace("n", "")))

    def write(self, name):
        c = self.c
        self.declare()
        self.sizes = dict(b=c.batch, h=c.heads, n=c.steps, k=c.width, d=c.values, x=c.heads * c.group,
                          g=c.group, j=c.width)
        for value in (0, 1, c.steps, c.batch, c.heads):
            self.lines.append(f"  %c{value} = arith.constant {value} : index") if not any(
                l.startswith(f"  %c{value} =") for l in self.lines) else None
        head = "" if c.update == "scan" else "x" if c.group > 1 else "h"
        rows = "b" + head + "nd"
        self.rows = "".join(self.pick(rows, "n" + rows.replace("n", ""), "bn" + head + "d"))
        lead = "b" if c.update == "scan" else "bh"
        self.state = lead + self.pick("kd", "dk")
        self.prepare()
        results, types = self.loops(list(self.nest))
        kept = [0] + ([1] if c.final else []) + ([2] if c.missed == "other result" else [])
        text = [f"func.func @{name}({', '.join(self.arguments)}) -> ({', '.join(types[i] for i in kept)}) {{",
                *self.lines, f"  return {', '.join(results[i] for i in kept)} : "
                f"{', '.join(types[i] for i in kept)}", "}"]
        return "\n".join(text), (self.layouts, self.rows, self.state)

    def prepare(self):
        """What may be computed before the loops for all steps."""
        c = self.c
        self.exponentiated = c.missed == "plain" or c.gate == "constant"
        if "g" in self.values and not self.exponentiated and self.chance():
            x, letters = self.values["g"]
            self.values["g"], self.exponentiated = (self.gate(x), letters), True
        if c.scale != 1 and self.chance():
            x, letters = self.values["q"]
            self.values["q"], self.scaled = (self.times(x, c.scale), letters), True
        else:
            self.scaled = c.scale == 1
        self.whole = c.update == "scan" and self.chance()
        if self.whole:
            (d, dl), (a, al), (k, kl), (v, vl) = (self.values[n] for n in ("dt", "a", "k", "v"))
            k, v = self.wide(k), self.wide(v)
            if c.ahead or c.missed == "reverse":
                self.whole = False
                return
            self.values["da"] = self.elementwise("math.exp", self.multiply("bndk", (d, dl), (a, al))), "bndk"
            du = self.multiply("bnd", (d, dl), (v, vl))
            self.values["du"] = self.multiply("bndk", (du, "bnd"), (k, kl)), "bndk"

    def wide(self, x):
        if x[2] == "f32":
            return x
        return self.tensor(f"arith.extf {x[0]} : {self.type(x[1], x[2])} to {self.type(x[1])}", x[1])

    def gate(self, x):
        if self.c.gate == "log":
            return self.elementwise("math.exp", x)
        e = self.elementwise("math.exp", self.elementwise("arith.negf", x))
        one = self.splat("1.0", x[1])
        return self.elementwise("arith.divf", one, self.plus(e, one))

    def shape(self, letters):
        return tuple(self.sizes[l] for l in letters)

    def loops(self, nest):
        """The rows and the state, and their types, of the loops that are left."""
        rows, state = ("".join(l for l in x if l not in self.nest or l in nest) for x in (self.rows, self.state))
        types = [self.type(self.shape(rows)), self.type(self.shape(state))]
        out = self.filled("0.0", self.shape(rows)) if self.chance() or self.c.missed == "from one" else \
            self.empty(self.shape(rows))
        if not nest:
            return self.steps(rows, state, out, types)
        l = nest[0]
        given = self.empty(self.shape(state))
        self.count += 1
        r = f"%r{self.count}"
        self.lines.append(f"  {r}:2 = scf.for %{l} = %c0 to %c{self.sizes[l]} step %c1 iter_args(%o{l} = {out}, "
                          f"%s{l} = {given}) -> ({', '.join(types)}) {{")
        (y, s), inner = self.loops(nest[1:])
        y = self.insert((y, None), inner[0], rows, l, f"%o{l}", f"%{l}")
        s = self.insert((s, None), inner[1], state, l, f"%s{l}", f"%{l}")
        self.lines.append(f"  scf.yield {y}, {s} : {', '.join(types)}\n  }}")
        return [f"{r}#0", f"{r}#1"], types

    def insert(self, x, type, letters, at, into, counter):
        shape = self.shape(letters)
        offsets = ", ".join(counter if l == at else "0" for l in letters)
        sizes = ", ".join("1" if l == at else str(self.sizes[l]) for l in letters)
        return self.emit(f"tensor.insert_slice {x[0]} into {into}[{offsets}] [{sizes}] "
                         f"[{', '.join('1' * len(letters))}] : {type} into {self.type(shape)}", None)[0]

    def steps(self, rows, state, out, types):
        c = self.c
        if c.state:
            x, letters = self.values["s"]
            counters = {l: v for l, v in self.counters.items() if l in letters}
            start = self.at(x, letters, counters, state)[0][0]
        else:
            start = self.splat("0.0", self.shape(state))[0]
        carried = [("%out", out, types[0]), ("%s0", start, types[1])]
        row = rows.replace("n", "")
        if c.missed == "fed back":
            carried.append(("%last", self.filled("0.0", self.shape(row)), self.type(self.shape(row))))
        if c.missed == "other result":
            carried.append(("%seen", self.filled("0.0", ()), "tensor<f32>"))
        if self.counter:
            zero, _ = self.emit("arith.constant 0 : i64", None)
            carried.append(("%i", zero, "i64"))
        self.count += 1
        r = f"%r{self.count}"
        self.lines.append(f"  {r}:{len(carried)} = scf.for %t = %c{int(c.missed == 'from one')} to %c{c.steps} step "
                          f"%c1 iter_args({', '.join(f'{a} = {b}' for a, b, _ in carried)}) -> "
                          f"({', '.join(t for _, _, t in carried)}) {{")
        self.step = self.position(self.emit("arith.index_cast %i : i64 to index", None)[0] if self.counter else "%t")
        before = ("%s0", self.shape(state), "f32")
        after = self.update(before, state)
        if c.missed == "tanh":
            after = self.elementwise("math.tanh", after)
        if c.missed == "chosen":
            two, _ = self.emit("arith.constant 2 : index", None)
            rest, _ = self.emit(f"arith.remui %t, {two} : index", None)
            odd, _ = self.emit(f"arith.cmpi eq, {rest}, %c1 : index", None)
            after = self.tensor(f"arith.select {odd}, %s0, {after[0]} : {types[1]}", after[1])
        y = self.finish(self.read(before, after, state, row), row)
        yields = []
        if c.missed == "fed back":
            y = self.plus(y, ("%last", y[1], "f32"))
            yields.append(y[0])
        if c.missed == "other result":
            total = after
            while total[1]:
                total = self.reduce("sum", total, False)
            yields.append(self.plus(total, ("%seen", (), "f32"))[0])
        if self.counter:
            one, _ = self.emit("arith.constant 1 : i64", None)
            yields.append(self.emit(f"arith.addi %i, {one} : i64", None)[0])
        at = "%t"
        if c.missed == "elsewhere":
            last, _ = self.emit(f"arith.constant {c.steps - 1} : index", None)
            at, _ = self.emit(f"arith.subi {last}, %t : index", None)
        kind = self.type(y[1])
        if self.chance() and y[1]:  # with the position as a dimension of size 1
            d = rows.index("n")
            groups = [[i] for i in range(len(rows))]
            low = max(d - 1, 0)
            groups[low:low + 2] = [[low, low + 1]]
            y = self.expand(y, groups, tuple(1 if l == "n" else self.sizes[l] for l in rows))
            kind = self.type(y[1])
        inserted = self.insert(y, kind, rows, "n", "%out", at)
        self.lines.append(f"  scf.yield {', '.join([inserted, after[0], *yields])} : "
                          f"{', '.join(t for _, _, t in carried)}\n  }}")
        names, kinds = [f"{r}#0", f"{r}#1"], list(types)
        if c.missed == "other result":
            names.append(f"{r}#2")
            kinds.append("tensor<f32>")
        return names, kinds

    def backwards(self):
        last, _ = self.emit(f"arith.constant {self.c.steps - 1} : index", None)
        return self.emit(f"arith.subi {last}, %t : index", None)[0]

    def keys(self):
        return self.get("k", "bhk", self.backwards() if self.c.missed == "reverse" else None)

    def inputs(self):
        at = self.emit("arith.addi %t, %c1 : index", None)[0] if self.c.ahead else None
        return self.get("v", "bhd", at)

    def update(self, s, state):
        c = self.c
        if c.update == "scan":
            return self.update_scan(s, state)
        k, v = self.keys(), self.inputs()
        decays = None
        if "g" in self.values:
            x, letters = self.get("g", "bhk")
            decays = (x if self.exponentiated else self.gate(x)), letters
        if c.missed == "of state":
            decays = self.of_state(decays, s, state)
        if c.missed == "value decay":
            w, wl = self.get("w", "bhd")
            s = self.multiply(state, (s, state), (self.elementwise("math.exp", w), wl))
        if c.missed == "negative":
            s = self.elementwise("arith.negf", s)
        if c.missed == "" and c.update in ("decay", "channels") and self.chance() and "b" not in self.nest:
            return self.fused(s, state, decays, k, v)
        before = s
        if decays:
            s = self.multiply(state, (s, state), decays)
        if c.missed == "square":
            s = self.times(self.elementwise("arith.mulf", s, s), 0.01)
        if "beta" in self.values:
            s = self.delta(s, state, k, v)
        elif c.missed == "matrix":
            m = self.get("m", "bhkj")
            moved = self.contract(state, m, (before, state.replace("k", "j")))
            s = self.plus(self.plus(s, moved), self.multiply(state, k, v))
        elif "ea" in self.values:
            seen = self.inside("bhd")
            found = self.contract(seen, self.get("ea", "bhk"), (before, state))
            s = self.plus(s, self.multiply(state, self.get("eb", "bhk"), (found, seen)))
            s = self.plus(s, self.multiply(state, k, v))
        elif c.missed == "lost":
            s = self.multiply(state, k, v)
        else:
            s = self.plus(s, self.multiply(state, k, v))
        if c.missed == "two":
            s = self.plus(s, self.multiply(state, (self.elementwise("arith.mulf", k[0], k[0]), k[1]),
                                           self.get("z", "bhd")))
        return s

    def of_state(self, decays, s, state):
        lead = self.inside("bh")
        sizes = ", ".join(["1" if l in "kd" else str(self.sizes[l]) for l in state])
        zeros, ones = ", ".join("0" * len(state)), ", ".join("1" * len(state))
        x = self.tensor(f"tensor.extract_slice {s[0]}[{zeros}] [{sizes}] [{ones}] : {self.type(s[1])} to "
                        f"{self.type(self.shape(lead))}", self.shape(lead))
        out = self.inside("bhk" if "k" in decays[1] else "bh")
        return self.multiply(out, decays, (self.elementwise("math.tanh", x), lead)), out

    def fused(self, s, state, decays, k, v):
        """One region."""
        xs = [(s, state), decays, k, v]
        decayed = "%a0, %a1" if self.chance() else "%a1, %a0"
        body = [f"%m = arith.mulf {decayed} : f32", "%p = arith.mulf %a2, %a3 : f32"]
        body += ["%r = arith.addf %m, %p : f32"] if self.chance() else ["%r = math.fma %a2, %a3, %m : f32"]
        return self.generic([x for x, _ in xs], [[state.index(l) for l in ls] for _, ls in xs] +
                            [list(range(len(state)))], len(state), self.shape(state),
                            body + ["linalg.yield %r : f32"])

    def delta(self, s, state, k, v):
        beta = self.get("beta", "bh")
        vectors, keys = self.inside("bhd"), self.inside("bhk")
        form = self.pick("error", "error", "terms", "matrix")
        if form == "matrix":
            text = [[1.0 if i == j else 0.0 for j in range(self.c.width)] for i in range(self.c.width)]
            one = self.tensor(f"arith.constant dense<{text}> : {self.type(self.shape('kj'))}", self.shape("kj"))
            wide = self.inside("bhkj")
            moved = self.multiply(wide, self.scale_by(k, beta, keys), (k[0], k[1].replace("k", "j")))
            m = self.elementwise("arith.subf", self.repeat(one, [len(wide) - 2, len(wide) - 1], self.shape(wide)), moved)
            s = self.contract(state, (m, wide), (s, state.replace("k", "j")))
            return self.plus(s, self.multiply(state, k, self.scale_by(v, beta, vectors)))
        found = self.contract(vectors, k, (s, state))
        if form == "terms":
            bk = self.scale_by(k, beta, keys)
            s = self.elementwise("arith.subf", s, self.multiply(state, bk, (found, vectors)))
            return self.plus(s, self.multiply(state, bk, v))
        error = self.elementwise("arith.subf", self.spread(v[0], v[1], vectors, self.shape(vectors)), found)
        return self.plus(s, self.multiply(state, k, self.scale_by((error, vectors), beta, vectors)))

    def scale_by(self, x, beta, letters):
        return self.multiply(letters, x, beta), letters

    def update_scan(self, s, state):
        if self.whole:
            a, u = self.get("da", state), self.get("du", state)
            return self.plus(self.multiply(state, a, (s, state)), u[0])
        k, v, d, a = self.keys(), self.inputs(), self.get("dt", "bd"), self.get("a", "dk")
        a = self.elementwise("math.exp", self.multiply(state, d, a))
        first, second, third = self.pick((d, v, k), (v, d, k), (d, k, v))
        both = "".join(l for l in state if l in first[1] + second[1])
        u = self.multiply(state, (self.multiply(both, first, second), both), third)
        return self.plus(self.multiply(state, (a, state), (s, state)), u)

    def read(self, before, after, state, row):
        c = self.c
        q = self.get("q", "bxk" if c.group > 1 else "bhk")
        s = after if c.read == "post" else before
        free = None
        if c.read == "bonus":
            u, k, v = self.get("u", "bhk"), self.keys(), self.inputs()
            if self.chance() or c.missed:
                s = self.plus(before, self.multiply(state, (self.multiply(self.inside("bhk"), u, k), self.inside("bhk")), v))
            else:
                lead, keys = self.inside("bh"), self.inside("bhk")
                free = self.contract(lead, q, (self.multiply(keys, u, k), keys))
                free = self.multiply(row, (free, lead), v)
        if c.missed == "both":
            s = self.plus(s, before)
        if c.missed == "added":
            s = self.plus(s, self.multiply(state, self.keys(), self.get("z", "bhd")))
        if c.missed == "maximum":
            order = state.replace("k", "") + "k"
            y = self.reduce("max", self.transpose(s, [state.index(l) for l in order]), False)
            y = y, state.replace("k", "")
            if c.group > 1:
                return self.grouped_rows(y[0], y[1], row)
            return self.transpose(y[0], [y[1].index(l) for l in row])
        y = self.contract_groups(q, (s, state), row) if c.group > 1 else self.contract(row, q, (s, state))
        if not self.scaled:
            y = self.times(y, c.scale)
            if free:
                free = self.times(free, c.scale)
        return self.plus(y, free) if free else y

    def grouped_rows(self, y, letters, row):
        """Rows of the heads that share a state."""
        wide = self.repeat(y, [0, 1, 3] if letters[0] == "b" else [0, 2],
                           self.shape(letters.replace("h", "hg")))
        d = letters.index("h")
        groups = [[i] for i in range(d)] + [[d, d + 1]] + [[i + 1] for i in range(d + 1, len(letters))]
        merged = self.collapse(wide, groups)
        letters = letters.replace("h", "x")
        return self.transpose(merged, [letters.index(l) for l in row])

    def contract_groups(self, q, s, row):
        ql, sl = q[1], s[1]
        if self.chance():  # the state repeated
            d = sl.index("h")
            wide = self.repeat(s[0], [i + (i > d) for i in range(len(sl))], self.shape(sl.replace("h", "hg")))
            groups = [[i] for i in range(d)] + [[d, d + 1]] + [[i + 1] for i in range(d + 1, len(sl))]
            return self.contract(row, q, (self.collapse(wide, groups), sl.replace("h", "x")))
        d = ql.index("x")
        groups = [[i] for i in range(d)] + [[d, d + 1]] + [[i + 1] for i in range(d + 1, len(ql))]
        parts = self.expand(q[0], groups, self.shape(ql.replace("x", "hg")))
        out = row.replace("x", "hg")
        y = self.contract(out, (parts, ql.replace("x", "hg")), s)
        d = row.index("x")
        groups = [[i] for i in range(d)] + [[d, d + 1]] + [[i + 1] for i in range(d + 1, len(row))]
        return self.collapse(y, groups)

    def finish(self, y, row):
        c = self.c
        if not c.finish:
            return y
        z, letters = self.get("z", row)
        z = self.transpose(z, [letters.index(l) for l in row])
        if c.finish == "skip":
            return self.plus(y, self.times(z, 0.5))
        e = self.elementwise("math.exp", self.elementwise("arith.negf", z))
        gate = self.elementwise("arith.divf", z, self.plus(e, self.splat("1.0", z[1])))
        return self.elementwise("arith.mulf", y, gate)


def write(c, rng, name="main"):
    """The text; layouts of the inputs, letters of the rows and of the state."""
    return LoopWriter(c, rng).write(name)


def lay_out(arrays, layouts):
    """The arguments of the program."""
    out = []
    for name, (letters, order, element) in layouts.items():
        x = arrays[name]
        if x.ndim > len(letters):
            x = x[:, 0]
        x = x.transpose([letters.index(l) for l in order])
        out.append(np.ascontiguousarray(x, np.float16 if element == "f16" else np.float32))
    return out


def canonical(c, x, letters):
    """A result [B,H,N,D] or [B,H,K,D]; of a scan [B,N,D] or [B,D,K]."""
    order = ("bnd" if "n" in letters else "bdk") if c.update == "scan" else \
        "b" + ("x" if "x" in letters else "h") + ("nd" if "n" in letters else "kd")
    return np.asarray(x).transpose([letters.index(l) for l in order])
