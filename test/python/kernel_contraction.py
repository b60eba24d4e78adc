# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Writes contraction kernels as MLIR text, and runs them beside float64 NumPy."""

import dataclasses

import numpy as np

from linnet._src import kernels

EXTEND = {"f16": "extf", "bf16": "extf", "f32": "extf", "i8": "extsi"}


@dataclasses.dataclass
class Einsum:
    """sum of a * b by an einsum `spec` of one letter per dimension, then `epilogue`: lines that
    turn %r (a tensor of the result's type, named T) into %y, with `extra` arguments {name: letters}.
    `order` are the letters of the stored result where the epilogue permutes them."""

    spec: str
    sizes: dict
    dtype: str = "f32"
    acc: str = "f32"
    dynamic: bool = False
    epilogue: str = ""
    extra: dict = dataclasses.field(default_factory=dict)
    order: str = ""
    init: str = ""  # an extra argument to accumulate on
    out: str = ""
    swap: bool = False  # multiply b * a

    def __post_init__(self):
        self.inputs, self.result = self.spec.split("->")
        self.a, self.b = self.inputs.split(",")
        self.order = self.order or self.result
        self.out = self.out or self.acc

    def type(self, letters, element):
        dims = "".join(("?" if self.dynamic else str(self.sizes[c])) + "x" for c in letters)
        return f"tensor<{dims}{element}>"

    def map(self, letters):
        loops = ", ".join(self.letters)
        return f"affine_map<({loops}) -> ({', '.join(letters)})>"

    @property
    def letters(self):
        return self.result + "".join(sorted(set(self.a + self.b) - set(self.result)))

    def size_lines(self):
        lines = []
        for c in self.result:
            name, letters = ("%a", self.a) if c in self.a else ("%b", self.b)
            p = letters.index(c)
            lines.append(f"%i_{c} = arith.constant {p} : index\n"
                         f"%n_{c} = tensor.dim {name}, %i_{c} : {self.type(letters, self.dtype)}")
        return "\n".join(lines)

    def text(self, name="k"):
        t = self.type(self.result, self.acc)
        ta, tb = self.type(self.a, self.dtype), self.type(self.b, self.dtype)
        f = "f" if "f" in self.acc else "i"
        extra = "".join(f", %{n}: {self.type(letters, e)}" for n, (letters, e) in self.extra.items())
        sizes = ", ".join(f"%n_{c}" for c in self.result) if self.dynamic else ""
        wide = ""
        if self.dtype != self.acc:
            ext = EXTEND[self.dtype]
            wide = "".join(f"%w{x} = arith.{ext} %x{x} : {self.dtype} to {self.acc}\n" for x in "ab")
        xa, xb = ("%wa", "%wb") if wide else ("%xa", "%xb")
        if self.swap:
            xa, xb = xb, xa
        iters = ", ".join('"parallel"' if c in self.result else '"reduction"' for c in self.letters)
        start = f"%{self.init}" if self.init else "%zeros"
        return f"""
exec.kernel @{name}(%a: {ta}, %b: {tb}{extra}) -> {self.type(self.order, self.out)} {{
  {self.size_lines() if self.dynamic else ""}
  %zero = arith.constant {"0.0" if f == "f" else "0"} : {self.acc}
  %empty = tensor.empty({sizes}) : {t}
  %zeros = linalg.fill ins(%zero : {self.acc}) outs(%empty : {t}) -> {t}
  %r = linalg.generic {{indexing_maps = [{self.map(self.a)}, {self.map(self.b)}, {self.map(self.result)}],
      iterator_types = [{iters}]}} ins(%a, %b : {ta}, {tb}) outs({start} : {t}) {{
  ^bb0(%xa: {self.dtype}, %xb: {self.dtype}, %s: {self.acc}):
    {wide}
    %p = arith.mul{f} {xa}, {xb} : {self.acc}
    %q = arith.add{f} %s, %p : {self.acc}
    linalg.yield %q : {self.acc}
  }} -> {t}
  {self.epilogue}
  exec.yield {"%y" if self.epilogue else "%r"} : {self.type(self.order, self.out)}
}}
"""

    def arguments(self, seed=0):
        rng = np.random.default_rng(seed)

        def make(letters, element):
            shape = [self.sizes[c] for c in letters]
            if element.startswith("i"):
                return rng.integers(-100, 100, shape).astype(kernels.DTYPES[element])
            return rng.standard_normal(shape).astype(kernels.DTYPES[element])

        return [make(self.a, self.dtype), make(self.b, self.dtype),
                *(make(letters, e) for letters, e in self.extra.values())]

    def reference(self, a, b):
        """In float64, with what the rounding of the sums may add."""
        wide = np.int64 if self.acc.startswith("i") else np.float64
        a, b = a.astype(wide), b.astype(wide)
        exact = np.einsum(self.spec, a, b)
        depth = np.prod([self.sizes[c] for c in set(self.a + self.b) - set(self.result)])
        unit = {"f64": 2.0**-53, "f32": 2.0**-24}.get(self.acc, 0)
        return exact, unit * (depth + 2) * np.einsum(self.spec, abs(a), abs(b))


def run(problem, kernel, args, threads=1, name="k"):
    """Calls the kernel, packing the arguments for which it asked panels."""
    args = list(args)
    for i, layout in enumerate(kernel.info["layouts"]):
        if layout:
            args[i] = kernels.pack(args[i], layout)
            kernel.info["arguments"][i]["dims"] = [args[i].size]
    sizes = [problem.sizes[c] for c in problem.order] if problem.dynamic else []
    return kernel(*args, sizes=sizes, threads=threads)


def build(problem, cpu, constants=()):
    return kernels.compile(problem.text(), cpu=cpu,
                           constants={"k": list(constants)} if constants else None)["k"]


def check(problem, cpu, constants=(), kernel=None, finish=None, seed=0, slack=0.0):
    """Compares with float64: `finish(exact, *extra)` is the epilogue."""
    kernel = kernel or build(problem, cpu, constants)
    args = problem.arguments(seed)
    exact, bound = problem.reference(*args[:2])
    if problem.init:
        start = args[2 + list(problem.extra).index(problem.init)]
        exact, bound = exact + start, bound + 2.0**-23 * abs(start.astype(np.float64))
    if finish:
        exact = finish(exact, *(x.astype(np.float64) for x in args[2:]))
        bound = np.broadcast_to(bound.max(initial=0), exact.shape)
    one = run(problem, kernel, args)
    three = run(problem, kernel, args, threads=3)
    assert one.tobytes() == three.tobytes(), "the split into ranges shows in the result"
    if not finish and not problem.init and problem.acc.startswith("i"):
        assert (one == exact.astype(one.dtype)).all()
        return kernel
    error = abs(one.astype(np.float64) - exact)
    limit = bound * (1 + slack) + slack * (abs(exact) + 1) + 1e-30
    assert (error <= limit).all(), f"{problem.spec}: error {error.max()} above {limit.max()}"
    return kernel
