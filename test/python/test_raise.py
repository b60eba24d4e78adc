# ===- test_raise.py - linnet-raise finds what programs spell out -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Attention in random spellings (attention_spellings.py): found in all of them, with the same results;
near misses stay as they are. Foreign models give PyTorch's results after raising."""
import os
import pathlib
import re
import subprocess

import attention_exports as exports
import attention_spellings as spellings
import numpy as np
import pytest
from linnet import testing
from raised_programs import check
from upstream import Module, lower

FOLDER = pathlib.Path(__file__).parents[1] / "Foreign"
FULL = bool(os.environ.get("LINNET_FULL"))
MATCHED, EXECUTED, MISSED = (1000, 200, 100) if FULL else (300, 24, 50)


def programs(count, seed, near_misses=False):
    """Functions f0, f1, … in one module."""
    out = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        missed = spellings.NEAR_MISSES[i % len(spellings.NEAR_MISSES)] if near_misses else ""
        c = spellings.choose(rng, missed)
        if missed == "shallow":
            c.causal, c.window = "top_left", 0
        text, layouts = spellings.write(c, rng, f"f{i}")
        out.append((c, text, layouts))
    return out


def raised(text):
    """The module, and how many attention ops each function has."""
    text = lower(text, "--linnet-raise")
    bodies = re.split(r"(?=func\.func @f\d)", text)[1:]
    return text, [body.count("linnet.attention ") for body in bodies]


def test_every_spelling_is_found():
    given = programs(MATCHED, 1)
    _, counts = raised("\n".join(text for _, text, _ in given))
    assert len(counts) == len(given)
    missed = [(c, text) for (c, text, _), n in zip(given, counts) if n != 1]
    assert not missed, f"{len(missed)} of {len(given)} not found, the first: {missed[0]}"


def call_all(text, given, seed):
    session = testing.load(text).session()
    for i, (c, _, layouts) in enumerate(given):
        arrays = spellings.inputs(c, np.random.default_rng([seed, i]))
        *of_inputs, of_result = layouts
        values = [spellings.laid_out(x, layout) for x, layout in zip(arrays, of_inputs)]
        result = session.call(f"f{i}", *values)
        result = result[0] if isinstance(result, (list, tuple)) else result
        yield c, arrays, result.transpose(0, 2, 1, 3) if of_result == "bnhd" else result


def test_raised_programs_compute_the_same():
    given = programs(EXECUTED, 2)
    text, counts = raised("\n".join(text for _, text, _ in given))
    assert all(n == 1 for n in counts)
    for c, arrays, result in call_all(text, given, 3):
        check(spellings, c, arrays, result)


def test_near_misses_stay():
    given = programs(MISSED, 4, near_misses=True)
    source = "\n".join(text for _, text, _ in given)
    text, counts = raised(source)
    found = [(c, body) for (c, body, _), n in zip(given, counts) if n]
    assert not found, f"{len(found)} of {len(given)} are no attention, the first: {found[0]}"
    some = given if FULL else given[:10]
    before = call_all("\n".join(body for _, body, _ in some), some, 5)
    after = call_all(raised("\n".join(body for _, body, _ in some))[0], some, 5)
    for (c, _, x), (_, _, y) in zip(before, after):
        np.testing.assert_array_equal(x, y, err_msg=str(c))


TOSA = "--pass-pipeline=builtin.module(func.func(tosa-make-broadcastable,tosa-to-linalg-named," \
    "canonicalize,tosa-to-linalg,tosa-to-tensor,tosa-to-arith,canonicalize))"


def export_bound(make, arrays):
    """A weight is relatively off by what its score is, a sum of products and perhaps a bias, and a result by that
    of the largest value; the reference is that of upstream, so magnitudes come from the inputs."""
    floats = [abs(x.astype(np.float64)) for x in arrays if x.dtype.kind == "f"]
    rows = np.concatenate([x.reshape(-1, exports.D) for x in floats if x.size % exports.D == 0])
    largest = max(x.max() for x in floats)
    score = (rows @ rows.T).max() * (1 if make is exports.t5_bias else exports.D ** -0.5) + largest
    # weights that the program rounds to 16 bits are f32 in attention; they sum to one
    error = testing.unit_roundoff(np.float16) * largest if make is exports.half_precision else 0.0
    return dict(depth=exports.D + exports.S, magnitude=largest * (1 + score), error=error)


