# ===- test_mutable_globals.py - weights that a function updates -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from linnet import testing as lt

STEP = """
ml_program.global private mutable @w(#ml_program.extern<tensor<3x2xf32>>) : tensor<3x2xf32>
ml_program.global private mutable @m(dense<0.0> : tensor<3x2xf32>) : tensor<3x2xf32>
ml_program.global private mutable @scale(dense<0.5> : tensor<f32>) : tensor<f32>
ml_program.global private mutable @count : tensor<i64>

func.func private @loss(%x: tensor<?x3xf32>, %t: tensor<?x2xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<3x2xf32>
  %y = linnet.einsum "nk,km->nm" %x, %w : tensor<?x3xf32>, tensor<3x2xf32> -> tensor<?x2xf32>
  %d = arith.subf %y, %t : tensor<?x2xf32>
  %q = arith.mulf %d, %d : tensor<?x2xf32>
  %l = linnet.reduce mean %q axes [0, 1] : tensor<?x2xf32> -> tensor<f32>
  return %l : tensor<f32>
}

func.func @step(%x: tensor<?x3xf32> {linnet.dims = ["N", 3]}, %t: tensor<?x2xf32> {linnet.dims = ["N", 2]})
    -> tensor<f32> {
  %l, %g = linnet.value_and_grad @loss(%x, %t) wrt [@w]
      : (tensor<?x3xf32>, tensor<?x2xf32>) -> (tensor<f32>, tensor<3x2xf32>)
  %m = ml_program.global_load @m : tensor<3x2xf32>
  %c = arith.constant dense<0.9> : tensor<3x2xf32>
  %r = arith.constant dense<0.1> : tensor<3x2xf32>
  %m0 = arith.mulf %m, %c : tensor<3x2xf32>
  %m1 = arith.addf %m0, %g : tensor<3x2xf32>
  %w = ml_program.global_load @w : tensor<3x2xf32>
  %d = arith.mulf %m1, %r : tensor<3x2xf32>
  %w1 = arith.subf %w, %d : tensor<3x2xf32>
  ml_program.global_store @m = %m1 : tensor<3x2xf32>
  ml_program.global_store @w = %w1 : tensor<3x2xf32>
  %k = ml_program.global_load @count : tensor<i64>
  %one = arith.constant dense<1> : tensor<i64>
  %k1 = arith.addi %k, %one : tensor<i64>
  ml_program.global_store @count = %k1 : tensor<i64>
  return %l : tensor<f32>
}

func.func @read() -> (tensor<3x2xf32>, tensor<f32>) {
  %w = ml_program.global_load @w : tensor<3x2xf32>
  %s = ml_program.global_load @scale : tensor<f32>
  %b = linnet.broadcast %s : tensor<f32> -> tensor<3x2xf32>
  %y = arith.mulf %w, %b : tensor<3x2xf32>
  return %y, %s : tensor<3x2xf32>, tensor<f32>
}
"""


@pytest.fixture
def trained(tmp_path):
    rng = np.random.default_rng(0)
    w = rng.standard_normal((3, 2)).astype(np.float32)
    save_file({"w": w}, tmp_path / "w.safetensors")
    model = lt.load(STEP, weights=tmp_path / "w.safetensors")
    return w, model


def test_a_train_step_is_one_call(trained):
    w, model = trained
    session = model.session()
    y, s = session.call("read")
    np.testing.assert_array_equal(np.asarray(y), w * np.float32(0.5))
    assert float(np.asarray(s)) == 0.5
    tw = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimizer = torch.optim.SGD([tw], lr=0.1, momentum=0.9)
    rng = np.random.default_rng(1)
    for step in range(20):
        x, t = (rng.standard_normal(s).astype(np.float32) for s in [(5, 3), (5, 2)])
        loss, = session.call("step", x, t)
        optimizer.zero_grad()
        expected = ((torch.from_numpy(x) @ tw - torch.from_numpy(t)) ** 2).mean()
        expected.backward()
        optimizer.step()
        assert abs(float(np.asarray(loss)) - expected.item()) < 1e-5 * max(1, expected.item())
    y, _ = session.call("read")
    np.testing.assert_allclose(np.asarray(y), tw.detach().numpy() / 2, rtol=1e-5, atol=1e-6)


def test_states_start_with_the_globals_values(trained, tmp_path):
    w, model = trained
    a, b = model.session(), model.session()
    a.call("step", np.ones((2, 3), np.float32), np.ones((2, 2), np.float32))
    np.testing.assert_array_equal(np.asarray(b.call("read")[0]), w * np.float32(0.5))


def test_a_store_in_a_loop_is_refused():
    text = """
ml_program.global private mutable @w(dense<1.0> : tensor<2xf32>) : tensor<2xf32>
func.func @main(%c: i1, %x: tensor<2xf32>) {
  scf.if %c {
    ml_program.global_store @w = %x : tensor<2xf32>
  }
  return
}
"""
    with pytest.raises(lt.CompileError, match="expects to be at the top level of its function"):
        lt.compile_text(text)
