# ===- plain.py - meaning of the plain family -----------------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np


def einsum(equation, *operands):
    return np.einsum(equation, *(_wide(x) for x in operands))


def broadcast(x, shape, dims=None):
    x = np.asarray(x)
    dims = range(len(shape) - x.ndim, len(shape)) if dims is None else dims
    full = [1] * len(shape)
    for size, dim in zip(x.shape, dims):
        full[dim] = size
    return np.broadcast_to(x.reshape(full), shape)


def reduce(kind, x, axes, keepdims=False):
    x, axes = _wide(x), tuple(axes)
    if kind == "mean":
        count = np.prod([x.shape[a] for a in axes], dtype=np.float64)
        with np.errstate(invalid="ignore"):
            return np.divide(x.sum(axes, keepdims=keepdims), count)
    if kind in ("sum", "prod"):
        return getattr(np, kind)(x, axes, keepdims=keepdims)
    limits = (-np.inf, np.inf) if x.dtype.kind == "f" else (
        np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
    return getattr(np, kind)(x, axes, keepdims=keepdims,
                             initial=limits[0] if kind == "max" else limits[1])


def gather(data, indices, axis, batch_dims=0):
    """Zeros where an index is out of range; the second value says whether one was."""
    data, indices = np.asarray(data), np.asarray(indices)
    if batch_dims:
        parts = [gather(d, i, axis - 1, batch_dims - 1) for d, i in zip(data, indices)]
        return np.stack([p[0] for p in parts]), any(p[1] for p in parts)
    valid = (indices >= 0) & (indices < data.shape[axis])
    y = np.zeros(data.shape[:axis] + indices.shape + data.shape[axis + 1:], data.dtype)
    for at in np.argwhere(valid):
        at = tuple(at)
        y[(slice(None),) * axis + at] = np.take(data, indices[at], axis)
    return y, not valid.all()


def scatter_add(updates, indices, size, axis, batch_dims=0):
    """The transpose of gather; the second value says whether an index was out of range."""
    updates, indices = np.asarray(updates, np.float64), np.asarray(indices)
    if batch_dims:
        parts = [scatter_add(u, i, size, axis - 1, batch_dims - 1)
                 for u, i in zip(updates, indices)]
        shape = updates.shape[1:axis] + (size,) + updates.shape[axis + indices.ndim - batch_dims + 1:]
        return (np.stack([p[0] for p in parts]) if parts else np.zeros((0, *shape)),
                any(p[1] for p in parts))
    valid = (indices >= 0) & (indices < size)
    y = np.zeros(updates.shape[:axis] + (size,) + updates.shape[axis + indices.ndim:])
    for at in np.argwhere(valid):
        at, before = tuple(at), (slice(None),) * axis
        y[(*before, indices[at])] += updates[(*before, *at)]
    return y, not valid.all()


def argmax(x, axis, keepdims=False, select_last=False):
    x = np.asarray(x)
    if x.shape[axis] == 0:
        return np.zeros([1 if i == axis else n for i, n in enumerate(x.shape)
                         if i != axis or keepdims], np.int64)
    if not select_last:
        return np.argmax(x, axis, keepdims=keepdims)
    return x.shape[axis] - 1 - np.argmax(np.flip(x, axis), axis, keepdims=keepdims)


def _wide(x):
    """float64 for floats, 16-bit ones included; integers as they are."""
    x = np.asarray(x)
    return x if x.dtype.kind in "iu" else x.astype(np.float64)
