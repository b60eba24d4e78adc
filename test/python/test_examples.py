# ===- test_examples.py - what ships with the examples is what they write -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import pathlib

import pytest

from linnet.examples import bytelm
from linnet.examples.bytelm import emit

FOLDER = pathlib.Path(bytelm.__file__).parent


@pytest.mark.parametrize("variant", list(emit.HEADER))
def test_shipped_ir_is_what_the_generator_writes(variant):
    assert (FOLDER / f"model.{variant}.mlir").read_text() == emit.Model(variant).text()


@pytest.mark.parametrize("variant", list(emit.HEADER))
def test_generator_and_pytorch_model_agree_on_the_weights(variant):
    lm = pytest.importorskip("linnet.examples.bytelm.model")
    shapes = lm.parameter_shapes(lm.Config(variant))
    types = emit.parameter_types(variant)
    assert list(types) == list(shapes)
    assert types == {name: emit.tensor(shape) for name, shape in shapes.items()}
