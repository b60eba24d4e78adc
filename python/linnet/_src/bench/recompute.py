# ===- recompute.py - a deep train step within activation budgets -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""What a train step of 24 layers costs when it keeps less between forward and backward, beside
torch.compile's `activation_memory_budget` on the same step.

Linnet measures its dispatches, plans with these times for each number of bytes that PyTorch keeps,
and runs every plan in turns with the step that recomputes nothing. Extra time compares the fastest
turn of each: a turn takes seconds, other work on the machine only adds to some of them, and medians
of few such turns differ by more than the points do. Results have the same bits."""

import dataclasses
import json
import pathlib
import subprocess
import sys
import time
import types

import numpy as np

from linnet import runtime
from linnet._src import testing as lt
from linnet._src.bench import timing

NAME = "gpt24_recompute"
# activation_memory_budget, MB that PyTorch 2.13 keeps, per cent of its step that this adds: one
# thread of another Zen 4, recorded
RECORDED = ((1.0, 403, 0), (0.5, 202, 8), (0.3, 122, 15), (0.15, 61, 19), (0.05, 21, 24))


@dataclasses.dataclass
class Point:
    """A number of bytes that is kept, and what it costs: per cent of the own step."""
    kept: float
    extra: float
    turns: int = 0
    estimate: float = None
    recomputed: int = 0
    compiling: float = 0.0  # seconds


# Linnet


class Steps:
    """Bundles of one train step under limits, with the inputs of a call."""

    def __init__(self, config, folder, threads):
        from linnet.examples import gpt2, gpt2_train
        self.folder, self.threads = pathlib.Path(folder), threads
        self.source = self.folder / "train.mlir"
        self.source.write_text(gpt2_train.TrainStep(config).text())
        self.parameters = gpt2.random_parameters(config)
        self.tokens = np.random.default_rng(0).integers(0, config.vocab, (1, config.positions + 1))

    def compile(self, name, *flags):
        """Path of a bundle, its report, and the seconds that compiling took."""
        bundle, report = (self.folder / f"{name}.{suffix}" for suffix in ("lnb", "json"))
        start = time.perf_counter()
        done = subprocess.run(
            [lt.build_folder() / "bin" / "linnet-compile", self.source, "-o", bundle, "--cpu=native",
             f"--threads={self.threads}", f"--report={report}", *flags],
            text=True, capture_output=True)
        if done.returncode != 0:
            raise lt.CompileError(done.returncode, done.stderr)
        seconds = time.perf_counter() - start
        return bundle, json.loads(report.read_text())["functions"][0], seconds

    def session(self, bundle):
        session = runtime.Runtime(self.threads).load(bundle).session()
        for name, value in self.parameters.items():
            session.set_state(name, value)
        return session

    def call(self, session):
        return session.call("train", self.tokens, np.float32(1e-4))[0]

    def measure(self, session, calls=3):
        """A trace file with the times of all dispatches."""
        self.call(session)
        events = []
        for _ in range(calls):
            events += session.trace("train", self.tokens, np.float32(1e-4))
        path = self.folder / "times.json"
        path.write_text(json.dumps({"traceEvents": [
            {"dur": e["duration"] / 1e3, "args": {"kernel": e["kernel"]}} for e in events]}))
        return path


def same_bits(one, other, names):
    return all(np.array_equal(one.get_state(n), other.get_state(n)) for n in names)


def extra_time(base, plan, rounds):
    """Per cent that a plan's time is above that of the step without recomputation, in turns A B B A."""
    def seconds(call):
        start = time.perf_counter()
        call()
        return time.perf_counter() - start
    own, planned = [], []
    for _ in range(rounds):
        own.append(seconds(base))
        planned += [seconds(plan), seconds(plan)]
        own.append(seconds(base))
    return 100 * (min(planned) / min(own) - 1)


def linnet_points(steps, limits, rounds, say):
    """A point for each number of bytes; says what it does, as this takes minutes."""
    bundle, report, seconds = steps.compile("plain")
    say(f"compiled the step without a budget in {seconds:.1f} s: {report['dispatches']} dispatches")
    base = steps.session(bundle)
    with timing.pinned(steps.threads):
        times = steps.measure(base)
    for limit in limits:
        bundle, report, seconds = steps.compile(
            f"kept{limit}", f"--activation-budget={limit}", f"--dispatch-times={times}")
        plan = report["recompute"]
        own = plan["time_ps"] - plan["extra_time_ps"]
        point = Point(plan["kept"], 0.0, estimate=100 * plan["extra_time_ps"] / own,
                      recomputed=plan["recomputed"], compiling=seconds)
        if rounds:
            session, fresh = steps.session(bundle), steps.session(steps.folder / "plain.lnb")
            if steps.call(session) != steps.call(fresh) or not same_bits(session, fresh,
                                                                         steps.parameters):
                raise runtime.Error(f"a plan that keeps {plan['kept']} bytes changes the results")
            del fresh
            with timing.pinned(steps.threads):
                point.extra = extra_time(lambda: steps.call(base), lambda: steps.call(session),
                                         rounds)
            point.turns = 2 * rounds
        yield point


