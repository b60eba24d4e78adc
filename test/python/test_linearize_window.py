# ===- test_linearize_window.py - windows that ALiBi certifies, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Certificates of windows against inputs that attain them, and the language model that has them."""
import json
import os
import subprocess

import numpy as np
import pytest
from safetensors.numpy import load_file

from linnet import reference, testing
from linnet._src.bench import alibi as bench
from linnet.examples.bytelm import alibi, emit_alibi

FULL = bool(os.environ.get("LINNET_FULL"))


def compiled(text, tmp_path):
    """A session of the bundle, and what the report says of its only attention."""
    done = subprocess.run(
        [testing.build_folder() / "bin" / "linnet-compile", "-", "-o", tmp_path / "m.lnb",
         "--cpu=native", "--linearize=contract", f"--report={tmp_path / 'm.json'}",
         *testing.device_flags()], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    site, = json.loads((tmp_path / "m.json").read_text())["attention"]
    assert site["class"] == "certified" and site["method"].startswith("window"), site
    return testing.open_bundle(tmp_path / "m.lnb").session(), site


def program(heads, key_heads, keys, slopes, limit, bound, dtype="f32", lengths=False, depth=8,
            values=4):
    """Attention whose scores are at most `limit` by RMS norms; dynamic in the number of keys."""
    size, dims = ("?", ', linnet.dims = [1, {}, "N", {}]') if keys is None else (keys, "")
    shape = lambda h, d: f"tensor<1x{h}x{size}x{d}x{dtype}>"
    q, k, v, o = (shape(heads, depth), shape(key_heads, depth), shape(key_heads, values),
                  shape(heads, values))
    named = lambda h, d: f"{{{dims.format(h, d)[2:]}}}" if dims else ""
    slopes = ", ".join(map(repr, slopes))
    more = ", %n: tensor<1xi32>" if lengths else ""
    masks = "kv_lengths(%n : tensor<1xi32>) masks<[causal, kv_lengths]>" if lengths else "masks<[causal]>"
    return f"""func.func @main(%q: {q} {named(heads, depth)}, %k: {k} {named(key_heads, depth)},
    %v: {v} {named(key_heads, values)}{more}) -> {o} {{
  %slopes = arith.constant dense<[{slopes}]> : tensor<{heads}xf32>
  %qn = linnet.rms_norm %q eps 1.0e-6 : {q}
  %kn = linnet.rms_norm %k eps 1.0e-6 : {k}
  %o = linnet.attention %qn, %kn, %v alibi_slopes(%slopes : tensor<{heads}xf32>) {masks}
      scale({limit / depth:.9e})
      {{linnet.contract = #linnet.contract<bound = {bound:e}, method = window, fallback = error>}}
      : {q}, {k}, {v} -> {o}
  return %o : {o}
}}"""


def unit(x):
    """What the program's RMS norm gives, rounded to its type: that is what attention reads."""
    wide = np.float64(x)
    return (wide / np.sqrt((wide**2).mean(axis=-1, keepdims=True) + 1e-6)).astype(x.dtype)


def error(session, site, q, k, v, slopes, limit, **options):
    """Relative to the largest value of a channel, as a part of the bound."""
    more = [options["kv_lengths"]] if "kv_lengths" in options else []
    got = session.call("main", q, k, v, *more)
    got = got[0] if isinstance(got, (list, tuple)) else got
    want, _ = reference.attention(unit(q), unit(k), v, alibi_slopes=slopes, causal=True,
                                  scale=limit / q.shape[3], **options)
    largest = np.abs(np.float64(v)).max(axis=2, keepdims=True)
    largest = largest.repeat(q.shape[1] // k.shape[1], axis=1)
    return np.max(np.abs(np.float64(got) - want) / largest) / site["bound"]


@pytest.mark.parametrize("limit,slope,bound", [(0.5, 0.05, 1e-1), (2.0, 0.03, 3e-2), (3.0, 0.1, 1e-2)])
def test_the_bound_is_attained(limit, slope, bound, tmp_path):
    """Scores of -R within the window and R beyond it, values of one sign within and the other beyond."""
    rows = 2048
    session, site = compiled(program(1, 1, rows, [slope], limit, bound), tmp_path)
    window = int(site["method"].split("nearest ")[1].split()[0])
    assert site["rounding"] < 0.1 * site["approximation"] <= bound
    q = np.ones((1, 1, rows, 8), np.float32)
    inside = np.arange(rows) > rows - 1 - window  # of the last query
    k = np.where(inside, -1, 1).astype(np.float32)[None, None, :, None] * q
    v = np.where(inside, -1, 1).astype(np.float32)[None, None, :, None].repeat(4, 3) * 3
    ratio = error(session, site, q, k, v, np.float64([slope]), limit)
    assert 0.8 < ratio <= 1


@pytest.mark.parametrize("dtype", ["f32", "bf16"])
@pytest.mark.parametrize("rows", [1, 63, 64, 65, 700])
def test_grouped_heads_of_any_length(rows, dtype, tmp_path):
    slopes, limit, bound = [0.5, 0.25, 0.0625, 0.03125], 1.0, 2e-2
    session, site = compiled(program(4, 2, None, slopes, limit, bound, dtype), tmp_path)
    rng = np.random.default_rng(rows)
    draw = lambda *shape: rng.standard_normal(shape).astype(testing.DTYPES[dtype])
    q, k, v = draw(1, 4, rows, 8), draw(1, 2, rows, 8), draw(1, 2, rows, 4)
    assert error(session, site, q, k, v, np.float64(slopes), limit) <= 1


@pytest.mark.parametrize("length", [0, 1, 100, 600])
def test_lengths(length, tmp_path):
    slopes, limit = [0.25, 0.125], 0.5
    session, site = compiled(program(2, 2, 600, slopes, limit, 5e-2, lengths=True), tmp_path)
    rng = np.random.default_rng(length)
    q, k, v = (rng.standard_normal((1, 2, 600, d)).astype(np.float32) for d in (8, 8, 4))
    lengths = np.int32([length])
    assert error(session, site, q, k, v, np.float64(slopes), limit, kv_lengths=lengths) <= 1


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 600])
def test_one_query_at_the_end_of_a_cache(length, tmp_path):
    """Without `causal`, which says nothing about the last query."""
    slopes, limit = [0.25, 0.125], 0.5
    text = program(2, 2, 600, slopes, limit, 5e-2, lengths=True)
    text = text.replace("masks<[causal, kv_lengths]>", "masks<[kv_lengths]>")
    text = text.replace("%q: tensor<1x2x600x8xf32>", "%q: tensor<1x2x1x8xf32>")
    text = text.replace("%q eps 1.0e-6 : tensor<1x2x600x8xf32>", "%q eps 1.0e-6 : tensor<1x2x1x8xf32>")
    text = text.replace(": tensor<1x2x600x8xf32>, tensor<1x2x600x8xf32>, tensor<1x2x600x4xf32> -> tensor<1x2x600x4xf32>",
                        ": tensor<1x2x1x8xf32>, tensor<1x2x600x8xf32>, tensor<1x2x600x4xf32> -> tensor<1x2x1x4xf32>")
    text = text.replace("-> tensor<1x2x600x4xf32> {", "-> tensor<1x2x1x4xf32> {")
    text = text.replace("return %o : tensor<1x2x600x4xf32>", "return %o : tensor<1x2x1x4xf32>")
    session, site = compiled(text, tmp_path)
    rng = np.random.default_rng(length)
    q, k, v = (rng.standard_normal((1, 2, n, d)).astype(np.float32) for n, d in ((1, 8), (600, 8), (600, 4)))
    assert error(session, site, q, k, v, np.float64(slopes), limit, kv_lengths=np.int32([length])) <= 1


