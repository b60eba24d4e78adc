# ===- attention_exports.py - attention as exporters write it -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Attention in the forms in which PyTorch's, ONNX's and JAX's exporters bring it: every function here writes
one, with its arguments. 2 batches, 4 heads, 6 positions, 8 channels where nothing else is said."""
import numpy as np
from attention_spellings import Writer

B, H, S, D = 2, 4, 6, 8
LOWEST = "-3.40282347E+38"


class Export(Writer):
    """One op per step, each a linalg op on whole tensors, as importers have it."""

    def __init__(self, name):
        super().__init__(None, None)
        self.name, self.arguments, self.given = name, [], []

    def argument(self, *shape, element="f32"):
        name = f"%arg{len(self.arguments)}"
        self.arguments.append(f"{name}: {self.type(shape, element)}")
        self.given.append((shape, element))
        return name, shape, element

    def heads(self, n=S, h=H, d=D):
        """An argument [B,S,H*D] as [B,H,S,D], the transpose materialised."""
        x = self.expand(self.argument(B, n, h * d), [[0], [1], [2, 3]], (B, n, h, d))
        return self.swap(x, [0, 2, 1, 3])

    def constant(self, values, element="i64"):
        values = np.asarray(values)
        text = str(values.tolist()).replace("True", "true").replace("False", "false")
        return self.tensor(f"arith.constant dense<{text}> : {self.type(values.shape, element)}",
                           values.shape, element)

    def map(self, element, body, *xs):
        """Elementwise with sizes of 1 repeated; the body's last name is %r."""
        shape = np.broadcast_shapes(*(x[1] for x in xs))
        rank = len(shape)
        dims = ", ".join(f"d{i}" for i in range(rank))

        def at(s):
            return ", ".join("0" if n == 1 != shape[i] else f"d{i}"
                             for i, n in enumerate(s, rank - len(s)))
        maps = ", ".join(f"affine_map<({dims}) -> ({at(s)})>" for s in [x[1] for x in xs] + [shape])
        kinds = ", ".join(['"parallel"'] * rank)
        args = ", ".join(f"%a{i}: {x[2]}" for i, x in enumerate(xs))
        ins = f"ins({', '.join(x[0] for x in xs)} : {', '.join(self.type(*x[1:]) for x in xs)})"
        t = self.type(shape, element)
        lines = "\n    ".join([body] if isinstance(body, str) else body)
        return self.tensor(f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}} {ins} "
                           f"outs({self.empty(shape, element)} : {t}) {{\n  ^bb0({args}, %o: {element}):\n    "
                           f"{lines}\n    linalg.yield %r : {element}\n  }} -> {t}", shape, element)

    def add(self, x, y):
        return self.map(x[2], f"%r = arith.addf %a0, %a1 : {x[2]}", x, y)

    def scale(self, x, value, op="mulf"):
        c = self.tensor(f"arith.constant dense<{float(np.float32(value))!r}> : tensor<f32>", ())
        return self.map("f32", f"%r = arith.{op} %a0, %a1 : f32", x, c)

    def where(self, condition, x, y):
        x, y = (self.tensor(f"arith.constant dense<{v}> : tensor<f32>", ()) if isinstance(v, str) else v
                for v in (x, y))
        return self.map("f32", "%r = arith.select %a0, %a1, %a2 : f32", condition, x, y)

    def compare(self, predicate, x, y):
        return self.map("i1", f"%r = arith.cmpi {predicate}, %a0, %a1 : {x[2]}", x, y)

    def both(self, x, y):
        return self.map("i1", "%r = arith.andi %a0, %a1 : i1", x, y)

    def positions(self, n=S):
        """Those of keys [1,1,1,n] and of queries [1,1,n,1]."""
        p = self.constant(range(n))
        return (self.expand(p, [[0, 1, 2, 3]], (1, 1, 1, n)), self.expand(p, [[0, 1, 2, 3]], (1, 1, n, 1)))

    def spread(self, x, shape):
        """Sizes of 1 repeated, by an op that copies."""
        rank = len(shape)
        dims = ", ".join(f"d{i}" for i in range(rank))
        at = ", ".join("0" if n == 1 != shape[i] else f"d{i}" for i, n in enumerate(x[1]))
        kinds = ", ".join(['"parallel"'] * rank)
        return self.tensor(
            f"linalg.generic {{indexing_maps = [affine_map<({dims}) -> ({at})>, affine_map<({dims}) -> "
            f"({dims})>], iterator_types = [{kinds}]}} ins({x[0]} : {self.type(*x[1:])}) "
            f"outs({self.empty(shape)} : {self.type(shape)}) {{\n  ^bb0(%a: f32, %o: f32):\n    "
            f"linalg.yield %a : f32\n  }} -> {self.type(shape)}", shape)

    def indices(self, shape, dim):
        """JAX's iota."""
        return self.generic([], [list(range(len(shape)))], len(shape), shape,
                            [f"%i = linalg.index {dim} : index", "%r = arith.index_cast %i : index to i32",
                             "linalg.yield %r : i32"], "i32")

    def contract(self, equation, x, y):
        """dot_general with its transposes done: one loop per letter."""
        (a, b), c = equation.split("->")[0].split(","), equation.split("->")[1]
        sizes = dict(zip(a + b, x[1] + y[1]))
        letters = c + "".join(sorted(set(a + b) - set(c)))
        shape = tuple(sizes[n] for n in c)
        return self.generic([x, y], [[letters.index(n) for n in names] for names in (a, b, c)], len(letters),
                            shape, ["%p = arith.mulf %a0, %a1 : f32", "%r = arith.addf %o, %p : f32",
                                    "linalg.yield %r : f32"],
                            reductions=range(len(c), len(letters)), init=self.filled("0.0", shape))

    def swap(self, x, order):
        to = tuple(x[1][d] for d in order)
        return self.tensor(f"linalg.transpose ins({x[0]} : {self.type(*x[1:])}) outs({self.empty(to, x[2])} : "
                           f"{self.type(to, x[2])}) permutation = {order}", to, x[2])

    def matmul(self, x, y, start=None):
        """[B,H,M,K] times [B,H,K,N] with batch and heads as one dimension."""
        b, h, m, _ = x[1]
        n = y[1][3]
        x, y = (self.collapse(v, [[0, 1], [2], [3]]) for v in (x, y))
        init = start[0] if start else self.filled("0.0", (b * h, m, n))
        t = self.type((b * h, m, n))
        y = self.tensor(f"linalg.batch_matmul ins({x[0]}, {y[0]} : {self.type(x[1])}, {self.type(y[1])}) "
                        f"outs({init} : {t}) -> {t}", (b * h, m, n))
        return self.expand(y, [[0, 1], [2], [3]], (b, h, m, n))

    def fold(self, op, start, x):
        """A reduction of the last dimension, which stays with size 1."""
        rank, to = len(x[1]), (*x[1][:-1], 1)
        dims = ", ".join(f"d{i}" for i in range(rank))
        row = ", ".join([f"d{i}" for i in range(rank - 1)] + ["0"])
        kinds = ", ".join(['"parallel"'] * (rank - 1) + ['"reduction"'])
        return self.tensor(
            f"linalg.generic {{indexing_maps = [affine_map<({dims}) -> ({dims})>, affine_map<({dims}) -> "
            f"({row})>], iterator_types = [{kinds}]}} ins({x[0]} : {self.type(x[1])}) "
            f"outs({self.filled(start, to)} : {self.type(to)}) {{\n  ^bb0(%a: f32, %o: f32):\n    "
            f"%r = {op} %a, %o : f32\n    linalg.yield %r : f32\n  }} -> {self.type(to)}", to)

    def exponentials(self, s):
        top = self.fold("arith.maximumf", "0xFF800000", s)
        return self.map("f32", ["%d = arith.subf %a0, %a1 : f32", "%r = math.exp %d : f32"], s, top)

    def softmax(self, s):
        e = self.exponentials(s)
        return self.map("f32", "%r = arith.divf %a0, %a1 : f32", e, self.fold("arith.addf", "0.0", e))

    def scores(self, q, k):
        return self.scale(self.matmul(q, self.swap(k, [0, 1, 3, 2])), D ** -0.5)

    def finish(self, y):
        t = self.type(*y[1:])
        return "\n".join([f"func.func @{self.name}({', '.join(self.arguments)}) -> {t} {{", *self.lines,
                          f"  return {y[0]} : {t}", "}"]), self.given, y[1]


