# ===- test_states_in_place.py - recurrences on donated states -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""A recurrence whose state is the session's writes over what it reads. It must give the bits of
the same kernel between two memories, for every way to cut the positions into calls."""
import dataclasses

import numpy as np
import pytest
from linnet import reference as ref
from linnet import testing as lt

BATCH, CHANNELS, HEADS, DEPTH = 2, 37, 3, 16


@dataclasses.dataclass(frozen=True)
class Recurrence:
    """`moving`: arguments by name with N where the positions are; `state`: its shape."""
    op: str
    moving: dict
    fixed: dict
    state: tuple
    expected: callable
    state_type: str = "f32"
    dtype: str = "f32"

    def types(self):
        types = {n: lt.tensor_type([-1 if d == "N" else d for d in s], self.dtype,
                                   [i for i, d in enumerate(s) if d == "N"])
                 for n, s in self.moving.items()}
        types |= {n: lt.tensor_type(s, self.dtype) for n, s in self.fixed.items()}
        return types | {"s": lt.tensor_type(self.state, self.state_type)}

    def text(self):
        """@inside has the state in the session, @apart as an argument and a result."""
        t, text = self.types(), ""
        for name, mark in (("inside", 'linnet.state = "s"'), ("apart", "")):
            arguments = [f"%{n}: {t[n]} {{linnet.dims = [" + ", ".join(
                '"N"' if d == "N" else str(d) for d in s) + "]}" for n, s in self.moving.items()]
            arguments += [f"%{n}: {t[n]}" for n in self.fixed]
            arguments.append(f"%s: {t['s']}" + f" {{{mark}}}" * bool(mark))
            y = t[next(reversed(self.moving))]
            result = t["s"] + f" {{{mark}}}" * bool(mark)
            text += (f"func.func @{name}({', '.join(arguments)}) -> ({y}, {result}) {{\n"
                     f"  %y:2 = linnet.{self.op.format(**t, y=y)} -> {y}, {t['s']}\n"
                     f"  return %y#0, %y#1 : {y}, {t['s']}\n}}\n")
        return text

    def arrays(self, length):
        rng = np.random.default_rng(3)
        shapes = {n: [length if d == "N" else d for d in s] for n, s in self.moving.items()}
        shapes |= self.fixed
        arrays = {n: lt.random(rng, s, self.dtype, 0.5) for n, s in shapes.items()}
        if "k" in arrays:  # as the delta rule wants it, so that states stay small
            arrays["k"] /= np.linalg.norm(arrays["k"], axis=-1, keepdims=True)
        for n in ("a", "g"):  # decays
            if n in arrays:
                arrays[n] = -np.abs(arrays[n])
        if "beta" in arrays:
            arrays["beta"] = 1 / (1 + np.exp(arrays["beta"]))
        return arrays, lt.random(rng, self.state, self.state_type)

    def piece(self, arrays, begin, end):
        """Positions of all that move, contiguous."""
        return [np.ascontiguousarray(x.take(range(begin, end), self.moving[n].index("N")))
                if n in self.moving else x for n, x in arrays.items()]

    @property
    def axis(self):
        return next(reversed(self.moving.values())).index("N")


HEAD = (BATCH, HEADS, "N", DEPTH)
CHANNEL = (BATCH, "N", CHANNELS)
SCAN = dict(moving={"b": (BATCH, "N", 8), "c": (BATCH, "N", 8), "d": CHANNEL, "u": CHANNEL},
            fixed={"a": (CHANNELS, 8)}, state=(BATCH, CHANNELS, 8))
CASES = {
    "linear_attention": Recurrence(
        "linear_attention %q, %k, %v state(%s : {s}) : {q}, {k}, {v}",
        {"q": HEAD, "k": HEAD, "v": HEAD}, {}, (BATCH, HEADS, DEPTH, DEPTH),
        lambda q, k, v, s: ref.linear_attention(q, k, v, state=s)),
    "linear_attention decay": Recurrence(
        "linear_attention %q, %k, %v decay(%g : {g}) state(%s : {s}) : {q}, {k}, {v}",
        {"g": HEAD[:3], "q": HEAD, "k": HEAD, "v": HEAD}, {}, (BATCH, HEADS, DEPTH, DEPTH),
        lambda g, q, k, v, s: ref.linear_attention(q, k, v, decay=g, state=s)),
    "linear_attention delta rule": Recurrence(
        "linear_attention %q, %k, %v beta(%beta : {beta}) state(%s : {s}) : {q}, {k}, {v}",
        {"beta": HEAD[:3], "q": HEAD, "k": HEAD, "v": HEAD}, {}, (BATCH, HEADS, DEPTH, DEPTH),
        lambda beta, q, k, v, s: ref.linear_attention(q, k, v, beta=beta, state=s)),
    "selective_scan": Recurrence(
        "selective_scan %u, %d, %a, %b, %c state(%s : {s}) softplus : {u}, {d}, {a}, {b}, {c}",
        expected=lambda b, c, d, u, a, s: ref.selective_scan(u, d, a, b, c, state=s,
                                                             softplus=True), **SCAN),
    "causal_conv": Recurrence(
        "causal_conv %x, %w state(%s : {s}) activation<silu> : {x}, {w}", {"x": CHANNEL},
        {"w": (CHANNELS, 4)}, (BATCH, CHANNELS, 3),
        lambda x, w, s: ref.causal_conv(x, w, state=s, activation="silu")),
    "causal_conv wide": Recurrence(
        "causal_conv %x, %w state(%s : {s}) : {x}, {w}", {"x": CHANNEL},
        {"w": (CHANNELS, 12)}, (BATCH, CHANNELS, 11),
        lambda x, w, s: ref.causal_conv(x, w, state=s)),
    "causal_conv bf16": Recurrence(
        "causal_conv %x, %w state(%s : {s}) : {x}, {w}", {"x": CHANNEL},
        {"w": (CHANNELS, 4)}, (BATCH, CHANNELS, 3),
        lambda x, w, s: ref.causal_conv(*map(lt.wide, (x, w)), state=lt.wide(s)),
        state_type="bf16", dtype="bf16"),
}
PIECES = [(1, 1, 1, 1, 1), (70,), (2, 0, 65, 1), (3, 17, 1, 33)]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_state_in_place(name, threads):
    case = CASES[name]
    module = lt.load(case.text(), "--strict-donation", f"--threads={threads}", threads=threads)
    state_bytes = np.prod(case.state) * lt.DTYPES[case.state_type].itemsize
    assert module.memory("inside", N=1)["arena"] < state_bytes
    for pieces in PIECES:
        arrays, state = case.arrays(sum(pieces))
        session, rows, apart = module.session(), [], state
        session.set_state("s", state)
        begin = 0
        for length in pieces:
            inputs = case.piece(arrays, begin, begin + length)
            begin += length
            y, = session.call("inside", *inputs, poison=True)
            z, apart = module.session().call("apart", *inputs, apart)
            np.testing.assert_array_equal(y.view(np.uint8), z.view(np.uint8))
            np.testing.assert_array_equal(session.get_state("s").view(np.uint8),
                                          apart.view(np.uint8))
            rows.append(y)
        expected, last = case.expected(**arrays, s=state)
        close = dict(rtol=2e-2, atol=2e-2) if case.dtype == "bf16" else dict(rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(lt.wide(np.concatenate(rows, case.axis)), expected, **close)
        np.testing.assert_allclose(lt.wide(apart), last, **close)
