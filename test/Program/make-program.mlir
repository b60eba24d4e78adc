// RUN: linnet-opt %s --linnet-make-program --linnet-plan-memory | FileCheck %s
// RUN: linnet-opt %s --linnet-make-program --linnet-plan-memory | linnet-opt | FileCheck %s

#id = affine_map<(d0) -> (d0)>

exec.kernel @exp(%a: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%x: f32, %o: f32):
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<?xf32>
  exec.yield %r : tensor<?xf32>
} launch {
^bb0(%n: index, %m: index):
  %c64 = arith.constant 64 : index
  %c0 = arith.constant 0 : index
  %chunks = arith.ceildivsi %n, %c64 : index
  exec.launch chunks(%chunks) scratch(%c0) flops(%n) bytes(%n)
}

exec.kernel @insert(%s: tensor<8xf32>, %d: tensor<1000xf32>, %at: index) -> tensor<1000xf32> attributes {tied = array<i64: 1>} {
  %r = tensor.insert_slice %s into %d[%at] [8] [1] : tensor<8xf32> into tensor<1000xf32>
  exec.yield %r : tensor<1000xf32>
} launch {
^bb0(%at: index):
  %c1 = arith.constant 1 : index
  exec.launch chunks(%c1) scratch(%c1) flops(%c1) bytes(%c1)
}

// The first result has a buffer, the second is computed in it, the third where it is returned.
// CHECK-LABEL: exec.program @chain attributes {arena_bytes = 448 : i64
// CHECK-SAME: dims = ["N"]
// CHECK-SAME: largest_live = 448
// CHECK-SAME: symbols = [{max = 100 : i64, min = 1 : i64, name = "N"}]
// CHECK: ^bb0(%[[N:.*]]: index):
// CHECK-DAG: %[[R:.*]] = exec.ref result 0
// CHECK-DAG: %[[A:.*]] = exec.ref argument 0
// CHECK-DAG: %[[CHUNKS:.*]] = arith.ceildivsi %[[N]], %{{.*}}
// CHECK: %[[T:.*]] = exec.ref arena size(%{{.*}}) at 0 max 400
// CHECK: exec.run @exp(%[[A]], %[[T]]) [%[[N]], %[[N]] : index, index] chunks %[[CHUNKS]]
// CHECK: exec.run @exp(%[[T]], %[[T]])
// CHECK: exec.run @exp(%[[T]], %[[R]])
// CHECK: exec.return %[[N]]
func.func @chain(%x: tensor<?xf32> {linnet.dims = ["N"]}) -> tensor<?xf32> attributes {linnet.symbols = {N = {min = 1, max = 100}}} {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %0 = exec.dispatch @exp ins(%x : tensor<?xf32>) sizes(%n) -> (tensor<?xf32>)
  %1 = exec.dispatch @exp ins(%0 : tensor<?xf32>) sizes(%n) -> (tensor<?xf32>)
  %2 = exec.dispatch @exp ins(%1 : tensor<?xf32>) sizes(%n) -> (tensor<?xf32>)
  return %2 : tensor<?xf32>
}

// A decode step writes its slice into the donated cache and copies nothing.
// CHECK-LABEL: exec.program @decode
// CHECK-SAME: result_alias = array<i64: 1>
// CHECK-NOT: exec.copy
// CHECK: exec.run @insert(%{{.*}}, %[[CACHE:.*]]) [%{{.*}} : index]
// CHECK-NOT: exec.copy
// CHECK: exec.return
func.func @decode(%k: tensor<8xf32>, %cache: tensor<1000xf32> {linnet.state = "kv"}, %at: index) -> (tensor<1000xf32> {linnet.state = "kv"}) {
  %0 = exec.dispatch @insert ins(%k, %cache, %at : tensor<8xf32>, tensor<1000xf32>, index) tied [1] -> (tensor<1000xf32>)
  return %0 : tensor<1000xf32>
}

// Without donation the cache is copied to the result and updated there.
// CHECK-LABEL: exec.program @copied
// CHECK: exec.copy %{{.*}} to %[[R:.*]] bytes
// CHECK-NEXT: exec.run @insert(%{{.*}}, %[[R]])
// CHECK-NOT: exec.copy
func.func @copied(%k: tensor<8xf32>, %cache: tensor<1000xf32>, %at: index) -> tensor<1000xf32> {
  %0 = exec.dispatch @insert ins(%k, %cache, %at : tensor<8xf32>, tensor<1000xf32>, index) tied [1] -> (tensor<1000xf32>)
  return %0 : tensor<1000xf32>
}

// Loop-carried values are updated in place, here where the result is wanted.
// CHECK-LABEL: exec.program @loop
// CHECK: exec.copy %{{.*}} to %[[R:.*]] bytes
// CHECK: scf.while
// CHECK: exec.run @exp(%[[R]], %[[R]])
// CHECK-NOT: exec.copy
// CHECK: exec.return
func.func @loop(%x: tensor<?xf32>, %times: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %r = scf.for %i = %c0 to %times step %c1 iter_args(%y = %x) -> tensor<?xf32> {
    %z = exec.dispatch @exp ins(%y : tensor<?xf32>) sizes(%n) -> (tensor<?xf32>)
    scf.yield %z : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}

// States that change places go through a buffer.
// CHECK-LABEL: exec.program @swap
// CHECK-SAME: forced_copies = 2
// CHECK-COUNT-3: exec.copy
// CHECK-NOT: exec.copy
// CHECK: exec.return
func.func @swap(%a: tensor<8xf32> {linnet.state = "a"}, %b: tensor<8xf32> {linnet.state = "b"}) -> (tensor<8xf32> {linnet.state = "a"}, tensor<8xf32> {linnet.state = "b"}) {
  return %b, %a : tensor<8xf32>, tensor<8xf32>
}
