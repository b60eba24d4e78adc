# ===- test_ops_optimizer.py - optimizers, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Every step starts from PyTorch's parameters and states of the step before."""

import numpy as np
import pytest
import torch

from linnet import testing as lt
from linnet._src.reference import optimizer as ref

SHAPES = [(5, 7), (1,), (33,), (0, 3), ()]
# op: states, PyTorch's optimizer with its arguments and the names of its states, flags
CASES = {
    "sgd": ("sgd", [], torch.optim.SGD, dict(lr=0.1, weight_decay=0.01), [], "weight_decay(0.01)"),
    "momentum": ("sgd", ["momenta"], torch.optim.SGD, dict(lr=0.1, momentum=0.9, dampening=0.5),
                 ["momentum_buffer"], "momentum(0.9) dampening(0.5)"),
    "nesterov": ("sgd", ["momenta"], torch.optim.SGD,
                 dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1), ["momentum_buffer"],
                 "momentum(0.9) weight_decay(0.1) nesterov"),
    "adam": ("adam", ["means", "variances"], torch.optim.Adam, dict(lr=1e-2, weight_decay=0.1),
             ["exp_avg", "exp_avg_sq"], "weight_decay(0.1)"),
    "adamw": ("adamw", ["means", "variances"], torch.optim.AdamW,
              dict(lr=1e-2, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
              ["exp_avg", "exp_avg_sq"], "beta1(0.8) beta2(0.95) eps(1.0e-6) weight_decay(0.1)"),
    "rmsprop": ("rmsprop", ["variances"], torch.optim.RMSprop, dict(lr=1e-2), ["square_avg"], ""),
    "rmsprop_momentum": ("rmsprop", ["variances", "momenta"], torch.optim.RMSprop,
                         dict(lr=1e-2, momentum=0.9, weight_decay=0.1),
                         ["square_avg", "momentum_buffer"], "momentum(0.9) weight_decay(0.1)"),
    "adagrad": ("adagrad", ["sums"], torch.optim.Adagrad, dict(lr=1e-1, lr_decay=0.01), ["sum"],
                "lr_decay(0.01)"),
}
NEEDS_STEP = {"momentum", "nesterov", "adam", "adamw", "adagrad"}


def program(op, states, flags, shapes, step, dtype="f32", masters=False):
    """A function of parameters, gradients, states, masters, the rate and the step."""
    param = [lt.tensor_type(s, dtype) for s in shapes]
    full = [lt.tensor_type(s, "f32") for s in shapes]
    lists = [("params", "p", param), ("grads", "g", param)]
    lists += [(s, f"s{i}", full) for i, s in enumerate(states)]
    if masters:
        lists.append(("masters", "w", full))
    args, text = [], []
    for keyword, letter, types in lists:
        names = [f"%{letter}_{i}" for i in range(len(types))]
        args += [f"{n}: {t}" for n, t in zip(names, types)]
        text.append(f"{keyword}({', '.join(names)} : {', '.join(types)})")
    args += ["%lr: tensor<f32>"] + ["%t: tensor<i64>"] * step
    out = param + full * len(states) + full * masters
    result = ", ".join(out)
    return f"""func.func @main({', '.join(args)}) -> ({result}) {{
  %r:{len(out)} = linnet.{op} {' '.join(text)} lr(%lr) {'step(%t)' * step} {flags} -> {result}
  return {', '.join(f'%r#{i}' for i in range(len(out)))} : {result}
}}"""


def relative(actual, expected, *terms):
    """The largest error over the largest element of the tensor and of what it was summed from:
    an element where these cancel has their rounding."""
    if not expected.size:
        return 0.0
    scale = max(float(np.abs(lt.wide(x)).max()) for x in (expected, *terms))
    return float(np.abs(lt.wide(actual) - lt.wide(expected)).max()) / max(scale, 1e-30)


def snapshot(optimizer, params, names):
    zeros = {n: [torch.zeros_like(p) for p in params] for n in names}
    return [[optimizer.state[p].get(n, z).clone().numpy() if optimizer.state[p].get(n) is not None
             else z.numpy() for p, z in zip(params, zeros[n])] for n in names]


@pytest.mark.parametrize("name", CASES)
def test_against_pytorch(name, steps=1000):
    op, states, kind, arguments, torch_states, flags = CASES[name]
    step = name in NEEDS_STEP
    model = lt.load(program(op, states, flags, SHAPES, step))
    session = model.session()
    rng = np.random.default_rng(0)
    params = [torch.nn.Parameter(torch.from_numpy(rng.standard_normal(s).astype(np.float32)))
              for s in SHAPES]
    optimizer = kind(params, foreach=True, **arguments)
    worst = 0.0
    for t in range(1, steps + 1):
        grads = [rng.standard_normal(s).astype(np.float32) for s in SHAPES]
        before = [p.detach().clone().numpy() for p in params]
        kept = snapshot(optimizer, params, torch_states)
        for p, g in zip(params, grads):
            p.grad = torch.from_numpy(g)
        optimizer.step()
        inputs = before + grads + sum(kept, []) + [np.float32(arguments["lr"])]
        found = session.call("main", *inputs, *([np.int64(t)] if step else []))
        after = [p.detach().numpy() for p in params] + sum(
            snapshot(optimizer, params, torch_states), [])
        lists = 1 + len(states)
        worst = max([worst] + [relative(np.asarray(f), e, b, g) for f, e, b, g in zip(
            found, after, before + sum(kept, []), grads * lists)])
    assert worst <= 1e-6, worst


