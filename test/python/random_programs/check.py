# ===- check.py - compiles, runs and compares random programs -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
from linnet import runtime
from linnet import testing as lt
from random_programs.graph import Unclear
from random_programs.shrink import shrink


class Case:
    """A program, and a call at each of its sizes: arrays by value and what results are."""

    def __init__(self, program, calls, seed):
        self.program, self.seed, self.calls, self.wanted = program, seed, [], len(calls)
        for i, symbols in enumerate(calls):
            self.add(program.inputs(np.random.default_rng([seed, i]), symbols), symbols)

    def add(self, arrays, symbols):
        """A call is left out where its results say nothing; the program is compiled all the same."""
        try:
            values = self.program.evaluate(arrays, symbols)
        except Unclear:
            return
        given = [arrays[a.value] for a in self.program.given()]
        self.calls.append((symbols, arrays, given, [values[v] for v in self.program.outputs]))


def failures(modules, case):
    """What is wrong with the case's calls, as (symbols, arrays, message)."""
    for symbols, arrays, given, expected in case.calls:
        try:
            compare(modules, case.program.name, given, expected)
        except (AssertionError, runtime.Error) as error:
            return symbols, arrays, str(error).strip()
    return None


def compare(modules, name, given, expected):
    """On every module; `modules` of one list have the same bits."""
    for same in modules:
        first = None
        for module in same:
            found = [np.array(x) for x in module.session().call(name, *given, poison=lt.on_cpu())]
            for i, (y, want) in enumerate(zip(found, expected, strict=True)):
                try:
                    lt.assert_close(y, want)
                except AssertionError as error:
                    raise AssertionError(f"{module.level}, result {i}: {error}") from None
            bits = [y.tobytes() for y in found]
            assert first is None or bits == first, f"{module.level}: other bits with more threads"
            first = bits


def load(text, levels=("x86-64-v3", "x86-64-v4"), threads=(1, 2), **options):
    """Modules in lists of those that have the same bits."""
    if not lt.on_cpu():
        return [[lt.load(text, **options)]]
    bundle = lt.compile_text(text, cpu=",".join(levels), **options)
    return [[lt.open_bundle(bundle, n, level=level) for n in threads] for level in levels]


def check(cases, **options):
    """Failures of all: (case, message) with the case shrunk."""
    try:
        modules = load("\n".join(c.program.text() for c in cases), **options)
    except lt.CompileError as error:
        if len(cases) > 1:
            half = len(cases) // 2
            return check(cases[:half], **options) + check(cases[half:], **options)
        return [refused(cases[0], error, **options)]
    out = []
    for case in cases:
        if found := failures(modules, case):
            out.append(wrong(case, *found, **options))
    return out


def reason(error):
    """The first line that says what is wrong, without a position."""
    lines = [line for line in str(error).splitlines() if "error" in line or "Assert" in line]
    return (lines or [str(error)[:200]])[0].split("error: ")[-1][:80]


def refused(case, error, **options):
    if not case.calls:
        return case, f"does not compile: {error}"
    symbols, arrays, *_ = case.calls[0]
    why = reason(error)

    def fails(program, arrays):
        try:
            load(program.text(), **options)
        except lt.CompileError as other:
            return reason(other) == why
        return False
    return report(case, symbols, arrays, fails, f"does not compile: {error}")


def wrong(case, symbols, arrays, message, **options):
    def fails(program, arrays):
        smaller = Case(program, [], case.seed)
        smaller.add(arrays, symbols)
        try:
            return failures(load(program.text(), **options), smaller) is not None
        except lt.CompileError:
            return False
    return report(case, symbols, arrays, fails, message)


def report(case, symbols, arrays, fails, message):
    program, arrays = shrink(case.program, arrays, symbols, fails)
    shapes = {f"%a{v}": list(x.shape) for v, x in arrays.items()}
    return case, f"seed {case.seed}, sizes {symbols} {shapes}: {message}\n{program.text()}"
