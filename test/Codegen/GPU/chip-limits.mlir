// What no chip of a target has is refused when a kernel is compiled, with both numbers.
// RUN: split-file %s %t
// RUN: not linnet-opt %t/threads.mlir --linnet-emit-gpu-kernels=target=vulkan 2>&1 | FileCheck %s --check-prefix=THREADS
// RUN: linnet-opt %t/threads.mlir --linnet-emit-gpu-kernels=target=cuda | FileCheck %s --check-prefix=MORE
// RUN: not linnet-opt %t/memory.mlir --linnet-emit-gpu-kernels="target=cuda chip=sm_90" 2>&1 | FileCheck %s --check-prefix=MEMORY
// RUN: not linnet-opt %t/memory.mlir --linnet-emit-gpu-kernels="target=cuda chip=sm_1" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not linnet-opt %t/none.mlir --linnet-emit-gpu-kernels 2>&1 | FileCheck %s --check-prefix=NONE --implicit-check-not="current operation"

// THREADS: threads.mlir:1:1: error: {{.*}}asks for 1024 threads a workgroup, target vulkan has 256
// MORE: gpu.func @product
// MORE-SAME: known_block_size = array<i32: 1024, 1, 1>
// MEMORY: memory.mlir:1:1: error: {{.*}}asks for 278528 bytes of workgroup memory, target cuda has 232448 on sm_90
// CHIP: error: unknown chip 'sm_1' of target cuda, expected one of sm_80
// NONE: none.mlir:1:1: error: {{.*}}has no strategy for a GPU: run --linnet-select-strategies with a target first

//--- threads.mlir
exec.kernel @product(%a: tensor<64x8xf32>, %b: tensor<8x64xf32>) -> tensor<64x64xf32> attributes {strategy = {emitter = "contraction", threads = 1024, rows = 64, columns = 64, depth = 8, thread_rows = 2, thread_columns = 2}} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x64xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %y = linalg.matmul ins(%a, %b : tensor<64x8xf32>, tensor<8x64xf32>) outs(%init : tensor<64x64xf32>) -> tensor<64x64xf32>
  exec.yield %y : tensor<64x64xf32>
} launch {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  exec.launch chunks(%c1) scratch(%c0) flops(%c1) bytes(%c1)
}
//--- memory.mlir
exec.kernel @product(%a: tensor<64x8xf32>, %b: tensor<8x64xf32>) -> tensor<64x64xf32> attributes {strategy = {emitter = "contraction", threads = 256, rows = 64, columns = 64, depth = 512, thread_rows = 4, thread_columns = 4}} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x64xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %y = linalg.matmul ins(%a, %b : tensor<64x8xf32>, tensor<8x64xf32>) outs(%init : tensor<64x64xf32>) -> tensor<64x64xf32>
  exec.yield %y : tensor<64x64xf32>
} launch {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  exec.launch chunks(%c1) scratch(%c0) flops(%c1) bytes(%c1)
}
//--- none.mlir
exec.kernel @copy(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = arith.addf %x, %x : tensor<4xf32>
  exec.yield %y : tensor<4xf32>
}
