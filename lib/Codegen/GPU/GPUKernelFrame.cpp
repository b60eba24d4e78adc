//===- GPUKernelFrame.cpp - a GPU kernel's function and operands -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "GPUKernelFrame.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

GPUKernelEmitter::~GPUKernelEmitter() = default;

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

int64_t linnet::codegen::threadsForRow(int64_t elements, const GPUTarget &target) {
  int64_t wanted = ShapedType::isDynamic(elements) ? 1024 : elements / 4;
  int64_t threads = std::max<int64_t>(target.subgroup, 32);
  while (threads < wanted && threads * 2 <= std::min<int64_t>(256, target.maxWorkgroup))
    threads *= 2;
  return threads;
}

bool linnet::codegen::hasScratch(exec::KernelOp kernel) {
  auto launch = cast<exec::LaunchOp>(kernel.getLaunch().front().getTerminator());
  return CodeBuilder::constantOf(launch.getScratch()) != 0;
}

unsigned linnet::codegen::wordsOf(Type scalar, bool wide) {
  if (scalar.isIndex())
    return wide ? 2 : 1;
  return scalar.getIntOrFloatBitWidth() <= 32 ? 1 : 2;
}

GPUSignature::GPUSignature(exec::KernelOp kernel, bool wide) {
  unsigned size = wordsOf(IndexType::get(kernel.getContext()), wide);
  auto tensor = [&](Type t) {
    ++buffers;
    words += 1 + size * cast<RankedTensorType>(t).getNumDynamicDims();
  };
  for (Type t : kernel.getArgumentTypes())
    if (isa<RankedTensorType>(t))
      tensor(t);
    else
      words += wordsOf(t, wide);
  for (auto [i, t] : llvm::enumerate(kernel.getResultTypes()))
    if (kernel.getTiedInput(i) < 0)
      tensor(t);
  bool scratch = hasScratch(kernel), faults = kernel.getFaults();
  buffers += scratch + faults;
  words += scratch + faults;
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

/// Types of the buffers, in their order.
static SmallVector<Type> bufferTypes(exec::KernelOp kernel) {
  SmallVector<Type> types;
  auto memory = [&](Type stored) {
    types.push_back(MemRefType::get({ShapedType::kDynamic}, stored));
  };
  for (Type t : kernel.getArgumentTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(t))
      memory(storageType(tensor.getElementType()));
  for (auto [i, t] : llvm::enumerate(kernel.getResultTypes()))
    if (kernel.getTiedInput(i) < 0)
      memory(storageType(cast<RankedTensorType>(t).getElementType()));
  Builder b(kernel.getContext());
  if (hasScratch(kernel))
    memory(b.getF32Type());
  if (kernel.getFaults())
    memory(b.getI32Type());
  return types;
}

/// A scalar from the words that hold it.
static Value fromWords(GPUEmitter &e, Type t, llvm::function_ref<Value()> next) {
  if (t.isIndex())
    return e.toIndex(wordsOf(t, e.widePositions) == 1 ? next()
                                                      : fromWords(e, e.getI64Type(), next));
  unsigned width = t.getIntOrFloatBitWidth();
  Value bits = next();
  if (width > 32) {
    Type i64 = e.getI64Type();
    Value low = arith::ExtUIOp::create(e, i64, bits);
    Value high = arith::ExtUIOp::create(e, i64, next());
    bits = arith::OrIOp::create(e, low, Value(arith::ShLIOp::create(e, high, e.iconst(i64, 32))));
  } else if (width < 32) {
    bits = arith::TruncIOp::create(e, e.getIntegerType(width), bits);
  }
  return isa<FloatType>(t) ? Value(arith::BitcastOp::create(e, t, bits)) : bits;
}

GPUKernelFrame::GPUKernelFrame(exec::KernelOp kernel, ModuleOp module, GPUEmitter &e,
                               StringRef name)
    : KernelViews(kernel, e), e(e) {
  e.threads = strategyInt(kThreads);
  assert(e.threads > 0 && "select() says how many threads");
  e.setInsertionPointToEnd(module.getBody());
  module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), e.getUnitAttr());
  auto inner = gpu::GPUModuleOp::create(e, "kernels");
  e.setInsertionPointToStart(inner.getBody());
  GPUSignature signature(kernel, e.widePositions);
  SmallVector<Type> types = bufferTypes(kernel);
  types.append(signature.words, e.getI32Type());
  function = gpu::GPUFuncOp::create(e, name, e.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), e.getUnitAttr());
  function.setKnownBlockSizeAttr(e.getDenseI32ArrayAttr({int32_t(e.threads), 1, 1}));
  e.setInsertionPointToStart(&function.getBody().front());

  unsigned buffer = 0, base = signature.buffers + 1;
  unsigned bases = signature.buffers - (kernel.getFaults() ? 1 : 0), word = base + bases;
  auto nextWord = [&]() -> Value { return function.getArgument(word++); };
  auto nextBuffer = [&](Type) {
    return std::pair(Value(function.getArgument(buffer++)),
                     e.toIndex(function.getArgument(base++)));
  };
  e.thread = gpu::ThreadIdOp::create(e, gpu::Dimension::x);
  chunks = e.toIndex(function.getArgument(signature.buffers));
  Value row = gpu::BlockIdOp::create(e, gpu::Dimension::y);
  group = e.add(gpu::BlockIdOp::create(e, gpu::Dimension::x), e.mul(row, LNT_GPU_GRID_WIDTH));
  bind({nextBuffer, [&](Type t) { return fromWords(e, t, nextWord); }});
  if (hasScratch(kernel))
    std::tie(scratchMemory, scratchStart) = nextBuffer(e.getF32Type());
  if (kernel.getFaults()) {
    faultWords = function.getArgument(buffer);
    faultSite = e.toIndex(nextWord());
    OpBuilder::InsertionGuard restore(e);
    e.setInsertionPointToStart(&function.getBody().front());
    auto own = gpu::AddressSpaceAttr::get(e.getContext(), gpu::AddressSpace::Private);
    auto type = MemRefType::get({int64_t(kernel.getFaults())}, e.getI32Type(),
                                MemRefLayoutAttrInterface(), own);
    noted = memref::AllocaOp::create(e, type);
    for (unsigned site = 0; site < kernel.getFaults(); ++site)
      e.store(e.iconst(e.getI32Type(), -1), noted, e.index(site));
  }
  auto active = scf::IfOp::create(e, e.lt(group, chunks), /*withElseRegion=*/false);
  guard = active;
  e.setInsertionPointToStart(active.thenBlock());
}

