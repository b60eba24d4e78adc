//===- Locations.h - what a command says of where it came from --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_LOCATIONS_H
#define LINNET_IR_LOCATIONS_H

#include "linnet/IR/Exec.h"
#include <string>

namespace linnet {

/// "model.mlir:12:8" of the first file position in a location, or "".
std::string describeLocation(mlir::Location loc);

/// A location that stands for a whole file, no line of which is to blame.
mlir::Location locateFile(mlir::MLIRContext *context, llvm::StringRef file);

/// Prints an error whose location is a whole file: the file's name is its place. False: it is none.
bool printOfFile(const mlir::Diagnostic &error);

/// The location of an op of the attention that is called `site`: what is made of the op has it too.
mlir::Location nameSite(mlir::Location loc, llvm::StringRef site);

/// The `site` of the first location in it that was named so, or "".
llvm::StringRef getSite(mlir::Location loc);

/// The name of the op that a run came from: its `op` attribute, or its kernel's name.
std::string describeOp(exec::RunOp run);

} // namespace linnet

#endif // LINNET_IR_LOCATIONS_H
