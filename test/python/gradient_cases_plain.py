# ===- gradient_cases_plain.py - rows for arith, math, tensor, plain ops, norms -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import itertools

import numpy as np
import torch
import torch.nn.functional as F
from gradient_cases import array, case

from linnet import reference as ref
from linnet._src.reference import plain

X = np.float32([[-1.7, -0.3, 0.2], [0.9, 1.4, 2.6]])
Z = np.float32([[0.5, 2.0, 1.5], [-1.5, 3.0, 0.75]])
POSITIVE = np.abs(X) + np.float32(0.25)
UNIT = X / np.float32(3)

# op: (where, PyTorch's function)
UNARY = {
    "arith.negf": (X, torch.neg), "math.exp": (X, torch.exp), "math.exp2": (X, torch.exp2),
    "math.expm1": (X, torch.expm1), "math.log": (POSITIVE, torch.log),
    "math.log2": (POSITIVE, torch.log2), "math.log10": (POSITIVE, torch.log10),
    "math.log1p": (POSITIVE, torch.log1p), "math.sqrt": (POSITIVE, torch.sqrt),
    "math.rsqrt": (POSITIVE, torch.rsqrt), "math.cbrt": (POSITIVE, lambda x: x ** (1 / 3)),
    "math.sin": (X, torch.sin), "math.cos": (X, torch.cos), "math.tan": (UNIT, torch.tan),
    "math.tanh": (X, torch.tanh), "math.sinh": (X, torch.sinh), "math.cosh": (X, torch.cosh),
    "math.atan": (X, torch.atan), "math.asin": (UNIT, torch.asin), "math.acos": (UNIT, torch.acos),
    "math.erf": (X, torch.erf), "math.erfc": (X, torch.erfc), "math.absf": (X, torch.abs),
    "math.floor": (X, torch.floor), "math.ceil": (X, torch.ceil), "math.trunc": (X, torch.trunc),
    "math.round": (X, torch.round), "math.roundeven": (X, torch.round),
}
BINARY = {
    "arith.addf": torch.add, "arith.subf": torch.sub, "arith.mulf": torch.mul,
    "arith.divf": torch.div, "arith.maximumf": torch.maximum, "arith.minimumf": torch.minimum,
    "arith.maxnumf": torch.maximum, "arith.minnumf": torch.minimum, "math.powf": torch.pow,
    "math.atan2": torch.atan2, "math.copysign": torch.copysign,
}


def elementwise():
    for op, (x, function) in UNARY.items():
        yield op, case(f"%y = {op} %x0 : {{0}}", x, torch=function)
    for op, function in BINARY.items():
        yield op, case(f"%y = {op} %x0, %x1 : {{0}}", POSITIVE, Z, torch=function)
    yield "math.fma", case("%y = math.fma %x0, %x1, %x2 : {0}", X, Z, POSITIVE,
                           torch=lambda x, y, z: x * y + z)
    for n in (-2, 0, 1, 3):
        yield "math.fpowi", case(f"%n = arith.constant dense<{n}> : tensor<2x3xi32>\n"
                                 "  %y = math.fpowi %x0, %n : {0}, tensor<2x3xi32>", X,
                                 torch=lambda x, n=n: x**n, label=f"fpowi {n}")
    yield "arith.select", case("%y = arith.select %x0, %x1, %x2 : {0}, {1}", X > 0, X, Z,
                               torch=torch.where)
    yield "arith.select", case("%y = arith.select %x0, %x1, %x2 : {1}", np.bool_(True), X, Z,
                               torch=lambda c, x, z: torch.where(c, x, z), label="scalar condition")
    for narrow, unit in (("f16", 2**-11), ("bf16", 2**-8)):
        yield "arith.truncf", case(
            f"%h = arith.truncf %x0 : {{0}} to tensor<2x3x{narrow}>\n"
            f"  %y = arith.extf %h : tensor<2x3x{narrow}> to {{r}}", X, torch=lambda x: x * 1.0,
            label=narrow, unit=unit)
    yield "arith.extf", case("%y = arith.extf %x0 : {0} to {r}", X.astype(np.float16),
                             torch=lambda x: x * 1.0)


