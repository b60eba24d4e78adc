# ===- recurrence_exports.py - loops as exporters of models write them -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Hand-written loops: cells of known models, in the forms that scans of PyTorch, ONNX and JAX are lowered to. Each
is (name, program, sizes of the arguments, reference in f64)."""
import numpy as np

CONSTANTS = "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index"
B, H, N, K, D = 2, 3, 6, 4, 5


def slice3(y, x, t, rank_reduced=True, n=N, width="4", element="f32"):
    """Position %t of a [2,3,n,width]."""
    to = f"tensor<2x3x{width}x{element}>" if rank_reduced else f"tensor<2x3x1x{width}x{element}>"
    return (f"%{y} = tensor.extract_slice %{x}[0, 0, {t}, 0] [2, 3, 1, {width}] [1, 1, 1, 1] : "
            f"tensor<2x3x{n}x{width}x{element}> to {to}")


def loop(body, arguments, carried="tensor<2x3x4x5xf32>", rows="tensor<2x3x6x5xf32>", start="", count="%n",
         row="%y", next="%s2", at="[0, 0, %t, 0] [2, 3, 1, 5] [1, 1, 1, 1] : tensor<2x3x5xf32>", state=""):
    """A function of one loop with the state %s and the rows %out."""
    given = state or "%zeros"
    zeros = "" if state else f"%zeros = arith.constant dense<0.0> : {carried}"
    return f"""func.func @main({arguments}) -> ({rows}, {carried}) {{
{CONSTANTS}
%n = arith.constant {N} : index
{zeros}
{start or f"%empty = tensor.empty() : {rows}"}
%r:2 = scf.for %t = %c0 to {count} step %c1 iter_args(%s = {given}, %out = %empty) -> ({carried}, {rows}) {{
{body}
%next = tensor.insert_slice {row} into %out{at} into {rows}
scf.yield {next}, %next : {carried}, {rows}
}}
return %r#1, %r#0 : {rows}, {carried}
}}"""


def recurrence(q, k, v, decay=None, beta=None, erase=None, s=None, pre=False):
    """Rows and state of [B,H,N,...] in f64."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    s = np.zeros(k.shape[:2] + (k.shape[3], v.shape[3])) if s is None else np.float64(s)
    rows = []
    for t in range(k.shape[2]):
        before, kt, vt = s, k[:, :, t], v[:, :, t]
        if decay is not None:
            a = np.float64(decay)[:, :, t]
            s = s * a.reshape(a.shape[:2] + (-1, 1))
        if beta is not None:
            vt = np.float64(beta)[:, :, t, None] * (vt - np.einsum("bhk,bhkd->bhd", kt, s))
        if erase is not None:
            a, b = erase
            s = s + b[:, :, t, :, None] * np.einsum("bhk,bhkd->bhd", a[:, :, t], before)[..., None, :]
        s = s + kt[..., None] * vt[..., None, :]
        rows.append(np.einsum("bhk,bhkd->bhd", q[:, :, t], before if pre else s))
    return np.stack(rows, 2), s


QKV = "%q: tensor<2x3x6x4xf32>, %k: tensor<2x3x6x4xf32>, %v: tensor<2x3x6x5xf32>"
SLICES = "\n".join([slice3("qt", "q", "%t"), slice3("kt", "k", "%t"), slice3("vt", "v", "%t", width="5")])
OUTER = ('%kv = linnet.einsum "bhk,bhd->bhkd" %kt, %vt : tensor<2x3x4xf32>, tensor<2x3x5xf32> -> '
         "tensor<2x3x4x5xf32>")
READ = ('%y = linnet.einsum "bhk,bhkd->bhd" %qt, %s2 : tensor<2x3x4xf32>, tensor<2x3x4x5xf32> -> '
        "tensor<2x3x5xf32>")
SHAPES = [(B, H, N, K), (B, H, N, K), (B, H, N, D)]
ADD = "%s2 = arith.addf %s1, %kv : tensor<2x3x4x5xf32>"
SIGMOID = lambda x: 1 / (1 + np.exp(-x))


