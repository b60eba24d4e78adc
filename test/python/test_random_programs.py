# ===- test_random_programs.py - random programs against what they mean -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Whatever is raised, fused, grouped and computed in place: every result of a random program is as far from float64
as the roundings of its steps allow (random_programs/), on both CPU levels, with the same bits on one thread and two,
and on the device that pytest's `--device` names. `LINNET_FULL=1` tries thousands; LINNET_SEED=N only program N.

What fails is shrunk, and printed with its seed."""
import os

import pytest
import random_programs as rp
from linnet import testing as lt

FULL, ONE = bool(os.environ.get("LINNET_FULL")), os.environ.get("LINNET_SEED")
BATCH = 10  # programs that are compiled as one module
COUNT = 3000 if FULL else 30
SEEDS = [range(int(ONE), int(ONE) + 1)] if ONE else [range(s, s + BATCH) for s in range(0, COUNT, BATCH)]


def case(seed):
    made = rp.Generator(seed, name=f"f{seed}")
    return rp.Case(made.program, made.calls(), seed)


@pytest.mark.parametrize("seeds", SEEDS, ids=lambda seeds: f"{seeds.start}")
def test_random_programs(seeds):
    # one CPU level for each half of the batches, unless there is time
    levels = ("x86-64-v3", "x86-64-v4") if FULL else (("x86-64-v3", "x86-64-v4")[seeds.start // BATCH % 2],)
    cases = [case(seed) for seed in seeds]
    failures = rp.check(cases, levels=levels)
    assert not failures, f"{len(failures)} of {len(seeds)} programs:\n" + "\n".join(m for _, m in failures)
    compared, wanted = sum(len(c.calls) for c in cases), sum(c.wanted for c in cases)
    assert ONE or compared >= 0.75 * wanted, f"only {compared} of {wanted} calls have results that say something"


@pytest.mark.parametrize("first", range(0, 300 if FULL else 8, 2))
def test_gradients(first):
    """Against differences of what the program means."""
    failures, compared = [], 0
    for seed in range(first, first + 2):
        program = rp.Generator(seed, differentiable=True).program
        program.donated = {}
        failure, elements = rp.check_gradients(program, seed)
        failures, compared = [*failures, failure], compared + elements
    assert not any(failures), "\n".join(filter(None, failures))
    assert compared, "no element is far enough from a kink"


@pytest.mark.cpu  # runs nothing
def test_one_seed_is_one_program():
    first, second = (case(5).program for _ in range(2))
    assert first.text() == second.text()


def test_a_wrong_step_is_found_and_shrunk():
    """One percent, in the norm at the end of a program of f32: what is printed is that norm on arguments."""
    for seed in range(200):
        made = rp.Generator(seed, ops=6, name=f"f{seed}")
        kinds = [n.kind for n in made.program.nodes]
        if made.dtype == "f32" and len(kinds) > 2 and kinds[-1] in ("layer_norm", "rms_norm"):
            break
    kind, inner = kinds[-1], made.program.nodes[-1].meaning
    made.program.nodes[-1].meaning = lambda at, *values: [y * 1.01 for y in inner(at, *values)]
    (_, message), = rp.check([rp.Case(made.program, made.calls()[:1], seed)], levels=("x86-64-v3",))
    assert f"seed {seed}" in message and message.count("linnet.") == message.count(f"linnet.{kind}") == 1, message
