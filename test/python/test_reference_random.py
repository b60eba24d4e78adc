# ===- test_reference_random.py - references against public ones -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
from linnet._src.reference import random as ref

# kat_vectors of Random123, "philox 4x32 10": counter, key, result
VECTORS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [int(w, 16) for w in text.split()]


def test_known_answers():
    for counter, key, want in VECTORS:
        assert [int(w) for w in ref.philox4x32(words(counter), words(key))] == words(want)


def test_positions():
    key, counter = -5, 2**32 - 2  # the block number carries into the second word
    flat = ref.random_bits(key, counter, (23,))
    assert (ref.random_bits(key, counter, (23, 1)).reshape(-1) == flat).all()
    assert (ref.random_bits(key, counter + 3, (11,)) == flat[12:]).all()
    lo, hi = (key % 2**64) & 0xFFFFFFFF, (key % 2**64) >> 32
    assert [int(w) for w in ref.philox4x32((0, 1, 0, 0), (lo, hi))] == flat[8:12].tolist()


def test_uniform():
    for dtype, bits in (("f32", 24), ("f16", 11), ("bf16", 8)):
        u = ref.random(7, 0, (100000,), dtype)
        assert u.min() >= 0 and u.max() < 1
        assert (u * 2**bits == np.floor(u * 2**bits)).all()
        # mean of n uniforms: five standard deviations
        assert abs(u.mean() - (0.5 - 2.0**-bits / 2)) < 5 / np.sqrt(12 * u.size)
