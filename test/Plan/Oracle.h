//===- Oracle.h - exact plans of small graphs -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Brute force over what is in memory. A state is the set of values there, with the nodes that
// have run and may run only once. A step runs a node or drops a value; bytes are the sum of what
// is there, each size rounded up to 64, and the node's scratch.
//===----------------------------------------------------------------------===//
#ifndef LINNET_TEST_PLAN_ORACLE_H
#define LINNET_TEST_PLAN_ORACLE_H

#include "Graphs.h"

namespace linnet::test::graphs {

/// The smallest budget that any plan keeps.
int64_t smallestBudget(const Graph &graph);

/// The smallest budget that a plan without recomputation keeps.
int64_t smallestBudgetOfOneRun(const Graph &graph);

/// The least time of a plan within the budget, or -1.
int64_t leastTime(const Graph &graph, int64_t budget);

} // namespace linnet::test::graphs

#endif // LINNET_TEST_PLAN_ORACLE_H
