# ===- test_fusion.py - what fused kernels once computed wrongly -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Small programs that test_random_programs.py has found."""
import numpy as np
import pytest
from linnet import testing
from linnet._src.running_error import Computed


def f32(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def softmax(x):
    """Along the last axis, with its error."""
    x = Computed.of(x)
    e = np.exp(x - x.value.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("n", [1, 8, 9, 33])
def test_argmax_of_what_its_kernel_computes(n):
    """Running maxima are compared as they are, not as elements that are still to be divided."""
    t = "tensor<?xf32>"
    text = f"""func.func @main(%x: {t} {{linnet.dims = ["N"]}}) -> (tensor<i64>, tensor<1xi32>) {{
  %c = arith.constant dense<-1.5> : tensor<1xf32>
  %b = linnet.broadcast %c like %x dims [0] : tensor<1xf32>, {t} -> {t}
  %y = arith.divf %x, %b : {t}
  %i = linnet.argmax %y axis 0 : {t} -> tensor<i64>
  %s = math.sin %x : {t}
  %z = arith.mulf %s, %x : {t}
  %j = linnet.argmax %z axis 0 keepdims select_last : {t} -> tensor<1xi32>
  return %i, %j : tensor<i64>, tensor<1xi32>
}}"""
    rng = np.random.default_rng(n)
    for x in (f32(rng, n) for _ in range(20)):
        i, (j,) = testing.run(text, x)
        assert (i, j) == (np.argmax(x / -1.5), np.argmax(np.sin(x.astype(np.float64)) * x))


def test_stages_with_loops_of_other_sizes():
    """Rows and columns of one tensor, each summed along another dimension, share no loops."""
    t = "tensor<7x4x9xf32>"
    text = f"""func.func @main(%x: {t}, %y: {t}) -> (tensor<4x9xf32>, {t}) {{
  %d = arith.subf %x, %y : {t}
  %a = linnet.reduce sum %d axes [0] : {t} -> tensor<4x9xf32>
  %n = linnet.rms_norm %d eps 1.0e-2 : {t}
  return %a, %n : tensor<4x9xf32>, {t}
}}"""
    rng = np.random.default_rng(1)
    x, y = f32(rng, 7, 4, 9), f32(rng, 7, 4, 9)
    d = Computed(x) - y
    for poison in (False, True):
        a, n = testing.load(text).session().call("main", x, y, poison=poison and testing.on_cpu())
        testing.assert_close(a, d.sum(0))
        testing.assert_close(n, d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-2))


def test_sums_along_what_is_repeated():
    """How far a loop runs that repeats its operand is known of the result only, which is not stored."""
    t, r = "tensor<?x?xf32>", "tensor<?xf32>"
    text = f"""func.func @main(%x: {r} {{linnet.dims = ["N"]}}, %z: {r} {{linnet.dims = ["M"]}}) -> tensor<f32> {{
  %zero = arith.constant 0 : index
  %m = tensor.dim %z, %zero : {r}
  %n = tensor.dim %x, %zero : {r}
  %b = linnet.broadcast %x sizes(%m, %n) dims [1] : {r} -> {t}
  %y = linnet.reduce sum %b axes [0, 1] : {t} -> tensor<f32>
  return %y : tensor<f32>
}}"""
    x = f32(np.random.default_rng(2), 19)
    y, = testing.run(text, x, np.zeros(7, np.float32))
    testing.assert_close(y, 7 * x.sum(dtype=np.float64), depth=7 * 19, magnitude=7 * np.abs(x).sum())


@pytest.mark.parametrize("flag", [False, True])
def test_size_of_what_a_branch_gives(flag):
    t = "tensor<?xf32>"
    argument = '{linnet.dims = ["N"]}'
    text = f"""func.func @main(%x: {t} {argument}, %m: tensor<?xi1> {argument}, %w: {t} {argument}, %p: tensor<i1>) -> ({t}, tensor<f32>) {{
  %c = arith.constant -1.0 : f32
  %b = tensor.extract %p[] : tensor<i1>
  %y = scf.if %b -> {t} {{
    %s = linnet.broadcast %c like %x : f32, {t} -> {t}
    %k = arith.select %m, %x, %s : tensor<?xi1>, {t}
    scf.yield %k : {t}
  }} else {{
    scf.yield %w : {t}
  }}
  %z = linnet.softmax %y axis 0 : {t}
  %e = linnet.einsum "a,a->" %w, %y : {t}, {t} -> tensor<f32>
  return %z, %e : {t}, tensor<f32>
}}"""
    rng = np.random.default_rng(3)
    x, w, m = f32(rng, 11), f32(rng, 11), rng.random(11) < 0.5
    z, e = testing.run(text, x, m, w, np.bool_(flag))
    y = (np.where(m, x, -1) if flag else w).astype(np.float64)
    testing.assert_close(z, softmax(y))
    testing.assert_close(e, w @ y, depth=11, magnitude=np.abs(w) @ np.abs(y))


def test_size_of_a_window_that_keeps_its_size():
    """At least none and at least the smallest that the symbol can be are one size."""
    t = "tensor<1x2x?x?xf32>"
    text = f"""func.func @main(%x: {t} {{linnet.dims = [1, 2, "H", "W"]}}, %w: tensor<2x2x3x2xf32>) -> {t} attributes {{linnet.symbols = {{W = {{min = 3}}}}}} {{
  %c = linnet.conv %x, %w padding [1, 1, 0, 1] : {t}, tensor<2x2x3x2xf32> -> {t}
  %y = arith.addf %x, %c : {t}
  return %y : {t}
}}"""
    rng = np.random.default_rng(4)
    x, w = f32(rng, 1, 2, 4, 5), f32(rng, 2, 2, 3, 2)
    y, = testing.run(text, x, w)
    p = np.pad(x, [(0, 0), (0, 0), (1, 1), (0, 1)]).astype(np.float64)
    want = x + sum(np.einsum("bchw,oc->bohw", p[:, :, i:i + 4, j:j + 5], w[:, :, i, j]) for i in range(3) for j in range(2))
    size = np.abs(x) + sum(np.einsum("bchw,oc->bohw", np.abs(p[:, :, i:i + 4, j:j + 5]), np.abs(w[:, :, i, j]))
                           for i in range(3) for j in range(2))
    testing.assert_close(y, want, depth=1 + 2 * 3 * 2, magnitude=size)


def test_sum_along_what_is_repeated_and_widened():
    """The same, where the repeated tensor is converted on the way and asked for its size."""
    t, r = "tensor<?x?xf16>", "tensor<?xf16>"
    text = f"""func.func @main(%x: {r} {{linnet.dims = ["N"]}}, %z: {r} {{linnet.dims = ["M"]}}) -> tensor<1x1xf16> {{
  %zero = arith.constant 0 : index
  %m = tensor.dim %z, %zero : {r}
  %n = tensor.dim %x, %zero : {r}
  %c = tensor.concat dim(0) %x, %z : ({r}, {r}) -> {r}
  %k = arith.addi %m, %n : index
  %b = linnet.broadcast %c sizes(%m, %k) dims [1] : {r} -> {t}
  %e = linnet.einsum "ab->ab" %b : {t} -> {t}
  %y = linnet.reduce max %e axes [0, 1] keepdims : {t} -> tensor<1x1xf16>
  return %y : tensor<1x1xf16>
}}"""
    rng = np.random.default_rng(5)
    x, z = f32(rng, 19).astype(np.float16), f32(rng, 7).astype(np.float16)
    y, = testing.run(text, x, z)
    assert y[0, 0] == max(x.max(), z.max())


@pytest.mark.parametrize("axis", [0, 1])
def test_gather_of_what_is_computed(axis):
    """Elements are picked when all are there: not in the kernel that makes them."""
    t, u = "tensor<7x5x6xf32>", ("tensor<5x6xf32>", "tensor<7x6xf32>")[axis]
    text = f"""func.func @main(%x: {t}, %i: tensor<i64>) -> {t} {{
  %e = math.exp %x : {t}
  %g = linnet.gather %e, %i axis {axis} : {t}, tensor<i64> -> {u}
  %b = linnet.broadcast %g dims [{1 - axis}, 2] : {u} -> {t}
  %y = arith.divf %b, %e : {t}
  return %y : {t}
}}"""
    x = f32(np.random.default_rng(6), 7, 5, 6)
    e = np.exp(Computed(x))
    y, = testing.load(text).session().call("main", x, np.int64(4), poison=testing.on_cpu())
    testing.assert_close(y, e[4:5] / e if axis == 0 else e[:, 4:5] / e)


def test_sizes_of_several_functions():
    """Ops are erased and made while sizes are asked for: one does not get another's."""
    t, p, q = "tensor<?x1x12x16xf32>", "tensor<?x1x24x16xf32>", "tensor<?x1x25x8xf32>"
    text = f"""func.func @NAME(%x: tensor<?x?x33xf32> {{linnet.dims = ["N", "M", 33]}}, %y: {t} {{linnet.dims = ["N", 1, 12, 16]}}, %w: tensor<?x33x33xf32> {{linnet.dims = ["N", 33, 33]}}) -> (tensor<?x?x36xf32>, {q}, {t}) {{
  %c = arith.constant 1.5 : f32
  %a = linnet.attention %y, %y, %y : {t}, {t}, {t} -> {t}
  %m = linalg.batch_matmul ins(%x, %w : tensor<?x?x33xf32>, tensor<?x33x33xf32>) outs(%x : tensor<?x?x33xf32>) -> tensor<?x?x33xf32>
  %p = tensor.pad %m low[3, 0, 2] high[2, 0, 1] {{
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %c : f32
  }} : tensor<?x?x33xf32> to tensor<?x?x36xf32>
  %d = tensor.concat dim(2) %y, %y : ({t}, {t}) -> {p}
  %v = linnet.max_pool %d kernel [2, 1] strides [1, 2] padding [1, 1, 0, 0] : {p} -> {q}
  return %p, %v, %a : tensor<?x?x36xf32>, {q}, {t}
}}
"""
    module = testing.load("".join(text.replace("NAME", f"f{i}") for i in range(6)))
    for function in module.functions.values():
        assert [r.dims for r in function.results] == [("?", "M", 36), ("N", 1, 25, 8), ("N", 1, 12, 16)]


@pytest.mark.parametrize("n", [1, 5, 16])
def test_attention_of_vectors_of_any_size(n):
    """Kernels of attention want to know it: what spells it out stays as it is."""
    t = "tensor<?x?xf32>"
    text = f"""func.func @main(%q: tensor<?x13xf32> {{linnet.dims = ["N", 13]}}, %k: tensor<13x?xf32> {{linnet.dims = [13, "N"]}}, %v: {t} {{linnet.dims = ["N", "D"]}}) -> {t} {{
  %s = linnet.einsum "nk,km->nm" %q, %k : tensor<?x13xf32>, tensor<13x?xf32> -> {t}
  %w = linnet.softmax %s axis 1 : {t}
  %y = linnet.einsum "nm,md->nd" %w, %v : {t}, {t} -> {t}
  return %y : {t}
}}"""
    rng = np.random.default_rng(n)
    q, k, v = f32(rng, n, 13), f32(rng, 13, n), f32(rng, n, 6)
    w = softmax((Computed(q)[:, :, None] * k).sum(1))
    y, = testing.run(text, q, k, v)
    testing.assert_close(y, (w[:, :, None] * v).sum(1))


def test_sum_of_two_reshaped_products():
    """A sum takes the shape of one of its products: those of two took turns without end."""
    text = """func.func @main(%x: tensor<1x1x23xf32>, %w: tensor<8x1x2xf32>, %a: tensor<8x8xf32>, %b: tensor<8x24xf32>)
    -> tensor<8x24xf32> {
  %c = linnet.conv %x, %w strides [1] dilations [1] padding [1, 1] : tensor<1x1x23xf32>, tensor<8x1x2xf32> -> tensor<1x8x24xf32>
  %r = tensor.collapse_shape %c [[0, 1], [2]] : tensor<1x8x24xf32> into tensor<8x24xf32>
  %p = linnet.einsum "ij,jk->ik" %a, %b : tensor<8x8xf32>, tensor<8x24xf32> -> tensor<8x24xf32>
  %y = arith.addf %r, %p : tensor<8x24xf32>
  return %y : tensor<8x24xf32>
}"""
    rng = np.random.default_rng(4)
    x, w, a, b = f32(rng, 1, 1, 23), f32(rng, 8, 1, 2), f32(rng, 8, 8), f32(rng, 8, 24)
    padded = np.pad(x[0, 0], 1)
    windows = np.stack([padded[:24], padded[1:25]])
    want = (Computed(w[:, 0, :, None]) * windows).sum(1) + (Computed(a[:, :, None]) * b[None]).sum(1)
    y, = testing.run(text, x, w, a, b)
    testing.assert_close(y, want)
