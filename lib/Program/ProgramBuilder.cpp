//===- ProgramBuilder.cpp - commands over buffers for a function ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ProgramBuilder.h"
#include "ElementBytes.h"
#include "Views.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace linnet;

ProgramBuilder::ProgramBuilder(func::FuncOp func, Signature signature, SymbolTable &symbols)
    : func(func), signature(std::move(signature)), symbolTable(symbols),
      b(func.getLoc(), func.getContext()) {}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Value ProgramBuilder::index(int64_t v) { return b.create<arith::ConstantIndexOp>(v); }

Value ProgramBuilder::mul(Value a, Value c) { return b.createOrFold<arith::MulIOp>(a, c); }

Value ProgramBuilder::add(Value a, Value c) { return b.createOrFold<arith::AddIOp>(a, c); }

Value ProgramBuilder::mapped(OpFoldResult r) {
  if (auto value = dyn_cast<Value>(r))
    return scalars.lookup(value);
  return index(*getConstantIntValue(r));
}

ProgramBuilder::Values ProgramBuilder::dimsOfType(RankedTensorType type, ValueRange dynamic) {
  Values sizes;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      sizes.push_back(dynamic.front());
      dynamic = dynamic.drop_front();
    } else {
      sizes.push_back(index(size));
    }
  }
  return sizes;
}

ProgramBuilder::Values ProgramBuilder::dynamicDims(Value tensor) {
  Values dynamic;
  auto type = cast<RankedTensorType>(tensor.getType());
  for (auto [i, size] : llvm::enumerate(dims.lookup(tensor)))
    if (type.isDynamicDim(i))
      dynamic.push_back(size);
  return dynamic;
}

Value ProgramBuilder::bytes(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value n = index(getElementBytes(type.getElementType()));
  for (Value size : dims.lookup(tensor))
    n = mul(n, size);
  return n;
}

ProgramBuilder::Values ProgramBuilder::dimsOfView(Operation *view) {
  Value source = getViewSource(view);
  auto type = cast<RankedTensorType>(view->getResult(0).getType());
  Values from = dims.lookup(source), sizes;
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(view)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [i, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped.test(i))
        sizes.push_back(mapped(size));
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(view)) {
    for (OpFoldResult size : expand.getMixedOutputShape())
      sizes.push_back(mapped(size));
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(view)) {
    for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
      Value product = index(1);
      for (int64_t i : group)
        product = mul(product, from[i]);
      sizes.push_back(product);
    }
  } else if (isTranspose(view)) {
    for (int64_t i : getPermutation(view))
      sizes.push_back(from[i]);
  } else {
    sizes = from;
  }
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(size))
      sizes[i] = index(size);
  return sizes;
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

void ProgramBuilder::enterArgument(BlockArgument arg) {
  unsigned i = arg.getArgNumber();
  int64_t number = signature.argumentNumber[i];
  auto type = dyn_cast<RankedTensorType>(arg.getType());
  exec::RefOp ref;
  if (number < 0)
    ref = exec::RefOp::create(b, b.getLoc(), exec::BufferKind::constant, IntegerAttr(),
                              func.getArgAttrOfType<FlatSymbolRefAttr>(i, kConstantAttr),
                              DictionaryAttr(), Value(), IntegerAttr(), IntegerAttr());
  else
    ref = exec::RefOp::create(b, b.getLoc(), exec::BufferKind::argument,
                              b.getI64IntegerAttr(number), FlatSymbolRefAttr(), DictionaryAttr(),
                              Value(), IntegerAttr(), IntegerAttr());
  if (number >= 0)
    argumentRoots[number] = ref;
  if (!type) { // a scalar comes as a tensor of rank 0
    bool isIndex = arg.getType().isIndex();
    Value value =
        exec::LoadOp::create(b, b.getLoc(), isIndex ? b.getI64Type() : arg.getType(), ref, 0);
    if (isIndex)
      value = b.create<arith::IndexCastOp>(b.getIndexType(), value);
    scalars.map(arg, value);
    return;
  }
  Values dynamic;
  for (unsigned symbol : signature.argumentSymbols[i])
    dynamic.push_back(program.getBody().getArgument(symbol));
  place(arg, {ref, ref}, dimsOfType(type, dynamic));
}

