# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Convolution kernels against PyTorch in float64, on every CPU level that runs here."""

import dataclasses

import numpy as np
import pytest
import torch

from linnet._src import kernels

LEVELS = kernels.LEVELS


def tensor(shape, element, dynamic=()):
    dims = ["?" if i in dynamic else str(s) for i, s in enumerate(shape)]
    return f"tensor<{''.join(d + 'x' for d in dims)}{element}>"


@dataclasses.dataclass
class Conv:
    x: tuple
    w: tuple
    stride: tuple = ()
    dilation: tuple = ()
    pad: tuple = ()  # low, high per spatial dimension
    groups: int = 1
    bias: bool = False
    dtype: str = "f32"
    dynamic: bool = False  # batch and space
    epilogue: str = ""

    def __post_init__(self):
        n = len(self.x) - 2
        self.stride = self.stride or (1,) * n
        self.dilation = self.dilation or (1,) * n
        self.pad = self.pad or (0,) * (2 * n)

    @property
    def y(self):
        space = [(s + self.pad[2 * i] + self.pad[2 * i + 1] - d * (k - 1) - 1) // t + 1
                 for i, (s, k, t, d) in enumerate(zip(self.x[2:], self.w[2:], self.stride, self.dilation))]
        return (self.x[0], self.w[0], *space)

    def text(self):
        rank = len(self.x)
        dyn = [0, *range(2, rank)] if self.dynamic else []
        tx, ty = tensor(self.x, self.dtype, dyn), tensor(self.y, self.dtype, dyn)
        tw, tb = tensor(self.w, self.dtype), tensor(self.w[:1], self.dtype)
        bias = f", %bias: {tb}" if self.bias else ""
        lists = " ".join(f"{name} [{', '.join(map(str, v))}]" for name, v in
                         (("strides", self.stride), ("dilations", self.dilation), ("padding", self.pad)))
        return f"""
exec.kernel @k(%x: {tx}, %w: {tw}{bias}) -> {ty} {{
  %c = linnet.conv %x, %w {"bias %bias" if self.bias else ""} groups {self.groups} {lists}
      : {tx}, {tw}{", " + tb if self.bias else ""} -> {ty}
  {self.epilogue.replace("TY", ty)}
  exec.yield {"%y" if self.epilogue else "%c"} : {ty}
}}
"""

    def arguments(self, seed=0):
        rng = np.random.default_rng(seed)
        shapes = [self.x, self.w] + ([self.w[:1]] if self.bias else [])
        return [rng.standard_normal(s).astype(kernels.DTYPES[self.dtype]) for s in shapes]

    def reference(self, x, w, b=None):
        n = len(self.x) - 2
        wide = [torch.from_numpy(v.astype(np.float64)) for v in (x, w)]
        pads = [p for i in reversed(range(n)) for p in self.pad[2 * i:2 * i + 2]]
        x64 = torch.nn.functional.pad(wide[0], pads)
        f = [torch.conv1d, torch.conv2d, torch.conv3d][n - 1]
        rest = dict(stride=self.stride, dilation=self.dilation, groups=self.groups)
        y = f(x64, wide[1], **rest).numpy()
        size = f(abs(x64), abs(wide[1]), **rest).numpy()
        if b is not None:
            b64 = b.astype(np.float64).reshape(-1, *[1] * n)
            y, size = y + b64, size + abs(b64)
        return y, size


def check(problem, cpu, kernel=None, finish=lambda y: y):
    kernel = kernel or kernels.compile(problem.text(), cpu=cpu)["k"]
    args = problem.arguments()
    y = problem.y
    sizes = [y[0], *y[2:]] if problem.dynamic else []
    one = kernel(*args, sizes=sizes)
    three = kernel(*args, sizes=sizes, threads=3)
    assert one.tobytes() == three.tobytes(), "the split into ranges shows in the result"
    if 0 in y:
        assert one.shape == y
        return kernel
    exact, size = problem.reference(*args)
    depth = int(np.prod(problem.w[1:])) + 3
    unit = {"f32": 0, "f64": 0, "f16": 2.0**-11, "bf16": 2.0**-8}[problem.dtype]
    bound = (2.0**-53 if problem.dtype == "f64" else 2.0**-24) * depth * size + unit * abs(exact)
    error = abs(one.astype(np.float64) - finish(exact))
    assert (error <= 1.1 * bound + 1e-30).all(), f"{error.max()} above {bound.max()}"
    return kernel


