//===- DispatchBuilder.h - from a group of ops to a dispatch ----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_DISPATCHBUILDER_H
#define LINNET_LIB_PROGRAM_DISPATCHBUILDER_H

#include "Grouping.h"
#include "Shapes.h"

namespace linnet {

/// Replaces the ops of `group` by one `exec.dispatch` in front of the last of them; the block
/// is in dependence order again only after a topological sort. Fails with a diagnostic.
llvm::LogicalResult buildDispatch(const DispatchGroup &group, ShapeResolver &shapes);

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_DISPATCHBUILDER_H
