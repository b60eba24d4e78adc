# ===- test_memory.py - what whole programs do with memory -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# test/Runtime/memory-probe.cpp measures, in a process of its own.
#
# ===----------------------------------------------------------------------===//
import dataclasses
import functools
import json
import math
import subprocess

import pytest
from linnet import testing
from linnet.examples import gpt2
from programs import CALLS, GPT2, STEPS, TRAINING, bundle, load

pytestmark = pytest.mark.cpu  # allocations and addresses of CPUs; of devices: test_device_programs.py

MIB = 1 << 20
PROBE = testing.build_folder() / "bin" / "memory-probe"


@functools.cache
def probe(call, threads=1):
    done = subprocess.run(
        [PROBE, bundle(call.model), call.function, f"--threads={threads}",
         *(f"--input={spec}" for spec in call.specs()),
         *(f"--symbol={name}={size}" for name, size in call.symbols)],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_calls_after_the_first_allocate_nothing(call):
    assert probe(call)["allocations"] == 0


@pytest.mark.parametrize("call", STEPS, ids=str)
def test_a_decode_step_copies_no_cache(call):
    """What is copied are the runtime's own numbers, so many for each command, and no arena would hold a
    cache: both are the same for every capacity."""
    copied = probe(call)["copied"]
    assert copied < min(4096, call.state_bytes() / 4)
    if call.symbols:
        assert copied == probe(dataclasses.replace(call, symbols=(("C", 64),)))["copied"]
    else:
        assert probe(call)["arena"] < call.state_bytes()
        return
    small, large = (load(call.model).memory(call.function, C=size) for size in (64, 512))
    assert small["arena"] == large["arena"]
    assert small["state"] < large["state"]


@pytest.mark.parametrize("call", TRAINING, ids=str)
def test_a_train_step_updates_where_things_are(call):
    """One call is one step. Of parameters, moments and running statistics none is copied (what is
    copied are the runtime's own numbers) and none has another address after any of the calls."""
    measured = probe(call)
    states = {p.state for p in load(call.model).functions[call.function].arguments if p.state}
    assert measured["states"] == len(states) > 10
    assert measured["moved"] == 0
    assert measured["copied"] < 2048


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_the_resident_set_grows_by_no_more_than_planned(call, threads):
    measured = probe(call, threads)
    planned = sum(measured[kind] for kind in ("state", "arena", "scratch"))
    assert measured["growth"] <= planned + MIB


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_the_arena_is_close_to_its_largest_live_set(call):
    """At the symbols' maxima, for which it was planned; without, at the sizes of the call."""
    planned = load(call.model).functions[call.function].memory
    if planned["arena"] is None:
        planned = probe(call)
    assert 0 < planned["largest_live"] <= planned["arena"] <= 1.05 * planned["largest_live"]


def test_an_embedding_that_is_a_projection_too_is_held_once():
    """GPT-2 reads rows of `wte` and multiplies by it: the rows come out of the packed panels."""
    parameters = sum(4 * math.prod(shape) for shape in gpt2.parameter_shapes(GPT2).values())
    constants = load("gpt2.small").functions["decode"].memory["constants"]
    assert parameters <= constants <= 1.02 * parameters
