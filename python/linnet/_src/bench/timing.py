# ===- timing.py - turns of two programs -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Two programs take turns, A B B A, so that slow drifts of the machine touch both alike; a turn
lasts a given time and counts with its best call, a program with the median of its turns."""

import statistics
import time


def turn(call, seconds):
    best, start = float("inf"), time.perf_counter()
    while True:
        before = time.perf_counter()
        call()
        after = time.perf_counter()
        best = min(best, after - before)
        if after - start >= seconds:
            return best


def alone(call, seconds, turns=3):
    call()
    return statistics.median(turn(call, seconds) for _ in range(turns))


def against(ours, theirs, seconds, rounds=2):
    """Median seconds of both, and the median over the turns of theirs / ours."""
    ours(), theirs()
    a, b = [], []
    for _ in range(rounds):
        a.append(turn(ours, seconds))
        b.append(turn(theirs, seconds))
        b.append(turn(theirs, seconds))
        a.append(turn(ours, seconds))
    ratios = [y / x for x, y in zip(a, b)]
    return statistics.median(a), statistics.median(b), statistics.median(ratios)