def test_exported_spellings():
    """Twenty, all found; what the op cannot say stays. Their results are those of upstream's loops over the
    steps as they are written, in f64."""
    cases = [exports.write(make) for make in [*exports.RAISED, *exports.STAY]]
    text = lower("\n".join(body for body, _, _ in cases), TOSA)
    bodies = re.split(r"(?=func\.func @)", lower(text, "--linnet-raise", "--canonicalize"))[1:]
    assert len(exports.RAISED) == 20 and len(bodies) == len(cases)
    for (make, masks), body in zip(exports.RAISED.items(), bodies):
        assert body.count("linnet.attention ") == 1, body
        line = re.search(r"linnet\.attention .*", body)[0]
        found = ["bias"] if " bias(" in line else []
        found += [m for m in ("causal", "window", "explicit") if m in line]
        assert " ".join(found) == masks, (make.__name__, line)
        assert not re.search(r"math\.exp|\.softmax ", body), body
    assert all("linnet.attention" not in body for body in bodies[len(exports.RAISED):])
    wide = text.replace("f32", "f64").replace("0xFF800000", "0xFFF0000000000000")
    plain = Module(wide, "--canonicalize", "--linnet-lower-to-structured", "--canonicalize", "--cse")
    session = testing.load("\n".join(body for body, _, _ in cases)).session()
    for make, (_, given, shape) in zip([*exports.RAISED, *exports.STAY], cases):
        arrays = exports.inputs(given, np.random.default_rng(1))
        given = [x.astype(np.float64) if x.dtype == np.float32 else x for x in arrays]
        want, = plain.call(make.__name__, given, [(np.float64, len(shape))])
        got = session.call(make.__name__, *arrays)
        try:
            testing.assert_close(got[0] if isinstance(got, (list, tuple)) else got, want,
                                 **export_bound(make, arrays))
        except AssertionError as error:
            raise AssertionError(f"{make.__name__}: {error}") from None


@pytest.mark.parametrize("name, masks", [
    ("gpt2", "causal"), ("llama", ""), ("mistral", ""), ("bert", ""), ("vit", "")])
def test_foreign_models(name, masks):
    """Every block's attention, heads grouped where the model groups them."""
    text = lower((FOLDER / f"{name}.mlir").read_text(), "--linnet-raise", "--canonicalize")
    found = re.findall(r"linnet\.attention .*", text)
    assert len(found) == 2
    assert all(("causal" in line) == (masks == "causal") for line in found)
    inputs = [np.load(p) for p in sorted(FOLDER.glob(f"{name}.in*.npy"))]
    results = testing.run(text, *inputs, weights=FOLDER / f"{name}.safetensors")
    for got, path in zip(results, sorted(FOLDER.glob(f"{name}.out*.npy"))):
        np.testing.assert_allclose(got, np.load(path), rtol=0, atol=1e-4)


def test_explains_what_almost_matched():
    tool = testing.build_folder() / "bin" / "linnet-opt"
    done = subprocess.run([tool, "--linnet-raise=explain", "-"], capture_output=True, text=True, input="""
func.func @f(%q: tensor<1x1x4x8xf32>, %k: tensor<1x1x4x8xf32>, %t: tensor<1x1x4x4xf32>) -> tensor<1x1x4x8xf32> {
  %s = linnet.einsum "bhqd,bhkd->bhqk" %q, %k : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x4xf32>
  %m = arith.mulf %s, %t : tensor<1x1x4x4xf32>
  %p = linnet.softmax %m axis 3 : tensor<1x1x4x4xf32>
  %o = linnet.einsum "bhqk,bhkd->bhqd" %p, %k : tensor<1x1x4x4xf32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}""")
    assert done.returncode == 0
    assert ":6:8: remark: attention, almost: the scores are scaled by what is no constant" in done.stderr
