// RUN: linnet-opt %s -split-input-file -verify-diagnostics -linnet-globals-to-arguments | FileCheck %s

// Equal constants and equal globals are one argument; splats stay.
// CHECK-DAG: ml_program.global private @constant(dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>) : tensor<2xf32>
// CHECK-DAG: ml_program.global private @constant_0(dense<{{.*}}> : tensor<65xi32>) : tensor<65xi32>
// CHECK-LABEL: func @weights(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<65xi32>,
// CHECK-SAME:    tensor<2xf32> {linnet.constant = @constant},
// CHECK-SAME:    %[[C:[a-z0-9]+]]: tensor<65xi32> {linnet.constant = @constant_0},
// CHECK-SAME:    %[[W:[a-z0-9]+]]: tensor<65xi32> {linnet.constant = @w})
// CHECK: arith.constant dense<3.0
// CHECK-NOT:     arith.constant dense
// CHECK:         arith.addi %[[X]], %[[C]]
// CHECK:         arith.addi %{{.*}}, %[[C]]
// CHECK:         arith.addi %{{.*}}, %[[W]]
ml_program.global private @w(#ml_program.extern<tensor<65xi32>>) : tensor<65xi32>
func.func @weights(%x: tensor<65xi32>) -> (tensor<65xi32>, tensor<2xf32>, tensor<99xf32>) {
  %small = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %splat = arith.constant dense<3.0> : tensor<99xf32>
  %0 = arith.constant dense<"0x0100000002000000030000000400000005000000060000000700000008000000090000000A0000000B0000000C0000000D0000000E0000000F000000100000001100000012000000130000001400000015000000160000001700000018000000190000001A0000001B0000001C0000001D0000001E0000001F000000200000002100000022000000230000002400000025000000260000002700000028000000290000002A0000002B0000002C0000002D0000002E0000002F000000300000003100000032000000330000003400000035000000360000003700000038000000390000003A0000003B0000003C0000003D0000003E0000003F0000004000000041000000"> : tensor<65xi32>
  %1 = arith.constant dense<"0x0100000002000000030000000400000005000000060000000700000008000000090000000A0000000B0000000C0000000D0000000E0000000F000000100000001100000012000000130000001400000015000000160000001700000018000000190000001A0000001B0000001C0000001D0000001E0000001F000000200000002100000022000000230000002400000025000000260000002700000028000000290000002A0000002B0000002C0000002D0000002E0000002F000000300000003100000032000000330000003400000035000000360000003700000038000000390000003A0000003B0000003C0000003D0000003E0000003F0000004000000041000000"> : tensor<65xi32>
  %2 = ml_program.global_load_const @w : tensor<65xi32>
  %3 = arith.addi %x, %0 : tensor<65xi32>
  %4 = arith.addi %3, %1 : tensor<65xi32>
  %5 = arith.addi %4, %2 : tensor<65xi32>
  return %5, %small, %splat : tensor<65xi32>, tensor<2xf32>, tensor<99xf32>
}

// -----

// A mutable global is a state; the stored value is its next one.

ml_program.global private mutable @m(dense<1.0> : tensor<2xf32>) : tensor<2xf32>
// CHECK-LABEL: func @update
// CHECK-SAME:    %[[X:.*]]: tensor<2xf32>, %[[M:.*]]: tensor<2xf32> {linnet.initial = @m, linnet.state = "m"}
// CHECK-SAME:    -> (tensor<2xf32>, tensor<2xf32> {linnet.state = "m"})
func.func @update(%x: tensor<2xf32>) -> tensor<2xf32> {
  %m = ml_program.global_load @m : tensor<2xf32>
  // CHECK: %[[S:.*]] = arith.addf %[[X]], %[[M]]
  %s = arith.addf %x, %m : tensor<2xf32>
  ml_program.global_store @m = %s : tensor<2xf32>
  // CHECK: arith.mulf %[[S]], %[[X]]
  %n = ml_program.global_load @m : tensor<2xf32>
  %y = arith.mulf %n, %x : tensor<2xf32>
  // CHECK: return %{{.*}}, %[[S]]
  return %y : tensor<2xf32>
}

// -----

ml_program.global private mutable @m(dense<1.0> : tensor<2xf32>) : tensor<2xf32>
func.func @in_a_branch(%c: i1, %x: tensor<2xf32>) {
  scf.if %c {
    // expected-error @+1 {{expects to be at the top level of its function}}
    ml_program.global_store @m = %x : tensor<2xf32>
  }
  return
}
