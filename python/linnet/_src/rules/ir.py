# ===- ir.py - what a rule sees of the program -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Ops, values and types in rules, and the rewriter that changes them."""

import functools
import json
import math
import re
import struct

from linnet._src.rules import capi


@functools.lru_cache(None)
def descriptions():
    """For each op the names of its operands, attributes and results."""
    return json.loads((capi.folder() / "linnet" / "ops.json").read_text())


class Type:
    """A type; equal to another of the same text and to that text."""

    def __init__(self, handle):
        self._handle = handle

    def __str__(self):
        return capi.printed(capi.mlirTypePrint, self._handle)

    def __repr__(self):
        return f"<type {self}>"

    def __eq__(self, other):
        return str(self) == str(other)

    def __hash__(self):
        return hash(str(self))

    @property
    def shape(self):
        """Sizes, None for a dynamic one; None where this is no ranked tensor."""
        if not capi.mlirTypeIsARankedTensor(self._handle):
            return None
        return [None if capi.mlirShapedTypeIsDynamicDim(self._handle, i)
                else capi.mlirShapedTypeGetDimSize(self._handle, i)
                for i in range(capi.mlirShapedTypeGetRank(self._handle))]

    @property
    def element_type(self):
        """Of a ranked tensor; any other type itself."""
        if not capi.mlirTypeIsARankedTensor(self._handle):
            return self
        return Type(capi.mlirShapedTypeGetElementType(self._handle))


class Value:
    """An operand or a result; equal to another that is the same value."""

    def __init__(self, handle):
        self._handle = handle

    def __eq__(self, other):
        return isinstance(other, Value) and self._handle.ptr == other._handle.ptr

    def __hash__(self):
        return hash(self._handle.ptr)

    @property
    def type(self):
        return Type(capi.mlirValueGetType(self._handle))

    @property
    def shape(self):
        return self.type.shape

    @property
    def owner(self):
        """The op whose result this is; None for an argument of a function or block."""
        if not capi.mlirValueIsAOpResult(self._handle):
            return None
        return Op(capi.mlirOpResultGetOwner(self._handle))


class Op:
    """An op. Operands, results and attributes of linnet, arith, math and tensor ops have the names of
    their documentation: `op.q`, `op.causal`; absent ones are None. `op["name"]` is any attribute's text."""

    def __init__(self, handle):
        self._handle = handle

    def __str__(self):
        return capi.printed(capi.mlirOperationPrint, self._handle)

    def __eq__(self, other):
        return isinstance(other, Op) and self._handle.ptr == other._handle.ptr

    def __hash__(self):
        return hash(self._handle.ptr)

    @property
    def name(self):
        return str(capi.mlirIdentifierStr(capi.mlirOperationGetName(self._handle)))

    @property
    def operands(self):
        return [Value(capi.mlirOperationGetOperand(self._handle, i))
                for i in range(capi.mlirOperationGetNumOperands(self._handle))]

    @property
    def results(self):
        return [Value(capi.mlirOperationGetResult(self._handle, i))
                for i in range(capi.mlirOperationGetNumResults(self._handle))]

    def __getitem__(self, name):
        attribute = capi.mlirOperationGetAttributeByName(self._handle, capi.Bytes(name))
        return capi.printed(capi.mlirAttributePrint, attribute) if attribute.ptr else None

    def __getattr__(self, name):
        known = descriptions().get(self.name)
        if known and name in known["attributes"]:
            return to_python(known["attributes"][name][0], self[name])
        for kind in ("operands", "results") if known else ():
            if name in (group for group, _ in known[kind]):
                return self._group(known, kind, name)
        if name.startswith("__"):
            raise AttributeError(name)
        names = sorted([*known["attributes"], *(n for n, _ in known["operands"] + known["results"])]
                       if known else [])
        raise AttributeError(f"'{self.name}' has no '{name}', it has: {', '.join(names) or 'no names'}")

    def _group(self, known, kind, name):
        values, groups = getattr(self, kind), known[kind]
        segments = "operandSegmentSizes" if kind == "operands" else "resultSegmentSizes"
        text = self[segments] if known["segments"] or kind == "results" else None
        if text:
            sizes = [int(n) for n in re.findall(r"\d+", text.split(":")[1])]
        else:
            free = len(values) - sum(1 for _, arity in groups if not arity)
            sizes = [free if arity else 1 for _, arity in groups]
        index = [group for group, _ in groups].index(name)
        start = sum(sizes[:index])
        found = values[start:start + sizes[index]]
        if groups[index][1] == "*":
            return found
        return found[0] if found else None


