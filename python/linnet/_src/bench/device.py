# ===- device.py - linnet-bench on a GPU -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Times Linnet's kernels on a GPU beside PyTorch's, and both beside what PyTorch's copies and products reach there.

Linnet's time of a call is the sum of its dispatches' times, which the runtime takes by events of the device; PyTorch's is
taken by CUDA events. Inputs are random, each program takes its turn after the other, and before every turn a buffer
larger than the second-level cache is written. A program's time is the median of its turns."""
import dataclasses
import json
import re
import statistics
import subprocess

import numpy as np

from linnet._src import testing

TURNS, WARM = 20, 3
FLUSH_BYTES = 256 << 20
COPY_BYTES = 1 << 30
CEILING_SIZE = 8192  # of the products that are taken for the device's peak
GAP = {"f32": 1e-5, "bf16": 2e-2}  # of outputs, relative to their largest element


class NoDevice(Exception):
    """There is none, with what is missing."""


@dataclasses.dataclass(frozen=True)
class Work:
    """`peer` computes the same in PyTorch. Without `flops` the copy is the ceiling, else products of `dtype`."""
    name: str
    text: str
    shapes: tuple
    dtype: str
    peer: callable
    bytes: int
    flops: float = 0
    flags: tuple = ()


def einsum(size, dtype, flags=(), suffix=""):
    t = f"tensor<{size}x{size}x{dtype}>"
    text = (f"func.func @main(%a: {t}, %b: {t}) -> {t} {{\n"
            f'  %y = linnet.einsum "mk,kn->mn" %a, %b : {t}, {t} -> {t}\n  return %y : {t}\n}}\n')
    return Work(f"matmul {size} {dtype}{suffix}", text, ((size, size),) * 2, dtype, lambda torch, a, b: a @ b,
                3 * size * size * testing.DTYPES[dtype].itemsize, 2.0 * size ** 3, flags)


def attention(batch, heads, length, depth, dtype):
    shape = (batch, heads, length, depth)
    t = testing.tensor_type(shape, dtype)
    text = (f"func.func @main(%q: {t}, %k: {t}, %v: {t}) -> {t} {{\n"
            f"  %y = linnet.attention %q, %k, %v masks<[causal]> : {t}, {t}, {t} -> {t}\n  return %y : {t}\n}}\n")
    peer = lambda torch, q, k, v: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return Work(f"causal attention {'x'.join(map(str, shape))} {dtype}", text, (shape,) * 3, dtype, peer,
                4 * int(np.prod(shape)) * testing.DTYPES[dtype].itemsize, 2.0 * batch * heads * length ** 2 * depth)


def rows(name, body, peer, shape, dtype):
    t = testing.tensor_type(shape, dtype)
    text = f"func.func @main(%x: {t}) -> {t} {{\n  %y = {body} : {t}\n  return %y : {t}\n}}\n"
    return Work(f"{name} {'x'.join(map(str, shape))} {dtype}", text, (shape,), dtype, peer,
                2 * int(np.prod(shape)) * testing.DTYPES[dtype].itemsize)


def workloads(kind):
    """Tensor cores are asked for beside the plain form."""
    cores = [einsum(4096, "bf16", ("--tensor-cores",), ", tensor cores")] if kind == "cuda" else []
    return [einsum(4096, "f32"), einsum(4096, "bf16"), *cores,
            attention(4, 16, 2048, 64, "f32"), attention(4, 16, 2048, 64, "bf16"),
            rows("tanh", "math.tanh %x", lambda torch, x: torch.tanh(x), (8192, 8192), "f32"),
            rows("softmax", "linnet.softmax %x axis 1", lambda torch, x: torch.softmax(x, 1), (16384, 2048), "f32"),
            rows("rms norm", "linnet.rms_norm %x eps 1.0e-6",
                 lambda torch, x: torch.nn.functional.rms_norm(x, x.shape[-1:], eps=1e-6), (16384, 2048), "f32"),
            rows("layer norm", "linnet.layer_norm %x eps 1.0e-6",
                 lambda torch, x: torch.nn.functional.layer_norm(x, x.shape[-1:], eps=1e-6), (16384, 4096), "f32")]


