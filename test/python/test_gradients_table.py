# ===- test_gradients_table.py - every op with a rule, every attribute value -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Compiled gradients against PyTorch's autograd and central differences of the references, for
every op that has a rule. Which these are the compiler says; what an op may be given, its definition:
an operand, an attribute or a value of one that no case has fails the test."""
import collections
import functools
import pathlib
import re
import subprocess

import gradient_cases_model
import gradient_cases_plain
import pytest

from linnet import gradients as lg
from linnet import testing as lt

ROOT = pathlib.Path(__file__).parents[2]
IR = ROOT / "include" / "linnet" / "IR"
# ops whose regions or functions are the point, and recurrences, with every set of optional operands
ELSEWHERE = {"test_gradients_control_flow.py": ("scf.for", "scf.if", "linnet.checkpoint",
                                                "linnet.custom_vjp"),
             "test_gradients_scan.py": ("linnet.selective_scan", "linnet.causal_conv"),
             "test_gradients_linear_attention.py": ("linnet.linear_attention",)}
MASKS = ("causal", "window", "left", "right", "explicit", "kv_lengths", "segments")
# what an op refuses to be differentiated with, since only later passes make it
REFUSED = {("attention", "part")}
# operands that the text of an op does not name
UNNAMED = {("rotary", "cos"): "tables", ("rotary", "sin"): "tables"}


@functools.cache
def cases():
    made = collections.defaultdict(list)
    for name, case in [*gradient_cases_plain.cases(), *gradient_cases_model.cases()]:
        made[name].append(case)
    return made


def rules():
    """Names of the ops that the compiler can differentiate."""
    tool = lt.build_folder() / "bin" / "linnet-opt"
    return subprocess.run([tool, "--show-derivatives"], check=True, capture_output=True,
                          text=True).stdout.split()


RULES = [name for name in rules() if name not in sum(ELSEWHERE.values(), ())]


@pytest.mark.slow(quick="^(?!linnet.attention$)")  # which test_gradients_attention.py has too
@pytest.mark.parametrize("op", RULES)
def test_op(op):
    assert op in cases(), f"no case for {op}, which has a rule"
    lg.check_all(cases()[op])


def test_the_others_are_tested_elsewhere():
    for file, names in ELSEWHERE.items():
        text = (pathlib.Path(__file__).parent / file).read_text()
        assert all(re.search(rf"\b({name}|{name.split('.')[1]})\b", text) for name in names)
    assert set(cases()) <= set(rules())


def definition(op):
    """The op's arguments in ODS, with those of the lists that it shares with others."""
    for path in IR.glob("*.td"):
        text = path.read_text()
        found = re.search(rf'^def Linnet_\w+ : Linnet_Op<"{op}".*?(?=^def |^defvar |\Z)', text, re.S | re.M)
        if found:
            body = found.group()
            arguments = body[body.index("let arguments"):body.index("let results")]
            for shared in re.findall(r"Linnet_\w+(?:Attrs|Options)\b", arguments):
                block = re.search(rf"^def(?:var)? {shared} .*?(?=^def)", text, re.S | re.M).group()
                arguments += block.split("string format")[0]
            return arguments
    raise AssertionError(f"linnet.{op} is not defined")


def words(op):
    """What the cases of an op have to say: optional operands, attributes, all values of enums."""
    arguments = definition(op)
    for kind, name in re.findall(r"((?:Optional|UnitAttr|DefaultValued|Variadic)[^:$]*(?:::[^:$]+)*):\$(\w+)",
                                 arguments):
        # all operands of an op that has any number of them end so
        if not name.endswith("_") and (op, name) not in REFUSED:
            yield UNNAMED.get((op, name), name)
    attributes = (IR / "LinnetAttrs.td").read_text()
    for enum in re.findall(r"(Linnet_\w+)Attr\b", arguments):
        body = re.search(rf"def {enum} : I32EnumAttr.*?\]>", attributes, re.S)
        yield from re.findall(r'I32EnumAttrCase<"(\w+)"', body.group()) if body else MASKS


@pytest.mark.parametrize("op", [name.split(".")[1] for name in RULES if name.startswith("linnet.")])
def test_every_operand_attribute_and_value_has_a_case(op):
    said = " ".join(case.text for case in cases()["linnet." + op])
    missing = [word for word in words(op) if not re.search(rf"\b{word}\b", said)]
    assert not missing, f"no case of linnet.{op} has {missing}"


def test_the_definitions_are_understood():
    """So that a change of style in ODS does not silently ask for nothing."""
    assert {"bias", "dropout_key", "softcap", "top_left", "bottom_right", *MASKS} <= set(words("attention"))
    assert {"strides", "dilations", "padding", "ceil_mode", "count_include_pad"} == set(words("avg_pool"))
    assert {"none", "sum", "mean", "ignore_index", "label_smoothing"} == set(words("cross_entropy"))
    assert {"like", "sizes", "dims"} == set(words("broadcast"))
