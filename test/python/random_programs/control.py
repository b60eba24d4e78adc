# ===- control.py - loops and branches -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
from random_programs.generator import kind
from random_programs.graph import Type, Unclear, emit, run


def body_of(g, x):
    """Nodes on a value that stands for x, that value, and the one of its type that they end with."""
    p, carried = g.program, g.program.value(g.type(x))
    before, known = len(p.nodes), set(g.values)
    g.values[carried] = g.values[x]
    try:
        for _ in range(int(g.rng.integers(1, 5))):
            g.step()
        nodes = p.nodes[before:]
        ends = [v for n in nodes for v in n.results if v in g.values and g.type(v) == g.type(x)
                and not g.infinite(v)]
        if not ends:
            raise Unclear("nothing of its type")
        return nodes, carried, ends[-1]
    finally:
        inside = {carried, *(v for n in p.nodes[before:] for v in [*n.results, *n.inner])}
        del p.nodes[before:]
        g.values = {v: value for v, value in g.values.items() if v not in inside or v in known}


@kind(3)
def control(g):
    """A few turns of random ops on one value; or one turn, or none, as an argument says."""
    x = g.pick()
    type = g.type(x)
    nodes, carried, end = body_of(g, x)
    made = {v for n in nodes for v in n.results}
    outer = sorted({v for n in nodes for v in n.operands} - made - {carried})
    branch = g.chance(0.3)
    turns = int(g.one([0, 1, 2, 2, 3]))
    flags = []
    if branch:
        flags.append(g.argument(Type((), "i1"), lambda rng, shape, at: np.array(rng.random() < 0.5)))

    def write(w, names):
        result, y = w.fresh(), w.fresh()
        if branch:
            bit = w.op(f"tensor.extract {names[-1]}[] : tensor<i1>")
            w.line(f"{result} = scf.if {bit} -> {type} {{")
            y = names[0]
        else:
            zero, one, n = (w.number(i, "index") for i in (0, 1, turns))
            w.line(f"{result} = scf.for {w.fresh()} = {zero} to {n} step {one} iter_args({y} = {names[0]})"
                   f" -> ({type}) {{")
        inner = dict(zip([carried, *outer], [y, *names[1:]]))
        emit(w, nodes, inner)
        w.line(f"scf.yield {inner[end]} : {type}")
        w.line(f"}} else {{ scf.yield {names[0]} : {type} }}" if branch else "}")
        return [result]

    def meaning(at, first, *rest):
        for _ in range(int(rest[-1]) if branch else turns):
            values = dict(zip([carried, *outer], [first, *rest]))
            for node in nodes:
                values.update(zip(node.results, run(g.program, node, values, at)))
            first = values[end]
        return [first]
    g.add("branch" if branch else "loop", [x, *outer, *flags], [type], write, meaning)
    g.program.nodes[-1].inner = [carried, *made]
