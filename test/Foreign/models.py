# ===- models.py - small models of the usual architectures ---------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# Written as the public ones are, with the ops that matter to a compiler; the sizes are odd on
# purpose.
#
# ===----------------------------------------------------------------------===//
import math

import torch
import torch.nn.functional as F
from torch import nn


def split_heads(x, heads):
    return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def merge_heads(x):
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)


def gelu_tanh(x):
    """Spelled out, as GPT-2 has it: torch-mlir's own form rounds the constant to 0.797724."""
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x.pow(3))))


class GPT2Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        q, k, v = (split_heads(t, self.heads) for t in self.qkv(self.ln1(x)).chunk(3, -1))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        n = x.shape[1]
        causal = torch.ones(n, n, dtype=torch.bool).tril()
        scores = scores.masked_fill(~causal, torch.finfo(scores.dtype).min)
        x = x + self.out(merge_heads(scores.softmax(-1) @ v))
        return x + self.down(gelu_tanh(self.up(self.ln2(x))))


class GPT2(nn.Module):
    def __init__(self, vocabulary=97, context=16, d=24, heads=3, layers=2):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, d), nn.Embedding(context, d)
        self.blocks = nn.ModuleList(GPT2Block(d, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(d)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.wte.weight.T


class RMSNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def rotate(x, cos, sin):
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat((-high, low), -1) * sin


class LlamaBlock(nn.Module):
    """Grouped queries, rotary positions, gated feed-forward; a window makes it Mistral."""

    def __init__(self, d, heads, groups, window):
        super().__init__()
        self.heads, self.groups, self.window = heads, groups, window
        head = d // heads
        self.q, self.k, self.v = (nn.Linear(d, n * head, bias=False)
                                  for n in (heads, groups, groups))
        self.o = nn.Linear(d, d, bias=False)
        self.gate, self.up = (nn.Linear(d, 2 * d, bias=False) for _ in range(2))
        self.down = nn.Linear(2 * d, d, bias=False)
        self.norm1, self.norm2 = RMSNorm(d), RMSNorm(d)

    def forward(self, x, cos, sin):
        h = self.norm1(x)
        q = rotate(split_heads(self.q(h), self.heads), cos, sin)
        k = rotate(split_heads(self.k(h), self.groups), cos, sin)
        v = split_heads(self.v(h), self.groups)
        k, v = (t[:, :, None].expand(-1, -1, self.heads // self.groups, -1, -1).flatten(1, 2)
                for t in (k, v))
        rows = torch.arange(x.shape[1])
        visible = rows[None, :] <= rows[:, None]
        if self.window:
            visible = visible & (rows[None, :] > rows[:, None] - self.window)
        bias = torch.where(visible, 0.0, torch.finfo(torch.float32).min)
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias
        x = x + self.o(merge_heads(scores.softmax(-1) @ v))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    def __init__(self, vocabulary=89, d=32, heads=4, groups=2, layers=2, window=0):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, d)
        self.blocks = nn.ModuleList(LlamaBlock(d, heads, groups, window) for _ in range(layers))
        self.norm = RMSNorm(d)
        self.head = nn.Linear(d, vocabulary, bias=False)
        self.register_buffer("frequencies",
                             10000.0 ** -(torch.arange(0, d // heads, 2) / (d // heads)))

    def forward(self, tokens):
        angles = torch.arange(tokens.shape[1])[:, None] * self.frequencies
        angles = torch.cat((angles, angles), -1)
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, angles.cos(), angles.sin())
        return self.head(self.norm(x))


class Encoder(nn.Module):
    """Post-norm (BERT) or pre-norm (ViT) transformer layer."""

    def __init__(self, d, heads, prenorm):
        super().__init__()
        self.heads, self.prenorm = heads, prenorm
        self.q, self.k, self.v, self.out = (nn.Linear(d, d) for _ in range(4))
        self.up, self.down = nn.Linear(d, 3 * d), nn.Linear(3 * d, d)
        self.ln1, self.ln2 = nn.LayerNorm(d, 1e-12), nn.LayerNorm(d, 1e-12)

    def attend(self, x, bias):
        q, k, v = (split_heads(f(x), self.heads) for f in (self.q, self.k, self.v))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if bias is not None:
            scores = scores + bias
        return self.out(merge_heads(scores.softmax(-1) @ v))

    def forward(self, x, bias=None):
        if self.prenorm:
            x = x + self.attend(self.ln1(x), bias)
            return x + self.down(F.gelu(self.up(self.ln2(x))))
        x = self.ln1(x + self.attend(x, bias))
        return self.ln2(x + self.down(F.gelu(self.up(x))))


class BERT(nn.Module):
    def __init__(self, vocabulary=61, d=24, heads=3, layers=2):
        super().__init__()
        self.words, self.positions = nn.Embedding(vocabulary, d), nn.Embedding(16, d)
        self.types, self.norm = nn.Embedding(2, d), nn.LayerNorm(d, 1e-12)
        self.layers = nn.ModuleList(Encoder(d, heads, False) for _ in range(layers))
        self.pooler = nn.Linear(d, d)

    def forward(self, tokens, mask, types):
        x = self.words(tokens) + self.positions.weight[:tokens.shape[1]] + self.types(types)
        x = self.norm(x)
        bias = (1.0 - mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
        for layer in self.layers:
            x = layer(x, bias)
        return x, torch.tanh(self.pooler(x[:, 0]))


class ViT(nn.Module):
    def __init__(self, size=20, patch=4, d=24, heads=2, layers=2, classes=7):
        super().__init__()
        self.patches = nn.Conv2d(3, d, patch, patch)
        self.cls = nn.Parameter(torch.randn(1, 1, d))
        self.positions = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, d))
        self.layers = nn.ModuleList(Encoder(d, heads, True) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, classes)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls.expand(x.shape[0], -1, -1), x), 1) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 0])