@pytest.mark.parametrize("name", CASES)
def test_references_against_pytorch(name):
    op, states, kind, arguments, torch_states, flags = CASES[name]
    rng = np.random.default_rng(0)
    p = torch.nn.Parameter(torch.from_numpy(rng.standard_normal((4, 3))))
    optimizer = kind([p], foreach=False, **arguments)
    known = {k: v for k, v in arguments.items() if k != "betas"}
    if "betas" in arguments:
        known["beta1"], known["beta2"] = arguments["betas"]
    mine, kept = p.detach().numpy().copy(), [np.zeros((4, 3)) for _ in states]
    for t in range(1, 30):
        g = rng.standard_normal((4, 3))
        p.grad = torch.from_numpy(g)
        optimizer.step()
        mine, *kept = getattr(ref, op)(mine, g, *kept, t=t, **known)
        np.testing.assert_allclose(mine, p.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_lion_against_its_reference():
    session = lt.load(program("lion", ["means"], "weight_decay(0.1)", SHAPES, False)).session()
    rng = np.random.default_rng(0)
    p = [rng.standard_normal(s).astype(np.float32) for s in SHAPES]
    m = [np.zeros(s, np.float32) for s in SHAPES]
    for _ in range(1000):
        g = [rng.standard_normal(s).astype(np.float32) for s in SHAPES]
        expected = [ref.lion(*map(lt.wide, x), lr=float(np.float32(1e-3)), weight_decay=0.1)
                    for x in zip(p, g, m)]
        found = [np.asarray(f) for f in session.call("main", *p, *g, *m, np.float32(1e-3))]
        assert max(relative(f, e, b) for f, (e, _), b in zip(found, expected, p)) <= 1e-6
        assert max(relative(f, e, b) for f, (_, e), b in zip(found[len(p):], expected, m)) <= 1e-6
        p, m = found[:len(p)], found[len(p):]


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_masters_of_narrow_parameters(dtype):
    text = program("adamw", ["means", "variances"], "", [(5, 3)], True, dtype, masters=True)
    session = lt.load(text).session()
    rng = np.random.default_rng(0)
    w = rng.standard_normal((5, 3)).astype(np.float32)
    p, m, v = w.astype(lt.DTYPES[dtype]), np.zeros_like(w), np.zeros_like(w)
    for t in range(1, 50):
        g = lt.random(rng, (5, 3), dtype)
        expected = ref.adamw(*map(lt.wide, (w, g, m, v)), lr=float(np.float32(1e-3)), t=t)
        p, m, v, w = (np.asarray(x) for x in session.call("main", p, g, m, v, w, np.float32(1e-3),
                                                          np.int64(t)))
        assert max(relative(f, e, g) for f, e in zip((w, m, v), expected)) <= 1e-6
        np.testing.assert_array_equal(p, w.astype(lt.DTYPES[dtype]))


def test_robbins_monro():
    text = """func.func @main(%t: tensor<i64>) -> tensor<f32> {
  %y = linnet.robbins_monro %t base(0.1) offset(100.0) power(0.75)
  return %y : tensor<f32>
}"""
    session = lt.load(text).session()
    for t in [0, 1, 99, 12345, 10 ** 9]:
        y, = session.call("main", np.int64(t))
        lt.assert_close(np.asarray(y), ref.robbins_monro(t, base=0.1, offset=100.0, power=0.75), 1)


@pytest.mark.parametrize("max_norm", [0.5, 1e3])
def test_clip_by_global_norm(max_norm):
    shapes = [(5, 7), (3,), (0, 2), (300, 41)]
    types = ", ".join(lt.tensor_type(s, "f32") for s in shapes)
    args = ", ".join(f"%g{i}: {lt.tensor_type(s, 'f32')}" for i, s in enumerate(shapes))
    names = ", ".join(f"%g{i}" for i in range(len(shapes)))
    text = f"""func.func @main({args}, %m: tensor<f32>) -> ({types}, tensor<f32>) {{
  %c:{len(shapes)}, %n = linnet.clip_by_global_norm {names} max_norm(%m) : {types} -> {types}
  return {', '.join(f'%c#{i}' for i in range(len(shapes)))}, %n : {types}, tensor<f32>
}}"""
    grads = [lt.random(np.random.default_rng(i), s, "f32") for i, s in enumerate(shapes)]
    *found, norm = lt.run(text, *grads, np.float32(max_norm))
    expected, total = ref.clip_by_global_norm([lt.wide(g) for g in grads], max_norm)
    for f, e in zip(found, expected):
        assert relative(np.asarray(f), e) <= 1e-6
    assert relative(np.asarray(norm), np.asarray(total)) <= 1e-6
    tensors = [torch.nn.Parameter(torch.zeros(s)) for s in shapes]
    for p, g in zip(tensors, grads):
        p.grad = torch.from_numpy(g.copy())
    assert abs(torch.nn.utils.clip_grad_norm_(tensors, max_norm).item() - total) <= 1e-5 * total
    for p, f in zip(tensors, found):
        assert relative(np.asarray(f), p.grad.numpy()) <= 2e-6
