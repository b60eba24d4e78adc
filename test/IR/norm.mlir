// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @norms
func.func @norms(%x: tensor<?x6x8xbf16>, %s: tensor<8xbf16>, %b: tensor<8xf32>, %m: tensor<6x8xf32>) {
  // CHECK: linnet.softmax %{{.*}} axis 1 : tensor<?x6x8xbf16>
  %0 = linnet.softmax %x axis 1 : tensor<?x6x8xbf16>
  // CHECK: linnet.softmax %{{.*}} axis 2 zero_masked
  %1 = linnet.softmax %0 axis 2 zero_masked : tensor<?x6x8xbf16>
  // CHECK: linnet.layer_norm %{{.*}} scale %{{.*}} bias %{{.*}} eps 1.000000e-05 : tensor<?x6x8xbf16>, tensor<8xbf16>, tensor<8xf32>
  %2 = linnet.layer_norm %1 scale %s bias %b eps 1.0e-5 : tensor<?x6x8xbf16>, tensor<8xbf16>, tensor<8xf32>
  // CHECK: linnet.layer_norm %{{.*}} bias %{{.*}} axes 2 eps
  %3 = linnet.layer_norm %2 bias %m axes 2 eps 1.0e-5 : tensor<?x6x8xbf16>, tensor<6x8xf32>
  // CHECK: linnet.rms_norm %{{.*}} eps 1.000000e-05 : tensor<?x6x8xbf16>
  %4 = linnet.rms_norm %3 eps 1.0e-5 : tensor<?x6x8xbf16>
  // CHECK: linnet.rms_norm %{{.*}} scale %{{.*}} eps 1.000000e-05 unit_offset : tensor<?x6x8xbf16>, tensor<8xbf16>
  %5 = linnet.rms_norm %4 scale %s eps 1.0e-5 unit_offset : tensor<?x6x8xbf16>, tensor<8xbf16>
  return
}

// -----

func.func @softmax_c1(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects an axis from 0 to 1, found 2}}
  linnet.softmax %x axis 2 : tensor<2x3xf32>
}

// -----

func.func @norm_c1(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects 1 to 2 trailing axes to normalise over, found 3}}
  linnet.rms_norm %x axes 3 eps 0.0 : tensor<2x3xf32>
}

// -----

func.func @norm_c2(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects a finite eps of at least 0, found -1.0}}
  linnet.layer_norm %x eps -1.0 : tensor<2x3xf32>
}

// -----

func.func @norm_c3(%x: tensor<2x3xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{expects bias with the last 1 sizes of the input 'tensor<2x3xf32>', found 'tensor<2xf32>'}}
  linnet.layer_norm %x bias %s eps 0.0 : tensor<2x3xf32>, tensor<2xf32>
}

// -----

func.func @norm_c4(%x: tensor<2x3xf32>, %s: tensor<3xf16>) {
  // expected-error @+1 {{expects scale of element type 'f32' or f32, found 'f16'}}
  linnet.rms_norm %x scale %s eps 0.0 : tensor<2x3xf32>, tensor<3xf16>
}

// -----

func.func @rms_c6(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expects a scale with 'unit_offset'}}
  linnet.rms_norm %x eps 0.0 unit_offset : tensor<2x3xf32>
}
