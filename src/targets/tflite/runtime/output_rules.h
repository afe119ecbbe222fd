// The rules of output_table.cc, by family. Names are those of the operators, or say what several of
// them have in common; what a rule takes for granted is what the number of inputs in its row gives.
#pragma once

#include "targets/tflite/runtime/output_inference.h"

namespace ferryman::tflite {

// output_pointwise.cc
void infer_like_first(OutputInference& op);
void infer_like_each(OutputInference& op);
void infer_called_graph(OutputInference& op);
void infer_declared_type(OutputInference& op);
void infer_cast(OutputInference& op);
void infer_bitcast(OutputInference& op);
void infer_real_part(OutputInference& op);
void infer_int32_like_first(OutputInference& op);
void infer_elementwise(OutputInference& op);
void infer_comparison(OutputInference& op);
void infer_prelu(OutputInference& op);
void infer_select(OutputInference& op);
void infer_select_v2(OutputInference& op);
void infer_add_n(OutputInference& op);

// output_movement.cc
void infer_reshape(OutputInference& op);
void infer_squeeze(OutputInference& op);
void infer_expand_dims(OutputInference& op);
void infer_transpose(OutputInference& op);
void infer_slice(OutputInference& op);
void infer_strided_slice(OutputInference& op);
void infer_pad(OutputInference& op);
void infer_tile(OutputInference& op);
void infer_broadcast_to(OutputInference& op);
void infer_reverse(OutputInference& op);
void infer_dynamic_update_slice(OutputInference& op);
void infer_depth_to_space(OutputInference& op);
void infer_space_to_depth(OutputInference& op);
void infer_batch_to_space(OutputInference& op);
void infer_space_to_batch(OutputInference& op);
void infer_dilate(OutputInference& op);

// output_joining.cc
void infer_concatenation(OutputInference& op);
void infer_pack(OutputInference& op);
void infer_unpack(OutputInference& op);
void infer_split(OutputInference& op);
void infer_split_v(OutputInference& op);

// output_indexing.cc
void infer_gather(OutputInference& op);
void infer_gather_nd(OutputInference& op);
void infer_scatter_nd(OutputInference& op);
void infer_embedding_lookup(OutputInference& op);
void infer_unsorted_segments(OutputInference& op);
void infer_segment_sum(OutputInference& op);
void infer_topk(OutputInference& op);
void infer_arg_max(OutputInference& op);
void infer_arg_min(OutputInference& op);
void infer_unique(OutputInference& op);
void infer_where(OutputInference& op);
void infer_nms_v4(OutputInference& op);
void infer_nms_v5(OutputInference& op);

// output_creation.cc
void infer_fill(OutputInference& op);
void infer_range(OutputInference& op);
void infer_shape(OutputInference& op);
void infer_rank(OutputInference& op);
void infer_one_hot(OutputInference& op);
void infer_random(OutputInference& op);
void infer_multinomial(OutputInference& op);
void infer_sparse_to_dense(OutputInference& op);
void infer_broadcast_args(OutputInference& op);
void infer_matrix_diag(OutputInference& op);
void infer_rfft2d(OutputInference& op);

// output_reduction.cc
void infer_reduction(OutputInference& op);
void infer_truth_reduction(OutputInference& op);
void infer_fully_connected(OutputInference& op);
void infer_batch_matmul(OutputInference& op);

// output_window.cc
void infer_conv_2d(OutputInference& op);
void infer_depthwise_conv_2d(OutputInference& op);
void infer_conv_3d(OutputInference& op);
void infer_transpose_conv(OutputInference& op);
void infer_conv_3d_transpose(OutputInference& op);
void infer_pool_2d(OutputInference& op);
void infer_resize(OutputInference& op);

}  // namespace ferryman::tflite
