# ===- reference.py - what each op means, in NumPy and float64 -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""One function per op of the `linnet` dialect; compiled code is compared with these."""

from linnet._src.reference.attention import (attention, attention_grad, feature_map, rotary,
                                              visible_keys)
from linnet._src.reference.conv import conv
from linnet._src.reference.norm import layer_norm, rms_norm, softmax
from linnet._src.reference.plain import argmax, broadcast, einsum, gather, reduce
from linnet._src.reference.random import random, random_bits
from linnet._src.reference.sequence import (causal_conv, causal_conv_grad, linear_attention,
                                             linear_attention_grad, selective_scan,
                                             selective_scan_grad)

__all__ = [
    "argmax", "attention", "attention_grad", "broadcast", "causal_conv", "causal_conv_grad", "conv",
    "einsum", "feature_map", "gather", "layer_norm", "linear_attention", "linear_attention_grad",
    "random", "random_bits", "reduce", "rms_norm", "rotary", "selective_scan", "selective_scan_grad",
    "softmax", "visible_keys",
]
