# ===- timing.py - turns of programs -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Two programs take turns, A B B A, so that slow drifts of the machine touch both alike.

A turn begins with a pause, in which idle workers of the other program go to sleep, and with one
call that brings the caches back and does not count, unless it alone would fill the turn; it counts
with its best call. A program's time
is the median of its turns, and two programs are compared by the median of the ratios of
neighbouring turns, with a bootstrap interval. A program and its ceiling take turns likewise: what
other programs take of the memory differs from one tenth of a second to the next."""

import contextlib
import dataclasses
import os
import statistics
import time

import numpy as np

PAUSE = 0.01


@dataclasses.dataclass(frozen=True)
class Effort:
    seconds: float  # a turn lasts at least this
    rounds: int     # of A B B A
    probe: float    # seconds per probe of a ceiling
    limit: float    # seconds after which no further round begins, once there are two


FULL, QUICK = Effort(0.2, 5, 0.1, 8), Effort(0.02, 2, 0.02, 2)


@contextlib.contextmanager
def pinned(threads):
    """Keeps a program of one thread on one core; more threads stay free to move."""
    if threads > 1 or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def turn(call, seconds):
    time.sleep(PAUSE)
    start = time.perf_counter()
    call()
    begin = time.perf_counter()
    best = begin - start if begin - start >= seconds else float("inf")
    while True:
        before = time.perf_counter()
        call()
        after = time.perf_counter()
        best = min(best, after - before)
        if after - begin >= seconds:
            return best


def _rounds(effort, count):
    start = time.perf_counter()
    for i in range(count):
        if i < 2 or time.perf_counter() - start < effort.limit:
            yield


def beside_ceiling(call, probe, better, fraction, effort):
    """Seconds and ceiling of the turn with the median fraction. Turns are half as long as between
    two programs, and twice as many; the ceiling of each is the better one of the probes before
    and behind it."""
    turns, before = [], probe(effort.probe)
    for _ in _rounds(effort, 2 * effort.rounds + 1):
        seconds = turn(call, effort.seconds / 2)
        behind = probe(effort.probe)
        turns.append((seconds, better(before, behind)))
        before = behind
    turns.sort(key=lambda t: (fraction(*t), t[0]))
    return turns[len(turns) // 2]


@dataclasses.dataclass(frozen=True)
class Comparison:
    ours: float
    theirs: float
    ratio: float  # theirs / ours
    low: float
    high: float

    @property
    def verdict(self):
        """As seen from ours; nothing is claimed while the interval holds 1."""
        return "faster" if self.low > 1 else "slower" if self.high < 1 else "undecided"


def against(ours, theirs, effort):
    a, b = [], []
    for _ in _rounds(effort, effort.rounds):
        a.append(turn(ours, effort.seconds))
        b += [turn(theirs, effort.seconds), turn(theirs, effort.seconds)]
        a.append(turn(ours, effort.seconds))
    ratios = [y / x for x, y in zip(a, b)]
    return Comparison(statistics.median(a), statistics.median(b), statistics.median(ratios),
                      *bootstrap(ratios))


def bootstrap(values, draws=2000, level=0.95):
    """The interval of the median under resampling, from a fixed seed."""
    values, rng = np.asarray(values), np.random.default_rng(0)
    medians = np.median(values[rng.integers(0, len(values), (draws, len(values)))], axis=1)
    return tuple(float(x) for x in np.quantile(medians, [(1 - level) / 2, (1 + level) / 2]))
