//===- Runs.cpp - dispatches as commands ----------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ProgramBuilder.h"
#include "linnet/Codegen/GPUProgram.h"
#include "linnet/Codegen/KernelEmitter.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// Where results go
//===----------------------------------------------------------------------===//

/// A tied operand is updated in place, or copied first where it is still read.
ProgramBuilder::Place ProgramBuilder::placeTied(exec::DispatchOp op, unsigned result) {
  Value operand = op.getInputs()[op.getTiedInput(result)];
  Place where = places.lookup(operand);
  bool readBeside = llvm::count_if(op.getInputs(), [&](Value v) {
                      return isa<ShapedType>(v.getType()) && places.lookup(v).root == where.root;
                    }) > 1;
  if (!readBeside && mayTakeOver(where.root, op))
    return where;
  dims[op.getOutputs()[result]] = dims.lookup(operand);
  Value size = bytes(operand);
  Value home = findHome(op.getOutputs()[result], op);
  if (home == where.root || !home)
    home = newArena(size);
  if (!operand.getDefiningOp<tensor::EmptyOp>())
    copyTo(operand, home);
  return {home, home};
}

/// Whether an untied result may be written to `root` while the dispatch reads its operands.
bool ProgramBuilder::mayUse(Value root, exec::DispatchOp op, exec::KernelOp kernel,
                            unsigned result) {
  for (unsigned r = 0; r < op.getOutputs().size(); ++r) // one result to a buffer
    if (auto it = places.find(op.getOutputs()[r]); it != places.end() && it->second.root == root)
      return false;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    if (!isa<ShapedType>(input.getType()))
      continue;
    Place where = places.lookup(input);
    if (where.root == root &&
        !(where.isWhole() && mayShareMemory(kernel.getBody().front(), i, result)))
      return false;
  }
  return true;
}

ProgramBuilder::Place ProgramBuilder::placeUntied(exec::DispatchOp op, exec::KernelOp kernel,
                                                  unsigned result, Value size) {
  Value value = op.getOutputs()[result];
  if (Value home = findHome(value, op); home && mayUse(home, op, kernel, result))
    return {home, home};
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    if (input.getType() != value.getType() || !mayShareMemory(kernel.getBody().front(), i, result))
      continue;
    Place where = places.lookup(input);
    auto ref = where.root.getDefiningOp<exec::RefOp>();
    if (ref.getKind() == exec::BufferKind::arena && where.isWhole() &&
        mayTakeOver(where.root, op) && mayUse(where.root, op, kernel, result))
      return where;
  }
  Value root = newArena(size);
  return {root, root};
}

//===----------------------------------------------------------------------===//
// What a launch passes
//===----------------------------------------------------------------------===//

/// In the order of Bundle/KernelABI.h, without the fault site, which the bundle's writer numbers.
ProgramBuilder::Values ProgramBuilder::launchScalars(exec::DispatchOp op, exec::KernelOp kernel) {
  Values values;
  for (Value input : op.getInputs()) {
    if (isa<ShapedType>(input.getType()))
      llvm::append_range(values, dynamicDims(input));
    else
      values.push_back(scalars.lookup(input));
  }
  for (auto [i, output] : llvm::enumerate(op.getOutputs()))
    if (op.getTiedInput(i) < 0)
      llvm::append_range(values, dynamicDims(output));
  return values;
}

/// Chunks, scratch, FLOPs and bytes.
FailureOr<ProgramBuilder::Values> ProgramBuilder::inlineLaunch(exec::KernelOp kernel,
                                                               ValueRange scalars) {
  if (kernel.getLaunch().empty())
    return kernel.emitOpError("has no launch region, see --linnet-select-strategies"), failure();
  Block &launch = kernel.getLaunch().front();
  IRMapping map;
  for (auto [arg, value] : llvm::zip(launch.getArguments(), scalars)) {
    if (isa<IntegerType>(value.getType()))
      value = b.createOrFold<arith::IndexCastOp>(b.getIndexType(), value);
    if (!value.getType().isIndex()) // no size depends on a float
      value = index(0);
    map.map(arg, value);
  }
  for (Operation &op : launch.without_terminator())
    b.clone(op, map);
  Values values;
  for (Value v : launch.getTerminator()->getOperands())
    values.push_back(map.lookup(v));
  return values;
}

