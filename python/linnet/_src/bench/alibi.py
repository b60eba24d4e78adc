# ===- alibi.py - certified windows at 16,384 tokens -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""How much faster the demo's model with ALiBi reads 16,384 bytes with certified windows than with exact
fused attention, both in turns, and the largest error of an attention beside its bound."""

import json
import statistics

import numpy as np

from linnet._src.bench import timing

NAME = "alibi16k"
LENGTH, WANTED = 16384, 3.0


def run(options, peers, folder):
    """Prints the line; 1 where windows are not three times as fast, or an error is above its bound."""
    from linnet.examples.bytelm import alibi
    tokens = np.random.default_rng(0).integers(0, 256, (1, LENGTH))
    with timing.pinned(options.threads):
        models = alibi.load(threads=options.threads)
        models.logits(tokens)  # maps weights and memory
        exact, windowed = models.times(tokens, 2 if options.quick else 5)
        errors = models.site_errors(tokens)
    ratio = statistics.median(a / b for a, b in zip(exact, windowed))
    bound = min(site["bound"] for site in models.sites)
    record = {"name": NAME, "seconds": statistics.median(windowed),
              "exact_seconds": statistics.median(exact), "ratio": ratio, "bound": bound,
              "error": max(errors)}
    if options.json:
        print(json.dumps(record), flush=True)
    else:
        print(f"{NAME}: {record['seconds'] * 1e3:.0f} ms with windows, {record['exact_seconds'] * 1e3:.0f}"
              f" ms exact: {ratio:.2f} times as fast; error {max(errors):.2g}, bound {bound:.2g}",
              flush=True)
    return int(ratio < WANTED or max(errors) > bound)
