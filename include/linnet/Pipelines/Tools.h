//===- Tools.h - the mains of the tools, and what they register -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_PIPELINES_TOOLS_H
#define LINNET_PIPELINES_TOOLS_H

namespace llvm {
class raw_ostream;
} // namespace llvm
namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace linnet {

/// Every upstream dialect and extension, `linnet` and `exec`.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Every upstream and Linnet pass and pipeline. Safe to call more than once.
void registerAllPasses();

/// "linnet 0.1.0 (LLVM 22.1.8)".
void printVersion(llvm::raw_ostream &os);

/// `linnet-opt`, `linnet-lsp-server`, `linnet-reduce`: upstream's mains with our dialects.
int optMain(int argc, char **argv);
int lspMain(int argc, char **argv);
int reduceMain(int argc, char **argv);

} // namespace linnet

#endif // LINNET_PIPELINES_TOOLS_H