@pytest.mark.parametrize("rows", [1, 3])
def test_decoding_from_a_cache(rows, tmp_path):
    """Both forms from one state, as far as the last row that fits; the bound is that of the certificate."""
    capacity, slopes, limit, depth = 700, (0.5, 0.25, 0.125, 0.0625), 1.0, 8
    module, site = bench.compile_decode(bench.decode_text(capacity, 4, 2, depth, slopes, limit, rows), 2e-2, tmp_path)
    assert site["class"] == "certified" and "the program writes to state 'keys'" in site["condition"]
    rng = np.random.default_rng(rows)
    cache = rng.standard_normal((2, 1, 2, capacity, depth)).astype(np.float32)
    cache[0] = unit(cache[0])
    sessions = [module.session(), module.session()]
    for position in (0, 1, 64, 300, capacity - rows):
        q, k, v = (rng.standard_normal((1, h, rows, depth)).astype(np.float32) for h in (4, 2, 2))
        found = []
        for session, name in zip(sessions, ("main", "main.exact")):
            session.set_state("keys", cache[0])
            session.set_state("values", cache[1])
            session.set_state("position", np.array(position))
            found.append(np.float64(session.call(name, q, k, v)[0]))
        seen = np.concatenate([cache[1][:, :, :position], v], 2)
        keys = np.concatenate([cache[0][:, :, :position], unit(k)], 2)
        want, _ = reference.attention(unit(q), keys, seen, alibi_slopes=np.float64(slopes), causal=True,
                                      scale=limit / depth)
        largest = np.abs(seen).max(2, keepdims=True).repeat(2, 1)
        assert np.max(np.abs(found[1] - want)) < 1e-5
        assert np.max(np.abs(found[0] - want) / largest) <= site["bound"]


