//===- ContractionLoops.h - the loops of a matrix product -------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// chunk = (batch, block of columns, block of rows)
//   step = (outer k, block of k): A is copied here if it has to be
//     panel of columns: B is copied here if it has to be
//       tile of rows: sums in registers over the block of k, then in scratch
//         after the last step: the epilogue, tile by tile, while the sums are in L1
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_CONTRACTIONLOOPS_H
#define LINNET_LIB_CODEGEN_CPU_CONTRACTIONLOOPS_H

#include "ContractionCode.h"

namespace linnet::codegen {

class ContractionLoops {
public:
  ContractionLoops(const Contraction &c, KernelFrame &frame)
      : c(c), frame(frame), e(frame.e), t(c.arithmetic), products(frame.e, c.arithmetic),
        epilogue(c.epilogue, frame) {}
  mlir::LogicalResult run();

private:
  struct Chunk {
    Value row, rows, column, columns; ///< first and count, within m and n
    Values coordinates;               ///< per loop dimension
    Value panelBatch;
  };
  struct Step {
    Value k, depth; ///< first and count, within k
    Value offsetA, offsetB;
    Value first, last; ///< i1
    bool unpacked;     ///< B is read where it lies
  };
  struct PanelOf {
    Value column, columns; ///< first, within n; how many exist from there on
    Value index;           ///< of the panel in the chunk
  };

  mlir::LogicalResult prepare();
  Value product(llvm::ArrayRef<unsigned> dims);
  Value offsetOf(const Operand &x, llvm::ArrayRef<Value> strides,
                 llvm::ArrayRef<Value> coordinates);
  void unravel(Value linear, llvm::ArrayRef<unsigned> dims, Values &coordinates);

  Chunk chunkAt(Value number);
  void emitChunk(const Chunk &chunk);
  void emitSteps(const Chunk &chunk, Value kBlocks, Value depth, bool unpacked);
  void emitStep(const Chunk &chunk, const Step &step);
  Value strideOf(llvm::ArrayRef<Value> strides, const DimGroup &group);
  Matrix rowsOfA(const Chunk &chunk, const Step &step);
  void packA(const Chunk &chunk, const Step &step);
  Matrix columnsOfB(const Step &step, const PanelOf &panel);
  Value panelBase(const Chunk &chunk, const Step &step, const PanelOf &panel);
  void emitPanel(const Chunk &chunk, const Step &step, const PanelOf &panel);
  void panelForm(const Chunk &chunk, const Step &step, const PanelOf &panel,
                 const Products::Panel &b, Value from);
  llvm::SmallVector<Products::Ahead, 2> ahead(const Chunk &chunk, const Step &step,
                                              const PanelOf &panel, Value tile);
  Products::Ahead aheadInB(const Chunk &chunk, const Step &step, const PanelOf &panel, Value tile);
  Products::Ahead aheadInA(const Chunk &chunk, const Step &step, const PanelOf &panel, Value tile);
  Value isPanelOfB();
  void packingForm(const Chunk &chunk, const Step &step, const PanelOf &panel);
  void directForm(const Chunk &chunk, const Step &step, const PanelOf &panel);
  void directRows(const Step &step, const PanelOf &panel, int64_t rows, const Matrix &a, Value live,
                  const Matrix &b, const Products::Sums &sums, const Products::Panel *copy);
  void dotForm(const Chunk &chunk, const Step &step, const PanelOf &panel);
  void dotRows(const Step &step, const PanelOf &panel, int64_t rows, const Matrix &a, Value live,
               const Products::Sums &sums);

  /// A tile's rows of A, how many of them exist (null: all), its number and its sums.
  using TileCode =
      llvm::function_ref<void(int64_t, const Matrix &, Value, Value, const Products::Sums &)>;
  /// Walks tiles of up to `height` rows from row `from` on; `tile` writes the code for one height.
  void tileRows(const Chunk &chunk, const Step &step, const PanelOf &panel, Value from,
                int64_t height, llvm::ArrayRef<int64_t> heights, TileCode tile);
  void pickHeight(Value rows, int64_t height, llvm::ArrayRef<int64_t> heights,
                  llvm::function_ref<void(int64_t, Value)> tile);
  /// One tile from `row` on, and what follows its last step.
  void tileAt(const Chunk &chunk, const Step &step, const PanelOf &panel, Value row, int64_t height,
              llvm::function_ref<void(const Matrix &, Value, const Products::Sums &)>);
  Products::Sums sumsAt(const Step &step, const PanelOf &panel, Value row);
  void applyEpilogue(const Chunk &chunk, const PanelOf &panel, Value row, Value rows,
                     const Products::Sums &sums);
  void applyVector(const Chunk &chunk, Value row, Value column, Value sumsMemory, Value at,
                   Value mask);

  const Contraction &c;
  KernelFrame &frame;
  Emitter &e;
  const Arithmetic &t;
  Products products;
  EpilogueEmitter epilogue;
  mlir::LogicalResult status = mlir::success();

  Values sizes; ///< per loop dimension
  Value m, n, k, outerK;
  View viewA, viewB;
  llvm::SmallVector<Value> stridesA, stridesB;
  std::optional<PanelLayout> panels;
  BlockLimits limits;
  bool dot = false; ///< the unpacked form: rows times rows, or columns
  std::unique_ptr<Blocks<Emitter>> blocks;
  Value sumsMemory, scratchA, scratchB, panelMemory;
  int nDim = kNoDim; ///< dimension of the root that vectors run along
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_CONTRACTIONLOOPS_H