def retention():
    """RetNet: decays are constants of heads."""
    body = f"""{SLICES}
%gamma = arith.constant dense<[0.96875, 0.984375, 0.9921875]> : tensor<3xf32>
%wide = linnet.broadcast %gamma dims [1] : tensor<3xf32> -> tensor<2x3x4x5xf32>
%s1 = arith.mulf %s, %wide : tensor<2x3x4x5xf32>
{OUTER}\n{ADD}\n{READ}"""
    gamma = np.float64([0.96875, 0.984375, 0.9921875])
    return loop(body, QKV), SHAPES, lambda q, k, v: recurrence(
        q, k, v, np.broadcast_to(gamma[None, :, None], (B, H, N)))


def gated_by_logistic():
    """GLA: a logistic gate per channel, to the power of 1/16, computed in the loop."""
    body = f"""{SLICES}
{slice3("xt", "x", "%t")}
%neg = arith.negf %xt : tensor<2x3x4xf32>
%e = math.exp %neg : tensor<2x3x4xf32>
%one = arith.constant dense<1.0> : tensor<2x3x4xf32>
%sum = arith.addf %one, %e : tensor<2x3x4xf32>
%gate = arith.divf %one, %sum : tensor<2x3x4xf32>
%p = arith.constant dense<0.0625> : tensor<2x3x4xf32>
%a = math.powf %gate, %p : tensor<2x3x4xf32>
%wide = linnet.broadcast %a dims [0, 1, 2] : tensor<2x3x4xf32> -> tensor<2x3x4x5xf32>
%s1 = arith.mulf %s, %wide : tensor<2x3x4x5xf32>
{OUTER}\n{ADD}\n{READ}"""
    return loop(body, QKV + ", %x: tensor<2x3x6x4xf32>"), SHAPES + [(B, H, N, K)], \
        lambda q, k, v, x: recurrence(q, k, v, SIGMOID(np.float64(x)) ** 0.0625)


def forget_and_input():
    """(1 - z) keeps, z writes: the keys are z."""
    body = f"""{SLICES}
%neg = arith.negf %kt : tensor<2x3x4xf32>
%e = math.exp %neg : tensor<2x3x4xf32>
%one = arith.constant dense<1.0> : tensor<2x3x4xf32>
%sum = arith.addf %e, %one : tensor<2x3x4xf32>
%z = arith.divf %one, %sum : tensor<2x3x4xf32>
%keep = arith.subf %one, %z : tensor<2x3x4xf32>
%wide = linnet.broadcast %keep dims [0, 1, 2] : tensor<2x3x4xf32> -> tensor<2x3x4x5xf32>
%s1 = arith.mulf %s, %wide : tensor<2x3x4x5xf32>
%kv = linnet.einsum "bhk,bhd->bhkd" %z, %vt : tensor<2x3x4xf32>, tensor<2x3x5xf32> -> tensor<2x3x4x5xf32>
{ADD}\n{READ}"""

    def reference(q, k, v):
        z = SIGMOID(np.float64(k))
        return recurrence(q, z, v, 1 - z)
    return loop(body, QKV), SHAPES, reference


def delta_of_normed_keys():
    """DeltaNet: keys divided by their length in the loop, beta a logistic function."""
    body = f"""{SLICES}
%bt = tensor.extract_slice %beta[0, 0, %t] [2, 3, 1] [1, 1, 1] : tensor<2x3x6xf32> to tensor<2x3xf32>
%squares = arith.mulf %kt, %kt : tensor<2x3x4xf32>
%sum = linnet.reduce sum %squares axes [2] keepdims : tensor<2x3x4xf32> -> tensor<2x3x1xf32>
%eps = arith.constant dense<1.0e-6> : tensor<2x3x1xf32>
%more = arith.addf %sum, %eps : tensor<2x3x1xf32>
%inverse = math.rsqrt %more : tensor<2x3x1xf32>
%spread = linnet.broadcast %inverse dims [0, 1, 2] : tensor<2x3x1xf32> -> tensor<2x3x4xf32>
%kn = arith.mulf %kt, %spread : tensor<2x3x4xf32>
%found = linnet.einsum "bhk,bhkd->bhd" %kn, %s : tensor<2x3x4xf32>, tensor<2x3x4x5xf32> -> tensor<2x3x5xf32>
%error = arith.subf %vt, %found : tensor<2x3x5xf32>
%b = linnet.broadcast %bt dims [0, 1] : tensor<2x3xf32> -> tensor<2x3x5xf32>
%step = arith.mulf %b, %error : tensor<2x3x5xf32>
%kv = linnet.einsum "bhk,bhd->bhkd" %kn, %step : tensor<2x3x4xf32>, tensor<2x3x5xf32> -> tensor<2x3x4x5xf32>
%s2 = arith.addf %s, %kv : tensor<2x3x4x5xf32>
{READ}"""

    def reference(q, k, v, beta):
        k = np.float64(k)
        return recurrence(q, k / np.sqrt((k * k).sum(-1, keepdims=True) + 1e-6), v, beta=beta)
    return loop(body, QKV + ", %beta: tensor<2x3x6xf32>"), SHAPES + [(B, H, N)], reference


