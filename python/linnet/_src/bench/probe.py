# ===- probe.py - ceilings of this machine -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import concurrent.futures
import ctypes
import functools

from linnet._src.testing import build_folder

LARGEST = 1 << 28
UNITS = {"fma": "FLOP/s", "bf16": "FLOP/s", "read": "B/s", "copy": "B/s", "scan": "s"}


@functools.cache
def _library():
    lib = ctypes.CDLL(str(build_folder() / "lib" / "libLinnetProbe.so"))
    signatures = {"fma": [], "bf16": [], "clock": [], "read": [ctypes.c_uint64],
                  "copy": [ctypes.c_uint64], "scan": [ctypes.c_int64, ctypes.c_int64]}
    for name, types in signatures.items():
        function = getattr(lib, f"lnt_probe_{name}")
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double, *types]
    return lib


def _arguments(workload, threads):
    """Memory is read or copied in buffers of the workload's own size, so that what stays in a
    cache is compared with that cache. A copy counts the bytes that it reads and those that it
    writes."""
    if workload.ceiling in ("read", "copy"):
        buffer = int(workload.bytes) // threads // (2 if workload.ceiling == "copy" else 1)
        return [min(max(buffer, 1 << 12), LARGEST)]
    if workload.ceiling == "scan":
        length, channels = workload.scan
        return [length, -(-channels // threads // 16) * 16]
    return []


def ceiling(workload, threads, seconds):
    """FLOP/s or bytes/s of all threads together, or for `scan` seconds; 0 where the CPU lacks the
    instructions. Each thread probes at the same time."""
    function = getattr(_library(), f"lnt_probe_{workload.ceiling}")
    arguments = [seconds, *_arguments(workload, threads)]
    if threads == 1:
        return function(*arguments)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        each = [f.result() for f in [pool.submit(function, *arguments) for _ in range(threads)]]
    return max(each) if workload.ceiling == "scan" else sum(each)


def best(workload):
    """Of several probes: the highest rate, the shortest time."""
    return min if workload.ceiling == "scan" else max


def fraction(workload, seconds, ceiling):
    """How much of the ceiling a call reached that took `seconds`."""
    if not ceiling:
        return 0.0
    if workload.ceiling == "scan":
        return ceiling / seconds
    work = workload.bytes if workload.ceiling in ("read", "copy") else workload.flops
    return work / ceiling / seconds
