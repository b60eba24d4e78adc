// RUN: linnet-opt %s -split-input-file -verify-diagnostics -linnet-check-input -o /dev/null

// Narrow integers may stand between ops; nobody calls @unused.
func.func private @unused(tensor<4xf32>) -> tensor<4xf32>
func.func private @half(%x: tensor<4xi8>) -> tensor<4xi8> {
  %0 = arith.trunci %x : tensor<4xi8> to tensor<4xi4>
  %1 = arith.extsi %0 : tensor<4xi4> to tensor<4xi8>
  return %1 : tensor<4xi8>
}
func.func @good(%x: tensor<4xi8> {linnet.name = "x"}, %y: tensor<4xi8> {linnet.name = ""},
                %z: tensor<?xindex> {linnet.name = ""})
    -> (tensor<4xi8> {linnet.name = "x"}, index) {
  %0 = call @half(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %1 = call @half(%0) : (tensor<4xi8>) -> tensor<4xi8>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %z, %c0 : tensor<?xindex>
  return %1, %n : tensor<4xi8>, index
}

// -----

// expected-error @+1 {{expects elements that are index, integers of up to 64 bits, f16, bf16, f32 or f64, found 'tensor<4xcomplex<f32>>'}}
func.func @complex(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
  return %x : tensor<4xcomplex<f32>>
}

// -----

func.func @wide(%x: tensor<4xi64>) -> tensor<4xi64> {
  // expected-error @+1 {{f32 or f64, found 'tensor<4xi128>'}}
  %0 = arith.extsi %x : tensor<4xi64> to tensor<4xi128>
  %1 = arith.addi %0, %0 : tensor<4xi128>
  %2 = arith.trunci %1 : tensor<4xi128> to tensor<4xi64>
  return %2 : tensor<4xi64>
}

// -----

// expected-error @+1 {{f32 or f64, found 'f80'}}
func.func @scalar(%x: f80) -> f80 {
  return %x : f80
}

// -----

// expected-error @+1 {{expects a tensor without an encoding, found 'tensor<4xf32, "rows">'}}
func.func @encoding(%x: tensor<4xf32, "rows">) -> tensor<4xf32, "rows"> {
  return %x : tensor<4xf32, "rows">
}

// -----

func.func @dim(%x: tensor<?x?xf32>) -> index {
  %c7 = arith.constant 7 : index
  // expected-error @+1 {{'tensor.dim' op expects a dimension below 2, found 7}}
  %n = tensor.dim %x, %c7 : tensor<?x?xf32>
  return %n : index
}

// -----

// expected-error @+1 {{argument 1 has the 'linnet.name' of argument 0, "x": expects another one}}
func.func @name(%x: tensor<4xf32> {linnet.name = "x"}, %y: tensor<4xf32> {linnet.name = "x"}) {
  return
}

// -----

// expected-error @+1 {{result 1 has the 'linnet.name' of result 0, "y": expects another one}}
func.func @result(%x: f32) -> (f32 {linnet.name = "y"}, f32 {linnet.name = "y"}) {
  return %x, %x : f32, f32
}

// -----

// expected-error @+1 {{argument 2 has the 'linnet.state' of argument 0, "s": expects another one}}
func.func @state(%x: f32 {linnet.state = "s"}, %y: f32, %z: f32 {linnet.state = "s"}) {
  return
}

// -----

// expected-error @+1 {{'linnet.name' expects no NUL, found "a\00b"}}
func.func @nul(%x: f32 {linnet.name = "a\00b"}) {
  return
}

// -----

func.func private @outside(f32) -> f32
func.func @body(%x: f32) -> f32 {
  // expected-error @+1 {{'func.call' op expects @outside to have a body}}
  %0 = call @outside(%x) : (f32) -> f32
  return %0 : f32
}

// -----

func.func @outer(%x: f32) -> f32 {
  %0 = call @first(%x) : (f32) -> f32
  return %0 : f32
}
func.func private @first(%x: f32) -> f32 {
  %0 = call @second(%x) : (f32) -> f32
  return %0 : f32
}
func.func private @second(%x: f32) -> f32 {
  // expected-error @+1 {{'func.call' op expects no recursion, found a call of @first, which comes to this call}}
  %0 = call @first(%x) : (f32) -> f32
  return %0 : f32
}

// -----

// expected-error @+1 {{the function's name expects UTF-8 without NUL, found "f\00"}}
func.func @"f\00"() {
  return
}

// -----

// expected-error @+1 {{'linnet.name' of result 0 expects UTF-8 without NUL, found "a\FF"}}
func.func @bytes(%x: tensor<4xf32> {linnet.name = "\C3\A4"}) -> (tensor<4xf32> {linnet.name = "a\FF"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{a symbol of argument 0 expects UTF-8 without NUL, found "N\00"}}
func.func @symbol(%x: tensor<?xf32> {linnet.dims = ["N\00"]}) {
  return
}
