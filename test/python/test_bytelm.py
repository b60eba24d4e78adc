# ===- test_bytelm.py - the demo's models, compiled -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import pathlib

import numpy as np
import pytest
from safetensors.numpy import load_file

from linnet import testing as lt
from linnet.examples import bytelm

FOLDER = pathlib.Path(bytelm.__file__).parent
VARIANTS = ("softmax", "linear")


@pytest.fixture(scope="module", params=VARIANTS)
def model(request):
    """Variant, module and PyTorch's results. Strict: a step that copied a cache is an error."""
    path = lt.compile_text((FOLDER / f"model.{request.param}.mlir").read_text(),
                           "--strict-donation",
                           weights=FOLDER / f"model.{request.param}.safetensors")
    return (request.param, lt.open_bundle(path),
            load_file(FOLDER / f"reference.{request.param}.safetensors"))


def new_session(variant, module, capacity=512):
    return module.session(**({"C": capacity} if variant == "softmax" else {}))


def test_prefill_agrees_with_pytorch(model):
    variant, module, reference = model
    logits, = new_session(variant, module).call("prefill", reference["tokens"])
    assert np.abs(logits - reference["logits"]).max() <= 1e-4


def test_decode_agrees_with_pytorch(model):
    variant, module, reference = model
    session = new_session(variant, module)
    for i in range(reference["tokens"].shape[1]):
        row, = session.call("decode", reference["tokens"][:, i:i + 1])
        assert np.abs(row[:, 0] - reference["logits"][:, i]).max() <= 1e-4


@pytest.mark.parametrize("pieces", [(1, 75, 2), (40, 37, 1), (77, 1)])
def test_prefill_in_pieces(model, pieces):
    variant, module, reference = model
    session, rows, tokens = new_session(variant, module), [], reference["tokens"]
    assert sum(pieces) == tokens.shape[1]
    for start, count in zip(np.cumsum((0, *pieces)), pieces):
        rows.append(session.call("prefill", tokens[:, start:start + count])[0])
    assert np.abs(np.concatenate(rows, 1) - reference["logits"]).max() <= 1e-4


def test_greedy_text(model):
    variant, module, reference = model
    session, chosen = new_session(variant, module), []
    logits, = session.call("prefill", reference["tokens"])
    for i in range(reference["greedy"].shape[1]):
        token, = session.call("sample", np.ascontiguousarray(logits[0, -1]), 0.0, 0, 0, i)
        chosen.append(int(token[0, 0]))
        logits, = session.call("decode", token)
    assert chosen == reference["greedy"][0].tolist()


def test_a_reset_state_starts_over(model):
    variant, module, reference = model
    session = new_session(variant, module)
    first, = session.call("prefill", reference["tokens"])
    session.reset_state()
    again, = session.call("prefill", reference["tokens"])
    np.testing.assert_array_equal(first, again)


def test_sample(model):
    variant, module, _ = model
    session = new_session(variant, module)
    logits = np.random.default_rng(0).standard_normal(256).astype(np.float32) * 2

    def draw(temperature, top_k, counter, seed=1):
        return int(session.call("sample", logits, temperature, top_k, seed, counter)[0][0, 0])

    best = np.argsort(-logits)
    assert draw(0.0, 0, 7) == draw(0.9, 1, 7) == draw(5.0, 1, 99) == best[0]
    assert draw(1.0, 5, 3) == draw(1.0, 5, 3)
    assert {draw(3.0, 4, 64 * i) for i in range(400)} == set(best[:4].tolist())
    assert len({draw(50.0, 0, 64 * i) for i in range(400)}) > 150
    assert len({draw(50.0, 0, 0, seed) for seed in range(20)}) > 10


def test_sample_draws_from_the_softmax(model):
    """The counts of the eight likeliest are within five deviations of a multinomial's."""
    variant, module, _ = model
    if variant == "linear":
        return  # the same function
    session, draws, heat = new_session(variant, module), 4000, 0.7
    logits = np.random.default_rng(1).standard_normal(256).astype(np.float32) * 3
    p = np.exp((logits - logits.max()) / heat, dtype=np.float64)
    p /= p.sum()
    counts = np.zeros(256)
    for i in range(draws):
        counts[int(session.call("sample", logits, heat, 0, 5, 64 * i)[0][0, 0])] += 1
    likely = np.argsort(-p)[:8]
    deviation = np.sqrt(draws * p * (1 - p))
    assert (np.abs(counts - draws * p) <= 5 * deviation + 1)[likely].all()


def test_bits_do_not_depend_on_threads(model):
    variant, module, reference = model
    path = lt.compile_text((FOLDER / f"model.{variant}.mlir").read_text(), "--threads=3",
                           weights=FOLDER / f"model.{variant}.safetensors")
    one, *more = [
        new_session(variant, lt.open_bundle(path, threads)).call(
            "prefill", reference["tokens"])[0] for threads in (1, 2, 3)]
    for other in more:
        np.testing.assert_array_equal(one.view(np.int32), other.view(np.int32))
