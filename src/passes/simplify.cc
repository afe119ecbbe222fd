#include "passes/simplify.h"

#include "passes/bodies/simplify_bodies.h"
#include "passes/canonicalise/canonicalise.h"
#include "passes/fold/fold.h"
#include "passes/fold/fold_empty.h"
#include "passes/fuse/absorb_channel_order.h"
#include "passes/fuse/fuse_activation_patterns.h"
#include "passes/fuse/fuse_affine.h"
#include "passes/fuse/fuse_conv_bn.h"
#include "passes/fuse/fuse_norm_patterns.h"
#include "passes/fuse/fuse_pad.h"
#include "passes/group_heads.h"
#include "passes/positions/fold_positions.h"
#include "passes/sink_slices.h"

namespace ferryman {

std::vector<Pass> simplify_passes() {
  std::vector<Pass> passes;
  passes.push_back(remove_dead_code());
  passes.push_back(simplify_bodies());
  passes.push_back(fold_empty_values());
  passes.push_back(fold_constants());
  passes.push_back(simplify_bodies());
  passes.push_back(fold_positions());
  passes.push_back(canonicalise());
  passes.push_back(merge_equal_ops());
  passes.push_back(group_heads());
  passes.push_back(sink_slices());
  passes.push_back(fuse_activation_patterns());
  passes.push_back(fuse_norm_patterns());
  passes.push_back(fuse_conv_bn());
  passes.push_back(fuse_affine());
  passes.push_back(fuse_pad());
  passes.push_back(fuse_norm_affine());
  passes.push_back(absorb_channel_order());
  passes.push_back(merge_equal_ops());
  passes.push_back(remove_dead_code());
  return passes;
}

}  // namespace ferryman