def projections():
    """A cell that projects its input: what it needs of it is computed for all positions at once."""
    body = """%xt = tensor.extract_slice %x[%t, 0, 0] [1, 2, 7] [1, 1, 1] : tensor<6x2x7xf32> to tensor<2x7xf32>
%z4 = arith.constant dense<0.0> : tensor<2x4xf32>
%z5 = arith.constant dense<0.0> : tensor<2x5xf32>
%qt = linalg.matmul ins(%xt, %wq : tensor<2x7xf32>, tensor<7x4xf32>) outs(%z4 : tensor<2x4xf32>) -> tensor<2x4xf32>
%kt = linalg.matmul ins(%xt, %wk : tensor<2x7xf32>, tensor<7x4xf32>) outs(%z4 : tensor<2x4xf32>) -> tensor<2x4xf32>
%vt = linnet.einsum "bx,xd->bd" %xt, %wv : tensor<2x7xf32>, tensor<7x5xf32> -> tensor<2x5xf32>
%kv = linnet.einsum "bk,bd->bkd" %kt, %vt : tensor<2x4xf32>, tensor<2x5xf32> -> tensor<2x4x5xf32>
%s2 = arith.addf %s, %kv : tensor<2x4x5xf32>
%y = linnet.einsum "bk,bkd->bd" %qt, %s2 : tensor<2x4xf32>, tensor<2x4x5xf32> -> tensor<2x5xf32>"""
    text = loop(body, "%x: tensor<6x2x7xf32>, %wq: tensor<7x4xf32>, %wk: tensor<7x4xf32>, %wv: tensor<7x5xf32>",
                carried="tensor<2x4x5xf32>", rows="tensor<6x2x5xf32>",
                at="[%t, 0, 0] [1, 2, 5] [1, 1, 1] : tensor<2x5xf32>")

    def reference(x, wq, wk, wv):
        q, k, v = (np.float64(x).transpose(1, 0, 2)[:, None] @ np.float64(w) for w in (wq, wk, wv))
        y, s = recurrence(q, k, v)
        return y[:, 0].transpose(1, 0, 2), s[:, 0]
    return text, [(N, B, 7), (7, K), (7, K), (7, D)], reference


def jax_scan():
    """A counter of its own in a tensor of i32, as loops of JAX carry one; indices wrapped and clamped."""
    at = """%i = tensor.extract %count[] : tensor<i32>
%zero = arith.constant 0 : i32
%six = arith.constant 6 : i32
%five = arith.constant 5 : i32
%low = arith.cmpi slt, %i, %zero : i32
%plus = arith.addi %i, %six : i32
%w = arith.select %low, %plus, %i : i32
%m = arith.minsi %w, %five : i32
%m2 = arith.maxsi %m, %zero : i32
%p = arith.index_cast %m2 : i32 to index"""
    slices = "\n".join([slice3("qt", "q", "%p"), slice3("k1", "k", "%p", rank_reduced=False),
                        "%kt = tensor.collapse_shape %k1 [[0], [1, 2], [3]] : tensor<2x3x1x4xf32> into "
                        "tensor<2x3x4xf32>", slice3("vt", "v", "%p", width="5")])
    text = f"""func.func @main({QKV}) -> (tensor<2x3x6x5xf32>, tensor<2x3x4x5xf32>) {{
{CONSTANTS}
%n = arith.constant 6 : index
%zeros = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
%rows = arith.constant dense<0.0> : tensor<2x3x6x5xf32>
%start = arith.constant dense<0> : tensor<i32>
%r:3 = scf.for %t = %c0 to %n step %c1 iter_args(%count = %start, %s = %zeros, %out = %rows)
    -> (tensor<i32>, tensor<2x3x4x5xf32>, tensor<2x3x6x5xf32>) {{
{at}
{slices}
{OUTER}
%s2 = arith.addf %s, %kv : tensor<2x3x4x5xf32>
{READ}
%next = tensor.insert_slice %y into %out[0, 0, %p, 0] [2, 3, 1, 5] [1, 1, 1, 1] : tensor<2x3x5xf32> into tensor<2x3x6x5xf32>
%by = arith.constant dense<1> : tensor<i32>
%more = arith.addi %count, %by : tensor<i32>
scf.yield %more, %s2, %next : tensor<i32>, tensor<2x3x4x5xf32>, tensor<2x3x6x5xf32>
}}
return %r#2, %r#1 : tensor<2x3x6x5xf32>, tensor<2x3x4x5xf32>
}}"""
    return text, SHAPES, recurrence


