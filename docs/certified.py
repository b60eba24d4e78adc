"""The table of where attention under a contract is certified and worth it, asked of linnet-opt."""

import itertools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOUNDS = (1e-1, 1e-2, 1e-3)
LIMITS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 8.0)  # of |s|
DEPTHS = (4, 8, 16, 32, 64)
LENGTHS = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)

HEAD = """# Where attention under a contract is certified and pays

For causal attention of one head whose scores are proven to be at most `R`, and values as deep as queries: the
form that `linnet-linearize-attention` takes for a contract with `bound` (relative to the largest `|v|`, f32
rounding included) and a failure probability of 1e-6 for random features, and the shortest length of {lengths}
at which it takes less than 0.8 of the time of exact attention by the shipped cost model. `t2` is `taylor` of degree 2. A length
at the end is the longest of these that is certified: rounding grows with it. `-`: none is certified; `slow`: none
that is certified pays.
"""


def function(name, bound, limit, depth, length):
    t = f"tensor<1x1x{length}x{depth}xf32>"
    # RMS norm makes norms of sqrt(depth); a little less than the limit, for the norm's own rounding
    scale = limit / depth * (1 - 2.0**-16)
    return f"""func.func @{name}(%q: {t}, %k: {t}, %v: {t}) -> {t}
    attributes {{linnet.contract = #linnet.contract<bound = {bound:e}, failure = 1.0e-6>}} {{
  %qn = linnet.rms_norm %q eps 1.0e-6 : {t}
  %kn = linnet.rms_norm %k eps 1.0e-6 : {t}
  %o = linnet.attention %qn, %kn, %v masks<[causal]> scale({scale:.9e}) : {t}, {t}, {t} -> {t}
  return %o : {t}
}}
"""


def decide(cases):
    """What linnet-opt decides at each: the method, or "slow" or None."""
    text = "".join(function(f"f{i}", *case) for i, case in enumerate(cases))
    out = subprocess.run([ROOT / "build" / "bin" / "linnet-opt", "-", "--linnet-linearize-attention"],
                         input=text, text=True, capture_output=True, check=True).stdout
    sites = re.search(r"linnet\.sites = \[(.*?)\]\}\s*\{", out, re.S).group(1)
    records = re.findall(r'class = "(\w+)".*?function = "f(\d+)".*?method = "(.*?)"(?:, reason = "(.*?)")?', sites)
    made = {}
    for kind, i, method, reason in records:
        slow = "does not pay" in reason
        made[int(i)] = method if kind == "certified" else "slow" if slow else None
    return [made[i] for i in range(len(cases))]


def short(method):
    degree = re.fullmatch(r"taylor of degree (\d)", method)
    return f"t{degree[1]}" if degree else method


def cell(decisions):
    """Of one limit and depth, over all lengths."""
    taken = [(n, m) for n, m in zip(LENGTHS, decisions) if m not in (None, "slow")]
    if not taken:
        return "slow" if "slow" in decisions else "-"
    forms = " ".join(dict.fromkeys(short(m) for _, m in taken))
    last = "" if decisions[-1] else f" to {taken[-1][0]}"
    return f"{forms} from {taken[0][0]}{last}"


def page():
    cases = list(itertools.product(BOUNDS, LIMITS, DEPTHS, LENGTHS))
    decisions = dict(zip(cases, decide(cases)))
    lines = [HEAD.format(lengths=f"{LENGTHS[0]}, {LENGTHS[1]} … {LENGTHS[-1]}")]
    for bound in BOUNDS:
        lines += [f"\n## bound = {bound:g}\n", "| R | " + " | ".join(f"d = {d}" for d in DEPTHS) + " |",
                  "|---" * (len(DEPTHS) + 1) + "|"]
        for limit in LIMITS:
            cells = [cell([decisions[bound, limit, d, n] for n in LENGTHS]) for d in DEPTHS]
            lines.append(f"| {limit:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
