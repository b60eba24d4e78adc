# ===- test_bench.py - linnet-bench works; nothing is asserted about times -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import dataclasses
import json

import numpy as np
import pytest

from linnet._src.bench import __main__ as bench
from linnet._src.bench import (crossover, dense, device, measure, models, peers, probe, report, timing,
                               workloads)

pytestmark = pytest.mark.cpu  # times beside CPUs' peers

FIELDS = {"name", "shape", "dtype", "threads", "seconds", "flops", "bytes", "ceiling", "fraction",
          "peer", "ratio", "ratio_low", "ratio_high"}


def lines_of(capsys, *arguments):
    code = bench.main(["--quick", "--only=tiny", "--json", *arguments])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_lines_are_json_with_every_field(capsys):
    code, lines = lines_of(capsys, "--peers=pytorch,onnxruntime")
    assert code == 0
    assert [line["peer"] for line in lines] == [None, "pytorch", "onnxruntime"]
    for line in lines:
        assert FIELDS <= line.keys()
        assert line["note"] is None and line["seconds"] > 0 and line["flops"] == 2 * 5 * 7 * 3
    alone, *beside = lines
    assert alone["ceiling"] > 0
    assert alone["fraction"] == pytest.approx(alone["flops"] / alone["ceiling"] / alone["seconds"])
    for line in beside:
        assert line["error"] < 1e-6
        assert line["ratio_low"] <= line["ratio"] <= line["ratio_high"]


def test_two_threads_are_compared_with_one(capsys):
    code, lines = lines_of(capsys, "--threads=2", "--no-peers")
    assert code == 0
    assert [line["peer"] for line in lines] == [None, workloads.ONE_THREAD]
    assert all(line["threads"] == 2 for line in lines)


