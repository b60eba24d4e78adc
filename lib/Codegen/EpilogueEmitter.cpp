//===- EpilogueEmitter.cpp - writes elementwise work after a dense kernel -===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Epilogue.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Strided vectors and conversions
//===----------------------------------------------------------------------===//

static Value laneIndices(CodeBuilder &e, Value stride, int64_t n) {
  Value lanes = vector::StepOp::create(e, VectorType::get({n}, e.getIndexType()));
  return arith::MulIOp::create(e, lanes, e.splat(stride, n));
}

static Value allLanes(CodeBuilder &e, int64_t n) { return e.mask(e.index(n), n); }

// 16-bit floats that are gathered and scattered lane by lane move as integers: LLVM would convert
// them there and back.
static Value memoryOfLanes(CodeBuilder &e, Value memory) {
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  if (!isa<FloatType>(element) || element.getIntOrFloatBitWidth() != 16)
    return memory;
  auto cast = memory.getDefiningOp<UnrealizedConversionCastOp>();
  auto type = MemRefType::get({ShapedType::kDynamic}, e.getIntegerType(16));
  return UnrealizedConversionCastOp::create(e, TypeRange{type}, cast.getOperands()).getResult(0);
}

static Type laneType(Value memory) { return cast<MemRefType>(memory.getType()).getElementType(); }

Value linnet::codegen::stridedLoad(CodeBuilder &e, Value memory, Value at, Value stride, int64_t n,
                                   Value mask) {
  if (CodeBuilder::constantOf(stride) == 1)
    return e.vload(memory, at, n, mask);
  Value lanes = memoryOfLanes(e, memory);
  auto type = e.vec(laneType(lanes), n);
  Value x = vector::GatherOp::create(e, type, lanes, ValueRange{at}, laneIndices(e, stride, n),
                                     mask ? mask : allLanes(e, n), e.zero(type));
  return lanes == memory ? x : vector::BitCastOp::create(e, e.vec(laneType(memory), n), x);
}

void linnet::codegen::stridedStore(CodeBuilder &e, Value x, Value memory, Value at, Value stride,
                                   Value mask) {
  int64_t n = cast<VectorType>(x.getType()).getNumElements();
  if (CodeBuilder::constantOf(stride) == 1)
    return e.vstore(x, memory, at, mask);
  Value lanes = memoryOfLanes(e, memory);
  if (lanes != memory)
    x = vector::BitCastOp::create(e, e.vec(laneType(lanes), n), x);
  vector::ScatterOp::create(e, Type(), lanes, ValueRange{at}, laneIndices(e, stride, n),
                            mask ? mask : allLanes(e, n), x);
}

