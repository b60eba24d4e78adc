# ===- __main__.py - times Linnet beside its peers -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Times Linnet, its ceilings and its peers in one run.

    ./dev bench                          every workload, a table
    ./dev bench --only=matmul,softmax    those whose name starts with one of these
    ./dev bench --json --no-peers        one JSON object a line, Linnet alone

Outputs are compared before anything is timed. `fraction` is of the ceiling probed in this run on
one thread; `ratio` is the peer's time divided by ours.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np

from linnet import runtime
from linnet._src import testing as lt
from linnet._src.runtime import _operand as runtime_operand
from linnet._src.bench import peers, probe, timing, workloads


def prepare(workload, threads, folder):
    """Compiles a workload; the call reuses its buffers, as the peers' do."""
    from safetensors.numpy import save_file
    weights = None
    if workload.weights:
        weights = pathlib.Path(folder) / "weights.safetensors"
        save_file(workload.weights, weights)
    path = lt.compile_text(workload.text, f"--threads={threads}", weights=weights)
    session = runtime.Runtime(threads).load(path).session(**workload.symbols)
    workload.setup(session)
    workload.before(session)
    result, = session.call(workload.function, *workload.inputs)
    # what a call comes down to, without the Python around it
    function = session.module.functions[workload.function]
    given, own = iter(workload.inputs), iter([result])
    arguments = [runtime_operand(next(given)) if p.state is None else None
                 for p in function.arguments]
    results = [runtime_operand(next(own)) if p.state is None else None for p in function.results]

    def call():
        workload.before(session)
        session._handle.call(function.index, arguments, results, False)
        return result

    return call


def largest_error(actual, expected):
    actual, expected = (np.asarray(x, np.float64) for x in (actual, expected))
    if actual.shape != expected.shape:
        return float("inf")
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-30))


def record(workload, threads, seconds, ceiling):
    """The fields of a line; the ceiling of a scan is a time, of the others a rate."""
    work = workload.bytes if workload.ceiling in ("read", "copy") else workload.flops
    least = ceiling if workload.ceiling == "scan" else work / ceiling if ceiling else 0.0
    if workload.ceiling != "scan":
        ceiling *= threads
        least /= threads
    return {"name": workload.name, "shape": workload.shape, "dtype": workload.dtype,
            "threads": threads, "seconds": seconds, "flops": workload.flops,
            "bytes": workload.bytes, "ceiling": ceiling, "ceiling_kind": workload.ceiling,
            "fraction": least / seconds}


def measure(workload, options, folder):
    """Yields one record for Linnet and one per peer."""
    ours = prepare(workload, options.threads, folder)
    result = np.array(ours()).astype(np.float64)
    ceiling = probe.ceiling(workload.ceiling, options.seconds, workload.scan,
                            workload.bytes)
    yield {**record(workload, options.threads, timing.alone(ours, options.seconds), ceiling),
           "peer": None, "ratio": None}
    for name, make in peers.PEERS.items() if not options.no_peers else ():
        if options.peers and name not in options.peers.split(","):
            continue
        base = {"name": workload.name, "shape": workload.shape, "dtype": workload.dtype,
                "threads": options.threads, "peer": name}
        try:
            call, fetch = make(workload, options.threads)
            error = largest_error(result, fetch(call()))
        except peers.Unavailable as reason:
            yield {**base, "ratio": None, "note": str(reason)}
            continue
        if not error <= workload.tolerance:
            yield {**base, "ratio": None, "note": f"outputs differ: {error:.1e} of the largest"}
            continue
        seconds, theirs, ratio = timing.against(ours, call, options.seconds)
        yield {**record(workload, options.threads, seconds, ceiling), "peer": name,
               "peer_seconds": theirs, "ratio": ratio, "error": error}


def show(line, as_json):
    if as_json:
        print(json.dumps(line), flush=True)
        return
    if line["peer"] is None:
        print(f"{line['name']:24} {line['shape']:20} {line['dtype']:5} "
              f"{line['seconds'] * 1e3:10.3f} ms  {line['fraction'] * 100:5.1f}% of "
              f"{line['ceiling_kind']}", flush=True)
    elif line["ratio"] is None:
        print(f"{'':24} {line['peer']:12} {line['note']}", flush=True)
    else:
        print(f"{'':24} {line['peer']:12} {line['peer_seconds'] * 1e3:10.3f} ms  "
              f"{line['ratio']:.2f} times ours", flush=True)


def parse():
    parser = argparse.ArgumentParser(prog="dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short turns")
    parser.add_argument("--only", default="", help="comma-separated beginnings of names")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--peers", default="", help="comma-separated: " + ", ".join(peers.PEERS))
    parser.add_argument("--list", action="store_true", help="names of the workloads")
    options = parser.parse_args()
    options.seconds = 0.05 if options.quick else 0.3
    return options


def main():
    options = parse()
    table = workloads.all_workloads()
    starts = tuple(s for s in options.only.split(",") if s)
    names = [n for n in table if not starts or n.startswith(starts)]
    if options.list or not names:
        print("\n".join(table), file=sys.stdout if options.list else sys.stderr)
        return 0 if options.list else 2
    failed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                for line in measure(table[name](), options, folder):
                    show(line, options.json)
                    failed += line.get("note", "").startswith("outputs differ")
            except (lt.CompileError, runtime.Error) as error:
                print(f"{name}: {str(error).strip()}", file=sys.stderr)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
