# ===- test_train_bytelm.py - the demo's language model, trained -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Loss curves beside PyTorch's, from the same weights, on the same batches."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from linnet import testing as lt
from linnet.examples.bytelm import emit_train
from linnet.examples.bytelm import model as lm
from linnet.examples.bytelm import train as reference

BATCH, LENGTH = 2, 64
STEPS = 200 if lt.on_cpu() else 40
COMPARED = STEPS if os.environ.get("LINNET_FULL") else 15  # PyTorch's steps take most of the time


def batches(steps):
    folder = pathlib.Path("/usr/share/common-licenses")
    if not folder.exists():
        pytest.skip("needs the licences of a Debian machine")
    data, _ = reference.corpus()
    generator = torch.Generator().manual_seed(0)
    first = torch.randint(len(data) - LENGTH - 1, (steps, BATCH, 1), generator=generator)
    return data[first + torch.arange(LENGTH + 1)]


def rates(steps):
    return np.float32([5e-4 * min(1.0, (i + 1) / 20) for i in range(steps)])


def torch_losses(config, initial, tokens, foreach):
    """PyTorch's losses; its two variants of the same step differ by rounding."""
    parameters = {k: v.clone().requires_grad_() for k, v in initial.items()}
    matrices = [p for p in parameters.values() if p.dim() > 1]
    vectors = [p for p in parameters.values() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1},
                                   {"params": vectors, "weight_decay": 0.0}],
                                  betas=(0.9, 0.98), foreach=foreach, fused=not foreach)
    losses = []
    for batch, rate in zip(tokens, rates(len(tokens))):
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        loss = reference.loss_of(config, parameters, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


@pytest.mark.slow
@pytest.mark.parametrize("variant", emit_train.VARIANTS)
def test_the_loss_curve_is_pytorchs(variant, tmp_path):
    torch.set_num_threads(1)
    config = lm.Config(variant)
    initial = {k: v.detach() for k, v in lm.initial_parameters(config, 1).items()}
    tokens = batches(STEPS)
    save_file({k: v.numpy() for k, v in initial.items()}, tmp_path / "init.safetensors")
    save_file({"tokens": tokens.numpy(), "rate": rates(STEPS)}, tmp_path / "data.safetensors")
    text = emit_train.TrainStep(variant, BATCH, LENGTH).text()
    bundle = lt.compile_text(text, "--strict-donation", weights=tmp_path / "init.safetensors")
    subprocess.run(lt.run_command(bundle, f"--steps={STEPS}", "--batches=data.safetensors",
                                  "--losses=losses.npy", "--threads=1",
                                  "--save-state=state.safetensors"), cwd=tmp_path, check=True,
                   capture_output=True)
    found = np.load(tmp_path / "losses.npy").astype(np.float64)
    expected = torch_losses(config, initial, tokens[:COMPARED], True)
    other = torch_losses(config, initial, tokens[:COMPARED], False)
    off, spread = (np.abs(x[:COMPARED] / expected - 1).max() for x in (found, other))
    print(f"{variant}: largest relative difference {off:.2e} in {COMPARED} steps, between PyTorch's"
          f" variants {spread:.2e}; loss {found[:10].mean():.3f} to {found[-10:].mean():.3f}",
          file=sys.stderr)
    assert off <= 1e-3
    assert found[-10:].mean() <= 0.7 * found[:10].mean()
    state = load_file(tmp_path / "state.safetensors")
    assert int(state["step"]) == STEPS and len(state) == 3 * len(initial) + 1
