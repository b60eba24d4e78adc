//===- Check.h - every check that a bundle's metadata must pass -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What a runtime may rely on afterwards, without a further look:
//  - all indices (registers, views, buffers, kernels, constants, dispatches, sites) are in
//    range, all enums have a named value, no string that is used has a NUL;
//  - If and While nest properly, at most kMaxDepth deep; operand lists are in range and pass
//    each kernel exactly its buffers and scalars;
//  - the commands before `entry` are straight-line arithmetic; sizes of arena buffers and
//    results come from symbols and that prefix, and nothing changes them later;
//  - arena buffers that are live together do not overlap at the planned offsets, and commands
//    use a buffer only while it is live;
//  - constants lie in their segment (or are external) and have the bytes of their layout;
//  - copies, fills and stores do not write constants or arguments that are not donated.
//
// What it cannot know, because machine code is trusted: how far from the start of a view a
// kernel reads and writes. A pointer that a kernel gets lies within its buffer (the runtime
// checks the offset at each call); the extent behind it follows from the scalars by the
// kernel's own code.
//===----------------------------------------------------------------------===//
#ifndef LINNET_BUNDLE_CHECK_H
#define LINNET_BUNDLE_CHECK_H

#include "linnet/Bundle/Error.h"

#include <cstddef>
#include <cstdint>

namespace linnet::fb {
struct Bundle;
} // namespace linnet::fb

namespace linnet::bundle {

/// Deepest nesting of If and While.
constexpr unsigned kMaxDepth = 64;
/// A View's offset_reg, or a DispatchInfo's registers, when there is none.
constexpr uint32_t kNoRegister = UINT32_MAX;
/// An arena size that is not known before the call.
constexpr uint64_t kUnbounded = UINT64_MAX;

/// Checks the FlatBuffer and its meaning, given the lengths of the bundle's segments. On success
/// `bundle` points into `metadata`, which must be aligned to 8 bytes.
Error checkBundle(const void *metadata, size_t size, uint64_t codeLength, uint64_t constantLength,
                  const fb::Bundle *&bundle);

} // namespace linnet::bundle

#endif // LINNET_BUNDLE_CHECK_H