#===------------------------------------------------------------------------===//
# Attributes
#===------------------------------------------------------------------------===//

def to_python(kind, text):
    """An attribute's text as a Python value, where there is one for its kind."""
    if kind == "unit":
        return text is not None
    if text is None:
        return None
    if kind == "bool":
        return text == "true"
    if kind in ("i32", "i64", "index"):
        return int(text.split(":")[0])
    if kind in ("f32", "f64"):
        return float(text.split(":")[0])
    if kind in ("i32s", "i64s"):
        return [int(n) for n in text.strip(">").partition(":")[2].split(",") if n.strip()]
    if kind == "str":
        return text[1:-1]
    if kind.startswith("#"):
        before, _, behind = kind.partition("$value")
        return text.removeprefix(before).removesuffix(behind)
    return text


def float_text(value, kind):
    """MLIR's spelling: a point before an exponent, bits where there are no digits."""
    if not math.isfinite(value):
        return "0x" + struct.pack(">f" if kind == "f32" else ">d", value).hex()
    digits, exponent, power = repr(value).partition("e")
    return digits + ("" if "." in digits else ".0") + exponent + power


def to_text(kind, value):
    """The text of an attribute; None: it is left out."""
    if value is None or (kind == "unit" and value is False):
        return None
    if kind == "unit":
        return "unit"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and kind in ("f32", "f64")):
        return f"{float_text(float(value), kind)} : {kind or 'f64'}"
    if isinstance(value, int):
        return f"{value} : {kind or 'i64'}"
    if isinstance(value, (list, tuple)) and kind in ("i32s", "i64s"):
        return f"array<{kind[:-1]}{': ' if value else ''}{', '.join(map(str, value))}>"
    if not isinstance(value, str):
        raise TypeError(f"cannot make an attribute of {value!r}")
    if kind == "str":
        return json.dumps(value, ensure_ascii=False)
    if kind.startswith("#") and not value.startswith("#"):
        return kind.replace("$value", value)
    return value


#===------------------------------------------------------------------------===//
# Rewriter
#===------------------------------------------------------------------------===//

_USUAL = ("linnet", "affine", "arith", "linalg", "math", "scf", "tensor")


def one_value(value):
    """A value, of an op its only result."""
    if isinstance(value, Op):
        if len(value.results) != 1:
            raise TypeError(f"'{value.name}' has {len(value.results)} results, name one")
        return value.results[0]
    if not isinstance(value, Value):
        raise TypeError(f"expects a value, found {value!r}")
    return value


