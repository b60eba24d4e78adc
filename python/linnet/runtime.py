# ===- runtime.py - public names of the runtime -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
from linnet._src.runtime import (  # noqa: F401
    Error,
    Function,
    Module,
    Parameter,
    Runtime,
    Session,
    State,
    Symbol,
    version,
)
