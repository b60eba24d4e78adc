# ===- rules.py - rewrite rules in Python -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""What a file of rules uses; linnet-py runs it (docs/tutorials/python)."""

from linnet._src.rules.host import main, rewrite  # noqa: F401
from linnet._src.rules.ir import Op, Rewriter, Type, Value  # noqa: F401
