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

import numpy as np
import pytest
from linnet import testing
from linnet.examples import gpt2
from programs import CALLS, GPT2, STEPS, TRAINING, bundle, load
from safetensors.numpy import save_file

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


def test_weights_of_a_page_or_more_begin_one_and_shorter_ones_take_none(tmp_path):
    rng = np.random.default_rng(0)
    lengths = {"first": 1500, "few": 7, "nearly": 1023, "page": 1024}
    arrays = {name: rng.random(length, np.float32) for name, length in lengths.items()}
    save_file(arrays, tmp_path / "w.safetensors")
    text = "".join(f"""
    ml_program.global private @{name}(#ml_program.extern : tensor<{n}xf32>) : tensor<{n}xf32>
    func.func @use_{name}(%x: tensor<{n}xf32>) -> tensor<{n}xf32> {{
      %w = ml_program.global_load_const @{name} : tensor<{n}xf32>
      %y = arith.addf %x, %w : tensor<{n}xf32>
      return %y : tensor<{n}xf32>
    }}""" for name, n in lengths.items())
    made = tmp_path / "made.lnb"
    subprocess.run([testing.build_folder() / "bin" / "linnet-compile", "-", "-o", made,
                    f"--weights={tmp_path / 'w.safetensors'}"], input=text, text=True, check=True)
    data = made.read_bytes()
    at = {name: data.find(array.tobytes()) for name, array in arrays.items()}
    assert min(at.values()) > 0
    assert {name for name in lengths if at[name] % 4096 == 0} == {"first", "page"}
    assert all(at[name] % 64 == 0 for name in lengths)
