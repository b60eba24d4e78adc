# ===- test_checkpoint.py - train steps within a budget of bytes -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Five train steps, with dropout in three of them, have the same bits however little memory they
get, and need no more than they were given. `./dev test --full` tries ten budgets of each."""
import functools
import json
import os
import re
import resource
import subprocess

import numpy as np
import pytest
from safetensors.numpy import save_file

from linnet import testing as lt
from linnet.examples import digits, gpt2, gpt2_train
from linnet.examples.bytelm import emit_train

FULL = bool(os.environ.get("LINNET_FULL"))
ROWS, WIDTH, LAYERS = 24, 32, 6
T, M = f"tensor<{ROWS}x{WIDTH}xf32>", f"tensor<{WIDTH}x{WIDTH}xf32>"
RNG = np.random.default_rng(0)


# Layers of one width, trained by SGD


def layer_dropout(i):
    return f"""  %h{i} = linnet.einsum "nk,km->nm" %x{i}, %w{i} : {T}, {M} -> {T}
  %t{i} = math.tanh %h{i} : {T}
  %key{i} = arith.constant {i} : i64
  %d{i} = linnet.dropout %t{i}, %key{i}, %key{i} rate 2.0e-1 : {T}, i64, i64
  %x{i + 1} = arith.addf %x{i}, %d{i} : {T}"""


def layer_region(i):
    return f"""  %x{i + 1} = linnet.checkpoint -> {T} {{
  %h{i} = linnet.einsum "nk,km->nm" %x{i}, %w{i} : {T}, {M} -> {T}
  %t{i} = math.tanh %h{i} : {T}
  %z{i} = arith.addf %x{i}, %t{i} : {T}
  linnet.yield %z{i} : {T}
  }}"""


def layer_unet(i):
    """The second half reads what the first half had, the last the first."""
    skip = f"%x{LAYERS - 1 - i}" if i >= LAYERS // 2 else f"%t{i}"
    return f"""  %h{i} = linnet.einsum "nk,km->nm" %x{i}, %w{i} : {T}, {M} -> {T}
  %t{i} = math.tanh %h{i} : {T}
  %q{i} = arith.mulf {skip}, %t{i} : {T}
  %x{i + 1} = arith.addf %x{i}, %q{i} : {T}"""


def train_step(layer):
    out = [f"ml_program.global private mutable @w{i}(dense<0.0{i + 1}> : {M}) : {M}"
           for i in range(LAYERS)]
    out.append(f"func.func private @loss(%x0: {T}) -> tensor<f32> {{")
    out += [f"  %w{i} = ml_program.global_load @w{i} : {M}" for i in range(LAYERS)]
    out += [layer(i) for i in range(LAYERS)]
    out.append(f"""  %l = linnet.reduce mean %x{LAYERS} axes [0, 1] : {T} -> tensor<f32>
  return %l : tensor<f32>
}}
func.func @train(%x: {T}, %lr: tensor<f32>) -> tensor<f32> {{""")
    symbols, types = ", ".join(f"@w{i}" for i in range(LAYERS)), ", ".join([M] * LAYERS)
    out.append(f"  %l, %g:{LAYERS} = linnet.value_and_grad @loss(%x) wrt [{symbols}] : ({T}) -> "
               f"(tensor<f32>, {types})")
    out += [f"  %w{i} = ml_program.global_load @w{i} : {M}" for i in range(LAYERS)]
    params, grads = (", ".join(f"%{c}{i}" for i in range(LAYERS)) for c in ("w", "g#"))
    out.append(f"  %n:{LAYERS} = linnet.sgd params({params} : {types}) grads({grads} : {types}) "
               f"lr(%lr) -> {types}")
    out += [f"  ml_program.global_store @w{i} = %n#{i} : {M}" for i in range(LAYERS)]
    out.append("  return %l : tensor<f32>\n}")
    return "\n".join(out)


def of_layers(layer):
    return train_step(layer), [lt.random(RNG, (ROWS, WIDTH), "f32")], {}


# Models


def gpt():
    config = gpt2.Config(vocab=61, positions=32, width=32, layers=3, heads=2)
    return (gpt2_train.TrainStep(config, dropout=0.1).text(),
            [RNG.integers(0, config.vocab, (1, config.positions + 1))],
            gpt2.random_parameters(config))


def grouped_queries():
    step = emit_train.TrainStep("softmax", 2, 16)
    shapes = {n: [int(s) for s in re.findall(r"(\d+)x", t)] for n, t in step.types.items()}
    values = {n: lt.random(RNG, s, "f32", 0.1) for n, s in shapes.items()}
    return step.text(), [RNG.integers(0, 256, (2, 17))], values


def vision():
    text = digits.text()
    return (text[:text.index("func.func @classify")],
            [lt.random(RNG, (digits.BATCH, 1, 8, 8), "f32"), RNG.integers(0, 10, digits.BATCH)],
            digits.initial())


MODELS = {"transformer with dropout": gpt, "MLP with dropout": lambda: of_layers(layer_dropout),
          "convolutions and batch norm": vision, "grouped queries": grouped_queries,
          "U-Net": lambda: of_layers(layer_unet), "regions": lambda: of_layers(layer_region)}


@functools.cache
def model(name):
    return MODELS[name]()


# Tools


def tool(name, *arguments, text=None, check=True):
    return subprocess.run([lt.build_folder() / "bin" / name, *arguments], input=text,
                          capture_output=True, text=True, check=check)


def dispatches(name, folder):
    path = folder / "dispatches.mlir"
    tool("linnet-compile", "-", "-o", path, "--compile-to=dispatches", *lt.device_flags(),
         text=model(name)[0])
    return path


def plan(path, budget, *more):
    """The planned graph, or the message of a refusal."""
    done = tool("linnet-opt", path, f"--linnet-checkpoint=budget={budget} {' '.join(more)}",
                check=False)
    return (done.stdout, None) if done.returncode == 0 else (None, done.stderr)


def number(text, key):
    return int(re.search(rf"\b{key} = (\d+)", text).group(1))


def peaks(planned):
    """Of the table."""
    return [int(p) for p in re.findall(r"\bpeak = (\d+)", planned.split("table = ")[1].split("]")[0])]


def build(name, folder, budget=None):
    """A bundle and the report of its function."""
    text, _, values = model(name)
    flags = [f"--memory-budget={budget}"] if budget else []
    if values and "#ml_program.extern" in text:
        save_file(values, folder / "weights.safetensors")
        flags.append(f"--weights={folder / 'weights.safetensors'}")
    bundle, report = folder / f"{budget}.lnb", folder / f"{budget}.json"
    done = tool("linnet-compile", "-", "-o", bundle, "--cpu=native", "--strict-donation",
                f"--report={report}", *lt.device_flags(), *flags, text=text, check=False)
    if done.returncode != 0:
        raise lt.CompileError(done.returncode, done.stderr)
    return bundle, json.loads(report.read_text())["functions"][0]


def train(name, bundle, steps=3):
    """Losses and all states, by name."""
    text, inputs, values = model(name)
    session = lt.open_bundle(bundle).session()
    if "#ml_program.extern" not in text:
        for state, value in values.items():
            session.set_state(state, value)
    found = {"losses": np.stack([np.asarray(session.call("train", *inputs, np.float32(0.1))[0])
                                 for _ in range(steps)])}
    return found | {state: np.array(session.get_state(state)) for state in session.states}


def specs(name):
    return [f"--input={'x'.join(map(str, x.shape))}x{'i64' if x.dtype.kind == 'i' else 'f32'}"
            f"={'iota' if x.dtype.kind == 'f' else 1}" for x in model(name)[1]]


def held(bundle, *inputs):
    """Bytes of arguments, results, states and constants, and of what a call touches in arena and
    scratch, which allocates nothing else; on a device, of what is planned there."""
    memory = lt.open_bundle(bundle).memory("train")
    planned = touched = memory["arena"] + memory["scratch"]
    if lt.on_cpu():
        probe = json.loads(tool("memory-probe", bundle, "train", *inputs, "--input=f32=0.1").stdout)
        assert probe["allocations"] == 0
        touched = probe["touched"]
    assert touched <= planned
    return touched + memory["arguments"] + memory["state"] + memory["constants"]


def smallest_budget(name, folder):
    """That the compiler names in its refusals and then meets."""
    budget = 1
    for _ in range(4):
        try:
            build(name, folder, budget)
            return budget
        except lt.CompileError as error:
            budget = int(re.search(r"the planner needs at least (\d+)", str(error)).group(1))
    raise AssertionError(f"{name} does not fit what it asks for, {budget} bytes")


# Tests


@pytest.mark.slow(quick="regions")
@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits_within_budgets(name, tmp_path):
    bundle, report = build(name, tmp_path)
    expected = train(name, bundle)
    unconstrained = peaks(plan(dispatches(name, tmp_path), 1 << 40)[0])[-1]
    smallest = smallest_budget(name, tmp_path)
    assert smallest < unconstrained
    for budget in np.linspace(smallest, unconstrained - 1, 10 if FULL else 2).astype(int)[::-1]:
        bundle, report = build(name, tmp_path, budget)
        found = train(name, bundle)
        assert found.keys() == expected.keys()
        for state, value in expected.items():
            np.testing.assert_array_equal(found[state], value, err_msg=state)
        recompute, bytes = report["recompute"], held(bundle, *specs(name))
        print(f"{name}: budget {budget}, held {bytes}, {recompute['recomputed']} dispatches again")
        assert recompute["recomputed"] > 0
        assert sum(entry["runs"] for entry in recompute["repeats"]) == recompute["recomputed"]
        assert bytes <= budget


@pytest.mark.cpu  # runs nothing
@pytest.mark.slow
def test_the_peak_is_monotone_in_the_budget(tmp_path):
    """A table of 100 budgets, and single plans for some of them."""
    path = dispatches("transformer with dropout", tmp_path)
    text, _ = plan(path, 1 << 40, "rows=100")
    rows = re.findall(r"{budget = (\d+).*?extra_time_ps = (\d+).*?least_extra_time_ps = (\d+)"
                      r".*?peak = (\d+)", text.split("table = ")[1])
    budgets, times, bounds, peak = ([int(x) for x in column] for column in zip(*rows))
    assert len(rows) == 100 and budgets == sorted(budgets) and len(set(peak)) > 10
    assert peak == sorted(peak) and all(p <= b for p, b in zip(peak, budgets))
    assert times == sorted(times, reverse=True)
    assert all(bound <= time for bound, time in zip(bounds, times))
    for i in range(0, 100, 10) if FULL else (1, 50):
        planned, refusal = plan(path, budgets[i])
        assert planned, refusal
        assert number(planned.split("table = ")[0], "peak") == peak[i]


@pytest.mark.cpu  # runs nothing
@pytest.mark.slow
def test_a_budget_that_cannot_be_met_names_the_smallest(tmp_path):
    path = dispatches("MLP with dropout", tmp_path)
    smallest = number(plan(path, 1 << 40)[0], "smallest_budget")
    text, refusal = plan(path, smallest - 1)
    assert text is None
    assert f"the planner needs at least {smallest}, and no plan less than" in refusal
    assert 0 < int(re.search(r"no plan less than (\d+)", refusal).group(1)) <= smallest
    assert plan(path, smallest)[0]
    with pytest.raises(lt.CompileError, match="does not fit the memory budget of 4096 bytes"):
        lt.compile_text(model("MLP with dropout")[0], "--memory-budget=4KiB")


@pytest.mark.cpu  # runs nothing
@pytest.mark.slow
def test_upstream_passes_leave_the_plan_alone(tmp_path):
    path = dispatches("transformer with dropout", tmp_path)
    table = peaks(plan(path, 1 << 40)[0])
    planned, _ = plan(path, (table[0] + table[-1]) // 2)
    assert "recomputed}" in planned or "recomputed," in planned

    def commands(*passes):
        done = tool("linnet-opt", *passes, "--linnet-make-program", "--linnet-plan-memory",
                    text=planned)
        return (re.findall(r"exec.run @\w+", done.stdout), re.findall(r"\bat \d+ max", done.stdout),
                number(done.stdout, "arena_bytes"), number(done.stdout, "peak"))
    assert commands() == commands("--cse", "--canonicalize", "--cse")


def any_rows(most):
    """The layers with dropout for up to `most` rows, and their lines."""
    text = train_step(layer_dropout).replace(T, f"tensor<?x{WIDTH}xf32>")
    text = text.replace(f"%x0: tensor<?x{WIDTH}xf32>)",
                        f'%x0: tensor<?x{WIDTH}xf32> {{linnet.dims = ["N", {WIDTH}]}})')
    head = (f'%x: tensor<?x{WIDTH}xf32> {{linnet.dims = ["N", {WIDTH}]}}, %lr: tensor<f32>)'
            f" -> tensor<f32>")
    bound = "" if most is None else f", max = {most}"
    return text.replace(f"%x: tensor<?x{WIDTH}xf32>, %lr: tensor<f32>) -> tensor<f32>",
                        f"{head} attributes {{linnet.symbols = {{N = {{min = 0{bound}}}}}}}")


@pytest.mark.cpu  # runs nothing
def test_sizes_without_bounds_are_refused():
    with pytest.raises(lt.CompileError, match="expects bounds of all sizes in 'train' for a memory"):
        lt.compile_text(any_rows(None), "--memory-budget=1MiB")


def test_bounded_sizes_are_planned_for_at_their_largest(tmp_path):
    most, text = 600, any_rows(600)
    whole = lt.compile_text(text)
    memory = lt.open_bundle(whole).memory("train")
    need = memory["arena"] + memory["scratch"] + memory["arguments"] + memory["state"]
    with pytest.raises(lt.CompileError) as refused:
        lt.compile_text(text, "--memory-budget=1", "--threads=1")
    smallest = int(re.search(r"the planner needs at least (\d+)", str(refused.value)).group(1))
    for budget in (smallest, (smallest + need) // 2):
        bundle = lt.compile_text(text, f"--memory-budget={budget}", "--threads=1")
        bytes = held(bundle, f"--input={most}x{WIDTH}xf32=iota")
        print(f"up to {most} rows: {need} bytes without a budget, {bytes} of {budget}")
        assert bytes <= budget < need
        for rows in (most, 97, 1, 0):
            x, losses = lt.random(np.random.default_rng(rows), (rows, WIDTH), "f32"), []
            for loaded in (whole, bundle):
                session = lt.open_bundle(loaded).session()
                loss = [np.array(session.call("train", x, np.float32(0.1))[0]) for _ in range(2)]
                losses.append(loss + [np.array(session.get_state(n)) for n in session.states])
            for one, other in zip(*losses):
                np.testing.assert_array_equal(one, other)


@pytest.mark.cpu  # runs nothing
def test_the_report_says_what_is_live_at_the_peak(tmp_path):
    _, report = build("transformer with dropout", tmp_path)
    peak = report["peak"]
    assert peak["live_bytes"] == report["largest_live_bytes"] > 0
    assert peak["live_bytes"] == sum(b["bytes"] for b in peak["buffers"])
    sizes = [b["bytes"] for b in peak["buffers"]]
    assert sizes == sorted(sizes, reverse=True)
    for entry in [*peak["buffers"], peak["during"]]:
        assert entry["op"] and re.fullmatch(r"-:\d+:\d+|[\w.<>-]+:\d+:\d+", entry["location"]), entry


@pytest.mark.cpu  # runs nothing
def test_an_activation_budget_limits_what_is_kept(tmp_path):
    path = dispatches("transformer with dropout", tmp_path)

    def kept(limit):
        done = tool("linnet-opt", path, f"--linnet-checkpoint=kept={limit}", check=False)
        return done.stdout or done.stderr
    whole = number(kept(1 << 40), "kept")
    half = kept(whole // 2)
    assert 0 < number(half, "kept") <= whole // 2 and "recomputed" in half
    assert len(re.findall(r"least_extra_time_ps", half)) == 16
    assert "the planner keeps at least" in kept(1)


@pytest.mark.cpu  # runs nothing
def test_measured_times_replace_estimates(tmp_path):
    path = dispatches("MLP with dropout", tmp_path)
    kernels = sorted(set(re.findall(r"exec.dispatch @(\w+)", path.read_text())))
    times = tmp_path / "times.json"
    times.write_text(json.dumps({"traceEvents": [
        {"dur": 2.0, "args": {"kernel": kernel}} for kernel in kernels]}))
    text, _ = plan(path, 1 << 40, f"times={times}")
    assert number(text, "time_ps") == 2_000_000 * path.read_text().count("exec.dispatch @")
    for content, message in (("{}", "has no dispatches, expected a trace"), ("[", "is not JSON")):
        times.write_text(content)
        assert message in plan(path, 1 << 40, f"times={times}")[1]
    assert "cannot read times" in plan(path, 1 << 40, "times=/nowhere")[1]


# Bytes that torch.compile keeps of a 24-layer train step, and what that costs of its time
# (linnet-bench --only=gpt24_recompute). The first is PyTorch's rounding: per cent, without a digit.
TORCH = [(403_000_000, 0.05), (202_000_000, 8), (122_000_000, 15), (61_000_000, 19), (21_000_000, 24)]


@pytest.mark.cpu  # runs nothing
@pytest.mark.slow
def test_a_deep_train_step_keeps_less_for_less_than_torch(tmp_path):
    """By the planner's estimates, each plan within ten seconds of one core."""
    path, planned = tmp_path / "dispatches.mlir", tmp_path / "planned.mlir"
    tool("linnet-compile", "-", "-o", path, "--compile-to=dispatches",
         text=gpt2_train.TrainStep(gpt2_train.DEEP).text())
    for limit, percent in TORCH if FULL else TORCH[3:4]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        tool("linnet-opt", path, f"--linnet-checkpoint=kept={limit}", "-o", planned)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = planned.read_text()
        text = text[text.index("exec.recompute = "):]
        kept, extra = number(text, "kept"), number(text, "extra_time_ps")
        time = int(re.search(r"\], time_ps = (\d+)", text).group(1))
        print(f"keeps {kept / 1e6:.1f} MB for {100 * extra / (time - extra):.2f}% more time, "
              f"PyTorch {limit / 1e6:.0f} MB for {percent}%")
        assert kept <= limit and 100 * extra / (time - extra) <= percent
        assert after.ru_utime - before.ru_utime < 10
