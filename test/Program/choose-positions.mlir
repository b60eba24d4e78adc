// Which kernels get a variant with 64-bit positions: those whose buffers may have 2^31 elements.
// RUN: linnet-compile %s --target=cuda --compile-to=commands | FileCheck %s --check-prefixes=CUDA,BOTH
// RUN: linnet-compile %s --target=vulkan --compile-to=commands | FileCheck %s --check-prefixes=VULKAN,BOTH
// RUN: linnet-compile %s --target=cuda --positions=narrow --compile-to=commands | FileCheck %s --check-prefix=NARROW
// RUN: linnet-compile %s --target=cpu --compile-to=commands | FileCheck %s --check-prefix=NARROW
// NARROW-NOT: guarded

// BOTH: exec.kernel @loops_Dx64_f32_0({{.*}}) -> {{.*}} attributes {strategy
func.func @below(%x: tensor<?x64xf32> {linnet.dims = ["N", 64]}) -> (tensor<?x64xf32> {linnet.dims = ["N", 64]})
    attributes {linnet.symbols = {N = {max = 33554427}}} {
  %y = math.absf %x : tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CUDA: exec.kernel @loops_Dx64_f32_1({{.*}}) -> {{.*}} attributes {guarded,
// VULKAN: exec.kernel @loops_Dx64_f32_1({{.*}}) -> {{.*}} attributes {strategy
func.func @above(%x: tensor<?x64xf32> {linnet.dims = ["N", 64]}) -> (tensor<?x64xf32> {linnet.dims = ["N", 64]})
    attributes {linnet.symbols = {N = {max = 33554432}}} {
  %y = math.exp %x : tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// Without a bound; of one-byte elements a Vulkan device binds as many.
// CUDA: exec.kernel @loops_D_f32_2({{.*}}) -> {{.*}} attributes {guarded,
// VULKAN: exec.kernel @loops_D_f32_2({{.*}}) -> {{.*}} attributes {strategy
func.func @open(%x: tensor<?xf32> {linnet.dims = ["N"]}) -> (tensor<?xf32> {linnet.dims = ["N"]}) {
  %y = math.sin %x : tensor<?xf32>
  return %y : tensor<?xf32>
}

// BOTH: exec.kernel @loops_D_i8_3({{.*}}) -> {{.*}} attributes {guarded,
func.func @bytes(%x: tensor<?xi8> {linnet.dims = ["N"]}) -> (tensor<?xi8> {linnet.dims = ["N"]}) {
  %y = arith.addi %x, %x : tensor<?xi8>
  return %y : tensor<?xi8>
}
