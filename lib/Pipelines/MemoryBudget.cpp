//===- MemoryBudget.cpp - what a planned program needs --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "MemoryBudget.h"
#include "linnet/Bundle/Pack.h"
#include "linnet/Bundle/Write.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include <set>

using namespace mlir;
using namespace linnet;

static std::optional<int64_t> bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (!tensor.hasStaticShape())
    return std::nullopt;
  return tensor.getNumElements() * llvm::divideCeil(tensor.getElementTypeBitWidth(), 8);
}

static int64_t bytesOfConstant(ModuleOp module, exec::RefOp ref) {
  auto global = module.lookupSymbol<ml_program::GlobalOp>(*ref.getSymbol());
  auto type = cast<RankedTensorType>(global.getType());
  auto layout = ref->getAttrOfType<DictionaryAttr>("layout");
  if (!layout)
    return *bytesOf(type);
  uint64_t bytes = 0;
  bundle::packedBytes(bundle::toPanelLayout(layout),
                      llvm::divideCeil(type.getElementTypeBitWidth(), 8), bytes);
  return static_cast<int64_t>(bytes);
}

FailureOr<int64_t> linnet::plannedBytes(ModuleOp module, exec::ProgramOp program,
                                        unsigned threads) {
  if (static_cast<int64_t>(program.getArenaBytes()) < 0 ||
      static_cast<int64_t>(program.getScratchBytes()) < 0)
    return program.emitError() << "expects bounds of all symbols of '" << program.getSymName()
                               << "' for a memory budget";
  int64_t total = program.getArenaBytes() + program.getScratchBytes() * threads;
  auto add = [&](DictionaryAttr param) {
    std::optional<int64_t> bytes = bytesOf(param.getAs<TypeAttr>("type").getValue());
    total += bytes.value_or(0);
    return bytes.has_value();
  };
  bool known = true;
  for (auto argument : program.getArguments().getAsRange<DictionaryAttr>())
    known &= add(argument);
  for (auto [i, result] : llvm::enumerate(program.getResults().getAsRange<DictionaryAttr>()))
    if (program.getResultAlias()[i] < 0)
      known &= add(result);
  if (!known)
    return program.emitError() << "expects static sizes in '" << program.getSymName()
                               << "' for a memory budget";
  std::set<std::pair<StringRef, const void *>> counted;
  program.walk([&](exec::RefOp ref) {
    Attribute layout = ref->getAttr("layout");
    if (ref.getKind() == exec::BufferKind::constant &&
        counted.insert({*ref.getSymbol(), layout.getAsOpaquePointer()}).second)
      total += bytesOfConstant(module, ref);
  });
  return total;
}