# PyTorch


class TorchStep:
    """PyTorch's step, compiled for a budget. Compiled code belongs to a code object: each step has one of
    its own, or the first would be compiled again for the budget of the second."""

    def __init__(self, config, parameters, data, budget):
        import torch
        import torch._functorch.config as functorch
        from linnet.examples import gpt2_train

        def loss(values, data):
            return gpt2_train.torch_loss(config, values, data)
        own = types.FunctionType(loss.__code__.replace(co_name=f"loss_{budget}".replace(".", "_")),
                                 loss.__globals__, closure=loss.__closure__)
        functorch.activation_memory_budget = budget
        self.loss, self.data = torch.compile(own), data
        self.values = {n: torch.from_numpy(p.copy()).requires_grad_() for n, p in parameters.items()}
        self.optimizer = torch.optim.AdamW(self.values.values(), lr=1e-4, fused=True)
        self()  # forward and backward are compiled by their first calls

    def __call__(self):
        self.optimizer.zero_grad()
        self.loss(self.values, self.data).backward()
        self.optimizer.step()

    def kept(self):
        return torch_kept(self.loss(self.values, self.data), self.values, self.data)


def torch_points(config, parameters, tokens, threads, rounds, say):
    """The same of torch.compile, for the budgets of RECORDED."""
    import torch
    torch.set_num_threads(threads)
    data, base = torch.from_numpy(tokens), None
    for budget, _, _ in RECORDED:
        start = time.perf_counter()
        step = TorchStep(config, parameters, data, budget)
        say(f"torch.compile with activation_memory_budget {budget}: {time.perf_counter() - start:.0f} s")
        if base is None:
            base, whole = step, step.kept()
        with timing.pinned(threads):  # and compiled on all cores
            found = extra_time(base, step, rounds) if step is not base else 0.0
        if base.kept() != whole:
            raise runtime.Error("PyTorch compiled the step without a budget again, for another one")
        yield Point(step.kept(), found, 2 * rounds)


def torch_kept(loss, values, data):
    """Bytes that autograd holds for the backward pass, but for parameters and inputs."""
    given = {v.untyped_storage().data_ptr() for v in values.values()}
    given.add(data.untyped_storage().data_ptr())
    found, seen, work = {}, set(), [loss.grad_fn]
    while work:
        node = work.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        for tensor in getattr(node, "saved_tensors", ()):
            storage = tensor.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
        work += [next for next, _ in node.next_functions]
    return sum(size for pointer, size in found.items() if pointer not in given)


# Report


def is_met(point, kept, extra, source):
    """Neither more bytes nor more time. Like is compared with like: what PyTorch takes here and now
    with what the plan takes in turns with it; its recorded figures, in whole per cent and from
    another machine, with the plan's estimate, which is free of this machine's noise."""
    ours = point.extra if source == "measured" else point.estimate
    return point.kept <= kept and ours <= extra + 0.05


def line(point, kept, extra, source):
    measured = f"{point.extra:.1f}%" if point.turns else ""
    met = "met" if is_met(point, kept, extra, source) else "MISSED"
    return (f"{kept / 1e6:8.1f} {extra:6.1f}% | {point.kept / 1e6:8.1f} {point.estimate:7.2f}%"
            f" {measured:>9} {point.recomputed:12d}  {met}")


def run(options, peers, folder):
    """Prints the table; the number of points at which PyTorch needs less."""
    from linnet.examples import gpt2_train
    say = lambda text: print(f"linnet-bench: {text}", file=sys.stderr, flush=True)
    rounds, config = 2 if options.quick else 4, gpt2_train.DEEP
    steps = Steps(config, folder, options.threads)
    if options.measure_torch and "torch.compile" in peers:
        theirs = [(p.kept, p.extra, "measured") for p in torch_points(
            config, steps.parameters, steps.tokens, options.threads, rounds, say)]
    else:
        theirs = [(mb * 1e6, extra, "recorded") for _, mb, extra in RECORDED]
    ours = list(linnet_points(steps, [int(kept) for kept, _, _ in theirs], rounds, say))
    pairs = list(zip(ours, theirs))
    if options.json:
        for point, (kept, extra, source) in pairs:
            print(json.dumps({"name": NAME, "peer": "torch.compile", "source": source,
                              "peer_kept": kept, "peer_extra_percent": extra,
                              **dataclasses.asdict(point)}), flush=True)
    else:
        print(f"a train step of {config.layers} layers, width {config.width}, {config.positions}"
              " tokens, AdamW: MB kept between forward and backward, extra time\n"
              f"{'torch.compile,':>16} |   Linnet\n{theirs[0][2]:>16} |     kept  planned"
              f"  measured dispatches again")
        for point, peer in pairs:
            print(line(point, *peer))
        print(f"compiling with a budget took at most {max(p.compiling for p in ours):.1f} s",
              flush=True)
    return sum(not is_met(point, *peer) for point, peer in pairs)
