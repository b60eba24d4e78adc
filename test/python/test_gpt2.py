# ===- test_gpt2.py - GPT-2's IR, compiled, against PyTorch -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import os

import numpy as np
import pytest

from linnet import testing
from linnet.examples import gpt2, gpt2_train

CASES = [(gpt2.TINY, 33), (gpt2.TINY, 1)]
# half a gigabyte of weights: in `./dev test --full`
FULL = [(gpt2.SMALL, 512)] if os.environ.get("LINNET_FULL") else []


@pytest.mark.parametrize("config,length", CASES + FULL)
def test_agrees_with_pytorch(tmp_path, config, length):
    pytest.importorskip("torch")
    gpt2.write(tmp_path, config)
    assert gpt2.compare(tmp_path, config, length, steps=4, threads=1) <= 1e-4


def test_train_step_is_that_of_pytorch():
    """Losses and parameters of gpt2_train's AdamW; gradients from the first moments of one step."""
    torch = pytest.importorskip("torch")
    config = gpt2.Config(vocab=61, positions=24, width=48, layers=2, heads=3)
    parameters = gpt2.random_parameters(config)
    tokens = np.random.default_rng(3).integers(0, config.vocab, (3, 1, config.positions + 1))
    session = testing.load(gpt2_train.TrainStep(config).text()).session()
    for name, value in parameters.items():
        session.set_state(name, value)
    twin = {n: torch.from_numpy(p).double().requires_grad_() for n, p in parameters.items()}
    optimizer = torch.optim.AdamW(twin.values(), lr=1e-3, weight_decay=gpt2_train.DECAY)
    for i, batch in enumerate(tokens):
        loss, = session.call("train", batch, np.float32(1e-3))
        expected = gpt2_train.torch_loss(config, twin, torch.from_numpy(batch))
        optimizer.zero_grad()
        expected.backward()
        optimizer.step()
        np.testing.assert_allclose(loss, expected.item(), rtol=1e-5)
        for name in parameters if i == 0 else ():
            wanted = twin[name].grad.numpy()
            np.testing.assert_allclose(session.get_state(f"mean.{name}") / 0.1, wanted, rtol=0,
                                       atol=1e-5 * np.abs(wanted).max() + 1e-7)
