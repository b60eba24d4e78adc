//===- Methods.cpp - the methods that there are -------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Methods.h"

using namespace mlir;
using namespace linnet;

namespace {
struct Registry {
  std::vector<std::unique_ptr<LinearizeMethod>> owned;
  std::vector<const LinearizeMethod *> all;
  void add(std::unique_ptr<LinearizeMethod> method) {
    all.push_back(method.get());
    owned.push_back(std::move(method));
  }
  Registry() {
    add(linearize::createTaylorMethod());
    add(linearize::createWindowMethod());
    add(linearize::createFavorMethod());
  }
};
} // namespace

static Registry &registry() {
  static Registry instance;
  return instance;
}

ArrayRef<const LinearizeMethod *> linnet::getLinearizeMethods() { return registry().all; }

void linnet::registerLinearizeMethod(std::unique_ptr<LinearizeMethod> method) {
  registry().add(std::move(method));
}
