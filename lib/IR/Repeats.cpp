//===- Repeats.cpp - tensors that say everything twice -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/Repeats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>

using namespace mlir;
using namespace linnet;

/// Whether entry j of a dimension is entry partner(j), for every j. `inner`: bytes of an entry.
template <typename Partner>
static bool repeats(ArrayRef<char> bytes, int64_t size, int64_t inner, Partner partner) {
  for (int64_t from = 0, end = bytes.size(); from < end; from += size * inner)
    for (int64_t j = 0; j < size; ++j)
      if (partner(j) != j && std::memcmp(bytes.data() + from + j * inner,
                                         bytes.data() + from + partner(j) * inner, inner) != 0)
        return false;
  return true;
}

Repeats Repeats::find(ArrayRef<char> bytes, ArrayRef<int64_t> shape, unsigned elementBytes) {
  Repeats out;
  int64_t inner = elementBytes;
  for (int64_t d = shape.size(); d-- > 0; inner *= shape[d]) {
    int64_t n = shape[d];
    if (n % 2 || n == 0 || bytes.empty())
      continue;
    if (repeats(bytes, n, inner, [&](int64_t j) { return j % (n / 2); }))
      out.halves.push_back(d);
    if (repeats(bytes, n, inner, [](int64_t j) { return j & ~int64_t(1); }))
      out.pairs.push_back(d);
  }
  return out;
}

/// The bytes of a tensor that are in the program; none for one number at every place, which needs
/// no words about it, and for bits.
static ArrayRef<char> bytesOf(Attribute value) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? blob->getData() : ArrayRef<char>();
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  bool asTheyLie = dense && !dense.isSplat() && !dense.getElementType().isInteger(1) &&
                   !isa<DenseStringElementsAttr>(value);
  return asTheyLie ? dense.getRawData() : ArrayRef<char>();
}

static SmallVector<int64_t, 2> dimsOf(DictionaryAttr attr, StringRef name) {
  auto dims = attr ? attr.getAs<DenseI64ArrayAttr>(name) : DenseI64ArrayAttr();
  return dims ? SmallVector<int64_t, 2>(dims.asArrayRef()) : SmallVector<int64_t, 2>();
}

Repeats Repeats::of(Value constant) {
  auto type = dyn_cast<RankedTensorType>(constant.getType());
  Operation *op = constant.getDefiningOp();
  if (!type || !type.hasStaticShape() || type.getNumElements() == 0 || !op)
    return {};
  Attribute value;
  if (auto literal = dyn_cast<arith::ConstantOp>(op))
    value = literal.getValue();
  if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
    auto global =
        SymbolTable::lookupNearestSymbolFrom<ml_program::GlobalOp>(op, load.getGlobalAttr());
    if (!global || global.getIsMutable())
      return {};
    if (auto known = global->getAttrOfType<DictionaryAttr>(kRepeatsAttr))
      return {dimsOf(known, "halves"), dimsOf(known, "pairs")};
    value = global.getValueAttr();
  }
  ArrayRef<char> bytes = value ? bytesOf(value) : ArrayRef<char>();
  if (bytes.empty() || bytes.size() % type.getNumElements())
    return {};
  return find(bytes, type.getShape(), bytes.size() / type.getNumElements());
}

DictionaryAttr Repeats::print(Builder &b) const {
  SmallVector<NamedAttribute> out;
  if (!halves.empty())
    out.push_back(b.getNamedAttr("halves", b.getDenseI64ArrayAttr(halves)));
  if (!pairs.empty())
    out.push_back(b.getNamedAttr("pairs", b.getDenseI64ArrayAttr(pairs)));
  return b.getDictionaryAttr(out);
}

LogicalResult linnet::verifyRepeats(Operation *op, Attribute attr) {
  auto global = dyn_cast<ml_program::GlobalOp>(op);
  auto type = global ? dyn_cast<RankedTensorType>(global.getType()) : RankedTensorType();
  auto dict = dyn_cast<DictionaryAttr>(attr);
  if (!type || !type.hasStaticShape() || global.getIsMutable() || !dict)
    return op->emitError() << "'linnet.repeats' expects {halves, pairs} on a constant global of a "
                              "static tensor type, found "
                           << attr << " on '" << op->getName() << "'";
  for (NamedAttribute entry : dict) {
    auto dims = dyn_cast<DenseI64ArrayAttr>(entry.getValue());
    if ((entry.getName() != "halves" && entry.getName() != "pairs") || !dims)
      return op->emitError() << "'linnet.repeats' expects halves and pairs, arrays of dimensions, "
                                "found "
                             << entry.getName() << " = " << entry.getValue();
    for (int64_t d : dims.asArrayRef())
      if (d < 0 || d >= type.getRank() || type.getDimSize(d) % 2)
        return op->emitError() << "'linnet.repeats' names dimension " << d << " of " << type
                               << ", expected one of even size";
  }
  return success();
}