def plain(w, mask=lambda w, s: s, n=S):
    q, k, v = w.heads(n), w.heads(n), w.heads(n)
    return w.matmul(w.softmax(mask(w, w.scores(q, k))), v)


def torch_causal(w):
    """Transformers without a mask: le(kv, q) and the test for packed sequences, folded, and all-true."""
    def mask(w, s):
        kv, q = w.positions()
        zero = w.constant(np.zeros((1, 1, 1, S), int)), w.constant(np.zeros((1, 1, S, 1), int))
        causal = w.both(w.compare("sle", kv, q), w.compare("eq", *zero))
        true = w.tensor("arith.constant dense<true> : tensor<i1>", (), "i1")
        return w.where(w.both(true, causal), s, LOWEST)
    return plain(w, mask)


def torch_packed(w):
    """The same where the sequences are an input."""
    def mask(w, s):
        kv, q = w.positions()
        ids = w.argument(B, S, element="i64")
        same = w.compare("eq", w.expand(ids, [[0, 1, 2], [3]], (B, 1, 1, S)),
                         w.expand(ids, [[0, 1], [2, 3]], (B, 1, S, 1)))
        return w.where(w.both(w.compare("sle", kv, q), same), s, "0xFF800000")
    return plain(w, mask)


def torch_causal_and_padding(w):
    def mask(w, s):
        kv, q = w.positions()
        seen = w.expand(w.argument(B, S, element="i1"), [[0, 1, 2], [3]], (B, 1, 1, S))
        return w.where(w.both(w.compare("sle", kv, q), seen), s, "0xFF800000")
    return plain(w, mask)


