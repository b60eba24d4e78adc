// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @einsum
func.func @einsum(%q: tensor<2x4x?x64xf16>, %i: tensor<3x4xi8>) -> tensor<2x4x?x?xf32> {
  // CHECK: linnet.einsum "bhqd,bhkd->bhqk" %{{.*}}, %{{.*}} : tensor<2x4x?x64xf16>, tensor<2x4x?x64xf16> -> tensor<2x4x?x?xf32>
  %0 = linnet.einsum "bhqd,bhkd->bhqk" %q, %q
      : tensor<2x4x?x64xf16>, tensor<2x4x?x64xf16> -> tensor<2x4x?x?xf32>
  // CHECK: linnet.einsum "ij->" %{{.*}} : tensor<3x4xi8> -> tensor<i32>
  %1 = linnet.einsum "ij->" %i : tensor<3x4xi8> -> tensor<i32>
  return %0 : tensor<2x4x?x?xf32>
}

// CHECK-LABEL: func @others
func.func @others(%x: tensor<?x4x9xf32>, %b: tensor<4xf32>, %n: index, %t: tensor<?x?xi64>, %s: f32) {
  // CHECK: linnet.reduce max %{{.*}} axes [0, 2] keepdims : tensor<?x4x9xf32> -> tensor<1x4x1xf32>
  %0 = linnet.reduce max %x axes [0, 2] keepdims : tensor<?x4x9xf32> -> tensor<1x4x1xf32>
  // CHECK: linnet.reduce mean %{{.*}} axes [1] : tensor<?x4x9xf32> -> tensor<?x9xf32>
  %1 = linnet.reduce mean %x axes [1] : tensor<?x4x9xf32> -> tensor<?x9xf32>
  // CHECK: linnet.broadcast %{{.*}} like %{{.*}} : f32, tensor<?x4x9xf32> -> tensor<?x4x9xf32>
  %2 = linnet.broadcast %s like %x : f32, tensor<?x4x9xf32> -> tensor<?x4x9xf32>
  // CHECK: linnet.broadcast %{{.*}} sizes(%{{.*}}) dims [1] : tensor<4xf32> -> tensor<?x4x8xf32>
  %3 = linnet.broadcast %b sizes(%n) dims [1] : tensor<4xf32> -> tensor<?x4x8xf32>
  %4 = tensor.empty(%n) : tensor<?x1xf32>
  // CHECK: linnet.broadcast %{{.*}} dims [0, 1] : tensor<?x1xf32> -> tensor<?x4xf32>
  %5 = linnet.broadcast %4 dims [0, 1] : tensor<?x1xf32> -> tensor<?x4xf32>
  // CHECK: linnet.gather %{{.*}}, %{{.*}} axis 0 : tensor<4xf32>, tensor<?x?xi64> -> tensor<?x?xf32>
  %6 = linnet.gather %b, %t axis 0 : tensor<4xf32>, tensor<?x?xi64> -> tensor<?x?xf32>
  // CHECK: linnet.gather %{{.*}}, %{{.*}} axis 2 batch_dims 1 : tensor<?x4x9xf32>, tensor<?x?xi64> -> tensor<?x4x?xf32>
  %7 = linnet.gather %x, %t axis 2 batch_dims 1 : tensor<?x4x9xf32>, tensor<?x?xi64> -> tensor<?x4x?xf32>
  // CHECK: linnet.argmax %{{.*}} axis 2 keepdims select_last : tensor<?x4x9xf32> -> tensor<?x4x1xi32>
  %8 = linnet.argmax %x axis 2 keepdims select_last : tensor<?x4x9xf32> -> tensor<?x4x1xi32>
  return
}

// -----

func.func @einsum_c1(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects '->' in the equation, found 'ij'}}
  linnet.einsum "ij" %x : tensor<2x3xf32> -> tensor<3x2xf32>
}

// -----

func.func @einsum_c1_letters(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects letters, found '.' in the equation}}
  linnet.einsum "i.->i" %x : tensor<2x3xf32> -> tensor<3x2xf32>
}

// -----

func.func @einsum_c2(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects 2 operands for 'ij,jk->ik', found 1}}
  linnet.einsum "ij,jk->ik" %x : tensor<2x3xf32> -> tensor<2x3xf32>
}

// -----

func.func @einsum_c3(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects one letter per dimension of operand 0, found 'i' for 'tensor<2x3xf32>'}}
  linnet.einsum "i->i" %x : tensor<2x3xf32> -> tensor<2xf32>
}

// -----

func.func @einsum_c3_twice(%x: tensor<2x2xf32>) {
  // expected-error @+1 {{expects no letter twice in one group, found 'ii'}}
  linnet.einsum "ii->i" %x : tensor<2x2xf32> -> tensor<2xf32>
}

// -----

func.func @einsum_c4(%x: tensor<2x2xf32>) {
  // expected-error @+1 {{expects 'k' of the result in an operand}}
  linnet.einsum "ij->ik" %x : tensor<2x2xf32> -> tensor<2x2xf32>
}

