# ===- emit_alibi.py - the IR of the model whose windows are certified -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Writes the IR of the byte-level language model with ALiBi.

    python -m linnet.examples.bytelm.emit_alibi            rewrites model.alibi.mlir
"""

import argparse
import pathlib

from linnet._src.arguments import ArgumentParser
from linnet._src.irtext import Value, number, tensor
from linnet.examples.bytelm import emit
from linnet.examples.bytelm.emit import DEPTH, EPS, HEADS, KEY_HEADS, LAYERS, VOCAB

# The same numbers as in model.py.
SLOPES, LOGIT_SCALE, LENGTH_EPS = (2**-1, 2**-3, 2**-5, 2**-7), 3.0, 1e-6
LONGEST = 65536

HEADER = """\
// A byte-level language model with ALiBi: a query's score of a key loses 1/2, 1/8, 1/32 or 1/128 per
// byte between them, by head; otherwise as model.softmax.mlir. Queries and keys have length sqrt(32)
// and scores the factor 3/32, so that no score before that loss is above 3: with a contract, windows
// that hold all but a known part of the softmax are certified from this program alone.
//
// Every function reads a whole text: there is no state.
//
// Written by python/linnet/examples/bytelm/emit_alibi.py; the weights are in model.alibi.safetensors."""


class Model(emit.Model):
    def __init__(self):
        super().__init__("softmax")  # the same weights

    def text(self):
        w = self.w
        for line in HEADER.splitlines():
            w.line(line)
        w.line()
        for name, type in self.types.items():
            w.weight(name, type)
        w.line()
        self.logits()
        self.attention()
        return w.text().rstrip() + "\n"

    def function(self, name, results):
        """A function of N tokens; results are (name, type)."""
        tokens = Value("%tokens", tensor([1, None], "i64"))
        return tokens, self.w.function(
            name, [(tokens, 'linnet.name = "tokens", linnet.dims = [1, "N"]')],
            [(type, f'linnet.name = "{result}"') for result, type in results],
            f"linnet.symbols = {{N = {{min = 1, max = {LONGEST}}}}}")

    def logits(self):
        w = self.w
        w.comment("Logits for the byte that follows each one.")
        tokens, function = self.function("logits", [("logits", tensor([1, None, VOCAB]))])
        with function:
            x = self.layers(tokens)
            h = w.rms_norm("h", x, w.load("norm", self.types["norm"]), EPS)
            w.ret(w.einsum("logits", "bnc,dc->bnd", h, w.load("embed", self.types["embed"])))

    def attention(self):
        w = self.w
        w.comment("What attention reads and gives in every layer, to measure its error.")
        types = {"q": tensor([1, HEADS, None, DEPTH]), "k": tensor([1, KEY_HEADS, None, DEPTH]),
                 "v": tensor([1, KEY_HEADS, None, DEPTH]), "o": tensor([1, HEADS, None, DEPTH])}
        tokens, function = self.function("attention", [(f"{x}{i}", types[x]) for i in range(LAYERS)
                                                       for x in "qkvo"])
        with function:
            self.layers(tokens)
            w.ret(*self.seen)

    def layers(self, tokens):
        w, self.seen = self.w, []
        self.length = w.dim("n", tokens, 1)
        slopes = ", ".join(map(number, SLOPES))
        self.slopes = w.constant("slopes", f"dense<[{slopes}]>", tensor([HEADS]))
        x = w.gather("x", w.load("embed", self.types["embed"]), tokens)
        for i in range(LAYERS):
            h = w.rms_norm("h", x, self.weight(i, "mixer_norm"), EPS)
            x = w.elementwise("x", "arith.addf", x, self.project("o", self.alibi_mixer(h, i), i))
            x = self.feed_forward(x, i)
        return x

    def alibi_mixer(self, h, i):
        w = self.w
        q, k, v = self.queries_keys_values(h, i)
        q, k = (w.op(hint, f"linnet.rms_norm {x} eps {number(LENGTH_EPS)} : {x.type}", x.type)
                for hint, x in (("q_long", q), ("k_long", k)))
        out = w.op("attended", f"linnet.attention {q}, {k}, {v} alibi_slopes({self.slopes} :"
                               f" {self.slopes.type}) masks<[causal]>"
                               f" scale({number(LOGIT_SCALE / DEPTH)}) : {q.type}, {k.type},"
                               f" {v.type} -> {q.type}", q.type)
        self.seen += [q, k, v, out]
        return self.w.merge_heads(out)


def main():
    parser = ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    (parser.parse_args().out / "model.alibi.mlir").write_text(Model().text())


if __name__ == "__main__":
    main()
