# ===- recurrence_meaning.py - random linear recurrences, and what they compute -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Updates, gates, read-outs and sizes of recurrences, their inputs, and their rows and states in f64. A near miss
changes one thing."""
import dataclasses

import numpy as np

UPDATES = ("linear", "decay", "channels", "delta", "gated", "gated channels", "erase", "scan")
NEAR_MISSES = ("square", "tanh", "reverse", "plain", "two", "of state", "value decay", "both",
               "added", "elsewhere", "negative", "lost", "matrix", "chosen", "other result", "from one",
               "fed back", "bonus", "maximum")


@dataclasses.dataclass
class Choices:
    """What is computed, as opposed to how it is written."""
    batch: int
    heads: int
    group: int  # query heads per head of the state
    steps: int
    width: int
    values: int
    update: str
    gate: str = "log"  # what decays are given as: log, logistic, constant
    read: str = "post"  # pre, bonus
    shared: bool = False  # keys and queries of all heads
    scale: float = 1.0
    state: bool = False  # given
    final: bool = False  # returned
    finish: str = ""  # what is done to rows: gate, skip
    ahead: bool = False  # values of the next position
    missed: str = ""


def choose(rng, missed=""):
    c = Choices(batch=int(rng.integers(1, 4)), heads=int(rng.integers(1, 4)), group=int(rng.choice([1, 1, 2])),
                steps=int(rng.integers(2, 8)), width=int(rng.integers(2, 6)), values=int(rng.integers(2, 6)),
                update=str(rng.choice(UPDATES)), gate=str(rng.choice(["log", "log", "logistic", "constant"])),
                read=str(rng.choice(["post", "post", "pre", "bonus"])), shared=bool(rng.integers(4) == 0),
                scale=float(rng.choice([1.0, 0.25, 0.37])), state=bool(rng.integers(2)),
                final=bool(rng.integers(2)), finish=str(rng.choice(["", "", "gate", "skip"])), ahead=bool(rng.integers(8) == 0),
                missed=missed)
    if c.update == "scan":
        c.group, c.read, c.shared, c.gate, c.scale = 1, "post", False, "log", 1.0
    if c.read == "bonus" and (c.group > 1 or c.update in ("delta", "gated", "gated channels")):
        c.read = "pre"
    if c.group > 1:
        c.shared, c.finish = False, ""
    if missed == "plain":
        c.gate = "log"
    if missed in ("plain", "of state", "value decay", "negative") and "decay" not in c.update:
        c.update = "decay"
    if missed == "matrix":
        c.update = "erase"
    if missed == "bonus":
        c.read, c.group = "bonus", 1
    if missed in ("two", "maximum", "added", "lost", "square", "both") and c.update == "scan":
        c.update = "linear"
    if missed == "fed back":
        c.finish = ""
    if missed in ("added", "both"):
        c.read = "post"
    if missed in ("lost", "bonus"):
        c.update = "linear"
    return c


def shapes(c):
    """Of every input that the update has, [B,H,N,...] or without positions."""
    b, h, n, k, d = c.batch, c.heads, c.steps, c.width, c.values
    hk = 1 if c.shared else h
    if c.update == "scan":
        out = {"q": (b, n, k), "k": (b, n, k), "v": (b, n, d), "dt": (b, n, d), "a": (d, k)}
    else:
        out = {"q": (b, 1 if c.shared else h * c.group, n, k), "k": (b, hk, n, k), "v": (b, h, n, d)}
    if c.update in ("decay", "gated"):
        out["g"] = (b, h, n)
    if c.update in ("channels", "gated channels"):
        out["g"] = (b, h, n, k)
    if "g" in out and c.gate == "constant":
        out["g"] = out["g"][1:2] + out["g"][3:]
    if c.update in ("delta", "gated", "gated channels"):
        out["beta"] = (b, h, n)
    if c.update == "erase":
        out |= {"ea": (b, h, n, k), "eb": (b, h, n, k)}
    if c.read == "bonus":
        out["u"] = (h, k)
    if c.missed == "bonus":
        out["u"] = (b, h, n, k)
    if c.state:
        out["s"] = (b, d, k) if c.update == "scan" else (b, h, k, d)
    if c.finish or c.missed in ("two", "added"):
        out["z"] = out["v"]
    if c.missed == "value decay":
        out["w"] = (b, h, n, d)
    if c.missed == "matrix":
        out["m"] = (b, h, n, k, k)
    if c.ahead:
        out["v"] = tuple(x + 1 if i == len(out["v"]) - 2 else x for i, x in enumerate(out["v"]))
    return out


def inputs(c, rng):
    out = {}
    for name, shape in shapes(c).items():
        x = rng.standard_normal(shape).astype(np.float32)
        if name == "g":
            x = -np.abs(x) if c.gate == "log" else x
            if c.missed == "plain":
                x = np.abs(x)
        if name in ("beta",):
            x = 1 / (1 + np.exp(-x))
        if name in ("k", "ea", "eb", "m") and c.update != "scan":
            x = x / np.sqrt(c.width)
        if name == "dt":
            x = np.abs(x)
        if name == "a":
            x = -np.abs(x)
        out[name] = x.astype(np.float16).astype(np.float32)
    return out


def constant_gates(c):
    """Decays per head or channel that are written into the program."""
    rng = np.random.default_rng([c.steps, c.heads, c.width])
    shape = (c.heads,) if c.update in ("decay", "gated") else (c.heads, c.width)
    return np.float32(0.5 + 0.5 * rng.random(shape))


def reference(c, arrays):
    """f64: rows as [B,H,N,D], the state as [B,H,K,D]; of a scan without heads."""
    x = {n: a.astype(np.float64) for n, a in arrays.items()}
    if c.update == "scan":
        y, s = scan(c, x)
    else:
        y, s = attention(c, x)
    if c.finish == "gate":
        z = x["z"]
        y = y * z / (1 + np.exp(-z))
    if c.finish == "skip":
        y = y + 0.5 * x["z"]
    y = y.swapaxes(0, -2)
    if c.missed == "elsewhere":
        y = y[::-1]
    if c.missed == "from one":
        y[0] = 0
    return y.swapaxes(0, -2), s


def scan(c, x):
    h = x.get("s", np.zeros((c.batch, c.values, c.width))).copy()
    rows = []
    order = range(c.steps)
    for t in order:
        at = c.steps - 1 - t if c.missed == "reverse" else t
        v = x["v"][:, t + 1 if c.ahead else t]
        d = x["dt"][:, t, :, None]
        before = h
        h = np.exp(d * x["a"]) * h + d * x["k"][:, at, None] * v[..., None]
        h, row = odd_step(c, x, t, before, h, lambda s: np.einsum("bk,bdk->bd", x["q"][:, t], s), rows)
        rows.append(row)
    return np.stack(rows, 1), h


def odd_step(c, x, t, before, after, read, rows):
    """The near misses that all updates share: the state and the row."""
    if c.missed == "tanh":
        after = np.tanh(after)
    if c.missed == "chosen" and t % 2:
        after = before
    if c.missed == "from one" and t == 0:
        after = before
    row = read(after)
    if c.missed == "fed back" and t:
        row = row + rows[-1]
    return after, row


def attention(c, x):
    hs, g = c.heads, c.group
    up = lambda a: np.repeat(a, hs // a.shape[1], 1)
    k, v = up(x["k"]), up(x["v"])
    q = np.repeat(x["q"], hs * g // x["q"].shape[1], 1) * c.scale
    s = x.get("s", np.zeros((c.batch, hs, c.width, c.values))).copy()
    rows = []
    for t in range(c.steps):
        kt = k[:, :, c.steps - 1 - t if c.missed == "reverse" else t]
        vt = v[:, :, t + 1 if c.ahead else t]
        kv = kt[..., None] * vt[..., None, :]
        a = gates(c, x, t)
        if c.missed == "of state":
            a = a * np.tanh(s[..., :1, :1])
        if c.missed == "value decay":
            a = a * np.exp(x["w"][:, :, t, None])
        before = s
        s = (-a if c.missed == "negative" else a) * s
        if c.missed == "square":
            s = 0.01 * s * s
        if c.missed == "lost":
            s = 0 * s
        if "beta" in x:
            wrong = np.einsum("bhk,bhkd->bhd", kt, s)
            s = s + x["beta"][:, :, t, None, None] * kt[..., None] * (vt - wrong)[..., None, :]
        elif c.missed == "matrix":
            s = s + np.einsum("bhkj,bhjd->bhkd", x["m"][:, :, t], before) + kv
        elif "ea" in x:
            seen = np.einsum("bhk,bhkd->bhd", x["ea"][:, :, t], before)
            s = s + x["eb"][:, :, t, :, None] * seen[..., None, :] + kv
        else:
            s = s + kv
        if c.missed == "two":
            s = s + (kt * kt)[..., None] * x["z"][:, :, t, None]

        def read(state):
            if c.read == "pre":
                state = before
            if c.read == "bonus":
                u = x["u"][:, :, t, :, None] if c.missed == "bonus" else x["u"][None, :, :, None]
                state = before + u * kv
            if c.missed == "both":
                state = state + before
            if c.missed == "added":
                state = state + kt[..., None] * x["z"][:, :, t, None]
            if c.missed == "maximum":
                return np.repeat(state.max(2), g, 1)
            return np.einsum("bhk,bhkd->bhd", q[:, :, t], np.repeat(state, g, 1))

        s, row = odd_step(c, x, t, before, s, read, rows)
        rows.append(row)
    return np.stack(rows, 2), s


def gates(c, x, t):
    """[B,H,K or 1,1]"""
    if c.update not in ("decay", "channels", "gated", "gated channels"):
        return np.ones((1, 1, 1, 1))
    if c.gate == "constant":
        a = constant_gates(c).astype(np.float64)
        return a.reshape((1, c.heads, -1, 1))
    a = x["g"][:, :, t]
    a = a.reshape(a.shape[:2] + (-1, 1))
    if c.missed == "plain":
        return a
    return np.exp(a) if c.gate == "log" else 1 / (1 + np.exp(-a))
