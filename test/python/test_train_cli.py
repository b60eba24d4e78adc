# ===- test_train_cli.py - linnet-run trains, saves and goes on -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import os
import resource
import signal
import subprocess
import time

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from linnet import testing as lt

FULL = bool(os.environ.get("LINNET_FULL"))
TRAIN = """
ml_program.global private mutable @w(dense<0.5> : tensor<3x2xf32>) : tensor<3x2xf32>
ml_program.global private mutable @m : tensor<3x2xf32>
ml_program.global private mutable @v : tensor<3x2xf32>
ml_program.global private mutable @step : tensor<i64>

func.func private @loss(%x: tensor<5x3xf32>, %t: tensor<5x2xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<3x2xf32>
  %y = linnet.einsum "nk,km->nm" %x, %w : tensor<5x3xf32>, tensor<3x2xf32> -> tensor<5x2xf32>
  %d = arith.subf %y, %t : tensor<5x2xf32>
  %q = arith.mulf %d, %d : tensor<5x2xf32>
  %l = linnet.reduce mean %q axes [0, 1] : tensor<5x2xf32> -> tensor<f32>
  return %l : tensor<f32>
}
func.func @train(%x: tensor<5x3xf32> {linnet.name = "x"}, %t: tensor<5x2xf32> {linnet.name = "t"},
                 %lr: tensor<f32> {linnet.name = "lr"}) -> (tensor<f32> {linnet.name = "loss"}) {
  %one = arith.constant dense<1> : tensor<i64>
  %s = ml_program.global_load @step : tensor<i64>
  %s1 = arith.addi %s, %one : tensor<i64>
  %l, %g = linnet.value_and_grad @loss(%x, %t) wrt [@w]
      : (tensor<5x3xf32>, tensor<5x2xf32>) -> (tensor<f32>, tensor<3x2xf32>)
  %w = ml_program.global_load @w : tensor<3x2xf32>
  %m = ml_program.global_load @m : tensor<3x2xf32>
  %v = ml_program.global_load @v : tensor<3x2xf32>
  %r:3 = linnet.adamw params(%w : tensor<3x2xf32>) grads(%g : tensor<3x2xf32>)
      means(%m : tensor<3x2xf32>) variances(%v : tensor<3x2xf32>) lr(%lr) step(%s1)
      -> tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
  ml_program.global_store @w = %r#0 : tensor<3x2xf32>
  ml_program.global_store @m = %r#1 : tensor<3x2xf32>
  ml_program.global_store @v = %r#2 : tensor<3x2xf32>
  ml_program.global_store @step = %s1 : tensor<i64>
  return %l : tensor<f32>
}
"""


@pytest.fixture(scope="module")
def bundle():
    return lt.compile_text(TRAIN)


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((7, 5, 3)).astype(np.float32)
    t = (x @ rng.standard_normal((3, 2))).astype(np.float32)
    save_file({"x": x, "t": t}, tmp_path / "data.safetensors")
    return tmp_path


def run(folder, bundle, *arguments, lr="0.05", check=True):
    command = lt.run_command(bundle, "--input=f32=" + lr, "--batches=data.safetensors", *arguments)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done


def test_the_loss_falls(bundle, data):
    done = run(data, bundle, "--steps=200", "--losses=l.npy", "--log-every=100")
    losses = np.load(data / "l.npy")
    assert losses.shape == (200,) and losses[-7:].mean() < 0.1 * losses[:7].mean()
    assert [line.split()[:2] for line in done.stderr.splitlines()] == [["step", "100"],
                                                                      ["step", "200"]]
    assert "steps/s" in done.stderr and "peak" in done.stderr and "loss:" in done.stdout


def test_a_resumed_run_has_the_same_bits(bundle, data):
    run(data, bundle, "--steps=20", "--losses=whole.npy", "--save-state=whole.safetensors")
    run(data, bundle, "--steps=9", "--losses=a.npy", "--save-state=s.safetensors")
    done = run(data, bundle, "--steps=11", "--losses=b.npy", "--state=s.safetensors",
               "--save-state=s.safetensors")
    assert "going on after step 9" in done.stderr
    np.testing.assert_array_equal(np.concatenate([np.load(data / "a.npy"), np.load(data / "b.npy")]),
                                  np.load(data / "whole.npy"))
    whole, parts = (load_file(data / f"{n}.safetensors") for n in ("whole", "s"))
    assert sorted(whole) == ["m", "step", "v", "w"] and int(whole["step"]) == 20
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])


