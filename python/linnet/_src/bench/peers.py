# ===- peers.py - PyTorch, ONNX Runtime and IREE -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Each peer turns a workload into a call without arguments, or raises Unavailable."""

import functools
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy as np


class Unavailable(Exception):
    pass


def _onnx_model(workload):
    """One node; weights are initializers, as a deployed model has them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    if workload.onnx is None:
        raise Unavailable("no ONNX form")
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
    """The PyTorch form as an ONNX graph of plain ops, weights inside."""
    import io

    import onnx
    import torch
    if workload.torch is None or workload.dtype != "f32" or workload.name == "selective_scan":
        raise Unavailable("no ONNX form")
    weights = [torch.from_numpy(w) for w in workload.weights.values()]

    class Module(torch.nn.Module):
        def forward(self, *inputs):
            return workload.torch(torch, *inputs, *weights)

    file, names = io.BytesIO(), [f"x{i}" for i in range(len(workload.inputs))]
    try:
        torch.onnx.export(Module(), tuple(map(torch.from_numpy, workload.inputs)), file,
                          input_names=names, output_names=["y"], dynamo=False, opset_version=17)
    except Exception as error:
        raise Unavailable(f"no ONNX form: {str(error).splitlines()[0]}") from None
    return onnx.load_from_string(file.getvalue()), dict(zip(names, workload.inputs))


def _onnx_forms(workload):
    """The one-node form first, where there is one."""
    for make in (_onnx_model, _exported):
        try:
            yield make(workload)
        except Unavailable:
            pass


def _first(attempts):
    """The first attempt that is not Unavailable."""
    reason = Unavailable("no ONNX form")
    for attempt in attempts:
        try:
            return attempt()
        except Unavailable as error:
            reason = error
    raise reason


def torch_call(workload, threads):
    try:
        import torch
    except ImportError:
        raise Unavailable("PyTorch is not installed") from None
    if workload.torch is None:
        raise Unavailable("no PyTorch form")
    torch.set_num_threads(threads)

    def tensor(x):
        if x.dtype == ml_dtypes.bfloat16:
            return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(x)

    arguments = [tensor(x) for x in [*workload.inputs, *workload.weights.values()]]

    @torch.inference_mode()
    def call():
        return workload.torch(torch, *arguments)

    return call, lambda y: y.float().numpy()


def ort_call(workload, threads):
    try:
        import onnxruntime as ort
    except ImportError:
        raise Unavailable("ONNX Runtime is not installed") from None
    return _first(functools.partial(_ort_session, ort, model, inputs, threads)
                  for model, inputs in _onnx_forms(workload))


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


def iree_call(workload, threads):
    try:
        import iree.compiler.tools as tools
        import iree.runtime as rt
    except ImportError:
        raise Unavailable("IREE is not installed") from None
    return _first(functools.partial(_iree_module, tools, rt, model, inputs, threads)
                  for model, inputs in _onnx_forms(workload))


def _iree_module(tools, rt, model, inputs, threads):
    import onnx
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, f"{folder}/model.onnx")
        done = subprocess.run([sys.executable, "-m", "iree.compiler.tools.import_onnx",
                               f"{folder}/model.onnx", "-o", f"{folder}/model.mlir"],
                              capture_output=True, text=True)
        if done.returncode:
            raise Unavailable("the importer refuses it")
        try:
            binary = tools.compile_file(f"{folder}/model.mlir", target_backends=["llvm-cpu"],
                                        input_type="onnx",
                                        extra_args=["--iree-llvmcpu-target-cpu=host"])
        except tools.CompilerToolError:
            raise Unavailable("the compiler refuses it") from None
    config = rt.Config("local-sync" if threads == 1 else "local-task")
    module = rt.load_vm_module(rt.VmModule.copy_buffer(config.vm_instance, binary), config)
    arrays = [rt.asdevicearray(config.device, x) for x in inputs.values()]
    main = module[next(n for n in module.vm_module.function_names if "$" not in n[1:]
                       and not n.startswith("__"))]
    return (lambda: main(*arrays)), lambda y: np.asarray(y.to_host())


PEERS = {"pytorch": torch_call, "onnxruntime": ort_call, "iree": iree_call}
