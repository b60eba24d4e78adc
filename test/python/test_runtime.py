# ===- test_runtime.py - linnet.runtime on bundles written by hand -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import os
import pathlib
import subprocess
import threading

import ml_dtypes
import numpy as np
import pytest

pytestmark = pytest.mark.cpu  # the runtime's interface, bundles of the CPU made by hand

BUILD = pathlib.Path(os.environ.get("LINNET_BUILD", pathlib.Path(__file__).parents[2] / "build"))
linnet_runtime = pytest.importorskip("linnet.runtime")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")

    def make(kind):
        path = folder / f"{kind}.lnb"
        if not path.exists():
            subprocess.run([BUILD / "bin" / "make-bundle", kind, path], check=True)
        return path

    return make


@pytest.fixture(scope="module")
def runtime():
    return linnet_runtime.Runtime(threads=2)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 4096])
def test_call(runtime, bundle, n):
    session = runtime.load(bundle("axpy")).session()
    x = np.random.default_rng(n).normal(size=n).astype(np.float32)
    y = np.arange(n, dtype=np.float32)
    (out,) = session.call("axpy", x, y)
    np.testing.assert_array_equal(out, x + x + y)
    given = np.full(n, -1, np.float32)
    (same,) = session.call("axpy", x, y[::-1], out=[given])
    assert same is given
    np.testing.assert_array_equal(given, x + x + y[::-1])


def test_bytes(runtime, bundle):
    module = runtime.load(bundle("axpy").read_bytes())
    (out,) = module.session().call("axpy", np.float32([1, 2]), np.float32([3, 4]))
    np.testing.assert_array_equal(out, [5, 8])
    assert module.level == "x86-64-v3"


def test_description(runtime, bundle):
    module = runtime.load(bundle("all"))
    function = module.functions["axpy"]
    assert function.symbols == (linnet_runtime.Symbol("N", 1, 4096, 1),)
    assert [(p.name, p.dims, p.dtype) for p in function.arguments] == [
        ("x", ("N",), np.float32), ("y", ("N",), np.float32)]
    assert function.memory["arguments"] == 3 * 4 * 4096
    assert module.memory("axpy", N=10)["arguments"] == 120
    assert module.functions["update"].results[0].state == "sum"
    assert module.functions["update"].results[0].alias == 1


def test_errors(runtime, bundle, tmp_path):
    session = runtime.load(bundle("axpy")).session()
    one = np.ones(3, np.float32)
    with pytest.raises(linnet_runtime.Error, match="'N' is already 3") as error:
        session.call("axpy", one, np.ones(4, np.float32))
    assert error.value.code == "INVALID_ARGUMENT"
    with pytest.raises(linnet_runtime.Error, match="argument 'x' expects Nxf32, found 3xf64"):
        session.call("axpy", one.astype(np.float64), one)
    with pytest.raises(TypeError, match="takes 2 inputs .*'x' Nxfloat32.*found 1"):
        session.call("axpy", one)
    with pytest.raises(KeyError, match="there are 'axpy'"):
        session.call("nope", one)
    with pytest.raises(ValueError, match="fewer arrays in out"):
        session.call("axpy", one, one, out=[])
    with pytest.raises(linnet_runtime.Error, match="'out' has the shape 3xf32"):
        session.call("axpy", one, one, out=[np.empty(4, np.float32)])
    with pytest.raises(linnet_runtime.Error, match="No such file") as error:
        runtime.load(tmp_path / "none.lnb")
    assert error.value.code == "IO"
    with pytest.raises(linnet_runtime.Error, match="magic") as error:
        runtime.load(b"x" * 100)
    assert error.value.code == "BAD_FILE"
    with pytest.raises(linnet_runtime.Error, match="avx1024, teleport") as error:
        runtime.load(bundle("future"))
    assert error.value.code == "UNSUPPORTED"


def test_states(runtime, bundle, tmp_path):
    module = runtime.load(bundle("counter"))
    session = module.session()
    assert session.states["sum"].shape == (-1,) and not session.states["sum"].created
    for step in range(3):
        (old,) = session.call("update", np.arange(5))
        np.testing.assert_array_equal(old, step * np.arange(5))
    np.testing.assert_array_equal(session.get_state("sum"), 3 * np.arange(5))
    # The state alone gives the size here.
    np.testing.assert_array_equal(session.call("read")[0], 3 * np.arange(5))
    session.save_state(tmp_path / "s.safetensors")
    other = module.session(N=2)
    np.testing.assert_array_equal(other.get_state("sum"), [0, 0])
    other.load_state(tmp_path / "s.safetensors")
    np.testing.assert_array_equal(other.call("read")[0], 3 * np.arange(5))
    other.set_state("sum", np.int64([7]))
    np.testing.assert_array_equal(other.call("read")[0], [7])
    other.reset_state()
    np.testing.assert_array_equal(other.call("read")[0], [0])


