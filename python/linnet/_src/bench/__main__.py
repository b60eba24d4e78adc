# ===- __main__.py - linnet-bench -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Times Linnet beside the machine's ceilings and beside PyTorch, ONNX Runtime and IREE.

Outputs are compared before anything is timed. `fraction` is of the ceiling probed in this run;
`ratio` is the peer's time divided by Linnet's, with a bootstrap 95% interval; "faster" is said only
where the interval excludes 1. Exit code: 0, or 1 where something failed, outputs differ or the
usage is wrong. docs/benchmarks.md says how everything is measured.
"""

import argparse
import importlib.util
import json
import os
import sys
import tempfile

from linnet._src.arguments import ArgumentParser

ON_DEMAND = ("tiny", "latent_tiny", "gpt24_recompute", "alibi16k", "crossover")  # by name only
NEEDED = ("numpy", "ml_dtypes", "safetensors")
EXAMPLES = """examples:
  linnet-bench                            every workload beside every peer, a table
  linnet-bench --only=matmul,softmax      those whose name starts with one of these
  linnet-bench --threads=2 --only=matmul  two threads, and how much faster than one
  linnet-bench --no-peers --json          Linnet alone, one JSON object a line
  linnet-bench --quick --peers=iree       short turns, one peer
  linnet-bench --only=gpt24_recompute     a deep train step that keeps less, beside torch.compile
  linnet-bench --only=alibi16k            certified windows beside exact attention, a whole model
  linnet-bench --only=crossover           lengths from which on rewrites pay, measured and predicted
  linnet-bench --calibrate-cost=cost.json speeds of this machine, for linnet-compile --cost-model
  linnet-bench --device=cuda              on a GPU, beside PyTorch's products, attention and norms
  linnet-bench --list                     names of the workloads

Python packages: numpy ml_dtypes safetensors; for the peers torch, onnxruntime and onnx,
iree-base-compiler and iree-base-runtime; a peer whose packages are missing is left out.
"""


def parse(arguments):
    parser = ArgumentParser(prog="linnet-bench", description=__doc__, epilog=EXAMPLES,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short turns: coarse figures")
    parser.add_argument("--only", default="", metavar="NAMES",
                        help="comma-separated beginnings of names of workloads")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="default 1")
    parser.add_argument("--peers", metavar="NAMES", default="pytorch,torch.compile,onnxruntime,iree",
                        help="comma-separated: pytorch, torch.compile (of train steps), onnxruntime, iree"
                        " (default all)")
    parser.add_argument("--no-peers", action="store_true", help="Linnet alone")
    parser.add_argument("--measure-torch", action="store_true",
                        help="gpt24_recompute: measure torch.compile too, instead of its recorded figures:"
                        " five minutes more")
    parser.add_argument("--calibrate-cost", metavar="F.json",
                        help="fit the compiler's cost model to this machine, time nothing else")
    parser.add_argument("--cost-model", metavar="F.json",
                        help="crossover: predict with this cost model instead of the compiler's own")
    parser.add_argument("--device", default="cpu", metavar="cuda[:N]",
                        help="time a GPU's workloads there, with the ceilings that PyTorch reaches on it")
    parser.add_argument("--list", action="store_true", help="names of the workloads")
    parser.add_argument("--version", action="store_true", help="version of Linnet")
    options = parser.parse_args(arguments)
    if not 1 <= options.threads <= (os.cpu_count() or 1):
        parser.error(f"--threads is 1 to {os.cpu_count()} here, got {options.threads}")
    return options, parser.error


def missing_packages():
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def select(table, only, fail):
    """Names of the workloads to time; without a wish all but the tiny and the long ones."""
    starts = [s for s in only.split(",") if s]
    unknown = [s for s in starts if not any(name.startswith(s) for name in table)]
    if unknown:
        fail(f"--only: no workload's name starts with {', '.join(map(repr, unknown))}; there are\n  "
             + "\n  ".join(table))
    return [name for name in table
            if (name.startswith(tuple(starts)) if starts else not name.startswith(ON_DEMAND))]


def usable_peers(options, fail):
    """The wanted peers whose packages are here; says which are not."""
    from linnet._src.bench import peers
    wanted = [] if options.no_peers else [n for n in options.peers.split(",") if n]
    unknown = [name for name in wanted if name not in peers.PEERS]
    if unknown:
        fail(f"--peers: unknown {', '.join(unknown)}; there are {', '.join(peers.PEERS)}")
    usable = []
    for name in wanted:
        packages = peers.missing_packages(name)
        if packages:
            print(f"linnet-bench: without {name}: its Python packages are missing "
                  f"({sys.executable} -m pip install {packages})", file=sys.stderr)
        else:
            usable.append(name)
    return usable


def run(names, table, options, peer_names):
    """Number of failures."""
    from linnet import runtime
    from linnet._src import testing
    from linnet._src.bench import alibi, crossover, measure, recompute, report, timing
    special = {module.NAME: module.run for module in (recompute, alibi, crossover)}
    special[alibi.DECODE] = alibi.run_decode
    effort, failed = timing.QUICK if options.quick else timing.FULL, 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                if name in special:
                    failed += special[name](options, peer_names, folder)
                    continue
                for line in measure.records(table[name](), options.threads, effort, folder,
                                            peer_names):
                    print(json.dumps(line) if options.json else report.line(line), flush=True)
                    failed += (line["note"] or "").startswith("outputs differ")
            except (testing.CompileError, runtime.Error) as error:
                print(f"linnet-bench: {name}: {str(error).strip()}", file=sys.stderr)
                failed += 1
    return failed


def calibrate(options):
    from linnet._src.bench import calibrate, timing
    effort = timing.QUICK if options.quick else timing.FULL
    try:
        model = calibrate.write(options.calibrate_cost, effort)
    except OSError as error:
        print(f"linnet-bench: cannot write '{options.calibrate_cost}': {error.strerror}", file=sys.stderr)
        return 1
    for name, value in model.items():
        print(f"{name:28} {value:.3g}")
    return 0


def on_device(options):
    from linnet._src.bench import device
    try:
        return 1 if device.run(options.device, options.only, options.json, options.list) else 0
    except device.NoDevice as missing:
        print(f"linnet-bench: nothing to measure on {options.device}: {missing}", file=sys.stderr)
        return 1


def main(arguments=None):
    options, fail = parse(arguments)
    missing = missing_packages()
    if missing:
        print(f"linnet-bench: needs Python packages that are missing: {' '.join(missing)}; install "
              f"them with {sys.executable} -m pip install {' '.join(missing)}", file=sys.stderr)
        return 1
    try:
        from linnet import runtime
        from linnet._src.bench import alibi, crossover, recompute, workloads
    except ImportError as error:
        print(f"linnet-bench: {error}", file=sys.stderr)
        return 1
    if options.version:
        print(f"linnet-bench {runtime.version()}")
        return 0
    if options.calibrate_cost:
        return calibrate(options)
    if options.device != "cpu":
        return on_device(options)
    table = {**workloads.all_workloads(), recompute.NAME: None, alibi.NAME: None, alibi.DECODE: None,
             crossover.NAME: None}
    if options.list:
        print("\n".join(table))
        return 0
    names, peer_names = select(table, options.only, fail), usable_peers(options, fail)
    try:
        return 1 if run(names, table, options, peer_names) else 0
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
