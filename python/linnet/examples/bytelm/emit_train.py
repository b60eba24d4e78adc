# ===- emit_train.py - the IR of a train step of the demo's models -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Writes a train step: forward, backward, clipping, AdamW, as one function.

    python -m linnet.examples.bytelm.emit_train --variant softmax --batch 4 --length 256 > train.mlir
    python -m linnet.examples.bytelm.emit_train --batch 4 --length 256 --data DIR --steps 1000
    linnet-compile train.mlir -o train.lnb --weights=DIR/init.safetensors
    linnet-run train.lnb --steps=1000 --batches=DIR/data.safetensors --save-state=DIR/run.safetensors

`--data` writes random initial weights, and batches of a text with the learning rate of each step:
the licences that every Debian machine carries, or the files of `--text`.

Parameters, moments and the step count are mutable globals: states of the session. `tokens` is
[batch, length + 1]: every byte but the last predicts the next one. `rate` is the learning rate of
the step. Matrices decay by 0.1, vectors do not; the global norm of the gradients is clipped to 1.
Queries of the linear variant start as their keys (model.py says why).
"""

import argparse
import pathlib
import sys

import numpy as np

from linnet._src.arguments import ArgumentParser
from linnet._src.irtext import TrainWriter, Value, number, tensor
from linnet.examples.bytelm import emit
from linnet.examples.bytelm.emit import DEPTH, EPS, HEADS, KEY_HEADS, LAYERS, THETA, WIDTH

VARIANTS = ("softmax", "linear")  # that a step is written for
BETAS, CLIP, DECAY = (0.9, 0.98), 1.0, 0.1
LICENCES = pathlib.Path("/usr/share/common-licenses")


def initial_parameters(variant, seed):
    """Random weights to start from, as arrays by name."""
    rng = np.random.default_rng(seed)
    return emit.initial_parameters(emit.parameter_shapes(variant), rng.standard_normal)


class TrainStep(emit.Model):
    def __init__(self, variant, batch, length):
        super().__init__(variant)
        self.batch, self.length = batch, length
        self.w = TrainWriter()

    def text(self):
        w = self.w
        w.comment(f"One train step of the byte-level language model with {self.variant} attention.")
        w.comment("Written by python/linnet/examples/bytelm/emit_train.py.")
        w.line()
        w.states(self.types, extern=True)
        w.line()
        self.loss()
        self.train()
        return w.text().rstrip() + "\n"

    # The model, without a cache

    def softmax_mixer(self, h, i):
        w = self.w
        q, k, v = self.queries_keys_values(h, i)
        q, k = (w.op(hint, f"linnet.rotary {x} base({number(THETA)}) : {x.type}", x.type)
                for hint, x in (("q_turned", q), ("k_turned", k)))
        out = w.op("attended", f"linnet.attention {q}, {k}, {v} masks<[causal]> : {q.type}, {k.type},"
                               f" {v.type} -> {q.type}", q.type)
        return self.w.merge_heads(out)

    def linear_mixer(self, h, i):
        w = self.w
        q, k, v = self.queries_keys_values(h, i)
        decay = self.split_heads(self.log_decay(h, i), "decay", KEY_HEADS)
        out = w.op("attended", f"linnet.linear_attention {q}, {k}, {v} decay({decay} : {decay.type})"
                               f" scale({number(DEPTH ** -0.5)}) : {q.type}, {k.type}, {v.type}"
                               f" -> {q.type}", q.type)
        return self.w.merge_heads(w.rms_norm("attended_normed", out, self.weight(i, "head_norm"), EPS))

    def loss(self):
        w = self.w
        tokens = Value("%tokens", tensor([self.batch, self.length + 1], "i64"))
        part = tensor([self.batch, self.length], "i64")
        with w.function("loss", [(tokens, "")], [("tensor<f32>", "")], private=True):
            sizes = f"[{self.batch}, {self.length}] [1, 1] : {tokens.type} to {part}"
            inputs = w.op("inputs", f"tensor.extract_slice {tokens}[0, 0] {sizes}", part)
            targets = w.op("targets", f"tensor.extract_slice {tokens}[0, 1] {sizes}", part)
            embed = w.load("embed", self.types["embed"])
            logits = self.layers(w.gather("x", embed, inputs), embed)
            loss = w.op("loss", f"linnet.cross_entropy mean {logits}, {targets} : {logits.type},"
                                f" {targets.type} -> tensor<f32>", "tensor<f32>")
            w.ret(loss)

    # The step

    def train(self):
        w = self.w
        tokens = Value("%tokens", tensor([self.batch, self.length + 1], "i64"))
        rate = Value("%rate", "tensor<f32>")
        arguments = [(tokens, 'linnet.name = "tokens"'), (rate, 'linnet.name = "rate"')]
        results = [("tensor<f32>", 'linnet.name = "loss"'), ("tensor<f32>", 'linnet.name = "norm"')]
        with w.function("train", arguments, results):
            step = w.next_step()
            loss = w.value_and_grad("loss", tokens, self.types)
            limit = w.constant("limit", f"dense<{number(CLIP)}>", "tensor<f32>")
            count, types = len(self.types), ", ".join(self.types.values())
            grads = ", ".join(f"%grads#{i}" for i in range(count))
            w.line(f"%clipped:{count}, %global_norm = linnet.clip_by_global_norm {grads} max_norm({limit})")
            w.line(f"    : {types} -> {types}")
            for group, rank, decay in (("matrices", 2, DECAY), ("vectors", 1, 0.0)):
                which = {name: type for name, type in self.types.items() if type.count("x") == rank}
                w.adamw(group, which, [f"%clipped#{i}" for i, name in enumerate(self.types) if name in which],
                        rate, step, f"beta1({number(BETAS[0])}) beta2({number(BETAS[1])})"
                                    f" weight_decay({number(decay)})")
            w.ret(loss, Value("%global_norm", "tensor<f32>"))


def text_of(files):
    files = files or sorted(p for p in LICENCES.glob("*") if not p.is_symlink())
    if not files:
        raise SystemExit(f"{LICENCES} has no files: give --text FILE")
    return np.frombuffer(b"\n\n".join(pathlib.Path(f).read_bytes() for f in files), np.uint8)


def rates(steps, peak):
    """A short rise, then half a cosine down to a twentieth."""
    step = np.arange(steps)
    rise = np.minimum(1, (step + 1) / min(100, max(1, steps // 10)))
    return (peak * rise * (0.05 + 0.475 * (1 + np.cos(np.pi * step / steps)))).astype(np.float32)


def write_data(arguments):
    from safetensors.numpy import save_file
    data, rng = text_of(arguments.text), np.random.default_rng(arguments.seed)
    first = rng.integers(0, len(data) - arguments.length, (arguments.steps, arguments.batch, 1))
    tokens = data[first + np.arange(arguments.length + 1)].astype(np.int64)
    arguments.data.mkdir(parents=True, exist_ok=True)
    save_file({"tokens": tokens, "rate": rates(arguments.steps, arguments.rate)},
              arguments.data / "data.safetensors")
    save_file(initial_parameters(arguments.variant, arguments.seed),
              arguments.data / "init.safetensors")


def main():
    parser = ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=VARIANTS, default="softmax")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--data", type=pathlib.Path, metavar="DIR", help="writes data, not IR")
    parser.add_argument("--steps", type=int, default=1000, help="of --data")
    parser.add_argument("--rate", type=float, default=3e-3, help="of --data: the highest one")
    parser.add_argument("--text", nargs="*", help="of --data")
    parser.add_argument("--seed", type=int, default=0, help="of --data")
    arguments = parser.parse_args()
    if arguments.data:
        write_data(arguments)
    else:
        sys.stdout.write(TrainStep(arguments.variant, arguments.batch, arguments.length).text())


if __name__ == "__main__":
    main()
