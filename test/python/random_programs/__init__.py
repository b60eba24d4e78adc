# ===- random_programs - random programs, with what each of their results may be off -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""`Generator(seed)` grows a program of the kinds below; `check` compiles programs, runs them and shrinks what
is wrong."""
from random_programs import control, elementwise, moves, products, rows, sequences  # noqa: F401: their kinds
from random_programs.check import Case, check
from random_programs.generator import Generator
from random_programs.gradient import check_gradients

__all__ = ["Case", "Generator", "check", "check_gradients"]
