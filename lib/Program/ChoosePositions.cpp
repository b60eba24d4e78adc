//===- ChoosePositions.cpp - which kernels of a GPU need 64-bit positions ---===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ElementBytes.h"
#include "linnet/Bundle/GPUKernelABI.h"
#include "linnet/Codegen/GPUProgram.h"
#include "linnet/Program/Lifetimes.h"
#include "linnet/Program/Passes.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

namespace linnet {
#define GEN_PASS_DEF_CHOOSEPOSITIONS
#include "linnet/Program/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

static constexpr uint64_t kUnbounded = UINT64_MAX;

namespace {

/// The largest that buffers of a program may be.
class BufferBounds {
public:
  explicit BufferBounds(exec::ProgramOp program);
  uint64_t bytesOf(Value buffer);
  /// -1: unbounded.
  int64_t maximum(Value number) { return bounds.maximum(number); }

private:
  uint64_t bytesOf(RankedTensorType type, ArrayRef<int64_t> sizes);
  RankedTensorType typeOf(DictionaryAttr param);
  uint64_t bytesOfArgument(unsigned index);
  uint64_t bytesOfResult(unsigned index);
  uint64_t bytesOfConstant(exec::RefOp ref);

  exec::ProgramOp program;
  SizeBounds bounds;
  llvm::StringMap<int64_t> symbols; ///< the largest value of each; -1: unbounded
};

} // namespace

BufferBounds::BufferBounds(exec::ProgramOp program) : program(program), bounds(program) {
  for (auto [arg, attr] : llvm::zip(program.getBody().getArguments(), program.getSymbols()))
    symbols[cast<DictionaryAttr>(attr).getAs<StringAttr>("name").getValue()] = bounds.maximum(arg);
}

/// `sizes`: the largest dynamic ones, in order.
uint64_t BufferBounds::bytesOf(RankedTensorType type, ArrayRef<int64_t> sizes) {
  uint64_t bytes = getElementBytes(type.getElementType());
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      size = sizes.empty() ? -1 : sizes.front();
      sizes = sizes.drop_front(!sizes.empty());
    }
    bytes = size < 0 ? kUnbounded : llvm::SaturatingMultiply<uint64_t>(bytes, size);
  }
  return bytes;
}

RankedTensorType BufferBounds::typeOf(DictionaryAttr param) {
  return cast<RankedTensorType>(param.getAs<TypeAttr>("type").getValue());
}

uint64_t BufferBounds::bytesOfArgument(unsigned index) {
  auto argument = cast<DictionaryAttr>(program.getArguments()[index]);
  SmallVector<int64_t> sizes;
  if (auto dims = argument.getAs<ArrayAttr>("dims"))
    for (auto name : dims.getAsRange<StringAttr>())
      sizes.push_back(symbols.contains(name.getValue()) ? symbols.lookup(name.getValue()) : -1);
  return bytesOf(typeOf(argument), sizes);
}

uint64_t BufferBounds::bytesOfResult(unsigned index) {
  OperandRange sizes = program.getBody().front().back().getOperands();
  for (unsigned i = 0; i < index; ++i)
    sizes =
        sizes.drop_front(typeOf(cast<DictionaryAttr>(program.getResults()[i])).getNumDynamicDims());
  RankedTensorType type = typeOf(cast<DictionaryAttr>(program.getResults()[index]));
  SmallVector<int64_t> largest;
  for (Value size : sizes.take_front(type.getNumDynamicDims()))
    largest.push_back(bounds.maximum(size));
  return bytesOf(type, largest);
}

uint64_t BufferBounds::bytesOfConstant(exec::RefOp ref) {
  auto global =
      SymbolTable::lookupNearestSymbolFrom<ml_program::GlobalOp>(ref, ref.getSymbolAttr());
  auto type = global ? dyn_cast<RankedTensorType>(global.getType()) : RankedTensorType();
  return type && type.hasStaticShape() ? bytesOf(type, {}) : kUnbounded;
}