def test_a_loss_that_is_not_finite_keeps_the_saved_state(bundle, data):
    run(data, bundle, "--steps=5", "--save-state=s.safetensors")
    before = (data / "s.safetensors").read_bytes()
    done = run(data, bundle, "--steps=50", "--state=s.safetensors", "--save-state=s.safetensors",
               lr="1e38", check=False)
    assert done.returncode == 1 and "the loss of step" in done.stderr
    assert "no state of this run is saved" in done.stderr
    assert (data / "s.safetensors").read_bytes() == before


def test_ctrl_c_saves(bundle, data):
    command = lt.run_command(bundle, "--input=f32=0.01", "--batches=data.safetensors",
                             "--steps=1000000000", "--save-state=s.safetensors")
    process = subprocess.Popen(command, cwd=data, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 0 and "stopped after step" in message
    assert int(load_file(data / "s.safetensors")["step"]) > 0


def test_a_killed_run_leaves_a_whole_state(bundle, data):
    command = lt.run_command(bundle, "--input=f32=0.01", "--batches=data.safetensors",
                             "--steps=1000000000", "--save-state=s.safetensors", "--save-every=1")
    for delay in (0.2, 0.23, 0.31, 0.4):
        process = subprocess.Popen(command, cwd=data, stderr=subprocess.DEVNULL)
        deadline = time.time() + 60
        while not (data / "s.safetensors").exists() and time.time() < deadline:
            time.sleep(0.01)
        time.sleep(delay)
        process.kill()
        process.wait()
        assert int(load_file(data / "s.safetensors")["step"]) > 0
        run(data, bundle, "--steps=1", "--state=s.safetensors")


# Every element of the state is the number of the step: a file of two states would show.
COUNTED = """
ml_program.global private mutable @w : tensor<4000000xf32>
ml_program.global private mutable @step : tensor<i64>
func.func @train() -> tensor<f32> {
  %one = arith.constant dense<1> : tensor<i64>
  %s = ml_program.global_load @step : tensor<i64>
  %s1 = arith.addi %s, %one : tensor<i64>
  %f = arith.sitofp %s1 : tensor<i64> to tensor<f32>
  %w = ml_program.global_load @w : tensor<4000000xf32>
  %b = linnet.broadcast %f : tensor<f32> -> tensor<4000000xf32>
  ml_program.global_store @w = %b : tensor<4000000xf32>
  ml_program.global_store @step = %s1 : tensor<i64>
  return %f : tensor<f32>
}
"""


def test_a_run_killed_while_it_saves_leaves_the_last_whole_state(tmp_path):
    """Each run is killed some time after it began a save that is not its first."""
    state = tmp_path / "s.safetensors"
    command = lt.run_command(lt.compile_text(COUNTED), "--save-every=1", "--steps=1000000000",
                             f"--save-state={state}")
    rng, last, met, runs = np.random.default_rng(0), 0, 0, 0

    def unfinished():
        return [path for path in tmp_path.iterdir() if path != state]

    while met < 2 or runs < (100 if FULL else 4):
        runs += 1
        assert runs <= 200, "no kill met a save"
        process = subprocess.Popen([*command, *([f"--state={state}"] if last else [])],
                                   stderr=subprocess.DEVNULL)
        deadline = time.time() + 60
        while not (state.exists() and saved_step(state) > last) and time.time() < deadline:
            time.sleep(0.002)
        while not unfinished() and time.time() < deadline:
            pass
        time.sleep(rng.uniform(0, 0.001))
        process.kill()
        process.wait()
        found = load_file(state)
        assert found["step"] > last and (found["w"] == np.float32(found["step"])).all()
        last = int(found["step"])
        met += bool(unfinished())
        for path in unfinished():
            path.unlink()
    print(f"{met} of {runs} kills met a save")


def saved_step(path):
    with safe_open(path, "np") as file:
        return int(file.get_tensor("step"))


BAD = [
    (["--steps=3", "--state=missing.safetensors"], "missing.safetensors"),
    (["--steps=3", "--state=shape.safetensors"], "state 'w' expects 3x2xf32, found 2x3xf32"),
    (["--steps=3", "--state=type.safetensors"], "state 'w' expects 3x2xf32, found 3x2xf16"),
    (["--steps=3", "--state=other.safetensors"], "has none of the module's 4 states"),
    (["--steps=3", "--save-state=/dev/full"], "after step 3: cannot write '/dev/full'"),
    (["--steps=3", "--losses=/nowhere/l.npy"], "cannot create '/nowhere/l.npy'"),
]


@pytest.mark.parametrize("arguments, message", BAD)
def test_bad_input(bundle, data, arguments, message):
    save_file({"w": np.zeros((2, 3), np.float32)}, data / "shape.safetensors")
    save_file({"w": np.zeros((3, 2), np.float16)}, data / "type.safetensors")
    save_file({"other": np.zeros((3, 2), np.float32)}, data / "other.safetensors")
    done = run(data, bundle, *arguments, check=False)
    assert done.returncode == 1, done.stderr
    assert message in done.stderr, done.stderr


def test_wrong_batches(bundle, data):
    save_file({"x": np.zeros((2, 5, 3), np.float32), "y": np.zeros(3, np.float32)},
              data / "data.safetensors")
    done = run(data, bundle, "--steps=3", check=False)
    assert done.returncode == 1 and "has 2 tensors, of which 1 are named as arguments" in done.stderr


@pytest.mark.parametrize("array, found", [
    (np.zeros((7, 5, 3)), "5x3xf64"), (np.zeros((7, 5, 2), np.float32), "5x2xf32"),
    (np.zeros((5, 3), np.float32), "3xf32")])
def test_batches_of_another_type(bundle, data, array, found):
    run(data, bundle, "--steps=2", "--save-state=s.safetensors")
    before = (data / "s.safetensors").read_bytes()
    save_file({"x": array, "t": np.zeros((7, 5, 2), np.float32)}, data / "data.safetensors")
    done = run(data, bundle, "--steps=3", "--state=s.safetensors",
               "--save-state=s.safetensors", check=False)
    message = f"argument 'x' expects 5x3xf32, found {found}"
    assert done.returncode == 1 and message in done.stderr
    assert (data / "s.safetensors").read_bytes() == before


@pytest.mark.parametrize("content, why", [(b"", "it is too short"), (b"nonsense", "the header has")])
def test_files_that_are_no_safetensors(bundle, data, content, why):
    (data / "broken.safetensors").write_bytes(content)
    done = run(data, bundle, "--steps=3", "--state=broken.safetensors", check=False)
    assert done.returncode == 1 and "'broken.safetensors' is not a safetensors file" in done.stderr
    assert why in done.stderr


def test_a_full_disk_keeps_the_last_state(bundle, data):
    """The disk is full from the second run on: it is as before, and nothing else is left behind."""
    run(data, bundle, "--steps=3", "--save-state=s.safetensors")
    before = {path.name: path.read_bytes() for path in data.iterdir()}

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    done = subprocess.run(
        lt.run_command(bundle, "--input=f32=0.05", "--steps=9", "--batches=data.safetensors",
                       "--state=s.safetensors", "--save-state=s.safetensors", "--save-every=3"), cwd=data, capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode == 1
    assert "after step 6: cannot write 's.safetensors': File too large" in done.stderr
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_wrong_usage(bundle, data):
    done = run(data, bundle, check=False)
    assert done.returncode == 1 and "expect --steps" in done.stderr
    done = run(data, bundle, "--steps=3", "--save-every=1", check=False)
    assert done.returncode == 1 and "--save-every expects --save-state" in done.stderr


def test_parameters_and_moments_stay_where_they_are(bundle):
    lt.compile_text(TRAIN, "--strict-donation")
    described = subprocess.run([lt.build_folder() / "bin" / "linnet-run", bundle, "--describe"],
                               capture_output=True, text=True).stdout
    assert "state 'w'" in described and "copies because" not in described, described
