//===- ContractionCode.h - the loops of a matrix product --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_CONTRACTIONCODE_H
#define LINNET_LIB_CODEGEN_CPU_CONTRACTIONCODE_H

#include "ContractionBlocks.h"

namespace linnet::codegen {

mlir::LogicalResult emitContraction(const Contraction &c, KernelFrame &frame);

/// A matrix in memory: element (i, k) at base + i * stride + k * depthStride.
struct Matrix {
  Value memory, base, stride, depthStride;
};

/// Copies `count` columns (of stride 1 or any other) and `depth` steps of k into
/// [ceil(depth / group)][width][group], zero padded. `width` is a multiple of the lanes of a
/// vector; the target has room for 32 steps of k at once.
void packColumns(Emitter &e, const Matrix &from, Value count, Value depth, Value to, Value at,
                 Value width, int64_t group, int64_t lanes);

/// Copies `rows` rows (of stride 1 or any other) and `depth` steps of k into tiles of kTileRows:
/// [tile][ceil(depth / group)][kTileRows][group], zero padded up to pairs of k; a tile begins
/// `tileStride` elements behind the one before it.
void packRows(Emitter &e, const Matrix &from, Value rows, Value depth, Value to, int64_t group,
              Value tileStride);

/// Products on registers: forms of the inner loops that leave sums in a tile in memory.
class Products {
public:
  Products(Emitter &e, const Arithmetic &arithmetic) : e(e), t(arithmetic) {}
  Emitter &e;
  Arithmetic t;

  /// Sums of `rows` x `vectors` vectors in memory: vector (i, v) at base + i * panel + v * lanes.
  struct Sums {
    Value memory, base;
    Value first; ///< i1: start from zero instead of from what is there
  };
  /// Memory that a tile fetches on the way, a line per step of its loop: step s takes the one at
  /// base + s * stride or, with `rows`, line s / rows of row s % rows.
  struct Ahead {
    Value memory, base, stride;
    int64_t rows = 0, line = 0;
  };
  /// A panel: rows of `panel` columns, `group` steps of k each.
  struct Panel {
    Value memory, base;
    llvm::SmallVector<Ahead, 2> ahead;
  };
  /// sums += A[rows] * panel, for depth steps of k. Rows past `live` repeat the last one.
  void panelTile(int64_t rows, int64_t vectors, const Matrix &a, bool packedA, Value live,
                 const Panel &b, Value depth, const Sums &sums);
  /// The same with B where it lies, contiguous along its columns, of which `columns` exist. With
  /// `copy`, what is read is also kept there as a panel, zero padded, for the tiles that follow:
  /// the stores go in the shade of the products.
  void directTile(int64_t rows, int64_t vectors, const Matrix &a, bool packedA, Value live,
                  const Matrix &b, Value columns, Value depth, const Sums &sums,
                  const Panel *copy = nullptr);
  /// sums(i, j) += A[i] . B[j] for `columns` of B, both contiguous along k. Columns past
  /// `liveColumns` repeat the last one. `unroll` vectors of k are summed apart.
  void dotTile(int64_t rows, int64_t columns, int64_t unroll, const Matrix &a, Value live,
               const Matrix &b, Value liveColumns, Value depth, const Sums &sums);

  /// How many vectors of columns a register tile has.
  int64_t tileVectors() const { return e.target.avx512 ? 4 : 1; }

private:
  Value multiplyAdd(Value a, Value b, Value acc);
  Value widen(Value v, bool isUnsigned) { return convertElement(e, v, t.compute, isUnsigned); }
  Value sum(Value x, Value y);
  Values dotSteps(mlir::ArrayRef<Value> rowA, mlir::ArrayRef<Value> rowB, const Matrix &a,
                  const Matrix &b, Value k, Values acc, Value mask);
  Value lastOf(Value live, int64_t i);
  void fetch(const Ahead &next, Value step);
  Value broadcastA(const Matrix &a, Value row, Value step, bool packed);
  Value broadcastOdd(const Matrix &a, Value row, Value step);
  Values start(const Sums &sums, int64_t rows, int64_t vectors);
  void finish(const Sums &sums, int64_t vectors, mlir::ArrayRef<Value> values);
  Values runTile(int64_t rows, int64_t vectors, const Matrix &a, bool packedA, Value live,
                 Value depth, Values acc, llvm::function_ref<Value(Value, int64_t)> b,
                 llvm::function_ref<Value(Value, int64_t)> bOdd);
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_CONTRACTIONCODE_H
