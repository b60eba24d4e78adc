#!/usr/bin/env python3
"""Writes docs/generated/gpu-kernels.md: what ptxas says of GPU kernels, and what they move. `--check`: fails where
the page is stale, kernels spill or move too much; with LINNET_FULL=1 of all kernels. Needs the built tools and NumPy;
ptxas by LINNET_PTXAS, on the path or from PyPI's nvidia-cuda-nvcc. Without one, registers are neither written nor
checked."""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

from linnet._src import gpu_traffic  # noqa: E402

PAGE = ROOT / "docs" / "generated" / "gpu-kernels.md"
CHIPS = ("sm_80", "sm_90")
LIMIT = 1.5  # of bytes moved over those that have to be, in the classes below
LIMITED = ("matmul", "attention", "attention gradient", "linear attention", "linear attention gradient", "norm",
           "scan", "scan gradient")
TOGETHER = ("elementwise", "norm", "reduction", "transpose")
ASKEW = 1.6  # of bytes of sectors over those moved, in these; short rows that start anywhere have up to that
# what is above it, as docs/limitations.md says
KNOWN = ()
PAGE_BYTES = 4096  # kernels with less in all, as between the parts of a program, are not judged

HEAD = """# GPU kernels: registers and traffic

Written by `docs/gpu_kernels.py`. Of each kernel that a program comes to on CUDA: threads of a workgroup, workgroups of
the launch, bytes of workgroup memory; on {chips} registers of a thread and bytes of spills, as ptxas says. Traffic is
counted by following the positions of loads and stores of some workgroups ([how](../../python/linnet/_src/gpu_traffic.py)):
`moved` over what the workgroups have to move (at most {limit} in the classes {limited}), and over the
bytes of all operands, which says how often workgroups read the same; `sectors` are the bytes of the 32-byte sectors that
subgroups access, over what they move there (at most {askew} in the classes {together}): accesses with
gaps or askew have more. A workgroup has to move each element of the operands and results that it touches once; what it
keeps in memory for its way back, as the states before every 16 positions in linear attention's gradient, once out and
once in. None of this was measured on a GPU.
"""


def tensor(*dims):
    return f"tensor<{'x'.join(map(str, dims))}>"


def program(arguments, results, body):
    """`body` has the types of %a, %b, ... as {a}, {b}, and of the results as {r0}, {r1}."""
    names = "abcdefgh"[:len(arguments)]
    types = dict(zip(names, arguments)) | {f"r{i}": t for i, t in enumerate(results)}
    given = ", ".join(f"%{n}: {t}" for n, t in zip(names, arguments))
    values = "%y" if len(results) == 1 else ", ".join(f"%y#{i}" for i in range(len(results)))
    return (f"func.func @main({given}) -> ({', '.join(results)}) {{\n  {body.format(**types)}\n"
            f"  return {values} : {', '.join(results)}\n}}\n")


def einsum(equation, a, b, r):
    return program([a, b], [r], f'%y = linnet.einsum "{equation}" %a, %b : {{a}}, {{b}} -> {{r0}}')


def reduction(shape, axes):
    kept = tensor(*(n for d, n in enumerate(shape) if d not in axes), "f32")
    return program([tensor(*shape, "f32")], [kept], f"%y = linnet.reduce sum %a axes {list(axes)} : {{a}} -> {{r0}}")


def transpose(shape, order, element):
    return program([tensor(*shape, element)], [tensor(*(shape[d] for d in order), element)],
                   f"%e = tensor.empty() : {{r0}}\n  %y = linalg.transpose ins(%a : {{a}}) outs(%e : {{r0}}) "
                   f"permutation = {list(order)}")


def embedding(vocabulary, rows, columns, element):
    result = tensor(rows, columns, element)
    return program([tensor(vocabulary, columns, element), tensor(rows, "i64")], [result],
                   "%g = linnet.gather %a, %b axis 0 : {a}, {b} -> {r0}\n"
                   "  %y = linnet.rms_norm %g eps 1.0e-6 : {r0}")


def norm(body, t):
    return program([t], [t], f"%y = {body} : {{a}}")


def attention(q, k, options=""):
    return program([q, k, k], [q], f"%y = linnet.attention %a, %b, %c {options} : {{a}}, {{b}}, {{c}} -> {{r0}}")


