//===- ShapePlan.h - what a function does for given sizes -------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_SHAPEPLAN_H
#define LINNET_LIB_RUNTIME_SHAPEPLAN_H

#include "Program.h"
#include "Status.h"

#include <vector>

namespace linnet::runtime {

constexpr int64_t kUnbound = -1;

/// Binds `symbol` to `value`, the size in dimension `dim` of `where`. `values` holds kUnbound for
/// what is not bound yet.
Failure bindSymbol(const Program &program, uint32_t symbol, int64_t value, const std::string &where,
                   size_t dim, std::vector<int64_t> &values);

/// Checks a tensor against a parameter and binds its symbols.
Failure bindTensor(const Program &program, size_t argument, const lnt_tensor &tensor,
                   std::vector<int64_t> &values);
/// The same for dimensions whose type is right already.
Failure bindDims(const Program &program, size_t argument, const int64_t *dims,
                 std::vector<int64_t> &values);

/// Every symbol must have a value within its bounds.
Failure checkSymbols(const Program &program, const std::vector<int64_t> &values);

/// Everything that depends on the symbols alone; computed once per tuple of their values.
struct ShapePlan {
  std::vector<int64_t> registers; // after the entry prefix
  std::vector<int64_t> argumentBytes, resultBytes;
  std::vector<int64_t> resultDims; // one result after the other
  std::vector<int64_t> bufferBytes;
  std::vector<int64_t> arenaOffsets; // per buffer
  std::vector<int64_t> viewOffsets;  // per view that is not dynamic
  int64_t arenaBytes = 0;
  int64_t scratchBytes = 0; // per worker, of dispatches whose size is known at entry
};

/// `constantBytes`: per constant of the module. A plan that was made for other sizes of the same
/// program is made again in its memory, if the program is bounded.
Failure makeShapePlan(const Program &program, const std::vector<int64_t> &symbols,
                      const std::vector<int64_t> &constantBytes, ShapePlan &plan);

/// Most bytes of the arena that are in use at once.
int64_t largestLive(const Program &program, const ShapePlan &plan);

/// The registers after the entry prefix and the results' dimensions and bytes, no more: what
/// shape inference needs.
Failure evaluateEntry(const Program &program, const std::vector<int64_t> &symbols, ShapePlan &plan);

/// The results' dimensions, LNT_MAX_RANK apart.
void copyShapes(const Program &program, const ShapePlan &plan, int64_t *dims);

/// "op at location" for messages about site `site`.
std::string siteLabel(const Program &program, uint64_t site);

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_SHAPEPLAN_H
