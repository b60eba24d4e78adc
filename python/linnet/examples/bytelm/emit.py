# ===- emit.py - the IR of the demo's models -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Writes the IR of the demo's models.

    python -m linnet.examples.bytelm.emit            rewrites model.softmax.mlir, model.linear.mlir
"""

import argparse
import pathlib

import numpy as np

from linnet._src.arguments import ArgumentParser
from linnet._src.irtext import Value, Writer, number, tensor

# The same numbers as in model.py, which needs PyTorch and this file does not.
VOCAB, LAYERS, WIDTH, HEADS, KEY_HEADS, DEPTH, HIDDEN = 256, 3, 128, 4, 2, 32, 240
KEY_WIDTH = KEY_HEADS * DEPTH
EPS, THETA, GATE_DIVISOR = 1e-5, 10000.0, 16.0
LONGEST_PROMPT, LONGEST_CACHE = 4096, 65536

HEADER = {
    "softmax": """\
// A byte-level language model with softmax attention: RMS norm, rotary positions, four query
// heads on two key heads, a gated feed-forward layer; three layers of width 128.
//
// State, donated: "position", how many bytes have been read, and per layer the keys and values
// of all of them in caches of capacity C. prefill appends N bytes, decode one; both update the
// caches in place and give logits for the byte that follows each one read.""",
    "linear": """\
// A byte-level language model with gated linear attention: four query heads on two heads of
// state, one log-decay per key channel, otherwise as the softmax model; three layers of width
// 128.
//
// State, donated: per layer a memory of 32 x 32 numbers a head, however long the text. prefill
// reads N bytes, decode one; both give logits for the byte that follows each one read.""",
}


def parameter_shapes(variant):
    """Name to shape of every weight."""
    shapes = {"embed": [VOCAB, WIDTH]}
    for i in range(LAYERS):
        layer = {"mixer_norm": [WIDTH], "q": [WIDTH, WIDTH], "k": [KEY_WIDTH, WIDTH],
                 "v": [KEY_WIDTH, WIDTH]}
        if variant == "linear":
            layer.update(decay=[KEY_WIDTH, WIDTH], decay_bias=[KEY_WIDTH], head_norm=[DEPTH])
        layer.update(o=[WIDTH, WIDTH], mlp_norm=[WIDTH], gate=[HIDDEN, WIDTH], up=[HIDDEN, WIDTH],
                     down=[WIDTH, HIDDEN])
        shapes.update({f"layers.{i}.{name}": shape for name, shape in layer.items()})
    shapes["norm"] = [WIDTH]
    return shapes


