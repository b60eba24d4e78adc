# ===- test_raise_rotary.py - linnet-raise finds rotary embeddings -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import os
import re

import numpy as np
import rotary_spellings as spellings
from linnet import testing
from raised_programs import call_all, check, programs, raised

FULL = bool(os.environ.get("LINNET_FULL"))
MATCHED, EXECUTED, MISSED = (1000, 200, 102) if FULL else (200, 24, 30)


def test_every_spelling_is_found():
    given = programs(spellings, MATCHED, 1)
    _, bodies = raised(given)
    for (c, text, _), body in zip(given, bodies):
        assert body.count("linnet.rotary ") == 1, (c, text)
        assert c.rotated == 2 or ("layout<interleaved>" in body) == c.interleaved, (c, text)
        assert not re.search(r"arith\.(mul|sub|add|neg)f", body), (c, body)


def lay_out(arrays, layout):
    x = arrays[0] if layout == "bhnd" else np.ascontiguousarray(arrays[0].transpose(0, 2, 1, 3))
    return [x, *arrays[1:]]


def test_raised_programs_compute_the_same():
    given = programs(spellings, EXECUTED, 2)
    text, _ = raised(given)
    for c, arrays, result in call_all(spellings, text, given, 3, lay_out):
        check(spellings, c, arrays, result)


def test_near_misses_stay():
    given = programs(spellings, MISSED, 4, near_misses=True)
    _, bodies = raised(given)
    for (c, source, _), body in zip(given, bodies):
        # what stands before negated channels may be a rotation of its own
        assert body.count("linnet.rotary ") <= (c.missed == "rest"), (c, source)
    some = given if FULL else given[:12]
    for c, arrays, result in call_all(spellings, raised(some)[0], some, 5, lay_out):
        check(spellings, c, arrays, result)
