//===- Weights.cpp - values of the globals of a module --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Bundle/Bundle_generated.h"
#include "linnet/Bundle/Element.h"
#include "linnet/Bundle/Write.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::bundle;

fb::ElementType linnet::bundle::toElementType(Type type) {
  if (type.isIndex())
    return fb::ElementType::I64;
  if (auto i = dyn_cast<IntegerType>(type); i && !i.isSigned()) {
    switch (i.getWidth()) {
    case 1:
      return fb::ElementType::I1;
    case 8:
      return fb::ElementType::I8;
    case 16:
      return fb::ElementType::I16;
    case 32:
      return fb::ElementType::I32;
    case 64:
      return fb::ElementType::I64;
    default:
      break;
    }
  }
  if (type.isF16())
    return fb::ElementType::F16;
  if (type.isBF16())
    return fb::ElementType::BF16;
  if (type.isF32())
    return fb::ElementType::F32;
  if (type.isF64())
    return fb::ElementType::F64;
  return fb::ElementType::Invalid;
}

// The bytes of an attribute as they lie in memory: row-major, splats expanded, booleans as bytes.
static FailureOr<std::vector<char>> bytesOf(Attribute value, RankedTensorType type,
                                            unsigned elementSize) {
  std::vector<char> out(type.getNumElements() * elementSize);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || blob->getData().size() != out.size())
      return failure();
    memcpy(out.data(), blob->getData().data(), out.size());
    return out;
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return failure();
  if (type.getElementType().isInteger(1)) {
    for (auto [i, b] : llvm::enumerate(dense.getValues<bool>()))
      out[i] = b;
    return out;
  }
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat() && raw.size() == out.size()) {
    memcpy(out.data(), raw.data(), out.size());
    return out;
  }
  for (size_t i = 0; i + elementSize <= out.size() && raw.size() >= elementSize; i += elementSize)
    memcpy(out.data() + i, raw.data(), elementSize);
  return out;
}

static std::string shapeOf(const std::vector<int64_t> &dims, fb::ElementType type) {
  return shapeName(dims.data(), dims.size(), type);
}

/// Opens the files; their tensors by name.
FailureOr<Weights::Tensors> Weights::open(Location loc, ArrayRef<std::string> paths) {
  Tensors tensors;
  for (const std::string &path : paths) {
    std::unique_ptr<SafeTensors> file;
    if (Error error = SafeTensors::open(path, file))
      return emitError(loc) << error.message();
    for (auto &[name, tensor] : file->tensors())
      if (!tensors.emplace(name, &tensor).second)
        return emitError(loc) << "tensor '" << name << "' of " << path
                              << " is in a weights file before it, too";
    files.push_back(std::move(file));
  }
  return tensors;
}

LogicalResult Weights::addGlobal(ml_program::GlobalOp global, Tensors &left, bool external) {
  auto type = dyn_cast<RankedTensorType>(global.getType());
  if (!type || !type.hasStaticShape())
    return global.emitError() << "weight '" << global.getSymName()
                              << "' expects a static tensor type, found " << global.getType();
  Entry entry;
  entry.type = toElementType(type.getElementType());
  entry.dims.assign(type.getShape().begin(), type.getShape().end());
  if (entry.type == fb::ElementType::Invalid ||
      !shapeBytes(entry.dims.data(), entry.dims.size(), entry.type, entry.bytes))
    return global.emitError() << "weight '" << global.getSymName() << "' has unsupported type "
                              << type;
  std::optional<Attribute> value = global.getValue();
  if (!value) // a state that starts with zeros
    return success();
  if (isa<ml_program::ExternAttr>(*value))
    return addExtern(global, entry, left, external);
  auto bytes = bytesOf(*value, type, elementBytes(entry.type));
  if (failed(bytes))
    return global.emitError() << "weight '" << global.getSymName()
                              << "' has a value that cannot be read";
  owned.push_back(std::move(*bytes));
  entry.data = owned.back().data();
  entries[global.getSymName().str()] = entry;
  return success();
}

/// `left`: the tensors that no global has taken yet.
LogicalResult Weights::addExtern(ml_program::GlobalOp global, Entry entry, Tensors &left,
                                 bool external) {
  auto key = global->getAttrOfType<StringAttr>("linnet.key");
  std::string symbol = global.getSymName().str(), name = key ? key.str() : symbol;
  entry.external = external;
  auto found = left.find(name);
  if (found == left.end()) {
    entries[symbol] = entry;
    if (external && files.empty())
      return success(); // it comes when the bundle is loaded
    return global.emitError() << "weight '" << name << "' (" << shapeOf(entry.dims, entry.type)
                              << ") is missing from "
                              << (files.empty() ? std::string("the command line: expects "
                                                              "--weights=F.safetensors")
                                                : files.front()->path());
  }
  const Tensor &tensor = *found->second;
  left.erase(found);
  if (tensor.type != entry.type || tensor.dims != entry.dims)
    return global.emitError() << "weight '" << name << "' expects "
                              << shapeOf(entry.dims, entry.type) << ", the file has "
                              << shapeOf(tensor.dims, tensor.type);
  entry.data = tensor.data;
  entries[symbol] = entry;
  return success();
}

LogicalResult Weights::load(ModuleOp module, ArrayRef<std::string> paths, bool external) {
  FailureOr<Tensors> left = open(module.getLoc(), paths);
  if (failed(left))
    return failure();
  bool good = true;
  for (auto global : module.getOps<ml_program::GlobalOp>())
    good &= succeeded(addGlobal(global, *left, external));
  for (auto &[name, tensor] : *left) {
    good = false;
    emitError(module.getLoc()) << "tensor '" << name << "' (" << shapeOf(tensor->dims, tensor->type)
                               << ") of the weights file is no weight of the program";
  }
  return success(good);
}

const Weights::Entry *Weights::find(StringRef symbol) const {
  auto it = entries.find(symbol.str());
  return it == entries.end() ? nullptr : &it->second;
}
