# ===- test_import_iree.py - the wrapper around IREE's linalg -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
from linnet._src.importer.iree import WrapperError, convert
from upstream import lower

pytestmark = pytest.mark.cpu  # runs no model

WEIGHTS = np.arange(70, dtype=np.float32)
TEXT = """
module {
  util.func public @main_graph$async(%arg0: !hal.buffer_view, %arg1: !hal.buffer_view, %arg2: !hal.fence, %arg3: !hal.fence) -> (!hal.buffer_view, !hal.buffer_view) attributes {iree.abi.stub} {
    %cst = arith.constant dense<"0xHEX"> : tensor<70xf32>
    %cst_0 = arith.constant dense<"0xHEX"> : tensor<70xf32>
    %cst_1 = arith.constant dense<[true, false]> : tensor<2xi1>
    %cst_2 = arith.constant dense<1.0> : tensor<70xf32>
    %0 = hal.buffer_view.dim<%arg0 : !hal.buffer_view>[0] : index
    %1 = hal.tensor.import wait(%arg2) => %arg0 : !hal.buffer_view -> tensor<?x70xf32>{%0}
    %2 = hal.tensor.import wait(%arg2) => %arg1 : !hal.buffer_view -> tensor<70xf32>
    %3 = arith.addf %2, %cst : tensor<70xf32>
    %4 = arith.addf %3, %cst_0 : tensor<70xf32>
    %5 = arith.addf %4, %cst_2 : tensor<70xf32>
    %6:2 = hal.tensor.barrier join(%5, %1 : tensor<70xf32>, tensor<?x70xf32>) => %arg3 : !hal.fence
    %7 = hal.tensor.export %6#0 : tensor<70xf32> -> !hal.buffer_view
    %8 = hal.tensor.export %6#1 : tensor<?x70xf32>{%0} -> !hal.buffer_view
    util.return %7, %8 : !hal.buffer_view, !hal.buffer_view
  }
  util.func public @main_graph(%arg0: !hal.buffer_view) -> !hal.buffer_view {
    %fence = hal.fence.create device(%arg0 : !hal.device) flags("None") : !hal.fence
    util.return %arg0 : !hal.buffer_view
  }
}
""".replace("HEX", WEIGHTS.tobytes().hex().upper())


def test_wrapper_becomes_a_function():
    text, weights = convert(TEXT)
    assert list(weights) == ["w0"]  # equal constants are one weight
    np.testing.assert_array_equal(weights["w0"], WEIGHTS)
    lowered = lower(text)  # verifies
    assert "func.func @main(%arg0: tensor<?x70xf32>, %arg1: tensor<70xf32>)" in lowered
    assert "-> (tensor<70xf32>, tensor<?x70xf32>)" in lowered
    assert lowered.count("ml_program.global_load_const @w0") == 2


def test_unknown_wrapper_ops_are_named():
    with pytest.raises(WrapperError, match="util.align"):
        convert(TEXT.replace("%3 = arith.addf %2", "%9 = util.align %0\n    %3 = arith.addf %2"))