def shapes():
    x = array(3, 4)
    yield "tensor.cast", case("%d = tensor.cast %x0 : {0} to tensor<?x4xf32>\n"
                              "  %y = tensor.cast %d : tensor<?x4xf32> to {r}", x, torch=torch.clone)
    yield "tensor.extract_slice", case(
        "%y = tensor.extract_slice %x0[0, 1] [2, 2] [2, 2] : {0} to {r}", x,
        torch=lambda v: v[0:4:2, 1:5:2])
    yield "tensor.extract_slice", case(
        "%y = tensor.extract_slice %x0[2, 0] [1, 4] [1, 1] : {0} to {r}", x, torch=lambda v: v[2],
        label="of lower rank")
    yield "tensor.extract_slice", case(
        "%i = arith.index_cast %x1 : i64 to index\n"
        "  %y = tensor.extract_slice %x0[%i, 1] [2, 2] [1, 2] : {0} to {r}", x, np.int64(1),
        torch=lambda v, i: v[i:i + 2, 1:5:2], label="dynamic offset")
    yield "tensor.insert_slice", case(
        "%y = tensor.insert_slice %x1 into %x0[1, 0] [2, 2] [1, 2] : {1} into {0}", x, array(2, 2),
        torch=lambda v, s: torch.cat([v[:1], torch.stack([s[:, 0], v[1:, 1], s[:, 1], v[1:, 3]], 1)]))
    yield "tensor.insert_slice", case(
        "%y = tensor.insert_slice %x1 into %x0[1, 0] [1, 4] [1, 1] : {1} into {0}", x, array(4),
        torch=lambda v, s: torch.cat([v[:1], s[None], v[2:]]), label="of lower rank")
    yield "tensor.collapse_shape", case("%y = tensor.collapse_shape %x0 [[0, 1]] : {0} into {r}", x,
                                        torch=lambda v: v.reshape(12))
    yield "tensor.expand_shape", case(
        "%y = tensor.expand_shape %x0 [[0], [1, 2]] output_shape [3, 2, 2] : {0} into {r}", x,
        torch=lambda v: v.reshape(3, 2, 2))
    for low, high in (((1, 0), (1, 2)), ((0, 0), (0, 0)), ((0, 2), (3, 0))):
        yield "tensor.pad", case(
            f"%c = arith.constant 2.0 : f32\n  %y = tensor.pad %x0 low[{low[0]}, {low[1]}] "
            f"high[{high[0]}, {high[1]}] {{{{\n  ^bb0(%i: index, %j: index):\n    tensor.yield %c : f32\n"
            "  }} : {0} to {r}", x, label=f"{low} {high}", torch=lambda v, a=low, b=high: F.pad(
                v, (a[1], b[1], a[0], b[0]), value=2.0))
    for dim in (0, 1):
        yield "tensor.concat", case(f"%y = tensor.concat dim({dim}) %x0, %x1, %x0 : ({{0}}, {{1}}, {{0}})"
                                    " -> {r}", x, array(3, 4, seed=5), label=f"dim {dim}",
                                    torch=lambda v, z, d=dim: torch.cat([v, z, v], d))
    yield "tensor.extract", case(
        "%c = arith.constant 1 : index\n  %e = tensor.extract %x0[%c, %c] : {0}\n"
        "  %y = tensor.from_elements %e : {r}", x, torch=lambda v: v[1, 1].reshape(1))
    yield "tensor.insert", case("%c = arith.constant 1 : index\n"
                                "  %y = tensor.insert %x1 into %x0[%c, %c] : {0}", x, np.float32(3),
                                torch=lambda v, s: v.index_put(
                                    (torch.tensor(1), torch.tensor(1)), s))
    yield "tensor.from_elements", case("%y = tensor.from_elements %x0, %x1, %x0, %x1 : {r}",
                                       np.float32(2), np.float32(3), torch=lambda a, b: torch.stack(
                                           [torch.stack([a, b]), torch.stack([a, b])]), label="2x2")
    yield "tensor.splat", case("%y = tensor.splat %x0 : {r}", np.float32(2),
                               torch=lambda a: a.expand(2, 3))
    for order in itertools.permutations(range(3)):
        yield "linalg.transpose", case(
            "%e = tensor.empty() : {r}\n  %y = linalg.transpose ins(%x0 : {0}) outs(%e : {r}) "
            f"permutation = {list(order)}", array(2, 3, 4), torch=lambda v, o=order: v.permute(o),
            label=str(order))


