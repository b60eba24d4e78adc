//===- WeightRepeats.cpp - weights that say everything twice -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Exporters fold cosines and sines of rotary embeddings into weights, one number per channel. That
// both channels of a pair have the same one stands in the file only.
//
//===----------------------------------------------------------------------===//
#include "WeightRepeats.h"
#include "linnet/Bundle/Element.h"
#include "linnet/Bundle/SafeTensors.h"
#include "linnet/Bundle/Write.h"
#include "linnet/IR/Repeats.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::bundle;

static Repeats repeatsOf(ml_program::GlobalOp global, const Tensor &tensor) {
  auto type = dyn_cast<RankedTensorType>(global.getType());
  if (!type || !llvm::equal(type.getShape(), tensor.dims) || !isa<FloatType>(type.getElementType()))
    return {};
  // of a type that bundles lack neither has a size
  int64_t size =
      toElementType(type.getElementType()) == tensor.type ? elementBytes(tensor.type) : 0;
  if (size == 0 || tensor.bytes != type.getNumElements() * size)
    return {};
  ArrayRef<char> bytes(static_cast<const char *>(tensor.data), tensor.bytes);
  return Repeats::find(bytes, type.getShape(), size);
}

void linnet::noteRepeats(ModuleOp module, ArrayRef<std::string> paths) {
  std::vector<std::unique_ptr<SafeTensors>> files;
  for (const std::string &path : paths)
    if (std::unique_ptr<SafeTensors> file; !SafeTensors::open(path, file))
      files.push_back(std::move(file));
  Builder b(module.getContext());
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    global->removeAttr(kRepeatsAttr);
    if (global.getIsMutable() || !isa_and_nonnull<ml_program::ExternAttr>(global.getValueAttr()))
      continue;
    auto key = global->getAttrOfType<StringAttr>("linnet.key");
    const Tensor *tensor = nullptr;
    for (auto &file : files)
      if (!tensor)
        tensor = file->find(key ? key.str() : global.getSymName().str());
    Repeats found = tensor ? repeatsOf(global, *tensor) : Repeats();
    if (!found.empty())
      global->setAttr(kRepeatsAttr, found.print(b));
  }
}