CASES = {
    "3x3": Conv((2, 5, 9, 11), (7, 5, 3, 3), pad=(1, 1, 1, 1)),
    "valid": Conv((1, 3, 8, 8), (4, 3, 3, 2)),
    "asymmetric padding": Conv((1, 3, 7, 6), (8, 3, 3, 3), pad=(0, 2, 3, 1), bias=True),
    "stride 2": Conv((1, 4, 13, 17), (6, 4, 3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    "stride 3 2": Conv((1, 4, 13, 18), (6, 4, 2, 5), stride=(3, 2), pad=(0, 0, 2, 2)),
    "stride above the filter": Conv((2, 8, 9, 9), (12, 8, 1, 1), stride=(2, 2)),
    "dilation": Conv((1, 3, 14, 15), (5, 3, 3, 3), dilation=(2, 3), pad=(2, 2, 3, 3)),
    "stride and dilation": Conv((1, 3, 20, 21), (5, 3, 3, 3), stride=(2, 3), dilation=(3, 2)),
    "1x1": Conv((2, 20, 7, 7), (33, 20, 1, 1), bias=True),
    "7x7 stem": Conv((1, 3, 32, 30), (13, 3, 7, 7), stride=(2, 2), pad=(3, 3, 3, 3)),
    "wide filter": Conv((1, 2, 3, 40), (3, 2, 1, 19)),
    "patches": Conv((1, 3, 32, 32), (24, 3, 16, 16), stride=(16, 16), bias=True),
    "groups": Conv((2, 6, 9, 9), (8, 3, 3, 3), pad=(1, 1, 1, 1), groups=2, bias=True),
    "depthwise": Conv((2, 9, 10, 13), (9, 1, 3, 3), pad=(1, 1, 1, 1), groups=9),
    "depthwise times 2": Conv((1, 5, 10, 13), (10, 1, 3, 3), stride=(2, 2), groups=5),
    "1d": Conv((3, 4, 70), (6, 4, 5), stride=(2,), pad=(4, 0), bias=True),
    "1d long": Conv((1, 2, 1000), (2, 1, 4), groups=2, pad=(3, 0)),
    "3d": Conv((1, 2, 5, 6, 7), (3, 2, 3, 2, 3), pad=(1, 1, 0, 1, 1, 1), stride=(2, 1, 1)),
    "many channels": Conv((1, 300, 5, 70), (8, 300, 3, 3), pad=(1, 1, 1, 1)),
    "one row filter larger than the image": Conv((1, 2, 1, 5), (3, 2, 3, 3), pad=(1, 1, 1, 1)),
    "no batch": Conv((0, 3, 8, 8), (4, 3, 3, 3)),
}


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_static(cpu, name):
    check(CASES[name], cpu)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("dtype", ["bf16", "f16", "f64"])
@pytest.mark.parametrize("name", ["3x3", "stride 2", "depthwise", "asymmetric padding"])
def test_types(cpu, dtype, name):
    check(dataclasses.replace(CASES[name], dtype=dtype), cpu)


@pytest.mark.parametrize("cpu", LEVELS)
def test_one_kernel_for_all_sizes(cpu):
    kernel = None
    for b, h, w in [(1, 8, 8), (2, 1, 1), (1, 57, 33), (3, 7, 7), (0, 5, 5), (1, 4, 130)]:
        p = Conv((b, 5, h, w), (7, 5, 3, 3), stride=(2, 1), pad=(1, 1, 1, 1), bias=True, dynamic=True)
        kernel = check(p, cpu, kernel)


RELU = """%zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : TY
  %y = linalg.generic {indexing_maps = [affine_map<(b, f, h, w) -> (b, f, h, w)>,
      affine_map<(b, f, h, w) -> (b, f, h, w)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%c : TY) outs(%empty : TY) {
  ^bb0(%v: f32, %o: f32):
    %1 = arith.maximumf %v, %zero : f32
    linalg.yield %1 : f32
  } -> TY"""


@pytest.mark.parametrize("cpu", LEVELS)
def test_epilogue(cpu):
    check(dataclasses.replace(CASES["groups"], epilogue=RELU), cpu, finish=lambda y: np.maximum(y, 0))


#===----------------------------------------------------------------------===#
# linalg
#===----------------------------------------------------------------------===#


def linalg_kernel(op, x, w, y, attrs, pad=None, cpu=LEVELS[-1]):
    tx, tw, ty = (tensor(s, "f32") for s in (x, w, y))
    padded, source = "", "%x"
    if pad:
        low, high = ([p[i] for p in pad] for i in (0, 1))
        shape = [s + a + b for s, a, b in zip(x, low, high)]
        tp = tensor(shape, "f32")
        padded = f"""%p = tensor.pad %x low{low} high{high} {{
  ^bb0({', '.join(f'%d{i}: index' for i in range(len(x)))}):
    tensor.yield %zero : f32
  }} : {tx} to {tp}"""
        source = "%p"
    return kernels.compile(f"""
exec.kernel @k(%x: {tx}, %w: {tw}) -> {ty} {{
  %zero = arith.constant 0.0 : f32
  {padded}
  %e = tensor.empty() : {ty}
  %z = linalg.fill ins(%zero : f32) outs(%e : {ty}) -> {ty}
  %y = linalg.{op} {attrs} ins({source}, %w : {tp if pad else tx}, {tw}) outs(%z : {ty}) -> {ty}
  exec.yield %y : {ty}
}}""", cpu=cpu)["k"]


STRIDED = "{strides = dense<[2, 1]> : tensor<2xi64>, dilations = dense<[1, 2]> : tensor<2xi64>}"


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("pad", [False, True])
def test_linalg_channels_second(cpu, pad):
    p = Conv((2, 3, 9, 12), (5, 3, 3, 3), stride=(2, 1), dilation=(1, 2), pad=(1, 0, 2, 1) if pad else ())
    kernel = linalg_kernel("conv_2d_nchw_fchw", p.x, p.w, p.y, STRIDED,
                           [(0, 0), (0, 0), (1, 0), (2, 1)] if pad else None, cpu)
    check(p, cpu, kernel)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("channels", [7, 40])
def test_linalg_channels_last(cpu, channels):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 9, 12, 5)).astype(np.float32)
    w = rng.standard_normal((3, 3, 5, channels)).astype(np.float32)
    p = Conv((2, 5, 9, 12), (channels, 5, 3, 3), stride=(2, 1), dilation=(1, 2))
    y = (2, *p.y[2:], channels)
    kernel = linalg_kernel("conv_2d_nhwc_hwcf", x.shape, w.shape, y, STRIDED, cpu=cpu)
    exact, size = p.reference(x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1))
    error = abs(kernel(x, w) - exact.transpose(0, 2, 3, 1))
    assert (error <= 2.0**-24 * 48 * size.transpose(0, 2, 3, 1)).all()
    assert (kernel(x, w) == kernel(x, w, threads=3)).all()