Value linnet::codegen::convertElement(CodeBuilder &e, Value v, Type element, bool isUnsigned) {
  Type from = getElementTypeOrSelf(v.getType());
  if (from == element)
    return v;
  Type to = element;
  if (auto vector = dyn_cast<VectorType>(v.getType()))
    to = vector.clone(element);
  if (isa<FloatType>(from) && isa<FloatType>(element))
    return e.convert(v, element);
  if (isa<FloatType>(element))
    return isUnsigned ? Value(arith::UIToFPOp::create(e, to, v))
                      : arith::SIToFPOp::create(e, to, v);
  if (from.getIntOrFloatBitWidth() > element.getIntOrFloatBitWidth())
    return arith::TruncIOp::create(e, to, v);
  return isUnsigned ? Value(arith::ExtUIOp::create(e, to, v)) : arith::ExtSIOp::create(e, to, v);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

LogicalResult EpilogueEmitter::prepare() {
  for (const Epilogue::Node &node : epilogue.nodes) {
    loads.emplace_back();
    scalars.emplace_back();
    if (node.kind == Epilogue::Node::Load) {
      FailureOr<View> v = frame.view(node.tensor);
      if (failed(v))
        return failure();
      loads.back() = *v;
    } else if (node.kind == Epilogue::Node::Scalar && isa<ShapedType>(node.tensor.getType())) {
      auto splat =
          cast<SplatElementsAttr>(cast<arith::ConstantOp>(node.tensor.getDefiningOp()).getValue());
      scalars.back() =
          arith::ConstantOp::create(frame.e, cast<TypedAttr>(splat.getSplatValue<Attribute>()));
    } else if (node.kind == Epilogue::Node::Scalar) {
      scalars.back() = frame.scalar(node.tensor);
    } else if (node.kind == Epilogue::Node::Compute) {
      llvm::SetVector<Value> outside;
      getUsedValuesDefinedAbove(linalg::LinalgOp(node.op)->getRegion(0), outside);
      for (Value v : outside)
        if (!v.getDefiningOp<arith::ConstantOp>())
          captured[v] = frame.scalar(v);
    }
  }
  for (const Epilogue::Output &out : epilogue.outputs) {
    FailureOr<KernelViews::Output> o = frame.output(out.index);
    if (failed(o))
      return failure();
    targets.push_back(o->view);
  }
  return success();
}

EpilogueEmitter::Place EpilogueEmitter::place(const View &v, const DimMap &dims,
                                              ValueRange coordinates, int vectorDim) {
  CodeBuilder &e = frame.e;
  Place p{v.offset, {}};
  Value along;
  for (auto [d, dim] : llvm::enumerate(dims)) {
    if (dim == kNoDim)
      continue;
    if (dim == vectorDim) {
      // added last: everything else is the same for the vectors of a row
      along = e.mul(coordinates[dim], v.strides[d]);
      p.stride = v.strides[d];
      continue;
    }
    p.at = e.add(p.at, e.mul(coordinates[dim], v.strides[d]));
  }
  if (along)
    p.at = e.add(p.at, along);
  return p;
}

Value EpilogueEmitter::read(const View &v, const DimMap &dims, ValueRange coordinates,
                            int vectorDim, int64_t n, Value mask) {
  CodeBuilder &e = frame.e;
  Place p = place(v, dims, coordinates, vectorDim);
  if (n == 0)
    return frame.load(v, p.at);
  if (!p.stride)
    return e.splat(frame.load(v, p.at), n);
  Value x = stridedLoad(e, v.memory, p.at, p.stride, n, mask);
  if (v.element.isInteger(1))
    x = arith::TruncIOp::create(e, e.vec(e.getI1Type(), n), x);
  if (v.element.isIndex())
    x = arith::IndexCastOp::create(e, e.vec(e.getIndexType(), n), x);
  return x;
}

void EpilogueEmitter::write(Value x, const View &v, const DimMap &dims, ValueRange coordinates,
                            int vectorDim, Value mask) {
  CodeBuilder &e = frame.e;
  Place p = place(v, dims, coordinates, vectorDim);
  if (!isa<VectorType>(x.getType()))
    return frame.store(x, v, p.at);
  int64_t n = cast<VectorType>(x.getType()).getNumElements();
  if (v.element.isInteger(1))
    x = arith::ExtUIOp::create(e, e.vec(e.getI8Type(), n), x);
  if (v.element.isIndex())
    x = arith::IndexCastOp::create(e, e.vec(e.i64(), n), x);
  if (p.stride)
    return stridedStore(e, x, v.memory, p.at, p.stride, mask);
  e.store(vector::ExtractOp::create(e, x, 0), v.memory, p.at);
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

FailureOr<Values> EpilogueEmitter::compute(const Epilogue::Node &node,
                                           llvm::function_ref<Value(Epilogue::Use)> valueOf,
                                           int64_t n) {
  linalg::LinalgOp op = node.op;
  IRMapping map;
  for (auto [operand, use] : llvm::zip(op->getOpOperands(), node.operands))
    if (use)
      map.map(op.getMatchingBlockArgument(&operand), valueOf(*use));
  llvm::SetVector<Value> outside;
  getUsedValuesDefinedAbove(op->getRegion(0), outside);
  for (Value v : outside)
    if (Value scalar = captured.lookup(v))
      map.map(v, n ? frame.e.splat(scalar, n) : scalar);
  return frame.e.inlineRegion(op->getRegion(0), map, n);
}

static Value addAny(CodeBuilder &e, Value a, Value b) {
  return isa<FloatType>(getElementTypeOrSelf(a.getType())) ? e.addf(a, b)
                                                           : Value(arith::AddIOp::create(e, a, b));
}

LogicalResult EpilogueEmitter::apply(Value acc, ValueRange coordinates, int vectorDim, int64_t n,
                                     Value mask) {
  CodeBuilder &e = frame.e;
  SmallVector<Values> made(epilogue.nodes.size());
  auto valueOf = [&](Epilogue::Use use) { return made[use.node][use.result]; };
  // the root last of the leaves: what it accumulates on is among them
  auto leaf = [&](unsigned i) -> LogicalResult {
    const Epilogue::Node &node = epilogue.nodes[i];
    if (node.kind == Epilogue::Node::Load)
      made[i] = {read(*loads[i], node.dims, coordinates, vectorDim, n, mask)};
    else if (node.kind == Epilogue::Node::Scalar)
      made[i] = {n ? e.splat(scalars[i], n) : scalars[i]};
    else if (node.kind == Epilogue::Node::Compute) {
      FailureOr<Values> results = compute(node, valueOf, n);
      if (failed(results))
        return failure();
      made[i] = *results;
    }
    return success();
  };
  unsigned initFrom = epilogue.init ? epilogue.firstOfInit : made.size();
  for (unsigned i = initFrom; i < made.size(); ++i)
    if (failed(leaf(i)))
      return failure();
  Type element = cast<ShapedType>(epilogue.root.getType()).getElementType();
  if (epilogue.init) {
    Value start = convertElement(e, valueOf(*epilogue.init), getElementTypeOrSelf(acc.getType()));
    acc = addAny(e, acc, start);
  }
  acc = convertElement(e, acc, element);
  for (unsigned i = 0; i < initFrom; ++i) {
    if (epilogue.nodes[i].kind == Epilogue::Node::Root)
      made[i] = {acc};
    else if (failed(leaf(i)))
      return failure();
  }
  for (auto [out, target] : llvm::zip(epilogue.outputs, targets))
    write(valueOf(out.value), target, out.dims, coordinates, vectorDim, mask);
  return success();
}
