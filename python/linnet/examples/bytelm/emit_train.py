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

from linnet._src.irtext import Value, number, tensor
from linnet.examples.bytelm import emit
from linnet.examples.bytelm.emit import DEPTH, EPS, HEADS, KEY_HEADS, LAYERS, THETA, VOCAB, WIDTH

BETAS, CLIP, DECAY = (0.9, 0.98), 1.0, 0.1
LICENCES = pathlib.Path("/usr/share/common-licenses")


def symbol(name):
    return f"@{name}" if name.isidentifier() else f'@"{name}"'


def initial_parameters(variant, seed):
    """Random weights to start from, as arrays by name; the scheme of model.py, without PyTorch."""
    rng, parameters = np.random.default_rng(seed), {}
    for name, shape in emit.parameter_shapes(variant).items():
        if name.endswith("norm"):
            value = np.ones(shape)
        elif name.endswith("decay_bias"):
            value = np.linspace(0.0, 4.6, shape[0])
        else:
            scale = 0.02 if name == "embed" else shape[1] ** -0.5
            if name.endswith((".o", ".down")):
                scale /= (2 * LAYERS) ** 0.5
            value = rng.standard_normal(shape) * scale
        parameters[name] = value.astype(np.float32)
    if variant == "linear":
        for i in range(LAYERS):
            keys = parameters[f"layers.{i}.k"].reshape(KEY_HEADS, DEPTH, WIDTH)
            queries = np.repeat(keys, HEADS // KEY_HEADS, 0)
            parameters[f"layers.{i}.q"] = queries.reshape(WIDTH, WIDTH)
    return parameters


class TrainStep(emit.Model):
    def __init__(self, variant, batch, length):
        super().__init__(variant)
        self.batch, self.length = batch, length
        self.w.load = self.load

    def load(self, name, type, hint=None):
        hint = hint or name.rpartition(".")[2]
        return self.w.op(hint, f"ml_program.global_load {symbol(name)} : {type}", type)

    def text(self):
        w = self.w
        w.comment(f"One train step of the byte-level language model with {self.variant} attention.")
        w.comment("Written by python/linnet/examples/bytelm/emit_train.py.")
        w.line()
        for name, type in self.types.items():
            w.line(f"ml_program.global private mutable {symbol(name)}(#ml_program.extern<{type}>)"
                   f" : {type}")
            for moment in ("mean", "variance"):
                w.line(f"ml_program.global private mutable {symbol(f'{moment}.{name}')} : {type}")
        w.line("ml_program.global private mutable @step : tensor<i64>")
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
        return self.merge_heads(out)

    def linear_mixer(self, h, i):
        w = self.w
        q, k, v = self.queries_keys_values(h, i)
        decay = self.split_heads(self.log_decay(h, i), "decay", KEY_HEADS)
        out = w.op("attended", f"linnet.linear_attention {q}, {k}, {v} decay({decay} : {decay.type})"
                               f" scale({number(DEPTH ** -0.5)}) : {q.type}, {k.type}, {v.type}"
                               f" -> {q.type}", q.type)
        return self.merge_heads(w.rms_norm("attended_normed", out, self.weight(i, "head_norm"), EPS))

    def loss(self):
        w = self.w
        tokens = Value("%tokens", tensor([self.batch, self.length + 1], "i64"))
        part = tensor([self.batch, self.length], "i64")
        with w.function("loss", [(tokens, "")], [("tensor<f32>", "")]):
            sizes = f"[{self.batch}, {self.length}] [1, 1] : {tokens.type} to {part}"
            inputs = w.op("inputs", f"tensor.extract_slice {tokens}[0, 0] {sizes}", part)
            targets = w.op("targets", f"tensor.extract_slice {tokens}[0, 1] {sizes}", part)
            embed = w.load("embed", self.types["embed"])
            x = w.gather("x", embed, inputs)
            for i in range(LAYERS):
                h = w.rms_norm("h", x, self.weight(i, "mixer_norm"), EPS)
                mixed = (self.softmax_mixer if self.variant == "softmax" else self.linear_mixer)(h, i)
                x = w.elementwise("x", "arith.addf", x, self.project("o", mixed, i))
                x = self.feed_forward(x, i)
            h = w.rms_norm("h", x, w.load("norm", self.types["norm"]), EPS)
            logits = w.einsum("logits", "bnc,dc->bnd", h, embed)
            loss = w.op("loss", f"linnet.cross_entropy mean {logits}, {targets} : {logits.type},"
                                f" {targets.type} -> tensor<f32>", "tensor<f32>")
            w.ret(loss)
        w.lines = [line.replace("func.func @loss(", "func.func private @loss(") for line in w.lines]

    # The step

    def train(self):
        w = self.w
        tokens = Value("%tokens", tensor([self.batch, self.length + 1], "i64"))
        rate = Value("%rate", "tensor<f32>")
        arguments = [(tokens, 'linnet.name = "tokens"'), (rate, 'linnet.name = "rate"')]
        results = [("tensor<f32>", 'linnet.name = "loss"'), ("tensor<f32>", 'linnet.name = "norm"')]
        names, types = list(self.types), list(self.types.values())
        with w.function("train", arguments, results):
            one = w.constant("one", "dense<1>", "tensor<i64>")
            before = self.load("step", "tensor<i64>")
            step = w.elementwise("count", "arith.addi", before, one)
            w.line("ml_program.global_store @step = %count : tensor<i64>")
            count = len(names)
            w.line(f"%loss, %grads:{count} = linnet.value_and_grad @loss({tokens}) wrt"
                   f" [{', '.join(symbol(n) for n in names)}]")
            w.line(f"    : ({tokens.type}) -> (tensor<f32>, {', '.join(types)})")
            limit = w.constant("limit", f"dense<{number(CLIP)}>", "tensor<f32>")
            grads = ", ".join(f"%grads#{i}" for i in range(count))
            w.line(f"%clipped:{count}, %global_norm = linnet.clip_by_global_norm {grads} max_norm({limit})")
            w.line(f"    : {', '.join(types)} -> {', '.join(types)}")
            for group, decay in (("matrices", DECAY), ("vectors", 0.0)):
                which = [i for i, t in enumerate(types) if t.count("x") == (2 if decay else 1)]
                self.update(group, decay, which, step, rate)
            w.ret(Value("%loss", "tensor<f32>"), Value("%global_norm", "tensor<f32>"))

    def update(self, group, decay, which, step, rate):
        w = self.w
        names, types = list(self.types), list(self.types.values())
        lists = []
        for keyword, prefix in (("params", ""), ("means", "mean."), ("variances", "variance.")):
            values = [self.load(prefix + names[i], types[i]) for i in which]
            lists.append((keyword, [str(v) for v in values]))
        lists.insert(1, ("grads", [f"%clipped#{i}" for i in which]))
        of = ", ".join(types[i] for i in which)
        w.line(f"%{group}:{3 * len(which)} = linnet.adamw")
        for keyword, values in lists:
            w.line(f"    {keyword}({', '.join(values)} : {of})")
        w.line(f"    lr({rate}) step({step}) beta1({number(BETAS[0])}) beta2({number(BETAS[1])})"
               f" weight_decay({number(decay)})")
        w.line(f"    -> {of}, {of}, {of}")
        for k, prefix in enumerate(("", "mean.", "variance.")):
            for j, i in enumerate(which):
                w.line(f"ml_program.global_store {symbol(prefix + names[i])} ="
                       f" %{group}#{k * len(which) + j} : {types[i]}")


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
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=("softmax", "linear"), default="softmax")
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
