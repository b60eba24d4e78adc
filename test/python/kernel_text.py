# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Writes the bodies of kernels as MLIR text."""

import numpy as np


def ty(shape, element):
    return f"tensor<{''.join(('?' if d is None else str(d)) + 'x' for d in shape)}{element}>"


class Text:
    """Writes the body of one kernel."""

    def __init__(self, name, *args):
        self.name, self.args, self.lines, self.n = name, args, [], 0

    def add(self, line):
        self.n += 1
        self.lines.append(f"    %v{self.n} = {line}")
        return f"%v{self.n}"

    def const(self, value, type):
        return self.add(f"arith.constant {value} : {type}")

    def dim(self, tensor, type, d):
        return self.add(f"tensor.dim {tensor}, {self.const(d, 'index')} : {type}")

    def empty(self, shape, element, sizes=()):
        """`sizes`: SSA names of the dynamic dimensions."""
        return self.add(f"tensor.empty({', '.join(sizes)}) : {ty(shape, element)}")

    def fill(self, value, element, tensor, type):
        return self.add(f"linalg.fill ins({value} : {element}) outs({tensor} : {type}) -> {type}")

    def generic(self, loops, iterators, ins, outs, body):
        """ins, outs: (name, type, map results); body: text of the region, `%i0..`, `%o0..`."""
        dims = ", ".join(f"d{i}" for i in range(loops))
        maps = ", ".join(f"affine_map<({dims}) -> ({m})>" for _, _, m in [*ins, *outs])
        kinds = ", ".join('"parallel"' if k == "p" else '"reduction"' for k in iterators)
        element = lambda t: t[7:-1].split("x")[-1] if t.startswith("tensor") else t
        args = [f"%i{i}: {element(t)}" for i, (_, t, _) in enumerate(ins)]
        args += [f"%o{i}: {element(t)}" for i, (_, t, _) in enumerate(outs)]
        group = lambda key, xs: f"{key}({', '.join(x[0] for x in xs)} : {', '.join(x[1] for x in xs)})" if xs else ""
        types = ", ".join(t for _, t, _ in outs)
        self.n += 1
        name = f"%v{self.n}" + (f":{len(outs)}" if len(outs) > 1 else "")
        self.lines.append(
            f"    {name} = linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}} "
            f"{group('ins', ins)} {group('outs', outs)} {{\n    ^bb0({', '.join(args)}):\n{body}\n    }} -> "
            + (f"({types})" if len(outs) > 1 else types))
        return f"%v{self.n}"

    def done(self, *results, attributes=""):
        """results: (name, type)."""
        args = ", ".join(f"%a{i}: {t}" for i, t in enumerate(self.args))
        types = ", ".join(t for _, t in results)
        body = "\n".join(self.lines)
        return (f"exec.kernel @{self.name}({args}) -> ({types}) {attributes} {{\n{body}\n"
                f"    exec.yield {', '.join(n for n, _ in results)} : {types}\n}}\n")


def identity(rank):
    return ", ".join(f"d{i}" for i in range(rank))


def same_bits(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.tobytes() == b.tobytes()
