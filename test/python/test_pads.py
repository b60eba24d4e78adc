# ===- test_pads.py - pads beside what lies in memory -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
from linnet import testing as lt
from linnet._src import kernels

@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("width", [1, 3, 5, 8, 9, 13, 16, 17])
def test_pad_reads_nothing_outside(level, width):
    """Lanes that are always outside of the source keep the padding, whatever lies there in memory:
    a back end has been seen to load them without their mask."""
    wide = width + 6
    source, target = f"tensor<2x3x5x{width}xf32>", f"tensor<2x3x11x{wide}xf32>"
    text = lt.function([f"%x: {source}"], target, f'''
%z = arith.constant 0.5 : f32
%y = tensor.pad %x low[0, 0, 3, 3] high[0, 0, 3, 3] {{
^bb0(%a: index, %b: index, %c: index, %d: index):
  tensor.yield %z : f32
}} : {source} to {target}''')
    memory = np.full(4096, np.nan, np.float32)
    x = memory[2000:2000 + 30 * width].reshape(2, 3, 5, width)
    x[:] = np.random.default_rng(width).standard_normal(x.shape)
    y, = lt.load(text, cpu=level).session().call("main", x)
    np.testing.assert_array_equal(
        y, np.pad(x, [(0, 0), (0, 0), (3, 3), (3, 3)], constant_values=0.5))
