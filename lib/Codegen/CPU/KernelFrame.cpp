//===- KernelFrame.cpp - a CPU kernel's function and its operands ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/KernelFrame.h"
#include "linnet/Bundle/KernelABI.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace linnet::codegen;

KernelFrame::KernelFrame(exec::KernelOp kernel, ModuleOp module, Emitter &e)
    : KernelViews(kernel, e), e(e) {
  e.setInsertionPointToEnd(module.getBody());
  Type p = e.pointer(), i64 = e.i64();
  auto type = e.getFunctionType({p, p, p, i64, i64, e.getI32Type()}, {});
  function = func::FuncOp::create(e, kernel.getSymName(), type);
  e.setInsertionPointToStart(function.addEntryBlock());
  env = function.getArgument(0);
  buffers = function.getArgument(1);
  scalars = function.getArgument(2);
  begin = e.toIndex(function.getArgument(3));
  end = e.toIndex(function.getArgument(4));
  worker = function.getArgument(5);

  unsigned buffer = 0, scalar = 0;
  auto nextScalar = [&](Type t) {
    if (t.isIndex())
      return e.toIndex(e.loadField(scalars, 8 * scalar++, i64));
    return e.loadField(scalars, 8 * scalar++, t);
  };
  auto nextBuffer = [&](Type stored) {
    return std::pair(e.flat(e.loadField(buffers, 8 * buffer++, p), stored), e.index(0));
  };
  bind({nextBuffer, nextScalar});
  if (kernel.getFaults())
    faultSite = nextScalar(i64);
}

void KernelFrame::finish() { func::ReturnOp::create(e); }

//===----------------------------------------------------------------------===//
// Scratch and faults
//===----------------------------------------------------------------------===//

Value KernelFrame::scratch(Value at, Type element) {
  Value table = e.loadField(env, offsetof(lnt_env, scratch), e.pointer());
  Value slot = e.offsetPointer(table, e.mul(e.toIndex(worker), 8));
  Value base = LLVM::LoadOp::create(e, e.pointer(), slot);
  return e.flat(e.offsetPointer(base, at), storageType(element));
}

void KernelFrame::fault(unsigned site, Value position) {
  assert(faultSite && "select() must count the fault sites");
  Value number = arith::AddIOp::create(e, faultSite, e.iconst(e.i64(), site));
  Value high = arith::ShLIOp::create(e, number, e.iconst(e.i64(), LNT_ERROR_POSITION_BITS));
  Value word = arith::OrIOp::create(e, high, e.toInt(position, e.i64()));
  Value target = e.loadField(env, offsetof(lnt_env, error), e.pointer());
  LLVM::AtomicRMWOp::create(e, LLVM::AtomicBinOp::umin, target, word,
                            LLVM::AtomicOrdering::monotonic);
}

//===----------------------------------------------------------------------===//
// Writing past the caches
//===----------------------------------------------------------------------===//

/// From this size on a result is not expected to be in a cache when it is read next.
static constexpr int64_t kStreamBytes = int64_t(32) << 20;

Value KernelFrame::mayStream(const View &view) {
  Value size = e.index(bytesOf(view));
  for (Value n : view.sizes)
    size = e.mul(size, n);
  Value ok = e.ge(size, e.index(kStreamBytes));
  if (Emitter::constantOf(ok) == 0)
    return ok;
  Value start = e.addressOf(view.memory);
  for (BlockArgument arg : kernel.getArguments()) {
    if (!isa<RankedTensorType>(arg.getType()))
      continue;
    Value other = e.addressOf(flatArgument(arg.getArgNumber()));
    ok = e.both(ok, arith::CmpIOp::create(e, arith::CmpIPredicate::ne, start, other));
  }
  return ok;
}