void ProgramBuilder::enter() {
  b.setInsertionPoint(func);
  program = exec::ProgramOp::create(
      b, func.getLoc(), func.getName(), b.getArrayAttr(signature.symbols),
      b.getArrayAttr(signature.arguments), b.getArrayAttr(signature.results),
      b.getDenseI64ArrayAttr(signature.resultAlias));
  if (Attribute plan = func->getAttr(exec::kRecomputeAttr))
    program->setAttr(exec::kRecomputeAttr, plan);
  Block &body = program.getBody().emplaceBlock();
  for (unsigned i = 0; i < signature.symbols.size(); ++i)
    body.addArgument(b.getIndexType(), func.getLoc());
  b.setInsertionPointToStart(&body);
  argumentRoots.resize(signature.arguments.size());
  resultRoots.resize(signature.results.size());
  for (BlockArgument arg : func.getArguments())
    enterArgument(arg);
}

FailureOr<exec::ProgramOp> ProgramBuilder::run(bool strictDonation) {
  enter();
  bool ok = succeeded(emitBlock(func.getBody().front()));
  if (!ok) {
    program.erase();
    return failure();
  }
  program.setForcedCopies(forcedCopies);
  if (forcedCopies && strictDonation)
    return func.emitError() << "expects every donation honoured, " << forcedCopies
                            << " need a copy",
           failure();
  return program;
}

LogicalResult ProgramBuilder::emitBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(emit(op)))
      return failure();
  if (auto ret = dyn_cast<func::ReturnOp>(block.getTerminator()))
    return emitReturn(ret);
  return success();
}

LogicalResult ProgramBuilder::emit(Operation &op) {
  b.setLoc(op.getLoc());
  if (isOpTriviallyDead(&op))
    return success();
  if (auto dispatch = dyn_cast<exec::DispatchOp>(op))
    return emitDispatch(dispatch);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return emitIf(branch);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return emitWhile(loop);
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return emitExtract(extract), success();
  if (auto elements = dyn_cast<tensor::FromElementsOp>(op))
    return emitFromElements(elements), success();
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return emitInsert(insert), success();
  if (auto assertion = dyn_cast<cf::AssertOp>(op)) {
    exec::CheckOp::create(b, b.getLoc(), scalars.lookup(assertion.getArg()), assertion.getMsgAttr(),
                          assertion->getAttrOfType<StringAttr>(exec::kCheckedOpAttr));
    return success();
  }
  if (auto select = dyn_cast<arith::SelectOp>(op); select && isa<ShapedType>(select.getType()))
    return emitSelect(select), success();
  if (isView(&op) && isAlias(&op))
    return emitView(&op), success();
  if (auto dim = dyn_cast<tensor::DimOp>(op); dim && dim.getConstantIndex()) {
    const Values &sizes = dims[dim.getSource()];
    auto number = static_cast<uint64_t>(*dim.getConstantIndex());
    if (number >= sizes.size())
      return dim.emitOpError() << "expects a dimension below " << sizes.size();
    scalars.map(dim.getResult(), sizes[number]);
    return success();
  }
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    Values sizes;
    for (OpFoldResult size : empty.getMixedSizes())
      sizes.push_back(mapped(size));
    dims[empty] = sizes;
    place(empty, defaultPlace(empty, &op, bytes(empty)), sizes);
    return success();
  }
  return emitScalarOp(op);
}

LogicalResult ProgramBuilder::emitScalarOp(Operation &op) {
  auto isFloat = [](Type t) { return isa<FloatType>(t); };
  bool constant = isa<arith::ConstantOp>(op);
  bool scalar = llvm::none_of(op.getOperandTypes(), llvm::IsaPred<ShapedType>) &&
                llvm::none_of(op.getResultTypes(), llvm::IsaPred<ShapedType>);
  if (!scalar || !isa_and_nonnull<arith::ArithDialect>(op.getDialect()) ||
      (!constant &&
       (llvm::any_of(op.getOperandTypes(), isFloat) || llvm::any_of(op.getResultTypes(), isFloat))))
    return op.emitOpError("has no place in a program: expects dispatches, views, control flow "
                          "and integer arithmetic");
  b.clone(op, scalars);
  return success();
}

