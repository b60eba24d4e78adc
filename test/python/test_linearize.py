# ===- test_linearize.py - attention under a contract, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""The certificates of linnet-linearize-attention against inputs that try to break them: queries and keys at
the proven limit, found by gradient ascent on the error, run as compiled and compared with softmax in f64."""
import json
import os
import subprocess

import numpy as np
import pytest
from linnet import testing

torch = pytest.importorskip("torch")
FULL = bool(os.environ.get("LINNET_FULL"))
HEADS = 50  # trials of one call
TRIALS = 10000 if FULL else 200


@pytest.fixture(scope="module")
def slow_softmax(tmp_path_factory):
    """A target on which everything pays: the bounds are under test, not the cost model."""
    path = tmp_path_factory.mktemp("cost") / "cost.json"
    path.write_text(json.dumps({
        "flops_per_second": 1e11, "bytes_per_second": 1e11, "attention_flops_per_second": 1.0,
        "seconds_per_score": 1e-10, "linear_flops_per_second": 1e11}))
    return path


def program(shape, keys, scale, causal, contract, extra=""):
    """Attention over queries and keys that the program clips to norm 1."""
    b, h, n, d = shape
    q, k = f"tensor<{b}x{h}x{n}x{d}xf32>", f"tensor<{b}x{h}x{keys}x{d}xf32>"
    lines = []
    for x, t, rows in (("q", q, n), ("k", k, keys)):
        one = f"tensor<{b}x{h}x{rows}x1xf32>"
        lines.append(f"""
  %{x}2 = arith.mulf %{x}, %{x} : {t}
  %{x}s = linnet.reduce sum %{x}2 axes [3] keepdims : {t} -> {one}
  %{x}e = arith.constant dense<1.0> : {one}
  %{x}m = arith.maximumf %{x}s, %{x}e : {one}
  %{x}r = math.rsqrt %{x}m : {one}
  %{x}b = linnet.broadcast %{x}r : {one} -> {t}
  %{x}n = arith.mulf %{x}, %{x}b : {t}""")
    return f"""func.func @main(%q: {q}, %k: {k}, %v: {k}) -> {q} {{{''.join(lines)}
  %o = linnet.attention %qn, %kn, %v {'masks<[causal]>' if causal else ''} scale({scale:.6e})
      {{linnet.contract = #linnet.contract<{contract}>}} : {q}, {k}, {k} -> {q}
  return %o : {q}
}}
{extra}"""


def compiled(text, tmp_path, cost):
    """A session of the bundle, and what the report says of its only attention."""
    (tmp_path / "m.mlir").write_text(text)
    done = subprocess.run(
        [testing.build_folder() / "bin" / "linnet-compile", tmp_path / "m.mlir", "-o",
         tmp_path / "m.lnb", "--cpu=native", "--linearize=contract", f"--cost-model={cost}",
         f"--report={tmp_path / 'm.json'}", *testing.device_flags()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    site, = json.loads((tmp_path / "m.json").read_text())["attention"]
    return testing.open_bundle(tmp_path / "m.lnb").session(), site


def softmax(q, k, v, scale, causal, xp=np):
    s = xp.einsum("bhic,bhjc->bhij", q, k) * scale
    if causal:
        hidden = np.triu(np.ones(s.shape[-2:], bool), 1)
        s = np.where(hidden, -np.inf, s)
    w = np.exp(s - s.max(-1, keepdims=True))
    return np.einsum("bhij,bhjd->bhid", w / w.sum(-1, keepdims=True), v)


def clip(x):
    return x / np.maximum(1, np.linalg.norm(x, axis=-1, keepdims=True))


def polynomial(s, degree, limit):
    """What the compiler puts in the place of exp for |s| <= limit: lib/Transforms/Linearize/Taylor.cpp."""
    points = -limit * np.cos(np.arange(degree + 2) * np.pi / (degree + 1))
    powers = points[:, None] ** np.arange(degree + 1) * np.exp(-points)[:, None]
    signs = np.where(np.arange(degree + 2) % 2, 1.0, -1.0)
    solution = np.linalg.solve(np.column_stack([powers, signs]), np.ones(degree + 2))
    return sum(float(c) * s**r for r, c in enumerate(solution[:-1]))


def ascend(rng, trials, keys, depth, scale, kernel, steps):
    """Queries, keys and values for which `kernel` of the scores is far from softmax: gradient ascent on the
    error of the last query, with norms at the limit and values of +1 or -1."""
    unit = torch.nn.functional.normalize
    q = torch.tensor(rng.standard_normal((trials, 1, depth)), requires_grad=True)
    k = torch.tensor(rng.standard_normal((trials, keys, depth)), requires_grad=True)
    optimizer = torch.optim.Adam([q, k], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        s = (unit(q, dim=-1) @ unit(k, dim=-1).transpose(1, 2))[:, 0] * scale
        exact, made = torch.softmax(s, -1), kernel(s)
        loss = -(exact - made / made.sum(-1, keepdim=True)).abs().sum()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        s = (unit(q, dim=-1) @ unit(k, dim=-1).transpose(1, 2))[:, 0] * scale
        made = kernel(s)
        signs = torch.sign(made / made.sum(-1, keepdim=True) - torch.softmax(s, -1))
    # norms beyond 1 are clipped by the program to exactly the limit
    return (2 * unit(q, dim=-1).detach().numpy(), 2 * unit(k, dim=-1).detach().numpy(),
            signs.numpy()[..., None])


def ratios(session, site, rng, shape, keys, scale, causal, kernel, trials, steps):
    """Errors over the bound of the site, one per trial."""
    _, heads, rows, depth = shape
    found = []
    for _ in range(trials // heads):
        q, k, v = ascend(rng, heads, keys, depth, scale, kernel, steps)
        q = np.repeat(q, rows, 1)[None].astype(np.float32)
        k = k[None].astype(np.float32)
        v = np.repeat(np.where(v == 0, 1, v), depth, 2)[None].astype(np.float32)
        v *= rng.uniform(0.1, 10, (1, 1, 1, depth)).astype(np.float32)
        got = session.call("main", q, k, v)
        got = (got[0] if isinstance(got, (list, tuple)) else got).astype(np.float64)
        want = softmax(clip(q.astype(np.float64)), clip(k.astype(np.float64)), v.astype(np.float64),
                       scale, causal)
        error = (abs(got - want) / abs(v).max(2, keepdims=True)).max((0, 2, 3))
        found.append(error / site["bound"])
    return np.concatenate(found)


CASES = [  # depth, keys, scale, causal, bound, degree that is chosen
    (2, 9, 0.3, False, 5e-2, 1),
    (3, 12, 0.5, True, 3e-2, 2),
    (8, 16, 1.0, False, 0.1, 2),
    (2, 24, 1.0, False, 4e-3, 4),
    (16, 10, 0.9, True, 1.5e-2, 3),
]


@pytest.mark.parametrize("depth, keys, scale, causal, bound, degree", CASES)
def test_no_input_exceeds_the_bound(depth, keys, scale, causal, bound, degree, tmp_path, slow_softmax):
    shape = (1, HEADS, keys if causal else 3, depth)
    text = program(shape, keys, scale, causal, f"bound = {bound}, method = taylor")
    session, site = compiled(text, tmp_path, slow_softmax)
    assert site["class"] == "certified" and site["method"] == f"taylor of degree {degree}", site
    rng = np.random.default_rng([3, depth, keys])
    trials = max(HEADS, TRIALS // len(CASES) // HEADS * HEADS)
    reached = ratios(session, site, rng, shape, keys, scale, causal,
                     lambda s: polynomial(s, degree, scale), trials, steps=60)
    print(f"d={depth} N={keys} R={scale}: bound {site['bound']:.2e}, reached {reached.max():.3f} of it "
          f"in {trials} trials")
    assert reached.max() <= 1
    # the lemma is attained where weights can be split as it wants: the bound is not slack
    assert reached.max() >= 0.5


MASKS = {
    "lengths": ("kv_lengths(%n : tensor<2xi32>) masks<[kv_lengths]>", "%n: tensor<2xi32>"),
    "explicit": ("mask(%m : tensor<2x1x1x9xi1>) masks<[explicit]>", "%m: tensor<2x1x1x9xi1>"),
    "causal": ("mask(%m : tensor<1x9xi1>) masks<[causal, explicit]>", "%m: tensor<1x9xi1>"),
}


@pytest.mark.parametrize("kind", MASKS)
def test_masked_keys_weigh_nothing(kind, tmp_path, slow_softmax):
    """Grouped heads, a batch, keys and values of NaN where nobody looks; a query without keys gives zeros."""
    masks, argument = MASKS[kind]
    q, k = "tensor<2x4x9x4xf32>", "tensor<2x2x9x4xf32>"
    text = f"""func.func @main(%q: {q}, %k: {k}, %v: {k}, {argument}) -> {q} {{
  %qn = math.tanh %q : {q}
  %kn = math.tanh %k : {k}
  %o = linnet.attention %qn, %kn, %v {masks} scale(0.05)
      {{linnet.contract = #linnet.contract<bound = 0.1, method = taylor>}} : {q}, {k}, {k} -> {q}
  return %o : {q}
}}
"""
    session, site = compiled(text, tmp_path, slow_softmax)
    assert site["class"] == "certified", site
    rng = np.random.default_rng(4)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in ((2, 4, 9, 4), (2, 2, 9, 4), (2, 2, 9, 4))]
    lengths = np.array([5, 0], np.int32)
    seen = np.arange(9) < lengths[:, None] if kind == "lengths" else rng.random((2, 9)) < 0.5
    seen = np.broadcast_to(seen[:1] if kind == "causal" else seen, (2, 9))
    for x in arrays[1:]:
        x[~np.broadcast_to(seen[:, None], (2, 2, 9))] = np.nan
    given = {"lengths": lengths, "explicit": seen[:, None, None], "causal": seen[:1]}[kind]
    got = session.call("main", *arrays, np.ascontiguousarray(given))
    got = got[0] if isinstance(got, (list, tuple)) else got
    q, k, v = (np.nan_to_num(x.astype(np.float64)) for x in arrays)
    w = np.exp(0.05 * np.einsum("bhic,bhjc->bhij", np.tanh(q), np.repeat(np.tanh(k), 2, 1)))
    w = w * seen[:, None, None] * (np.tri(9) if kind == "causal" else 1)
    want = np.einsum("bhij,bhjd->bhid", w / np.maximum(w.sum(-1, keepdims=True), 1e-30), np.repeat(v, 2, 1))
    assert abs(got - want).max() <= site["bound"] * abs(v).max()
    assert kind != "lengths" or (got[1] == 0).all()


# Random features


def random_rows(seed, blocks, depth):
    """What the compiler makes of a seed: lib/Transforms/Linearize/RandomRows.cpp, in NumPy."""
    from linnet.reference import random_bits
    count = blocks * depth * depth
    words = random_bits(seed, 0, (-(-count // 4) * 4,)).astype(np.float64)
    first, second = (words + 0.5).reshape(-1, 2).T * 2.0**-32
    radius, angle = np.sqrt(-2 * np.log(first)), 2 * np.pi * second
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)
    bases, triangle = np.linalg.qr(normal[:count].reshape(blocks, depth, depth).transpose(0, 2, 1))
    signs = np.sign(np.diagonal(triangle, axis1=1, axis2=2))
    rows = (bases * signs[:, None, :]).transpose(0, 2, 1).reshape(-1, depth)
    return (rows * np.sqrt(depth)).astype(np.float32).astype(np.float64)


def favor(q, k, v, scale, rows):
    def features(x):
        dots = np.einsum("bhic,fc->bhif", x * np.sqrt(scale), rows)
        half = (x * x).sum(-1, keepdims=True) * scale / 2
        return np.exp(np.concatenate([dots, -dots], -1) - half)
    w = np.einsum("bhif,bhjf->bhij", features(q), features(k))
    return np.einsum("bhij,bhjd->bhid", w / w.sum(-1, keepdims=True), v)


def points(rng, rows, keys, depth):
    """Queries and keys of norm 1, half of them along one direction, where features are worst; values tell
    keys that are like a query from the others."""
    along = [np.arange(n)[None, None, :, None] % 2 == 0 for n in (rows, keys)]
    q, k = (np.where(a, np.eye(depth)[0], rng.standard_normal((*a.shape[:3], depth))) for a in along)
    q, k = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (q, k))
    return q, k, np.where(along[1], 1.0, -1.0) * np.ones((1, 1, keys, depth))


def test_random_features_are_those_of_the_model(tmp_path, slow_softmax):
    """Executed seeds equal the NumPy model, whose failures are then counted over many."""
    shape, keys, scale = (1, 1, 6, 8), 12, 0.1
    for seed in (0, 7, 12345):
        text = program(shape, keys, scale, False, f"bound = 0.02, method = favor, failure = 0.05, seed = {seed}")
        session, site = compiled(text, tmp_path, slow_softmax)
        assert site["method"] == "favor with 128 features" and site["failure"] == 0.05, site
        q, k, v = points(np.random.default_rng(seed), 6, keys, 8)
        got = session.call("main", *(2 * x.astype(np.float32) for x in (q, k)), v.astype(np.float32))
        got = got[0] if isinstance(got, (list, tuple)) else got
        want = favor(q, k, v, scale, random_rows(seed, 8, 8))
        assert abs(got - want).max() <= site["rounding"]
        assert abs(want - softmax(q, k, v, scale, False)).max() <= site["approximation"]


@pytest.mark.cpu  # runs nothing
def test_failures_over_seeds_are_as_rare_as_stated(tmp_path, slow_softmax):
    shape, keys, scale, seeds = (1, 1, 6, 8), 12, 0.1, 10000 if FULL else 500
    text = program(shape, keys, scale, False, "bound = 0.02, method = favor, failure = 0.05")
    _, site = compiled(text, tmp_path, slow_softmax)
    q, k, v = points(np.random.default_rng(5), 6, keys, 8)
    want = softmax(q, k, v, scale, False)
    errors = np.array([abs(favor(q, k, v, scale, random_rows(seed, 8, 8)) - want).max()
                       for seed in range(seeds)])
    failures = (errors > site["approximation"]).mean()
    assert errors.max() > 1e-4 * site["approximation"]  # there is something to count
    print(f"{failures:.2%} of {seeds} seeds exceed {site['approximation']:.2e}, 5% allowed; the largest error "
          f"is {errors.max() / site['approximation']:.2f} of it")
    assert failures <= site["failure"]


def test_certain_features_hold_for_the_worst_point(tmp_path, slow_softmax):
    """One block has a bound that no seed exceeds: queries and keys along a row of the basis attain it."""
    shape, keys, scale = (1, 1, 2, 4), 8, 0.2
    text = program(shape, keys, scale, False, "bound = 0.2, method = favor, seed = 3")
    session, site = compiled(text, tmp_path, slow_softmax)
    assert site["method"] == "favor with 8 features" and "failure" not in site, site
    worst = 0
    for row in random_rows(3, 1, 4) / 2:
        q = np.tile(row, (1, 1, 2, 1))
        k = np.concatenate([np.tile(row, (1, 1, 4, 1)), np.tile(-row, (1, 1, 4, 1))], 2)
        v = np.sign((k * row).sum(-1, keepdims=True)) * np.ones((1, 1, keys, 4))
        got = session.call("main", *(2 * x.astype(np.float32) for x in (q, k)), v.astype(np.float32))
        got = got[0] if isinstance(got, (list, tuple)) else got
        worst = max(worst, abs(got - softmax(q, k, v, scale, False)).max() / site["bound"])
    assert 0.25 <= worst <= 1


# Training


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("method, extra", [("taylor", ""), ("favor", ", seed = 3")])
def test_gradients_are_those_of_the_rewritten_forward_pass(causal, method, extra, tmp_path, slow_softmax):
    shape, keys, scale = (1, 2, 7, 4), 7, 0.4
    contract = f"bound = 0.5, method = {method}, scope = training{extra}"
    text = program(shape, keys, scale, causal, contract).replace("@main", "@attend")
    t = "tensor<1x2x7x4xf32>"
    text += f"""func.func @loss(%q: {t}, %k: {t}, %v: {t}, %w: {t}) -> tensor<f32> {{
  %o = func.call @attend(%q, %k, %v) : ({t}, {t}, {t}) -> {t}
  %p = arith.mulf %o, %w : {t}
  %l = linnet.reduce sum %p axes [0, 1, 2, 3] : {t} -> tensor<f32>
  return %l : tensor<f32>
}}
func.func @main(%q: {t}, %k: {t}, %v: {t}, %w: {t}) -> (tensor<f32>, {t}, {t}, {t}) {{
  %r:4 = linnet.value_and_grad @loss(%q, %k, %v, %w) wrt [0, 1, 2]
      : ({t}, {t}, {t}, {t}) -> (tensor<f32>, {t}, {t}, {t})
  return %r#0, %r#1, %r#2, %r#3 : tensor<f32>, {t}, {t}, {t}
}}
"""
    session, site = compiled(text, tmp_path, slow_softmax)
    assert site["class"] == "certified", site
    rng = np.random.default_rng(2)
    arrays = [rng.standard_normal(shape).astype(np.float32) for _ in range(4)]
    got = session.call("main", *arrays)
    q, k, v, w = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in arrays)
    qn, kn = (x / torch.clamp(x.norm(dim=-1, keepdim=True), min=1) for x in (q, k))
    if method == "taylor":
        weights = polynomial(scale * qn @ kn.transpose(2, 3), int(site["method"][-1]), scale)
    else:
        rows = torch.tensor(random_rows(3, 1, 4)) * scale**0.5

        def features(x):
            dots = x @ rows.T
            return torch.exp(torch.cat([dots, -dots], -1) - scale / 2 * (x * x).sum(-1, keepdim=True))
        weights = features(qn) @ features(kn).transpose(2, 3)
    if causal:
        weights = torch.tril(weights)
    loss = (weights / weights.sum(-1, keepdim=True) @ v * w).sum()
    loss.backward()
    for name, value, want in zip(("loss", "q", "k", "v"), got, (loss, q.grad, k.grad, v.grad)):
        want = want.detach().numpy()
        assert abs(value - want).max() <= 1e-5 * max(1, abs(want).max()), name
