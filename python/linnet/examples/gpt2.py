# ===- gpt2.py - GPT-2 as model IR, with a twin in PyTorch -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""GPT-2 (124M by default): IR, random weights, and a comparison with plain PyTorch.

    python -m linnet.examples.gpt2 write DIR        gpt2.mlir and gpt2.safetensors (500 MB)
    python -m linnet.examples.gpt2 compare DIR      compiles, runs, compares, times

Weights have the names and the layout of Hugging Face's `gpt2` checkpoint (linear weights are
[in, out]), so that a downloaded one fits.
"""

import argparse
import dataclasses
import pathlib
import time

import numpy as np

from linnet._src.arguments import ArgumentParser
from linnet._src.irtext import Value, Writer, number, tensor

EPS = 1e-5
GELU_SCALE, GELU_CUBE = 0.7978845608028654, 0.044715


@dataclasses.dataclass(frozen=True)
class Config:
    vocab: int = 50257
    positions: int = 1024
    width: int = 768
    layers: int = 12
    heads: int = 12

    @property
    def depth(self):
        return self.width // self.heads


SMALL = Config()
TINY = Config(vocab=97, positions=64, width=48, layers=2, heads=3)


def parameter_shapes(c):
    shapes = {"wte.weight": (c.vocab, c.width), "wpe.weight": (c.positions, c.width)}
    for i in range(c.layers):
        layer = {"ln_1.weight": (c.width,), "ln_1.bias": (c.width,),
                 "attn.c_attn.weight": (c.width, 3 * c.width), "attn.c_attn.bias": (3 * c.width,),
                 "attn.c_proj.weight": (c.width, c.width), "attn.c_proj.bias": (c.width,),
                 "ln_2.weight": (c.width,), "ln_2.bias": (c.width,),
                 "mlp.c_fc.weight": (c.width, 4 * c.width), "mlp.c_fc.bias": (4 * c.width,),
                 "mlp.c_proj.weight": (4 * c.width, c.width), "mlp.c_proj.bias": (c.width,)}
        shapes.update({f"h.{i}.{name}": shape for name, shape in layer.items()})
    shapes.update({"ln_f.weight": (c.width,), "ln_f.bias": (c.width,)})
    return shapes


def random_parameters(c, seed=0):
    """As GPT-2 is initialised, with biases and norms away from their trivial values."""
    rng = np.random.default_rng(seed)
    parameters = {}
    for name, shape in parameter_shapes(c).items():
        value = rng.standard_normal(shape, np.float32) * np.float32(0.02)
        if ".ln_" in f".{name}" and name.endswith("weight"):
            value += np.float32(1)
        elif name.endswith("c_proj.weight"):
            value *= np.float32((2 * c.layers) ** -0.5)
        parameters[name] = value
    return parameters


# IR


class Model:
    """Writes prefill (any number of tokens, logits at all positions) and decode (one token)."""

    def __init__(self, config):
        self.c = config
        self.types = {n: tensor(s) for n, s in parameter_shapes(config).items()}
        self.w = Writer()

    def text(self):
        w, c = self.w, self.c
        w.comment(f"GPT-2: {c.layers} layers of width {c.width}, {c.heads} heads, "
                  f"{c.vocab} tokens. Written by")
        w.comment("python/linnet/examples/gpt2.py.")
        w.comment('State, donated: "position", how many tokens have been read, and per layer their')
        w.comment(f"keys and values, in caches of capacity C (at most {c.positions}).")
        w.line()
        for name, type in self.types.items():
            w.weight(name, type)
        w.line()
        self.step("prefill", None)
        self.step("decode", 1)
        return w.text().rstrip() + "\n"

    def step(self, name, length):
        w, c = self.w, self.c
        tokens = Value("%tokens", tensor([1, length], "i64"))
        dims = ', linnet.dims = [1, "N"]' if length is None else ""
        cache = tensor([1, c.heads, None, c.depth])
        state = [(Value("%position", "tensor<i64>"), 'linnet.state = "position"', "")]
        for i in range(c.layers):
            for x in "kv":
                state.append((Value(f"%cache_{x}{i}", cache), f'linnet.state = "kv.{i}.{x}"',
                              f', linnet.dims = [1, {c.heads}, "C", {c.depth}]'))
        arguments = [(tokens, f'linnet.name = "tokens"{dims}')] + [(v, a + d) for v, a, d in state]
        results = [(tensor([1, length, c.vocab]), 'linnet.name = "logits"')]
        results += [(v.type, a) for v, a, _ in state]
        bound = f"{{min = 1, max = {c.positions}}}"
        symbols = (f"N = {bound}, " if length is None else "") + f"C = {bound}"
        with w.function(name, arguments, results, f"linnet.symbols = {{{symbols}}}"):
            self.state = {v.name[1:]: v for v, _, _ in state}
            logits = self.body(tokens, length)
            w.ret(logits, *self.state.values())

    def body(self, tokens, length):
        w, c = self.w, self.c
        self.length = w.dim("n", tokens, 1) if length is None else 1
        position = self.state["position"]
        start = w.op("start", "tensor.extract %position[] : tensor<i64>", "i64")
        self.first = w.op("first", f"arith.index_cast {start} : i64 to index", "index")
        wte, wpe = (w.load(n, self.types[n], n.split(".")[0]) for n in ("wte.weight", "wpe.weight"))
        x = w.elementwise("x", "arith.addf", w.gather("token_rows", wte, tokens),
                          w.gather("position_rows", wpe, self.positions(start, tokens)))
        for i in range(c.layers):
            w.line()
            w.comment(f"Layer {i}")
            x = self.layer(x, i)
        w.line()
        logits = w.einsum("logits", "bnc,dc->bnd", self.norm(x, "ln_f"), wte)
        count = w.constant("count", 1, "i64") if length == 1 else w.op(
            "count", f"arith.index_cast {self.length} : index to i64", "i64")
        read = w.op("read", f"linnet.broadcast {count} : i64 -> tensor<i64>", "tensor<i64>")
        self.state["position"] = w.elementwise("end", "arith.addi", position, read)
        return logits

    def layer(self, x, i):
        x = self.add_projection(x, self.attend(self.norm(x, f"h.{i}.ln_1"), i),
                                f"h.{i}.attn.c_proj")
        h = self.gelu(self.linear("fc", self.norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"))
        return self.add_projection(x, h, f"h.{i}.mlp.c_proj")

    def positions(self, start, tokens):
        """position, position + 1, ... in the shape of the tokens."""
        w, size = self.w, "" if self.length == 1 else str(self.length)
        with w.block(f"%rows = tensor.generate {size} {{", f"}} : {tokens.type}"):
            w.line("^bb0(%batch: index, %row: index):")
            w.line("  %offset = arith.index_cast %row : index to i64")
            w.line(f"  %at = arith.addi {start}, %offset : i64")
            w.line("  tensor.yield %at : i64")
        return Value("%rows", tokens.type)

    def norm(self, x, name):
        scale, bias = (self.w.load(f"{name}.{p}", self.types[f"{name}.{p}"], p)
                       for p in ("weight", "bias"))
        return self.w.layer_norm("h", x, scale, bias, EPS)

    def linear(self, hint, x, name):
        w = self.w
        weight, bias = (w.load(f"{name}.{p}", self.types[f"{name}.{p}"], p)
                        for p in ("weight", "bias"))
        y = w.einsum(hint, "bnc,cd->bnd", x, weight)
        return w.elementwise(f"{hint}_biased", "arith.addf", y, w.broadcast("bias_rows", bias, y))

    def add_projection(self, x, h, name):
        return self.w.elementwise("x", "arith.addf", x, self.linear("projected", h, name))

    def gelu(self, x):
        """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), GPT-2's approximation."""
        w = self.w
        mul = lambda hint, a, b: w.elementwise(hint, "arith.mulf", a, b)
        cube = mul("cube", mul("square", x, x), x)
        inner = w.elementwise("inner", "arith.addf", x,
                              mul("small", cube, w.splat("cubic", number(GELU_CUBE), x)))
        tanh = w.elementwise("tanh", "math.tanh",
                             mul("angle", inner, w.splat("scale", number(GELU_SCALE), x)))
        gate = w.elementwise("gate", "arith.addf", tanh, w.splat("one", "1.0", x))
        return mul("gelu", mul("half_x", x, w.splat("half", "0.5", x)), gate)

    def attend(self, h, i):
        qkv = self.linear("qkv", h, f"h.{i}.attn.c_attn")
        return self.w.merge_heads(
            self.mix(*(self.head_rows(qkv, j, name) for j, name in enumerate("qkv")), i))

    def mix(self, q, k, v, i):
        """Attention over the cache of layer i, behind which keys and values go."""
        w, c = self.w, self.c
        for letter, new in (("k", k), ("v", v)):
            name = f"cache_{letter}{i}"
            self.state[name] = w.insert("keys" if letter == "k" else "values", new,
                                        self.state[name], [0, 0, self.first, 0],
                                        [1, c.heads, self.length, c.depth])
        keys, values = self.state[f"cache_k{i}"], self.state[f"cache_v{i}"]
        return w.op("attended", f"linnet.attention {q}, {keys}, {values} q_offset(%position"
                                f" : tensor<i64>) masks<[causal]> : {q.type}, {keys.type},"
                                f" {values.type} -> {q.type}", q.type)

    def head_rows(self, qkv, which, name):
        """Columns of q, k or v as [1, heads, N, depth]."""
        w, c, n = self.w, self.c, self.length
        part = tensor([1, qkv.shape[1], c.width])
        columns = w.op(name, f"tensor.extract_slice {qkv}[0, 0, {which * c.width}]"
                             f" [1, {n}, {c.width}] [1, 1, 1] : {qkv.type} to {part}", part)
        return w.split_heads(name, columns, c.heads, [] if n == 1 else [n])