def accumulating_products():
    """Products of matrices whose result is added to the state, and one row times the state."""
    body = f"""{SLICES}
%k3 = tensor.expand_shape %kt [[0], [1], [2, 3]] output_shape [2, 3, 4, 1] : tensor<2x3x4xf32> into tensor<2x3x4x1xf32>
%v3 = tensor.expand_shape %vt [[0], [1], [2, 3]] output_shape [2, 3, 1, 5] : tensor<2x3x5xf32> into tensor<2x3x1x5xf32>
%q3 = tensor.expand_shape %qt [[0], [1], [2, 3]] output_shape [2, 3, 1, 4] : tensor<2x3x4xf32> into tensor<2x3x1x4xf32>
%kb = tensor.collapse_shape %k3 [[0, 1], [2], [3]] : tensor<2x3x4x1xf32> into tensor<6x4x1xf32>
%vb = tensor.collapse_shape %v3 [[0, 1], [2], [3]] : tensor<2x3x1x5xf32> into tensor<6x1x5xf32>
%qb = tensor.collapse_shape %q3 [[0, 1], [2], [3]] : tensor<2x3x1x4xf32> into tensor<6x1x4xf32>
%sb = tensor.collapse_shape %s [[0, 1], [2], [3]] : tensor<2x3x4x5xf32> into tensor<6x4x5xf32>
%sb2 = linalg.batch_matmul ins(%kb, %vb : tensor<6x4x1xf32>, tensor<6x1x5xf32>) outs(%sb : tensor<6x4x5xf32>) -> tensor<6x4x5xf32>
%none = arith.constant dense<0.0> : tensor<6x1x5xf32>
%yb = linalg.batch_matmul ins(%qb, %sb2 : tensor<6x1x4xf32>, tensor<6x4x5xf32>) outs(%none : tensor<6x1x5xf32>) -> tensor<6x1x5xf32>
%y = tensor.expand_shape %yb [[0, 1], [2], [3]] output_shape [2, 3, 1, 5] : tensor<6x1x5xf32> into tensor<2x3x1x5xf32>
%s2 = tensor.expand_shape %sb2 [[0, 1], [2], [3]] output_shape [2, 3, 4, 5] : tensor<6x4x5xf32> into tensor<2x3x4x5xf32>"""
    return loop(body, QKV, at="[0, 0, %t, 0] [2, 3, 1, 5] [1, 1, 1, 1] : tensor<2x3x1x5xf32>"), SHAPES, recurrence


