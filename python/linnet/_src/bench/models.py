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