def test_gradients_are_those_of_the_window(tmp_path):
    torch = pytest.importorskip("torch")
    rows, limit, slope, t = 600, 1.0, 0.5, "tensor<1x1x600x8xf32>"
    text = program(1, 1, rows, [slope], limit, 1e-2, values=8).replace("@main", "@attend")
    text = text.replace("fallback = error", "scope = training, fallback = error") + f"""
func.func @loss(%q: {t}, %k: {t}, %v: {t}, %w: {t}) -> tensor<f32> {{
  %o = func.call @attend(%q, %k, %v) : ({t}, {t}, {t}) -> {t}
  %p = arith.mulf %o, %w : {t}
  %l = linnet.reduce sum %p axes [0, 1, 2, 3] : {t} -> tensor<f32>
  return %l : tensor<f32>
}}
func.func @main(%q: {t}, %k: {t}, %v: {t}, %w: {t}) -> ({t}, {t}, {t}) {{
  %r:4 = linnet.value_and_grad @loss(%q, %k, %v, %w) wrt [0, 1, 2]
      : ({t}, {t}, {t}, {t}) -> (tensor<f32>, {t}, {t}, {t})
  return %r#1, %r#2, %r#3 : {t}, {t}, {t}
}}
"""
    session, site = compiled(text, tmp_path)
    window = int(site["method"].split("nearest ")[1].split()[0])
    rng = np.random.default_rng(9)
    arrays = [rng.standard_normal((1, 1, rows, 8)).astype(np.float32) for _ in range(4)]
    got = session.call("main", *arrays)
    q, k, v, w = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in arrays)
    qn, kn = (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) for x in (q, k))
    distance = torch.arange(rows)[None, :] - torch.arange(rows)[:, None]
    s = qn @ kn.mT * (limit / 8) + slope * distance
    s = s.masked_fill((distance > 0) | (distance <= -window), -torch.inf)
    (s.softmax(-1) @ v * w).sum().backward()
    for found, x in zip(got, (q, k, v)):
        want = x.grad.numpy()
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-5 * np.abs(want).max())


# The model


@pytest.fixture(scope="module")
def models():
    return alibi.load()


@pytest.mark.cpu  # runs nothing
def test_shipped_ir_is_what_the_generator_writes():
    assert (alibi.FOLDER / "model.alibi.mlir").read_text() == emit_alibi.Model().text()
    assert (alibi.FOLDER / "model.alibi.safetensors").stat().st_size <= 2_000_000


def test_exact_model_agrees_with_pytorch(models):
    stored = load_file(alibi.FOLDER / "reference.alibi.safetensors")
    logits = models.exact.call("logits", stored["tokens"])[0]
    assert np.abs(logits - stored["logits"]).max() <= 1e-4


@pytest.mark.cpu  # runs nothing
def test_numbers_of_the_generator_are_those_of_the_model():
    lm = pytest.importorskip("linnet.examples.bytelm.model")
    c = lm.Config("alibi")
    assert (c.slopes, c.logit_scale, c.length_eps) == (
        emit_alibi.SLOPES, emit_alibi.LOGIT_SCALE, emit_alibi.LENGTH_EPS)


def check_model(models, length):
    text = load_file(alibi.FOLDER / "reference.alibi.safetensors")["tokens"]
    tokens = np.tile(text, (1, length // text.shape[1] + 1))[:, :length]
    bounds = [site["bound"] for site in models.sites if site["function"] == "attention"]
    errors = models.site_errors(tokens)
    assert len(bounds) == len(errors) == 3
    assert all(0 < e <= b <= alibi.BOUND for e, b in zip(errors, bounds)), (errors, bounds)
    exact, windowed = models.logits(tokens)
    assert abs(alibi.loss(exact, tokens) - alibi.loss(windowed, tokens)) < 1e-2
    return tokens


def test_windowed_model_stays_within_its_bounds(models):
    check_model(models, 2500)


@pytest.mark.skipif(not FULL, reason="16,384 tokens, with LINNET_FULL=1")
def test_sixteen_thousand_tokens_take_a_third_of_the_time(models):
    tokens = check_model(models, 16384)
    times = models.times(tokens, 3)
    assert min(times[0]) >= 3 * min(times[1])
