//===- CostModel.cpp - a cost model from a file -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Analysis/CostModel.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

FailureOr<CostModel> CostModel::load(StringRef path, std::string &error) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file) {
    error = ("cannot read cost model '" + path + "': " + file.getError().message()).str();
    return failure();
  }
  auto json = llvm::json::parse((*file)->getBuffer());
  const llvm::json::Object *object = json ? json->getAsObject() : nullptr;
  if (!object) {
    error = ("cost model '" + path + "' is no JSON object").str();
    if (!json)
      error += ": " + llvm::toString(json.takeError());
    return failure();
  }
  CostModel model;
  std::pair<StringRef, double *> fields[] = {
      {"flops_per_second", &model.flopsPerSecond},
      {"bytes_per_second", &model.bytesPerSecond},
      {"attention_flops_per_second", &model.attentionFlopsPerSecond},
      {"seconds_per_score", &model.secondsPerScore},
      {"linear_flops_per_second", &model.linearFlopsPerSecond}};
  for (auto [name, field] : fields) {
    auto value = object->getNumber(name);
    if (!value || !std::isfinite(*value) || *value <= 0) {
      error = ("cost model '" + path + "' expects a positive number '" + name + "'").str();
      return failure();
    }
    *field = *value;
  }
  return model;
}
