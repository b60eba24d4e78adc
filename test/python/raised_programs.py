# ===- raised_programs.py - random spellings of an op, raised and run -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""What the tests of linnet-raise share. `spellings` is a module with `choose`, `write`, `inputs` and NEAR_MISSES."""
import re

import numpy as np
from linnet import testing
from upstream import lower


def programs(spellings, count, seed, near_misses=False):
    """(choices, text, ...) of functions f0, f1, …; `write` gives the text, or that and how values are laid out."""
    out = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        missed = spellings.NEAR_MISSES[i % len(spellings.NEAR_MISSES)] if near_misses else ""
        c = spellings.choose(rng, missed)
        written = spellings.write(c, rng, f"f{i}")
        out.append((c, *((written,) if isinstance(written, str) else written)))
    return out


def raised(given, *passes):
    """The functions as one module behind linnet-raise, and the text of each."""
    text = lower("\n".join(text for _, text, *_ in given), "--linnet-raise", *passes)
    bodies = re.split(r"(?=func\.func @f\d)", text)[1:]
    assert len(bodies) == len(given)
    return text, bodies


def call_all(spellings, text, given, seed, lay_out=lambda arrays, *_: arrays):
    """(choices, inputs, result) of every function, on random inputs."""
    session = testing.load(text).session()
    for i, (c, _, *layout) in enumerate(given):
        arrays = spellings.inputs(c, np.random.default_rng([seed, i]))
        result = session.call(f"f{i}", *lay_out(arrays, *layout))
        yield c, arrays, result[0] if isinstance(result, (list, tuple)) else result


def check(spellings, c, arrays, result):
    """Against the f64 meaning, within what f32 may be off."""
    try:
        testing.assert_close(result, spellings.reference(c, arrays))
    except AssertionError as error:
        raise AssertionError(f"{c}: {error}") from None
