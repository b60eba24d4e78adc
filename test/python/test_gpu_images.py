# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""GPU kernels of poolings, resizings and gradients of filters between canaries, with NaN behind their operands. What
they compute is the affair of test_ops_vision.py and test_ops_conv_grad.py."""

import numpy as np
import pytest

from linnet._src import kernels
from test_gpu_kernels import some, vulkan  # noqa: F401

pytestmark = pytest.mark.cpu  # chooses its device

LARGE, SMALL = (2, 3, 37, 29), (2, 3, 19, 15)
NEAR = "kernel [3, 3] strides [2, 2] padding [1, 1, 1, 1]"
LONG, SHORT = (2, 2, 4690, 2), (2, 2, 13, 2)
FAR = "kernel [40, 1] dilations [120, 1] padding [3, 0, 0, 0]"


# op, its attributes, shapes of operands and result
CASES = {
    "max": ("max_pool", NEAR, [LARGE], SMALL),
    "max_grad": ("max_pool_grad", NEAR, [SMALL, LARGE], LARGE),
    "avg": ("avg_pool", NEAR, [LARGE], SMALL),
    "avg_grad": ("avg_pool_grad", NEAR, [SMALL], LARGE),
    "far": ("max_pool", FAR, [LONG], SHORT),
    "far_grad": ("max_pool_grad", FAR, [SHORT, LONG], LONG),
    "resize": ("resize linear half_pixel", "", [SMALL], LARGE),
    "resize_grad": ("resize_grad linear half_pixel", "", [LARGE], SMALL),
    "filter": ("conv_filter_grad", "padding [1, 1, 1, 1]", [LARGE, (2, 5, 37, 29)], (5, 3, 3, 3)),
}


def kernel(name, dtype):
    op, attributes, operands, result = CASES[name]
    types = [f"tensor<{'x'.join(map(str, s))}x{dtype}>" for s in (*operands, result)]
    names = [f"%a{i}" for i in range(len(operands))]
    # the gradient of a maximum has its operand's type
    to = "" if name in ("max_grad", "far_grad") else f" -> {types[-1]}"
    return (f"exec.kernel @{name}({', '.join(f'{n}: {t}' for n, t in zip(names, types))}) -> {types[-1]} {{\n"
            f"  %y = linnet.{op} {', '.join(names)} {attributes} : {', '.join(types[:-1])}{to}\n"
            f"  exec.yield %y : {types[-1]}\n}}\n")


@pytest.mark.parametrize("dtype", some("f16", "f32", "bf16"))
def test_images(vulkan, dtype):  # noqa: F811
    compiled = kernels.compile("".join(kernel(name, dtype) for name in CASES))
    rng = np.random.default_rng(1)
    for name, (_, _, operands, _) in CASES.items():
        given = [rng.standard_normal(s).astype(kernels.DTYPES[dtype]) for s in operands]
        assert np.isfinite(compiled[name](*given).astype(np.float64)).all(), name
