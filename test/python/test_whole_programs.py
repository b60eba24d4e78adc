# ===- test_whole_programs.py - whole programs: dead memory, CPU levels -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import functools

import numpy as np
import pytest
from linnet import runtime, testing
from programs import CALLS, bundle, load

LEVELS = ("x86-64-v3", "x86-64-v4")


def results(module, call, times=2, **options):
    """Of all calls on one session: states are read again."""
    symbols = {name: size for name, size in call.symbols}
    session = module.session(**symbols)
    return [np.array(result, ndmin=1) for _ in range(times)
            for result in session.call(call.function, *call.arrays(), **options)]


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_no_kernel_reads_or_writes_dead_memory(call):
    """The same bits when all memory that holds nothing is filled with NaN."""
    module = load(call.model)
    plain, poisoned = (results(module, call, poison=poison) for poison in (False, True))
    for one, other in zip(plain, poisoned):
        np.testing.assert_array_equal(one.view(np.uint8), other.view(np.uint8))


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_same_bits_at_every_thread_count(call, threads):
    one = results(load(call.model), call)
    more = results(testing.open_bundle(bundle(call.model), threads), call)
    for a, b in zip(one, more):
        np.testing.assert_array_equal(a.view(np.uint8), b.view(np.uint8))


@pytest.mark.cpu  # runs nothing
@pytest.mark.slow(quick="bert|linear")
@pytest.mark.parametrize("model", sorted({call.model for call in CALLS}))
def test_compiled_twice_the_same_bytes(model):
    """Kernels compiled at once, or one after the other."""
    one, other = bundle(model), bundle(model, "native", "--jobs=1")
    assert one != other and one.read_bytes() == other.read_bytes()


@functools.cache
def at_level(model, level):
    try:
        return load(model, ",".join(LEVELS), level)
    except runtime.Error as error:
        if error.code != "UNSUPPORTED":
            raise
        pytest.skip(str(error))


@pytest.mark.cpu  # its levels
@pytest.mark.slow(quick="bert|llama|lstm|resnet|decode|digits")
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_cpu_levels_agree(call):
    """Contractions of the levels may round differently, by far less than PyTorch is off."""
    one, other = (results(at_level(call.model, level), call, times=1) for level in LEVELS)
    for a, b in zip(one, other):
        assert np.abs(a - b).max(initial=0) <= 2e-5 * max(1, np.abs(a).max(initial=0))
