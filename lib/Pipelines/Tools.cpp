//===- Tools.cpp - registration and the main of linnet-opt ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Pipelines/Tools.h"
#include "linnet/IR/Exec.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Program/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;

void linnet::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<LinnetDialect, exec::ExecDialect>();
}

void linnet::registerAllPasses() {
  static bool done = (mlir::registerAllPasses(), registerLinnetProgramPasses(), true);
  (void)done;
}

int linnet::optMain(int argc, char **argv) {
  DialectRegistry registry;
  linnet::registerAllDialects(registry);
  linnet::registerAllPasses();
  return asMainReturnCode(MlirOptMain(argc, argv, "Linnet optimizer driver\n", registry));
}
