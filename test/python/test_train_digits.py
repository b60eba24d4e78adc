# ===- test_train_digits.py - an image classifier, trained -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Loss curves beside PyTorch's, from the same weights, on the same batches of real images."""

import subprocess
import sys

import numpy as np
import torch
import torch.nn.functional as F

from linnet import testing as lt
from linnet.examples import digits

STEPS = 200


def torch_losses(steps, foreach):
    images, labels, _, _ = digits.dataset(steps)
    values = {k: torch.from_numpy(v.copy()) for k, v in digits.initial().items()}
    parameters = [values[n].requires_grad_() for n in digits.shapes()]
    optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=digits.MOMENTUM,
                                weight_decay=digits.DECAY, foreach=foreach)
    losses = []
    for image, label, rate in zip(images, labels, digits.rates(steps)):
        x = torch.from_numpy(image)
        for i in range(len(digits.CHANNELS) - 1):
            x = F.conv2d(x, values[f"conv{i}"], padding=1)
            x = F.batch_norm(x, values[f"mean{i}"], values[f"var{i}"], values[f"scale{i}"],
                             values[f"shift{i}"], training=True, momentum=digits.STATS)
            x = F.max_pool2d(F.relu(x), 2)
        loss = F.cross_entropy(x.flatten(1) @ values["head"].T + values["bias"],
                               torch.from_numpy(label))
        optimizer.param_groups[0]["lr"] = float(rate)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def test_the_loss_curve_is_pytorchs(tmp_path):
    torch.set_num_threads(1)
    digits.write_data(tmp_path, STEPS)
    bundle = lt.compile_text(digits.text(), "--strict-donation",
                             weights=tmp_path / "init.safetensors")
    run = lt.run_command(bundle, "--threads=1")
    subprocess.run([*run, "--function=train", f"--steps={STEPS}", "--batches=data.safetensors",
                    "--losses=losses.npy", "--save-state=state.safetensors"], cwd=tmp_path,
                   check=True, capture_output=True)
    subprocess.run([*run, "--function=classify", "--state=state.safetensors", "--input=test.npy",
                    "--output=found.npy"], cwd=tmp_path, check=True)
    found = np.load(tmp_path / "losses.npy").astype(np.float64)
    expected = torch_losses(STEPS, True)
    with torch.backends.mkldnn.flags(enabled=False):  # PyTorch's own convolutions
        other = torch_losses(STEPS, False)
    relative = np.abs(found / expected - 1).max()
    right = (np.load(tmp_path / "found.npy") == np.load(tmp_path / "answers.npy")).mean()
    print(f"largest relative difference {relative:.2e}, between PyTorch's variants "
          f"{np.abs(other / expected - 1).max():.2e}; loss {found[:5].mean():.3f} to "
          f"{found[-5:].mean():.3f}; {100 * right:.1f}% of the images kept aside are right",
          file=sys.stderr)
    assert relative <= 1e-3
    assert found[-5:].mean() <= 0.7 * found[:5].mean() and right > 0.9
