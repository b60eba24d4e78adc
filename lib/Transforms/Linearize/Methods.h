//===- Methods.h - the methods of this library ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_LINEARIZE_METHODS_H
#define LINNET_LIB_TRANSFORMS_LINEARIZE_METHODS_H

#include "linnet/Transforms/Linearize.h"

namespace linnet::linearize {

std::unique_ptr<LinearizeMethod> createFavorMethod();
std::unique_ptr<LinearizeMethod> createTaylorMethod();
std::unique_ptr<LinearizeMethod> createWindowMethod();

} // namespace linnet::linearize

#endif // LINNET_LIB_TRANSFORMS_LINEARIZE_METHODS_H
