# ===- alibi.py - exact attention and certified windows, side by side -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Compiles the model with ALiBi twice, exactly and under a contract, and reads a text with both.

    python -m linnet.examples.bytelm.alibi --length 16384 [--bound 1e-2] [--text FILE]

prints what the compiler has certified at each attention, the error that was measured there (on the same
queries, keys and values, relative to the largest |v| of a channel, as the bound is), the difference of
the logits, the loss of both and the times. The bound is that of one attention: what a difference in one
layer does to the next ones is measured, not bounded. Without --text it reads the documentation of a clone.
"""

import argparse
import dataclasses
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np

from linnet._src import testing as lt
from linnet._src.arguments import ArgumentParser
from linnet._src.irtext import number, tensor
from linnet.examples.bytelm.emit_alibi import (DEPTH, HEADS, KEY_HEADS, LAYERS, LOGIT_SCALE, LONGEST,
                                               SLOPES)

FOLDER = pathlib.Path(__file__).parent
BOUND = 1e-2


def default_text():
    """Prose of a clone, none of which was trained on."""
    pages = sorted((FOLDER.parents[3] / "docs" / "rationale").glob("*.md"))
    if not pages:
        raise SystemExit("there is no documentation beside the examples: give --text FILE")
    return b"\n".join(page.read_bytes() for page in pages)


def tokens_of(text, length):
    if len(text) < length:
        raise SystemExit(f"the text has {len(text)} bytes, and --length asks for {length}")
    return np.frombuffer(text[:length], np.uint8).astype(np.int64)[None]


def attend_text():
    """Exact attention of given queries, keys and values."""
    q, k = tensor([1, HEADS, None, DEPTH]), tensor([1, KEY_HEADS, None, DEPTH])
    sizes = lambda heads: f'{{linnet.dims = [1, {heads}, "N", {DEPTH}]}}'
    return f"""func.func @main(%q: {q} {sizes(HEADS)}, %k: {k} {sizes(KEY_HEADS)},
    %v: {k} {sizes(KEY_HEADS)}) -> {q}
    attributes {{linnet.symbols = {{N = {{min = 1, max = {LONGEST}}}}}}} {{
  %slopes = arith.constant dense<[{", ".join(map(number, SLOPES))}]> : tensor<{HEADS}xf32>
  %o = linnet.attention %q, %k, %v alibi_slopes(%slopes : tensor<{HEADS}xf32>) masks<[causal]>
      scale({number(LOGIT_SCALE / DEPTH)}) : {q}, {k}, {k} -> {q}
  return %o : {q}
}}"""


@dataclasses.dataclass
class Models:
    exact: object
    windowed: object
    attend: object  # exact attention alone
    sites: list     # of the windowed one: what the report says of its attention

    def site_errors(self, tokens):
        """Per layer, of the windowed attention on its own operands."""
        seen = self.windowed.call("attention", tokens)
        errors = []
        for i in range(LAYERS):
            q, k, v, o = seen[4 * i:4 * i + 4]
            want = self.attend.call("main", q, k, v)
            want = want[0] if isinstance(want, (list, tuple)) else want
            largest = np.abs(v).max(axis=2, keepdims=True).repeat(HEADS // KEY_HEADS, 1)
            errors.append(float((np.abs(o - want) / largest).max()))
        return errors

    def logits(self, tokens):
        return [model.call("logits", tokens)[0] for model in (self.exact, self.windowed)]

    def times(self, tokens, rounds):
        """Seconds of both, in turns."""
        found = {"exact": [], "windowed": []}
        for _ in range(rounds):
            for name, model in (("exact", self.exact), ("windowed", self.windowed)):
                start = time.perf_counter()
                model.call("logits", tokens)
                found[name].append(time.perf_counter() - start)
        return found["exact"], found["windowed"]


def compiled(folder, name, *flags):
    bundle, report = folder / f"{name}.lnb", folder / f"{name}.json"
    done = subprocess.run(
        [lt.build_folder() / "bin" / "linnet-compile", FOLDER / "model.alibi.mlir", "-o", bundle,
         "--cpu=native", f"--weights={FOLDER / 'model.alibi.safetensors'}", f"--report={report}",
         *lt.device_flags(), *flags], text=True, capture_output=True)
    if done.returncode != 0:
        raise lt.CompileError(done.returncode, done.stderr)
    return bundle, json.loads(report.read_text())


def load(bound=BOUND, threads=1):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        exact, _ = compiled(folder, "exact", "--linearize=exact")
        windowed, report = compiled(folder, "windowed", "--linearize=contract",
                                    f"--contract=bound = {bound:e}, method = window, fallback = error")
        return Models(*(lt.open_bundle(path, threads).session()
                        for path in (exact, windowed, lt.compile_text(attend_text()))),
                      report["attention"])


def loss(logits, tokens):
    """Mean nats per byte."""
    rows = logits[0, :-1].astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    picked = np.take_along_axis(rows, tokens[0, 1:, None], 1)[:, 0]
    return float((np.log(np.exp(rows).sum(axis=1)) - picked).mean())


def main():
    parser = ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=16384)
    parser.add_argument("--bound", type=float, default=BOUND)
    parser.add_argument("--text", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    text = options.text.read_bytes() if options.text else default_text()
    tokens = tokens_of(text, options.length)
    models = load(options.bound, options.threads)
    sites = [site for site in models.sites if site["function"] == "logits"]
    for i, (site, error) in enumerate(zip(sites, models.site_errors(tokens))):
        print(f"layer {i}: {site['method']}; {site['condition']}\n  bound {site['bound']:.3g},"
              f" measured {error:.3g}")
    exact, windowed = models.logits(tokens)
    print(f"logits differ by {np.abs(exact - windowed).max():.3g}; the largest is"
          f" {np.abs(exact).max():.3g}")
    print(f"loss in nats per byte: {loss(exact, tokens):.5f} exact, {loss(windowed, tokens):.5f}"
          " with windows")
    times = models.times(tokens, options.rounds)
    print("seconds: {:.3f} exact, {:.3f} with windows".format(*map(statistics.median, times)))
    print(f"{statistics.median(a / b for a, b in zip(*times)):.2f} times as fast")


if __name__ == "__main__":
    main()