# PyTorch


def torch_logits(c, parameters, tokens, cache=None):
    """Logits of all tokens; `parameters` are torch tensors. `cache`, a list that is empty at
    first, has the keys and values of the tokens before by layer; after it, one token a call."""
    import torch
    import torch.nn.functional as F

    def linear(x, name):
        return x @ parameters[f"{name}.weight"] + parameters[f"{name}.bias"]

    def norm(x, name):
        return F.layer_norm(x, (c.width,), parameters[f"{name}.weight"], parameters[f"{name}.bias"],
                            EPS)

    first = cache[0][0].shape[2] if cache else 0
    x = (parameters["wte.weight"][tokens]
         + parameters["wpe.weight"][first:first + tokens.shape[1]])
    after = []
    for i in range(c.layers):
        q, k, v = linear(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn").unflatten(
            -1, (3, c.heads, c.depth)).permute(2, 0, 3, 1, 4)
        if cache:
            k, v = (torch.cat(pair, 2) for pair in zip(cache[i], (k, v)))
        after.append((k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=not cache)
        x = x + linear(mixed.transpose(1, 2).flatten(2), f"h.{i}.attn.c_proj")
        h = F.gelu(linear(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"), approximate="tanh")
        x = x + linear(h, f"h.{i}.mlp.c_proj")
    if cache is not None:
        cache[:] = after
    return norm(x, "ln_f") @ parameters["wte.weight"].T


# Commands


def write(folder, config, name="gpt2"):
    from safetensors.numpy import save_file
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.mlir").write_text(Model(config).text())
    save_file(random_parameters(config), folder / f"{name}.safetensors")


def compare(folder, config, length, steps, threads):
    """Prefill and decode against PyTorch; the largest differences and the times."""
    import torch
    from safetensors.numpy import load_file

    from linnet import testing

    weights = folder / "gpt2.safetensors"
    start = time.perf_counter()
    path = testing.compile_text((folder / "gpt2.mlir").read_text(), weights=weights)
    print(f"compile {time.perf_counter() - start:.1f} s (0: it was cached)")
    session = testing.open_bundle(path, threads).session(C=length + steps)
    tokens = np.random.default_rng(1).integers(0, config.vocab, (1, length + steps))

    torch.set_num_threads(threads)
    parameters = {n: torch.from_numpy(p) for n, p in load_file(weights).items()}
    with torch.no_grad():
        expected = torch_logits(config, parameters, torch.from_numpy(tokens)).numpy()
    logits, = session.call("prefill", tokens[:, :length])
    worst = np.abs(logits - expected[:, :length]).max()
    decode = []
    for i in range(length, length + steps):
        start = time.perf_counter()
        row, = session.call("decode", tokens[:, i:i + 1])
        decode.append(time.perf_counter() - start)
        worst = max(worst, np.abs(row - expected[:, i:i + 1]).max())
    session.reset_state()
    start = time.perf_counter()
    session.call("prefill", tokens[:, :length])
    print(f"largest difference of a logit from PyTorch {worst:.2e} (logits up to "
          f"{np.abs(expected).max():.2f})")
    print(f"prefill of {length} tokens {time.perf_counter() - start:.3f} s, "
          f"decode {np.median(decode) * 1e3:.2f} ms a token")
    return worst


def main():
    parser = ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("write", "compare"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tiny", action="store_true", help="two layers of width 48")
    parser.add_argument("--length", type=int)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    config = TINY if a.tiny else SMALL
    if a.command == "write":
        write(a.folder, config)
        return
    worst = compare(a.folder, config, a.length or config.positions // 2, a.steps, a.threads)
    raise SystemExit(0 if worst <= 1e-4 else 1)


if __name__ == "__main__":
    main()