EINSUMS = [("ij,jk->ik", [(3, 5), (5, 4)]), ("bij,bkj->bik", [(2, 3, 5), (2, 4, 5)]),
           ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]), ("ij->j", [(3, 4)]), ("ij,ij->", [(3, 4)] * 2),
           ("i,j->ij", [(3,), (4,)]), ("ijk,k->ij", [(2, 3, 4), (4,)]), ("ij,k->ik", [(2, 3), (4,)]),
           ("ij->ji", [(3, 4)]), ("ij,jk->ik", [(3, 0), (0, 4)]), ("ij,jk->ik", [(1, 5), (5, 1)])]
# source, dims, result
BROADCASTS = [((4,), None, (3, 4)), ((3,), [0], (3, 4)), ((1, 4), None, (3, 4)), ((3, 1), None, (3, 4)),
              ((), None, (3, 4)), ((2, 1, 4), [0, 2, 3], (2, 5, 3, 4)), ((1, 1), None, (3, 4)),
              ((1, 4), [0, 2], (2, 3, 4))]


def broadcasts():
    for shape, dims, full in BROADCASTS:
        view, at = [1] * len(full), dims or range(len(full) - len(shape), len(full))
        for size, position in zip(shape, at):
            view[position] = size
        yield "linnet.broadcast", case(
            f"%y = linnet.broadcast %x0{f' dims {dims}' if dims else ''} : {{0}} -> {{r}}",
            array(*shape), torch=lambda v, s=view, f=full: v.reshape(s).expand(f))
    yield "linnet.broadcast", case("%y = linnet.broadcast %x0 : {0} -> {r}", np.float32(3),
                                   torch=lambda v: v.expand(2, 3))
    dynamic = "%d = tensor.cast %x1 : {1} to tensor<?x4xf32>\n  "
    yield "linnet.broadcast", case(
        dynamic + "%b = linnet.broadcast %x0 like %d : {0}, tensor<?x4xf32> -> tensor<?x4xf32>\n"
        "  %y = tensor.cast %b : tensor<?x4xf32> to {r}", array(4), array(3, 4),
        torch=lambda v, z: v.expand(3, 4), label="like")
    yield "linnet.broadcast", case(
        dynamic + "%c = arith.constant 0 : index\n  %n = tensor.dim %d, %c : tensor<?x4xf32>\n"
        "  %b = linnet.broadcast %x0 sizes(%n) : {0} -> tensor<?x4xf32>\n"
        "  %y = tensor.cast %b : tensor<?x4xf32> to {r}", array(4), array(3, 4),
        torch=lambda v, z: v.expand(3, 4), label="sizes")


def reductions():
    x = array(3, 5, 4)
    x[0, 1, 2] = x[1, 1, 2] = x[0, 2, 2] = 7.0  # equal maxima
    zeros = x.copy()
    zeros[0, 0, 0] = zeros[2, 1, 0] = zeros[1, 1, 0] = 0.0
    of = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin}

    def product(v, axes, keepdim):
        for axis in sorted(axes, reverse=True):
            v = v.prod(axis, keepdim=keepdim)
        return v
    for kind in (*of, "prod"):
        for axes, keep in itertools.product(([0], [1], [0, 2], [0, 1, 2]), (False, True)):
            def call(v, k=kind, a=axes, keep=keep):
                return product(v, a, keep) if k == "prod" else of[k](v, a, keepdim=keep)
            # where extrema are equal there are no differences to take
            tied = kind == "max" and not {0, 1}.isdisjoint(axes)
            made = case(f"%y = linnet.reduce {kind} %x0 axes {axes}{' keepdims' * keep} : {{0}} -> {{r}}",
                        zeros if kind == "prod" else x, torch=call)
            made.reference = None if tied else made.reference
            yield "linnet.reduce", made


