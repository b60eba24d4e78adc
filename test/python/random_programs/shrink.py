# ===- shrink.py - smaller programs that fail alike -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
from linnet import testing as lt
from linnet._src.running_error import Computed
from random_programs.graph import Argument, Program, Size, Unclear, symbol


def copy(program):
    out = Program(program.name)
    out.symbols, out.types = program.symbols, list(program.types)
    out.nodes, out.arguments = list(program.nodes), list(program.arguments)
    out.outputs, out.donated = list(program.outputs), dict(program.donated)
    return out


def cut(program, node, values):
    """The same program, which takes the results of a node as arguments. None where they cannot be."""
    out = copy(program)
    out.nodes.remove(node)
    for v in node.results:
        type = program.types[v]
        if any(isinstance(d, Size) and d not in map(symbol, d.symbols) for d in type.dims):
            return None  # no argument's size is computed
        x = values[v].value if isinstance(values[v], Computed) else values[v]
        out.arguments.append(Argument(v, lambda rng, shape, at, x=x.astype(lt.DTYPES[type.dtype]): x))
    return out


def reductions(program, values):
    """Programs that are smaller, the smallest first."""
    if len(program.outputs) > 1:
        for v in program.outputs:
            out = copy(program)
            out.outputs = [v]
            yield out
    if program.donated:
        out = copy(program)
        out.donated = {}
        yield out
    for node in reversed(program.nodes):
        if len(program.outputs) == 1 and set(node.results) & set(program.outputs):
            for v in node.operands:  # what it reads instead of what it makes
                if any(v in n.results for n in program.nodes):
                    out = copy(program)
                    out.outputs = [v]
                    yield out
            continue
        if (out := cut(program, node, values)) is not None:
            yield out


def shrink(program, arrays, symbols, fails):
    """The smallest program found for which fails(program, arrays) still holds, and its arrays."""
    while True:
        values = program.evaluate(arrays, symbols)
        for smaller in reductions(program, values):
            smaller.trim()
            given = {a.value: arrays[a.value] if a.value in arrays else a.make(None, None, None)
                     for a in smaller.arguments}
            try:
                if fails(smaller, given):
                    program, arrays = smaller, given
                    break
            except Unclear:
                continue
        else:
            return program, arrays
