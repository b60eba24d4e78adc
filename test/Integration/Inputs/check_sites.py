"""Whether a report of two sites has measured times and errors where they have to be."""
import json
import sys

report = json.load(open(sys.argv[1]))
made, kept = sorted(report["attention"], key=lambda site: site["class"])
assert (made["class"], kept["class"]) == ("certified", "exact"), report["attention"]
assert 0 < made["measured"]["error"] <= made["bound"], made
assert kept["measured"]["error"] is None and kept["bound"] == "vacuous", kept
for site in (made, kept):
    assert 0 < site["measured"]["after_seconds"] and 0 < site["measured"]["before_seconds"], site
# dispatches of one site are no dispatches of the other
main, exact = ({f["name"]: f for f in report["functions"]}[name] for name in ("main", "main.exact"))
for function in (main, exact):
    numbers = [n for site in function["sites"].values() for n in site]
    assert len(function["sites"]) == 2 and len(set(numbers)) == len(numbers), function["sites"]
pair = main["pair"]
for site, key, total in ((made, "after_seconds", "dispatch_seconds"), (made, "before_seconds", "exact_dispatch_seconds")):
    assert site["measured"][key] + kept["measured"][key] <= sum(pair[total]) * 1.0001, (site, pair)
