//===- LinnetDialect.cpp - registration and attribute checks --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/LinnetOps.h"
#include "linnet/IR/Repeats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace linnet;

#include "linnet/IR/LinnetDialect.cpp.inc"
#include "linnet/IR/LinnetEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "linnet/IR/LinnetAttrs.cpp.inc"

namespace {
/// Every op of the dialect may move into another function.
struct LinnetInliner : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const override { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const override { return true; }
};
} // namespace

void LinnetDialect::initialize() {
  addInterfaces<LinnetInliner>();
  registerAttributes();
  registerAttentionOps();
  registerSequenceOps();
  registerConvOps();
  registerLossOps();
  registerNormOps();
  registerPlainOps();
  registerPoolOps();
  registerRandomOps();
  registerResizeOps();
  registerTrainOps();
  registerOptimizerOps();
}

void LinnetDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "linnet/IR/LinnetAttrs.cpp.inc"
      >();
}

Operation *LinnetDialect::materializeConstant(OpBuilder &b, Attribute value, Type type,
                                              Location loc) {
  return arith::ConstantOp::materialize(b, value, type, loc);
}

//===----------------------------------------------------------------------===//
// linnet.dims, linnet.symbols, linnet.state, linnet.name
//===----------------------------------------------------------------------===//

static LogicalResult verifyDims(Operation *op, Attribute attr, Type type) {
  auto dims = dyn_cast<ArrayAttr>(attr);
  auto shaped = dyn_cast<RankedTensorType>(type);
  if (!dims || !shaped)
    return op->emitError() << "'linnet.dims' expects an array on a ranked tensor, found " << attr
                           << " on " << type;
  if (static_cast<int64_t>(dims.size()) != shaped.getRank())
    return op->emitError() << "'linnet.dims' has " << dims.size()
                           << " entries for a tensor of rank " << shaped.getRank();
  for (auto [i, dim] : llvm::enumerate(dims)) {
    auto size = dyn_cast<IntegerAttr>(dim);
    if (!size && !isa<StringAttr>(dim))
      return op->emitError() << "'linnet.dims' entry " << i
                             << " is neither a name nor a size: " << dim;
    if (size && size.getInt() != shaped.getDimSize(i))
      return op->emitError() << "'linnet.dims' entry " << i << " is " << size.getInt()
                             << " but the type says " << type;
    if (!size && !shaped.isDynamicDim(i))
      return op->emitError() << "'linnet.dims' entry " << i << " names size " << dim
                             << " which is the constant " << shaped.getDimSize(i);
  }
  return success();
}

static LogicalResult verifySymbols(Operation *op, Attribute attr) {
  auto symbols = dyn_cast<DictionaryAttr>(attr);
  if (!symbols)
    return op->emitError() << "'linnet.symbols' expects a dictionary of symbols, found " << attr;
  for (NamedAttribute symbol : symbols) {
    auto bounds = dyn_cast<DictionaryAttr>(symbol.getValue());
    if (!bounds)
      return op->emitError() << "'linnet.symbols' expects {min, max, multiple} for '"
                             << symbol.getName().getValue() << "', found " << symbol.getValue();
    for (NamedAttribute bound : bounds) {
      StringRef key = bound.getName();
      auto value = dyn_cast<IntegerAttr>(bound.getValue());
      if (key != "min" && key != "max" && key != "multiple")
        return op->emitError() << "unknown bound '" << key << "' of symbol '"
                               << symbol.getName().getValue() << "', expected min, max or multiple";
      if (!value || value.getInt() < (key == "multiple" ? 1 : 0))
        return op->emitError() << "bound '" << key << "' of symbol '" << symbol.getName().getValue()
                               << "' expects a non-negative integer, found " << bound.getValue();
    }
    auto lo = bounds.getAs<IntegerAttr>("min"), hi = bounds.getAs<IntegerAttr>("max");
    if (lo && hi && lo.getInt() > hi.getInt())
      return op->emitError() << "symbol '" << symbol.getName().getValue() << "' has min "
                             << lo.getInt() << " above max " << hi.getInt();
  }
  return success();
}

static LogicalResult verifyString(Operation *op, NamedAttribute attr) {
  auto string = dyn_cast<StringAttr>(attr.getValue());
  if (string && !string.getValue().contains('\0'))
    return success();
  return op->emitError() << "'" << attr.getName().getValue()
                         << (string ? "' expects no NUL, found " : "' expects a string, found ")
                         << attr.getValue();
}

static LogicalResult verifyContract(Operation *op, Attribute attr) {
  if (!isa<ContractAttr>(attr))
    return op->emitError() << "'linnet.contract' expects #linnet.contract<...>, found " << attr;
  if (!isa<AttentionOp, FunctionOpInterface, ModuleOp>(op))
    return op->emitError() << "'linnet.contract' expects linnet.attention, a function or a module, "
                              "found '"
                           << op->getName() << "'";
  return success();
}

LogicalResult LinnetDialect::verifyOperationAttribute(Operation *op, NamedAttribute attr) {
  if (attr.getName() == kContractAttr)
    return verifyContract(op, attr.getValue());
  if (attr.getName() == kSymbolsAttr)
    return verifySymbols(op, attr.getValue());
  if (attr.getName() == kRepeatsAttr)
    return verifyRepeats(op, attr.getValue());
  return success();
}

static LogicalResult verifyValueAttribute(Operation *op, Type type, NamedAttribute attr) {
  if (attr.getName() == kDimsAttr)
    return verifyDims(op, attr.getValue(), type);
  if (attr.getName() == kStateAttr || attr.getName() == kNameAttr)
    return verifyString(op, attr);
  return success();
}

LogicalResult LinnetDialect::verifyRegionArgAttribute(Operation *op, unsigned /*region*/,
                                                      unsigned arg, NamedAttribute attr) {
  auto fn = dyn_cast<FunctionOpInterface>(op);
  if (!fn)
    return success();
  return verifyValueAttribute(op, fn.getArgumentTypes()[arg], attr);
}

LogicalResult LinnetDialect::verifyRegionResultAttribute(Operation *op, unsigned /*region*/,
                                                         unsigned result, NamedAttribute attr) {
  auto fn = dyn_cast<FunctionOpInterface>(op);
  if (!fn)
    return success();
  return verifyValueAttribute(op, fn.getResultTypes()[result], attr);
}
