// The two rules that fuse_conv_bn and fuse_affine share.
#pragma once

#include "passes/fuse/affine.h"
#include "passes/rewrite.h"

namespace ferryman {

// A relabelling between the layer and what it absorbs; made again on the new result.
struct RelabellingOp {
  OpName op;
  std::vector<NamedAttr> attrs;
};
struct AbsorbIntoLayer {
  ValueId result;
  Absorbed layer;
  std::vector<RelabellingOp> between;  // in order of execution
  LocationId location;                 // of the layer that absorbs
};

// layer -> (permute | reshape)* -> affine            =>   layer' -> (permute | reshape)*
Match<AbsorbIntoLayer> match_affine_after_layer(const Graph& graph, OpId root);
void absorb_into_layer(Rewriter& rewriter, const AbsorbIntoLayer& found);

// affine -> layer                                    =>   layer'
Match<AbsorbIntoLayer> match_affine_before_layer(const Graph& graph, OpId root);

}  // namespace ferryman
