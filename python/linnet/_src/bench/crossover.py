# ===- crossover.py - from which length on a rewrite pays -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""The length from which on a rewritten form is the faster one, as measured and as the compiler's cost model has
it. Both forms are in one bundle (`--emit-pair`), and the rewritten one is there at every length: for the
measurement the cost model is one that always says yes. A crossover lies between two neighbouring lengths of
a grid, where the ratio of the times crosses 1, interpolated."""

import dataclasses
import json
import math
import pathlib
import subprocess

import numpy as np

from linnet import runtime
from linnet._src import testing as lt
from linnet._src.bench import measure, timing

NAME = "crossover"
LENGTHS = [round(2**(e / 2) / 8) * 8 for e in range(8, 25)]  # 16 to 4096
WANTED = 1.5  # predicted over measured, or the other way round
# what makes the compiler say yes: the gain, or where that would turn the products of a linear form
# round again, the price of softmax attention, which a window does not have less of
GAIN, PRICE = {"gain": 1e9}, {"attention_flops_per_second": 1}


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    depth: int
    text: str         # of N = {n}, D = {d}
    contract: str = ""
    list: str = "attention"  # of the report

    @property
    def always(self):
        return PRICE if "taylor" in self.contract else GAIN

    def program(self, n):
        return self.text.replace("NN", str(n)).replace("DD", str(self.depth))


PRODUCTS = """func.func @main(%q: tensor<NNxDDxf32>, %k: tensor<NNxDDxf32>, %v: tensor<NNxDDxf32>) -> tensor<NNxDDxf32> {
  %s = linnet.einsum "ic,jc->ij" %q, %k : tensor<NNxDDxf32>, tensor<NNxDDxf32> -> tensor<NNxNNxf32>
  MASK
  %o = linnet.einsum "ij,jd->id" %w, %v : tensor<NNxNNxf32>, tensor<NNxDDxf32> -> tensor<NNxDDxf32>
  return %o : tensor<NNxDDxf32>
}"""
PLAIN = PRODUCTS.replace("  MASK\n", "").replace("%w", "%s")
CAUSAL = PRODUCTS.replace("MASK", """%zero = arith.constant dense<0.0> : tensor<NNxNNxf32>
  %empty = tensor.empty() : tensor<NNxNNxi1>
  %seen = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%empty : tensor<NNxNNxi1>) {
  ^bb0(%x: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c = arith.cmpi sle, %j, %i : index
    linalg.yield %c : i1
  } -> tensor<NNxNNxi1>
  %w = arith.select %seen, %s, %zero : tensor<NNxNNxi1>, tensor<NNxNNxf32>""")
HEADS = "tensor<1x4xNNxDDxf32>"
ATTENTION = f"""func.func @main(%x: {HEADS}, %y: {HEADS}, %v: {HEADS}) -> {HEADS} {{
  %q = linnet.rms_norm %x eps 1.0e-6 : {HEADS}
  %k = linnet.rms_norm %y eps 1.0e-6 : {HEADS}
  %slopes = arith.constant dense<SLOPE> : tensor<4xf32>
  %o = linnet.attention %q, %k, %v MASKS scale(SCALE) : {HEADS}, {HEADS}, {HEADS} -> {HEADS}
  return %o : {HEADS}
}}"""


def attention(masks, limit, depth, slope=0.5):
    """Attention whose scores are at most `limit`."""
    return (ATTENTION.replace("MASKS", masks).replace("SCALE", f"{limit / depth:.9e}")
            .replace("SLOPE", repr(slope)))


def cases():
    for d in (16, 64, 128):
        yield Case("(QK^T)V", d, PLAIN, list="products")
    for d in (16, 64, 128):
        yield Case("(QK^T)V causal", d, CAUSAL, list="products")
    # the bound of a degree at |s| <= 0.3, with some room for rounding: the next degree is dearer
    for degree, bound, depths in ((1, 4e-2, (8, 16, 64)), (2, 5e-3, (8, 16))):
        contract = f"bound = {bound:e}, method = taylor"
        for d in depths:
            yield Case(f"taylor of degree {degree}", d, attention("", 0.3, d), contract)
            yield Case(f"taylor of degree {degree}, causal", d, attention("masks<[causal]>", 0.3, d), contract)
    slopes = "alibi_slopes(%slopes : tensor<4xf32>) masks<[causal]>"
    for slope in (0.1, 0.02):
        yield Case(f"window, slope {slope}", 64, attention(slopes, 0.5, 64, slope), "bound = 5e-2, method = window")


def compiled(case, n, folder, *flags):
    """The report's entry of the rewritten site, or None where none was."""
    report = pathlib.Path(folder, "report.json")
    contract = ["--linearize=contract", f"--contract={case.contract}"] if case.contract else []
    done = subprocess.run([lt.build_folder() / "bin" / "linnet-compile", "-", "--cpu=native", f"--report={report}",
                           *contract, *flags], input=case.program(n), text=True, capture_output=True)
    if done.returncode != 0:
        raise lt.CompileError(done.returncode, done.stderr)
    sites = json.loads(report.read_text())[case.list]
    return sites[0] if len(sites) == 1 and "after" in sites[0] else None


def predict(case, n, folder, model):
    """Time of the exact form over that of the rewritten one; 0 where there is none."""
    site = compiled(case, n, folder, "--compile-to=commands", "-o", f"{folder}/unused.mlir",
                    *([f"--cost-model={model}"] if model else []))
    if site is None or "times the contract's" in site.get("reason", ""):  # none is certified
        return 0
    return site["before"]["predicted_seconds"] / site["after"]["predicted_seconds"]


def time_pair(case, n, folder, always, effort):
    """The same, measured in turns."""
    site = compiled(case, n, folder, "--emit-pair", "-o", f"{folder}/pair.lnb", f"--cost-model={always}")
    if site is None or site["decision"] == "kept":  # none is certified: a window of all keys
        return 0
    module = runtime.Runtime(1).load(f"{folder}/pair.lnb")
    rng, session = np.random.default_rng(n), module.session()
    inputs = [rng.standard_normal(p.dims).astype(np.float32) for p in module.functions["main"].arguments]
    exact, rewritten = (measure.direct_call(session, name, inputs) for name in ("main.exact", "main"))
    return timing.against(rewritten, exact, effort).ratio


def crossover(ratio):
    """Where a ratio that grows with the length crosses 1: (last length below, first above, between)."""
    seen = {}

    def at(i):
        if i not in seen:
            seen[i] = ratio(LENGTHS[i])
        return seen[i]

    low, high = -1, len(LENGTHS)  # at(low) <= 1 < at(high), as far as they are lengths
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at(middle) > 1 else (middle, high)
    if high == len(LENGTHS):
        return math.inf
    if low < 0 or at(low) <= 0:
        return float(LENGTHS[high])
    a, b = math.log(at(low)), math.log(at(high))
    return LENGTHS[low] * (LENGTHS[high] / LENGTHS[low]) ** (-a / (b - a))


def measure_case(case, folder, model, effort):
    always = pathlib.Path(folder, "always.json")
    speeds = json.loads(pathlib.Path(model).read_text()) if model else {}
    always.write_text(json.dumps(speeds | case.always))
    with timing.pinned(1):
        measured = crossover(lambda n: time_pair(case, n, folder, always, effort))
    predicted = crossover(lambda n: predict(case, n, folder, model))
    off = max(measured / predicted, predicted / measured) if math.isfinite(measured + predicted) else math.inf
    return {"name": NAME, "rewrite": case.name, "depth": case.depth, "measured": measured,
            "predicted": predicted, "off": off}


def run(options, peers, folder):
    """Prints a line per rewrite; the number of those whose prediction is off by more than is wanted."""
    failed = 0
    if not options.json:
        print(f"{NAME}: lengths from which on a rewrite is the faster form")
    effort = timing.Effort(0.02, 2, 0, 1) if options.quick else timing.Effort(0.05, 4, 0, 2)
    for case in cases():
        record = measure_case(case, folder, options.cost_model, effort)
        failed += record["off"] > WANTED
        if options.json:
            print(json.dumps(record), flush=True)
        else:
            print(f"  {case.name:28} depth {case.depth:3}: measured {record['measured']:5.0f}, predicted"
                  f" {record['predicted']:5.0f}: off by {record['off']:.2f}", flush=True)
    return failed