def attention_grad(q, k, lse, dq):
    return program([q, k, k, q, lse, q], [dq, k, k], "%y:3 = linnet.attention_grad %a, %b, %c out(%d, %e : {e}) "
                   "grad(%f) masks<[causal]> : {a}, {b}, {c}, {d} -> {r0}, {r1}, {r2}")


def attention_bias_grad(q, lse, dq, bias):
    return program([q, q, q, q, lse, q, bias], [dq, q, q, bias],
                   "%y:4 = linnet.attention_grad %a, %b, %c out(%d, %e : {e}) grad(%f) bias(%g : {g}) "
                   ": {a}, {b}, {c}, {d} -> {r0}, {r1}, {r2}, {r3}")


# what linear attention has beyond queries, keys and values: "channel", "position": a number per channel or per position
SIMPLE = {
    "": (), "decay": (("decay", "position"),), "decay per channel": (("decay", "channel"),), "delta": (("beta", "position"),),
    "decay, delta": (("decay", "position"), ("beta", "position")),
}
UPDATES = SIMPLE | {
    "decay per channel, delta": (("decay", "channel"), ("beta", "position")),
    "erase": (("erase", "channel", "channel"),), "decay, erase": (("decay", "position"), ("erase", "channel", "channel")),
    "decay per channel, erase": (("decay", "channel"), ("erase", "channel", "channel")),
}


def linear(dims, element, update="", grad=False):
    t = tensor(*dims, element)
    kinds = {"channel": t, "position": tensor(*dims[:3], element)}
    arguments, names, parts = [t] * 3, iter("defgh"), ""
    for word, *taken in UPDATES[update]:
        given = [next(names) for _ in taken]
        arguments += [kinds[kind] for kind in taken]
        parts += f" {word}({', '.join('%' + n for n in given)} : {', '.join(f'{{{n}}}' for n in given)})"
    if not grad:
        return program(arguments, [t], f"%y = linnet.linear_attention %a, %b, %c{parts} : {{a}}, {{b}}, {{c}} -> {{r0}}")
    last = "abcdefgh"[len(arguments)]
    results = ", ".join(f"{{r{i}}}" for i in range(len(arguments)))
    return program(arguments + [t], arguments, f"%y:{len(arguments)} = linnet.linear_attention_grad %a, %b, %c{parts} "
                   f"grad(%{last}) : {{a}}, {{b}}, {{c}}, {{{last}}} -> {results}")


def scan(u, a, b, skip):
    return program([u, u, a, b, b, skip, u], [u],
                   "%y = linnet.selective_scan %a, %b, %c, %d, %e skip(%f : {f}) gate(%g : {g}) softplus "
                   ": {a}, {b}, {c}, {d}, {e} -> {r0}")


def scan_grad(u, a, b, skip):
    return program([u, u, a, b, b, u, skip, u], [u, u, a, b, b, skip, u],
                   "%y:7 = linnet.selective_scan_grad %a, %b, %c, %d, %e grad(%f) skip(%g : {g}) gate(%h : {h}) softplus "
                   ": {a}, {b}, {c}, {d}, {e}, {f} -> {r0}, {r1}, {r2}, {r3}, {r4}, {r5}, {r6}")


def causal_conv(x, w):
    return program([x, w], [x], "%y = linnet.causal_conv %a, %b activation<silu> : {a}, {b} -> {r0}")


def causal_conv_grad(x, w):
    return program([x, w, x], [x, w], "%y:2 = linnet.causal_conv_grad %a, %b grad(%c) activation<silu> : {a}, {b}, {c} "
                   "-> {r0}, {r1}")


def conv(x, w, r):
    return program([x, w], [r], "%y = linnet.conv %a, %b padding [1, 1, 1, 1] : {a}, {b} -> {r0}")


def loss(x, t, r):
    return program([x, t], [r], "%y = linnet.cross_entropy mean %a, %b : {a}, {b} -> {r0}")


def on_tensor_cores(text):
    return f"module attributes {{linnet.tensor_cores}} {{\n{text}}}\n"


