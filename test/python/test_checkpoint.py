# ===- test_checkpoint.py - train steps within a budget of bytes -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import json
import os
import re
import subprocess

import numpy as np
import pytest

from linnet import runtime
from linnet import testing as lt

ROWS, WIDTH = 24, 32
T, M = f"tensor<{ROWS}x{WIDTH}xf32>", f"tensor<{WIDTH}x{WIDTH}xf32>"


def layer_plain(i):
    return f"""  %h{i} = linnet.einsum "nk,km->nm" %x{i}, %w{i} : {T}, {M} -> {T}
  %t{i} = math.tanh %h{i} : {T}
  %x{i + 1} = arith.addf %x{i}, %t{i} : {T}"""


def layer_norm(i):
    return f"""  %s{i} = linnet.softmax %x{i} axis 1 : {T}
  %h{i} = linnet.einsum "nk,km->nm" %s{i}, %w{i} : {T}, {M} -> {T}
  %e{i} = math.exp %h{i} : {T}
  %u{i} = linnet.einsum "nk,mk->nm" %e{i}, %w{i} : {T}, {M} -> {T}
  %x{i + 1} = arith.addf %x{i}, %u{i} : {T}"""


def layer_region(i):
    return f"""  %x{i + 1} = linnet.checkpoint -> {T} {{
  %h{i} = linnet.einsum "nk,km->nm" %x{i}, %w{i} : {T}, {M} -> {T}
  %t{i} = math.tanh %h{i} : {T}
  %z{i} = arith.addf %x{i}, %t{i} : {T}
  linnet.yield %z{i} : {T}
  }}"""


def unet(layers):
    half, lines = layers // 2, []
    for i in range(layers):
        lines.append(layer_plain(i))
        if i >= half:
            skip = layers - 1 - i
            lines[-1] = lines[-1].replace(f"%x{i + 1} = arith.addf %x{i}, %t{i}",
                                          f"%q{i} = arith.mulf %x{skip}, %t{i} : {T}\n"
                                          f"  %x{i + 1} = arith.addf %x{i}, %q{i}")
    return lines


MODELS = {
    "chain": lambda n: [layer_plain(i) for i in range(n)],
    "softmax": lambda n: [layer_norm(i) for i in range(n)],
    "unet": unet,
    "regions": lambda n: [layer_region(i) for i in range(n)],
    "mixed": lambda n: [(layer_plain, layer_norm)[i % 2](i) for i in range(n)],
}


def train_step(model, layers=6):
    out = [f"ml_program.global private mutable @w{i}(dense<0.0{i + 1}> : {M}) : {M}"
           for i in range(layers)]
    out.append(f"func.func private @loss(%x0: {T}) -> tensor<f32> {{")
    out += [f"  %w{i} = ml_program.global_load @w{i} : {M}" for i in range(layers)]
    out += MODELS[model](layers)
    out.append(f"""  %l = linnet.reduce mean %x{layers} axes [0, 1] : {T} -> tensor<f32>
  return %l : tensor<f32>
}}
func.func @train(%x: {T}, %lr: tensor<f32>) -> tensor<f32> {{""")
    symbols, types = ", ".join(f"@w{i}" for i in range(layers)), ", ".join([M] * layers)
    out.append(f"  %l, %g:{layers} = linnet.value_and_grad @loss(%x) wrt [{symbols}] : ({T}) -> "
               f"(tensor<f32>, {types})")
    out += [f"  %w{i} = ml_program.global_load @w{i} : {M}" for i in range(layers)]
    params, grads = (", ".join(f"%{c}{i}" for i in range(layers)) for c in ("w", "g#"))
    out.append(f"  %n:{layers} = linnet.sgd params({params} : {types}) grads({grads} : {types}) "
               f"lr(%lr) -> {types}")
    out += [f"  ml_program.global_store @w{i} = %n#{i} : {M}" for i in range(layers)]
    out.append("  return %l : tensor<f32>\n}")
    return "\n".join(out)


def dispatches(text, folder):
    path = folder / "dispatches.mlir"
    subprocess.run([lt.build_folder() / "bin" / "linnet-compile", "-", "-o", path,
                    "--compile-to=dispatches"], input=text, text=True, check=True)
    return path


def plan(path, budget):
    """The planned graph, or the message of a refusal."""
    done = subprocess.run([lt.build_folder() / "bin" / "linnet-opt", path,
                           f"--linnet-checkpoint=budget={budget}"], capture_output=True, text=True)
    return (done.stdout, None) if done.returncode == 0 else (None, done.stderr)


