# ===- gradients.py - public names for tests of derivatives -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
from linnet._src.gradients import (  # noqa: F401
    Case,
    assert_gradient,
    central_differences,
    check,
    check_all,
    module,
)
