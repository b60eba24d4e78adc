# ===- probe.py - ceilings of this machine -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import ctypes
import functools

from linnet._src.testing import build_folder


@functools.cache
def _library():
    lib = ctypes.CDLL(str(build_folder() / "lib" / "libLinnetProbe.so"))
    signatures = {"fma": [], "bf16": [], "clock": [], "read": [ctypes.c_uint64], "copy": [ctypes.c_uint64],
                  "scan": [ctypes.c_int64, ctypes.c_int64]}
    for name, types in signatures.items():
        function = getattr(lib, f"lnt_probe_{name}")
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double, *types]
    return lib


LARGEST = 1 << 28


def ceiling(kind, seconds, shape=(), bytes=LARGEST):
    """Ceiling of a workload: FLOP/s or bytes/s, or for `scan` seconds. One thread's.

    Memory is read or copied in buffers of the workload's own size, so that what stays in a cache
    is compared with that cache. A copy counts the bytes that it reads and those that it writes."""
    lib = _library()
    if kind in ("fma", "bf16"):
        return getattr(lib, f"lnt_probe_{kind}")(seconds)
    if kind in ("read", "copy"):
        buffer = int(bytes) // (2 if kind == "copy" else 1)
        return getattr(lib, f"lnt_probe_{kind}")(seconds, min(max(buffer, 1 << 12), LARGEST))
    return lib.lnt_probe_scan(seconds, *shape)
