//===- Program.h - a function of a bundle, decoded --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_PROGRAM_H
#define LINNET_LIB_RUNTIME_PROGRAM_H

#include "linnet-c/Runtime.h"
#include "linnet/Bundle/Bundle_generated.h"
#include "linnet/Bundle/KernelABI.h"

#include <string>
#include <vector>

namespace linnet::runtime {

constexpr uint32_t kNone = UINT32_MAX;

struct Symbol {
  std::string name;
  int64_t min, max, multiple;
};

struct Dim {
  int64_t constant; // -1: in `reg`
  uint32_t reg;
};

struct Param {
  std::string name;
  fb::ElementType type;
  std::vector<Dim> dims;
  uint32_t state = kNone; // index of the module's state
  int32_t alias = -1;     // argument: its result; result: its argument
};

struct Buffer {
  fb::BufferKind kind;
  uint32_t index;
  uint64_t offset, maxSize;
  uint32_t sizeReg, first, last;
};

struct View {
  uint32_t buffer;
  uint32_t offsetReg; // kNone: offset 0
  bool dynamic;       // the register changes during a call
};

struct Launch {
  lnt_kernel kernel; // null on a device other than the CPU
  uint32_t index;    // of the kernel
  const char *kernelName;
  const uint32_t *views, *scalars;
  uint32_t viewCount, scalarCount;
  uint32_t chunksReg, scratchReg;
  uint32_t info;
};

struct Command {
  fb::Code code;
  uint32_t a, b, c; // of a dispatch, a is the launch
  int64_t imm;
};

/// A Load of an argument that nothing before it in the call may have changed.
struct EntryLoad {
  uint32_t command, argument;
};

struct DispatchInfo {
  const char *op, *location;
  uint32_t flopsReg, bytesReg;
};

struct Site {
  const char *op, *location, *message;
};

/// Points into the metadata, which passed bundle::checkBundle.
struct Program {
  std::string name;
  std::vector<Symbol> symbols;
  std::vector<Param> arguments, results;
  uint32_t registers = 0, entry = 0, maxViews = 0, maxScalars = 0;
  std::vector<Buffer> buffers;
  std::vector<View> views;
  std::vector<Command> commands;
  std::vector<Launch> launches;
  std::vector<DispatchInfo> dispatches;
  std::vector<Site> sites;
  std::vector<EntryLoad> entryLoads;
  std::vector<bool> fixed;   // per register: not written behind the entry
  bool arenaBounded = false; // the bundle has offsets
  bool bounded = false;      // and all symbols have maxima, for which these were planned
  uint64_t arenaBytes = 0, scratchBytes = 0, largestLive = 0;
  uint32_t copiesForced = 0;

  /// "argument 'x'" or "argument 0".
  std::string argumentLabel(size_t index) const;
  std::string resultLabel(size_t index) const;
  /// "Bx64xf32": symbols by name.
  std::string shapeLabel(const Param &param) const;
};

using KernelTable = flatbuffers::Vector<flatbuffers::Offset<fb::Kernel>>;

/// Decodes a checked function; `entries` are the entry points by kernel index, none on a device
/// other than the CPU.
Program decodeFunction(const fb::Function &function, const KernelTable *kernels,
                       const std::vector<lnt_kernel> &entries);

inline lnt_type toType(fb::ElementType type) { return lnt_type(type); }

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_PROGRAM_H