def number(text, key):
    return int(re.search(rf"\b{key} = (\d+)", text).group(1))


def limits(path):
    text, _ = plan(path, 1 << 40)
    return number(text, "smallest_budget"), max(int(p) for p in re.findall(r"peak = (\d+)", text))


def train(bundle, steps=4):
    session = runtime.Runtime(1).load(bundle).session()
    x = lt.random(np.random.default_rng(0), (ROWS, WIDTH), "f32")
    losses = [np.asarray(session.call("train", x, np.float32(0.1))[0]) for _ in range(steps)]
    return np.stack(losses), session


@pytest.mark.parametrize("model", MODELS)
def test_the_same_bits_within_ten_budgets(model, tmp_path):
    text = train_step(model)
    smallest, largest = limits(dispatches(text, tmp_path))
    assert smallest < largest
    expected, plain = train(lt.compile_text(text))
    for budget in np.linspace(smallest, largest - 1, 10).astype(int)[::-1]:
        report = tmp_path / "report.json"
        bundle = lt.compile_text(text, f"--memory-budget={budget}", "--strict-donation")
        subprocess.run([lt.build_folder() / "bin" / "linnet-compile", "-", "-o", "/dev/null",
                        f"--memory-budget={budget}", "--compile-to=commands",
                        f"--report={report}"], input=text, text=True, check=True)
        found, session = train(bundle)
        np.testing.assert_array_equal(found, expected)
        for i in range(6):
            np.testing.assert_array_equal(session.get_state(f"w{i}"), plain.get_state(f"w{i}"))
        described = subprocess.run(
            [lt.build_folder() / "bin" / "linnet-run", bundle, "--describe", "--threads=1"],
            capture_output=True, text=True, check=True).stdout
        function = json.loads(report.read_text())["functions"][0]
        recompute = function["recompute"]
        print(model, budget, recompute["recomputed"], recompute["peak"])
        assert recompute["recomputed"] > 0 and len(recompute["table"]) >= 16
        # arguments and results; states; arena; scratch of one thread
        held = (ROWS * WIDTH + 2) * 4 + 6 * WIDTH * WIDTH * 4
        held += function["arena_bytes"] + function["scratch_bytes_per_thread"]
        assert held <= budget, (held, budget, described)


def test_the_peak_is_monotone_in_the_budget(tmp_path):
    path = dispatches(train_step("mixed"), tmp_path)
    smallest, largest = limits(path)
    peaks = []
    for budget in np.linspace(smallest, largest, 100 if os.environ.get("LINNET_FULL") else 25).astype(int):
        text, refusal = plan(path, budget)
        assert text, refusal
        peaks.append(number(text, "peak"))
        assert peaks[-1] <= budget
    assert peaks == sorted(peaks) and len(set(peaks)) > 3


def test_a_budget_that_cannot_be_met_names_the_smallest(tmp_path):
    path = dispatches(train_step("chain"), tmp_path)
    smallest, _ = limits(path)
    text, refusal = plan(path, smallest - 1)
    assert text is None
    assert f"the planner needs at least {smallest}, and no plan less than" in refusal
    assert plan(path, smallest)[0]
    with pytest.raises(lt.CompileError, match="does not fit the memory budget of 4096 bytes"):
        lt.compile_text(train_step("chain"), "--memory-budget=4KiB")


def test_upstream_passes_leave_the_plan_alone(tmp_path):
    path = dispatches(train_step("softmax"), tmp_path)
    smallest, largest = limits(path)
    planned, _ = plan(path, (smallest + largest) // 2)
    assert "recomputed" in planned

    def commands(passes):
        done = subprocess.run([lt.build_folder() / "bin" / "linnet-opt", *passes,
                               "--linnet-make-program", "--linnet-plan-memory"], input=planned,
                              capture_output=True, text=True, check=True)
        return (re.findall(r"exec.run @\w+", done.stdout), re.findall(r"\bat \d+ max", done.stdout),
                number(done.stdout, "arena_bytes"))
    assert commands([]) == commands(["--cse", "--canonicalize", "--cse"])


def test_sizes_without_bounds_are_refused():
    text = train_step("chain").replace(f"@train(%x: {T}",
                                       f'@train(%y: tensor<?xf32> {{linnet.dims = ["N"]}}, %x: {T}')
    with pytest.raises(lt.CompileError, match="expects static sizes in 'train' for a memory budget"):
        lt.compile_text(text, "--memory-budget=1MiB")
