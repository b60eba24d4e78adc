# ===- test_fold_weights.py - what depends on weights alone is computed once -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import re
import subprocess

import numpy as np
import pytest
from linnet import runtime, testing
from linnet._src.reference import conv
from safetensors.numpy import save_file

ADAPTED = """
ml_program.global private @w(#ml_program.extern : tensor<24x40xT>) : tensor<24x40xT>
ml_program.global private @a(#ml_program.extern : tensor<24x3xT>) : tensor<24x3xT>
ml_program.global private @b(#ml_program.extern : tensor<3x40xT>) : tensor<3x40xT>
"""
BODY = """
  %w = ml_program.global_load_const @w : tensor<24x40xT>
  %a = ml_program.global_load_const @a : tensor<24x3xT>
  %b = ml_program.global_load_const @b : tensor<3x40xT>
  %ab = linnet.einsum "ir,rj->ij" %a, %b : tensor<24x3xT>, tensor<3x40xT> -> tensor<24x40xT>
  %merged = arith.addf %w, %ab : tensor<24x40xT>
  %y = linnet.einsum "ni,ij->nj" %x, %merged : tensor<?x24xT>, tensor<24x40xT> -> tensor<?x40xT>
"""


def adapted(dtype):
    functions = "".join(f"func.func @{name}(%x: tensor<?x24xT>) -> tensor<?x40xT> {{{BODY}  return %y : tensor<?x40xT>\n}}\n"
                        for name in ("main", "other"))
    return (ADAPTED + functions).replace("T>", dtype + ">").replace("xT", "x" + dtype)


def weights(dtype, path):
    rng = np.random.default_rng(0)
    arrays = {"w": testing.random(rng, (24, 40), dtype), "a": testing.random(rng, (24, 3), dtype),
              "b": testing.random(rng, (3, 40), dtype)}
    save_file(arrays, path)
    return arrays


