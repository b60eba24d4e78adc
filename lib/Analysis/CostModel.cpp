//===- CostModel.cpp - a cost model from a file -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Analysis/CostModel.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
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
      {"linear_flops_per_second", &model.linearFlopsPerSecond},
      {"seconds_per_feature", &model.secondsPerFeature},
      {"seconds_per_dispatch", &model.secondsPerDispatch},
      {"seconds_per_attention", &model.secondsPerAttention},
      {"gain", &model.gain}};
  for (auto &[name, entry] : *object) {
    StringRef key = name;
    auto field = llvm::find_if(fields, [&](auto &f) { return f.first == key; });
    auto value = entry.getAsNumber();
    if (field == std::end(fields) || !value || !std::isfinite(*value) || *value <= 0) {
      error = ("cost model '" + path + "' expects positive numbers named " +
               llvm::join(llvm::make_first_range(fields), ", ") + "; '" + key + "' is none")
                  .str();
      return failure();
    }
    *field->second = *value;
  }
  return model;
}

FailureOr<CostModel> CostModel::read(StringRef path, Location loc) {
  if (path.empty())
    return CostModel();
  std::string error;
  FailureOr<CostModel> model = load(path, error);
  if (failed(model))
    return emitError(loc) << error;
  return model;
}

DictionaryAttr linnet::printWork(Builder &b, const Work &work, double seconds) {
  return b.getDictionaryAttr({b.getNamedAttr("flops", b.getF64FloatAttr(work.flops)),
                              b.getNamedAttr("bytes", b.getF64FloatAttr(work.bytes)),
                              b.getNamedAttr("predicted_seconds", b.getF64FloatAttr(seconds))});
}
