//===- PluginLoader.h - loads --plugin= libraries ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_PIPELINES_PLUGINLOADER_H
#define LINNET_PIPELINES_PLUGINLOADER_H

#include "mlir/IR/DialectRegistry.h"
#include "llvm/ADT/SmallVector.h"

namespace linnet {

/// Takes every `--plugin=FILE` out of `args`, loads it and registers its passes and dialects.
/// False after a message that says why a plugin was refused. Call it before the command line is
/// parsed: the passes of a plugin are flags.
bool loadPlugins(llvm::SmallVectorImpl<char *> &args, mlir::DialectRegistry &registry);

} // namespace linnet

#endif // LINNET_PIPELINES_PLUGINLOADER_H