class Bottleneck(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout)
        self.conv2, self.bn2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout)
        self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False),
                                  nn.BatchNorm2d(cout)) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.down(x))


class ResNet(nn.Module):
    def __init__(self, classes=7):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8),
                                  nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.stages = nn.Sequential(Bottleneck(8, 8, 1), Bottleneck(8, 16, 2))
        self.head = nn.Linear(16, classes)

    def forward(self, image):
        x = self.stages(self.stem(image))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class ConvNeXtBlock(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.depthwise = nn.Conv2d(d, d, 7, padding=3, groups=d)
        self.norm = nn.LayerNorm(d, 1e-6)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.scale = nn.Parameter(torch.full((d,), 0.5))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.down(F.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class ChannelNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, classes=7):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 12, 4, 4), ChannelNorm(12, 1e-6), ConvNeXtBlock(12),
                                  ChannelNorm(12, 1e-6), nn.Conv2d(12, 20, 2, 2),
                                  ConvNeXtBlock(20))
        self.norm, self.head = nn.LayerNorm(20, 1e-6), nn.Linear(20, classes)

    def forward(self, image):
        return self.head(self.norm(self.body(image).mean((-2, -1))))


class LSTM(nn.Module):
    def __init__(self, vocabulary=53, d=16, hidden=20):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, d)
        self.lstm = nn.LSTM(d, hidden, num_layers=2, batch_first=True)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, tokens):
        return self.head(self.lstm(self.embed(tokens))[0])


def tokens(vocabulary, shape):
    return torch.randint(0, vocabulary, shape)


def build(name):
    """A model in eval mode and example inputs."""
    torch.manual_seed(0)
    mask = torch.ones(2, 9, dtype=torch.int64)
    mask[1, 6:] = 0
    image = lambda n: torch.randn(2, 3, n, n)  # noqa: E731
    model, inputs = {
        "gpt2": lambda: (GPT2(), (tokens(97, (2, 11)),)),
        "llama": lambda: (Llama(), (tokens(89, (2, 10)),)),
        "mistral": lambda: (Llama(window=4), (tokens(89, (1, 13)),)),
        "bert": lambda: (BERT(), (tokens(61, (2, 9)), mask, tokens(2, (2, 9)))),
        "vit": lambda: (ViT(), (image(20),)),
        "resnet": lambda: (ResNet(), (image(33),)),
        "convnext": lambda: (ConvNeXt(), (image(40),)),
        "lstm": lambda: (LSTM(), (tokens(53, (2, 7)),)),
    }[name]()
    model.eval()
    for m in model.modules():  # running statistics and affine parameters that do something
        if isinstance(m, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.5, 0.5)
        if isinstance(m, nn.Embedding):
            nn.init.normal_(m.weight, 0, 0.2)
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.running_mean, -0.5, 0.5)
            nn.init.uniform_(m.running_var, 0.5, 1.5)
    return model, inputs


NAMES = ("gpt2", "llama", "mistral", "bert", "vit", "resnet", "convnext", "lstm")