uint64_t BufferBounds::bytesOf(Value buffer) {
  while (auto view = buffer.getDefiningOp<exec::ViewOp>())
    buffer = view.getSource();
  auto ref = buffer.getDefiningOp<exec::RefOp>();
  if (!ref)
    return kUnbounded; // of a loop: any of several
  switch (ref.getKind()) {
  case exec::BufferKind::argument:
    return bytesOfArgument(*ref.getIndex());
  case exec::BufferKind::result:
    return bytesOfResult(*ref.getIndex());
  case exec::BufferKind::constant:
    return bytesOfConstant(ref);
  case exec::BufferKind::arena:
    int64_t size = bounds.maximum(ref.getSize());
    return size < 0 ? kUnbounded : static_cast<uint64_t>(size);
  }
  llvm_unreachable("covers all kinds");
}

/// Bytes of an element of each buffer that a launch of the kernel passes; of scratch: a word's.
static SmallVector<unsigned> elementsOf(exec::KernelOp kernel) {
  SmallVector<unsigned> bytes;
  for (Type type : kernel.getArgumentTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      bytes.push_back(getElementBytes(tensor.getElementType()));
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes()))
    if (kernel.getTiedInput(i) < 0)
      bytes.push_back(getElementBytes(cast<RankedTensorType>(type).getElementType()));
  bytes.push_back(4);
  return bytes;
}

/// Of the scalars of the kernel's runs those that are sizes of tensors.
static SmallVector<unsigned> sizesOf(exec::KernelOp kernel) {
  SmallVector<unsigned> sizes;
  unsigned next = 0;
  auto tensor = [&](Type type) {
    for (int64_t i = 0, n = cast<RankedTensorType>(type).getNumDynamicDims(); i < n; ++i)
      sizes.push_back(next++);
  };
  for (Type type : kernel.getArgumentTypes())
    if (isa<RankedTensorType>(type))
      tensor(type);
    else
      ++next;
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes()))
    if (kernel.getTiedInput(i) < 0)
      tensor(type);
  return sizes;
}

/// Whether some buffer of the launch may have 2^31 elements or more, or a size may be as large. A
/// binding of Vulkan is below 2^32 bytes on every device, which only elements of one byte are too
/// many of; sizes of what is not in memory count on CUDA alone.
static bool mayBeLarge(exec::RunOp run, exec::KernelOp kernel, BufferBounds &bounds, bool vulkan) {
  for (auto [buffer, element] : llvm::zip(run.getBuffers(), elementsOf(kernel))) {
    uint64_t bytes = llvm::SaturatingAdd<uint64_t>(bounds.bytesOf(buffer), LNT_GPU_MOST_BEFORE);
    if (vulkan)
      bytes = std::min<uint64_t>(bytes, UINT32_MAX);
    if (bytes / element > LNT_GPU_NARROW_ELEMENTS)
      return true;
  }
  return !vulkan && llvm::any_of(sizesOf(kernel), [&](unsigned i) {
    int64_t most = bounds.maximum(run.getScalars()[i]);
    return most < 0 || most > int64_t(LNT_GPU_NARROW_ELEMENTS);
  });
}

namespace {
struct ChoosePositions : linnet::impl::ChoosePositionsBase<ChoosePositions> {
  void runOnOperation() override {
    auto target = getOperation()->getAttrOfType<StringAttr>(codegen::kTargetAttr);
    if (!target)
      return;
    SymbolTable symbols(getOperation());
    for (auto program : getOperation().getOps<exec::ProgramOp>()) {
      BufferBounds bounds(program);
      program.walk([&](exec::RunOp run) {
        auto kernel = symbols.lookup<exec::KernelOp>(run.getKernel());
        if (kernel && !kernel.getWide() && !kernel.getGuarded())
          kernel.setGuarded(mayBeLarge(run, kernel, bounds, target.getValue() == "vulkan"));
      });
    }
  }
};
} // namespace