// -----

func.func @einsum_c5(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects equal sizes for 'j', found 3 and 2}}
  linnet.einsum "ij,jk->ik" %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
}

// -----

func.func @einsum_c6(%x: tensor<2x3xf32>, %y: tensor<3x2xf16>) {
  // expected-error @+1 {{expects operands of one element type, found 'f32' and 'f16'}}
  linnet.einsum "ij,jk->ik" %x, %y : tensor<2x3xf32>, tensor<3x2xf16> -> tensor<2x2xf32>
}

// -----

func.func @broadcast_c1(%x: tensor<2xf32>) {
  // expected-error @+1 {{expects source element type 'f32' to match result element type 'f16'}}
  linnet.broadcast %x : tensor<2xf32> -> tensor<3x2xf16>
}

// -----

func.func @broadcast_c2(%x: tensor<2xf32>) {
  // expected-error @+1 {{expects increasing 'dims' from 0 to 1, found 2}}
  linnet.broadcast %x dims [2] : tensor<2xf32> -> tensor<3x2xf32>
}

// -----

func.func @broadcast_c3(%x: tensor<2xf32>) {
  // expected-error @+1 {{expects source size 2 to be 1 or to match result size 4}}
  linnet.broadcast %x : tensor<2xf32> -> tensor<3x4xf32>
}

// -----

func.func @broadcast_c4(%x: f32, %n: index, %l: tensor<?xf32>) {
  // expected-error @+1 {{expects 'like' or 'sizes', found both}}
  linnet.broadcast %x like %l sizes(%n) : f32, tensor<?xf32> -> tensor<?xf32>
}

// -----

func.func @broadcast_c5(%x: f32, %l: tensor<3xf32>) {
  // expected-error @+1 {{expects 'like' of the result's shape 'tensor<4xf32>', found 'tensor<3xf32>'}}
  linnet.broadcast %x like %l : f32, tensor<3xf32> -> tensor<4xf32>
}

// -----

func.func @broadcast_c6(%x: f32, %n: index) {
  // expected-error @+1 {{expects one entry in 'sizes' per dynamic size of the result, found 1 for 2}}
  linnet.broadcast %x sizes(%n) : f32 -> tensor<?x?xf32>
}

// -----

func.func @broadcast_c7(%x: tensor<?xf32>) {
  // expected-error @+1 {{expects 'like' or 'sizes' for dynamic size 0 of 'tensor<?x?xf32>' which the source 'tensor<?xf32>' does not have}}
  linnet.broadcast %x : tensor<?xf32> -> tensor<?x?xf32>
}

// -----

func.func @reduce_c1(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects increasing axes from 0 to 1, found 0 after an axis that is not smaller}}
  linnet.reduce sum %x axes [1, 0] : tensor<2x3xf32> -> tensor<f32>
}

// -----

func.func @reduce_c2(%x: tensor<2x3xi32>) {
  // expected-error @+1 {{expects a float element type for 'mean', found 'i32'}}
  linnet.reduce mean %x axes [1] : tensor<2x3xi32> -> tensor<2xi32>
}

// -----

func.func @gather_c1(%x: tensor<2x3xf32>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects an axis from 0 to 1, found 2}}
  linnet.gather %x, %i axis 2 : tensor<2x3xf32>, tensor<4xi32> -> tensor<4x3xf32>
}

// -----

func.func @gather_c2(%x: tensor<2x3xf32>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 0 to 1 batch dimensions for 'tensor<4xi32>', found 2}}
  linnet.gather %x, %i axis 1 batch_dims 2 : tensor<2x3xf32>, tensor<4xi32> -> tensor<4x3xf32>
}

// -----

func.func @gather_c3(%x: tensor<2x3xf32>, %i: tensor<4x5xi32>) {
  // expected-error @+1 {{expects batch size 2 of the data to match batch size 4 of the indices}}
  linnet.gather %x, %i axis 1 batch_dims 1 : tensor<2x3xf32>, tensor<4x5xi32> -> tensor<4x5xf32>
}

// -----

func.func @argmax_c1(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects an axis from 0 to 1, found -1}}
  linnet.argmax %x axis -1 : tensor<2x3xf32> -> tensor<2xi64>
}

// -----

func.func @einsum_c6_narrow(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects result element type 'f32' or a wider one, found 'f16'}}
  linnet.einsum "ij->ji" %x : tensor<2x3xf32> -> tensor<3x2xf16>
}

// -----

func.func @einsum_c7(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects result type 'tensor<3x2xf32>', found 'tensor<2x3xf32>'}}
  linnet.einsum "ij->ji" %x : tensor<2x3xf32> -> tensor<2x3xf32>
}

// -----

func.func @gather_c5(%x: tensor<2x3xf32>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects result type 'tensor<4x3xf32>', found 'tensor<4x3xf16>'}}
  linnet.gather %x, %i axis 0 : tensor<2x3xf32>, tensor<4xi32> -> tensor<4x3xf16>
}
