"""Writes a safetensors file with wrong weights: weights.py PATH."""

import json
import struct
import sys

header = {
    "a": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]},
    "b": {"dtype": "F16", "shape": [4], "data_offsets": [24, 32]},
    "d": {"dtype": "F32", "shape": [1], "data_offsets": [32, 36]},
}
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + bytes(36))
