// The functions that rows of lower_table.cc name.
#pragma once

#include <optional>
#include <vector>

#include "targets/keras/lower/lower_table.h"

namespace ferryman::keras {

using Forms = std::vector<layout::Form>;

// Orders of axes (forms.cc).
Forms image_forms(const Graph& graph, OpId op);          // channels last
Forms channels_last_forms(const Graph& graph, OpId op);  // the same; of rank 2 as it is
Forms conv_forms(const Graph& graph, OpId op);
Forms linear_forms(const Graph& graph, OpId op);
Forms matmul_forms(const Graph& graph, OpId op);
Forms trailing_forms(const Graph& graph, OpId op);   // normalised axes innermost
Forms last_axis_forms(const Graph& graph, OpId op);  // the axis innermost
Forms arg_forms(const Graph& graph, OpId op);        // the same, where the result lacks it
Forms topk_forms(const Graph& graph, OpId op);
Forms gather_forms(const Graph& graph, OpId op);

// spatial.cc
void lower_conv(LowerOp& op);
void lower_conv_transpose(LowerOp& op);
void lower_max_pool(LowerOp& op);
void lower_avg_pool(LowerOp& op);
void lower_resize_nearest(LowerOp& op);
void lower_resize_bilinear(LowerOp& op);
std::optional<Limit> conv_limit(const Graph& graph, const Op& op);
std::optional<Limit> conv_transpose_limit(const Graph& graph, const Op& op);
std::optional<Limit> max_pool_limit(const Graph& graph, const Op& op);
std::optional<Limit> avg_pool_limit(const Graph& graph, const Op& op);
std::optional<Limit> resize_nearest_limit(const Graph& graph, const Op& op);
std::optional<Limit> resize_bilinear_limit(const Graph& graph, const Op& op);

// product.cc
void lower_linear(LowerOp& op);
void lower_matmul(LowerOp& op);

// attention.cc
Forms attention_forms(const Graph& graph, OpId op);
void lower_attention(LowerOp& op);

// norm.cc
void lower_batch_norm(LowerOp& op);
void lower_layer_norm(LowerOp& op);
void lower_group_norm(LowerOp& op);
void lower_rms_norm(LowerOp& op);
std::optional<Limit> batch_norm_limit(const Graph& graph, const Op& op);
std::optional<Limit> rms_norm_limit(const Graph& graph, const Op& op);

// dropout.cc
Forms dropout_forms(const Graph& graph, OpId op);  // of whole channels: channels last
void lower_dropout(LowerOp& op);
void lower_alpha_dropout(LowerOp& op);

// foreign.cc
void lower_foreign(LowerOp& op);
std::optional<Limit> foreign_limit(const Graph& graph, const Op& op);

// recurrent.cc
Forms recurrent_forms(const Graph& graph, OpId op);
std::optional<Limit> recurrent_limit(const Graph& graph, const Op& op);
void lower_recurrent(LowerOp& op);

// pointwise.cc
void lower_pointwise(LowerOp& op, const KerasOp& keras);
void lower_add(LowerOp& op);
void lower_sub(LowerOp& op);
void lower_mul(LowerOp& op);
void lower_cast(LowerOp& op);
void lower_relu(LowerOp& op);
void lower_relu6(LowerOp& op);
void lower_clamp(LowerOp& op);
void lower_leaky_relu(LowerOp& op);
void lower_prelu(LowerOp& op);
void lower_trunc_divide(LowerOp& op);
void lower_shift_right(LowerOp& op);
void lower_bitcast(LowerOp& op);
void lower_where(LowerOp& op);
void lower_lt(LowerOp& op);
void lower_le(LowerOp& op);
void lower_gt(LowerOp& op);
void lower_ge(LowerOp& op);
void lower_pow(LowerOp& op);
void lower_bitwise_and(LowerOp& op);
void lower_bitwise_or(LowerOp& op);
void lower_bitwise_xor(LowerOp& op);
void lower_elu(LowerOp& op);
void lower_gelu(LowerOp& op);
void lower_glu(LowerOp& op);
std::optional<Limit> elu_limit(const Graph& graph, const Op& op);
std::optional<Limit> softplus_limit(const Graph& graph, const Op& op);

// reduce.cc
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
void lower_topk(LowerOp& op);

// shape.cc
void lower_concat(LowerOp& op);
void lower_slice(LowerOp& op);
void lower_pad(LowerOp& op);
void lower_reflect_pad(LowerOp& op);
void lower_flip(LowerOp& op);
void lower_tile(LowerOp& op);
void lower_expand(LowerOp& op);
void lower_gather(LowerOp& op);
void lower_segment_reduce(LowerOp& op);
void lower_sym_size(LowerOp& op);
void lower_reshape(LowerOp& op);
void lower_permute(LowerOp& op);
void lower_pixel_shuffle(LowerOp& op);
void lower_pixel_unshuffle(LowerOp& op);
void lower_iota(LowerOp& op);

}  // namespace ferryman::keras