/// Constants that the kernel wants packed are other entries of the pool.
void ProgramBuilder::nameConstants(exec::DispatchOp op, exec::KernelOp kernel, Values &buffers) {
  ArrayAttr layouts = kernel.getLayoutsAttr();
  if (!layouts)
    return;
  unsigned buffer = 0;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    if (!isa<ShapedType>(input.getType()))
      continue;
    auto layout = dyn_cast<DictionaryAttr>(layouts[i]);
    auto ref = layout ? places.lookup(input).root.getDefiningOp<exec::RefOp>() : exec::RefOp();
    if (ref && ref.getSymbolAttr()) {
      Value &packed = constants[{ref.getSymbolAttr(), layout}];
      if (!packed) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointAfter(ref);
        packed =
            exec::RefOp::create(b, ref.getLoc(), exec::BufferKind::constant, IntegerAttr(),
                                ref.getSymbolAttr(), layout, Value(), IntegerAttr(), IntegerAttr());
      }
      buffers[buffer] = packed;
    }
    ++buffer;
  }
}

/// "contraction + 2": the class, and how many ops are fused behind the root.
static std::string describe(exec::KernelOp kernel) {
  KernelInfo info = classify(kernel);
  if (!info.root)
    return (info.name + " of " + Twine(info.members.size())).str();
  std::string name = info.root->getName().getStringRef().str();
  return info.epilogue.empty() ? name : name + " + " + std::to_string(info.epilogue.size());
}

LogicalResult ProgramBuilder::emitDispatch(exec::DispatchOp op) {
  if (!op.isOutlined())
    return op.emitOpError("has a body, see --linnet-outline-kernels");
  auto kernel = symbolTable.lookup<exec::KernelOp>(*op.getKernel());
  Values buffers;
  for (Value input : op.getInputs())
    if (isa<ShapedType>(input.getType()))
      buffers.push_back(places.lookup(input).buffer);
  for (auto [i, output] : llvm::enumerate(op.getOutputs())) {
    if (op.getTiedInput(i) >= 0) {
      Value operand = op.getInputs()[op.getTiedInput(i)];
      Place where = placeTied(op, i);
      unsigned position = llvm::count_if(op.getInputs().take_front(op.getTiedInput(i)),
                                         [](Value v) { return isa<ShapedType>(v.getType()); });
      buffers[position] = where.buffer;
      place(output, where, dims.lookup(operand));
      continue;
    }
    Values dynamic;
    for (Value size : op.getResultSizes(i))
      dynamic.push_back(scalars.lookup(size));
    dims[output] = dimsOfType(cast<RankedTensorType>(output.getType()), dynamic);
    Place where = placeUntied(op, kernel, i, bytes(output));
    place(output, where, dims[output]);
    buffers.push_back(where.buffer);
  }
  nameConstants(op, kernel, buffers);
  Values values = launchScalars(op, kernel);
  FailureOr<Values> launch = inlineLaunch(kernel, values);
  if (failed(launch))
    return failure();
  if (codegen::isForGPU(kernel) && codegen::hasScratch(kernel)) {
    buffers.push_back(newArena((*launch)[1])); // of this launch as a whole
    (*launch)[1] = index(0);
  }
  exec::RunOp::create(b, b.getLoc(), *op.getKernel(), buffers, values, (*launch)[0], (*launch)[1],
                      (*launch)[2], (*launch)[3], b.getStringAttr(describe(kernel)));
  return success();
}
