//===- Sites.h - what is known and decided at every attention ---*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_LINEARIZE_SITES_H
#define LINNET_LIB_TRANSFORMS_LINEARIZE_SITES_H

#include "linnet/Transforms/Linearize.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"
#include <deque>

namespace linnet::linearize {

/// Sizes and masks; no contract and no bound of the scores yet.
AttentionSite describeSite(AttentionOp op, const CostModel &model);

/// The functions that a value_and_grad differentiates, and those that they call.
llvm::DenseSet<mlir::Operation *> findDifferentiated(mlir::ModuleOp module);

/// Adds results to the op's function that say how far `made`, which is in its place, is from it:
/// the largest difference, and the largest one relative to the largest |v| of a channel. False
/// where the function cannot have more results, or the op is in a loop.
bool compareForms(AttentionOp op, mlir::Value made);

/// One entry of `linnet.sites`.
struct SiteRecord {
  std::string location, site, function, reason, method, condition;
  ContractAttr contract;
  bool certified = false, hasForm = false, tried = false;
  std::optional<double> bound;
  double approximation = 0, rounding = 0, failure = 0;
  Work before, after;
  double secondsBefore = 0, secondsAfter = 0;

  void takeBound(std::optional<double> value) { tried = true, bound = value; }
  void take(const Certificate &certificate, double approximation, double rounding);
  mlir::DictionaryAttr print(mlir::Builder &b) const;
};

/// `linnet.sites` of a module. What an earlier run has rewritten stays; the rest is found anew.
class SiteRecords {
public:
  explicit SiteRecords(mlir::ModuleOp module);
  SiteRecord &add(const AttentionSite &site);
  void write();

private:
  mlir::ModuleOp module;
  llvm::SmallVector<mlir::Attribute> earlier;
  std::deque<SiteRecord> records;
};

} // namespace linnet::linearize

#endif // LINNET_LIB_TRANSFORMS_LINEARIZE_SITES_H
