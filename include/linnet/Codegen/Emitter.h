//===- Emitter.h - writes loops over vectors and flat memory ----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What every kernel emitter of the CPU shares beyond CodeBuilder: memory behind pointers, stores
// past the caches, the register tile.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_CODEGEN_EMITTER_H
#define LINNET_CODEGEN_EMITTER_H

#include "linnet/Codegen/CodeBuilder.h"
#include "linnet/Codegen/KernelEmitter.h"

namespace linnet::codegen {

class Emitter : public CodeBuilder {
public:
  Emitter(mlir::Location loc, const CPUTarget &target) : CodeBuilder(loc), target(target) {}
  const CPUTarget &target;

  /// The same index, of which LLVM knows nothing. Its loop strength reduction expands divisions
  /// by what might be zero, and all that depends on them, again inside of the loops that use them.
  Value opaque(Value i);
  Type pointer();

  //--- memory -----------------------------------------------------------------------------------
  /// A memref<?xT> over a raw pointer.
  Value flat(Value pointer, Type element);
  Value offsetPointer(Value pointer, Value bytes);
  Value loadField(Value pointer, int64_t bytes, Type t);
  /// A store past the caches, to an address that is a multiple of 64 bytes or of the vector's
  /// size, whichever is less; `fenceStreams` orders such stores before what follows.
  void vstream(Value v, Value memory, Value i);
  void fenceStreams();
  /// The address of a memory's first element.
  Value addressOf(Value memory);
  void prefetch(Value memory, Value i, bool write, unsigned locality = 3);

private:
  bool scalesByPowerOf2(Type t) const override;
  Value scaleByPowerOf2(Value p, Value n) override;
};

} // namespace linnet::codegen

#endif // LINNET_CODEGEN_EMITTER_H
