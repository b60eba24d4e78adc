# ===- test_late_products.py - operands that an epilogue makes again -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Products in a backward half whose operand is a second result of an epilogue, against NumPy."""

import subprocess

import numpy as np
import pytest

from linnet import testing as lt

W = "tensor<24x24xf64>"


def text(rows):
    m = f"tensor<{rows}x24xf64>"
    return f"""func.func @main(%x: {m}, %w: {W}) -> ({m}, {W}) {{
  %h = linnet.einsum "nk,km->nm" %x, %w : {m}, {W} -> {m}
  %t = math.tanh %h : {m}
  %u = arith.mulf %t, %h : {m}
  %v = linnet.einsum "nk,km->nm" %u, %w : {m}, {W} -> {m}
  %y = math.sin %v : {m}
  %d = linnet.einsum "nk,nm->km" %u, %y : {m}, {m} -> {W}
  %z = linnet.einsum "nk,mk->nm" %y, %w : {m}, {W} -> {m}
  %p = arith.addf %u, %t : {m}
  %g = arith.mulf %z, %p : {m}
  return %g, %d : {m}, {W}
}}"""


@pytest.mark.parametrize("rows", [5, 67])
def test_the_operand_of_a_late_product(rows):
    graph = subprocess.run([lt.build_folder() / "bin" / "linnet-compile", "-", "-o", "-",
                            "--compile-to=dispatches"], input=text(rows), text=True, check=True,
                           capture_output=True).stdout
    assert ":2 = exec.dispatch @contraction" in graph
    rng = np.random.default_rng(rows)
    x, w = (lt.random(rng, shape, "f64") for shape in ((rows, 24), (24, 24)))
    h = x @ w
    u = np.tanh(h) * h
    y = np.sin(u @ w)
    for found, expected in zip(lt.run(text(rows), x, w), ((y @ w.T) * (u + np.tanh(h)), u.T @ y)):
        # sums of 24 or of the rows, in another order; the sine multiplies what is off by its argument
        assert abs(found - expected).max() <= 1e-13 * abs(expected).max()