def torch_sliding_window(w):
    def mask(w, s):
        kv, q = w.positions()
        first = w.map("i64", ["%c = arith.constant 3 : i64", "%r = arith.subi %a0, %c : i64"], q)
        return w.where(w.both(w.compare("sgt", kv, first), w.compare("sle", kv, q)), s, LOWEST)
    return plain(w, mask)


def torch_bidirectional(w):
    """An all-true ge(arange, 0)."""
    def mask(w, s):
        _, q = w.positions()
        return w.where(w.compare("sge", q, w.constant(np.zeros((1, 1, 1, S), int))), s, LOWEST)
    return plain(w, mask)


def torch_additive(w):
    """A causal mask of finfo.min, added."""
    def mask(w, s):
        kv, q = w.positions()
        return w.add(s, w.where(w.compare("sle", kv, q), "0.0", LOWEST))
    return plain(w, mask)


def torch_masked_fill(w):
    """full_like, masked_fill(-inf), added: what PyTorch's own decomposition of attention does."""
    def mask(w, s):
        seen = w.constant(np.tril(np.ones((S, S), bool)), "i1")
        hidden = w.map("i1", ["%t = arith.constant true", "%r = arith.xori %a0, %t : i1"], seen)
        return w.add(s, w.where(hidden, "0xFF800000", "0.0"))
    return plain(w, mask)


def torch_split_scale(w):
    """The root of the scale on both sides."""
    q, k, v = w.heads(), w.heads(), w.heads()
    half = D ** -0.25
    s = w.matmul(w.scale(q, half), w.scale(w.swap(k, [0, 1, 3, 2]), half))
    return w.matmul(w.softmax(s), v)


def t5_bias(w):
    """No scale, a bias of positions, and finfo.min where padding is."""
    q, k, v = w.heads(), w.heads(), w.heads()
    bias = w.argument(1, H, S, S)
    seen = w.argument(B, 1, 1, S, element="i1")
    s = w.matmul(q, w.swap(k, [0, 1, 3, 2]))
    return w.matmul(w.softmax(w.add(s, w.where(seen, bias, LOWEST))), v)


def swin(w):
    """Windows in the batch, a bias per head and a mask of 0 and -100 per window."""
    q, k, v = w.heads(), w.heads(), w.heads()
    s = w.add(w.scores(w.scale(q, 1.0), k), w.argument(1, H, S, S))
    s = w.expand(s, [[0, 1], [2], [3], [4]], (1, B, H, S, S))
    shift = w.expand(w.argument(B, S, S), [[0, 1], [2, 3], [4]], (1, B, 1, S, S))
    s = w.collapse(w.add(s, shift), [[0, 1], [2], [3], [4]])
    return w.matmul(w.softmax(s), v)


def gemma_softcap(w):
    """div, tanh, mul, then the mask."""
    def mask(w, s):
        kv, q = w.positions()
        s = w.scale(w.map("f32", "%r = math.tanh %a0 : f32", w.scale(s, 30, "divf")), 30)
        return w.where(w.compare("sle", kv, q), s, LOWEST)
    return plain(w, mask)


def gqa(w):
    """Keys and values: unsqueeze, expand, clone, view."""
    q, k, v = w.heads(), w.heads(h=2), w.heads(h=2)

    def wide(x):
        x = w.expand(x, [[0], [1, 2], [3], [4]], (B, 2, 1, S, D))
        return w.collapse(w.spread(x, (B, 2, 2, S, D)), [[0], [1, 2], [3], [4]])
    return w.matmul(w.softmax(w.scores(q, wide(k))), wide(v))


