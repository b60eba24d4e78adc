# ===- arguments.py - command lines of Python tools -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import argparse
import sys


class ArgumentParser(argparse.ArgumentParser):
    """Wrong usage ends with exit code 1, as in the tools that are not written in Python."""

    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: error: {message}\n")
