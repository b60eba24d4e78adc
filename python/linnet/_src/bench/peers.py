# ===- peers.py - PyTorch, ONNX Runtime and IREE -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Each peer turns a workload into candidates: pairs of a call without arguments and a function
that makes a NumPy array of the call's result. Or it raises Unavailable; none where the peer is not
meant for such workloads."""

import importlib.util
import logging

import ml_dtypes
import numpy as np

from linnet._src.bench import iree_peer, onnx_forms
from linnet._src.bench.workload import Unavailable


def torch_candidates(workload, threads):
    import torch
    if workload.torch_steps:
        return torch_steps(workload, threads, False)
    if not workload.torch:
        raise Unavailable("no PyTorch form")
    torch.set_num_threads(threads)

    def tensor(x):
        if x.dtype == ml_dtypes.bfloat16:
            return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(x)

    arguments = [tensor(x) for x in [*workload.inputs, *workload.weights.values()]]

    def fetch(y):
        return [fetch(x) for x in y] if isinstance(y, (list, tuple)) else y.float().numpy()

    def candidate(spelling):
        @torch.inference_mode()
        def call():
            return spelling(torch, *arguments)
        return call, fetch

    return [candidate(spelling) for spelling in workload.torch]


def torch_steps(workload, threads, compiled):
    """Steps that train, which need gradients."""
    if not workload.torch_steps:
        return []
    import torch
    torch.set_num_threads(threads)
    # it says that it leaves out marks for PyTorch's profiler
    logging.getLogger("torch._dynamo").setLevel(logging.ERROR)

    def fetch(values):
        return [x.numpy() for x in values]

    return [(call, fetch) for call in workload.torch_steps(torch, compiled, workload.inputs,
                                                           workload.weights)]


def ort_candidates(workload, threads):
    import onnxruntime as ort
    reason = Unavailable("no ONNX form")
    for make in onnx_forms.forms(workload):
        try:
            return [_ort_session(ort, *make(), threads)]
        except Unavailable as error:
            reason = error
    raise reason


def _ort_session(ort, model, inputs, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(model.SerializeToString(), options,
                                       providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Unavailable(str(error).splitlines()[0]) from None
    binding = session.io_binding()
    for name, x in inputs.items():
        binding.bind_cpu_input(name, x)
    binding.bind_output("y")

    def call():
        session.run_with_iobinding(binding)
        return binding

    return call, lambda b: b.copy_outputs_to_cpu()[0]


# name: (function, packages of PyPI, what has to be importable)
PEERS = {"pytorch": (torch_candidates, "torch", ("torch",)),
         "torch.compile": (lambda w, threads: torch_steps(w, threads, True), "torch", ("torch",)),
         "onnxruntime": (ort_candidates, "onnxruntime onnx", ("onnxruntime", "onnx")),
         "iree": (iree_peer.candidates, "iree-base-compiler iree-base-runtime onnx",
                  ("iree.compiler", "iree.runtime", "onnx"))}


def _importable(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def missing_packages(name):
    """What to install before a peer can be used; empty where it can."""
    _, packages, modules = PEERS[name]
    return "" if all(map(_importable, modules)) else packages
