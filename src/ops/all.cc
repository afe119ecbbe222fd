#include "ops/families.h"

namespace ferryman {

void add_all_ops(Ops& ops) {
  add_activation_ops(ops);
  add_arithmetic_ops(ops);
  add_bits_ops(ops);
  add_attention_ops(ops);
  add_bag_ops(ops);
  add_cast_ops(ops);
  add_compare_ops(ops);
  add_control_ops(ops);
  add_conv_ops(ops);
  add_create_ops(ops);
  add_detection_ops(ops);
  add_dropout_ops(ops);
  add_elementwise_ops(ops);
  add_foreign_ops(ops);
  add_grid_sample_ops(ops);
  add_grouped_mm_ops(ops);
  add_index_ops(ops);
  add_join_ops(ops);
  add_linear_ops(ops);
  add_multi_head_attention_ops(ops);
  add_norm_ops(ops);
  add_number_ops(ops);
  add_ordering_ops(ops);
  add_overwrite_ops(ops);
  add_pad_ops(ops);
  add_pool_ops(ops);
  add_quantize_ops(ops);
  add_recurrent_ops(ops);
  add_reduce_ops(ops);
  add_resize_ops(ops);
  add_roi_ops(ops);
  add_scan_ops(ops);
  add_scatter_ops(ops);
  add_search_ops(ops);
  add_shape_ops(ops);
  add_slice_ops(ops);
  add_roll_ops(ops);
  add_repeat_ops(ops);
  add_softmax_ops(ops);
  add_special_ops(ops);
  add_special_polynomial_ops(ops);
}

}  // namespace ferryman
