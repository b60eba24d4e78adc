# ===- test_gradients_attention.py - derivatives of the attention family -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""In 16-bit types, against PyTorch's autograd; in f32 the family is in the table of
test_gradients_table.py, and the gradient kernel itself in test_kernels_attention_grad.py."""
import numpy as np
import pytest
import torch
from gradient_cases_model import torch_attention

from linnet import gradients as lg
from linnet import reference as ref
from linnet import testing as lt

KEY = 4711
# name: (further operands, attributes, options of the reference)
CASES = {
    "plain": ("", "", {}), "causal": ("", "masks<[causal]>", dict(causal=True)),
    "window": ("", "masks<[causal, window<left = 2>]>", dict(causal=True, window=(2, None))),
    "bias": ("bias(%b : tensor<4x1x7xDTYPE>)", "masks<[causal]>", dict(causal=True)),
    "alibi": ("alibi_slopes(%slopes : tensor<4xf32>)", "masks<[causal]>", dict(causal=True)),
    "softcap": ("", "scale(0.5) softcap(1.5)", dict(scale=0.5, softcap=1.5)),
    "dropout": ("dropout_key(%key : i64) dropout_counter(%key : i64)", "masks<[causal]> dropout(0.3)",
                dict(causal=True, dropout=(0.3, KEY, KEY))),
}
SLOPES = [0.5, 0.25, -0.125, 1.0]
SHAPES = [(2, 4, 5, 8), (2, 2, 7, 8), (2, 2, 7, 6), (4, 1, 7)]


def program(case, dtype):
    operands, attributes, _ = CASES[case]
    q, k, v, b = (lt.tensor_type(s, dtype) for s in SHAPES)
    operands = operands.replace("DTYPE", dtype)
    o = lt.tensor_type((2, 4, 5, 6), dtype)
    arguments = [f"%q: {q}", f"%k: {k}", f"%v: {v}"]
    arguments += [f"%b: {b}"] * ("%b" in operands) + ["%key: i64"] * ("%key" in operands)
    slopes = ", ".join(map(str, SLOPES))
    return f"""func.func @main({', '.join(arguments)}) -> {o} {{
  %slopes = arith.constant dense<[{slopes}]> : tensor<4xf32>
  %o = linnet.attention %q, %k, %v {operands} {attributes} : {q}, {k}, {v} -> {o}
  return %o : {o}
}}"""


def draw(case, dtype):
    rng = np.random.default_rng(3)
    operands = CASES[case][0]
    inputs = [lt.random(rng, s, dtype) for s in SHAPES[:3]]
    inputs += [lt.random(rng, SHAPES[3], dtype)] * ("%b" in operands)
    return inputs + [np.int64(KEY)] * ("%key" in operands)


def torch_oracle(case):
    options = dict(CASES[case][2])

    def call(q, k, v, *rest):
        biased = {"bias": rest[0]} if "%b" in CASES[case][0] else {}
        if "%slopes" in CASES[case][0]:  # the last query is at the last key
            distance = torch.arange(7)[None] - (2 + torch.arange(5))[:, None]
            biased = {"bias": torch.tensor(SLOPES)[:, None, None].to(q.dtype) * distance}
        o, _ = torch_attention(q, k, v, **biased, **options)
        return o
    return call


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
@pytest.mark.parametrize("case", CASES)
def test_attention_in_16_bits(case, dtype):
    # o is rounded before the backward pass reads it, and gradients of weights are small differences
    lg.check(program(case, dtype), draw(case, dtype), torch=torch_oracle(case))


def test_the_forward_op_keeps_its_bits():
    """It is replaced by one with a log-sum-exp, and the loss does not change."""
    text = program("dropout", "f32")
    inputs = draw("dropout", "f32")
    o, = lt.run(text, *inputs)
    cotangent = np.zeros(o.shape, np.float32)
    cotangent[1, 2, 3, 4] = 1
    loss, *_ = lt.run(lg.module(text), *inputs, cotangent)
    assert np.float32(loss) == np.asarray(o)[1, 2, 3, 4]


@pytest.mark.cpu  # runs nothing
def test_slopes_have_no_gradient():
    q = "tensor<1x2x3x8xf32>"
    text = f"""func.func @main(%q: {q}, %s: tensor<2xf32>) -> {q} {{
  %o = linnet.attention %q, %q, %q alibi_slopes(%s : tensor<2xf32>) : {q}, {q}, {q} -> {q}
  return %o : {q}
}}"""
    with pytest.raises(lt.CompileError, match=r":2:\d+: error:.*has no derivative by its alibi_slopes"):
        lt.compile_text(lg.module(text))


ROTARY = {
    "base": ("base(100.0)", dict(base=100.0)),
    "rotated": ("base(50.0) rotated(4) offset(%p : tensor<i64>)", dict(base=50.0, rotated=4, offset=3)),
    "frequencies": ("frequencies(%f : tensor<2xf32>) positions(%n : tensor<5xi64>)",
                    dict(frequencies=np.float32([1.0, 0.3]), positions=np.arange(5) * 7)),
}


@pytest.mark.parametrize("layout", ["half", "interleaved"])
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
@pytest.mark.parametrize("name", ROTARY)
def test_rotary(name, dtype, layout):
    operands, options = ROTARY[name]
    x = lt.random(np.random.default_rng(1), (2, 3, 5, 8), dtype)
    type = lt.tensor_type(x.shape, dtype)
    given = {"%p": ("tensor<i64>", np.int64(3)), "%f": ("tensor<2xf32>", np.float32([1.0, 0.3])),
             "%n": ("tensor<5xi64>", np.arange(5) * 7)}
    used = {n: v for n, v in given.items() if n in operands}
    arguments = "".join(f", {n}: {t}" for n, (t, _) in used.items())
    text = f"""func.func @main(%x: {type}{arguments}) -> {type} {{
  %y = linnet.rotary %x {operands} layout<{layout}> : {type}
  return %y : {type}
}}"""
    # linear, so central differences are exact
    lg.check(text, [x, *(v for _, v in used.values())], wrt=[0],
             reference=lambda v, *_: ref.rotary(v, layout=layout, **options))


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
@pytest.mark.parametrize("kind", ["elu1", "relu", "relu2", "exp"])
def test_feature_map(kind, dtype):
    x = lt.random(np.random.default_rng(4), (3, 7), dtype)
    x[0, 0] = 0
    type = lt.tensor_type(x.shape, dtype)
    text = lt.function([lt.argument("x", x.shape, dtype)], type, f"%y = linnet.feature_map {kind} %x : {type}")
    call = {"elu1": lambda v: torch.nn.functional.elu(v) + 1, "relu": torch.relu,
            "relu2": lambda v: torch.relu(v) ** 2, "exp": torch.exp}[kind]
    lg.check(text, [x], torch=call)
