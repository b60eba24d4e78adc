# ===- __main__.py - linnet-py -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import sys

from linnet._src.rules.host import main

sys.exit(main(sys.argv[1:]))