def test_a_rewrite_is_compared_with_the_program_as_it_is_written(capsys):
    code = bench.main(["--quick", "--only=latent_tiny", "--json", "--peers=pytorch"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert [line["peer"] for line in lines] == [None, workloads.AS_WRITTEN, "pytorch"]
    assert all(line["note"] is None and line["error"] < 1e-5 and line["ratio"] > 0 for line in lines[1:])


def test_a_peer_with_another_result_is_not_timed(capsys, monkeypatch):
    def wrong(workload, threads):
        right = workload.inputs[0] @ workload.weights["b"]
        return [(lambda: right * np.float32(1.5), np.asarray)]

    monkeypatch.setitem(peers.PEERS, "pytorch", (wrong, "torch", ("torch",)))
    code, lines = lines_of(capsys, "--peers=pytorch")
    assert code == 1
    assert lines[1]["ratio"] is None and lines[1]["note"].startswith("outputs differ: 3.3e-01")


def test_a_missing_peer_is_named_and_left_out(capsys, monkeypatch):
    monkeypatch.setitem(peers.PEERS, "iree", (None, "iree-base-compiler", ("no_such.package",)))
    code = bench.main(["--quick", "--only=tiny", "--json", "--peers=iree"])
    out, err = capsys.readouterr()
    assert code == 0 and len(out.splitlines()) == 1
    assert "without iree: its Python packages are missing" in err
    assert "pip install iree-base-compiler" in err


def test_the_fastest_right_candidate_counts(tmp_path):
    run = measure.Measurement(dense.matmul(5, 7, 3), 1, timing.QUICK, tmp_path)

    def candidate(pause, factor):
        def call():
            timing.time.sleep(pause)
            return run.result * factor
        return call, np.asarray

    slow, fast, wrong = candidate(2e-2, 1), candidate(0, 1), candidate(0, 2)
    assert run.fastest([slow, wrong, fast]) == (fast[0], 0.0)
    assert run.fastest([wrong]) == (None, pytest.approx(0.5))


def test_steps_are_compared_after_as_many_of_them(tmp_path):
    """A step changes its parameters: the losses agree after ten, and not after more."""
    # at 1e-2 ten steps blow a rounding up to 2e-3, and any two programs differ; here they agree to 1e-5
    run = measure.Measurement(models.train_step(1, 8, 5e-3), 1, timing.QUICK, tmp_path)
    candidates = peers.torch_steps(run.workload, 1, False)
    call, error = run.fastest(candidates)
    assert call is not None and error < 1e-3
    assert run.fastest([candidates[0]])[0] is None


def test_faster_needs_an_interval_without_one():
    def verdict(low, high):
        return timing.Comparison(1, 1, (low + high) / 2, low, high).verdict

    assert verdict(1.01, 1.2) == "faster"
    assert verdict(0.8, 0.99) == "slower"
    assert verdict(0.99, 1.2) == "undecided"


def test_a_fraction_is_the_median_over_neighbouring_turns(monkeypatch):
    """Work of 100: each turn beside the faster one of the probes around it."""
    seconds, rates = iter([4.0, 1.0, 2.0, 5.0, 10.0]), iter([20.0, 50.0, 100.0, 50.0, 80.0, 10.0])
    monkeypatch.setattr(timing, "turn", lambda call, effort: next(seconds))

    def fraction(seconds, ceiling):
        return 100 / ceiling / seconds

    # fractions 0.5, 1, 0.5, 0.25, 0.125
    found = timing.beside_ceiling(None, lambda _: next(rates), max, fraction, timing.QUICK)
    assert found == (2.0, 100.0)


def test_bootstrap_covers_the_median_of_noise():
    rng, inside = np.random.default_rng(1), 0
    for _ in range(200):
        low, high = timing.bootstrap(rng.normal(2.0, 0.1, 10))
        assert low <= high
        inside += low <= 2.0 <= high
    assert inside >= 180
    assert timing.bootstrap([3.0] * 4) == (3.0, 3.0)


def test_probes_give_the_best_of_their_kind():
    workload = dense.matmul(5, 7, 3)
    for kind in ("fma", "read", "copy"):
        workload.ceiling = kind
        assert probe.ceiling(workload, 1, 1e-3) > 0
    assert probe.best(workload)([1, 3, 2]) == 3
    workload.ceiling = "scan"
    assert probe.best(workload)([1, 3, 2]) == 1


def test_every_kind_of_record_has_a_line(tmp_path):
    run = measure.Measurement(dense.matmul(5, 7, 3), 1, timing.QUICK, tmp_path)
    record = run.alone()
    assert "% of the FMA peak" in report.line(record)
    assert "target 200%: MISSED" in report.line(record | {"target": 2.0, "met": False})
    assert "no probe" in report.line(record | {"ceiling": 0.0})
    assert report.line(run.record(peer="iree", note="refused")).split() == ["iree", "refused"]
    ours = [(run.call, np.asarray)]
    assert "times Linnet's" in report.line(run.beside("itself", ours))
    run.comparisons["itself"] = timing.Comparison(1.0, 3.0, 3.0, 2.9, 3.1)
    promise = run.promise(workloads.Must(("itself",), 2.0))
    assert promise["met"] and "to be at least 2.0: met" in report.line(promise)
    assert run.promise(workloads.Must(("itself", "another"), 2.0)) is None


@pytest.mark.parametrize("at, low, high", [(1000, 950, 1050), (16, 16, 16), (10, 16, 16), (1e6, np.inf, np.inf)])
def test_crossover_is_where_the_ratio_is_one(at, low, high):
    asked = []
    found = crossover.crossover(lambda n: asked.append(n) or (n / at)**0.8)
    assert low <= found <= high and len(asked) <= 6


def test_a_crossover_is_measured_and_predicted(tmp_path):
    """Both forms of a short program are there, and what the compiler thinks of them."""
    case = next(c for c in crossover.cases() if c.list == "products")
    assert crossover.predict(case, 16, tmp_path, None) <= 1 < crossover.predict(case, 512, tmp_path, None)
    always = tmp_path / "always.json"
    always.write_text(json.dumps(case.always))
    assert crossover.time_pair(case, 512, tmp_path, always, timing.Effort(1e-3, 1, 0, 0)) > 0


def test_names_are_unique_and_targets_sensible():
    rows = list(workloads._table())
    assert len({name for name, *_ in rows}) == len(rows)
    assert all(target is None or 0 < target <= 1 for _, _, target, _ in rows)


# ---- on a GPU ------------------------------------------------------------------------------


class OnTheCPU:
    """In the place of device.CUDA: PyTorch here, clocked by what it is told."""

    def __init__(self):
        self.torch, self.flushed = pytest.importorskip("torch"), 0

    def flush(self):
        self.flushed += 1

    def time(self, call):
        call()
        return 2e-3

    def tensor(self, array):
        return device.CUDA.tensor(self, array)

    device = "cpu"


@pytest.mark.parametrize("work", [device.einsum(40, "f32"), device.einsum(33, "bf16"),
                                  device.rows("norm", "linnet.rms_norm %x eps 1.0e-6",
                                              lambda torch, x: torch.nn.functional.rms_norm(x, x.shape[-1:], eps=1e-6),
                                              (5, 70), "f32")], ids=lambda w: w.name)
def test_a_record_of_a_device(work):
    """The way of --device=cuda, with a device and a peer that are here."""
    try:
        device.find("vulkan")
    except device.NoDevice as missing:
        pytest.skip(str(missing))
    peer = OnTheCPU()
    found = device.record(work, peer, "vulkan", {"copy": 1e9, "f32": 1e9, "bf16": 2e9})
    assert found["note"] == "" and 0 <= found["gap"] < device.GAP[work.dtype]
    assert peer.flushed == 2 * (device.WARM + device.TURNS)
    amount = work.flops / (2e9 if work.dtype == "bf16" else 1e9) if work.flops else work.bytes / 1e9
    assert found["pytorch_fraction"] == pytest.approx(amount / 2e-3)
    assert found["linnet_fraction"] == pytest.approx(amount / found["linnet_seconds"])
    wrong = dataclasses.replace(work, peer=lambda *all: work.peer(*all) + 1)
    assert device.record(wrong, peer, "vulkan", {"copy": 1e9, "f32": 1e9, "bf16": 2e9})["note"] == "outputs differ"


@pytest.mark.parametrize("name,message", [("cuda", "CUDA's driver was not found"), ("tpu", "expected cuda or cuda:N")])
def test_without_a_gpu_there_is_a_message(name, message, capsys):
    try:
        device.find("cuda")
        pytest.skip("there is one")
    except device.NoDevice:
        pass
    assert bench.main([f"--device={name}"]) == 1
    assert message in capsys.readouterr().err
