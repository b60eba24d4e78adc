# ===- onnx_forms.py - workloads as ONNX models -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""ONNX models of a workload, for the peers that read ONNX: (model, arrays by name of input)."""

import contextlib
import functools
import io
import os
import sys
import tempfile
import warnings

from linnet._src.bench.workload import Unavailable


def forms(workload):
    """Functions that make a form; the one of one node first, where there is one."""
    if workload.onnx:
        yield functools.partial(_one_node, workload)
    if workload.exported:
        yield functools.partial(_exported, workload)


def _one_node(workload):
    """Weights are initializers, as a deployed model has them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    op, attributes, order = workload.onnx
    names = iter(n for n in order if n not in workload.weights)
    inputs = {next(names): x for x in workload.inputs}
    node = helper.make_node(op, list(order), ["y"], **attributes)
    graph = helper.make_graph(
        [node], "workload",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(w, n) for n, w in workload.weights.items()])
    opset = 23 if op in ("Attention", "RMSNormalization") else 20
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model), inputs


def _exported(workload):
    """PyTorch's first spelling as a graph of plain ops, weights inside."""
    import onnx
    try:
        import torch
    except ImportError:
        raise Unavailable("the ONNX form needs PyTorch") from None
    weights = [torch.from_numpy(w) for w in workload.weights.values()]
    arguments = tuple(map(torch.from_numpy, workload.inputs))
    form = workload.torch[0]

    class Module(torch.nn.Module):
        def forward(self, *inputs):
            return form(torch, *inputs, *weights)

    file, names = io.BytesIO(), [f"x{i}" for i in range(len(arguments))]
    try:
        with torch.no_grad(), warnings.catch_warnings(action="ignore"), _stdout_kept_clean():
            form(torch, *arguments, *weights)  # a model with a cache fills it outside of the graph
            torch.onnx.export(Module(), arguments, file, input_names=names, output_names=["y"],
                              dynamo=False, opset_version=17)
    except Exception as error:
        raise Unavailable(f"no ONNX form: {str(error).splitlines()[0]}") from None
    return onnx.load_from_string(file.getvalue()), dict(zip(names, workload.inputs))


@contextlib.contextmanager
def _stdout_kept_clean():
    """The exporter's C++ talks on stdout, among the JSON lines; it may talk on stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def folded(model):
    """With what follows from constant shapes computed, where ONNX Runtime is there to do it."""
    import onnx
    try:
        import onnxruntime as ort
    except ImportError:
        return model
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.optimized_model_filepath = f"{folder}/folded.onnx"
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            ort.InferenceSession(model.SerializeToString(), options,
                                 providers=["CPUExecutionProvider"])
        except Exception:  # what one refuses, the other may accept
            return model
        return onnx.load(options.optimized_model_filepath)