def test_state_file_is_safetensors(runtime, bundle, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    session = runtime.load(bundle("counter")).session()
    session.call("update", np.int64([1, -2]))
    session.save_state(tmp_path / "s.safetensors")
    np.testing.assert_array_equal(
        safetensors.load_file(tmp_path / "s.safetensors")["sum"], [1, -2])
    safetensors.save_file({"sum": np.int64([5, 6, 7])}, tmp_path / "t.safetensors")
    session.load_state(tmp_path / "t.safetensors")
    np.testing.assert_array_equal(session.call("read")[0], [5, 6, 7])


def test_external_weights(runtime, bundle, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    w = np.arange(15, dtype=np.float32).reshape(3, 5)
    safetensors.save_file({"w": w, "unused": np.ones(3)}, tmp_path / "w.safetensors")
    plain, packed = runtime.load(bundle("weights"), [tmp_path / "w.safetensors"]).session().call(
        "weights")
    np.testing.assert_array_equal(plain, w)
    expected = np.zeros((2, 3, 4), np.float32)  # [ceil(n / 4)][k][4]
    for n in range(5):
        expected[n // 4, :, n % 4] = w[:, n]
    np.testing.assert_array_equal(packed, expected)
    safetensors.save_file({"w": w.T.copy()}, tmp_path / "bad.safetensors")
    with pytest.raises(linnet_runtime.Error, match="'w' is 5x3xf32, expected 3x5xf32"):
        runtime.load(bundle("weights"), [tmp_path / "bad.safetensors"])


def test_fault_and_poison(runtime, bundle):
    session = runtime.load(bundle("gather")).session()
    with pytest.raises(linnet_runtime.Error, match="model.mlir:7:5: index out of range, first at "
                       "element 2") as error:
        session.call("gather", np.int32([1, 2, 100, 100]))
    assert error.value.code == "FAULT" and session.states["seen"].poisoned
    with pytest.raises(linnet_runtime.Error) as error:
        session.call("gather", np.int32([1, 2, 3, 4]))
    assert error.value.code == "POISONED"
    session.reset_state("seen")
    assert session.call("gather", np.int32([1, 2, 3, 4])) == []


def test_trace(runtime, bundle):
    session = runtime.load(bundle("all")).session()
    events = session.trace("chain5", np.ones(40, np.float32))
    assert [event["op"] for event in events] == ["test.step"] * 5
    assert all(event["chunks"] == 3 for event in events)


def test_threads_share_a_module(runtime, bundle):
    module = runtime.load(bundle("all"))
    wrong = []

    def work(seed):
        session = module.session()
        for n in range(1, 60):
            x = np.full(n, seed, np.float32)
            if not (session.call("chain5", x)[0] == 32 * x).all():
                wrong.append((seed, n))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_bfloat16_and_npy(runtime, bundle, tmp_path):
    """linnet-run writes bf16 as NumPy writes ml_dtypes' bfloat16, and rounds splats to even."""
    values = np.array([0.1, 1 + 2**-8, 1 + 3 * 2**-8, -3e-41, 3.4e38, np.inf], np.float64)
    session = runtime.load(bundle("cast")).session()
    for dtype, function in ((ml_dtypes.bfloat16, "bf16"), (np.float16, "f16")):
        with np.errstate(over="ignore"):
            x = values.astype(dtype)
        (out,) = session.call(function, x)
        assert out.dtype == dtype
        np.testing.assert_array_equal(out.view(np.uint16), x.view(np.uint16))
        for value, expected in zip(values, x):
            subprocess.run([BUILD / "bin" / "linnet-run", bundle("cast"),
                            f"--function={function}", f"--input=1x{function}={float(value)!r}",
                            f"--output={tmp_path / 'o.npy'}"], check=True)
            found = np.load(tmp_path / "o.npy").view(dtype)
            assert found.view(np.uint16)[0] == expected.view(np.uint16), (function, value)
        np.save(tmp_path / "x.npy", x)
        subprocess.run([BUILD / "bin" / "linnet-run", bundle("cast"), f"--function={function}",
                        f"--input={tmp_path / 'x.npy'}", f"--expect={tmp_path / 'x.npy'}",
                        "--rtol=0", "--atol=0"], check=True)
