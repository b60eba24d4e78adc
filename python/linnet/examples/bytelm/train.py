# ===- train.py - trains the demo's models -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Trains the demo's models on the licences that every Debian machine carries.

    python -m linnet.examples.bytelm.train --variant softmax --out DIR

writes DIR/model.<variant>.safetensors and DIR/reference.<variant>.safetensors: a prompt, its
logits at every position and the greedy continuation, computed by PyTorch in f32. The stored weights
of the linear variant started with queries of their own; `model.initial_parameters` has them start as
their keys since.
"""

import argparse
import math
import pathlib
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from linnet._src.arguments import ArgumentParser
from linnet.examples.bytelm import model as lm

LICENCES = ("Apache-2.0", "Artistic", "BSD", "CC0-1.0", "GFDL-1.2", "GFDL-1.3", "GPL-1", "GPL-2",
            "GPL-3", "LGPL-2", "LGPL-2.1", "LGPL-3", "MPL-1.1", "MPL-2.0")
PROMPT = "This program is free software; you can redistribute it and/or modify it under "
GREEDY_TOKENS = 200
HELD_OUT = 4096
REFERENCE_LENGTH = 300  # of the variant without a state


def corpus():
    """Training text, and a stretch of the Mozilla licence kept aside."""
    folder = pathlib.Path("/usr/share/common-licenses")
    text = b"".join((folder / name).read_bytes() + b"\n\n" for name in LICENCES)
    data = torch.tensor(list(text), dtype=torch.int64)
    middle = text.index(b"MOZILLA PUBLIC LICENSE")
    held = slice(middle + 4096, middle + 4096 + HELD_OUT)
    return torch.cat([data[:held.start], data[held.stop:]]), data[held]


def loss_of(config, parameters, tokens):
    logits, _ = lm.forward(config, parameters, tokens[:, :-1], lm.initial_state(config))
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def train(config, arguments):
    data, held = corpus()
    parameters = lm.initial_parameters(config, arguments.seed)
    matrices = [p for p in parameters.values() if p.dim() > 1]
    vectors = [p for p in parameters.values() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=arguments.rate, betas=(0.9, 0.98))
    generator = torch.Generator().manual_seed(arguments.seed)
    offsets = torch.arange(arguments.length + 1)
    start = time.time()
    for step in range(arguments.steps):
        warm = min(1.0, (step + 1) / 100)
        rate = arguments.rate * warm * (0.05 + 0.95 * 0.5 * (
            1 + math.cos(math.pi * step / arguments.steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        first = torch.randint(len(data) - len(offsets), (arguments.batch, 1), generator=generator)
        loss = loss_of(config, parameters, data[first + offsets])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimizer.step()
        if step % 100 == 0 or step == arguments.steps - 1:
            with torch.no_grad():
                aside = loss_of(config, parameters, held.view(8, -1))
            print(f"{config.variant} step {step} loss {loss:.3f} held out {aside:.3f} "
                  f"nats/byte, {time.time() - start:.0f} s", flush=True)
    return {name: p.detach().contiguous() for name, p in parameters.items()}


@torch.no_grad()
def reference_of_text(config, parameters):
    """Some text that was not trained on, and the logits of its positions."""
    tokens = corpus()[1][None, :REFERENCE_LENGTH]
    logits, _ = lm.forward(config, parameters, tokens, lm.initial_state(config))
    return {"tokens": tokens, "logits": logits.contiguous()}


@torch.no_grad()
def reference(config, parameters):
    """Prompt, logits of its positions, greedy continuation, and how clear each choice was."""
    tokens = torch.tensor(list(PROMPT.encode()), dtype=torch.int64)[None]
    logits, state = lm.forward(config, parameters, tokens, lm.initial_state(config))
    last, greedy, margins = logits[:, -1], [], []
    for _ in range(GREEDY_TOKENS):
        best = last.topk(2).values[0]
        margins.append((best[0] - best[1]).item())
        greedy.append(last.argmax(-1))
        last, state = lm.forward(config, parameters, greedy[-1][None], state)
        last = last[:, -1]
    print(f"{config.variant}: smallest margin of a greedy choice {min(margins):.4f}")
    print(PROMPT + bytes(int(t) for t in greedy).decode("latin-1"))
    return {"tokens": tokens, "logits": logits.contiguous(), "greedy": torch.stack(greedy, 1)}


def main():
    parser = ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=lm.VARIANTS, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--reference-only", action="store_true", help="keep the stored weights")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    config = lm.Config(arguments.variant)
    weights = arguments.out / f"model.{config.variant}.safetensors"
    if not arguments.reference_only:
        save_file(train(config, arguments), weights)
    of = reference_of_text if config.variant == "alibi" else reference
    save_file(of(config, load_file(weights)),
              arguments.out / f"reference.{config.variant}.safetensors")


if __name__ == "__main__":
    main()
