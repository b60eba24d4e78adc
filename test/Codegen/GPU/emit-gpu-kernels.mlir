// From a model to the code of its kernels, by passes: as the emitters write it, and as the back ends take it.
// RUN: linnet-opt %s --linnet-lower-to-structured --linnet-form-dispatches --linnet-outline-kernels --linnet-select-strategies=target=vulkan -o %t.mlir
// RUN: linnet-opt %t.mlir --linnet-emit-gpu-kernels | FileCheck %s
// RUN: linnet-opt %t.mlir --linnet-emit-gpu-kernels=prepared=true | FileCheck %s --check-prefix=PREPARED
// The output is IR like any other.
// RUN: linnet-opt %t.mlir --linnet-emit-gpu-kernels | linnet-opt --linnet-check-barriers -o /dev/null

// CHECK: module attributes {gpu.container_module
// CHECK: gpu.module @[[CODE:.*]]_code {
// CHECK: gpu.func @{{.*}}(%{{.*}}: memref<?xbf16>, %{{.*}}: memref<?xbf16>, %{{.*}}: i32
// CHECK: math.exp
// CHECK: exec.kernel @[[CODE]]
// PREPARED: gpu.func @{{.*}}(%{{.*}}: memref<?xi16>, %{{.*}}: memref<?xi16>, %{{.*}}: i32
// PREPARED-NOT: bf16
// PREPARED-NOT: math.exp
// PREPARED: exec.kernel
func.func @main(%x: tensor<?x8xbf16> {linnet.dims = ["N", 8]}) -> tensor<?x8xbf16> {
  %y = math.exp %x : tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}
