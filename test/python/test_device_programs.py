# ===- test_device_programs.py - what whole programs do on a device -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""A device does the dispatches of the CPU's program, each in about one launch, and what a call copies to
it and back are the tensors that the caller gave and gets: nothing within, nothing between steps."""
import numpy as np
import pytest
from linnet import testing
from programs import CALLS, bundle, torch_logits

pytestmark = pytest.mark.device


def open_call(call, device):
    return testing.open_bundle(bundle(call.model, device=device), device=device).session(**dict(call.symbols))


def traced(call, device=None):
    """Of each dispatch that was done, in order: its number, op and place; and the launches of them all."""
    session = open_call(call, device)
    events = session.trace(call.function, *call.arrays())
    done = [(e["dispatch"], e["op"], e["location"]) for e in events]
    return [d for d, before in zip(done, [None, *done]) if d != before], len(done)


def counted(session, call):
    """What one more call adds to the session's counters."""
    before = session.counters
    results = session.call(call.function, *call.arrays())
    after = session.counters
    return {name: after[name] - before[name] for name in after}, results


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_dispatches_are_the_cpus(call):
    (theirs, _), (ours, launches) = traced(call, "cpu"), traced(call)
    print(f"{call}: {len(ours)} dispatches, {len(theirs)} on the CPU, {launches} launches")
    assert ours == theirs
    assert launches <= 1.1 * len(ours)


def check_copies(call, count, results, numbers):
    """One submission, with the call's tensors before and behind it; `numbers`: states of one element that the
    next call's commands depend on, which come with the results."""
    given = [x for x in call.arrays() if x.nbytes]
    results = [r for r in results if r.nbytes]
    print(f"{call}: " + ", ".join(f"{value} {name}" for name, value in count.items() if value))
    assert count["submissions"] == 1
    assert (count["uploads"], count["upload_bytes"]) == (len(given), sum(x.nbytes for x in given))
    assert count["downloads"] == len(results) + numbers
    assert count["download_bytes"] == sum(r.nbytes for r in results) + 8 * numbers


def numbers(call):
    """Where a language model with a cache writes next."""
    return int(call.model in ("bytelm.softmax", "gpt2.small"))


@pytest.mark.slow(quick="bytelm|gpt2.small|digits|vit|resnet")
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_only_arguments_and_results_are_copied(call):
    """States and weights stay where they are; once a state is known nothing is read within a call."""
    session = open_call(call, None)
    counted(session, call)
    for _ in range(2):
        check_copies(call, *counted(session, call), numbers(call))


@pytest.mark.parametrize("read, step", list(zip(CALLS, CALLS[1:], strict=False))[:6:2], ids=str)
def test_nothing_is_copied_between_steps(read, step):
    """Of a prompt and what is written behind it. Logits are as far from PyTorch's in float64 as the CPU's are: sums have
    other orders, so the same number of roundings and the same square of an error, expected over all logits. Logits of a
    step share the error of what they are made of: twice the root is allowed."""
    cpu, session = (open_call(read, device) for device in ("cpu", None))
    for opened in (cpu, session):
        opened.call(read.function, *read.arrays())
    before, errors = session.counters, []
    tokens = np.concatenate([*read.arrays(), *4 * step.arrays()], 1)
    for exact in torch_logits(read.model, tokens).numpy().swapaxes(0, 1)[-4:]:
        count, results = counted(session, step)
        check_copies(step, count, results, numbers(step))
        theirs = cpu.call(step.function, *step.arrays())
        errors.append([y[:, 0].astype(np.float64) - exact for y in (*theirs, *results)])
    after = session.counters
    theirs, ours = np.sqrt(np.mean(np.square(errors), (0, 2, 3)))
    print(f"{step}: off by {ours:.2e} in the mean, the CPU by {theirs:.2e}")
    assert ours <= 2 * theirs
    assert after["downloads"] - before["downloads"] == 4 * (1 + numbers(step))
    assert after["uploads"] - before["uploads"] == 4
