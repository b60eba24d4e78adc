# ===- digits.py - an image classifier and its train step -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Convolutions, batch norm and pooling on scikit-learn's 8x8 digits, trained by one bundle.

    python -m linnet.examples.digits data DIR        images, labels, initial weights
    python -m linnet.examples.digits emit > train.mlir
    linnet-compile train.mlir -o train.lnb --weights=DIR/init.safetensors
    linnet-run train.lnb --function=train --steps=400 --batches=DIR/data.safetensors --save-state=DIR/state.safetensors
    linnet-run train.lnb --function=classify --state=DIR/state.safetensors --input=DIR/test.npy

`train` is forward, backward and SGD with momentum; the running statistics of the norms are states
like the parameters, which `classify` reads.
"""

import argparse
import pathlib
import sys

import numpy as np

from linnet._src.arguments import ArgumentParser

BATCH, MOMENTUM, DECAY, STATS = 64, 0.9, 1e-4, 0.1
CHANNELS = (1, 16, 32)
TEST = 297


def shapes():
    result = {}
    for i, (before, after) in enumerate(zip(CHANNELS, CHANNELS[1:])):
        result[f"conv{i}"] = (after, before, 3, 3)
        result[f"scale{i}"] = result[f"shift{i}"] = (after,)
    result["head"], result["bias"] = (10, CHANNELS[-1] * 4), (10,)
    return result


def initial(seed=0):
    rng = np.random.default_rng(seed)
    values = {}
    for name, shape in shapes().items():
        fan = int(np.prod(shape[1:]))
        values[name] = (np.ones(shape) if name.startswith("scale") else
                        np.zeros(shape) if len(shape) == 1 else
                        rng.standard_normal(shape) * (2 / fan) ** 0.5).astype(np.float32)
    for i, channels in enumerate(CHANNELS[1:]):
        values[f"mean{i}"] = np.zeros(channels, np.float32)
        values[f"var{i}"] = np.ones(channels, np.float32)
    return values


def dataset(steps, seed=0):
    """Batches of training images and labels, and the images and labels kept aside."""
    from sklearn.datasets import load_digits
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    order = np.random.default_rng(seed).permutation(len(images))
    images, labels = images[order], labels[order].astype(np.int64)
    picks = np.random.default_rng(seed + 1).integers(0, len(images) - TEST, (steps, BATCH))
    return images[:-TEST][picks], labels[:-TEST][picks], images[-TEST:], labels[-TEST:]


def tensor(shape, dtype="f32"):
    return "tensor<" + "".join(f"{n}x" for n in shape) + dtype + ">"


def _body(batch, training):
    """Lines from %image to %logits; the names of the next running statistics."""
    lines, x, size, after = [], "%image", 8, []
    for i, (before, channels) in enumerate(zip(CHANNELS, CHANNELS[1:])):
        vector, source = tensor([channels]), tensor([batch, before, size, size])
        full, half = (tensor([batch, channels, n, n]) for n in (size, size // 2))
        for name in ("conv", "scale", "shift", "mean", "var"):
            type = tensor(shapes().get(f"{name}{i}", (channels,)))
            lines.append(f"%{name}{i} = ml_program.global_load @{name}{i} : {type}")
        lines.append(f"%c{i} = linnet.conv {x}, %conv{i} padding [1, 1, 1, 1] : {source}, "
                     f"{tensor(shapes()[f'conv{i}'])} -> {full}")
        affine = f"scale(%scale{i} : {vector}) bias(%shift{i} : {vector})"
        if training:
            lines.append(f"%n{i}, %m{i}, %v{i}, %rm{i}, %rv{i} = linnet.batch_norm_train %c{i} {affine}"
                         f" running(%mean{i}, %var{i} : {vector}, {vector}) momentum {STATS} eps 1.0e-5"
                         f" : {full} -> {vector}, {vector}, {vector}, {vector}")
            after += [(f"mean{i}", f"%rm{i}", vector), (f"var{i}", f"%rv{i}", vector)]
        else:
            lines.append(f"%n{i} = linnet.batch_norm %c{i} mean(%mean{i} : {vector}) "
                         f"var(%var{i} : {vector}) {affine} eps 1.0e-5 : {full}")
        lines.append(f"%r{i} = linnet.feature_map relu %n{i} : {full}")
        lines.append(f"%p{i} = linnet.max_pool %r{i} kernel [2, 2] strides [2, 2] : {full} -> {half}")
        x, size = f"%p{i}", size // 2
    flat, logits = tensor([batch, CHANNELS[-1] * size * size]), tensor([batch, 10])
    lines += [f"%flat = tensor.collapse_shape {x} [[0], [1, 2, 3]] : {half} into {flat}",
              f"%head = ml_program.global_load @head : {tensor(shapes()['head'])}",
              "%bias = ml_program.global_load @bias : tensor<10xf32>",
              f'%product = linnet.einsum "nk,ck->nc" %flat, %head : {flat}, '
              f"{tensor(shapes()['head'])} -> {logits}",
              f"%bias_rows = linnet.broadcast %bias : tensor<10xf32> -> {logits}",
              f"%logits = arith.addf %product, %bias_rows : {logits}"]
    return lines, after


def text():
    names = list(shapes())
    types = [tensor(shapes()[n]) for n in names]
    out = ["// A classifier of 8x8 digits and its train step.",
           "// Written by python/linnet/examples/digits.py.", ""]
    for name, value in initial().items():
        type = tensor(value.shape)
        out.append(f"ml_program.global private mutable @{name}(#ml_program.extern<{type}>) : {type}")
    for name, type in zip(names, types):
        out.append(f'ml_program.global private mutable @"momentum.{name}" : {type}')
    out.append("ml_program.global private mutable @step : tensor<i64>\n")
    image, label = tensor([BATCH, 1, 8, 8]), tensor([BATCH], "i64")
    logits = tensor([BATCH, 10])
    lines, after = _body(BATCH, True)
    stats = ", ".join(t for _, _, t in after)
    out.append(f"func.func private @loss(%image: {image}, %label: {label}) -> (tensor<f32>, {stats}) {{")
    out += ["  " + line for line in lines]
    out.append(f"  %loss = linnet.cross_entropy mean %logits, %label : {logits}, {label} -> tensor<f32>")
    out.append(f"  return %loss, {', '.join(v for _, v, _ in after)} : tensor<f32>, {stats}\n}}\n")
    out.append(f"""func.func @train(%image: {image} {{linnet.name = "image"}}, %label: {label} {{linnet.name = "label"}},
                 %rate: tensor<f32> {{linnet.name = "rate"}}) -> (tensor<f32> {{linnet.name = "loss"}}) {{
  %one = arith.constant dense<1> : tensor<i64>
  %before = ml_program.global_load @step : tensor<i64>
  %step = arith.addi %before, %one : tensor<i64>
  ml_program.global_store @step = %step : tensor<i64>
  %loss, %stats:{len(after)}, %grads:{len(names)} = linnet.value_and_grad @loss(%image, %label)
      wrt [{', '.join('@' + n for n in names)}]
      : ({image}, {label}) -> (tensor<f32>, {stats}, {', '.join(types)})""")
    for i, (name, _, type) in enumerate(after):
        out.append(f"  ml_program.global_store @{name} = %stats#{i} : {type}")
    for name, type in zip(names, types):
        out.append(f"  %{name} = ml_program.global_load @{name} : {type}")
        out.append(f'  %momentum_{name} = ml_program.global_load @"momentum.{name}" : {type}')
    every = ", ".join(types)
    out.append(f"""  %next:{2 * len(names)} = linnet.sgd params({', '.join('%' + n for n in names)} : {every})
      grads({', '.join(f'%grads#{i}' for i in range(len(names)))} : {every})
      momenta({', '.join('%momentum_' + n for n in names)} : {every})
      lr(%rate) step(%step) momentum({MOMENTUM}) weight_decay({DECAY:.1e}) -> {every}, {every}""")
    for i, (name, type) in enumerate(zip(names, types)):
        out.append(f"  ml_program.global_store @{name} = %next#{i} : {type}")
        out.append(f'  ml_program.global_store @"momentum.{name}" = %next#{len(names) + i} : {type}')
    out.append("  return %loss : tensor<f32>\n}\n")
    image, logits = tensor([TEST, 1, 8, 8]), tensor([TEST, 10])
    out.append(f'func.func @classify(%image: {image} {{linnet.name = "image"}}) -> '
               f'(tensor<{TEST}xi64> {{linnet.name = "label"}}) {{')
    out += ["  " + line for line in _body(TEST, False)[0]]
    out.append(f"  %label = linnet.argmax %logits axis 1 : {logits} -> tensor<{TEST}xi64>\n"
               f"  return %label : tensor<{TEST}xi64>\n}}")
    return "\n".join(out) + "\n"


def rates(steps):
    return np.linspace(0.01, 0.002, steps).astype(np.float32)


def write_data(folder, steps):
    from safetensors.numpy import save_file
    images, labels, test, answers = dataset(steps)
    save_file({"image": images, "label": labels, "rate": rates(steps)}, folder / "data.safetensors")
    save_file(initial(), folder / "init.safetensors")
    np.save(folder / "test.npy", test)
    np.save(folder / "answers.npy", answers)


def main():
    parser = ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("emit", "data"))
    parser.add_argument("folder", type=pathlib.Path, nargs="?", default=pathlib.Path("."))
    parser.add_argument("--steps", type=int, default=400)
    arguments = parser.parse_args()
    if arguments.what == "emit":
        sys.stdout.write(text())
    else:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        write_data(arguments.folder, arguments.steps)


if __name__ == "__main__":
    main()
