# ===- test_gradients_unet.py - derivatives of a U-Net -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Convolutions, group and batch norm, silu, strided convolutions and max pooling down, a transposed
convolution and resizing up, skips by concatenation (arXiv:1505.04597): the gradients of everything,
of images and weights, and training, against PyTorch's autograd in float64."""
import gradient_training as training
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from linnet import gradients as lg
from linnet import testing as lt

B, HEIGHT, WIDTH, GROUPS = 2, 8, 12, 2
CHANNELS = IMAGE, TOP, MIDDLE, BOTTOM = 3, 4, 6, 8
WEIGHTS = {"in": (TOP, IMAGE, 3, 3), "ing": (TOP,), "inb": (TOP,),
           "down": (MIDDLE, TOP, 3, 3), "downg": (MIDDLE,), "downb": (MIDDLE,),
           "low": (BOTTOM, MIDDLE, 3, 3), "lowg": (BOTTOM,), "lowb": (BOTTOM,),
           "up": (BOTTOM, MIDDLE, 2, 2), "upb": (MIDDLE,),
           "mid": (TOP, 2 * MIDDLE, 3, 3), "midg": (TOP,), "midb": (TOP,),
           "top": (TOP, 2 * TOP, 3, 3), "topg": (TOP,), "topb": (TOP,),
           "out": (IMAGE, TOP, 1, 1), "outb": (IMAGE,)}


def tensor(*shape, dtype="f32"):
    return "tensor<" + "".join(f"{n}x" for n in shape) + dtype + ">"


