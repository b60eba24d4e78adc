# ===- __init__.py - the package -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""`linnet.runtime` runs bundles, without the compiler; `@linnet.rewrite` makes rules of functions."""


def __getattr__(name):
    # the compiler's library is loaded by those who use it
    if name == "rewrite":
        from linnet.rules import rewrite
        return rewrite
    raise AttributeError(f"module 'linnet' has no attribute '{name}'")
