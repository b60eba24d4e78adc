# ===- gpt2_train.py - a train step of GPT-2, with a twin in PyTorch -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Writes a train step of GPT-2: forward, backward and AdamW in one function, batch 1.

    python -m linnet.examples.gpt2_train > train.mlir         24 layers of width 512, 512 tokens
    linnet-compile train.mlir -o train.lnb --memory-budget=500MiB --report=report.json

Parameters and moments are mutable globals that start as zeros unless a state is loaded. `tokens` has one token
more than the model reads: every token but the last predicts the next one.
"""

import argparse
import sys

from linnet._src.arguments import ArgumentParser
from linnet._src.irtext import TrainWriter, Value, number, tensor
from linnet.examples import gpt2

DECAY = 0.01
DEEP = gpt2.Config(vocab=256, positions=512, width=512, layers=24, heads=8)


class TrainStep(gpt2.Model):
    """Reads as many tokens as the model has positions. `dropout` is the rate of attention's weights
    and of what is added to the residual stream; other masks in every step."""

    def __init__(self, config, dropout=0.0):
        super().__init__(config)
        self.dropout, self.dropped = dropout, 0
        self.length = config.positions
        self.w = TrainWriter()

    def text(self):
        w, c = self.w, self.c
        w.comment(f"One train step of a GPT: {c.layers} layers of width {c.width}, {c.heads} heads,"
                  f" {c.positions} tokens.")
        w.comment("Written by python/linnet/examples/gpt2_train.py.")
        w.line()
        w.states(self.types)
        w.line()
        tokens = Value("%tokens", tensor([1, self.length + 1], "i64"))
        self.loss(tokens)
        self.train(tokens)
        return w.text().rstrip() + "\n"

    def loss(self, tokens):
        w, c = self.w, self.c
        part = tensor([1, self.length], "i64")
        with w.function("loss", [(tokens, "")], [("tensor<f32>", "")], private=True):
            read, targets = (w.op(
                hint, f"tensor.extract_slice {tokens}[0, {first}] [1, {self.length}] [1, 1] :"
                      f" {tokens.type} to {part}", part)
                for first, hint in enumerate(("read", "targets")))
            self.step = w.load("step", "tensor<i64>") if self.dropout else None
            wte, wpe = (w.load(n, self.types[n], n[:3]) for n in ("wte.weight", "wpe.weight"))
            rows = w.gather("token_rows", wte, read)
            x = w.elementwise("x", "arith.addf", rows, w.broadcast("position_rows", wpe, rows))
            for i in range(c.layers):
                w.line()
                w.comment(f"Layer {i}")
                x = self.layer(x, i)
            w.line()
            logits = w.einsum("logits", "bnc,dc->bnd", self.norm(x, "ln_f"), wte)
            w.ret(w.op("loss", f"linnet.cross_entropy mean {logits}, {targets} : {logits.type},"
                               f" {part} -> tensor<f32>", "tensor<f32>"))

    def mix(self, q, k, v, i):
        masks = "masks<[causal]>"
        if self.dropout:
            key = self.key()
            masks = (f"dropout_key({key} : i64) dropout_counter({self.step} : tensor<i64>) {masks}"
                     f" dropout({number(self.dropout)})")
        return self.w.op("attended", f"linnet.attention {q}, {k}, {v} {masks} : {q.type},"
                                     f" {k.type}, {v.type} -> {q.type}", q.type)

    def add_projection(self, x, h, name):
        y = self.linear("projected", h, name)
        if self.dropout:
            y = self.w.op("dropped", f"linnet.dropout {y}, {self.key()}, {self.step} rate"
                                     f" {number(self.dropout)} : {y.type}, i64, tensor<i64>", y.type)
        return self.w.elementwise("x", "arith.addf", x, y)

    def key(self):
        """One for each mask of a step."""
        self.dropped += 1
        return self.w.constant("key", self.dropped, "i64")

    def train(self, tokens):
        w = self.w
        rate = Value("%rate", "tensor<f32>")
        with w.function("train", [(tokens, 'linnet.name = "tokens"'), (rate, 'linnet.name = "rate"')],
                        [("tensor<f32>", 'linnet.name = "loss"')]):
            step = w.next_step()
            loss = w.value_and_grad("loss", tokens, self.types)
            w.adamw("next", self.types, [f"%grads#{i}" for i in range(len(self.types))], rate, step,
                    f"weight_decay({number(DECAY)})")
            w.ret(loss)


def torch_loss(config, parameters, tokens):
    """The same loss; gradients flow into `parameters`, torch tensors by name."""
    import torch.nn.functional as F
    logits = gpt2.torch_logits(config, parameters, tokens[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def main():
    parser = ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("layers", "width", "heads", "positions", "vocab"):
        parser.add_argument(f"--{name}", type=int, default=getattr(DEEP, name))
    sys.stdout.write(TrainStep(gpt2.Config(**vars(parser.parse_args()))).text())


if __name__ == "__main__":
    main()