HEADS = (2, 12, 1024, 64)
# class, what it is, its program
PROGRAMS = [
    ("elementwise", "tanh, f32", norm("math.tanh %a", tensor(4096, 1024, "f32"))),
    ("elementwise", "tanh, rows of 1023, bf16", norm("math.tanh %a", tensor(4096, 1023, "bf16"))),
    ("elementwise", "a bias of 1024 added, f32", program(
        [tensor(4096, 1024, "f32"), tensor(1024, "f32")], [tensor(4096, 1024, "f32")],
        "%z = linnet.broadcast %b dims [1] : {b} -> {a}\n  %y = arith.addf %a, %z : {a}")),
    ("transpose", "2048x1024, f32", transpose((2048, 1024), (1, 0), "f32")),
    ("transpose", "2047x1023, bf16", transpose((2047, 1023), (1, 0), "bf16")),
    ("transpose", "12 heads of 64, f32", transpose((2, 1024, 12, 64), (0, 2, 1, 3), "f32")),
    ("reduction", "rows of 8, f32", reduction((1000000, 8), [1])),
    ("reduction", "columns, f32", reduction((65536, 1024), [0])),
    ("reduction", "of all of 100000000, f32", reduction((100000000,), [0])),
    ("norm", "RMS norm, rows of 768 of a table, bf16", embedding(32000, 4096, 768, "bf16")),
    ("norm", "softmax, rows of 16, f32", norm("linnet.softmax %a axis 1", tensor(20480, 16, "f32"))),
    ("norm", "softmax, rows of 33, f32", norm("linnet.softmax %a axis 1", tensor(20480, 33, "f32"))),
    ("norm", "softmax, rows of 1023, f32", norm("linnet.softmax %a axis 1", tensor(2048, 1023, "f32"))),
    ("norm", "softmax, rows of 1000, f32", norm("linnet.softmax %a axis 1", tensor(2048, 1000, "f32"))),
    ("norm", "RMS norm, rows of 768, bf16", norm("linnet.rms_norm %a eps 1.0e-6", tensor(4096, 768, "bf16"))),
    ("norm", "layer norm, rows of 4096, f32", norm("linnet.layer_norm %a eps 1.0e-6", tensor(2048, 4096, "f32"))),
    ("norm", "layer norm, rows of 8192, f32", norm("linnet.layer_norm %a eps 1.0e-6", tensor(2048, 8192, "f32"))),
    ("matmul", "2048x512x2048, f32", einsum("mk,kn->mn", tensor(2048, 512, "f32"), tensor(512, 2048, "f32"),
                                            tensor(2048, 2048, "f32"))),
    ("matmul", "2048x512x2048, bf16, transposed", einsum("mk,nk->mn", tensor(2048, 512, "bf16"),
                                                         tensor(2048, 512, "bf16"), tensor(2048, 2048, "bf16"))),
    ("matmul", "2048x512x2048, bf16, `--tensor-cores`", on_tensor_cores(einsum(
        "mk,kn->mn", tensor(2048, 512, "bf16"), tensor(512, 2048, "bf16"), tensor(2048, 2048, "bf16")))),
    ("matmul", "1x2048x8192, bf16", einsum("mk,kn->mn", tensor(1, 2048, "bf16"), tensor(2048, 8192, "bf16"),
                                           tensor(1, 8192, "bf16"))),
    ("attention", "causal, 1024 positions, f32", attention(tensor(*HEADS, "f32"), tensor(*HEADS, "f32"),
                                                           "masks<[causal]>")),
    ("attention", "causal, 1024 positions, bf16", attention(tensor(*HEADS, "bf16"), tensor(*HEADS, "bf16"),
                                                            "masks<[causal]>")),
    ("attention", "one query, 12 heads on 2, bf16", attention(tensor(1, 12, 1, 64, "bf16"), tensor(1, 2, 4096, 64, "bf16"))),
    ("attention gradient", "causal, 512 positions, f32", attention_grad(
        tensor(2, 12, 512, 64, "f32"), tensor(2, 12, 512, 64, "f32"), tensor(2, 12, 512, "f32"),
        tensor(2, 12, 512, 64, "f32"))),
    ("attention gradient", "causal, 512 positions of 128, 8 heads on 2, bf16", attention_grad(
        tensor(2, 8, 512, 128, "bf16"), tensor(2, 2, 512, 128, "bf16"), tensor(2, 8, 512, "f32"),
        tensor(2, 8, 512, 128, "f32"))),
    ("attention gradient", "bias, 256 positions of 128, bf16", attention_bias_grad(
        tensor(2, 4, 256, 128, "bf16"), tensor(2, 4, 256, "f32"), tensor(2, 4, 256, 128, "f32"),
        tensor(2, 4, 256, 256, "f32"))),
    ("linear attention", "1024 positions, f32", linear(HEADS, "f32")),
    *(("linear attention", f"128 positions, {update}, bf16", linear((2, 12, 128, 64), "bf16", update))
      for update in SIMPLE if update),
    *(("linear attention", ", ".join(filter(None, ["64 positions of 128", update, "bf16"])),
       linear((2, 12, 64, 128), "bf16", update)) for update in UPDATES),
    *(("linear attention gradient", ", ".join(filter(None, ["64 positions", update, element])),
       linear((2, 12, 64, 64), element, update, grad=True)) for update in UPDATES for element in ("f32", "bf16")),
    *(("linear attention gradient", ", ".join(filter(None, ["64 positions of 128", update, element])),
       linear((2, 12, 64, 128), element, update, grad=True)) for update in UPDATES for element in ("f32", "bf16")),
    ("scan", "1024 positions, 512 channels, f32", scan(tensor(2, 1024, 512, "f32"), tensor(512, 16, "f32"),
                                                       tensor(2, 1024, 16, "f32"), tensor(512, "f32"))),
    ("scan gradient", "512 positions, 512 channels, f32", scan_grad(tensor(2, 512, 512, "f32"), tensor(512, 16, "f32"),
                                                                    tensor(2, 512, 16, "f32"), tensor(512, "f32"))),
    ("scan", "causal convolution of 4, 512 channels, f32", causal_conv(tensor(2, 1024, 512, "f32"), tensor(512, 4, "f32"))),
    ("scan gradient", "causal convolution of 4, 512 channels, f32", causal_conv_grad(tensor(2, 1024, 512, "f32"),
                                                                                     tensor(512, 4, "f32"))),
    ("scan gradient", "causal convolution of 31, 512 channels, f32", causal_conv_grad(tensor(2, 1024, 512, "f32"),
                                                                                      tensor(512, 31, "f32"))),
    ("conv", "3x3, 64 channels, 32x32, f32", conv(tensor(8, 64, 32, 32, "f32"), tensor(64, 64, 3, 3, "f32"),
                                                  tensor(8, 64, 32, 32, "f32"))),
    ("loss", "4096 rows of 1000, f32", loss(tensor(4096, 1000, "f32"), tensor(4096, "i64"), tensor("f32"))),
]


