// Every family of ops adds its rows, and the import functions of its ATen calls, in one function.
#pragma once

#include "ir/op_set.h"
#include "ops/import.h"

namespace ferryman {

struct Ops {
  OpSet set;
  ImportTable imports;
};

void add_activation_ops(Ops& ops);
void add_arithmetic_ops(Ops& ops);
void add_bits_ops(Ops& ops);
void add_attention_ops(Ops& ops);
void add_bag_ops(Ops& ops);
void add_cast_ops(Ops& ops);
void add_compare_ops(Ops& ops);
void add_control_ops(Ops& ops);
void add_conv_ops(Ops& ops);
void add_create_ops(Ops& ops);
void add_detection_ops(Ops& ops);
void add_dropout_ops(Ops& ops);
void add_elementwise_ops(Ops& ops);
void add_foreign_ops(Ops& ops);
void add_grid_sample_ops(Ops& ops);
void add_grouped_mm_ops(Ops& ops);
void add_index_ops(Ops& ops);
void add_join_ops(Ops& ops);
void add_linear_ops(Ops& ops);
void add_multi_head_attention_ops(Ops& ops);
void add_norm_ops(Ops& ops);
void add_number_ops(Ops& ops);
void add_ordering_ops(Ops& ops);
void add_overwrite_ops(Ops& ops);
void add_pad_ops(Ops& ops);
void add_pool_ops(Ops& ops);
void add_quantize_ops(Ops& ops);
void add_recurrent_ops(Ops& ops);
void add_reduce_ops(Ops& ops);
void add_resize_ops(Ops& ops);
void add_roi_ops(Ops& ops);
void add_scan_ops(Ops& ops);
void add_scatter_ops(Ops& ops);
void add_search_ops(Ops& ops);
void add_shape_ops(Ops& ops);
void add_slice_ops(Ops& ops);
void add_roll_ops(Ops& ops);
void add_repeat_ops(Ops& ops);
void add_softmax_ops(Ops& ops);
void add_special_ops(Ops& ops);
void add_special_polynomial_ops(Ops& ops);

// All families.
void add_all_ops(Ops& ops);

}  // namespace ferryman
