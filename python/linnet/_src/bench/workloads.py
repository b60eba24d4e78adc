# ===- workloads.py - the table of what is timed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Names of the workloads with what Linnet is to reach: a fraction of the ceiling on one thread, and
how much longer a peer must take. docs/benchmarks.md has the same table with measured values."""

import dataclasses

from linnet._src.bench import dense, latent, models, sequence
from linnet._src.bench.workload import Must

ONE_THREAD = "linnet, 1 thread"
AS_WRITTEN = "linnet, as written"
# with --threads=2
SCALES = Must((ONE_THREAD,), 1.7)

MATMULS = ((512, 512, 512), (500, 700, 333), (17, 64, 4097), (1024, 1024, 1024), (128, 3072, 768))


def _table():
    """(name, function that makes the workload, target, musts)"""
    for m, n, k in MATMULS:
        yield (f"matmul {m}x{n}x{k}", lambda m=m, n=n, k=k: dense.matmul(m, n, k),
               0.9 if (m, n, k) in MATMULS[:3] else 0.87, (SCALES,))
    for m, n, k in MATMULS[:3]:
        yield (f"matmul_dynamic {m}x{n}x{k}",
               lambda m=m, n=n, k=k: dense.matmul(m, n, k, dynamic=True), 0.9, (SCALES,))
    for m, n, k in MATMULS[:3]:
        yield (f"matmul_all_dynamic {m}x{n}x{k}",
               lambda m=m, n=n, k=k: dense.matmul_all_dynamic(m, n, k), 0.9, (SCALES,))
    yield ("matmul_bf16 512x512x512", lambda: dense.matmul(512, 512, 512, "bf16"), 0.88, (SCALES,))
    for form in dense.FORMS:
        for m, n, k in ((512, 768, 3072), (256, 128, 128)):
            yield (f"matmul_{form} {m}x{n}x{k}",
                   lambda f=form, m=m, n=n, k=k: dense.product(f, m, n, k), 0.8, (SCALES,))
    # the gradients of a wide and of a small weight
    for m, n, k in ((768, 3072, 512), (64, 64, 16384)):
        yield (f"matmul_tn {m}x{n}x{k}",
               lambda m=m, n=n, k=k: dense.product("tn", m, n, k), 0.8, (SCALES,))
    yield "gemv 8192x5120", lambda: dense.gemv(8192, 5120), 0.8, ()
    yield "gemv_nk 8192x5120", lambda: dense.gemv(8192, 5120, argument=True), 0.8, ()
    for argument in (False, True):
        yield (f"gemv{'_nk' * argument}_bf16 8192x10240",
               lambda a=argument: dense.gemv(8192, 10240, "bf16", a), 0.8, ())
    for causal in (False, True):
        for length in (1024, 4096):
            for depth in (64, 128):
                yield (f"attention{'_causal' * causal} 4x{length}x{length}x{depth}",
                       lambda n=length, d=depth, c=causal: sequence.attention(4, 4, n, n, d, c),
                       0.7 if causal else 0.78, (SCALES,))
    for length, depth in ((1024, 64), (1024, 128), (4096, 64)):
        yield (f"attention_grad_causal 4x{length}x{length}x{depth}",
               lambda n=length, d=depth: sequence.attention_grad(4, n, d), 0.45, (SCALES,))
    # caches of several times the last cache level, which one call reads once
    yield ("decode 12x1x32768x64", lambda: sequence.attention(12, 12, 1, 32768, 64, False), 0.8, ())
    yield ("decode_gqa 12x1x131072x64", lambda: sequence.attention(12, 2, 1, 131072, 64, False),
           0.8, ())
    # a cache of 4096 rows of 512 + 64, 16 heads with keys of 128 + 64 and values of 128 channels
    yield ("latent_decode 16x4096x512", lambda: latent.decode(16, 4096, 512, 64, 128, 128), None,
           (Must((AS_WRITTEN,), 50.0),))
    yield ("latent_tiny 3x65x40", lambda: latent.decode(3, 65, 40, 4, 8, 7), None, ())
    yield "selective_scan 256x1536", lambda: sequence.selective_scan(256, 1536), 1 / 1.5, ()
    yield "selective_scan_grad 256x1536", lambda: sequence.selective_scan_grad(256, 1536), 0.25, ()
    yield "causal_conv_grad 4096x1536", lambda: sequence.causal_conv_grad(4096, 1536), None, ()
    yield ("linear_attention 4x4096x64", lambda: sequence.linear_attention(4, 4096, 64, False), None,
           (Must(("pytorch", "iree"), 2.0),))
    yield ("linear_attention_gated 4x2048x64",
           lambda: sequence.linear_attention(4, 2048, 64, True), None, ())
    yield ("linear_attention_grad 4x4096x64",
           lambda: sequence.linear_attention_grad(4, 4096, 64, False), None, ())
    yield ("linear_attention_grad_gated 4x2048x64",
           lambda: sequence.linear_attention_grad(4, 2048, 64, True), None, ())
    yield "conv 64x64x56x56x3", lambda: dense.conv(1, 64, 64, 56, 3, 1), 0.7, ()
    yield ("depthwise 256x256x28x28x3", lambda: dense.conv(1, 256, 256, 28, 3, 256), None,
           (Must(("onnxruntime",), 0.8),))
    # past the caches at the widths of models, wider, and in the second cache
    for kind in ("softmax", "layer_norm", "rms_norm"):
        for rows, columns in ((16384, 768), (16384, 1024), (8192, 2048), (4096, 4096), (128, 768)):
            yield (f"{kind} {rows}x{columns}",
                   lambda k=kind, r=rows, c=columns: dense.rowwise(k, r, c), 0.8, ())
    yield "cross_entropy 512x50257", lambda: dense.cross_entropy(512, 50257, False), None, ()
    yield ("cross_entropy_grad 512x50257", lambda: dense.cross_entropy(512, 50257, True), 0.6, ())
    yield "gpt2_prefill 512", lambda: models.gpt2(False), 0.72, ()
    yield "gpt2_decode 512", lambda: models.gpt2(True), 0.75, ()
    yield ("train_step bytelm 4x256", models.train_step, None,
           (Must(("pytorch", "torch.compile"), 1.5),))
    # so small that it shows nothing, but that everything works
    yield "tiny 5x7x3", lambda: dense.matmul(5, 7, 3), None, ()


def all_workloads():
    """Thunks by name, so that only what is timed is made."""
    return {name: lambda make=make, target=target, musts=musts: dataclasses.replace(
                make(), target=target, musts=musts) for name, make, target, musts in _table()}