class CUDA:
    """PyTorch on the GPU: the peer, the ceilings and what clears the cache."""

    def __init__(self, number):
        import torch
        if not torch.cuda.is_available():
            raise NoDevice("PyTorch finds no CUDA device")
        self.torch, self.device = torch, torch.device("cuda", number - 1)
        torch.backends.cuda.matmul.allow_tf32 = False  # f32 means f32
        self.buffer = torch.empty(FLUSH_BYTES, dtype=torch.int8, device=self.device)

    def flush(self):
        self.buffer.fill_(1)
        self.torch.cuda.synchronize(self.device)

    def time(self, call):
        """Seconds of one call."""
        events = [self.torch.cuda.Event(enable_timing=True) for _ in range(2)]
        events[0].record()
        call()
        events[1].record()
        events[1].synchronize()
        return events[0].elapsed_time(events[1]) * 1e-3

    def tensor(self, array):
        found = self.torch.from_numpy(array.astype(np.float32)).to(self.device)
        return found.to(self.torch.bfloat16) if array.dtype != np.float32 else found

    def best(self, call):
        times = []
        for _ in range(WARM + TURNS):
            self.flush()
            times.append(self.time(call))
        return min(times[WARM:])

    def ceilings(self):
        """Bytes per second of a copy, FLOPs per second of products by type."""
        a = self.torch.empty(COPY_BYTES, dtype=self.torch.int8, device=self.device).fill_(1)
        b = self.torch.empty_like(a)
        found = {"copy": 2 * COPY_BYTES / self.best(lambda: b.copy_(a))}
        for name, dtype in (("f32", self.torch.float32), ("bf16", self.torch.bfloat16)):
            x = self.torch.randn(CEILING_SIZE, CEILING_SIZE, device=self.device).to(dtype)
            found[name] = 2.0 * CEILING_SIZE ** 3 / self.best(lambda: x @ x)
        return found


def find(device):
    """What the device is called. NoDevice where the runtime has none."""
    kind, _, number = device.partition(":")
    out = subprocess.run([testing.build_folder() / "bin" / "linnet-run", "--list-devices"], capture_output=True,
                         text=True).stdout
    found = re.search(rf"^{kind}:{number or 1} +(.*)$", out, re.M)
    if not found:
        raise NoDevice("; ".join(re.findall(rf"^{kind}: (.*)$", out, re.M)) or f"{kind} is no kind of device")
    return found[1]


def measure(work, peer, device):
    """Median seconds of Linnet and of the peer, and how far their outputs are apart."""
    rng = np.random.default_rng(1)
    arrays = [testing.random(rng, shape, work.dtype) for shape in work.shapes]
    session = testing.load(work.text, *work.flags, device=device).session()
    tensors = [peer.tensor(array) for array in arrays]
    run = lambda: work.peer(peer.torch, *tensors)
    got, want = session.call("main", *arrays)[0], run().float().cpu().numpy()
    gap = float(np.abs(got.astype(np.float32) - want).max() / np.abs(want).max())
    times = {"linnet": [], "peer": []}
    for _ in range(WARM + TURNS):
        peer.flush()
        times["linnet"].append(1e-9 * sum(e["duration"] for e in session.trace("main", *arrays)))
        peer.flush()
        times["peer"].append(peer.time(run))
    return *(statistics.median(t[WARM:]) for t in times.values()), gap


def record(work, peer, device, ceilings):
    ours, theirs, gap = measure(work, peer, device)
    rate = lambda seconds: (work.flops / ceilings[work.dtype] if work.flops else work.bytes / ceilings["copy"]) / seconds
    return {"name": work.name, "linnet_seconds": ours, "pytorch_seconds": theirs, "linnet_fraction": rate(ours),
            "pytorch_fraction": rate(theirs), "ceiling": f"matmul {work.dtype}" if work.flops else "copy", "gap": gap,
            "note": "" if gap <= GAP[work.dtype] else "outputs differ"}


def line(found):
    return (f"{found['name']:44} {found['linnet_seconds'] * 1e3:9.3f} ms  {100 * found['linnet_fraction']:5.1f}% of "
            f"{found['ceiling']}; PyTorch {found['pytorch_seconds'] * 1e3:9.3f} ms {100 * found['pytorch_fraction']:5.1f}%; "
            f"outputs within {found['gap']:.1e} {found['note']}").rstrip()


def chosen(kind, only):
    starts = tuple(s for s in only.split(",") if s)
    found = [work for work in workloads(kind) if not starts or work.name.startswith(starts)]
    if not found:
        raise NoDevice(f"no workload's name starts with {' or '.join(starts)}; there are "
                       + ", ".join(work.name for work in workloads(kind)))
    return found


def run(device, only="", as_json=False, list_only=False):
    """Number of failures."""
    from linnet import runtime
    kind, _, number = device.partition(":")
    if kind != "cuda" or not (number or "1").isdigit():
        raise NoDevice("expected cuda or cuda:N")
    works = chosen(kind, only)
    if list_only:
        print("\n".join(work.name for work in works))
        return 0
    name, peer = find(device), CUDA(int(number or 1))
    ceilings, failed = peer.ceilings(), 0
    print(f"{name}: copies {ceilings['copy'] / 1e9:.0f} GB/s, products f32 {ceilings['f32'] / 1e12:.1f} and bf16 "
          f"{ceilings['bf16'] / 1e12:.1f} TFLOP/s", flush=True)
    for work in works:
        try:
            found = record(work, peer, device, ceilings)
        except (testing.CompileError, runtime.Error) as error:
            print(f"linnet-bench: {work.name}: {str(error).strip()}", flush=True)
            failed += 1
            continue
        print(json.dumps(found) if as_json else line(found), flush=True)
        failed += bool(found["note"])
    return failed
