# ===- test_examples.py - what ships with the examples is what they write -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import pathlib

import pytest

from linnet.examples import bytelm
from linnet.examples.bytelm import emit

pytestmark = pytest.mark.cpu  # runs no model

FOLDER = pathlib.Path(bytelm.__file__).parent


@pytest.mark.parametrize("variant", list(emit.HEADER))
def test_shipped_ir_is_what_the_generator_writes(variant):
    assert (FOLDER / f"model.{variant}.mlir").read_text() == emit.Model(variant).text()


@pytest.mark.parametrize("variant", list(emit.HEADER))
def test_generator_and_pytorch_model_agree_on_the_weights(variant):
    lm = pytest.importorskip("linnet.examples.bytelm.model")
    shapes = lm.parameter_shapes(lm.Config(variant))
    types = emit.Model(variant).types
    assert list(types) == list(shapes)
    assert types == {name: emit.tensor(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("variant", list(emit.HEADER))
def test_stored_reference_belongs_to_the_stored_weights(variant):
    """Recomputed in f64; the margin of every greedy choice is far above the tolerance."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    from linnet.examples.bytelm import model as lm
    config = lm.Config(variant)
    weights = FOLDER / f"model.{variant}.safetensors"
    assert weights.stat().st_size <= 2_000_000
    parameters = {name: p.double() for name, p in load_file(weights).items()}
    stored = load_file(FOLDER / f"reference.{variant}.safetensors")
    tokens = torch.cat([stored["tokens"], stored["greedy"]], 1)
    with torch.no_grad():
        logits, _ = lm.forward(config, parameters, tokens, lm.initial_state(config, torch.float64))
    prompt = stored["tokens"].shape[1]
    assert (logits[:, :prompt] - stored["logits"]).abs().max() < 5e-5
    assert torch.equal(logits[:, prompt - 1:-1].argmax(-1), stored["greedy"])
    best = logits[0, prompt - 1:-1].topk(2).values
    assert (best[:, 0] - best[:, 1]).min() > 1e-3


def test_gpt2_twin_is_consistent():
    """The PyTorch twin's parameters are those of the IR, and a later token changes no logit."""
    torch = pytest.importorskip("torch")
    from linnet.examples import gpt2
    c = gpt2.TINY
    parameters = {n: torch.from_numpy(p) for n, p in gpt2.random_parameters(c).items()}
    assert {n: gpt2.tensor(p.shape) for n, p in parameters.items()} == gpt2.Model(c).types
    tokens = torch.arange(20)[None] % c.vocab
    short = gpt2.torch_logits(c, parameters, tokens[:, :12])
    torch.testing.assert_close(gpt2.torch_logits(c, parameters, tokens)[:, :12], short)
