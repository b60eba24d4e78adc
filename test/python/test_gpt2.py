# ===- test_gpt2.py - GPT-2's IR, compiled, against PyTorch -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import os

import pytest

from linnet.examples import gpt2

CASES = [(gpt2.TINY, 33), (gpt2.TINY, 1)]
# half a gigabyte of weights: in `./dev test --full`
FULL = [(gpt2.SMALL, 512)] if os.environ.get("LINNET_FULL") else []


@pytest.mark.parametrize("config,length", CASES + FULL)
def test_agrees_with_pytorch(tmp_path, config, length):
    pytest.importorskip("torch")
    gpt2.write(tmp_path, config)
    assert gpt2.compare(tmp_path, config, length, steps=4, threads=1) <= 1e-4
