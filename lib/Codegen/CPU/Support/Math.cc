//===- Math.cc - math functions of kernels ------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
extern "C" float lnt_identity(float x) { return x; }
