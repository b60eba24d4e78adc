# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Where arrays lie in memory."""

import math

import numpy as np


def empty_at(shape, dtype, align):
    """An array that begins at a multiple of `align` bytes, which NumPy's own may not."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + align, np.uint8)
    start = -room.ctypes.data % align
    return room[start:start + size].view(dtype).reshape(shape)
