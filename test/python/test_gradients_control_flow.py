# ===- test_gradients_control_flow.py - derivatives of scf, calls, regions -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import re

import numpy as np
import pytest
import torch

from linnet import gradients as lg
from linnet import testing as lt

LOOP = """
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>, %n: tensor<?xi64> {linnet.dims = ["N"]})
    -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %end = tensor.dim %n, %c0 : tensor<?xi64>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %r, %d = scf.for %i = %c0 to %end step %c2 iter_args(%h = %x, %k = %one)
      -> (tensor<4xf32>, tensor<4xf32>) {
    %p = arith.mulf %h, %w : tensor<4xf32>
    %s = math.sin %p : tensor<4xf32>
    %t = arith.addf %s, %k : tensor<4xf32>
    %k1 = arith.addf %k, %one : tensor<4xf32>
    scf.yield %t, %k1 : tensor<4xf32>, tensor<4xf32>
  }
  %y = arith.mulf %r, %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
"""


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_for(n):
    x, w = (lt.random(np.random.default_rng(i), (4,), "f32") for i in range(2))

    def oracle(x, w, _):
        h = x
        for k in range((n + 1) // 2):
            h = torch.sin(h * w) + (k + 1)
        return h * x
    lg.check(LOOP, [x, w, np.zeros(n, np.int64)], torch=oracle)


IF = """
func.func @main(%x: tensor<3xf32>, %w: tensor<3xf32>, %c: i1) -> tensor<3xf32> {
  %y = scf.if %c -> tensor<3xf32> {
    %p = arith.mulf %x, %w : tensor<3xf32>
    %s = math.exp %p : tensor<3xf32>
    scf.yield %s : tensor<3xf32>
  } else {
    %s = math.sin %x : tensor<3xf32>
    scf.yield %s : tensor<3xf32>
  }
  return %y : tensor<3xf32>
}
"""


@pytest.mark.parametrize("c", [False, True])
def test_if(c):
    x, w = (lt.random(np.random.default_rng(i), (3,), "f32") for i in range(2))
    lg.check(IF, [x, w, np.bool_(c)], torch=lambda x, w, _: torch.exp(x * w) if c else x.sin())


CHECKPOINT = """
func.func private @block(%x: tensor<3x5xf32>, %w: tensor<5x5xf32>) -> tensor<3x5xf32> {
  %y = linnet.checkpoint -> tensor<3x5xf32> {
    %h = linnet.einsum "ij,jk->ik" %x, %w : tensor<3x5xf32>, tensor<5x5xf32> -> tensor<3x5xf32>
    %t = math.tanh %h : tensor<3x5xf32>
    %u = linnet.einsum "ij,kj->ik" %t, %w : tensor<3x5xf32>, tensor<5x5xf32> -> tensor<3x5xf32>
    linnet.yield %u : tensor<3x5xf32>
  }
  return %y : tensor<3x5xf32>
}
func.func @main(%x: tensor<3x5xf32>, %w: tensor<5x5xf32>) -> tensor<3x5xf32> {
  %a = func.call @block(%x, %w) : (tensor<3x5xf32>, tensor<5x5xf32>) -> tensor<3x5xf32>
  %b = func.call @block(%a, %w) : (tensor<3x5xf32>, tensor<5x5xf32>) -> tensor<3x5xf32>
  return %b : tensor<3x5xf32>
}
"""


def test_checkpoint_gives_the_same_bits():
    x, w = (lt.random(np.random.default_rng(i), s, "f32") for i, s in enumerate([(3, 5), (5, 5)]))

    def oracle(x, w):
        for _ in range(2):
            x = torch.tanh(x @ w) @ w.T
        return x
    found = lg.check(CHECKPOINT, [x, w], torch=oracle)
    plain = CHECKPOINT.replace("%y = linnet.checkpoint -> tensor<3x5xf32> {", "").replace(
        "linnet.yield %u : tensor<3x5xf32>\n  }\n  return %y", "return %u")
    for a, b in zip(found, lg.check(plain, [x, w], torch=oracle)):
        np.testing.assert_array_equal(a, b)


CUSTOM = """
func.func private @clip(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = math.tanh %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func private @clip_backward(%x: tensor<4xf32>, %y: tensor<4xf32>, %dy: tensor<4xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<3.0> : tensor<4xf32>
  %d = arith.mulf %dy, %c : tensor<4xf32>
  return %d : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = arith.addf %x, %x : tensor<4xf32>
  %y = linnet.custom_vjp @clip backward @clip_backward(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
"""


def test_custom_vjp():
    x = np.float32([1, 2, 3, 4])
    straight = lambda v: (v * 6 - (v * 6).detach()) + torch.tanh(2 * v).detach()  # noqa: E731
    lg.check(CUSTOM, [x], torch=straight)


def test_gradient_of_a_gradient():
    text = """
func.func private @f(%x: tensor<3xf32>) -> tensor<f32> {
  %s = math.sin %x : tensor<3xf32>
  %p = arith.mulf %s, %x : tensor<3xf32>
  %l = linnet.reduce sum %p axes [0] : tensor<3xf32> -> tensor<f32>
  return %l : tensor<f32>
}
func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
  %l, %d = linnet.value_and_grad @f(%x) wrt [0] : (tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
  return %d : tensor<3xf32>
}
"""
    x = np.float32([0.3, -1.0, 2.0])
    lg.check(text, [x], torch=lambda v: v.cos() * v + v.sin())


WITHOUT_RULES = """
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %a = arith.remf %x, %w : tensor<4xf32>
  %b = arith.remf %a, %w : tensor<4xf32>
  %l = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %b) -> (tensor<4xf32>) {
    %k = math.acosh %one : tensor<4xf32>
    %s = arith.addf %h, %k : tensor<4xf32>
    %t = scf.if %c -> (tensor<4xf32>) {
      %n = math.atanh %s : tensor<4xf32>
      scf.yield %n : tensor<4xf32>
    } else {
      scf.yield %s : tensor<4xf32>
    }
    scf.yield %t : tensor<4xf32>
  }
  %y = scf.while (%v = %l) : (tensor<4xf32>) -> tensor<4xf32> {
    %f = tensor.extract %v[%c0] : tensor<4xf32>
    %zero = arith.constant 0.0 : f32
    %more = arith.cmpf ogt, %f, %zero : f32
    scf.condition(%more) %v : tensor<4xf32>
  } do {
  ^bb0(%v: tensor<4xf32>):
    %d = arith.subf %v, %one : tensor<4xf32>
    scf.yield %d : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}
"""


def test_ops_without_a_rule_are_reported_together():
    """Also those in loops and branches, each with its place; what is constant is no obstacle."""
    with pytest.raises(lt.CompileError) as error:
        lt.compile_text(lg.module(WITHOUT_RULES))
    message = str(error.value)
    assert error.value.code == 1
    lines = WITHOUT_RULES.splitlines()
    for op, count in (("arith.remf", 2), ("math.atanh", 1), ("scf.while", 1)):
        place = next(i for i, line in enumerate(lines, 1) if f" {op} " in line)
        assert re.search(rf":{place}:\d+: error: no derivative rule for {count} x '{op}'", message), op
    second = next(i for i, line in enumerate(lines, 1) if "%b = arith.remf" in line)
    assert re.search(rf":{second}:\d+: note: another 'arith.remf' here", message)
    assert message.count("error:") == 3 and "acosh" not in message
