# ===- test_train_bytelm.py - the demo's language model, trained -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Loss curves beside PyTorch's, from the same weights, on the same batches."""

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

BATCH, LENGTH, STEPS, JOIN = 2, 64, 200, 10


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


def torch_losses(config, initial, tokens, foreach, states=None):
    """PyTorch's losses; its two variants of the same step differ by rounding. `states` gets those
    that a session has before every JOIN-th step."""
    parameters = {k: v.clone().requires_grad_() for k, v in initial.items()}
    matrices = [p for p in parameters.values() if p.dim() > 1]
    vectors = [p for p in parameters.values() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1},
                                   {"params": vectors, "weight_decay": 0.0}],
                                  betas=(0.9, 0.98), foreach=foreach, fused=not foreach)
    losses = []
    for step, (batch, rate) in enumerate(zip(tokens, rates(len(tokens)))):
        if states is not None and step and step % JOIN == 0:
            states[step] = {"step": np.array(step)}
            for name, p in parameters.items():
                moments = optimizer.state[p]
                for prefix, value in (("", p.detach()), ("mean.", moments["exp_avg"]),
                                      ("variance.", moments["exp_avg_sq"])):
                    states[step][prefix + name] = value.numpy().copy()
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        loss = reference.loss_of(config, parameters, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def run(bundle, folder, steps, *options):
    subprocess.run([lt.build_folder() / "bin" / "linnet-run", bundle, f"--steps={steps}",
                    "--batches=data.safetensors", "--losses=losses.npy", "--threads=1", *options],
                   cwd=folder, check=True, capture_output=True)
    return np.load(folder / "losses.npy").astype(np.float64)


# Rounding grows much faster in the linear variant: a first position's output is its value times
# q.k, of which the norm behind it leaves the sign. PyTorch's own variants of the step differ by more
# than 1e-3 after about 50 steps, so the curve is compared to there, and then from PyTorch's parameters
# and moments at every JOIN-th step on.
@pytest.mark.parametrize("variant,free", [("softmax", STEPS), ("linear", 40)])
def test_the_loss_curve_is_pytorchs(variant, free, tmp_path):
    torch.set_num_threads(1)
    config = lm.Config(variant)
    initial = {k: v.detach() for k, v in lm.initial_parameters(config, 1).items()}
    tokens = batches(STEPS)
    save_file({k: v.numpy() for k, v in initial.items()}, tmp_path / "init.safetensors")
    save_file({"tokens": tokens.numpy(), "rate": rates(STEPS)}, tmp_path / "data.safetensors")
    text = emit_train.TrainStep(variant, BATCH, LENGTH).text()
    bundle = lt.compile_text(text, "--strict-donation", weights=tmp_path / "init.safetensors")
    found = run(bundle, tmp_path, STEPS, "--save-state=state.safetensors")
    states = {}
    expected = torch_losses(config, initial, tokens, True, states)
    other = torch_losses(config, initial, tokens, False)
    off, spread = (np.abs(x / expected - 1) for x in (found, other))
    joined = {}
    for step, state in states.items():
        save_file(state, tmp_path / "joined.safetensors")
        part = run(bundle, tmp_path, JOIN, "--state=joined.safetensors")
        joined[step] = np.abs(part / expected[step:step + JOIN] - 1).max()
    print(f"{variant}: largest relative difference {off.max():.2e} ({off[:free].max():.2e} in"
          f" {free} steps), between PyTorch's variants {spread.max():.2e} ({spread[:free].max():.2e});"
          f" joined every {JOIN} steps {max(joined.values()):.2e}; loss {found[:10].mean():.3f} to"
          f" {found[-10:].mean():.3f}", file=sys.stderr)
    assert off[:free].max() <= 1e-3
    assert max(joined.values()) <= 1e-3, joined
    assert found[-10:].mean() <= 0.7 * found[:10].mean()
    state = load_file(tmp_path / "state.safetensors")
    assert int(state["step"]) == STEPS and len(state) == 3 * len(initial) + 1