class Rewriter:
    """Changes the program at the op that a rule was called for."""

    def __init__(self, rewriter, op):
        self._pattern = rewriter
        self._base = capi.mlirPatternRewriterAsBase(rewriter)
        self._op = op
        self._context = capi.mlirOperationGetContext(op._handle)
        self._location = capi.mlirOperationGetLocation(op._handle)
        self.changed = False

    def no_match(self, reason):
        """Says why the rule does not apply: `return rw.no_match("expects ...")`."""
        capi.linnetNotifyMatchFailure(self._pattern, self._op._handle, capi.Bytes(str(reason)))
        return False

    def create(self, name, *operands, types=None, **named):
        """Makes an op in front of the one that the rule is for. Operands come by position or, as attributes do, by
        name. `types`, of the results, where they do not follow from the operands."""
        known = descriptions().get(name)
        if not capi.mlirContextIsRegisteredOperation(self._context, capi.Bytes(name)):
            dialect = name.partition(".")[0]
            raise ValueError(f"there is no op '{name}'" if known or dialect in _USUAL else
                             f"there is no op '{name}', or it needs @linnet.rewrite(..., dialects=['{dialect}'])")
        groups = self._groups(name, known, operands, named)
        state = self._state(name, [v for group in groups for v in group], types)
        attributes = dict(named)
        if known and known["segments"]:
            attributes["operandSegmentSizes"] = f"array<i32: {', '.join(str(len(g)) for g in groups)}>"
        self._add_attributes(state, name, known, attributes)
        op = capi.mlirOperationCreate(state)
        if not op.ptr:
            raise ValueError(f"cannot make '{name}'")
        self.changed = True
        return Op(capi.mlirRewriterBaseInsert(self._base, op))

    def replace(self, op, *values):
        """Values, or ops with one result each, in place of the results of `op`, which goes away."""
        values = [one_value(v) for v in values]
        if len(values) != len(op.results):
            raise TypeError(f"'{op.name}' has {len(op.results)} results, found {len(values)} values for them")
        for old, new in zip(op.results, values):
            if old.type != new.type:
                raise TypeError(f"a result of '{op.name}' is {old.type}, found {new.type} in its place")
        self.changed = True
        capi.mlirRewriterBaseReplaceOpWithValues(
            self._base, op._handle, len(values), capi.array(capi.Value, [v._handle for v in values]))

    def _groups(self, name, known, operands, named):
        if not known:
            return [[one_value(v)] for v in operands]
        groups, rest = [], list(operands)
        for group, arity in known["operands"]:
            value = named.pop(group) if group in named else rest.pop(0) if rest else None
            if value is None and not arity:
                raise TypeError(f"'{name}' expects the operand '{group}'")
            many = arity == "*" and value is not None
            groups.append([one_value(v) for v in value] if many else
                          [] if value is None else [one_value(value)])
        if rest:
            raise TypeError(f"'{name}' takes {len(known['operands'])} operands, found {len(rest)} more")
        return groups

    def _state(self, name, operands, types):
        text = capi.Bytes(name)
        state = capi.mlirOperationStateGet(text, self._location)
        state.text = text  # the state points into it
        if operands:
            capi.mlirOperationStateAddOperands(
                state, len(operands), capi.array(capi.Value, [v._handle for v in operands]))
        if types is None:
            capi.mlirOperationStateEnableResultTypeInference(state)
        elif types:
            capi.mlirOperationStateAddResults(
                state, len(types), capi.array(capi.Type, [self._type(t) for t in types]))
        return state

    def _type(self, kind):
        if isinstance(kind, Type):
            return kind._handle
        handle = capi.mlirTypeParseGet(self._context, capi.Bytes(str(kind)))
        if not handle.ptr:
            raise ValueError(f"'{kind}' is no type")
        return handle

    def _add_attributes(self, state, name, known, attributes):
        named = []
        for key, value in attributes.items():
            kind, required = known["attributes"].get(key, ("", False)) if known else ("", False)
            if known and key not in known["attributes"] and key != "operandSegmentSizes" and "." not in key:
                names = ", ".join([*known["attributes"], *(n for n, _ in known["operands"])])
                raise TypeError(f"'{name}' has no '{key}', it has: {names}")
            text = to_text(kind, value)
            if text is None:
                continue
            attribute = capi.mlirAttributeParseGet(self._context, capi.Bytes(text))
            if not attribute.ptr:
                raise ValueError(f"'{text}' is no attribute")
            named.append(capi.NamedAttribute(
                capi.mlirIdentifierGet(self._context, capi.Bytes(key)), attribute))
        for key, (_, required) in known["attributes"].items() if known else ():
            if required and attributes.get(key) is None:
                raise TypeError(f"'{name}' expects the attribute '{key}'")
        if named:
            capi.mlirOperationStateAddAttributes(state, len(named), capi.array(capi.NamedAttribute, named))
