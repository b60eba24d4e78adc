//===- HeadLayout.h - who reads which variable ------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_REWRITES_HEADLAYOUT_H
#define LINNET_LIB_TRANSFORMS_REWRITES_HEADLAYOUT_H

#include "OperandBuilder.h"
#include <string>

namespace linnet::rewrites {

/// Where one dimension is read in two parts, say heads of batches or groups of heads, the parts
/// become variables, in all of `elements`; `read` are those that are looked at.
void splitVariables(Elements &g, llvm::ArrayRef<Element *> elements, llvm::ArrayRef<Element *> read,
                    llvm::SmallVectorImpl<unsigned> &inner);

/// The variables of sum over key of (sum over inner of q * k) * v by who reads them: queries, keys
/// and values (batch, heads), queries alone (rows; all but one of them are heads that share
/// keys), values alone (channels).
struct HeadLayout {
  Source q, k, v;
  Variables batch, heads, keyHeads, channels, inner;
  llvm::SmallVector<Variables> root; ///< per dimension of the result
  std::optional<unsigned> row;
  Variables rows() const { return row ? Variables{*row} : Variables(); }
};

/// Queries [B,H,N,K], keys [B,Hk,N,K] and values [B,Hk,N,D] in an element type; null where one is
/// wider.
struct HeadOperands {
  mlir::Value q, k, v;
};
HeadOperands readOperands(OperandBuilder &operands, const HeadLayout &layout, unsigned key,
                          mlir::FloatType type);

/// `matters`: how certainly a row variable is one of positions. Failure says why.
mlir::FailureOr<HeadLayout> layOut(Elements &g, OperandBuilder &operands, const Element &root,
                                   const Element &q, const Element &k, const Element &v,
                                   unsigned key, llvm::ArrayRef<unsigned> inner,
                                   llvm::function_ref<unsigned(unsigned)> matters,
                                   std::string &why);

} // namespace linnet::rewrites

#endif // LINNET_LIB_TRANSFORMS_REWRITES_HEADLAYOUT_H
