# ===- measure.py - one workload, Linnet and its peers -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Records of one workload: Linnet beside its ceiling first, then one per peer, then one per
promise. Outputs are compared before anything is timed."""

import dataclasses
import functools
import pathlib

import numpy as np

from linnet import runtime
from linnet._src import testing as lt
from linnet._src.bench import peers, probe, timing
from linnet._src.bench.workload import Unavailable
from linnet._src.bench.workloads import AS_WRITTEN, ONE_THREAD
from linnet._src.runtime import _operand as operand

FIELDS = ("name", "shape", "dtype", "threads", "seconds", "flops", "bytes", "ceiling",
          "ceiling_kind", "fraction", "target", "peer", "peer_seconds", "ratio", "ratio_low",
          "ratio_high", "verdict", "error", "met", "note")


def prepare(workload, threads, folder):
    """Compiles a workload; the call reuses its buffers, as the peers' do."""
    from safetensors.numpy import save_file
    weights = None
    if workload.weights:
        weights = pathlib.Path(folder) / "weights.safetensors"
        save_file(workload.weights, weights)
    path = lt.compile_text(workload.text, f"--threads={threads}", *workload.flags, weights=weights)
    session = runtime.Runtime(threads).load(path).session(**workload.symbols)
    workload.setup(session)
    workload.before(session)
    again = direct_call(session, workload.function, workload.inputs)

    def call():
        workload.before(session)
        return again()

    return call


def direct_call(session, name, inputs):
    """A function with its buffers: what a call comes down to, without the Python around it. Makes one call."""
    made = session.call(name, *inputs)
    function = session.module.functions[name]
    given, own = iter(inputs), iter(made)
    arguments = [operand(next(given)) if p.state is None else None for p in function.arguments]
    results = [operand(next(own)) if p.state is None else None for p in function.results]

    def call():
        session._handle.call(function.index, arguments, results, False, False)
        return made

    call.made = made
    return call


def flat(values):
    """All values of one result, or of several, in f64."""
    several = values if isinstance(values, (list, tuple)) else [values]
    return np.concatenate([np.asarray(x, np.float64).ravel() for x in several])


def largest_error(actual, expected):
    """Relative to the largest value."""
    actual, expected = flat(actual), flat(expected)
    if actual.shape != expected.shape:
        return float("inf")
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-30))


class Measurement:
    def __init__(self, workload, threads, effort, folder):
        self.workload, self.threads = workload, threads
        self.effort, self.folder = effort, folder
        self.call = prepare(workload, threads, folder)
        # `prepare` has made the first call
        self.result = flat([self.call() for _ in range(max(1, workload.settle))][-1])
        self.comparisons = {}

    def record(self, **fields):
        w = self.workload
        base = dict.fromkeys(FIELDS) | {"name": w.name, "shape": w.shape, "dtype": w.dtype,
                                        "threads": self.threads, "flops": w.flops,
                                        "bytes": w.bytes, "ceiling_kind": w.ceiling}
        assert fields.keys() <= base.keys()
        return base | fields

    def alone(self):
        w, threads = self.workload, self.threads
        with timing.pinned(threads):
            seconds, self.ceiling = timing.beside_ceiling(
                self.call, lambda s: probe.ceiling(w, threads, s), probe.best(w),
                functools.partial(probe.fraction, w), self.effort)
        fraction = probe.fraction(w, seconds, self.ceiling)
        target = w.target if threads == 1 and fraction else None
        return self.record(seconds=seconds, ceiling=self.ceiling, fraction=fraction, target=target,
                           met=None if target is None else fraction >= target)

    def fastest(self, candidates):
        """The fastest candidate with the right result, and that result's error."""
        checked = []
        for call, fetch in candidates:
            for _ in range(self.workload.settle):
                call()
            checked.append((largest_error(self.result, fetch(call())), call))
        right = [(error, call) for error, call in checked if error <= self.workload.tolerance]
        if not right:
            least = min(error for error, _ in checked)
            return None, least
        if len(right) > 1:
            right.sort(key=lambda pair: min(timing.turn(pair[1], self.effort.seconds / 8)
                                            for _ in range(2)))
        return right[0][1], right[0][0]

    def beside(self, peer, candidates):
        with timing.pinned(self.threads):
            call, error = self.fastest(candidates)
            if call is None:
                return self.record(peer=peer, error=error,
                                   note=f"outputs differ: {error:.1e} of the largest")
            found = timing.against(self.call, call, self.effort)
        self.comparisons[peer] = found
        return self.record(seconds=found.ours, ceiling=self.ceiling,
                           fraction=probe.fraction(self.workload, found.ours, self.ceiling),
                           peer=peer, peer_seconds=found.theirs, ratio=found.ratio,
                           ratio_low=found.low, ratio_high=found.high, verdict=found.verdict,
                           error=error)

    def scaling(self):
        """The same on one thread; its result has the same bits."""
        one = prepare(self.workload, 1, self.folder)
        if not np.array_equal(flat(one()), self.result, equal_nan=True):
            return self.record(peer=ONE_THREAD, note="outputs differ in their bits")
        return self.beside(ONE_THREAD, [(one, flat)])

    def unrewritten(self):
        """The same program without the rewrite that the workload is there for."""
        plain = dataclasses.replace(self.workload, flags=self.workload.as_written)
        return self.beside(AS_WRITTEN, [(prepare(plain, self.threads, self.folder), flat)])

    def promise(self, must):
        """The fastest of a promise's peers, where all of them were timed."""
        found = [self.comparisons[p] for p in must.peers if p in self.comparisons]
        if len(found) < len(must.peers):
            return None
        least = min(found, key=lambda c: c.ratio)
        return self.record(seconds=least.ours, peer="fastest of " + ", ".join(must.peers),
                           peer_seconds=least.theirs, target=must.ratio, ratio=least.ratio,
                           ratio_low=least.low, ratio_high=least.high,
                           met=least.ratio >= must.ratio)


def records(workload, threads, effort, folder, names):
    """Yields the records of one workload with the peers of these names."""
    run = Measurement(workload, threads, effort, folder)
    yield run.alone()
    if threads > 1:
        yield run.scaling()
    if workload.as_written:
        yield run.unrewritten()
    for name in names:
        try:
            candidates = peers.PEERS[name][0](workload, threads)
        except Unavailable as reason:
            yield run.record(peer=name, note=str(reason))
            continue
        if candidates:
            yield run.beside(name, candidates)
    for must in workload.musts:
        line = run.promise(must)
        if line:
            yield line
