# ===- report.py - linnet-report -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Tables of what `linnet-compile --report=F.json` wrote: memory, plans within budgets, attention, kernels.

`--measure` runs both forms of every function of a bundle that `linnet-compile --emit-pair` made, times them,
compares their results, and adds both to the report.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from linnet._src.arguments import ArgumentParser

DEFAULT_ROWS = 12
PLAIN = ("arith.constant", "linalg.fill", "tensor.empty")  # around every kernel's work


#===------------------------------------------------------------------------===//
# Numbers and tables
#===------------------------------------------------------------------------===//

def amount(value, units, step):
    """"12.3 MiB": a number in the largest unit that leaves at least one."""
    if value is None or isinstance(value, str):
        return value or "-"
    if value < 0:
        return "unbounded"
    for unit in units[:-1]:
        if value < step:
            break
        value /= step
    else:
        unit = units[-1]
    text = f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text} {unit}".strip()


def size(value):
    return amount(value, ["B", "KiB", "MiB", "GiB"], 1024)


def work(value):
    return amount(value, ["", "k", "M", "G", "T"], 1000)


def seconds(value):
    if value is None or isinstance(value, str):
        return value or "-"
    return amount(value * 1e12, ["ps", "ns", "us", "ms", "s"], 1000)


def number(value):
    return "-" if value is None else value if isinstance(value, str) else f"{value:.3g}"