# Each takes two seconds: a check has most of them with LINNET_FULL=1 alone.
OFTEN = {"64 positions, decay per channel, erase, bf16", "64 positions of 128, bf16",
         "64 positions of 128, decay, delta, bf16", "64 positions of 128, decay per channel, erase, bf16"}


def is_seldom(kind, what):
    return kind.startswith("linear attention") and (
        "of 128" in what or "erase" in what or "per channel, delta" in what) and what not in OFTEN


class Missing(Exception):
    """A kernel class has no code for GPUs."""


@dataclasses.dataclass
class Row:
    kind: str
    what: str
    kernel: str
    threads: int
    shared: int
    traffic: gpu_traffic.Traffic
    chips: list  # registers and spills

    def repeats(self):
        return self.traffic.moved / self.traffic.once

    def cells(self):
        counts = [f"{registers}, {spills}" if registers else "" for registers, spills in self.chips]
        return [self.kind, self.what, f"`{self.kernel}`", str(self.threads), str(self.traffic.chunks), str(self.shared),
                *counts, f"{self.repeats():.2f}", f"{self.traffic.moved / self.traffic.operands:.2f}", f"{self.traffic.sectors:.2f}"]


def find_ptxas():
    installed = pathlib.Path(sys.prefix).glob("lib/python*/site-packages/nvidia/*/bin/ptxas")
    found = os.environ.get("LINNET_PTXAS") or shutil.which("ptxas") or next(installed, "")
    if found and not os.access(found, os.X_OK):  # wheels lose the bit
        os.chmod(found, 0o755)
    return str(found)


