# ===- models.py - whole models -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np

from linnet._src.bench.workload import Workload, rng_of


def gpt2(decode, length=512):
    """Prefill of `length` tokens with logits at all positions, or the step after length - 1."""
    from linnet.examples import gpt2 as example
    c = example.SMALL
    weights = example.random_parameters(c)
    tokens = rng_of(length).integers(0, c.vocab, (1, length))
    start = np.asarray(length - 1 if decode else 0)
    context, inputs = tokens[:, :-1], tokens[:, -1:] if decode else tokens
    matrices = sum(w.size for n, w in weights.items() if w.ndim == 2 and n != "wpe.weight")
    rows = 1 if decode else length
    flops = 2.0 * rows * matrices + 4.0 * c.layers * rows * length * c.width * (1 if decode else 0.5)

    cache = []

    def torch_model(t, tokens, *values):
        parameters = dict(zip(weights, values))
        if not decode:
            return example.torch_logits(c, parameters, tokens)
        if not cache:
            example.torch_logits(c, parameters, t.from_numpy(context), cache)
        return example.torch_logits(c, parameters, tokens, list(cache))

    return Workload(
        "gpt2_decode" if decode else "gpt2_prefill", str(length), example.Model(c).text(),
        [np.ascontiguousarray(inputs)], flops, 4.0 * (matrices + 2 * c.layers * length * c.width),
        "read" if decode else "fma", weights=weights, torch=(torch_model,), exported=True,
        function="decode" if decode else "prefill", symbols={"C": length},
        setup=(lambda s: s.call("prefill", context)) if decode else lambda s: None,
        before=lambda s: s.set_state("position", start))


def train_step(batch=4, length=256, rate=5e-4):
    """One step of the demo's language model: forward, backward, clipping and AdamW, in place."""
    from linnet.examples.bytelm import emit, emit_train
    weights = emit_train.initial_parameters("softmax", 1)
    tokens = rng_of(length).integers(0, emit.VOCAB, (batch, length + 1))
    rows = batch * length
    matrices = sum(w.size for w in weights.values() if w.ndim == 2)
    # of attention two products forward and five backward, half of each
    flops = 6.0 * rows * matrices + 7.0 * emit.LAYERS * emit.HEADS * emit.DEPTH * rows * length
    # parameters, moments and gradients, and about 30 tensors of rows of a layer in and out
    moved = 4.0 * (8 * sum(w.size for w in weights.values()) + 60 * emit.LAYERS * rows * emit.WIDTH)
    return Workload(
        "train_step", f"bytelm {batch}x{length}",
        emit_train.TrainStep("softmax", batch, length).text(),
        [tokens, np.asarray(rate, np.float32)], flops, moved, "fma", weights=weights,
        flags=("--strict-donation",), function="train", torch_steps=_torch_train_steps, settle=9)


def _torch_train_steps(torch, compiled, inputs, weights):
    """PyTorch's spellings of the step, each with parameters of its own."""
    from linnet.examples.bytelm import emit_train
    from linnet.examples.bytelm import model as lm
    from linnet.examples.bytelm import train as example
    config = lm.Config("softmax")
    tokens, rate = torch.from_numpy(inputs[0]), float(inputs[1])

    def step(fused, compile_update):
        parameters = {k: torch.from_numpy(w.copy()).requires_grad_() for k, w in weights.items()}
        groups = [{"params": [p for p in parameters.values() if (p.dim() > 1) == (decay > 0)],
                   "weight_decay": decay} for decay in (emit_train.DECAY, 0.0)]
        optimizer = torch.optim.AdamW(groups, lr=rate, betas=emit_train.BETAS,
                                      fused=fused, foreach=not fused)

        def loss_of(tokens):
            return example.loss_of(config, parameters, tokens)

        def update():
            norm = torch.nn.utils.clip_grad_norm_(parameters.values(), emit_train.CLIP)
            optimizer.step()
            return norm

        if compiled:
            loss_of = torch.compile(loss_of)
            update = torch.compile(update) if compile_update else update

        def call():
            optimizer.zero_grad()
            loss = loss_of(tokens)
            loss.backward()
            return loss.detach(), update()

        return call

    return [step(fused, False) for fused in (True, False)] + [step(False, True)] * compiled