def mamba2():
    """Keys and queries of all heads, exp(dt * a), dt in the update, and a skip of the input."""
    body = """%ct = tensor.extract_slice %c[0, %t, 0] [2, 1, 4] [1, 1, 1] : tensor<2x6x4xf32> to tensor<2x4xf32>
%bt = tensor.extract_slice %b[0, %t, 0] [2, 1, 4] [1, 1, 1] : tensor<2x6x4xf32> to tensor<2x4xf32>
%xt = tensor.extract_slice %x[0, %t, 0, 0] [2, 1, 3, 5] [1, 1, 1, 1] : tensor<2x6x3x5xf32> to tensor<2x3x5xf32>
%dt = tensor.extract_slice %d[0, %t, 0] [2, 1, 3] [1, 1, 1] : tensor<2x6x3xf32> to tensor<2x3xf32>
%al = linnet.broadcast %a dims [1] : tensor<3xf32> -> tensor<2x3xf32>
%da = arith.mulf %dt, %al : tensor<2x3xf32>
%e = math.exp %da : tensor<2x3xf32>
%update = linnet.einsum "bh,bn,bhp->bhpn" %dt, %bt, %xt : tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x3x5xf32> -> tensor<2x3x5x4xf32>
%wide = linnet.broadcast %e dims [0, 1] : tensor<2x3xf32> -> tensor<2x3x5x4xf32>
%s1 = arith.mulf %wide, %s : tensor<2x3x5x4xf32>
%s2 = arith.addf %s1, %update : tensor<2x3x5x4xf32>
%read = linnet.einsum "bn,bhpn->bhp" %ct, %s2 : tensor<2x4xf32>, tensor<2x3x5x4xf32> -> tensor<2x3x5xf32>
%sk = linnet.broadcast %skip dims [1] : tensor<3xf32> -> tensor<2x3x5xf32>
%kept = arith.mulf %sk, %xt : tensor<2x3x5xf32>
%y = arith.addf %read, %kept : tensor<2x3x5xf32>"""
    text = loop(body, "%c: tensor<2x6x4xf32>, %b: tensor<2x6x4xf32>, %x: tensor<2x6x3x5xf32>, %d: tensor<2x6x3xf32>, "
                "%a: tensor<3xf32>, %skip: tensor<3xf32>", carried="tensor<2x3x5x4xf32>", rows="tensor<2x6x3x5xf32>",
                at="[0, %t, 0, 0] [2, 1, 3, 5] [1, 1, 1, 1] : tensor<2x3x5xf32>")

    def reference(c, b, x, d, a, skip):
        heads = lambda m: np.broadcast_to(m[:, None], (B, H, N, K))
        d = np.float64(d).transpose(0, 2, 1)
        v = np.float64(x).transpose(0, 2, 1, 3)
        y, s = recurrence(heads(c), heads(b), v * d[..., None], np.exp(d * np.float64(a)[None, :, None]))
        return (y + np.float64(skip)[None, :, None, None] * v).transpose(0, 2, 1, 3), s.swapaxes(2, 3)
    return text, [(B, N, K), (B, N, K), (B, N, H, D), (B, N, H), (H,), (H,)], reference


def mamba():
    """selective_scan_ref: exp(delta * A) and delta * B * u before the loop, gate in it."""
    start = """%da = linnet.einsum "bld,dn->bldn" %d, %a : tensor<2x6x5xf32>, tensor<5x4xf32> -> tensor<2x6x5x4xf32>
%e = math.exp %da : tensor<2x6x5x4xf32>
%bu = linnet.einsum "bld,bln,bld->bldn" %d, %b, %u : tensor<2x6x5xf32>, tensor<2x6x4xf32>, tensor<2x6x5xf32> -> tensor<2x6x5x4xf32>
%empty = tensor.empty() : tensor<2x6x5xf32>"""
    body = """%et = tensor.extract_slice %e[0, %t, 0, 0] [2, 1, 5, 4] [1, 1, 1, 1] : tensor<2x6x5x4xf32> to tensor<2x5x4xf32>
%but = tensor.extract_slice %bu[0, %t, 0, 0] [2, 1, 5, 4] [1, 1, 1, 1] : tensor<2x6x5x4xf32> to tensor<2x5x4xf32>
%ct = tensor.extract_slice %c[0, %t, 0] [2, 1, 4] [1, 1, 1] : tensor<2x6x4xf32> to tensor<2x4xf32>
%zt = tensor.extract_slice %z[0, %t, 0] [2, 1, 5] [1, 1, 1] : tensor<2x6x5xf32> to tensor<2x5xf32>
%s1 = arith.mulf %et, %s : tensor<2x5x4xf32>
%s2 = arith.addf %s1, %but : tensor<2x5x4xf32>
%read = linnet.einsum "bdn,bn->bd" %s2, %ct : tensor<2x5x4xf32>, tensor<2x4xf32> -> tensor<2x5xf32>
%y = arith.mulf %read, %zt : tensor<2x5xf32>"""
    text = loop(body, "%u: tensor<2x6x5xf32>, %d: tensor<2x6x5xf32>, %a: tensor<5x4xf32>, %b: tensor<2x6x4xf32>, "
                "%c: tensor<2x6x4xf32>, %z: tensor<2x6x5xf32>", carried="tensor<2x5x4xf32>", rows="tensor<2x6x5xf32>",
                start=start, at="[0, %t, 0] [2, 1, 5] [1, 1, 1] : tensor<2x5xf32>")

    def reference(u, d, a, b, c, z):
        u, d, a, b, c, z = (np.float64(x) for x in (u, d, a, b, c, z))
        s, rows = np.zeros((B, D, K)), []
        for t in range(N):
            s = np.exp(d[:, t, :, None] * a) * s + d[:, t, :, None] * b[:, t, None] * u[:, t, :, None]
            rows.append(np.einsum("bdn,bn->bd", s, c[:, t]) * z[:, t])
        return np.stack(rows, 1), s
    return text, [(B, N, D), (B, N, D), (D, K), (B, N, K), (B, N, K), (B, N, D)], reference


