# ===- device_cases.py - the tests on a GPU: what runs, what is skipped and why -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""With pytest's `--device=vulkan` (or cuda) every model that a test opens by linnet.testing runs there. Cases
that do so are counted; one that cannot is skipped for a reason of SKIPS, or fails. Tests marked `cpu` are
left out: they run nothing, or what they look at are CPUs."""
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


def _counts(config):
    """Cases that ran, and how many were skipped for each reason."""
    stats = config.pluginmanager.get_plugin("terminalreporter").stats
    found = {}
    for kind in ("passed", "failed", "skipped", "error"):
        for report in stats.get(kind, []):
            for name, reason in getattr(report, "user_properties", ()):
                if name == "device":
                    found[report.nodeid] = reason
    reasons = collections.Counter(found.values())
    return reasons.pop("", 0), reasons


def finish(session):
    """Too many skipped cases are a failure."""
    ran, skipped = _counts(session.config)
    total = ran + skipped.total()
    if total >= MANY and 100 * skipped.total() > SKIPPED_PERCENT * total and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def summary(reporter, config, device):
    ran, skipped = _counts(config)
    total = skipped.total()
    reporter.write_line(f"{device}: {ran} cases ran on the device, {total} were skipped "
                        f"({100 * total / max(ran + total, 1):.1f}%, at most {SKIPPED_PERCENT:g}%)")
    for reason, count in skipped.most_common():
        reporter.write_line(f"  {count} skipped: {reason}")
