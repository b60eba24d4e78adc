# ===- device_cases.py - the tests on a GPU: what runs, what is skipped and why -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""With pytest's `--device=vulkan` (or cuda) every model that a test opens by linnet.testing runs there. Cases
that do so are counted; one that cannot is skipped for a reason of SKIPS, or fails. Tests marked `cpu` are
left out: they run nothing, or what they look at are CPUs.

The run fails where too many cases are skipped, or one of a product, of attention, a scan or a norm."""
import collections
import functools
import os
import re
import subprocess

import pytest

from linnet import runtime, testing
from linnet._src import kernels, vulkan_kernels
from linnet._src import testing as settings

# The most that may be skipped of the cases that run something on the device, where so many run
SKIPPED_PERCENT, MANY = 2.0, 500

# What a skipped case's error or node id matches, and the words of docs/limitations.md on it
SKIPS = [
    (r"needs \d+ storage buffers, Vulkan device .* has at most \d+", "a kernel has as many buffers as tensors"),
]

# Of these none may be skipped: what a case's node id has
NEVER = re.compile(r"einsum|contraction|matmul|product|attention|scan|norm")

_used = False


def _note_uses(owner, name):
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def outer(*args, **options):
        global _used
        _used = True
        return inner(*args, **options)

    setattr(owner, name, outer)


def configure(config, device):
    """Sends models to the device. Ends the run where there is none."""
    kind, _, number = device.partition(":")
    done = subprocess.run([testing.build_folder() / "bin" / "linnet-run", "--list-devices"],
                          capture_output=True, text=True)
    if not re.search(rf"^{kind}:{number or 1} ", done.stdout, re.M):
        why = "; ".join(re.findall(rf"^{kind}: (.*)$", done.stdout, re.M)) or done.stderr.strip()
        pytest.exit(f"there is no device {device}: {why}", returncode=1)
    settings.DEVICE = device
    _note_uses(runtime.Session, "_call")
    _note_uses(testing, "run_command")
    if kind == "vulkan":  # tests of single kernels
        os.environ["LINNET_DEVICE"] = kind
        kernels.LEVELS = kernels.LEVELS[-1:]
        _note_uses(vulkan_kernels.VulkanKernel, "pipeline")
    # a case runs on one core, as many at once as pytest has processes
    os.environ.setdefault("LP_NUM_THREADS", "1")


def _reason(text):
    for pattern, words in SKIPS:
        if found := re.search(pattern, text):
            return f"{found[0]}: {words}"
    return None


def during(item):
    """Around a case's set-up and its call."""
    global _used
    _used = False
    outcome = yield
    error = outcome.excinfo and str(outcome.excinfo[1])
    reason = error and (_reason(error) or _reason(item.nodeid))
    if reason and not isinstance(outcome.excinfo[1], pytest.skip.Exception):
        item.user_properties.append(("device", reason))
        outcome.force_exception(pytest.skip.Exception(f"on the device: {reason}"))
    elif _used:
        item.user_properties.append(("device", ""))


def _cases(config):
    """Node ids of what ran something on the device, each with why it was skipped, or nothing, and of what
    passed without."""
    stats = config.pluginmanager.get_plugin("terminalreporter").stats
    found, idle = {}, set()
    for kind in ("passed", "failed", "skipped", "error"):
        for report in stats.get(kind, []):
            reasons = [reason for name, reason in getattr(report, "user_properties", ())
                       if name == "device"]
            if reasons:
                found[report.nodeid] = reasons[-1]
            elif kind == "passed" and report.when == "call":
                idle.add(report.nodeid)
    return found, sorted(idle)


def _complaints(found):
    """What is wrong with what was skipped."""
    skipped = [case for case, reason in found.items() if reason]
    if len(found) >= MANY and 100 * len(skipped) > SKIPPED_PERCENT * len(found):
        yield f"{len(skipped)} of {len(found)} cases were skipped, expected at most {SKIPPED_PERCENT:g}%"
    for case in sorted(filter(NEVER.search, skipped)):
        yield f"{case} was skipped: products, attention, scans and norms have to run"


def finish(session):
    found, _ = _cases(session.config)
    if any(_complaints(found)) and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def summary(reporter, config, device):
    found, idle = _cases(config)
    skipped = collections.Counter(filter(None, found.values()))
    reporter.write_line(
        f"{device}: {len(found) - skipped.total()} cases ran on the device, {skipped.total()} were skipped "
        f"({100 * skipped.total() / max(len(found), 1):.1f}%, at most {SKIPPED_PERCENT:g}%)")
    for reason, count in skipped.most_common():
        reporter.write_line(f"  {count} skipped: {reason}")
    if idle:
        tests = sorted({case.rpartition("/")[2].partition("[")[0] for case in idle})
        reporter.write_line(f"  {len(idle)} more ran nothing: {', '.join(tests)}")
    for complaint in _complaints(found):
        reporter.write_line(f"  error: {complaint}")
