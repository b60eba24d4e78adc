# ===- probe.py - ceilings of this machine -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import ctypes
import functools
import pathlib
import re

from linnet._src.testing import build_folder


@functools.cache
def _library():
    lib = ctypes.CDLL(str(build_folder() / "lib" / "libLinnetProbe.so"))
    signatures = {"fma": [], "bf16": [], "read": [ctypes.c_uint64], "copy": [ctypes.c_uint64],
                  "scan": [ctypes.c_int64, ctypes.c_int64]}
    for name, types in signatures.items():
        function = getattr(lib, f"lnt_probe_{name}")
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double, *types]
    return lib


def last_cache_bytes():
    sizes = [0]
    for path in pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        number, unit = re.match(r"(\d+)([KM]?)", path.read_text()).groups()
        sizes.append(int(number) << {"": 0, "K": 10, "M": 20}[unit])
    return max(sizes)


def ceiling(kind, seconds, shape=()):
    """Ceiling of a workload: FLOP/s or bytes/s, or for `scan` seconds. One thread's."""
    lib = _library()
    if kind in ("fma", "bf16"):
        return getattr(lib, f"lnt_probe_{kind}")(seconds)
    if kind in ("read", "copy"):
        bytes = max(4 * last_cache_bytes(), 1 << 26)
        return getattr(lib, f"lnt_probe_{kind}")(seconds, bytes)
    return lib.lnt_probe_scan(seconds, *shape)
