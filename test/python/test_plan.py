# ===- test_plan.py - recomputation plans against CP-SAT -----------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Plans of small graphs take the time that a constraint solver proves to be the least.

test/Plan/recompute-test compares thousands of budgets with a brute-force search; this one checks
that search's reading of the model, with a model of its own."""

import json
import os
import pathlib
import subprocess

import pytest

pytestmark = pytest.mark.cpu  # runs no model

cp_model = pytest.importorskip("ortools.sat.python.cp_model")

TOOL = pathlib.Path(__file__).parents[2] / "build/bin/linnet-plan"
FULL = bool(os.environ.get("LINNET_FULL"))
FAMILIES = ["chain", "residual", "unet", "branchy"]


def run(*arguments, graph=None):
    text = json.dumps(graph) if graph is not None else None
    done = subprocess.run([TOOL, *map(str, arguments)], input=text, text=True,
                          capture_output=True, check=True)
    return json.loads(done.stdout)


def slot(count):
    return (count + 63) // 64 * 64


def arena_bytes(graph):
    """Bytes of every value; none where it is a source or lies in a source's memory."""
    size = [0 if v["producer"] < 0 else slot(v["bytes"]) for v in graph["values"]]
    for node in graph["nodes"]:
        for output, tied in zip(node["outputs"], node["tied"]):
            if tied >= 0:
                size[output] = size[tied]
    return size


class Model:
    """One node a step. `keep` is what is there while a step runs, `live` what is there behind."""

    def __init__(self, graph, steps, budget):
        self.graph, self.steps = graph, range(steps)
        self.size = arena_bytes(graph)
        self.m = cp_model.CpModel()
        values, nodes = range(len(graph["values"])), range(len(graph["nodes"]))
        boolean = lambda *name: self.m.new_bool_var("_".join(map(str, name)))
        self.run = [[boolean("run", n, t) for t in self.steps] for n in nodes]
        self.keep = [[boolean("keep", v, t) for t in self.steps] for v in values]
        self.live = [[boolean("live", v, t) for t in self.steps] for v in values]
        for t in self.steps:
            self.m.add_at_most_one(self.run[n][t] for n in nodes)
            self.values_at(t)
            held = [self.size[v] * self.keep[v][t] for v in values]
            for n in nodes:
                held += self.node_at(n, t)
            self.m.add(sum(held) <= budget)
        for v in values:
            if graph["values"][v]["result"]:
                self.m.add(self.live[v][-1] == 1)
        for n in nodes:
            if graph["nodes"][n]["once"]:
                self.m.add_exactly_one(self.run[n])
        self.m.minimize(sum(graph["nodes"][n]["time"] * self.run[n][t]
                            for n in nodes for t in self.steps))

    def values_at(self, t):
        for v, value in enumerate(self.graph["values"]):
            maker = value["producer"]
            before = self.live[v][t - 1] if t else int(maker < 0)
            made = self.run[maker][t] if maker >= 0 else 0
            self.m.add(self.keep[v][t] + made <= 1)
            self.m.add(self.keep[v][t] <= before)
            self.m.add(self.live[v][t] <= self.keep[v][t] + made)

    def node_at(self, n, t):
        """Constraints of running `n` at `t`; the bytes that it adds to what is kept."""
        node, runs = self.graph["nodes"][n], self.run[n][t]
        added = [slot(node["scratch"]) * runs]
        for v in node["inputs"]:
            self.m.add_implication(runs, self.keep[v][t])
        taken = {}
        for output, tied, reuse in zip(node["outputs"], node["tied"], node["reuses"]):
            if tied >= 0:
                self.m.add_implication(runs, self.live[tied][t].negated())
                continue
            added.append(self.size[output] * runs)
            if reuse >= 0 and reuse not in node["tied"] and self.size[reuse] == self.size[output]:
                shared = self.m.new_bool_var(f"share_{output}_{t}")
                self.m.add_implication(shared, runs)
                self.m.add_implication(shared, self.live[reuse][t].negated())
                taken.setdefault(reuse, []).append(shared)
                added.append(-self.size[output] * shared)
        for shares in taken.values():
            self.m.add_at_most_one(shares)
        return added

    def solve(self):
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.max_time_in_seconds = 60
        status = solver.solve(self.m)
        if status == cp_model.OPTIMAL:
            return int(solver.objective_value)
        assert status == cp_model.INFEASIBLE, solver.status_name(status)
        return -1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(1000, 1040 if FULL else 1006))
def test_least_time(family, seed):
    graph = run("generate", family, seed, 10)
    table = run("--live", "table", 16, graph=graph)
    assert table["exact"]
    rows = table["rows"]
    smallest = rows[0]["budget"]
    for budget in sorted({smallest, rows[len(rows) // 2]["budget"], rows[-1]["budget"]}):
        plan = run("--live", "plan", budget, graph=graph)
        assert plan["feasible"] and plan["peak"] <= budget
        # with room for two more runs
        steps = len(plan["steps"]) + 2
        assert Model(graph, steps, budget).solve() == plan["time"]
        assert run("exact", budget, graph=graph)["time"] == plan["time"]
    below = run("--live", "plan", smallest - 64, graph=graph)
    assert not below["feasible"] and below["smallest_budget"] == smallest
    assert Model(graph, len(graph["nodes"]) + 4, smallest - 64).solve() == -1
