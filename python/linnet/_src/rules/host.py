# ===- host.py - rules of Python in the optimizer -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""The decorator, and linnet-py: linnet-opt in this process, with the rules of Python files."""

import ctypes
import dataclasses
import importlib.util
import pathlib
import sys
import traceback
import typing

from linnet._src.rules import capi, ir


@dataclasses.dataclass
class Rule:
    name: str
    root: str
    benefit: int
    dialects: str
    function: typing.Callable
    file: str = ""

    @property
    def description(self):
        first = (self.function.__doc__ or "").strip().partition("\n")[0]
        return first or f"from {pathlib.Path(self.file).name}"


_rules = []


def rewrite(root, benefit=1, name=None, dialects=()):
    """Makes a function a rule for ops called `root`: `rule(op, rw)` with the ir.Op and an ir.Rewriter.

    It returns what takes the place of the op's results (an op, a value, or a list); or `rw.no_match(reason)`;
    or nothing, after `rw.replace` or where it does not apply. `dialects`: those that it makes ops of, beside
    linnet, affine, arith, linalg, math, scf and tensor.
    """
    def register(function):
        _rules.append(Rule(name or function.__name__, root, benefit, ",".join(dialects), function,
                           function.__code__.co_filename))
        return function
    if not isinstance(root, str):
        raise TypeError("expects the name of an op: @linnet.rewrite(\"linnet.attention\")")
    return register


#===------------------------------------------------------------------------===//
# Calls from the optimizer
#===------------------------------------------------------------------------===//

def _finish(rule, op, rw, result):
    """Whether the rule applied; replaces the op by what it returned."""
    if result is False:
        if rw.changed:
            raise RuntimeError("changed the program and then said that it does not apply")
        return False
    if result is None or result is True:
        return rw.changed
    rw.replace(op, *(result if isinstance(result, (list, tuple)) else [result]))
    return True


def _where(error, file):
    """"file.py:12" of the rule's line that led to the error."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f" ({pathlib.Path(file).name}:{frames[-1].lineno})" if frames else ""


def _callback(rule):
    def call(op, rewriter, _):
        try:
            at = ir.Op(capi.Operation(op))
            rw = ir.Rewriter(capi.PatternRewriter(rewriter), at)
            return int(_finish(rule, at, rw, rule.function(at, rw)))
        except BaseException as error:  # none may cross C++
            text = f"{type(error).__name__}: {error}{_where(error, rule.file)}"
            capi.linnetFailRule(capi.Bytes(text))
            return -1
    return capi.REWRITE(call)


_callbacks = []  # they live as long as the optimizer may call them


def register(rules, argument, description):
    """Rules by name, and a pass `--argument` that applies all of them. False after a message."""
    for rule in rules:
        _callbacks.append(_callback(rule))
        texts = [text.encode() for text in (rule.name, rule.description, rule.root)]
        if not capi.linnetRegisterRule(*texts, rule.benefit, rule.dialects.encode(), _callbacks[-1], None):
            return False
    names = capi.array(ctypes.c_char_p, [rule.name.encode() for rule in rules])
    capi.linnetRegisterRulesPass(argument.encode(), description.encode(), names, len(rules))
    return True


#===------------------------------------------------------------------------===//
# linnet-py
#===------------------------------------------------------------------------===//

def _fail(message):
    print(f"linnet-py: error: {message}", file=sys.stderr)
    return False


def load(file):
    """Runs a file and registers its rules; the pass has the file's name, with '-' for '_'."""
    path = pathlib.Path(file)
    before = len(_rules)
    try:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except SyntaxError as error:
        return _fail(f"{file}:{error.lineno}: {error.msg}")
    except Exception as error:  # whatever the file does
        return _fail(f"{file}: {type(error).__name__}: {error}{_where(error, str(path))}")
    if len(_rules) == before:
        return _fail(f"{file}: has no rule: @linnet.rewrite(\"linnet.attention\")")
    description = (module.__doc__ or "").strip().partition("\n")[0] or f"the rules of {path.name}"
    return register(_rules[before:], path.stem.replace("_", "-"), description)


def main(argv):
    """`linnet-py --rules r.py ARGUMENTS`: linnet-opt with the rules of r.py and the pass --r."""
    arguments, rest = ["linnet-py"], list(argv)
    while rest:
        argument = rest.pop(0)
        if argument == "--rules" and not rest:
            _fail("--rules expects a file")
            return 2
        if argument == "--rules":
            argument = f"--rules={rest.pop(0)}"
        if argument.startswith("--rules=") and argument.endswith(".py"):
            if not load(argument.removeprefix("--rules=")):
                return 1
        else:
            arguments.append(argument)
    encoded = [argument.encode() for argument in arguments]
    return capi.linnetOptMain(len(encoded), capi.array(ctypes.c_char_p, [*encoded, None]))