class Network:
    """Lines of the body, as they are asked for."""

    def __init__(self, dtype):
        self.dtype, self.lines, self.shapes = dtype, [], {}

    def type(self, name):
        return tensor(*(self.shapes.get(name) or WEIGHTS[name]), dtype=self.dtype)

    def add(self, name, shape, line):
        self.shapes[name] = shape
        self.lines.append("  " + line)
        return name

    def conv(self, name, x, weight, stride=1, bias=None):
        b, _, h, w = self.shapes[x]
        channels, _, k, _ = WEIGHTS[weight]
        shape, pad = (b, channels, h // stride, w // stride), k // 2
        options = f"bias %{bias} " * bool(bias) + f"strides {[stride] * 2} padding {[pad] * 4}"
        types = [self.type(v) for v in (x, weight, bias) if v]
        return self.add(name, shape, f"%{name} = linnet.conv %{x}, %{weight} {options} : "
                                     f"{', '.join(types)} -> {tensor(*shape, dtype=self.dtype)}")

    def group_norm(self, name, x, scale, bias):
        """Layer norm of groups of channels, scaled per channel."""
        shape = b, c, h, w = self.shapes[x]
        groups, t, small = (b, GROUPS, c // GROUPS, h, w), self.type(x), self.type(scale)
        g = tensor(*groups, dtype=self.dtype)
        self.add(f"{name}0", groups, f"%{name}0 = tensor.expand_shape %{x} [[0], [1, 2], [3], [4]] "
                 f"output_shape {list(groups)} : {t} into {g}")
        self.add(f"{name}1", groups, f"%{name}1 = linnet.layer_norm %{name}0 axes 3 eps 1.0e-5 : {g}")
        self.add(f"{name}2", shape, f"%{name}2 = tensor.collapse_shape %{name}1 "
                 f"[[0], [1, 2], [3], [4]] : {g} into {t}")
        for part, value in (("s", scale), ("b", bias)):
            self.add(f"{name}{part}", shape,
                     f"%{name}{part} = linnet.broadcast %{value} dims [1] : {small} -> {t}")
        self.add(f"{name}3", shape, f"%{name}3 = arith.mulf %{name}2, %{name}s : {t}")
        return self.add(name, shape, f"%{name} = arith.addf %{name}3, %{name}b : {t}")

    def batch_norm(self, name, x, scale, bias):
        shape, small = self.shapes[x], tensor(self.shapes[x][1])
        return self.add(name, shape,
                        f"%{name}, %{name}m, %{name}v = linnet.batch_norm_train %{x} "
                        f"scale(%{scale} : {self.type(scale)}) bias(%{bias} : {self.type(bias)}) "
                        f"eps 1.0e-5 : {self.type(x)} -> {small}, {small}")

    def silu(self, name, x):
        shape, t = self.shapes[x], self.type(x)
        self.add(f"{name}n", shape, f"%{name}n = arith.negf %{x} : {t}")
        self.add(f"{name}e", shape, f"%{name}e = math.exp %{name}n : {t}")
        self.add(f"{name}1", shape, f"%{name}1 = arith.constant dense<1.0> : {t}")
        self.add(f"{name}d", shape, f"%{name}d = arith.addf %{name}1, %{name}e : {t}")
        return self.add(name, shape, f"%{name} = arith.divf %{x}, %{name}d : {t}")

    def sized(self, name, x, height, width, op, options=""):
        shape = (*self.shapes[x][:2], height, width)
        return self.add(name, shape, f"%{name} = linnet.{op} %{x} {options}: {self.type(x)} -> "
                                     f"{tensor(*shape, dtype=self.dtype)}")

    def up(self, name, x, weight, bias):
        b, _, h, w = self.shapes[x]
        shape = (b, WEIGHTS[weight][1], 2 * h, 2 * w)
        return self.add(name, shape, f"%{name} = linnet.conv_transpose %{x}, %{weight} bias %{bias} "
                        f"strides [2, 2] : {self.type(x)}, {self.type(weight)}, {self.type(bias)} -> "
                        f"{tensor(*shape, dtype=self.dtype)}")

    def concat(self, name, x, y):
        b, c, h, w = self.shapes[x]
        shape = (b, c + self.shapes[y][1], h, w)
        return self.add(name, shape, f"%{name} = tensor.concat dim(1) %{x}, %{y} : ({self.type(x)}, "
                                     f"{self.type(y)}) -> {tensor(*shape, dtype=self.dtype)}")


def body(down, dtype="f32"):
    """From %x to %y; the second level is reached by a strided convolution or by pooling."""
    n = Network(dtype)
    n.shapes["x"] = (B, IMAGE, HEIGHT, WIDTH)
    top = n.silu("h0", n.group_norm("g0", n.conv("c0", "x", "in"), "ing", "inb"))
    middle = n.silu("h1", n.batch_norm("g1", n.conv("c1", top, "down", 2), "downg", "downb"))
    if down == "pool":
        pooled = n.sized("p", middle, HEIGHT // 4, WIDTH // 4, "max_pool", "kernel [2, 2] strides [2, 2] ")
        low = n.conv("c2", pooled, "low")
    else:
        low = n.conv("c2", middle, "low", 2)
    low = n.silu("h2", n.group_norm("g2", low, "lowg", "lowb"))
    joined = n.concat("j0", n.up("u0", low, "up", "upb"), middle)
    joined = n.silu("h3", n.batch_norm("g3", n.conv("c3", joined, "mid"), "midg", "midb"))
    wide = n.sized("u1", joined, HEIGHT, WIDTH, "resize linear half_pixel" if down == "pool"
                   else "resize nearest asymmetric")
    last = n.silu("h4", n.group_norm("g4", n.conv("c4", n.concat("j1", wide, top), "top"), "topg", "topb"))
    n.conv("y", last, "out", bias="outb")
    return "\n".join(n.lines)


def program(down, dtype="f32"):
    x = tensor(B, IMAGE, HEIGHT, WIDTH, dtype=dtype)
    weights = "".join(f", %{n}: {tensor(*s, dtype=dtype)}" for n, s in WEIGHTS.items())
    return f"func.func @main(%x: {x}{weights}) -> {x} {{\n{body(down, dtype)}\n  return %y : {x}\n}}"


def torch_network(down):
    def call(x, *weights):
        w = dict(zip(WEIGHTS, weights))
        group = lambda h, n: F.silu(F.group_norm(h, GROUPS, w[n + "g"], w[n + "b"]))
        batch = lambda h, n: F.silu(F.batch_norm(h, None, None, w[n + "g"], w[n + "b"], True))
        top = group(F.conv2d(x, w["in"], padding=1), "in")
        middle = batch(F.conv2d(top, w["down"], stride=2, padding=1), "down")
        low = (F.conv2d(F.max_pool2d(middle, 2), w["low"], padding=1) if down == "pool" else
               F.conv2d(middle, w["low"], stride=2, padding=1))
        up = F.conv_transpose2d(group(low, "low"), w["up"], w["upb"], stride=2)
        joined = batch(F.conv2d(torch.cat([up, middle], 1), w["mid"], padding=1), "mid")
        wide = F.interpolate(joined, scale_factor=2, mode="bilinear" if down == "pool" else "nearest")
        last = group(F.conv2d(torch.cat([wide, top], 1), w["top"], padding=1), "top")
        return F.conv2d(last, w["out"], w["outb"])
    return call


def draw_weights(dtype="f32"):
    rng = np.random.default_rng(3)
    weights = []
    for name, shape in WEIGHTS.items():
        x = rng.standard_normal(shape)
        x = x * (2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else name.endswith("g") + 0.1 * x
        weights.append(x.astype(lt.DTYPES[dtype]))
    return weights


def draw(dtype="f32"):
    x = np.random.default_rng(4).standard_normal((B, IMAGE, HEIGHT, WIDTH))
    return [x.astype(lt.DTYPES[dtype]), *draw_weights(dtype)]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("down", ["stride", "pool"])
def test_gradients(down, threads):
    lg.check(program(down), draw(), torch=torch_network(down), threads=threads)


def test_same_bits_at_every_thread_count():
    text, inputs = lg.module(program("pool")), draw()
    inputs.append(np.ones((B, IMAGE, HEIGHT, WIDTH), np.float32))
    lt.assert_same_bits(text, *inputs)


RATE, MOMENTUM = 0.05, 0.9


def train_step(down):
    """Learns to take the noise off an image."""
    x = tensor(B, IMAGE, HEIGHT, WIDTH)
    return training.step_text(WEIGHTS, {"x": x, "want": x}, f"""{body(down)}
  %error = arith.subf %y, %want : {x}
  %square = arith.mulf %error, %error : {x}
  %loss = linnet.reduce mean %square axes [0, 1, 2, 3] : {x} -> tensor<f32>""", MOMENTUM)


def draw_images(step):
    """Waves of random phases, and the same with noise."""
    rng = np.random.default_rng(step)
    phase = rng.uniform(0, 6.28, (B, IMAGE, 1, 1))
    rows, columns = np.arange(HEIGHT)[:, None], np.arange(WIDTH)
    want = np.sin(0.8 * rows + 0.5 * columns + phase).astype(np.float32)
    return (want + 0.3 * rng.standard_normal(want.shape)).astype(np.float32), want


def torch_loss(weights, x, want):
    return F.mse_loss(torch_network("stride")(x, *weights), want)


def test_training_follows_pytorch_and_lowers_the_loss():
    weights, batches = draw_weights(), [draw_images(step) for step in range(60)]
    losses = training.losses(train_step("stride"), weights, batches, RATE)
    assert np.mean(losses[-5:]) < 0.4 * losses[0]
    # later on the momentum makes more of every rounding
    expected = training.torch_losses(torch_loss, weights, batches[:20], RATE, MOMENTUM)
    np.testing.assert_allclose(losses[:20], expected, rtol=1e-3)
