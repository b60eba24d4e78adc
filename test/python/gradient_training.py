# ===- gradient_training.py - a model trained by Linnet and by PyTorch -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""SGD with momentum on the loss of a block, beside PyTorch's in float64 on the same batches."""
import numpy as np
import torch

from linnet import testing as lt


def step_text(weights, batch, loss, momentum):
    """A train step as one function. `weights` are shapes by name; `batch` is the types of the other
    arguments of the loss by name; `loss` is lines from these to %loss."""
    types = {name: lt.tensor_type(shape, "f32") for name, shape in weights.items()}
    typed = lambda named, prefix="": ", ".join(f"%{prefix}{n}: {t}" for n, t in named.items())
    names = lambda named, prefix="": ", ".join(f"%{prefix}{n}" for n in named)
    every, data, count = ", ".join(types.values()), ", ".join(batch.values()), len(types)
    return f"""func.func private @loss({typed(types)}, {typed(batch)}) -> tensor<f32> {{
{loss}
  return %loss : tensor<f32>
}}
func.func @main({typed(types)}, {typed(types, 'm_')}, {typed(batch)}, %rate: tensor<f32>,
    %step: tensor<i64>) -> (tensor<f32>, {every}, {every}) {{
  %loss, %g:{count} = linnet.value_and_grad @loss({names(types)}, {names(batch)}) wrt {list(range(count))}
      : ({every}, {data}) -> (tensor<f32>, {every})
  %r:{2 * count} = linnet.sgd params({names(types)} : {every})
      grads({', '.join(f'%g#{i}' for i in range(count))} : {every}) momenta({names(types, 'm_')} : {every})
      lr(%rate) step(%step) momentum({momentum}) -> {every}, {every}
  return %loss, {', '.join(f'%r#{i}' for i in range(2 * count))} : tensor<f32>, {every}, {every}
}}"""


def losses(text, weights, batches, rate):
    """Of Linnet, a step per batch."""
    state, found = [*weights, *map(np.zeros_like, weights)], []
    session = lt.load(text).session()
    for step, batch in enumerate(batches):
        loss, *state = session.call("main", *map(np.asarray, state), *batch, np.float32(rate),
                                    np.int64(step + 1))
        found.append(float(loss))
    return found


def torch_losses(loss_of, weights, batches, rate, momentum):
    """Of PyTorch; loss_of(weights, *batch)."""
    weights = [torch.from_numpy(w.astype(np.float64)).requires_grad_() for w in weights]
    optimizer, found = torch.optim.SGD(weights, rate, momentum), []
    for batch in batches:
        loss = loss_of(weights, *map(torch.from_numpy, map(lt.wide, batch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found
