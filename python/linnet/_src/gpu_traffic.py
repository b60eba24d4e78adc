# ===- gpu_traffic.py - what the loads and stores of GPU kernels move -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Counts the bytes that the code of a kernel moves between a workgroup and memory, by following its positions.

    for kernel in measure(path_of_dispatches, "cuda", "sm_80"): print(kernel.name, kernel.moved, kernel.once)

The `gpu.func` is what --linnet-emit-gpu-kernels shows. All threads of some workgroups are followed at once, integers
as arrays, also through workgroup memory; floats are not computed. A condition on what was loaded counts as true. What
the lanes of a subgroup access together counts once, what two instructions or two subgroups access counts twice. What
has to be moved: each element of a tensor that a workgroup touches, once; each element of its scratch (states that are
kept for a way back) once where it is written and once where it is read. Memory is accessed by sectors of 32 bytes: gaps
between lanes, and what lies askew, show in their number. All sizes are static."""
import dataclasses
import re
import subprocess

import numpy as np

from linnet._src import testing

OP = re.compile(r'^\s*(?:(%\S+?)(?::(\d+))? = )?"([\w.]+)"\(([^)]*)\)(.*)$')
LOCAL = re.compile(r"memref<(\d+)xi(?:32|64), #gpu.address_space<workgroup>>")
BYTES = {"f64": 8, "f32": 4, "f16": 2, "bf16": 2, "i64": 8, "i32": 4, "i16": 2, "i8": 1, "i1": 1}


@dataclasses.dataclass
class Op:
    name: str
    results: list
    operands: list
    line: str  # attributes and types
    regions: list = dataclasses.field(default_factory=list)

    def number(self, attribute):
        return int(re.search(rf"\b{attribute} = (-?\d+)", self.line)[1])

    def types(self):
        """Of the results, as one text."""
        return self.line.rpartition("-> ")[2]

    def accesses_memory(self, memories):
        return (self.name in ACCESSES and (self.operands[ACCESSES[self.name]] in memories or self.is_local())) or any(
            op.accesses_memory(memories) for region in self.regions for op in region.ops)

    def is_local(self):
        """An access to one of the integers in workgroup memory."""
        return self.name in ("memref.load", "memref.store") and bool(LOCAL.search(self.line))


@dataclasses.dataclass
class Region:
    arguments: list = dataclasses.field(default_factory=list)
    ops: list = dataclasses.field(default_factory=list)


class Unfollowed(ValueError):
    """What a kernel does depends on more than its sizes."""


SECTOR = 32

# where the memory is among the operands; the position follows it
ACCESSES = {"memref.load": 0, "vector.load": 0, "memref.store": 1, "vector.store": 1, "memref.atomic_rmw": 1}


def parse(text):
    """The ops of a module in generic form, a module of which is one op of a region."""
    top = Region()
    regions, ops = [top], []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("^"):
            regions[-1].arguments = re.findall(r"(%\w+): ", stripped)
        elif stripped.startswith("})") or stripped.startswith("}, {"):
            regions.pop()
            if stripped.startswith("}, {"):
                region = Region()
                ops[-1].regions.append(region)
                regions.append(region)
            else:
                ops.pop().line += stripped
        elif match := OP.match(line):
            name, count, kind, operands, rest = match.groups()
            results = [] if not name else [name] if not count else [f"{name}#{i}" for i in range(int(count))]
            op = Op(kind, results, re.findall(r"%[\w#]+", operands), rest)
            regions[-1].ops.append(op)
            if rest.endswith("({"):
                region = Region()
                op.regions.append(region)
                ops.append(op)
                regions.append(region)
    return top


def _divide(a, b):
    return np.where(b == 0, 0, a // np.where(b == 0, 1, b))


def _toward_zero(a, b):
    return np.sign(a) * np.sign(b) * _divide(abs(a), abs(b))


COMPARE = [np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal] + [
    np.less, np.less_equal, np.greater, np.greater_equal]
INTEGERS = {
    "addi": np.add, "subi": np.subtract, "muli": np.multiply, "divui": _divide, "remui": lambda a, b: a - b * _divide(a, b),
    "divsi": _toward_zero, "remsi": lambda a, b: a - b * _toward_zero(a, b), "floordivsi": _divide,
    "ceildivsi": lambda a, b: -_divide(-a, b), "ceildivui": lambda a, b: -_divide(-a, b),
    "minsi": np.minimum, "maxsi": np.maximum, "minui": np.minimum, "maxui": np.maximum,
    "andi": np.bitwise_and, "ori": np.bitwise_or, "xori": np.bitwise_xor,
    "shli": np.left_shift, "shrui": np.right_shift, "shrsi": np.right_shift,
    "index_cast": lambda a: a, "index_castui": lambda a: a, "extui": lambda a: a, "extsi": lambda a: a, "trunci": lambda a: a,
}


class Workgroup:
    """Follows all threads of one workgroup through a gpu.func."""

    def __init__(self, function, chunks, group, lanes):
        self.threads = int(re.search(r"known_block_size = array<i32: (\d+)", function.line)[1])
        self.group, self.lanes = group, lanes
        self.values, self.memories = {}, {}
        self.local = {}  # the integers in a workgroup memory, and which of them are known
        self.moved, self.touched = {}, {}  # touched: (memory, whether by a store)
        self.sectors = 0  # bytes of those that subgroups access
        self.elsewhere = 0  # bytes at positions that were loaded: lanes are taken to be apart
        body = function.regions[0]
        inputs = re.search(r"function_type = \(([^)]*)\)", function.line)[1].split(", ")
        words = iter([chunks])
        for name, kind in zip(body.arguments, inputs):
            if found := re.match(r"memref<\?x(\w+)>", kind):
                self.memories[name] = BYTES[found[1]]
                self.moved[name] = 0
                self.touched[name, False], self.touched[name, True] = [], []
            else:
                self.values[name] = np.int64(next(words, 0))
        self.run(body, np.ones(self.threads, bool))

    def run(self, region, mask):
        for op in region.ops:
            self.step(op, mask)
        return [self.values.get(v) for v in region.ops[-1].operands] if region.ops else []

    def bind(self, names, values):
        self.values.update((n, v) for n, v in zip(names, values) if v is not None)
        for name, value in zip(names, values):
            if value is None:
                self.values.pop(name, None)

    def step(self, op, mask):
        dialect, _, kind = op.name.partition(".")
        if op.name in ACCESSES:
            self.access(op, mask)
        elif dialect == "scf" and kind in ("if", "for", "while"):
            if op.accesses_memory(self.memories) or re.search(r"\b(index|i\d+)\b", op.types()):
                getattr(self, "do_" + kind)(op, mask)
        elif op.name == "arith.constant":
            if found := re.search(r"value = (-?\d+|true|false) ?(: (?:index|i\d+)\b|}>|>)", op.line):
                self.values[op.results[0]] = np.int64({"true": 1, "false": 0}.get(found[1]) if found[1] in (
                    "true", "false") else int(found[1]))
        elif op.name == "arith.cmpi":
            self.compute(op, COMPARE[op.number("predicate")])
        elif op.name == "arith.select":
            self.select(op)
        elif dialect == "arith" and kind in INTEGERS:
            self.compute(op, INTEGERS[kind])
        elif dialect == "vector":
            self.vector(op, kind)
        elif dialect == "gpu" and kind.endswith("_id"):
            self.values[op.results[0]] = self.identity(kind, "dim x" in op.line)

    def identity(self, kind, x):
        if kind == "block_id":
            return np.int64(self.group % 65535 if x else self.group // 65535)
        thread = np.arange(self.threads)
        return {"thread_id": thread, "lane_id": thread % self.lanes, "subgroup_id": thread // self.lanes}[kind]

    def compute(self, op, function):
        operands = [self.values.get(v) for v in op.operands]
        if any(v is None for v in operands):
            return self.bind(op.results, [None])
        count = next((len(v) for v in operands if isinstance(v, list)), None)
        if count:  # vectors are lists
            found = [self.apply(function, [v[i] if isinstance(v, list) else v for v in operands]) for i in range(count)]
            return self.bind(op.results, [None if any(v is None for v in found) else found])
        self.values[op.results[0]] = self.apply(function, operands)

    @staticmethod
    def apply(function, operands):
        if any(v is None for v in operands):
            return None
        with np.errstate(over="ignore"):
            return np.asarray(function(*operands)).astype(np.int64)

    def vector(self, op, kind):
        """Masks, whose elements are known or the vector is not."""
        operands = [self.values.get(v) for v in op.operands]
        if kind == "from_elements" and all(v is not None for v in operands):
            self.values[op.results[0]] = operands
        elif kind == "extract" and operands[0] is not None and (
                at := re.search(r"static_position = array<i64: (\d+)>", op.line)):
            self.values[op.results[0]] = operands[0][int(at[1])]
        else:
            self.bind(op.results, [None] * len(op.results))

    def select(self, op):
        condition, yes, no = (self.values.get(v) for v in op.operands)
        known = not any(v is None or isinstance(v, list) for v in (yes, no)) and not isinstance(condition, list)
        self.bind(op.results, [yes if condition is None else np.where(condition, yes, no) if known else None])

    def access(self, op, mask):
        at = ACCESSES[op.name]
        name = op.operands[at]
        if op.is_local():
            return self.access_local(op, mask)
        if name not in self.memories or not mask.any():
            return
        position = self.values.get(op.operands[at + 1])
        found = re.search(r"vector<(\d+)x", op.line)
        count, size = int(found[1]) if found else 1, self.memories[name]
        if position is None:
            self.elsewhere += int(mask.sum()) * count * size
            return
        positions = np.where(mask, np.broadcast_to(position, mask.shape), -1)
        rows = np.full(-(-len(positions) // self.lanes) * self.lanes, -1)
        rows[:len(positions)] = positions
        rows = np.sort(rows.reshape(-1, self.lanes), axis=1)
        distinct = (rows[:, 0] >= 0).sum() + ((rows[:, 1:] != rows[:, :-1]) & (rows[:, 1:] >= 0)).sum()
        self.moved[name] += int(distinct) * count * size
        ends = np.where(rows >= 0, (rows * size + count * size - 1) // SECTOR, -1)
        sectors = np.sort(np.concatenate([np.where(rows >= 0, rows * size // SECTOR, -1), ends], axis=1), axis=1)
        self.sectors += SECTOR * int((sectors[:, 0] >= 0).sum() + (
            (sectors[:, 1:] != sectors[:, :-1]) & (sectors[:, 1:] >= 0)).sum())
        first = np.unique(rows[rows >= 0])
        self.touched[name, bool(at)].append((first[:, None] + np.arange(count)).ravel())

    def access_local(self, op, mask):
        """Integers that threads leave each other. Between barriers they do not depend on an order of threads."""
        at = ACCESSES[op.name]
        size = int(LOCAL.search(op.line)[1])
        numbers, known = self.local.setdefault(op.operands[at], (np.zeros(size, np.int64), np.zeros(size, bool)))
        position = self.values.get(op.operands[at + 1])
        where = None if position is None else np.broadcast_to(position, mask.shape)
        if at == 0:
            ok = where is not None and known[where[mask]].all()
            return self.bind(op.results, [numbers[np.where(mask, where, 0)] if ok else None])
        if where is None:
            known[:] = False
            return
        value = self.values.get(op.operands[0])
        known[where[mask]] = value is not None
        if value is not None:
            numbers[where[mask]] = np.broadcast_to(value, mask.shape)[mask]

    def bytes_touched(self, name, kinds):
        """Of the elements that loads (False) or stores (True) touched."""
        found = [positions for kind in kinds for positions in self.touched[name, kind]]
        return len(np.unique(np.concatenate(found))) * self.memories[name] if found else 0

    def do_if(self, op, mask):
        condition = self.values.get(op.operands[0])
        taken = mask if condition is None else mask & np.broadcast_to(np.asarray(condition, bool), mask.shape)
        sides = []
        for region, there in zip(op.regions, (taken, mask & ~taken)):
            sides.append(self.run(region, there) if there.any() and region.ops else None)
        if not op.results:
            return
        yes, no = (side or [None] * len(op.results) for side in (*sides, None)[:2])
        merged = [a if b is None else b if a is None else np.where(taken, a, b) for a, b in zip(yes, no)]
        self.bind(op.results, merged)

    def do_for(self, op, mask):
        low, high, step = (self.values.get(v) for v in op.operands[:3])
        if low is None or high is None or step is None:
            raise Unfollowed("a loop whose bounds depend on what was loaded")
        region = op.regions[0]
        i, carried = low, [self.values.get(v) for v in op.operands[3:]]
        while (inside := mask & (i < high)).any():
            self.bind(region.arguments, [i, *carried])
            following = self.run(region, inside)
            carried = [None if new is None or old is None else np.where(inside, new, old)
                       for new, old in zip(following, carried)]
            i = i + step
        self.bind(op.results, carried)

    def do_while(self, op, mask):
        before, after = op.regions
        carried = [self.values.get(v) for v in op.operands]
        for _ in range(1 << 20):
            self.bind(before.arguments, carried)
            condition, *shown = self.run(before, mask)
            if condition is None:
                raise Unfollowed("a loop whose condition depends on what was loaded")
            inside = mask & np.broadcast_to(np.asarray(condition, bool), mask.shape)
            self.bind(op.results, shown)
            if not inside.any():
                return
            self.bind(after.arguments, shown)
            carried = self.run(after, inside)


@dataclasses.dataclass
class Traffic:
    """Of a launch, as far as the workgroups that were followed tell. `once`: had each workgroup moved every element
    that it touches once; `operands`: bytes of all arguments and results; `sectors`: bytes of sectors over bytes that subgroups
    access at positions which are known."""
    name: str
    chunks: int
    moved: float
    once: float
    operands: int
    sectors: float


def _operand_bytes(kernel):
    types = re.search(r"function_type = (.*?-> .*?), (?:strategy|sym_name|launch|layouts)", kernel.line)[1]
    return sum(int(np.prod([int(n) for n in shape.split("x")[:-1]] or [1])) * BYTES.get(shape.split("x")[-1], 4)
               for shape in re.findall(r"tensor<([\w]+)>", types))


def _launch(kernel):
    """Chunks, and whether there is scratch."""
    values = {}
    for op in kernel.regions[1].ops:
        if op.name == "arith.constant":
            values[op.results[0]] = op.number("value")
        elif op.name == "exec.launch":
            return values[op.operands[0]], values[op.operands[1]] > 0


def follow(function, kernel, samples, lanes):
    chunks, scratch = _launch(kernel)
    groups = sorted({round(i) for i in np.linspace(0, chunks - 1, samples)})
    moved = once = sectors = known = 0
    for group in groups:
        workgroup = Workgroup(function, chunks, group, lanes)
        faults = int(re.search(r"faults = (\d+)", kernel.line)[1]) > 0
        names = list(workgroup.memories)
        tensors = names[:len(names) - scratch - faults]
        known += sum(workgroup.moved.values())
        sectors += workgroup.sectors
        moved += sum(workgroup.moved.values()) + workgroup.elsewhere
        once += workgroup.elsewhere
        once += sum(workgroup.bytes_touched(n, (False, True)) for n in tensors)
        if scratch:
            name = names[len(tensors)]
            once += workgroup.bytes_touched(name, (False,)) + workgroup.bytes_touched(name, (True,))
    return Traffic(re.search(r'sym_name = "(\w+)"', kernel.line)[1], chunks, moved * chunks / len(groups),
                   once * chunks / len(groups), _operand_bytes(kernel), sectors / max(known, 1))


def measure(dispatches, target="cuda", chip="", samples=3, lanes=32):
    """Traffic of every kernel of a file that linnet-compile --compile-to=dispatches --target=... wrote."""
    flags = f"target={target}" + (f" chip={chip}" if chip else "")
    text = subprocess.run([testing.build_folder() / "bin" / "linnet-opt", dispatches, "--canonicalize",
                           f"--linnet-emit-gpu-kernels={flags}", "--mlir-print-op-generic"],
                          check=True, capture_output=True, text=True).stdout
    module = parse(text).ops[0].regions[0]
    codes = [op.regions[0].ops[0] for op in module.ops if op.name == "gpu.module"]
    kernels = [op for op in module.ops if op.name == "exec.kernel"]
    return [follow(code, kernel, samples, lanes) for code, kernel in zip(codes, kernels)]