def mqa(w):
    """One head of keys, repeated by the product."""
    q, k, v = w.heads(), w.argument(B, S, D), w.argument(B, S, D)
    q = w.collapse(q, [[0], [1, 2], [3]])
    t = w.type((B, H * S, S))
    kt = w.swap(k, [0, 2, 1])
    s = w.tensor(f"linalg.batch_matmul ins({q[0]}, {kt[0]} : {w.type(q[1])}, {w.type(kt[1])}) "
                 f"outs({w.filled('0.0', (B, H * S, S))} : {t}) -> {t}", (B, H * S, S))
    p = w.softmax(w.scale(s, D ** -0.5))
    t = w.type((B, H * S, D))
    y = w.tensor(f"linalg.batch_matmul ins({p[0]}, {v[0]} : {w.type(p[1])}, {w.type(v[1])}) "
                 f"outs({w.filled('0.0', (B, H * S, D))} : {t}) -> {t}", (B, H * S, D))
    return w.expand(y, [[0], [1, 2], [3]], (B, H, S, D))


def bloom(w):
    """baddbmm: the product starts with the ALiBi bias."""
    q, k, v = w.heads(), w.heads(), w.heads()
    kv, qp = w.positions()
    alibi = w.collapse(w.spread(w.argument(1, H, 1, S), (B, H, S, S)), [[0, 1], [2], [3]])
    s = w.matmul(w.scale(q, D ** -0.5), w.swap(k, [0, 1, 3, 2]), start=alibi)
    return w.matmul(w.softmax(w.where(w.compare("sle", kv, qp), s, LOWEST)), v)


def gpt2_fused(w):
    """One product for queries, keys and values, cut in three."""
    x = w.argument(B, S, 3 * H * D)
    parts = []
    for i in range(3):
        part = w.tensor(f"tensor.extract_slice {x[0]}[0, 0, {i * H * D}] [{B}, {S}, {H * D}] [1, 1, 1] : "
                        f"{w.type(x[1])} to {w.type((B, S, H * D))}", (B, S, H * D))
        parts.append(w.swap(w.expand(part, [[0], [1], [2, 3]], (B, S, H, D)), [0, 2, 1, 3]))
    q, k, v = parts
    seen = w.constant(np.tril(np.ones((1, 1, S, S), bool)), "i1")
    y = w.matmul(w.softmax(w.where(seen, w.scores(q, k), LOWEST)), v)
    return w.collapse(w.swap(y, [0, 2, 1, 3]), [[0], [1], [2, 3]])


def half_precision(w):
    """f16 with the softmax in f32, rounded for the second product."""
    q, k, v = (w.argument(B, H, S, D, element="f16") for _ in range(3))
    q, k, v = (w.map("f32", "%r = arith.extf %a0 : f16 to f32", x) for x in (q, k, v))
    p = w.map("f16", "%r = arith.truncf %a0 : f32 to f16", w.softmax(w.scores(q, k)))
    return w.matmul(w.map("f32", "%r = arith.extf %a0 : f16 to f32", p), v)


def onnx_softmax(w):
    """Div by a constant, Softmax as an op, MatMul of rank 4."""
    q, k, v = w.heads(), w.heads(n=7), w.heads(n=7)
    seen = w.argument(B, 1, 1, 7, element="i1")
    s = w.scale(w.contract("bhmk,bhkn->bhmn", q, w.swap(k, [0, 1, 3, 2])), D ** 0.5, "divf")
    s = w.where(seen, s, "0xFF800000")
    p = w.tensor(f"linalg.softmax dimension(3) ins({s[0]} : {w.type(s[1])}) outs({w.empty(s[1])} : "
                 f"{w.type(s[1])}) -> {w.type(s[1])}", s[1])
    return w.contract("bhmk,bhkn->bhmn", p, v)


def jax_late_division(w):
    """iota >= iota, -1e30, and the sum divides what the second product gives; [B,S,H,D]."""
    q, k, v = (w.argument(B, S, H, D) for _ in range(3))
    s = w.scale(w.contract("bmhk,bnhk->bhmn", q, k), D ** -0.5)
    iota = [w.indices((S, S), d) for d in (0, 1)]
    e = w.exponentials(w.where(w.compare("sge", *iota), s, "-1.0e30"))
    total = w.fold("arith.addf", "0.0", e)
    y = w.map("f32", "%r = arith.divf %a0, %a1 : f32", w.contract("bhmn,bnhd->bhmd", e, v), total)
    return w.swap(y, [0, 2, 1, 3])