def table(header, rows):
    """Columns as wide as their widest cell; the first and the last are words, the others numbers."""
    cells = [[str(c) for c in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        aligned = [c.ljust(w) if i in (0, len(row) - 1) else c.rjust(w)
                   for i, (c, w) in enumerate(zip(row, widths))]
        lines.append("  " + "  ".join(aligned).rstrip())
    return "\n".join(lines)


def section(title, header, rows, limit=None):
    """A titled table; nothing where there is no row."""
    if not rows:
        return ""
    shown = rows[:limit] if limit else rows
    more = f"\n  and {len(rows) - len(shown)} more: --all" if len(shown) < len(rows) else ""
    return f"{title}\n{table(header, shown)}{more}\n"


#===------------------------------------------------------------------------===//
# Sections
#===------------------------------------------------------------------------===//

def functions(report):
    rows = [(f["name"], f["dispatches"], size(f["arena_bytes"]), size(f["largest_live_bytes"]),
             size(f["scratch_bytes_per_thread"]), f["forced_copies"]) for f in report.get("functions", [])]
    return section("Functions", ("name", "dispatches", "arena", "largest live", "scratch/thread", "copies"), rows)


def peaks(report, limit):
    parts = []
    for f in report.get("functions", []):
        peak = f.get("peak")
        if not peak or not peak["buffers"]:
            continue
        buffers = sorted(peak["buffers"], key=lambda b: -b["bytes"])
        rows = [(b.get("op", "argument"), size(b["bytes"]), b.get("location", "")) for b in buffers]
        during = peak.get("during", {})
        where = f" during {during['op']} at {during['location']}" if during else ""
        parts.append(section(f"'{f['name']}': {size(peak['live_bytes'])} live{where}",
                             ("made by", "bytes", "at"), rows, limit))
    return "\n".join(parts)


def budgets(report):
    parts = []
    for f in report.get("functions", []):
        plan = f.get("recompute")
        if not plan:
            continue
        kind = "kept" if any("kept" in row for row in plan.get("table", [])) else "budget"
        rows = [(size(row[kind]), size(row["peak"]), seconds(row["extra_time_ps"] * 1e-12),
                 seconds(row["least_extra_time_ps"] * 1e-12), row["recomputed"])
                for row in plan.get("table", [])]
        title = (f"'{f['name']}' within its budget: peak {size(plan['peak'])}, {plan['recomputed']} dispatches "
                 f"again, {seconds(plan['extra_time_ps'] * 1e-12)} more than {seconds(plan['time_ps'] * 1e-12)}")
        parts.append(section(title, (kind, "peak", "more time", "at least", "run again"), rows) or title + "\n")
    return "\n".join(parts)


def times(before, after):
    """Both, and how much faster the second is."""
    ratio = f"{before / after:.3g}x" if before and after else "-"
    return seconds(before), seconds(after), ratio


def work_of(site):
    """FLOPs, bytes and predicted times of both forms."""
    before, after = site["before"], site.get("after", {})
    return (work(before["flops"]), work(after.get("flops")), size(before["bytes"]), size(after.get("bytes")),
            *times(before["predicted_seconds"], after.get("predicted_seconds")))


WORK = ("FLOPs", "new", "bytes", "new", "predicted", "new", "faster")


def because(sites):
    rows = [(site["location"], [site[key] for key in ("condition", "reason") if site.get(key)]) for site in sites]
    return "".join(f"  {location}: {'; '.join(why)}\n" for location, why in rows if why)


def attention(report):
    """Why each attention is what it is, and what it was found to be where `--measure` has run."""
    rows, sites = [], report.get("attention", [])
    for site in sites:
        found = site.get("measured", {})
        rows.append((site["location"], site["decision"], site["class"], site["method"], number(site.get("bound")),
                     number(found.get("error")), *work_of(site),
                     *times(found.get("before_seconds"), found.get("after_seconds"))))
    header = ("attention at", "decision", "class", "method", "bound", "error", *WORK, "measured", "new", "faster")
    return section("Attention: predicted by the cost model, measured by --measure", header, rows) + because(sites)


def products(report):
    sites = report.get("products", [])
    rows = [(site["location"], site["decision"], site["class"], *work_of(site)) for site in sites]
    return section("Orders of products", ("products at", "decision", "class", *WORK), rows) + because(sites)


def pairs(report):
    rows = []
    for f in report.get("functions", []):
        for result in f.get("pair", {}).get("results", []):
            pair = f["pair"]
            rows.append((f["name"], seconds(pair["exact_seconds"]), seconds(pair["seconds"]),
                         f"{pair['exact_seconds'] / pair['seconds']:.3g}x", number(result["largest_difference"]),
                         number(result["largest_value"]), result["name"]))
    return section("Measured, both forms on the same inputs", ("function", "exact", "rewritten", "faster",
                   "largest difference", "largest value", "result"), rows)


def kernels(report, limit):
    rows = []
    for kernel in sorted(report.get("kernels", []), key=lambda k: -k["dispatches"]):
        strategy = ", ".join(f"{k}={v}" for k, v in kernel["strategy"].items() if not isinstance(v, (list, dict)))
        ops = ", ".join(f"{count} {op}" if count > 1 else op for op, count in kernel["ops"].items() if op not in PLAIN)
        rows.append((kernel["name"], kernel["dispatches"], f"{ops}  [{strategy}]" if strategy else ops))
    return section("Kernels", ("name", "dispatches", "ops [strategy]"), rows, limit)


def describe(report, limit):
    parts = [functions(report), attention(report), products(report), pairs(report), budgets(report), peaks(report, limit),
             kernels(report, limit)]
    return "\n".join(part for part in parts if part)


#===------------------------------------------------------------------------===//
# Measuring
#===------------------------------------------------------------------------===//

def measure(report, command):
    """Runs the pair of each function that has one; True where it all went well."""
    run = pathlib.Path(os.environ.get("LINNET_BUILD", ""), "bin", "linnet-run")
    names = {f["name"] for f in report["functions"]}
    wanted = [a.partition("=")[2] for a in command if a.startswith("--function=")]
    paired = [name for name in sorted(names) if f"{name}.exact" in names and name in (wanted or [name])]
    if len(paired) != 1:
        found = ", ".join(paired) or "none"
        print(f"linnet-report: error: expects one function with an exact form, found {found}: "
              "compile with --emit-pair, and choose by --function=NAME", file=sys.stderr)
        return False
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "pair.json")
        rest = [a for a in command if not a.startswith("--function=")]
        done = subprocess.run([run, *rest, f"--function={paired[0]}", f"--pair={path}"], stdout=subprocess.DEVNULL)
        if done.returncode:
            return False
        pair = json.loads(path.read_text())
    forms = {f["name"]: f for f in report["functions"]}
    forms[paired[0]]["pair"] = pair
    measure_sites(report, pair, forms[paired[0]], forms[f"{paired[0]}.exact"])
    return True


def measure_sites(report, pair, function, exact):
    """The seconds of each attention are those of the dispatches that its ops are in, also of what was fused with
    them. The error is that of both forms on the same queries, keys and values: those of the rewritten program."""
    def total(numbers, times):
        return sum(times[i] for i in numbers if i < len(times)) if numbers else None

    errors = {found["site"]: found for found in pair["sites"]}
    for site in report["attention"]:
        name = site.get("site")
        own, other = (f.get("sites", {}).get(name) for f in (function, exact))
        if not own and not other:
            continue
        found = errors.get(name, {})
        site["measured"] = {"function": function["name"],
                            "before_seconds": total(other, pair["exact_dispatch_seconds"]),
                            "after_seconds": total(own, pair["dispatch_seconds"]),
                            "error": found.get("error"), "largest_difference": found.get("largest_difference")}


def write(path, report):
    """All of it or nothing."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(report, indent=2) + "\n")
    temporary.replace(path)


def refuse(message):
    print(f"linnet-report: error: {message}", file=sys.stderr)
    return 1


def main(argv):
    parser = ArgumentParser(prog="linnet-report", description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=pathlib.Path, metavar="F.json")
    parser.add_argument("--all", action="store_true", help="all rows of every table")
    parser.add_argument("--measure", nargs=argparse.REMAINDER, metavar="ARG",
                        help="BUNDLE and the arguments of linnet-run: inputs, --benchmark=N, --threads=N")
    options = parser.parse_args(argv)
    try:
        report = json.loads(options.report.read_text())
        if not {"functions", "kernels", "attention"} & report.keys():
            raise KeyError
        if options.measure is not None:
            if not measure(report, options.measure):
                return 1
            write(options.report, report)
        print(describe(report, None if options.all else DEFAULT_ROWS), end="")
    except OSError as error:
        return refuse(f"'{error.filename or options.report}': {error.strerror}")
    except ValueError as error:
        return refuse(f"'{options.report}' is not JSON: {error}")
    except (KeyError, TypeError, AttributeError):
        return refuse(f"'{options.report}' is no report of linnet-compile --report")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
