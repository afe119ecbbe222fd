// The functions that rows of lower_table.cc name.
#pragma once

#include "targets/tflite/lower/lower_op.h"

namespace ferryman::tflite {

// lower_spatial.cc
void lower_conv(LowerOp& op);
void lower_conv_transpose(LowerOp& op);
void lower_max_pool(LowerOp& op);
void lower_avg_pool(LowerOp& op);
void lower_resize_nearest(LowerOp& op);
void lower_resize_bilinear(LowerOp& op);
void lower_depth_to_space(LowerOp& op);
void lower_space_to_depth(LowerOp& op);

// lower_product.cc
void lower_linear(LowerOp& op);
void lower_matmul(LowerOp& op);

// lower_elementwise.cc
void lower_bitcast(LowerOp& op);
void lower_cast(LowerOp& op);
void lower_clamp(LowerOp& op);
void lower_leaky_relu(LowerOp& op);
void lower_gelu(LowerOp& op);
void lower_where(LowerOp& op);
void lower_reciprocal(LowerOp& op);

// lower_reduce.cc
void lower_sum(LowerOp& op);
void lower_mean(LowerOp& op);
void lower_prod(LowerOp& op);
void lower_amax(LowerOp& op);
void lower_amin(LowerOp& op);
void lower_any(LowerOp& op);
void lower_all(LowerOp& op);
void lower_argmax(LowerOp& op);
void lower_argmin(LowerOp& op);
void lower_softmax(LowerOp& op);
void lower_log_softmax(LowerOp& op);
void lower_cumsum(LowerOp& op);

// lower_control.cc
void lower_if(LowerOp& op);
void lower_while(LowerOp& op);
void lower_scan(LowerOp& op);

// lower_shape.cc
void lower_concat(LowerOp& op);
void lower_overwrite(LowerOp& op);
void lower_slice(LowerOp& op);
void lower_pad(LowerOp& op);
void lower_reflect_pad(LowerOp& op);
void lower_flip(LowerOp& op);
void lower_tile(LowerOp& op);
void lower_iota(LowerOp& op);
void lower_sym_size(LowerOp& op);
void lower_expand(LowerOp& op);
void lower_gather(LowerOp& op);
void lower_reshape(LowerOp& op);
void lower_permute(LowerOp& op);
void lower_pixel_shuffle(LowerOp& op);
void lower_pixel_unshuffle(LowerOp& op);

// lower_order.cc
void lower_topk(LowerOp& op);
void lower_segment_reduce(LowerOp& op);
// The operator that combines segments by "sum", "prod", "amax" or "amin".
Op segment_kernel(std::string_view reduction);

// lower_foreign.cc
void lower_foreign(LowerOp& op);

// lower_detection.cc
void lower_nms(LowerOp& op);
void lower_cut(LowerOp& op);

}  // namespace ferryman::tflite