def dispatches(text, *flags):
    done = subprocess.run([testing.build_folder() / "bin" / "linnet-compile", "-", "--compile-to=dispatches", "-o", "-",
                           *flags], input=text, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("dtype", testing.FLOATS)
def test_adapters_are_merged(dtype, tmp_path):
    path = tmp_path / "w.safetensors"
    arrays, text = weights(dtype, path), adapted(dtype)
    made = dispatches(text, f"--weights={path}")
    assert made.count("exec.dispatch ") == 2 and "@folded_" not in made  # one per function, of one new weight
    x = testing.random(np.random.default_rng(1), (7, 24), dtype)
    once, = testing.run(text, x, weights=path)
    every, = testing.run(text, x, weights=path, flags=("--fold-weights=false",))
    w, a, b, wide = (testing.wide(v) for v in (arrays["w"], arrays["a"], arrays["b"], x))
    # the merged matrix is rounded to its type, twice; then a sum of 24
    unit = testing.unit_roundoff(x.dtype)
    size = abs(wide) @ (abs(w) + abs(a) @ abs(b))
    for result in (once, every):
        assert (abs(testing.wide(result) - wide @ (w + a @ b)) <= 4 * unit * size).all()


def test_what_is_not_at_hand_is_computed_in_every_call(tmp_path):
    path = tmp_path / "w.safetensors"
    arrays, text = weights("f32", path), adapted("f32")
    for flags in (["--weights-external"], []):
        assert "@folded" not in dispatches(text, *flags)
    bundle = testing.compile_text(text, "--weights-external")
    module = testing.open_bundle(bundle, weights=[path])
    x = testing.random(np.random.default_rng(1), (2, 24), "f32")
    y, = module.session().call("main", x)
    testing.assert_close(y, testing.wide(x) @ (testing.wide(arrays["w"]) + testing.wide(arrays["a"]) @ testing.wide(arrays["b"])),
                         depth=48, magnitude=abs(x) @ (abs(arrays["w"]) + abs(arrays["a"]) @ abs(arrays["b"])))


def test_what_only_moves_or_grows_stays():
    numbers = np.arange(256.0).reshape(2, 128).tolist()
    text = f"""
    func.func @main(%x: tensor<256x2xf32>) -> (tensor<256x2xf32>, tensor<2x128x128xf32>) {{
      %w = arith.constant dense<{numbers}> : tensor<2x128xf32>
      %v = arith.constant dense<{numbers}> : tensor<2x128xf32>
      %t = linnet.einsum "ij->ji" %w : tensor<2x128xf32> -> tensor<128x2xf32>
      %tt = tensor.concat dim(0) %t, %t : (tensor<128x2xf32>, tensor<128x2xf32>) -> tensor<256x2xf32>
      %y = arith.addf %x, %tt : tensor<256x2xf32>
      %o = linnet.einsum "bi,bj->bij" %w, %v : tensor<2x128xf32>, tensor<2x128xf32> -> tensor<2x128x128xf32>
      return %y, %o : tensor<256x2xf32>, tensor<2x128x128xf32>
    }}"""
    assert "@folded" not in dispatches(text)


@pytest.mark.parametrize("groups", [1, 2])
def test_the_filter_of_a_transposed_convolution_is_turned_once(groups):
    rng = np.random.default_rng(0)
    x, w = (testing.random(rng, shape, "f32") for shape in ((1, 4, 5, 6), (4, 3, 3, 4)))
    text = f"""
    func.func @main(%x: tensor<1x4x5x6xf32>) -> tensor<1x{3 * groups}x11x14xf32> {{
      %w = arith.constant dense<{w.tolist()}> : tensor<4x3x3x4xf32>
      %y = linnet.conv_transpose %x, %w groups {groups} strides [2, 2]
          : tensor<1x4x5x6xf32>, tensor<4x3x3x4xf32> -> tensor<1x{3 * groups}x11x14xf32>
      return %y : tensor<1x{3 * groups}x11x14xf32>
    }}"""
    every = dispatches(text, "--fold-weights=false").count("exec.dispatch ")
    assert every - dispatches(text).count("exec.dispatch ") == 4  # the filter's part for each phase
    once, = testing.run(text, x)
    again, = testing.run(text, x, flags=("--fold-weights=false",))
    np.testing.assert_array_equal(once, again)
    expected = conv.conv_transpose(testing.wide(x), testing.wide(w), strides=[2, 2],
                              groups=groups)
    np.testing.assert_allclose(once, expected, atol=1e-5)


def test_a_fault_is_that_of_the_call():
    text = """
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %w = arith.constant dense<[1.0, 2.0, 4.0]> : tensor<3xf32>
      %i = arith.constant dense<[1, 3]> : tensor<2xi32>
      %g = linnet.gather %w, %i axis 0 : tensor<3xf32>, tensor<2xi32> -> tensor<2xf32>
      %e = math.exp %g : tensor<2xf32>
      %y = arith.addf %x, %e : tensor<2xf32>
      return %y : tensor<2xf32>
    }"""
    with pytest.raises(runtime.Error, match="index"):
        testing.run(text, np.zeros(2, np.float32))


def test_bundles_are_the_same_on_every_run(tmp_path):
    path = tmp_path / "w.safetensors"
    weights("bf16", path)
    made = []
    for i in range(2):
        out = tmp_path / f"{i}.lnb"
        subprocess.run([testing.build_folder() / "bin" / "linnet-compile", "-", f"--weights={path}", "-o", out],
                       input=adapted("bf16"), text=True, check=True)
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_missing_weights_are_named_once(tmp_path):
    path = tmp_path / "w.safetensors"
    save_file({"w": np.zeros((24, 40), np.float32), "a": np.zeros((24, 3), np.float32)}, path)
    with pytest.raises(testing.CompileError) as error:
        testing.compile_text(adapted("f32"), weights=path)
    assert len(re.findall("weight 'b'", str(error.value))) == 1