LogicalResult ProgramBuilder::emitReturn(func::ReturnOp op) {
  b.setLoc(op.getLoc());
  SmallVector<Copy> copies;
  for (auto [i, value] : llvm::enumerate(op.getOperands())) {
    Value root = resultRoot(i);
    if (!isa<ShapedType>(value.getType())) {
      Value scalar = scalars.lookup(value);
      if (value.getType().isIndex())
        scalar = b.create<arith::IndexCastOp>(b.getI64Type(), scalar);
      exec::StoreOp::create(b, b.getLoc(), scalar, root, 0);
      continue;
    }
    copies.push_back({value, places.lookup(value), root});
    if (signature.resultAlias[i] >= 0 && places.lookup(value).buffer != root) {
      ++forcedCopies;
      func.emitWarning() << "result " << i << " is copied to argument " << signature.resultAlias[i]
                         << ", whose memory it takes over, because that is read later";
    }
  }
  emitCopies(std::move(copies));
  Values sizes;
  for (Value value : op.getOperands())
    if (isa<ShapedType>(value.getType()))
      llvm::append_range(sizes, dynamicDims(value));
  exec::ReturnOp::create(b, b.getLoc(), sizes);
  return success();
}

//===----------------------------------------------------------------------===//
// Views and elements
//===----------------------------------------------------------------------===//

/// Bytes from the start of the source to the first element of a contiguous slice.
Value ProgramBuilder::sliceOffset(tensor::ExtractSliceOp slice) {
  Value offset = index(0);
  Values sizes = dims.lookup(slice.getSource());
  for (auto [i, begin] : llvm::enumerate(slice.getMixedOffsets()))
    offset = add(mul(offset, sizes[i]), mapped(begin));
  return mul(offset, index(getElementBytes(slice.getType().getElementType())));
}

void ProgramBuilder::emitView(Operation *view) {
  Place where = places.lookup(getViewSource(view));
  Value result = view->getResult(0);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(view)) {
    Value offset = sliceOffset(slice);
    if (!isConstantIntValue(offset, 0))
      where.buffer = exec::ViewOp::create(b, b.getLoc(), where.buffer, offset);
  }
  place(result, where, dimsOfView(view));
}

/// The buffer and the position in it of one element.
Value ProgramBuilder::elementView(Value tensor, ValueRange indices, int64_t &position) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value at = index(0);
  for (auto [i, size] : llvm::zip(indices, dims.lookup(tensor)))
    at = add(mul(at, size), scalars.lookup(i));
  Value buffer = places.lookup(tensor).buffer;
  position = 0;
  if (auto constant = getConstantIntValue(at)) {
    position = *constant;
    return buffer;
  }
  Value offset = mul(at, index(getElementBytes(type.getElementType())));
  return exec::ViewOp::create(b, b.getLoc(), buffer, offset);
}

void ProgramBuilder::emitExtract(tensor::ExtractOp op) {
  int64_t position;
  Value buffer = elementView(op.getTensor(), op.getIndices(), position);
  bool isIndex = op.getType().isIndex();
  Value value = exec::LoadOp::create(b, b.getLoc(), isIndex ? b.getI64Type() : op.getType(), buffer,
                                     position);
  if (isIndex)
    value = b.create<arith::IndexCastOp>(b.getIndexType(), value);
  scalars.map(op.getResult(), value);
}

void ProgramBuilder::emitFromElements(tensor::FromElementsOp op) {
  dims[op] = dimsOfType(op.getType(), {});
  place(op, defaultPlace(op, op, bytes(op)), dims[op]);
  for (auto [i, element] : llvm::enumerate(op.getElements())) {
    Value value = scalars.lookup(element);
    if (value.getType().isIndex())
      value = b.create<arith::IndexCastOp>(b.getI64Type(), value);
    exec::StoreOp::create(b, b.getLoc(), value, places[op].buffer, i);
  }
}

void ProgramBuilder::emitInsert(tensor::InsertOp op) {
  Place where = places.lookup(op.getDest());
  Values sizes = dims.lookup(op.getDest());
  if (!mayTakeOver(where.root, op)) {
    dims[op] = sizes;
    where = defaultPlace(op, op, bytes(op));
    copyTo(op.getDest(), where.buffer);
  }
  place(op, where, sizes);
  int64_t position;
  Value buffer = elementView(op.getResult(), op.getIndices(), position);
  Value value = scalars.lookup(op.getScalar());
  if (value.getType().isIndex())
    value = b.create<arith::IndexCastOp>(b.getI64Type(), value);
  exec::StoreOp::create(b, b.getLoc(), value, buffer, position);
}