def jax_dot_product_attention(w):
    """jax.nn's: grouped queries as [B,S,K,G,D], a bias, and -0.7 of the largest number."""
    q, k, v = w.argument(B, S, 2, 2, D), w.argument(B, S, 2, D), w.argument(B, S, 2, D)
    s = w.scale(w.contract("btkgd,bskd->bkgts", q, k), D ** -0.5)
    s = w.add(s, w.argument(1, 2, 2, S, S))
    iota = [w.indices((S, S), d) for d in (0, 1)]
    s = w.where(w.compare("sge", *iota), s, "-2.38197633E+38")
    return w.contract("bkgts,bskd->btkgd", w.softmax(s), v)


def tosa(w):
    """matmul, reduce_max, exp, reduce_sum, reciprocal."""
    q, k, v = (w.argument(B * H, S, D) for _ in range(3))
    row, all_, x = (B * H, S, 1), (B * H, S, S), w.type((B * H, S, D))
    zero = w.emit('"tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>', None)[0]
    shift = w.emit('"tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>', None)[0]
    scale = w.emit(f'"tosa.const"() {{values = dense<{D ** -0.5}> : tensor<1x1x1xf32>}} : () -> '
                   "tensor<1x1x1xf32>", None)[0]
    a, r = w.type(all_), w.type(row)

    def op(text):
        return w.emit(text, None)[0]
    kt = op(f"tosa.transpose {k[0]} {{perms = array<i32: 0, 2, 1>}} : ({x}) -> {w.type((B * H, D, S))}")
    s = op(f"tosa.matmul {q[0]}, {kt}, {zero}, {zero} : ({x}, {w.type((B * H, D, S))}, tensor<1xf32>, "
           f"tensor<1xf32>) -> {a}")
    s = op(f"tosa.mul {s}, {scale}, {shift} : ({a}, tensor<1x1x1xf32>, tensor<1xi8>) -> {a}")
    m = op(f"tosa.reduce_max {s} {{axis = 2 : i32}} : ({a}) -> {r}")
    e = op(f"tosa.exp {op(f'tosa.sub {s}, {m} : ({a}, {r}) -> {a}')} : ({a}) -> {a}")
    z = op(f"tosa.reduce_sum {e} {{axis = 2 : i32}} : ({a}) -> {r}")
    i = op(f"tosa.reciprocal {z} : ({r}) -> {r}")
    p = op(f"tosa.mul {e}, {i}, {shift} : ({a}, {r}, tensor<1xi8>) -> {a}")
    return w.tensor(f"tosa.matmul {p}, {v[0]}, {zero}, {zero} : ({a}, {x}, tensor<1xf32>, tensor<1xf32>) "
                    f"-> {x}", (B * H, S, D))


def sinks(w):
    """A learned score beside those of the keys, cut off behind the softmax: attention has no word for it."""
    q, k, v = w.heads(), w.heads(), w.heads()
    sink = w.spread(w.argument(1, H, 1, 1), (B, H, S, 1))
    wide = (B, H, S, S + 1)
    s = w.scores(q, k)
    s = w.tensor(f"tensor.concat dim(3) {s[0]}, {sink[0]} : ({w.type(s[1])}, {w.type(sink[1])}) -> "
                 f"{w.type(wide)}", wide)
    p = w.softmax(s)
    p = w.tensor(f"tensor.extract_slice {p[0]}[0, 0, 0, 0] [{B}, {H}, {S}, {S}] [1, 1, 1, 1] : {w.type(wide)} "
                 f"to {w.type((B, H, S, S))}", (B, H, S, S))
    return w.matmul(p, v)


# and what becomes of masks and biases
RAISED = {
    torch_causal: "causal", torch_packed: "explicit", torch_causal_and_padding: "explicit",
    torch_sliding_window: "causal window", torch_bidirectional: "", torch_additive: "causal",
    torch_masked_fill: "causal", torch_split_scale: "", t5_bias: "bias", swin: "bias",
    gemma_softcap: "causal", gqa: "", mqa: "", bloom: "bias causal", gpt2_fused: "causal",
    half_precision: "", onnx_softmax: "explicit", jax_late_division: "causal",
    jax_dot_product_attention: "bias causal", tosa: ""}
STAY = [sinks]


def write(make):
    """Text, [(shape, element) of the arguments], shape of the result."""
    w = Export(make.__name__)
    return w.finish(make(w))


def inputs(given, rng):
    out = []
    for shape, element in given:
        if element == "i1":
            x = rng.integers(0, 2, shape) > 0
            x[..., 0] = True
        elif element == "i64":  # packed sequences
            x = np.sort(rng.integers(0, 2, shape), -1)
        else:
            x = rng.standard_normal(shape).astype({"f32": np.float32, "f16": np.float16}[element])
        out.append(x)
    return out
