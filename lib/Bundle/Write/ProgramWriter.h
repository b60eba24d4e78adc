//===- ProgramWriter.h - one exec.program as metadata -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_BUNDLE_WRITE_PROGRAMWRITER_H
#define LINNET_LIB_BUNDLE_WRITE_PROGRAMWRITER_H

#include "linnet/Bundle/Bundle_generated.h"
#include "linnet/IR/Exec.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <map>

namespace linnet::bundle {

inline constexpr uint32_t kNone = ~0u;

/// Numbers of the kernels and of the constant pool, which programs refer to.
struct Pools {
  std::map<std::string, uint32_t> kernels;
  /// Pool entry of a symbol as one layout stores it; null dictionary: plain.
  using ConstantKey = std::pair<std::string, mlir::DictionaryAttr>;
  std::vector<ConstantKey> constants;
  uint32_t constant(llvm::StringRef symbol, mlir::DictionaryAttr layout);
};

/// Flattens one program. Everything that depends on sizes only comes first (`entry`), so that
/// the runtime can infer result shapes without running anything.
class ProgramWriter {
public:
  ProgramWriter(exec::ProgramOp program, Pools &pools, flatbuffers::FlatBufferBuilder &out)
      : program(program), pools(pools), out(out) {}
  mlir::FailureOr<flatbuffers::Offset<fb::Function>> write();

private:
  // registers
  uint32_t fresh() { return registers++; }
  uint32_t reg(mlir::Value v);
  uint32_t constant(int64_t v);
  uint32_t binary(fb::Code code, uint32_t a, uint32_t b);
  static std::optional<int64_t> bitsOf(mlir::Attribute value);
  void command(fb::Code code, uint32_t a = 0, uint32_t b = 0, uint32_t c = 0, int64_t imm = 0) {
    commands.emplace_back(code, a, b, c, imm);
  }
  void move(uint32_t to, uint32_t from) { command(fb::Code::Or, to, from, from); }
  void moveAll(mlir::ValueRange to, mlir::ValueRange from);

  // ops
  mlir::LogicalResult writeBlock(mlir::Block &block);
  mlir::LogicalResult writeEntry();
  mlir::LogicalResult checkKnownAtEntry(mlir::Value size, llvm::StringRef what);
  mlir::LogicalResult writeOp(mlir::Operation &op);
  mlir::LogicalResult writeIf(mlir::scf::IfOp op);
  mlir::LogicalResult writeWhile(mlir::scf::WhileOp op);
  mlir::LogicalResult writeFor(mlir::scf::ForOp op);
  mlir::LogicalResult writeRun(exec::RunOp op);
  mlir::LogicalResult writeCheck(exec::CheckOp op);
  mlir::LogicalResult writeRef(exec::RefOp op);
  mlir::LogicalResult writeView(exec::ViewOp op);
  /// The view of a buffer value; commands that use it extend its buffer's lifetime.
  uint32_t view(mlir::Value buffer);

  // ProgramWriterArith.cpp: integer arithmetic
  mlir::LogicalResult writeArith(mlir::Operation &op);
  mlir::LogicalResult writeCast(mlir::Operation &op);
  uint32_t writeUnsigned(mlir::Operation &op, fb::Code code);
  uint32_t unsignedQuotient(uint32_t x, uint32_t y);
  uint32_t ordered(mlir::Value v, bool isUnsigned);
  uint32_t narrowed(uint32_t r, unsigned width);

  // parameters
  mlir::FailureOr<flatbuffers::Offset<fb::Param>> param(mlir::DictionaryAttr entry, bool isResult);
  void lifetimes();
  flatbuffers::Offset<fb::Function>
  finish(const std::vector<flatbuffers::Offset<fb::Symbol>> &symbols,
         const std::vector<flatbuffers::Offset<fb::Param>> &arguments,
         const std::vector<flatbuffers::Offset<fb::Param>> &results);

  exec::ProgramOp program;
  Pools &pools;
  flatbuffers::FlatBufferBuilder &out;

  llvm::DenseMap<mlir::Value, uint32_t> regs, viewOf;
  std::map<int64_t, uint32_t> constants; ///< a DenseMap has no room for the extremes
  uint32_t registers = 0, entry = 0;
  /// Constants go in front of everything: a loop or a branch may be the first to need one.
  std::vector<fb::Command> prologue, commands;
  std::vector<uint32_t> operands;
  std::vector<fb::View> views;
  struct Buffer {
    fb::BufferKind kind;
    uint32_t index = 0, sizeReg = kNone, first = kNone, last = 0, named = 0;
    uint64_t offset = 0, maxSize = 0;
  };
  std::vector<Buffer> buffers;
  struct Dispatch {
    std::string op, location;
    uint32_t flops, bytes;
  };
  std::vector<Dispatch> dispatches;
  struct Site {
    std::string op, location, message;
  };
  std::vector<Site> sites;
  llvm::StringMap<uint32_t> symbolRegs;
  llvm::SmallVector<mlir::Value> resultSizes;
  size_t nextResultSize = 0;
  llvm::DenseSet<mlir::Operation *> done;
};

} // namespace linnet::bundle

#endif // LINNET_LIB_BUNDLE_WRITE_PROGRAMWRITER_H