def products_and_gathers():
    for equation, sizes in EINSUMS:
        values = [array(*s, seed=i) for i, s in enumerate(sizes)]
        names = ", ".join(f"%x{i}" for i in range(len(sizes)))
        types = ", ".join(f"{{{i}}}" for i in range(len(sizes)))
        yield "linnet.einsum", case(f'%y = linnet.einsum "{equation}" {names} : {types} -> {{r}}',
                                    *values, torch=lambda *v, e=equation: torch.einsum(e, *v))
    for data, indices, axis, batch in (((7, 3), (4, 5), 0, 0), ((3, 7), (4,), 1, 0),
                                       ((2, 7, 3), (2, 4), 1, 1), ((2, 3, 5), (2, 3), 2, 2)):
        i = np.random.default_rng(0).integers(0, data[axis], indices)
        batched = f" batch_dims {batch}" * bool(batch)
        forward = case(f"%y = linnet.gather %x0, %x1 axis {axis}{batched} : {{0}}, {{1}} -> {{r}}",
                       array(*data), i, torch=lambda x, i, a=axis, b=batch: gather(x, i, a, b),
                       reference=lambda x, i, a=axis, b=batch: ref.gather(x, i, a, b)[0])
        yield "linnet.gather", forward
        updates = ref.gather(array(*data), i, axis, batch)[0].astype(np.float32)
        yield "linnet.scatter_add", case(
            f"%y = linnet.scatter_add %x0, %x1 axis {axis}{batched} : {{0}}, {{1}} -> {{r}}", updates, i,
            reference=lambda x, i, a=axis, b=batch, n=data[axis]: plain.scatter_add(x, i, n, a, b)[0])
    yield "linnet.scatter_add", case(
        "%d = tensor.cast %x2 : {2} to tensor<?xf32>\n  %c = arith.constant 0 : index\n"
        "  %n = tensor.dim %d, %c : tensor<?xf32>\n  %s = linnet.scatter_add %x0, %x1 axis 0 size(%n)"
        " : {0}, {1} -> tensor<?x3xf32>\n  %y = tensor.cast %s : tensor<?x3xf32> to {r}",
        array(6, 3), np.array([0, 4, 4, 1, 0, 0]), array(5), wrt=[0], label="size",
        reference=lambda x, i, n: plain.scatter_add(x, i, 5, 0)[0],
        torch=lambda x, i, n: torch.zeros(5, 3, dtype=x.dtype).index_add(0, i, x))


def gather(x, i, axis, batch):
    if batch == 0:
        rows = x.index_select(axis, i.flatten())
        return rows.reshape((*x.shape[:axis], *i.shape, *x.shape[axis + 1:]))
    return torch.stack([gather(a, b, axis - 1, batch - 1) for a, b in zip(x, i)])


def norms():
    x = array(3, 4, 5)
    for axis, masked in itertools.product((0, 1, 2), (False, True)):
        yield "linnet.softmax", case(f"%y = linnet.softmax %x0 axis {axis}{' zero_masked' * masked} : {{0}}",
                                     x, torch=lambda v, a=axis: v.softmax(a),
                                     reference=lambda v, a=axis, m=masked: ref.softmax(v, a, m))
    for axes, scaled, shifted in itertools.product((1, 2, 3), (False, True), (False, True)):
        shape = x.shape[3 - axes:]
        rest = [array(*shape, seed=3)] * scaled + [array(*shape, seed=4)] * shifted
        names = " scale %x1" * scaled + f" bias %x{1 + scaled}" * shifted
        types = "".join(f", {{{i + 1}}}" for i in range(len(rest)))

        def split(rest, s=scaled, b=shifted):
            rest = iter(rest)
            return next(rest) if s else None, next(rest) if b else None
        yield "linnet.layer_norm", case(
            f"%y = linnet.layer_norm %x0{names} axes {axes} eps 1.0e-3 : {{0}}{types}", x, *rest,
            torch=lambda v, *r, s=shape, f=split: F.layer_norm(v, s, *f(r), 1e-3),
            reference=lambda v, *r, a=axes, f=split: ref.layer_norm(v, *f(r), a, 1e-3))
    for axes, kind in itertools.product((1, 2), ("", "scale", "unit_offset")):
        shape = x.shape[3 - axes:]
        rest, offset = [array(*shape, seed=3)] * bool(kind), kind == "unit_offset"
        yield "linnet.rms_norm", case(
            f"%y = linnet.rms_norm %x0{' scale %x1' * bool(kind)} axes {axes} eps 1.0e-3"
            f"{' unit_offset' * offset} : {{0}}{', {1}' * bool(kind)}", x, *rest,
            torch=lambda v, *r, s=shape, o=offset: F.rms_norm(v, s, *(t + o for t in r), eps=1e-3),
            reference=lambda v, *r, a=axes, o=offset: ref.rms_norm(
                v, *(r or [None]), a, 1e-3, o))


def cases():
    for family in (elementwise, shapes, broadcasts, reductions, products_and_gathers, norms):
        yield from family()
