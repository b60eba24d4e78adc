# ===- test_raise_rotary_weights.py - rotary tables that exporters have folded -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Cosines and sines per channel, in the program or in a weights file: found where every number is there twice, and only there."""
import pathlib
import subprocess

import numpy as np
import pytest
from linnet import testing
from linnet.testing import Computed
from safetensors.numpy import load_file, save_file

FOLDER = pathlib.Path(__file__).parents[1] / "Foreign"
ROWS, WIDTH = 5, 6
T = f"tensor<2x3x{ROWS}x{WIDTH}xf32>"


def program(interleaved, tables=None):
    """x * cos + rotated(x) * sin, as exporters write it; `tables`: in the program, as text."""
    half, table = WIDTH // 2, f"tensor<{ROWS}x{WIDTH}xf32>"
    part = f"tensor<2x3x{ROWS}x{half}xf32>"
    offset, stride = (1, 2) if interleaved else (half, 1)
    def cut(name, start):
        return (f"%{name} = tensor.extract_slice %x[0, 0, 0, {start}] [2, 3, {ROWS}, {half}] [1, 1, 1, {stride}] : "
                f"{T} to {part}")
    joined = f"%r = tensor.concat dim(3) %m, %lo : ({part}, {part}) -> {T}"
    if interleaved:
        one, pair = part.replace("xf32", "x1xf32"), part.replace("xf32", "x2xf32")
        groups, shape = "[[0], [1], [2], [3, 4]]", f"[2, 3, {ROWS}, {half}, 1]"
        joined = f"""%m1 = tensor.expand_shape %m {groups} output_shape {shape} : {part} into {one}
  %l1 = tensor.expand_shape %lo {groups} output_shape {shape} : {part} into {one}
  %b = tensor.concat dim(4) %m1, %l1 : ({one}, {one}) -> {pair}
  %r = tensor.collapse_shape %b {groups} : {pair} into {T}"""
    globals_ = "\n".join(f'ml_program.global private @w{i}(#ml_program.extern<{table}>) : {table} {{linnet.key = "{n}"}}'
                         for i, n in enumerate(("cos", "sin")))
    given = [f"ml_program.global_load_const @w{i} : {table}" for i in range(2)]
    if tables is not None:
        numbers = [[[float(x) for x in row] for row in tables[n]] for n in ("cos", "sin")]
        globals_, given = "", [f"arith.constant dense<{n}> : {table}" for n in numbers]
    return f"""{globals_}
func.func @main(%x: {T}) -> {T} {{
  %c = {given[0]}
  %s = {given[1]}
  {cut("lo", 0)}
  {cut("hi", offset)}
  %m = arith.negf %hi : {part}
  {joined}
  %cb = linnet.broadcast %c dims [2, 3] : {table} -> {T}
  %sb = linnet.broadcast %s dims [2, 3] : {table} -> {T}
  %p = arith.mulf %x, %cb : {T}
  %q = arith.mulf %r, %sb : {T}
  %y = arith.addf %p, %q : {T}
  return %y : {T}
}}
"""


def structured(path, weights, *flags):
    """The remarks of a compilation, which shows what was made."""
    done = subprocess.run([testing.build_folder() / "bin" / "linnet-compile", path, f"--weights={weights}", "-v",
                           "--compile-to=structured", "-o", "/dev/null", *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def reference(x, cos, sin, interleaved):
    """f64, of tables of any kind, and what f32 may be off."""
    half = WIDTH // 2
    lo = np.arange(0, WIDTH, 2) if interleaved else np.arange(half)
    hi = lo + (1 if interleaved else half)
    turned = np.zeros_like(x)
    turned[..., lo], turned[..., hi] = -x[..., hi], x[..., lo]
    return Computed(x) * cos + Computed(turned) * sin


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("changed", ["", "cos", "sin"])
def test_tables_per_channel(inside, interleaved, changed, tmp_path):
    rng = np.random.default_rng(1)
    angle = rng.uniform(-3, 3, (ROWS, WIDTH // 2)).astype(np.float32)
    angle = np.repeat(angle, 2, 1) if interleaved else np.concatenate([angle, angle], 1)
    tables = {"cos": np.cos(angle), "sin": np.sin(angle)}
    if changed:  # one element, by one unit
        tables[changed][ROWS - 1, WIDTH - 1] = np.nextafter(tables[changed][ROWS - 1, WIDTH - 1], np.float32(2))
    text, weights = program(interleaved, tables if inside else None), tmp_path / "w.safetensors"
    save_file({} if inside else tables, weights)
    (tmp_path / "m.mlir").write_text(text)
    said = structured(tmp_path / "m.mlir", weights)
    assert ("rotary: made linnet.rotary" in said) == (changed == "")
    if changed:
        which = "the constant that they are read from does not hold" if inside else \
            f"weight @w{('cos', 'sin').index(changed)} is not known to hold"
        assert said.count(f"{which} every number twice") == 1
    x = rng.standard_normal((2, 3, ROWS, WIDTH)).astype(np.float32)
    y, = testing.run(text, x, weights=weights)
    testing.assert_close(y, reference(x, tables["cos"], tables["sin"], interleaved))


def test_what_is_not_known_is_not_believed(tmp_path):
    """External weights may be others at run time; a claim of the input is dropped."""
    rng = np.random.default_rng(2)
    tables = {n: rng.standard_normal((ROWS, WIDTH)).astype(np.float32) for n in ("cos", "sin")}
    save_file(tables, tmp_path / "w.safetensors")
    claimed = program(False).replace('"}', '", linnet.repeats = {halves = array<i64: 1>}}')
    assert claimed.count("linnet.repeats") == 2
    (tmp_path / "m.mlir").write_text(claimed)
    for flags in ((), ("--weights-external",)):
        said = structured(tmp_path / "m.mlir", tmp_path / "w.safetensors", *flags)
        assert "weight @w0 is not known" in said and "made" not in said
    x = rng.standard_normal((2, 3, ROWS, WIDTH)).astype(np.float32)
    y, = testing.run(claimed, x, weights=tmp_path / "w.safetensors")
    testing.assert_close(y, reference(x, tables["cos"], tables["sin"], False))


@pytest.mark.parametrize("name", ["llama", "mistral"])
def test_foreign_models(name, tmp_path):
    """Queries and keys of both layers; with one number changed, none that reads the table."""
    weights = FOLDER / f"{name}.safetensors"
    assert structured(FOLDER / f"{name}.mlir", weights).count("rotary: made linnet.rotary") == 4
    changed = {k: v.copy() for k, v in load_file(weights).items()}
    table = next(v for k, v in changed.items() if v.ndim == 2 and v.shape[1] == 8)
    table[-1, -1] += 1
    save_file(changed, tmp_path / "w.safetensors")
    assert "linnet.rotary" not in structured(FOLDER / f"{name}.mlir", tmp_path / "w.safetensors")