def initial_parameters(shapes, normal):
    """Weights to start from, as f32 arrays by name; normal(shape) draws numbers. In the linear variant
    queries start as the keys that they read: the norm behind a first position leaves the sign of its
    q.k only, which rounding would choose where that is about zero, and Adam would spread."""
    layers = sum(name.endswith(".down") for name in shapes)
    parameters = {}
    for name, shape in shapes.items():
        if name.endswith("norm"):
            value = np.ones(shape)
        elif name.endswith("decay_bias"):
            # time constants from about 16 to 1600 bytes
            value = np.linspace(0.0, 4.6, shape[0])
        else:
            scale = 0.02 if name == "embed" else shape[1] ** -0.5
            if name.endswith((".o", ".down")):
                scale /= (2 * layers) ** 0.5
            value = normal(shape) * scale
        parameters[name] = value.astype(np.float32)
    for name in shapes:
        if name.endswith(".decay"):  # the linear variant
            layer = name.removesuffix("decay")
            (depth,), (rows, width) = shapes[f"{layer}head_norm"], shapes[f"{layer}q"]
            keys = parameters[f"{layer}k"].reshape(-1, depth, width)
            queries = np.repeat(keys, rows // len(keys) // depth, 0)
            parameters[f"{layer}q"] = queries.reshape(rows, width)
    return parameters


class Model:
    """Writes prefill (`length` None) and decode (`length` 1) of one variant."""

    def __init__(self, variant):
        self.variant = variant
        self.types = {name: tensor(shape) for name, shape in parameter_shapes(variant).items()}
        self.w = Writer()

    def text(self):
        w = self.w
        for line in HEADER[self.variant].splitlines():
            w.line(line)
        w.line("//")
        w.line("// Written by python/linnet/examples/bytelm/emit.py; the weights are in")
        w.line(f"// model.{self.variant}.safetensors.")
        w.line()
        for name, type in self.types.items():
            w.weight(name, type)
        w.line()
        self.step("prefill", None)
        self.step("decode", 1)
        sample(w)
        return w.text().rstrip() + "\n"

    # State: every function takes and returns all of it

    def state_arguments(self):
        if self.variant == "linear":
            memory = tensor([1, KEY_HEADS, DEPTH, DEPTH])
            return [(Value(f"%memory{i}", memory), f'linnet.state = "memory.{i}"')
                    for i in range(LAYERS)]
        cache = tensor([1, KEY_HEADS, None, DEPTH])
        dims = f'linnet.dims = [1, {KEY_HEADS}, "C", {DEPTH}]'
        arguments = [(Value("%position", "tensor<i64>"), 'linnet.state = "position"')]
        for i in range(LAYERS):
            arguments += [(Value(f"%cache_{x}{i}", cache), f'linnet.state = "kv.{i}.{x}", {dims}')
                          for x in "kv"]
        return arguments

    def step(self, name, length):
        w = self.w
        dims = ', linnet.dims = [1, "N"]' if length is None else ""
        tokens = Value("%tokens", tensor([1, length], "i64"))
        state = self.state_arguments()
        arguments = [(tokens, f'linnet.name = "tokens"{dims}')] + state
        results = [(tensor([1, length, VOCAB]), 'linnet.name = "logits"')]
        results += [(value.type, attributes.split(", linnet.dims")[0])
                    for value, attributes in state]
        symbols = []
        if length is None:
            symbols.append(f"N = {{min = 1, max = {LONGEST_PROMPT}}}")
        if self.variant == "softmax":
            symbols.append(f"C = {{min = 1, max = {LONGEST_CACHE}}}")
        attributes = f"linnet.symbols = {{{', '.join(symbols)}}}" if symbols else ""
        w.comment({"prefill": "Reads N bytes.", "decode": "Reads one byte."}[name])
        with w.function(name, arguments, results, attributes):
            self.state = {value.name[1:]: value for value, _ in state}
            logits = self.body(tokens, length)
            w.ret(logits, *self.state.values())

    def body(self, tokens, length):
        w = self.w
        self.length = w.dim("n", tokens, 1) if length is None else 1
        if self.variant == "softmax":
            self.offset = self.state["position"]
            self.start = w.op("start", "tensor.extract %position[] : tensor<i64>", "i64")
            self.first = w.op("first", f"arith.index_cast {self.start} : i64 to index", "index")
        embed = w.load("embed", self.types["embed"])
        logits = self.layers(w.gather("x", embed, tokens), embed)
        if self.variant == "softmax":
            self.advance_position()
        return logits

    def layers(self, x, embed):
        """Logits from the rows of the embedding."""
        w = self.w
        for i in range(LAYERS):
            w.line()
            w.comment(f"Layer {i}")
            h = w.rms_norm("h", x, self.weight(i, "mixer_norm"), EPS)
            mixed = self.softmax_mixer(h, i) if self.variant == "softmax" else self.linear_mixer(h, i)
            x = w.elementwise("x", "arith.addf", x, self.project("o", mixed, i))
            x = self.feed_forward(x, i)
        w.line()
        h = w.rms_norm("h", x, w.load("norm", self.types["norm"]), EPS)
        return w.einsum("logits", "bnc,dc->bnd", h, embed)

    def advance_position(self):
        w = self.w
        count = w.constant("count", 1, "i64") if self.length == 1 else w.op(
            "count", f"arith.index_cast {self.length} : index to i64", "i64")
        read = Value("%read", "tensor<i64>")
        w.line(f"{read} = linnet.broadcast {count} : i64 -> {read.type}")
        self.state["position"] = w.elementwise("end", "arith.addi", self.offset, read)

    # Layers

    def weight(self, i, name):
        return self.w.load(f"layers.{i}.{name}", self.types[f"layers.{i}.{name}"], f"w_{name}")

    def project(self, name, x, i):
        return self.w.einsum(name, "bnc,dc->bnd", x, self.weight(i, name))

    def split_heads(self, x, hint, heads):
        return self.w.split_heads(hint, x, heads, [] if x.shape[1] else [self.length])

    def queries_keys_values(self, h, i):
        return (self.split_heads(self.project("q", h, i), "q", HEADS),
                self.split_heads(self.project("k", h, i), "k", KEY_HEADS),
                self.split_heads(self.project("v", h, i), "v", KEY_HEADS))

    def softmax_mixer(self, h, i):
        w = self.w
        q, k, v = self.queries_keys_values(h, i)
        q, k = (w.op(hint, f"linnet.rotary {x} base({number(THETA)}) offset({self.offset}"
                           f" : {self.offset.type}) : {x.type}", x.type)
                for hint, x in (("q_turned", q), ("k_turned", k)))
        caches = []
        for letter, new in (("k", k), ("v", v)):
            name = f"cache_{letter}{i}"
            caches.append(w.insert("keys" if letter == "k" else "values", new, self.state[name],
                                   [0, 0, self.first, 0], [1, KEY_HEADS, self.length, DEPTH]))
            self.state[name] = caches[-1]
        keys, values = caches
        out = w.op("attended", f"linnet.attention {q}, {keys}, {values} q_offset({self.offset}"
                               f" : {self.offset.type}) masks<[causal]> : {q.type}, {keys.type},"
                               f" {values.type} -> {q.type}", q.type)
        return self.w.merge_heads(out)

    def linear_mixer(self, h, i):
        w = self.w
        q, k, v = self.queries_keys_values(h, i)
        decay = self.split_heads(self.log_decay(h, i), "decay", KEY_HEADS)
        memory = self.state[f"memory{i}"]
        out, new = w.fresh("attended"), w.fresh("memory_after")
        w.line(f"{out}, {new} = linnet.linear_attention {q}, {k}, {v} decay({decay} : {decay.type})"
               f" state({memory} : {memory.type}) scale({number(DEPTH ** -0.5)})"
               f" : {q.type}, {k.type}, {v.type} -> {q.type}, {memory.type}")
        self.state[f"memory{i}"] = Value(new, memory.type)
        normed = w.rms_norm("attended_normed", Value(out, q.type), self.weight(i, "head_norm"), EPS)
        return self.w.merge_heads(normed)

    def log_decay(self, h, i):
        """log(sigmoid(z)) / 16 with z = decay h + decay_bias, without overflow."""
        w = self.w
        z = self.project("decay", h, i)
        z = w.elementwise("z", "arith.addf", z,
                          w.broadcast("bias_rows", self.weight(i, "decay_bias"), z))
        shrunk = w.elementwise("shrunk", "math.exp", w.elementwise(
            "minus_abs", "arith.negf", w.elementwise("abs", "math.absf", z)))
        low = w.elementwise("low", "arith.minimumf", z, w.splat("zero", "0.0", z))
        log = w.elementwise("log_sigmoid", "arith.subf", low,
                            w.elementwise("log1p", "math.log1p", shrunk))
        return w.elementwise("log_decay", "arith.mulf", log,
                             w.splat("sixteenth", number(1 / GATE_DIVISOR), log))

    def feed_forward(self, x, i):
        w = self.w
        h = w.rms_norm("h", x, self.weight(i, "mlp_norm"), EPS)
        gate, up = self.project("gate", h, i), self.project("up", h, i)
        one = w.splat("one", "1.0", gate)
        small = w.elementwise("exp", "math.exp", w.elementwise("minus", "arith.negf", gate))
        silu = w.elementwise("silu", "arith.divf", gate,
                             w.elementwise("one_more", "arith.addf", one, small))
        hidden = w.elementwise("hidden", "arith.mulf", silu, up)
        return w.elementwise("x", "arith.addf", x, self.project("down", hidden, i))


def sample(w):
    """The next byte from one row of logits."""
    row = tensor([VOCAB])
    arguments = [(Value("%logits", row), 'linnet.name = "logits"'),
                 (Value("%temperature", "f32"), 'linnet.name = "temperature"'),
                 (Value("%top_k", "i64"), 'linnet.name = "top_k"'),
                 (Value("%seed", "i64"), 'linnet.name = "seed"'),
                 (Value("%counter", "i64"), 'linnet.name = "counter"')]
    w.comment("Chooses the next byte: the likeliest at temperature 0, else by chance among the")
    w.comment("top_k highest distinct logits (0: among all). The same seed and counter choose the")
    w.comment(f"same byte; a call uses up {VOCAB // 4} counter values.")
    with w.function("sample", arguments, [("tensor<1x1xi64>", 'linnet.name = "token"')]):
        for line in SAMPLE.strip("\n").splitlines():
            w.line(line)


SAMPLE = """
%zero = arith.constant 0.0 : f32
%sharp = arith.cmpf ole, %temperature, %zero : f32
%token = scf.if %sharp -> (tensor<i64>) {
  %likeliest = linnet.argmax %logits axis 0 : tensor<256xf32> -> tensor<i64>
  scf.yield %likeliest : tensor<i64>
} else {
  // After k rounds %lowest is the k-th highest logit.
  %from = arith.constant 0 : index
  %step = arith.constant 1 : index
  %none = arith.constant 0 : i64
  %k = arith.maxsi %top_k, %none : i64
  %rounds = arith.index_cast %k : i64 to index
  %inf = arith.constant 0x7F800000 : f32
  %minus_inf = arith.constant 0xFF800000 : f32
  %out = linnet.broadcast %minus_inf : f32 -> tensor<256xf32>
  %above_all = linnet.broadcast %inf : f32 -> tensor<f32>
  %below_all = linnet.broadcast %minus_inf : f32 -> tensor<f32>
  %kth = scf.for %i = %from to %rounds step %step iter_args(%found = %above_all) -> (tensor<f32>) {
    %found_row = linnet.broadcast %found : tensor<f32> -> tensor<256xf32>
    %lower = arith.cmpf olt, %logits, %found_row : tensor<256xf32>
    %left = arith.select %lower, %logits, %out : tensor<256xi1>, tensor<256xf32>
    %next = linnet.reduce max %left axes [0] : tensor<256xf32> -> tensor<f32>
    scf.yield %next : tensor<f32>
  }
  %unlimited = arith.cmpi sle, %top_k, %none : i64
  %lowest = arith.select %unlimited, %below_all, %kth : tensor<f32>
  %lowest_row = linnet.broadcast %lowest : tensor<f32> -> tensor<256xf32>
  %allowed = arith.cmpf oge, %logits, %lowest_row : tensor<256xf32>

  // Gumbel noise: the argmax of logits / temperature - log(-log(u)) is a draw from the softmax.
  %u = linnet.random %seed, %counter : i64, i64 -> tensor<256xf32>
  %log_u = math.log %u : tensor<256xf32>
  %exponential = arith.negf %log_u : tensor<256xf32>
  %log_exponential = math.log %exponential : tensor<256xf32>
  %heat = linnet.broadcast %temperature : f32 -> tensor<256xf32>
  %scaled = arith.divf %logits, %heat : tensor<256xf32>
  %noisy = arith.subf %scaled, %log_exponential : tensor<256xf32>
  %candidates = arith.select %allowed, %noisy, %out : tensor<256xi1>, tensor<256xf32>
  %drawn = linnet.argmax %candidates axis 0 : tensor<256xf32> -> tensor<i64>
  scf.yield %drawn : tensor<i64>
}
%result = tensor.expand_shape %token [] output_shape [1, 1] : tensor<i64> into tensor<1x1xi64>
return %result : tensor<1x1xi64>
"""


def main():
    parser = ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    out = parser.parse_args().out
    for variant in HEADER:
        (out / f"model.{variant}.mlir").write_text(Model(variant).text())


if __name__ == "__main__":
    main()
