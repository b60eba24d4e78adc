// RUN: linnet-kernels %s --print-launch | FileCheck %s

// The block form of a decay rule: all 80 columns of one of two heads are a chunk.
// CHECK-LABEL: exec.kernel @gated
// CHECK-SAME: blocked = 1 : i64, columns = 80 : i64, emitter = "linear_attention"
// CHECK: ^bb0(%[[B:[^:]*]]: index,
// CHECK: %[[HEADS:.*]] = arith.constant 2 :
// CHECK: %[[CHUNKS:.*]] = arith.muli %[[B]], %[[HEADS]]
// CHECK: exec.launch chunks(%[[CHUNKS]])
exec.kernel @gated(%q: tensor<?x4x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x80xf32>,
                   %g: tensor<?x2x?xf32>) -> tensor<?x4x?x80xf32> {
  %o = linnet.linear_attention %q, %k, %v decay(%g : tensor<?x2x?xf32>)
    : tensor<?x4x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x80xf32> -> tensor<?x4x?x80xf32>
  exec.yield %o : tensor<?x4x?x80xf32>
}

// The chunk that advances the normaliser reads it: all columns of a head are one.
// CHECK-LABEL: exec.kernel @normalised
// CHECK-SAME: columns = 96 : i64
// CHECK: %[[CHUNKS:.*]] = arith.constant 6 :
// CHECK: exec.launch chunks(%[[CHUNKS]])
exec.kernel @normalised(%q: tensor<3x2x7x64xf32>, %k: tensor<3x2x7x64xf32>,
                        %v: tensor<3x2x7x96xf32>) -> tensor<3x2x7x96xf32> {
  %o = linnet.linear_attention %q, %k, %v normalise(1.0e-6)
    : tensor<3x2x7x64xf32>, tensor<3x2x7x64xf32>, tensor<3x2x7x96xf32> -> tensor<3x2x7x96xf32>
  exec.yield %o : tensor<3x2x7x96xf32>
}

// CHECK-LABEL: exec.kernel @scan
// CHECK-SAME: emitter = "selective_scan"
// CHECK: exec.launch
exec.kernel @scan(%u: tensor<2x?x24xf32>, %d: tensor<2x?x24xf32>, %a: tensor<24x16xf32>,
                  %b: tensor<2x?x16xf32>, %c: tensor<2x?x16xf32>) -> tensor<2x?x24xf32> {
  %y = linnet.selective_scan %u, %d, %a, %b, %c
    : tensor<2x?x24xf32>, tensor<2x?x24xf32>, tensor<24x16xf32>, tensor<2x?x16xf32>,
      tensor<2x?x16xf32> -> tensor<2x?x24xf32>
  exec.yield %y : tensor<2x?x24xf32>
}
