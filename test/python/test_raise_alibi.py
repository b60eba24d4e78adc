# ===- test_raise_alibi.py - biases by distance are found in attention -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""ALiBi as models spell it: the raised op takes the slopes, and the results are those of the bias."""
import numpy as np
import pytest
from linnet import testing
from linnet._src.running_error import UNIT, attend, einsum
from upstream import lower

HEADS, ROWS, KEYS = 4, 9, 9
CAUSAL, ALL = "arith.cmpi sle, %j, %i : index", "arith.constant true"
INTEGERS = "%x = arith.index_cast %i : index to i64\n%y = arith.index_cast %j : index to i64\n"
FLOATS = INTEGERS + "%a = arith.sitofp %x : i64 to f32\n%b = arith.sitofp %y : i64 to f32\n"
J_LESS_I = INTEGERS + "%n = arith.subi %y, %x : i64\n%d = arith.sitofp %n : i64 to f32\n"
# name: (which keys are seen, from row %i, key %j and slope %m to the bias %r, the same in NumPy)
FOUND = {
    "distance": (CAUSAL, J_LESS_I + "%r = arith.mulf %m, %d : f32", lambda m, i, j: m * (j - i)),
    "everywhere": (ALL, J_LESS_I + "%r = arith.mulf %d, %m : f32", lambda m, i, j: m * (j - i)),
    "keys": (CAUSAL, FLOATS + "%r = arith.mulf %m, %b : f32", lambda m, i, j: m * j),
    "of_floats": (CAUSAL, FLOATS + "%d = arith.subf %a, %b : f32\n%s = arith.negf %d : f32\n"
                  "%r = arith.mulf %s, %m : f32", lambda m, i, j: m * (j - i)),
    "absolute": (CAUSAL, FLOATS + "%d = arith.subf %a, %b : f32\n%s = math.absf %d : f32\n"
                 "%n = arith.negf %m : f32\n%r = arith.mulf %n, %s : f32",
                 lambda m, i, j: -m * abs(j - i)),
    "absolute_integer": (CAUSAL, INTEGERS + "%n = arith.subi %y, %x : i64\n%d = math.absi %n : i64\n"
                         "%s = arith.sitofp %d : i64 to f32\n%t = arith.mulf %m, %s : f32\n"
                         "%r = arith.negf %t : f32", lambda m, i, j: -m * abs(j - i)),
    "scaled": (CAUSAL, J_LESS_I + "%c = arith.constant 0.25 : f32\n%s = arith.mulf %d, %c : f32\n"
               "%r = arith.mulf %m, %s : f32", lambda m, i, j: 0.25 * m * (j - i)),
}
# what is a bias and stays one
OTHERS = {
    "absolute_of_all": (ALL, FOUND["absolute"][1], FOUND["absolute"][2]),
    "square": (CAUSAL, J_LESS_I + "%s = arith.mulf %d, %d : f32\n%r = arith.mulf %m, %s : f32",
               lambda m, i, j: m * (j - i) ** 2),
    "by_row": (CAUSAL, FLOATS + "%s = arith.mulf %m, %a : f32\n%r = arith.mulf %s, %b : f32",
               lambda m, i, j: m * i * j),
    "from_later": (CAUSAL, INTEGERS + "%c = arith.constant 2 : i64\n%w = arith.subi %x, %c : i64\n"
                   "%n = arith.subi %w, %y : i64\n%d = math.absi %n : i64\n"
                   "%s = arith.sitofp %d : i64 to f32\n%r = arith.mulf %m, %s : f32",
                   lambda m, i, j: m * abs(i - 2 - j)),
}


def program(seen, bias):
    q, s = f"tensor<1x{HEADS}x{ROWS}x8xf32>", f"tensor<1x{HEADS}x{ROWS}x{KEYS}xf32>"
    maps = "affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (h)>, " \
           "affine_map<(b, h, i, j) -> (b, h, i, j)>"
    return f"""
func.func @main(%q: {q}, %k: {q}, %v: {q}, %slopes: tensor<{HEADS}xf32>) -> {q} {{
  %low = arith.constant 0xFF800000 : f32
  %dots = linnet.einsum "bhid,bhjd->bhij" %q, %k : {q}, {q} -> {s}
  %e = tensor.empty() : {s}
  %scores = linalg.generic {{indexing_maps = [{maps}],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}}
      ins(%dots, %slopes : {s}, tensor<{HEADS}xf32>) outs(%e : {s}) {{
  ^bb0(%dot: f32, %m: f32, %old: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    {bias}
    %sum = arith.addf %dot, %r : f32
    %seen = {seen}
    %score = arith.select %seen, %sum, %low : f32
    linalg.yield %score : f32
  }} -> {s}
  %p = linnet.softmax %scores axis 3 : {s}
  %o = linnet.einsum "bhij,bhjd->bhid" %p, %v : {s}, {q} -> {q}
  return %o : {q}
}}"""


def check(case, raised):
    seen, bias, value = case
    rng = np.random.default_rng(7)
    q, k, v = (rng.standard_normal((1, HEADS, ROWS, 8)).astype(np.float32) for _ in range(3))
    slopes = np.float32([0.5, 0.25, -0.125, 0.75])
    result = testing.load(raised).session().call("main", q, k, v, slopes)
    i, j = np.arange(ROWS)[:, None], np.arange(KEYS)[None, :]
    slope = testing.Computed(slopes[:, None, None])
    # what is the same for all keys of a row, and the program may leave out, is rounded too
    bias = value(slope, i, j) + testing.Computed(0, 4 * UNIT * (abs(slope.value) * ROWS * KEYS).max())
    s = einsum("bhid,bhjd->bhij", q, k) + bias
    want = attend(s, v, "bhij,bhjd->bhid", j <= i if seen == CAUSAL else True)
    testing.assert_close(result[0] if isinstance(result, (list, tuple)) else result, want)


@pytest.mark.parametrize("name", FOUND)
def test_found(name):
    raised = lower(program(*FOUND[name][:2]), "--linnet-raise")
    assert " alibi_slopes(" in raised and " bias(" not in raised
    check(FOUND[name], raised)


@pytest.mark.parametrize("name", OTHERS)
def test_stays_a_bias(name):
    raised = lower(program(*OTHERS[name][:2]), "--linnet-raise")
    assert " alibi_slopes(" not in raised
    check(OTHERS[name], raised)
