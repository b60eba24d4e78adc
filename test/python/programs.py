# ===- programs.py - whole models that the tests of memory and bits run -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""The demo's models, GPT-2, test/Foreign and the train steps of the examples, each with inputs for one call of each function."""
import dataclasses
import functools
import os
import pathlib
import tempfile

import numpy as np
from linnet import testing
from linnet.examples import bytelm, digits, gpt2
from linnet.examples.bytelm import emit_train
from safetensors.numpy import load_file, save_file

FOREIGN = pathlib.Path(__file__).parents[1] / "Foreign"
DEMO = pathlib.Path(bytelm.__file__).parent
# GPT-2's width and heads, fewer of everything that only repeats; `./dev test --full` has it whole
GPT2 = gpt2.SMALL if os.environ.get("LINNET_FULL") else gpt2.Config(vocab=3001, layers=2)


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a function. `symbols` sizes states and whatever the inputs leave open."""
    model: str
    function: str
    inputs: tuple = ()  # tuples of shape, type and fill as linnet-run's --input, or .npy paths
    symbols: tuple = ()

    def __str__(self):
        return f"{self.model}-{self.function}"

    def arrays(self):
        return [_array(spec) for spec in self.inputs]

    def specs(self):
        return [str(spec) for spec in self.inputs]

    def state_bytes(self):
        """Of the largest state, at this call's symbols."""
        module = load(self.model)
        sizes = dict(self.symbols)
        return max((np.prod([sizes.get(d, d) for d in p.dims]) * p.dtype.itemsize
                    for p in module.functions[self.function].arguments if p.state), default=0)


def _array(spec):
    if isinstance(spec, pathlib.Path):
        return np.load(spec)
    shape, value = spec.split("=")
    *dims, dtype = shape.split("x")
    return np.full([int(d) for d in dims], float(value), testing.DTYPES[dtype])


@functools.cache
def _gpt2():
    folder = pathlib.Path(tempfile.gettempdir()) / (
        f"linnet-tests-{os.getuid()}-gpt2-{GPT2.layers}-{os.getpid()}")
    gpt2.write(folder, GPT2)
    return folder / "gpt2"


def _training(model):
    """IR and initial weights of a train step, made here; each test process has its own."""
    text, weights = {
        "train.bytelm": lambda: (emit_train.TrainStep("softmax", 2, 64).text(),
                                 emit_train.initial_parameters("softmax", 1)),
        "train.digits": lambda: (digits.text(), digits.initial())}[model]()
    folder = pathlib.Path(tempfile.gettempdir()) / f"linnet-tests-{os.getuid()}-train-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    base = folder / model
    base.with_name(base.name + ".mlir").write_text(text)
    save_file(weights, base.with_name(base.name + ".safetensors"))
    return base


def _files(model):
    if model.startswith("train"):
        return _training(model)
    if model.startswith("bytelm"):
        return DEMO / f"model.{model.split('.')[1]}"
    return _gpt2() if model == "gpt2.small" else FOREIGN / model


@functools.cache
def bundle(model, cpu="native", *flags, device=None):
    """Path of the compiled model. Strict: a cache that had to be copied is an error."""
    files = _files(model)
    return testing.compile_text(files.with_name(files.name + ".mlir").read_text(),
                                "--strict-donation", *flags, cpu=cpu, device=device,
                                weights=files.with_name(files.name + ".safetensors"))


@functools.cache
def load(model, cpu="native", level=None):
    return testing.open_bundle(bundle(model, cpu), level=level)


def torch_logits(model, tokens):
    """Of a language model, for all tokens: PyTorch's, in float64."""
    import torch

    from linnet.examples.bytelm import model as twin
    parameters = {name: torch.from_numpy(value).double() for name, value in load_file(
        _files(model).with_name(_files(model).name + ".safetensors")).items()}
    with torch.no_grad():
        if model == "gpt2.small":
            return gpt2.torch_logits(GPT2, parameters, torch.from_numpy(tokens))
        config = twin.Config(model.split(".")[1])
        state = twin.initial_state(config, torch.float64)
        return twin.forward(config, parameters, torch.from_numpy(tokens), state)[0]


def _steps(model, length, capacity):
    """Reading and decoding of a language model with states."""
    cache = (("C", capacity),) if capacity else ()
    return [Call(model, "prefill", (f"1x{length}xi64=7",), (*cache, ("N", length))),
            Call(model, "decode", ("1x1xi64=7",), cache)]


def _foreign():
    for path in sorted(FOREIGN.glob("*.mlir")):
        inputs = tuple(sorted(FOREIGN.glob(f"{path.stem}.in*.npy")))
        yield Call(path.stem, "main", inputs)


TRAINING = [Call("train.bytelm", "train", ("2x65xi64=7", "f32=0.001")),
            Call("train.digits", "train", ("64x1x8x8xf32=0.5", "64xi64=3", "f32=0.01"))]
CALLS = [*_steps("bytelm.softmax", 100, 512), *_steps("bytelm.linear", 100, None),
         *_steps("gpt2.small", 77, 300), *_foreign(), *TRAINING]
STEPS = [call for call in CALLS if call.function == "decode"]