def rwkv7():
    """Decay per channel and any product of two vectors, without batch."""
    shape, vec = "tensor<3x4x5xf32>", "tensor<3x4xf32>"
    names = {"q": 4, "k": 4, "v": 5, "w": 4, "a": 4, "b": 4}
    slices = "\n".join(f"%{n}t = tensor.extract_slice %{n}[%t, 0, 0] [1, 3, {w}] [1, 1, 1] : tensor<6x3x{w}xf32> to "
                       f"tensor<3x{w}xf32>" for n, w in names.items())
    body = f"""{slices}
%e = math.exp %wt : {vec}
%wide = linnet.broadcast %e dims [0, 1] : {vec} -> {shape}
%s1 = arith.mulf %s, %wide : {shape}
%sa = linnet.einsum "hk,hkd->hd" %at, %s : {vec}, {shape} -> tensor<3x5xf32>
%ba = linnet.einsum "hk,hd->hkd" %bt, %sa : {vec}, tensor<3x5xf32> -> {shape}
%kv = linnet.einsum "hd,hk->hkd" %vt, %kt : tensor<3x5xf32>, {vec} -> {shape}
%more = arith.addf %ba, %kv : {shape}
%s2 = arith.addf %s1, %more : {shape}
%y = linnet.einsum "hkd,hk->hd" %s2, %qt : {shape}, {vec} -> tensor<3x5xf32>"""
    text = loop(body, ", ".join(f"%{n}: tensor<6x3x{w}xf32>" for n, w in names.items()), carried=shape,
                rows="tensor<6x3x5xf32>", at="[%t, 0, 0] [1, 3, 5] [1, 1, 1] : tensor<3x5xf32>")

    def reference(*arrays):
        q, k, v, w, a, b = (np.float64(x).transpose(1, 0, 2)[None] for x in arrays)
        y, s = recurrence(q, k, v, np.exp(w), erase=(a, b))
        return y[0].transpose(1, 0, 2), s[0]
    return text, [(N, H, w) for w in names.values()], reference


def rwkv6():
    """The row sees the state before the step, and its own key and value with a bonus."""
    body = f"""{SLICES}
{slice3("wt", "w", "%t")}
{OUTER}
%ub = linnet.broadcast %u dims [1, 2] : tensor<3x4xf32> -> tensor<2x3x4x5xf32>
%own = arith.mulf %ub, %kv : tensor<2x3x4x5xf32>
%seen = arith.addf %s, %own : tensor<2x3x4x5xf32>
%y = linnet.einsum "bhk,bhkd->bhd" %qt, %seen : tensor<2x3x4xf32>, tensor<2x3x4x5xf32> -> tensor<2x3x5xf32>
%ew = math.exp %wt : tensor<2x3x4xf32>
%minus = arith.negf %ew : tensor<2x3x4xf32>
%eew = math.exp %minus : tensor<2x3x4xf32>
%wide = linnet.broadcast %eew dims [0, 1, 2] : tensor<2x3x4xf32> -> tensor<2x3x4x5xf32>
%s1 = arith.mulf %wide, %s : tensor<2x3x4x5xf32>
{ADD}"""

    def reference(q, k, v, w, u):
        y, s = recurrence(q, k, v, np.exp(-np.exp(np.float64(w))), pre=True)
        own = np.einsum("bhnk,hk,bhnk->bhn", np.float64(q), u, k)
        return y + own[..., None] * v, s
    return loop(body, QKV + ", %w: tensor<2x3x6x4xf32>, %u: tensor<3x4xf32>"), SHAPES + [(B, H, N, K), (H, K)], reference


