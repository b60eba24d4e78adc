//===- MemoryBudget.cpp - what a planned program needs --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "MemoryBudget.h"
#include "linnet/Bundle/Pack.h"
#include "linnet/Bundle/Write.h"
#include "linnet/Program/Lifetimes.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include <set>

using namespace mlir;
using namespace linnet;

/// `sizes`: the largest dynamic ones, in order.
static int64_t bytesOf(RankedTensorType type, ArrayRef<int64_t> sizes = {}) {
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      size = sizes.front();
      sizes = sizes.drop_front();
    }
    bytes *= size;
  }
  return bytes;
}

static int64_t bytesOfParam(DictionaryAttr param, ArrayRef<int64_t> sizes) {
  return bytesOf(cast<RankedTensorType>(param.getAs<TypeAttr>("type").getValue()), sizes);
}

/// What callers give and get, at the symbols' maxima; nothing where a symbol has none.
static std::optional<int64_t> bytesOfSignature(exec::ProgramOp program) {
  SizeBounds bounds(program);
  llvm::StringMap<int64_t> symbols;
  for (auto [arg, attr] : llvm::zip(program.getBody().getArguments(), program.getSymbols()))
    symbols[cast<DictionaryAttr>(attr).getAs<StringAttr>("name").getValue()] = bounds.maximum(arg);
  int64_t total = 0;
  for (auto argument : program.getArguments().getAsRange<DictionaryAttr>()) {
    SmallVector<int64_t> sizes;
    if (auto dims = argument.getAs<ArrayAttr>("dims"))
      for (auto name : dims.getAsRange<StringAttr>())
        sizes.push_back(symbols.lookup(name.getValue()));
    if (llvm::is_contained(sizes, -1))
      return std::nullopt;
    total += bytesOfParam(argument, sizes);
  }
  SmallVector<int64_t> sizes;
  for (Value size : program.getBody().front().back().getOperands())
    sizes.push_back(bounds.maximum(size));
  if (llvm::is_contained(sizes, -1))
    return std::nullopt;
  ArrayRef<int64_t> rest = sizes;
  for (auto [i, result] : llvm::enumerate(program.getResults().getAsRange<DictionaryAttr>())) {
    auto type = cast<RankedTensorType>(result.getAs<TypeAttr>("type").getValue());
    if (program.getResultAlias()[i] < 0)
      total += bytesOf(type, rest);
    rest = rest.drop_front(type.getNumDynamicDims());
  }
  return total;
}

static int64_t bytesOfConstant(ModuleOp module, exec::RefOp ref) {
  auto global = module.lookupSymbol<ml_program::GlobalOp>(*ref.getSymbol());
  auto type = cast<RankedTensorType>(global.getType());
  DictionaryAttr layout = ref.getLayoutAttr();
  if (!layout)
    return bytesOf(type);
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
  std::optional<int64_t> signature = bytesOfSignature(program);
  if (!signature)
    return program.emitError() << "expects bounds of all sizes in '" << program.getSymName()
                               << "' for a memory budget";
  int64_t total = *signature + program.getArenaBytes() + program.getScratchBytes() * threads;
  std::set<std::pair<StringRef, const void *>> counted;
  program.walk([&](exec::RefOp ref) {
    Attribute layout = ref.getLayoutAttr();
    if (ref.getKind() == exec::BufferKind::constant &&
        counted.insert({*ref.getSymbol(), layout.getAsOpaquePointer()}).second)
      total += bytesOfConstant(module, ref);
  });
  return total;
}
