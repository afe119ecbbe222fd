#include <algorithm>
#include <array>

#include "ops/names.h"
#include "ops/special_names.h"
#include "target/tflite/lower_families.h"

namespace ferryman::tflite {

namespace {

struct LoweringRow {
  OpName core_op;
  LowerFn lower;
};

constexpr std::array kLowerings = {
    LoweringRow{ops::kConv, lower_conv},
    LoweringRow{ops::kConvTranspose, lower_conv_transpose},
    LoweringRow{ops::kMaxPool, lower_max_pool},
    LoweringRow{ops::kAvgPool, lower_avg_pool},
    LoweringRow{ops::kResizeNearest, lower_resize_nearest},
    LoweringRow{ops::kResizeBilinear, lower_resize_bilinear},
    LoweringRow{ops::kDepthToSpace, lower_depth_to_space},
    LoweringRow{ops::kSpaceToDepth, lower_space_to_depth},
    LoweringRow{ops::kLinear, lower_linear},
    LoweringRow{ops::kMatmul, lower_matmul},
    LoweringRow{ops::kBitcast, lower_bitcast},
    LoweringRow{ops::kCast, lower_cast},
    LoweringRow{ops::kClamp, lower_clamp},
    LoweringRow{ops::kGelu, lower_gelu},
    LoweringRow{ops::kWhere, lower_where},
    LoweringRow{ops::kReciprocal, lower_reciprocal},
    LoweringRow{ops::kSum, lower_sum},
    LoweringRow{ops::kMean, lower_mean},
    LoweringRow{ops::kProd, lower_prod},
    LoweringRow{ops::kAmax, lower_amax},
    LoweringRow{ops::kAmin, lower_amin},
    LoweringRow{ops::kAny, lower_any},
    LoweringRow{ops::kAll, lower_all},
    LoweringRow{ops::kArgmax, lower_argmax},
    LoweringRow{ops::kArgmin, lower_argmin},
    LoweringRow{ops::kSoftmax, lower_softmax},
    LoweringRow{ops::kLogSoftmax, lower_log_softmax},
    LoweringRow{ops::kCumsum, lower_cumsum},
    LoweringRow{ops::kIf, lower_if},
    LoweringRow{ops::kWhile, lower_while},
    LoweringRow{ops::kScan, lower_scan},
    LoweringRow{ops::kConcat, lower_concat},
    LoweringRow{ops::kSlice, lower_slice},
    LoweringRow{ops::kPad, lower_pad},
    LoweringRow{ops::kReflectPad, lower_reflect_pad},
    LoweringRow{ops::kFlip, lower_flip},
    LoweringRow{ops::kTile, lower_tile},
    LoweringRow{ops::kExpand, lower_expand},
    LoweringRow{ops::kGather, lower_gather},
    LoweringRow{ops::kReshape, lower_reshape},
    LoweringRow{ops::kPermute, lower_permute},
    LoweringRow{ops::kPixelShuffle, lower_pixel_shuffle},
    LoweringRow{ops::kPixelUnshuffle, lower_pixel_unshuffle},
    LoweringRow{ops::kTopk, lower_topk},
    LoweringRow{ops::kSegmentReduce, lower_segment_reduce},
    LoweringRow{ops::kNms, lower_nms},
    LoweringRow{ops::kCut, lower_cut},
};

}  // namespace

LowerFn find_lowering(std::string_view core_op) {
  const auto row = std::find_if(kLowerings.begin(), kLowerings.end(),
                                [&](const LoweringRow& r) { return r.core_op.text == core_op; });
  return row == kLowerings.end() ? nullptr : row->lower;
}

}  // namespace ferryman::tflite