def resets():
    """A mask sets the state to zero where a sequence starts."""
    body = f"""{SLICES}
%mt = tensor.extract %starts[%t] : tensor<6xf32>
%zero = arith.constant 0.0 : f32
%one = arith.constant 1.0 : f32
%is = arith.cmpf ogt, %mt, %zero : f32
%a = arith.select %is, %zero, %one : f32
%wide = linnet.broadcast %a : f32 -> tensor<2x3x4x5xf32>
%s1 = arith.mulf %wide, %s : tensor<2x3x4x5xf32>
{OUTER}\n{ADD}\n{READ}"""

    def reference(q, k, v, starts):
        return recurrence(q, k, v, np.broadcast_to(np.where(starts > 0, 0.0, 1.0), (B, H, N)))
    return loop(body, QKV + ", %starts: tensor<6xf32>"), SHAPES + [(N,)], reference


def given_state():
    """The state comes from outside and goes there."""
    body = f"{SLICES}\n{OUTER}\n%s2 = arith.addf %kv, %s : tensor<2x3x4x5xf32>\n{READ}"
    return loop(body, QKV + ", %s0: tensor<2x3x4x5xf32>", state="%s0"), SHAPES + [(B, H, K, D)], \
        lambda q, k, v, s: recurrence(q, k, v, s=s)


def prefix():
    """Fewer steps than there are positions: the other rows stay."""
    body = f"{SLICES}\n{OUTER}\n%s2 = arith.addf %kv, %s : tensor<2x3x4x5xf32>\n{READ}"
    start = "%four = arith.constant 4 : index\n%empty = arith.constant dense<7.0> : tensor<2x3x6x5xf32>"

    def reference(q, k, v):
        y, s = recurrence(q[:, :, :4], k[:, :, :4], v[:, :, :4])
        return np.concatenate([y, np.full((B, H, 2, D), 7.0)], 2), s
    return loop(body, QKV, start=start, count="%four"), SHAPES, reference


def dynamic():
    """Unknown length and batch."""
    q, v = 'tensor<?x3x?x4xf32>', 'tensor<?x3x?x5xf32>'
    dims = lambda width: f'{{linnet.dims = ["B", 3, "N", {width}]}}'
    text = f"""func.func @main(%q: {q} {dims(4)}, %k: {q} {dims(4)}, %v: {v} {dims(5)})
    -> ({v}, tensor<?x3x4x5xf32>) {{
{CONSTANTS}
%c2 = arith.constant 2 : index
%zero = arith.constant 0.0 : f32
%b = tensor.dim %k, %c0 : {q}
%n = tensor.dim %q, %c2 : {q}
%s0 = tensor.empty(%b) : tensor<?x3x4x5xf32>
%zeros = linalg.fill ins(%zero : f32) outs(%s0 : tensor<?x3x4x5xf32>) -> tensor<?x3x4x5xf32>
%empty = tensor.empty(%b, %n) : {v}
%r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%s = %zeros, %out = %empty) -> (tensor<?x3x4x5xf32>, {v}) {{
%qt = tensor.extract_slice %q[0, 0, %t, 0] [%b, 3, 1, 4] [1, 1, 1, 1] : {q} to tensor<?x3x4xf32>
%kt = tensor.extract_slice %k[0, 0, %t, 0] [%b, 3, 1, 4] [1, 1, 1, 1] : {q} to tensor<?x3x4xf32>
%vt = tensor.extract_slice %v[0, 0, %t, 0] [%b, 3, 1, 5] [1, 1, 1, 1] : {v} to tensor<?x3x5xf32>
%kv = linnet.einsum "bhk,bhd->bhkd" %kt, %vt : tensor<?x3x4xf32>, tensor<?x3x5xf32> -> tensor<?x3x4x5xf32>
%s2 = arith.addf %s, %kv : tensor<?x3x4x5xf32>
%y = linnet.einsum "bhk,bhkd->bhd" %qt, %s2 : tensor<?x3x4xf32>, tensor<?x3x4x5xf32> -> tensor<?x3x5xf32>
%next = tensor.insert_slice %y into %out[0, 0, %t, 0] [%b, 3, 1, 5] [1, 1, 1, 1] : tensor<?x3x5xf32> into {v}
scf.yield %s2, %next : tensor<?x3x4x5xf32>, {v}
}}
return %r#1, %r#0 : {v}, tensor<?x3x4x5xf32>
}}"""
    return text, SHAPES, recurrence


EXPORTS = {f.__name__: f for f in (
    retention, gated_by_logistic, forget_and_input, delta_of_normed_keys, projections, jax_scan,
    accumulating_products, resets, mamba2, mamba, rwkv7, rwkv6, given_state, prefix, dynamic)}