void GPUKernelFrame::finish() {
  // Of what a thread has noted: an atomic operation inside of a loop is slow where threads differ,
  // and Mesa 22's lavapipe loses the values that such a loop carries.
  for (unsigned site = 0; noted && site < kernel.getFaults(); ++site) {
    Value position = e.load(noted, e.index(site)), none = e.iconst(e.getI32Type(), -1);
    Value bad = arith::CmpIOp::create(e, arith::CmpIPredicate::ne, position, none);
    e.ifThen(bad, [&] {
      memref::AtomicRMWOp::create(e, arith::AtomicRMWKind::minu, position, faultWords,
                                  ValueRange{e.add(faultSite, site)});
    });
  }
  e.setInsertionPointAfter(guard);
  gpu::ReturnOp::create(e);
}

//===----------------------------------------------------------------------===//
// Faults and alignment
//===----------------------------------------------------------------------===//

void GPUKernelFrame::fault(unsigned site, Value position) {
  assert(faultSite && "select() must count the fault sites");
  if (e.widePositions) // what a word cannot say
    position = e.min(position, e.index(int64_t(LNT_GPU_NO_FAULT) - 1));
  Value at = e.toInt(position, e.getI32Type()), word = e.index(site);
  e.store(Value(arith::MinUIOp::create(e, e.load(noted, word), at)), noted, word);
}

Value GPUKernelFrame::isAligned(const View &v, int64_t n) {
  if (n == 1)
    return e.boolean(true);
  if (v.rank() == 0 || CodeBuilder::constantOf(v.strides.back()) != 1)
    return e.boolean(false);
  auto multiple = [&](Value x) { return e.eq(e.rem(x, n), e.index(0)); };
  Value ok = multiple(v.offset);
  for (Value stride : ArrayRef(v.strides).drop_back())
    ok = e.both(ok, multiple(stride));
  return ok;
}