def tool(name, *arguments, text=None):
    done = subprocess.run([ROOT / "build" / "bin" / name, *arguments], input=text, text=True, capture_output=True,
                          env={**os.environ, "LINNET_PTXAS": find_ptxas()})
    if "no code generator of target" in done.stderr:
        raise Missing
    if done.returncode:
        sys.exit(f"gpu_kernels.py: {name} {' '.join(map(str, arguments))}: {done.stderr}")


def measure(kind, what, text, folder):
    dispatches, out = folder / "dispatches.mlir", folder / "kernels.so"
    tool("linnet-compile", "-", "--target=cuda", "--compile-to=dispatches", "-o", dispatches, text=text)
    said = []
    for chip in CHIPS:
        tool("linnet-kernels", dispatches, "-o", out, "--target=cuda", f"--chip={chip}")
        said.append(json.loads(pathlib.Path(f"{out}.json").read_text()))
    for traffic in gpu_traffic.measure(dispatches):
        first, name = said[0][traffic.name], re.sub(r"_\d+$", "", traffic.name)
        yield Row(kind, what, name, first["threads"], first["shared"], traffic,
                  [(s[traffic.name]["registers"], s[traffic.name]["spills"]) for s in said])


def rows(seldom):
    """Those of all programs, and the programs that have none: without code, or not to be followed."""
    found, missing = [], []
    for kind, what, text in PROGRAMS:
        if is_seldom(kind, what) and not seldom:
            continue
        try:
            with tempfile.TemporaryDirectory() as folder:
                found += measure(kind, what, text, pathlib.Path(folder))
        except Missing:
            missing.append(f"{kind} ({what}; no code for GPUs)")
        except gpu_traffic.Unfollowed as why:
            missing.append(f"{kind} ({what}; {why})")
    return found, missing


def page(found, missing):
    titles = ["class", "program", "kernel", "threads", "workgroups", "memory",
              *(f"{chip}: registers, spills" for chip in CHIPS), "moved / once", "moved / operands", "sectors"]
    lines = [titles, ["---"] * len(titles), *(row.cells() for row in found)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    head = HEAD.format(chips=" and ".join(CHIPS), limit=LIMIT, limited=", ".join(LIMITED), together=", ".join(TOGETHER), askew=ASKEW)
    return head + "\n" + table + "\n" + (f"\nNot counted: {', '.join(missing)}.\n" if missing else "")


def faults(found):
    for row in found:
        for chip, (_, spills) in zip(CHIPS, row.chips):
            if spills:
                yield f"{row.what}: {row.kernel} spills {spills} bytes on {chip}"
        judged = row.kind in LIMITED and row.what not in KNOWN and row.traffic.operands >= PAGE_BYTES
        if judged and row.repeats() > LIMIT:
            yield f"{row.what}: {row.kernel} moves {row.repeats():.2f} times what it has to, expected at most {LIMIT}"
        if row.kind in TOGETHER and row.traffic.sectors > ASKEW:
            yield (f"{row.what}: {row.kernel} accesses {row.traffic.sectors:.2f} times the bytes it moves, expected at most "
                   f"{ASKEW}")


def without_seldom(text):
    left_out = tuple(f"| {kind} | {what} |" for kind, what, _ in PROGRAMS if is_seldom(kind, what))
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(left_out))


def without_registers(text):
    return re.sub(r"(\| \d+, \d+ |\|  ){2}", "", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    if not check and not find_ptxas():
        sys.exit("gpu_kernels.py: there is no ptxas: name it by LINNET_PTXAS or install nvidia-cuda-nvcc")
    seldom = not check or os.environ.get("LINNET_FULL") == "1"
    found, missing = rows(seldom)
    text, problems = page(found, missing), list(faults(found))
    if not check:
        PAGE.write_text(text)
    else:
        same = (lambda t: t) if find_ptxas() else without_registers
        shown = PAGE.read_text() if PAGE.exists() else ""
        if same(shown if seldom else without_seldom(shown)) != same(text):
            problems.append("docs/generated/gpu-kernels.md is stale: run docs/gpu_kernels.py")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
