# ===- loss.py - meaning of the loss family -----------------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np


def cross_entropy(x, targets, reduction="mean", ignore_index=-100, label_smoothing=0.0):
    """The loss and the log-sum-exp of every row. A target out of range has the logit 0."""
    x, targets = np.asarray(x, np.float64), np.asarray(targets)
    classes, s = x.shape[-1], label_smoothing
    top = x.max(-1, initial=np.finfo(np.float64).min)
    with np.errstate(invalid="ignore", divide="ignore"):
        lse = top + np.log(np.exp(x - top[..., None]).sum(-1))
        valid = (targets >= 0) & (targets < classes)
        at = np.take_along_axis(x, np.where(valid, targets, 0)[..., None].astype(np.int64), -1) \
            if classes else np.zeros(targets.shape + (1,))
        loss = (1 - s) * (lse - np.where(valid, at[..., 0], 0.0))
        if s:
            loss = loss + s * (lse - x.mean(-1))
        counts = targets != ignore_index
        loss = np.where(counts, loss, 0.0)
        if reduction == "none":
            return loss, lse
        total = loss.sum()
        return (total if reduction == "sum" else np.divide(total, counts.sum())), lse


def cross_entropy_grad(grad, x, targets, reduction="mean", ignore_index=-100, label_smoothing=0.0):
    x, targets = np.asarray(x, np.float64), np.asarray(targets)
    _, lse = cross_entropy(x, targets, "none", ignore_index)
    classes, s = x.shape[-1], label_smoothing
    hit = np.arange(classes) == targets[..., None]
    counts = targets != ignore_index
    with np.errstate(invalid="ignore", divide="ignore"):
        g = np.asarray(grad, np.float64)
        g = np.divide(g, counts.sum()) if reduction == "mean" else g
        dx = (g if g.ndim == 0 else g[..., None]) * (
            np.exp(x - lse[..., None]) - s / max(classes, 1) - (1 - s) * hit)
    return np.where(counts[..., None], dx, 0.0)
