# ===- test_raise_norm.py - linnet-raise finds layer norm and RMS norm -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import os
import pathlib
import re

import norm_spellings as spellings
import pytest
from linnet import testing
from raised_programs import call_all, check, programs, raised
from upstream import lower

FOLDER = pathlib.Path(__file__).parents[1] / "Foreign"
FULL = bool(os.environ.get("LINNET_FULL"))
MATCHED, EXECUTED, MISSED = (1000, 200, 105) if FULL else (200, 24, 35)


def test_every_spelling_is_found():
    given = programs(spellings, MATCHED, 1)
    _, bodies = raised(given)
    for (c, text), body in zip(given, bodies):
        op = re.findall(r"linnet\.(\w+_norm) (.*)", body)
        assert [name for name, _ in op] == ["layer_norm" if c.centred else "rms_norm"], (c, text)
        rest = op[0][1]
        assert (" scale " in rest, " bias " in rest, "unit_offset" in rest) == \
            (c.scale, c.bias, c.offset), (c, text)
        assert f"axes {c.axes}" in rest or c.axes == 1
        assert not re.search(r"math\.|arith\.(mul|div|add|sub)f", body), (c, body)


def test_raised_programs_compute_the_same():
    given = programs(spellings, EXECUTED, 2)
    text, _ = raised(given)
    for c, arrays, result in call_all(spellings, text, given, 3):
        check(spellings, c, arrays, result)


def test_near_misses_stay():
    given = programs(spellings, MISSED, 4, near_misses=True)
    text, bodies = raised(given)
    for (c, source), body in zip(given, bodies):
        assert "_norm " not in body, (c, source)
    some = given if FULL else given[:14]
    for c, arrays, result in call_all(spellings, "\n".join(body for _, body in some), some, 5):
        check(spellings, c, arrays, result)


@pytest.mark.parametrize("name, op", [("gpt2", "layer_norm"), ("llama", "rms_norm"),
                                      ("mistral", "rms_norm"), ("bert", "layer_norm"),
                                      ("vit", "layer_norm"), ("convnext", "layer_norm")])
def test_foreign_models(name, op):
    """Two per block and one more, as the models have; no root and no guard of one is left."""
    text = lower((FOLDER / f"{name}.mlir").read_text(), "--linnet-raise", "--canonicalize")
    assert re.findall(r"linnet\.(\w+_norm) ", text) == [op] * 5
    assert not re.search(r"math\.r?sqrt|cf\.assert", text)
