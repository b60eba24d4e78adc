# ===- report.py - records for people -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""One line of text per record."""

CEILINGS = {"fma": "the FMA peak", "bf16": "the bf16 dot peak", "read": "reading",
            "copy": "copying", "scan": "a scan by hand"}


def milliseconds(seconds):
    return f"{seconds * 1e3:10.4g} ms"


def line(r):
    peer = f"{'':26}{r['peer'] or '':18}"
    if r["note"]:
        return f"{peer} {r['note']}"
    if r["peer"] is None:
        return _alone(r)
    values = (f"{milliseconds(r['peer_seconds'])}  {r['ratio']:.2f} "
              f"[{r['ratio_low']:.2f}, {r['ratio_high']:.2f}] times Linnet's")
    if r["met"] is None:
        return f"{peer} {values}{_verdict(r)}"
    met = "met" if r["met"] else "MISSED"
    return f"{'':26}{r['peer'] + ':':18} {values}, to be at least {r['target']}: {met}"


def _verdict(r):
    return {"faster": "; Linnet is faster", "slower": "; Linnet is slower",
            "undecided": "; no difference shown"}[r["verdict"]]


def _alone(r):
    head = f"{r['name'] + ' ' + r['shape']:44} {milliseconds(r['seconds'])}  {r['dtype']}"
    threads = "" if r["threads"] == 1 else f", {r['threads']} threads"
    if not r["ceiling"]:
        return f"{head}, no probe of {CEILINGS[r['ceiling_kind']]} on this CPU{threads}"
    text = f"{head}, {r['fraction'] * 100:.1f}% of {CEILINGS[r['ceiling_kind']]}{threads}"
    if r["target"] is not None:
        text += f"; target {r['target'] * 100:.0f}%: {'met' if r['met'] else 'MISSED'}"
    return text
