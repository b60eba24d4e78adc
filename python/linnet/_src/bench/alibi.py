# ===- alibi.py - certified windows at 16,384 tokens -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""How much faster the demo's model with ALiBi reads 16,384 bytes with certified windows than with exact
fused attention, both in turns, and the largest error of an attention beside its bound. The same for one of its
layers that decodes a byte behind as many from a cache."""

import json
import pathlib
import statistics
import subprocess

import numpy as np

from linnet import runtime
from linnet._src import testing as lt
from linnet._src.bench import measure, timing

NAME, DECODE = "alibi16k", "alibi16k_decode"
LENGTH, WANTED = 16384, 3.0


def decode_text(capacity, heads, key_heads, depth, slopes, limit, rows=1):
    """Attention of `rows` queries behind `position` others, whose keys and values are in a cache."""
    shape = lambda h, n: f"tensor<1x{h}x{n}x{depth}xf32>"
    q, new, cache = shape(heads, rows), shape(key_heads, rows), shape(key_heads, capacity)
    at = f"[0, 0, %first, 0] [1, {key_heads}, {rows}, {depth}] [1, 1, 1, 1] : {new} into {cache}"
    return f"""func.func @main(%q: {q}, %k: {new}, %v: {new}, %keys: {cache} {{linnet.state = "keys"}},
    %values: {cache} {{linnet.state = "values"}}, %position: tensor<i64> {{linnet.state = "position"}})
    -> ({q}, {cache} {{linnet.state = "keys"}}, {cache} {{linnet.state = "values"}},
        tensor<i64> {{linnet.state = "position"}}) {{
  %slopes = arith.constant dense<{list(map(float, slopes))}> : tensor<{heads}xf32>
  %start = tensor.extract %position[] : tensor<i64>
  %first = arith.index_cast %start : i64 to index
  %qn = linnet.rms_norm %q eps 1.0e-6 : {q}
  %kn = linnet.rms_norm %k eps 1.0e-6 : {new}
  %all_k = tensor.insert_slice %kn into %keys{at}
  %all_v = tensor.insert_slice %v into %values{at}
  %o = linnet.attention %qn, %all_k, %all_v alibi_slopes(%slopes : tensor<{heads}xf32>)
      q_offset(%position : tensor<i64>) masks<[causal]> scale({limit / depth:.9e}) : {q}, {cache}, {cache} -> {q}
  %read = arith.constant dense<{rows}> : tensor<i64>
  %end = arith.addi %position, %read : tensor<i64>
  return %o, %all_k, %all_v, %end : {q}, {cache}, {cache}, tensor<i64>
}}"""


def compile_decode(text, bound, folder):
    """A module with both forms, and what the report says of the attention."""
    bundle, report = pathlib.Path(folder, "decode.lnb"), pathlib.Path(folder, "decode.json")
    done = subprocess.run(
        [lt.build_folder() / "bin" / "linnet-compile", "-", "-o", bundle, "--cpu=native", "--linearize=contract",
         f"--contract=bound = {bound:e}, method = window, fallback = error", "--emit-pair", f"--report={report}"],
        input=text, text=True, capture_output=True)
    if done.returncode != 0:
        raise lt.CompileError(done.returncode, done.stderr)
    site, = json.loads(report.read_text())["attention"]
    return runtime.Runtime(1).load(bundle), site


def run_decode(options, peers, folder):
    """Prints the line; 1 where the window is not three times as fast, or the error above its bound."""
    from linnet.examples.bytelm import emit_alibi as model
    module, site = compile_decode(decode_text(LENGTH, model.HEADS, model.KEY_HEADS, model.DEPTH, model.SLOPES,
                                              model.LOGIT_SCALE), 1e-2, folder)
    rng = np.random.default_rng(0)
    draw = lambda heads, rows: rng.standard_normal((1, heads, rows, model.DEPTH)).astype(np.float32)
    keys, values = draw(model.KEY_HEADS, LENGTH), draw(model.KEY_HEADS, LENGTH)
    keys /= np.sqrt((keys**2).mean(-1, keepdims=True))
    inputs = draw(model.HEADS, 1), draw(model.KEY_HEADS, 1), draw(model.KEY_HEADS, 1)
    calls, results = [], []
    for name in ("main", "main.exact"):
        session = module.session()
        session.set_state("keys", keys)
        session.set_state("values", values)
        last = np.array(LENGTH - 1)
        session.set_state("position", last)
        call = measure.direct_call(session, name, inputs)
        results.append(np.float64(call.made[0]))

        def again(call=call, session=session, last=last):
            session.set_state("position", last)
            call()

        calls.append(again)
    with timing.pinned(1):
        found = timing.against(*calls, timing.QUICK if options.quick else timing.FULL)
    largest = np.abs(np.concatenate([values[:, :, :-1], inputs[2]], 2)).max(2, keepdims=True)
    error = np.max(np.abs(results[0] - results[1]) / largest.repeat(model.HEADS // model.KEY_HEADS, 1))
    record = {"name": DECODE, "seconds": found.ours, "exact_seconds": found.theirs, "ratio": found.ratio,
              "bound": site["bound"], "error": float(error)}
    if options.json:
        print(json.dumps(record), flush=True)
    else:
        print(f"{DECODE}: {found.ours * 1e6:.0f} us with windows, {found.theirs * 1e6:.0f} us exact:"
              f" {found.ratio:.2f} times as fast; error {error:.2g}, bound {site['bound']:.2g}; {site['method']}",
              flush=True)
    return int(found.ratio < WANTED or not error <= site["bound"])


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