@pytest.mark.parametrize("cpu", LEVELS)
def test_linalg_depthwise_channels_last(cpu):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 9, 12, 21)).astype(np.float32)
    w = rng.standard_normal((3, 3, 21)).astype(np.float32)
    p = Conv((2, 21, 9, 12), (21, 1, 3, 3), stride=(2, 1), dilation=(1, 2), groups=21)
    y = (2, *p.y[2:], 21)
    kernel = linalg_kernel("depthwise_conv_2d_nhwc_hwc", x.shape, w.shape, y, STRIDED, cpu=cpu)
    exact, size = p.reference(x.transpose(0, 3, 1, 2), w.transpose(2, 0, 1)[:, None])
    error = abs(kernel(x, w) - exact.transpose(0, 2, 3, 1))
    assert (error <= 2.0**-24 * 12 * size.transpose(0, 2, 3, 1)).all()


@pytest.mark.parametrize("cpu", LEVELS)
def test_linalg_depthwise_channels_second(cpu):
    p = Conv((2, 6, 9, 12), (6, 1, 3, 3), stride=(2, 1), dilation=(1, 2), groups=6)
    kernel = linalg_kernel("depthwise_conv_2d_nchw_chw", p.x, (6, 3, 3), p.y, STRIDED, cpu=cpu)
    x, w = p.arguments()
    exact, size = p.reference(x, w)
    assert (abs(kernel(x, w[:, 0]) - exact) <= 2.0**-24 * 12 * size).all()
