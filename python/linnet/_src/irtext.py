# ===- irtext.py - writes readable model IR -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Writes model IR as text a person can read: named values, one op a line, no bindings needed."""

import contextlib
import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Value:
    name: str
    type: str

    def __str__(self):
        return self.name

    @property
    def shape(self):
        """Sizes of a tensor: integers, or None where dynamic."""
        sizes = self.type[len("tensor<"):-1].split("x")[:-1]
        return tuple(None if s == "?" else int(s) for s in sizes)

    @property
    def dtype(self):
        return self.type[len("tensor<"):-1].split("x")[-1]


def tensor(shape, dtype="f32"):
    """The type of a tensor; None is a dynamic size."""
    return "tensor<" + "".join("?x" if s is None else f"{s}x" for s in shape) + dtype + ">"


def number(value):
    """A float literal that MLIR reads back as the same f64."""
    if math.isinf(value):
        raise ValueError("infinities have no decimal literal")
    text = repr(float(value))
    mantissa, _, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{exponent}" if exponent else mantissa


class Writer:
    """Collects lines; a method per op that the examples use, `op` for all others."""

    def __init__(self):
        self.lines = []
        self._depth = 0
        self._taken = {}

    def text(self):
        return "\n".join(self.lines) + "\n"

    def line(self, text=""):
        self.lines.append("  " * self._depth + text if text else "")

    def comment(self, text):
        self.line("// " + text)

    def fresh(self, hint):
        """`%hint`, or `%hint_1` and so on where the function has it already."""
        count = self._taken.get(hint, 0)
        self._taken[hint] = count + 1
        return f"%{hint}" if count == 0 else f"%{hint}_{count}"

    def op(self, hint, text, type):
        value = Value(self.fresh(hint), type)
        self.line(f"{value} = {text}")
        return value

    @contextlib.contextmanager
    def block(self, opening, closing="}"):
        self.line(opening)
        self._depth += 1
        yield
        self._depth -= 1
        self.line(closing)

    @contextlib.contextmanager
    def function(self, name, arguments, results, attributes="", private=False):
        """`arguments` are (Value, attributes) and `results` (type, attributes)."""
        self._taken = {}
        for value, _ in arguments:
            self._taken[value.name[1:]] = 1
        self.line(f"func.func {'private ' if private else ''}@{name}(")
        inputs = [f"{value}: {value.type}{_braced(attrs)}" for value, attrs in arguments]
        outputs = [f"{type}{_braced(attrs)}" for type, attrs in results]
        for i, text in enumerate(inputs):
            self.line(f"    {text}" + ("," if i + 1 < len(inputs) else ""))
        self.line("  ) -> (")
        for i, text in enumerate(outputs):
            self.line(f"    {text}" + ("," if i + 1 < len(outputs) else ""))
        with self.block("  )" + (f" attributes {{{attributes}}}" if attributes else "") + " {"):
            yield
        self.line()

    def ret(self, *values):
        types = ", ".join(v.type for v in values)
        self.line(f"return {', '.join(map(str, values))} : {types}")

    # Weights

    def weight(self, name, type):
        self.line(f'ml_program.global private {symbol(name)}(#ml_program.extern<{type}>) : {type}')

    def load(self, name, type, hint=None):
        hint = hint or name.rpartition(".")[2]
        return self.op(hint, f"ml_program.global_load_const {symbol(name)} : {type}", type)

    # Upstream ops

    def constant(self, hint, literal, type):
        return self.op(hint, f"arith.constant {literal} : {type}", type)

    def elementwise(self, hint, name, *operands):
        """An op of `arith` or `math` whose operands and result have one type."""
        args = ", ".join(map(str, operands))
        return self.op(hint, f"{name} {args} : {operands[0].type}", operands[0].type)

    def dim(self, hint, value, axis):
        index = self.constant(f"axis{axis}", axis, "index")
        return self.op(hint, f"tensor.dim {value}, {index} : {value.type}", "index")

    def expand(self, hint, value, groups, shape, sizes=()):
        """`shape` with None for the dynamic sizes, which `sizes` gives in order."""
        sizes = iter(sizes)
        full = ", ".join(str(next(sizes)) if s is None else str(s) for s in shape)
        type = tensor(shape, value.dtype)
        return self.op(hint, f"tensor.expand_shape {value} {_groups(groups)} output_shape [{full}]"
                             f" : {value.type} into {type}", type)

    def collapse(self, hint, value, groups):
        shape = []
        for group in groups:
            sizes = [value.shape[i] for i in group]
            shape.append(None if None in sizes else math.prod(sizes))
        type = tensor(shape, value.dtype)
        return self.op(hint, f"tensor.collapse_shape {value} {_groups(groups)}"
                             f" : {value.type} into {type}", type)

    def insert(self, hint, value, target, offsets, sizes):
        ones = ", ".join("1" for _ in offsets)
        return self.op(hint, f"tensor.insert_slice {value} into {target}"
                             f"[{', '.join(map(str, offsets))}] [{', '.join(map(str, sizes))}]"
                             f" [{ones}] : {value.type} into {target.type}", target.type)

    # linnet

    def broadcast(self, hint, value, like):
        """A scalar or a tensor of trailing sizes, repeated to the type of `like`."""
        if None in like.shape:
            return self.op(hint, f"linnet.broadcast {value} like {like}"
                                 f" : {value.type}, {like.type} -> {like.type}", like.type)
        return self.op(hint, f"linnet.broadcast {value} : {value.type} -> {like.type}", like.type)

    def splat(self, hint, literal, like):
        """A float constant, repeated to the type of `like`."""
        return self.broadcast(hint, self.constant(hint, literal, like.dtype), like)

    def einsum(self, hint, equation, *operands):
        groups, result = equation.split("->")
        sizes = {letter: size for group, operand in zip(groups.split(","), operands)
                 for letter, size in zip(group, operand.shape)}
        type = tensor([sizes[letter] for letter in result], operands[0].dtype)
        return self.op(hint, f'linnet.einsum "{equation}" {", ".join(map(str, operands))}'
                             f' : {", ".join(o.type for o in operands)} -> {type}', type)

    def split_heads(self, hint, value, heads, sizes=()):
        """[B,N,heads*D] to [B,heads,N,D]; `sizes` are those of B and N that are dynamic."""
        batch, length, width = value.shape
        wide = self.expand(f"{hint}_split", value, [[0], [1], [2, 3]],
                           [batch, length, heads, width // heads], sizes)
        return self.einsum(f"{hint}_heads", "bnhd->bhnd", wide)

    def merge_heads(self, value):
        """[B,heads,N,D] to [B,N,heads*D]."""
        rows = self.einsum("mixed_rows", "bhnd->bnhd", value)
        return self.collapse("mixed", rows, [[0], [1], [2, 3]])

    def rms_norm(self, hint, value, scale, eps):
        return self.op(hint, f"linnet.rms_norm {value} scale {scale} eps {number(eps)}"
                             f" : {value.type}, {scale.type}", value.type)

    def layer_norm(self, hint, value, scale, bias, eps):
        return self.op(hint, f"linnet.layer_norm {value} scale {scale} bias {bias}"
                             f" eps {number(eps)} : {value.type}, {scale.type}, {bias.type}",
                       value.type)

    def gather(self, hint, data, indices, axis=0):
        shape = data.shape[:axis] + indices.shape + data.shape[axis + 1:]
        type = tensor(shape, data.dtype)
        return self.op(hint, f"linnet.gather {data}, {indices} axis {axis}"
                             f" : {data.type}, {indices.type} -> {type}", type)


class TrainWriter(Writer):
    """Writes train steps: parameters, AdamW's moments and the number of the step are mutable
    globals, states of the session."""

    PREFIXES = {"params": "", "means": "mean.", "variances": "variance."}

    def states(self, types, extern=False):
        """The globals of parameters of these types by name. `extern`: parameters come from a file;
        all else starts as zeros."""
        for name, type in types.items():
            for prefix in self.PREFIXES.values():
                value = f"(#ml_program.extern<{type}>)" if extern and not prefix else ""
                self.line(f"ml_program.global private mutable {symbol(prefix + name)}{value} : {type}")
        self.line("ml_program.global private mutable @step : tensor<i64>")

    def load(self, name, type, hint=None):
        hint = hint or name.rpartition(".")[2]
        return self.op(hint, f"ml_program.global_load {symbol(name)} : {type}", type)

    def next_step(self):
        """Counts the step; its number."""
        one = self.constant("one", "dense<1>", "tensor<i64>")
        step = self.elementwise("count", "arith.addi", self.load("step", "tensor<i64>"), one)
        self.line(f"ml_program.global_store @step = {step} : tensor<i64>")
        return step

    def value_and_grad(self, loss, argument, types):
        """The loss, `%loss`, and its gradients, as `%grads#i`."""
        self.line(f"%loss, %grads:{len(types)} = linnet.value_and_grad @{loss}({argument}) wrt"
                  f" [{', '.join(map(symbol, types))}]")
        self.line(f"    : ({argument.type}) -> (tensor<f32>, {', '.join(types.values())})")
        return Value("%loss", "tensor<f32>")

    def adamw(self, hint, types, grads, rate, step, attributes):
        """Updates the parameters of these types by name, and their moments."""
        operands = {keyword: [str(self.load(prefix + name, type)) for name, type in types.items()]
                    for keyword, prefix in self.PREFIXES.items()}
        of, count = ", ".join(types.values()), len(types)
        self.line(f"%{hint}:{3 * count} = linnet.adamw")
        for keyword in ("params", "grads", "means", "variances"):
            values = ", ".join(grads if keyword == "grads" else operands[keyword])
            self.line(f"    {keyword}({values} : {of})")
        self.line(f"    lr({rate}) step({step}) {attributes}")
        self.line(f"    -> {of}, {of}, {of}")
        for k, prefix in enumerate(self.PREFIXES.values()):
            for i, (name, type) in enumerate(types.items()):
                self.line(f"ml_program.global_store {symbol(prefix + name)} ="
                          f" %{hint}#{k * count + i} : {type}")


def _braced(attributes):
    return f" {{{attributes}}}" if attributes else ""


def symbol(name):
    return f"@{name}" if name.isidentifier() else f'@"{name}"'


def _groups(groups):
    return "[" + ", ".join("[" + ", ".join(map(str, g)) + "]" for g in groups) + "]"
