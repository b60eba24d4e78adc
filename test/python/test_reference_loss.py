# ===- test_reference_loss.py - the loss family's meaning against PyTorch -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from linnet._src.reference import loss as ref


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 4), (9,), (4, 1), (0, 5)])
def test_cross_entropy(shape, reduction, smoothing):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    t = rng.integers(0, shape[-1], shape[:-1])
    if t.size > 2:
        t.reshape(-1)[1] = 3
    tx = torch.from_numpy(x).requires_grad_()
    expected = F.cross_entropy(tx.movedim(-1, 1) if x.ndim > 2 else tx, torch.from_numpy(np.array(t)),
                               ignore_index=3, reduction=reduction, label_smoothing=smoothing)
    loss, _ = ref.cross_entropy(x, t, reduction, 3, smoothing)
    np.testing.assert_allclose(loss, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    g = rng.standard_normal(np.shape(loss))
    expected.backward(torch.from_numpy(np.asarray(g)))
    dx = ref.cross_entropy_grad(g, x, t, reduction, 3, smoothing)
    np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_gradient_is_the_slope():
    rng = np.random.default_rng(1)
    x, t = rng.standard_normal((3, 6)), np.array([5, -100, 2])
    dx = ref.cross_entropy_grad(1.7, x, t, "mean", label_smoothing=0.2)
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-5
        high, low = (ref.cross_entropy(x + s, t, "mean", label_smoothing=0.2)[0]
                     for s in (step, -step))
        assert abs(1.7 * (high - low) / 2e-5 - dx[at]) < 1e-8


def test_all_ignored():
    x, t = np.zeros((2, 3)), np.array([-100, -100])
    assert np.isnan(ref.cross_entropy(x, t, "mean")[0])
    assert ref.cross_entropy(x, t, "sum")[0] == 0
    assert not ref.cross_entropy_grad(1.0, x, t, "mean").any()
