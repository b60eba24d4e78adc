//===- RaiseRecurrence.cpp - loops that are linear recurrences --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Raise.h"
#include "RecurrenceMatch.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {
/// The rows that one result of the loops holds.
struct Site {
  explicit Site(MLIRContext *ctx) : g(ctx) {}
  Elements g;
  OpResult result;
  Recurrence match;
  std::unique_ptr<RecurrenceBuilder> builder;
};
} // namespace

bool linnet::rewrites::raiseRecurrences(OpBuilder &b, scf::ForOp loop, std::string &op,
                                        std::string &why) {
  // what is outside can be an operand
  loop.getBody()->walk([&](Operation *constant) {
    if (constant->hasTrait<OpTrait::ConstantLike>() && isa<scf::ForOp>(constant->getParentOp()))
      constant->moveBefore(loop);
  });
  SmallVector<std::unique_ptr<Site>> sites;
  SmallVector<OpResult> others;
  for (OpResult result : loop->getResults()) {
    if (result.use_empty())
      continue;
    auto site = std::make_unique<Site>(b.getContext());
    auto match = RecurrenceMatcher(site->g).match(result, why);
    if (!match) {
      others.push_back(result);
      continue;
    }
    site->result = result;
    site->match = std::move(*match);
    sites.push_back(std::move(site));
  }
  if (sites.empty())
    return false;
  SmallVector<std::pair<OpResult, Value>> replaced;
  for (auto &site : sites) {
    site->builder =
        std::make_unique<RecurrenceBuilder>(b, loop.getLoc(), site->g, site->match, why);
    if (failed(site->builder->makeOp(/*withState=*/!others.empty())))
      return false;
    Value rows = site->builder->rows();
    if (!rows)
      return false;
    replaced.push_back({site->result, rows});
    op = site->builder->name.str();
  }
  for (OpResult result : others) {
    Value state;
    for (auto &site : sites)
      state = state ? state : site->builder->finalState(result);
    if (!state) {
      why = "another result of the loop is neither rows nor the state that they are read out of";
      return false;
    }
    replaced.push_back({result, state});
  }
  for (auto [result, value] : replaced)
    result.replaceAllUsesWith(value);
  loop.erase();
  return true;
}
