# ===- test_gpu_loop_turns.py - loops that a driver ends early, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""lavapipe ends all loops of a thread after 65535 turns: what it computes then must not pass for a result. On other
drivers the same programs give what the reference does."""
import functools
import subprocess

import numpy as np
import pytest

import test_kernels_selective_scan as scan
from linnet import runtime
from linnet import testing as lt
from linnet._src import vulkan_kernels
