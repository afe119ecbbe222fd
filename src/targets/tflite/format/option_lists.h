// The slot, name and member of every field of every option struct, as data. Included by
// option_fields.cc alone, which hands the lists on without templates.
//
// Invariant: slots and names are those of schema.fbs, which a unit test compares.
#pragma once

#include <string_view>
#include <tuple>

#include "targets/tflite/format/op_table.h"
#include "targets/tflite/format/options.h"

namespace ferryman::tflite {

template <typename Table, typename Value>
struct Field {
  int slot;
  std::string_view name;
  Value Table::* member;
  int absent;  // what the format means when a scalar is not stored, as the stored number
};

template <typename... FieldTypes>
struct FieldList {
  OptionTable table;
  std::tuple<FieldTypes...> list;
};

template <typename Table, typename Value>
constexpr Field<Table, Value> field(int slot, std::string_view name, Value Table::* member,
                                    int absent = 0) {
  return {slot, name, member, absent};
}

template <typename... FieldTypes>
constexpr FieldList<FieldTypes...> fields(OptionTable table, FieldTypes... list) {
  return {table, std::tuple<FieldTypes...>(list...)};
}

// The field list of one option struct.
template <typename Table>
inline constexpr auto kFields = fields(OptionTable::kNone);

template <>
inline constexpr auto kFields<StablehloGatherOptions> =
    fields(OptionTable::kStablehloGatherOptions,
           field(0, "offset_dims", &StablehloGatherOptions::offset_dims),
           field(1, "collapsed_slice_dims", &StablehloGatherOptions::collapsed_slice_dims),
           field(2, "start_index_map", &StablehloGatherOptions::start_index_map),
           field(3, "index_vector_dim", &StablehloGatherOptions::index_vector_dim),
           field(4, "slice_sizes", &StablehloGatherOptions::slice_sizes),
           field(5, "indices_are_sorted", &StablehloGatherOptions::indices_are_sorted));

template <>
inline constexpr auto kFields<StablehloReduceWindowOptions> =
    fields(OptionTable::kStablehloReduceWindowOptions,
           field(0, "window_dimensions", &StablehloReduceWindowOptions::window_dimensions),
           field(1, "window_strides", &StablehloReduceWindowOptions::window_strides),
           field(2, "base_dilations", &StablehloReduceWindowOptions::base_dilations),
           field(3, "window_dilations", &StablehloReduceWindowOptions::window_dilations),
           field(4, "padding", &StablehloReduceWindowOptions::padding),
           field(5, "body_subgraph_index", &StablehloReduceWindowOptions::body_subgraph_index));

template <>
inline constexpr auto kFields<StablehloPadOptions> =
    fields(OptionTable::kStablehloPadOptions,
           field(0, "edge_padding_low", &StablehloPadOptions::edge_padding_low),
           field(1, "edge_padding_high", &StablehloPadOptions::edge_padding_high),
           field(2, "interior_padding", &StablehloPadOptions::interior_padding));

template <>
inline constexpr auto kFields<StablehloScatterOptions> =
    fields(OptionTable::kStablehloScatterOptions,
           field(0, "indices_are_sorted", &StablehloScatterOptions::indices_are_sorted),
           field(1, "update_window_dims", &StablehloScatterOptions::update_window_dims),
           field(2, "inserted_window_dims", &StablehloScatterOptions::inserted_window_dims),
           field(3, "scatter_dims_to_operand_dims",
                 &StablehloScatterOptions::scatter_dims_to_operand_dims),
           field(4, "index_vector_dim", &StablehloScatterOptions::index_vector_dim),
           field(5, "unique_indices", &StablehloScatterOptions::unique_indices),
           field(6, "update_computation_subgraph_index",
                 &StablehloScatterOptions::update_computation_subgraph_index));

template <>
inline constexpr auto kFields<StablehloCaseOptions> =
    fields(OptionTable::kStablehloCaseOptions,
           field(0, "branch_subgraph_indices", &StablehloCaseOptions::branch_subgraph_indices));

template <>
inline constexpr auto kFields<StablehloRngBitGeneratorOptions> =
    fields(OptionTable::kStablehloRngBitGeneratorOptions,
           field(0, "algorithm", &StablehloRngBitGeneratorOptions::algorithm));

template <>
inline constexpr auto kFields<Conv2DOptions> = fields(
    OptionTable::kConv2DOptions, field(0, "padding", &Conv2DOptions::padding),
    field(1, "stride_w", &Conv2DOptions::stride_w), field(2, "stride_h", &Conv2DOptions::stride_h),
    field(3, "fused_activation_function", &Conv2DOptions::fused_activation_function),
    field(4, "dilation_w_factor", &Conv2DOptions::dilation_w_factor, 1),
    field(5, "dilation_h_factor", &Conv2DOptions::dilation_h_factor, 1),
    field(6, "quantized_bias_type", &Conv2DOptions::quantized_bias_type));

template <>
inline constexpr auto kFields<Conv3DOptions> = fields(
    OptionTable::kConv3DOptions, field(0, "padding", &Conv3DOptions::padding),
    field(1, "stride_d", &Conv3DOptions::stride_d), field(2, "stride_w", &Conv3DOptions::stride_w),
    field(3, "stride_h", &Conv3DOptions::stride_h),
    field(4, "fused_activation_function", &Conv3DOptions::fused_activation_function),
    field(5, "dilation_d_factor", &Conv3DOptions::dilation_d_factor, 1),
    field(6, "dilation_w_factor", &Conv3DOptions::dilation_w_factor, 1),
    field(7, "dilation_h_factor", &Conv3DOptions::dilation_h_factor, 1));

template <>
inline constexpr auto kFields<Pool2DOptions> = fields(
    OptionTable::kPool2DOptions, field(0, "padding", &Pool2DOptions::padding),
    field(1, "stride_w", &Pool2DOptions::stride_w), field(2, "stride_h", &Pool2DOptions::stride_h),
    field(3, "filter_width", &Pool2DOptions::filter_width),
    field(4, "filter_height", &Pool2DOptions::filter_height),
    field(5, "fused_activation_function", &Pool2DOptions::fused_activation_function));

template <>
inline constexpr auto kFields<DepthwiseConv2DOptions> = fields(
    OptionTable::kDepthwiseConv2DOptions, field(0, "padding", &DepthwiseConv2DOptions::padding),
    field(1, "stride_w", &DepthwiseConv2DOptions::stride_w),
    field(2, "stride_h", &DepthwiseConv2DOptions::stride_h),
    field(3, "depth_multiplier", &DepthwiseConv2DOptions::depth_multiplier),
    field(4, "fused_activation_function", &DepthwiseConv2DOptions::fused_activation_function),
    field(5, "dilation_w_factor", &DepthwiseConv2DOptions::dilation_w_factor, 1),
    field(6, "dilation_h_factor", &DepthwiseConv2DOptions::dilation_h_factor, 1));

template <>
inline constexpr auto kFields<LSHProjectionOptions> =
    fields(OptionTable::kLSHProjectionOptions, field(0, "type", &LSHProjectionOptions::type));

template <>
inline constexpr auto kFields<SVDFOptions> =
    fields(OptionTable::kSVDFOptions, field(0, "rank", &SVDFOptions::rank),
           field(1, "fused_activation_function", &SVDFOptions::fused_activation_function),
           field(2, "asymmetric_quantize_inputs", &SVDFOptions::asymmetric_quantize_inputs));

template <>
inline constexpr auto kFields<RNNOptions> =
    fields(OptionTable::kRNNOptions,
           field(0, "fused_activation_function", &RNNOptions::fused_activation_function),
           field(1, "asymmetric_quantize_inputs", &RNNOptions::asymmetric_quantize_inputs));

template <>
inline constexpr auto kFields<SequenceRNNOptions> = fields(
    OptionTable::kSequenceRNNOptions, field(0, "time_major", &SequenceRNNOptions::time_major),
    field(1, "fused_activation_function", &SequenceRNNOptions::fused_activation_function),
    field(2, "asymmetric_quantize_inputs", &SequenceRNNOptions::asymmetric_quantize_inputs));

template <>
inline constexpr auto kFields<BidirectionalSequenceRNNOptions> =
    fields(OptionTable::kBidirectionalSequenceRNNOptions,
           field(0, "time_major", &BidirectionalSequenceRNNOptions::time_major),
           field(1, "fused_activation_function",
                 &BidirectionalSequenceRNNOptions::fused_activation_function),
           field(2, "merge_outputs", &BidirectionalSequenceRNNOptions::merge_outputs),
           field(3, "asymmetric_quantize_inputs",
                 &BidirectionalSequenceRNNOptions::asymmetric_quantize_inputs));

template <>
inline constexpr auto kFields<FullyConnectedOptions> = fields(
    OptionTable::kFullyConnectedOptions,
    field(0, "fused_activation_function", &FullyConnectedOptions::fused_activation_function),
    field(1, "weights_format", &FullyConnectedOptions::weights_format),
    field(2, "keep_num_dims", &FullyConnectedOptions::keep_num_dims),
    field(3, "asymmetric_quantize_inputs", &FullyConnectedOptions::asymmetric_quantize_inputs),
    field(4, "quantized_bias_type", &FullyConnectedOptions::quantized_bias_type));

template <>
inline constexpr auto kFields<SoftmaxOptions> =
    fields(OptionTable::kSoftmaxOptions, field(0, "beta", &SoftmaxOptions::beta));

template <>
inline constexpr auto kFields<ConcatenationOptions> =
    fields(OptionTable::kConcatenationOptions, field(0, "axis", &ConcatenationOptions::axis),
           field(1, "fused_activation_function", &ConcatenationOptions::fused_activation_function));

template <>
inline constexpr auto kFields<AddOptions> =
    fields(OptionTable::kAddOptions,
           field(0, "fused_activation_function", &AddOptions::fused_activation_function),
           field(1, "pot_scale_int16", &AddOptions::pot_scale_int16, 1));

template <>
inline constexpr auto kFields<MulOptions> =
    fields(OptionTable::kMulOptions,
           field(0, "fused_activation_function", &MulOptions::fused_activation_function));

template <>
inline constexpr auto kFields<L2NormOptions> =
    fields(OptionTable::kL2NormOptions,
           field(0, "fused_activation_function", &L2NormOptions::fused_activation_function));

template <>
inline constexpr auto kFields<LocalResponseNormalizationOptions> =
    fields(OptionTable::kLocalResponseNormalizationOptions,
           field(0, "radius", &LocalResponseNormalizationOptions::radius),
           field(1, "bias", &LocalResponseNormalizationOptions::bias),
           field(2, "alpha", &LocalResponseNormalizationOptions::alpha),
           field(3, "beta", &LocalResponseNormalizationOptions::beta));

template <>
inline constexpr auto kFields<LSTMOptions> = fields(
    OptionTable::kLSTMOptions,
    field(0, "fused_activation_function", &LSTMOptions::fused_activation_function),
    field(1, "cell_clip", &LSTMOptions::cell_clip), field(2, "proj_clip", &LSTMOptions::proj_clip),
    field(3, "kernel_type", &LSTMOptions::kernel_type),
    field(4, "asymmetric_quantize_inputs", &LSTMOptions::asymmetric_quantize_inputs));

template <>
inline constexpr auto kFields<UnidirectionalSequenceLSTMOptions> =
    fields(OptionTable::kUnidirectionalSequenceLSTMOptions,
           field(0, "fused_activation_function",
                 &UnidirectionalSequenceLSTMOptions::fused_activation_function),
           field(1, "cell_clip", &UnidirectionalSequenceLSTMOptions::cell_clip),
           field(2, "proj_clip", &UnidirectionalSequenceLSTMOptions::proj_clip),
           field(3, "time_major", &UnidirectionalSequenceLSTMOptions::time_major),
           field(4, "asymmetric_quantize_inputs",
                 &UnidirectionalSequenceLSTMOptions::asymmetric_quantize_inputs),
           field(5, "diagonal_recurrent_tensors",
                 &UnidirectionalSequenceLSTMOptions::diagonal_recurrent_tensors));

template <>
inline constexpr auto kFields<BidirectionalSequenceLSTMOptions> =
    fields(OptionTable::kBidirectionalSequenceLSTMOptions,
           field(0, "fused_activation_function",
                 &BidirectionalSequenceLSTMOptions::fused_activation_function),
           field(1, "cell_clip", &BidirectionalSequenceLSTMOptions::cell_clip),
           field(2, "proj_clip", &BidirectionalSequenceLSTMOptions::proj_clip),
           field(3, "merge_outputs", &BidirectionalSequenceLSTMOptions::merge_outputs),
           field(4, "time_major", &BidirectionalSequenceLSTMOptions::time_major, 1),
           field(5, "asymmetric_quantize_inputs",
                 &BidirectionalSequenceLSTMOptions::asymmetric_quantize_inputs));

template <>
inline constexpr auto kFields<ResizeBilinearOptions> =
    fields(OptionTable::kResizeBilinearOptions,
           field(2, "align_corners", &ResizeBilinearOptions::align_corners),
           field(3, "half_pixel_centers", &ResizeBilinearOptions::half_pixel_centers));

template <>
inline constexpr auto kFields<ResizeNearestNeighborOptions> =
    fields(OptionTable::kResizeNearestNeighborOptions,
           field(0, "align_corners", &ResizeNearestNeighborOptions::align_corners),
           field(1, "half_pixel_centers", &ResizeNearestNeighborOptions::half_pixel_centers));

template <>
inline constexpr auto kFields<ReshapeOptions> =
    fields(OptionTable::kReshapeOptions, field(0, "new_shape", &ReshapeOptions::new_shape));

template <>
inline constexpr auto kFields<SkipGramOptions> =
    fields(OptionTable::kSkipGramOptions, field(0, "ngram_size", &SkipGramOptions::ngram_size),
           field(1, "max_skip_size", &SkipGramOptions::max_skip_size),
           field(2, "include_all_ngrams", &SkipGramOptions::include_all_ngrams));

template <>
inline constexpr auto kFields<SpaceToDepthOptions> = fields(
    OptionTable::kSpaceToDepthOptions, field(0, "block_size", &SpaceToDepthOptions::block_size));

template <>
inline constexpr auto kFields<DepthToSpaceOptions> = fields(
    OptionTable::kDepthToSpaceOptions, field(0, "block_size", &DepthToSpaceOptions::block_size));

template <>
inline constexpr auto kFields<SubOptions> =
    fields(OptionTable::kSubOptions,
           field(0, "fused_activation_function", &SubOptions::fused_activation_function),
           field(1, "pot_scale_int16", &SubOptions::pot_scale_int16, 1));

template <>
inline constexpr auto kFields<DivOptions> =
    fields(OptionTable::kDivOptions,
           field(0, "fused_activation_function", &DivOptions::fused_activation_function));

template <>
inline constexpr auto kFields<EmbeddingLookupSparseOptions> =
    fields(OptionTable::kEmbeddingLookupSparseOptions,
           field(0, "combiner", &EmbeddingLookupSparseOptions::combiner));

template <>
inline constexpr auto kFields<GatherOptions> =
    fields(OptionTable::kGatherOptions, field(0, "axis", &GatherOptions::axis),
           field(1, "batch_dims", &GatherOptions::batch_dims));

template <>
inline constexpr auto kFields<ReducerOptions> =
    fields(OptionTable::kReducerOptions, field(0, "keep_dims", &ReducerOptions::keep_dims));

template <>
inline constexpr auto kFields<SqueezeOptions> =
    fields(OptionTable::kSqueezeOptions, field(0, "squeeze_dims", &SqueezeOptions::squeeze_dims));

template <>
inline constexpr auto kFields<SplitOptions> =
    fields(OptionTable::kSplitOptions, field(0, "num_splits", &SplitOptions::num_splits));

template <>
inline constexpr auto kFields<SplitVOptions> =
    fields(OptionTable::kSplitVOptions, field(0, "num_splits", &SplitVOptions::num_splits));

template <>
inline constexpr auto kFields<StridedSliceOptions> = fields(
    OptionTable::kStridedSliceOptions, field(0, "begin_mask", &StridedSliceOptions::begin_mask),
    field(1, "end_mask", &StridedSliceOptions::end_mask),
    field(2, "ellipsis_mask", &StridedSliceOptions::ellipsis_mask),
    field(3, "new_axis_mask", &StridedSliceOptions::new_axis_mask),
    field(4, "shrink_axis_mask", &StridedSliceOptions::shrink_axis_mask),
    field(5, "offset", &StridedSliceOptions::offset));

template <>
inline constexpr auto kFields<CastOptions> =
    fields(OptionTable::kCastOptions, field(0, "in_data_type", &CastOptions::in_data_type),
           field(1, "out_data_type", &CastOptions::out_data_type));

template <>
inline constexpr auto kFields<ArgMaxOptions> =
    fields(OptionTable::kArgMaxOptions, field(0, "output_type", &ArgMaxOptions::output_type));

template <>
inline constexpr auto kFields<ArgMinOptions> =
    fields(OptionTable::kArgMinOptions, field(0, "output_type", &ArgMinOptions::output_type));

template <>
inline constexpr auto kFields<TransposeConvOptions> =
    fields(OptionTable::kTransposeConvOptions, field(0, "padding", &TransposeConvOptions::padding),
           field(1, "stride_w", &TransposeConvOptions::stride_w),
           field(2, "stride_h", &TransposeConvOptions::stride_h),
           field(3, "fused_activation_function", &TransposeConvOptions::fused_activation_function),
           field(4, "quantized_bias_type", &TransposeConvOptions::quantized_bias_type));

template <>
inline constexpr auto kFields<SparseToDenseOptions> =
    fields(OptionTable::kSparseToDenseOptions,
           field(0, "validate_indices", &SparseToDenseOptions::validate_indices));

template <>
inline constexpr auto kFields<ShapeOptions> =
    fields(OptionTable::kShapeOptions, field(0, "out_type", &ShapeOptions::out_type));

template <>
inline constexpr auto kFields<FakeQuantOptions> = fields(
    OptionTable::kFakeQuantOptions, field(0, "min", &FakeQuantOptions::min),
    field(1, "max", &FakeQuantOptions::max), field(2, "num_bits", &FakeQuantOptions::num_bits),
    field(3, "narrow_range", &FakeQuantOptions::narrow_range));

template <>
inline constexpr auto kFields<PackOptions> =
    fields(OptionTable::kPackOptions, field(0, "values_count", &PackOptions::values_count),
           field(1, "axis", &PackOptions::axis));

template <>
inline constexpr auto kFields<OneHotOptions> =
    fields(OptionTable::kOneHotOptions, field(0, "axis", &OneHotOptions::axis));

template <>
inline constexpr auto kFields<UnpackOptions> =
    fields(OptionTable::kUnpackOptions, field(0, "num", &UnpackOptions::num),
           field(1, "axis", &UnpackOptions::axis));

template <>
inline constexpr auto kFields<LeakyReluOptions> =
    fields(OptionTable::kLeakyReluOptions, field(0, "alpha", &LeakyReluOptions::alpha));

template <>
inline constexpr auto kFields<MirrorPadOptions> =
    fields(OptionTable::kMirrorPadOptions, field(0, "mode", &MirrorPadOptions::mode));

template <>
inline constexpr auto kFields<UniqueOptions> =
    fields(OptionTable::kUniqueOptions, field(0, "idx_out_type", &UniqueOptions::idx_out_type, 2));

template <>
inline constexpr auto kFields<ReverseSequenceOptions> = fields(
    OptionTable::kReverseSequenceOptions, field(0, "seq_dim", &ReverseSequenceOptions::seq_dim),
    field(1, "batch_dim", &ReverseSequenceOptions::batch_dim));

template <>
inline constexpr auto kFields<IfOptions> = fields(
    OptionTable::kIfOptions, field(0, "then_subgraph_index", &IfOptions::then_subgraph_index),
    field(1, "else_subgraph_index", &IfOptions::else_subgraph_index));

template <>
inline constexpr auto kFields<CallOnceOptions> =
    fields(OptionTable::kCallOnceOptions,
           field(0, "init_subgraph_index", &CallOnceOptions::init_subgraph_index));

template <>
inline constexpr auto kFields<WhileOptions> = fields(
    OptionTable::kWhileOptions, field(0, "cond_subgraph_index", &WhileOptions::cond_subgraph_index),
    field(1, "body_subgraph_index", &WhileOptions::body_subgraph_index));

template <>
inline constexpr auto kFields<BatchMatMulOptions> =
    fields(OptionTable::kBatchMatMulOptions, field(0, "adj_x", &BatchMatMulOptions::adj_x),
           field(1, "adj_y", &BatchMatMulOptions::adj_y),
           field(2, "asymmetric_quantize_inputs", &BatchMatMulOptions::asymmetric_quantize_inputs));

template <>
inline constexpr auto kFields<CumsumOptions> =
    fields(OptionTable::kCumsumOptions, field(0, "exclusive", &CumsumOptions::exclusive),
           field(1, "reverse", &CumsumOptions::reverse));

template <>
inline constexpr auto kFields<HashtableOptions> =
    fields(OptionTable::kHashtableOptions, field(0, "table_id", &HashtableOptions::table_id),
           field(1, "key_dtype", &HashtableOptions::key_dtype),
           field(2, "value_dtype", &HashtableOptions::value_dtype));

template <>
inline constexpr auto kFields<VarHandleOptions> =
    fields(OptionTable::kVarHandleOptions, field(0, "container", &VarHandleOptions::container),
           field(1, "shared_name", &VarHandleOptions::shared_name));

template <>
inline constexpr auto kFields<RandomOptions> =
    fields(OptionTable::kRandomOptions, field(0, "seed", &RandomOptions::seed),
           field(1, "seed2", &RandomOptions::seed2));

template <>
inline constexpr auto kFields<BucketizeOptions> =
    fields(OptionTable::kBucketizeOptions, field(0, "boundaries", &BucketizeOptions::boundaries));

template <>
inline constexpr auto kFields<GeluOptions> =
    fields(OptionTable::kGeluOptions, field(0, "approximate", &GeluOptions::approximate));

template <>
inline constexpr auto kFields<StableHLOCompositeOptions> = fields(
    OptionTable::kStableHLOCompositeOptions, field(0, "name", &StableHLOCompositeOptions::name),
    field(1, "decomposition_subgraph_index",
          &StableHLOCompositeOptions::decomposition_subgraph_index),
    field(2, "composite_attributes", &StableHLOCompositeOptions::composite_attributes),
    field(4, "version", &StableHLOCompositeOptions::version));

template <typename... Tables>
struct TableList {};

using AllTables = TableList<
    CustomOptions, StablehloGatherOptions, StablehloReduceWindowOptions, StablehloPadOptions,
    StablehloScatterOptions, StablehloCaseOptions, StablehloRngBitGeneratorOptions, Conv2DOptions,
    Conv3DOptions, Pool2DOptions, DepthwiseConv2DOptions, LSHProjectionOptions, SVDFOptions,
    RNNOptions, SequenceRNNOptions, BidirectionalSequenceRNNOptions, FullyConnectedOptions,
    SoftmaxOptions, ConcatenationOptions, AddOptions, MulOptions, L2NormOptions,
    LocalResponseNormalizationOptions, LSTMOptions, UnidirectionalSequenceLSTMOptions,
    BidirectionalSequenceLSTMOptions, ResizeBilinearOptions, ResizeNearestNeighborOptions,
    ReshapeOptions, SkipGramOptions, SpaceToDepthOptions, DepthToSpaceOptions, SubOptions,
    DivOptions, EmbeddingLookupSparseOptions, GatherOptions, ReducerOptions, SqueezeOptions,
    SplitOptions, SplitVOptions, StridedSliceOptions, CastOptions, ArgMaxOptions, ArgMinOptions,
    TransposeConvOptions, SparseToDenseOptions, ShapeOptions, FakeQuantOptions, PackOptions,
    OneHotOptions, UnpackOptions, LeakyReluOptions, MirrorPadOptions, UniqueOptions,
    ReverseSequenceOptions, IfOptions, CallOnceOptions, WhileOptions, BatchMatMulOptions,
    CumsumOptions, HashtableOptions, VarHandleOptions, RandomOptions, BucketizeOptions, GeluOptions,
    StableHLOCompositeOptions>;

}  // namespace ferryman::tflite
