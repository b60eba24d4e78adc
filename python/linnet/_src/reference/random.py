# ===- random.py - meaning of the random family -----------------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np

M0, M1, W0, W1 = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85
MASK = 0xFFFFFFFF


def philox4x32(counter, key):
    """Ten rounds on four counter words and two key words; uint64 arrays of 32-bit values."""
    c = [np.asarray(w, np.uint64) for w in counter]
    k = [int(w) for w in key]
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(M0), c[2] * np.uint64(M1)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), p1 & np.uint64(MASK),
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]), p0 & np.uint64(MASK)]
        k = [(k[0] + W0) & MASK, (k[1] + W1) & MASK]
    return c


def random_bits(key, counter, shape):
    """uint32 words: element i is lane i % 4 of counter + i / 4."""
    n = int(np.prod(shape, dtype=np.int64))
    key = int(key) % 2**64
    block = np.uint64(int(counter) % 2**64) + np.arange(-(-n // 4), dtype=np.uint64)
    zero = np.zeros_like(block)
    words = philox4x32((block & np.uint64(MASK), block >> np.uint64(32), zero, zero),
                       (key & MASK, key >> 32))
    return np.stack(words, 1).reshape(-1)[:n].astype(np.uint32).reshape(shape)


def random(key, counter, shape, dtype="f32"):
    """Uniform in [0, 1) with as many bits as dtype holds exactly; i32 gives the words."""
    bits = random_bits(key, counter, shape)
    if dtype == "i32":
        return bits.view(np.int32)
    keep = {"f32": 24, "f16": 11, "bf16": 8}[dtype]
    return (bits >> np.uint32(32 - keep)).astype(np.float64) * 2.0**-keep


def dropout(x, key, counter, rate):
    """Zeroes elements whose uniform number is below the rate, and scales the others."""
    x = np.asarray(x, np.float64)
    keep = random(key, counter, x.shape) >= rate
    return np.where(keep, x / (1 - rate) if rate < 1 else 0.0, 0.0)
