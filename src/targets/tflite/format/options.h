// Options of operators, one struct per option table of the format, names as the format spells them.
//
//   Options options = Conv2DOptions{.padding = Padding::kValid, .stride_w = 2, .stride_h = 2};
//
// Defaults are what a kernel means by "nothing special" (stride 1, beta 1), not the zeros that the
// file format falls back to. Operators whose table is empty, or that have none, hold
// nothing; which table an operator uses is in op_table.h. Tables of operators that the CPU
// runtime does not register have no struct.
#pragma once

#include <any>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "targets/tflite/format/types.h"

namespace ferryman::tflite {

struct StablehloGatherOptions {
  std::vector<int64_t> offset_dims = {};
  std::vector<int64_t> collapsed_slice_dims = {};
  std::vector<int64_t> start_index_map = {};
  int64_t index_vector_dim = 0;
  std::vector<int64_t> slice_sizes = {};
  bool indices_are_sorted = false;
  bool operator==(const StablehloGatherOptions&) const = default;
};

struct StablehloReduceWindowOptions {
  std::vector<int64_t> window_dimensions = {};
  std::vector<int64_t> window_strides = {};
  std::vector<int64_t> base_dilations = {};
  std::vector<int64_t> window_dilations = {};
  std::vector<int64_t> padding = {};
  int32_t body_subgraph_index = 0;
  bool operator==(const StablehloReduceWindowOptions&) const = default;
};

struct StablehloPadOptions {
  std::vector<int64_t> edge_padding_low = {};
  std::vector<int64_t> edge_padding_high = {};
  std::vector<int64_t> interior_padding = {};
  bool operator==(const StablehloPadOptions&) const = default;
};

struct StablehloScatterOptions {
  bool indices_are_sorted = false;
  std::vector<int64_t> update_window_dims = {};
  std::vector<int64_t> inserted_window_dims = {};
  std::vector<int64_t> scatter_dims_to_operand_dims = {};
  int64_t index_vector_dim = 0;
  bool unique_indices = false;
  int32_t update_computation_subgraph_index = 0;
  bool operator==(const StablehloScatterOptions&) const = default;
};

struct StablehloCaseOptions {
  std::vector<int32_t> branch_subgraph_indices = {};
  bool operator==(const StablehloCaseOptions&) const = default;
};

struct StablehloRngBitGeneratorOptions {
  RngAlgorithm algorithm = RngAlgorithm::kDefault;
  bool operator==(const StablehloRngBitGeneratorOptions&) const = default;
};

struct Conv2DOptions {
  Padding padding = Padding::kSame;
  int32_t stride_w = 1;
  int32_t stride_h = 1;
  Activation fused_activation_function = Activation::kNone;
  int32_t dilation_w_factor = 1;
  int32_t dilation_h_factor = 1;
  ElementType quantized_bias_type = TensorType::kFloat32;
  bool operator==(const Conv2DOptions&) const = default;
};

struct Conv3DOptions {
  Padding padding = Padding::kSame;
  int32_t stride_d = 1;
  int32_t stride_w = 1;
  int32_t stride_h = 1;
  Activation fused_activation_function = Activation::kNone;
  int32_t dilation_d_factor = 1;
  int32_t dilation_w_factor = 1;
  int32_t dilation_h_factor = 1;
  bool operator==(const Conv3DOptions&) const = default;
};

struct Pool2DOptions {
  Padding padding = Padding::kSame;
  int32_t stride_w = 1;
  int32_t stride_h = 1;
  int32_t filter_width = 1;
  int32_t filter_height = 1;
  Activation fused_activation_function = Activation::kNone;
  bool operator==(const Pool2DOptions&) const = default;
};

struct DepthwiseConv2DOptions {
  Padding padding = Padding::kSame;
  int32_t stride_w = 1;
  int32_t stride_h = 1;
  int32_t depth_multiplier = 1;
  Activation fused_activation_function = Activation::kNone;
  int32_t dilation_w_factor = 1;
  int32_t dilation_h_factor = 1;
  bool operator==(const DepthwiseConv2DOptions&) const = default;
};

struct LSHProjectionOptions {
  LshProjectionType type = LshProjectionType::kUnknown;
  bool operator==(const LSHProjectionOptions&) const = default;
};

struct SVDFOptions {
  int32_t rank = 0;
  Activation fused_activation_function = Activation::kNone;
  bool asymmetric_quantize_inputs = false;
  bool operator==(const SVDFOptions&) const = default;
};

struct RNNOptions {
  Activation fused_activation_function = Activation::kTanh;
  bool asymmetric_quantize_inputs = false;
  bool operator==(const RNNOptions&) const = default;
};

struct SequenceRNNOptions {
  bool time_major = false;
  Activation fused_activation_function = Activation::kTanh;
  bool asymmetric_quantize_inputs = false;
  bool operator==(const SequenceRNNOptions&) const = default;
};

struct BidirectionalSequenceRNNOptions {
  bool time_major = false;
  Activation fused_activation_function = Activation::kTanh;
  bool merge_outputs = false;
  bool asymmetric_quantize_inputs = false;
  bool operator==(const BidirectionalSequenceRNNOptions&) const = default;
};

struct FullyConnectedOptions {
  Activation fused_activation_function = Activation::kNone;
  FullyConnectedWeightsFormat weights_format = FullyConnectedWeightsFormat::kDefault;
  bool keep_num_dims = false;
  bool asymmetric_quantize_inputs = false;
  ElementType quantized_bias_type = TensorType::kFloat32;
  bool operator==(const FullyConnectedOptions&) const = default;
};

struct SoftmaxOptions {
  float beta = 1.0f;
  bool operator==(const SoftmaxOptions&) const = default;
};

struct ConcatenationOptions {
  int32_t axis = 0;
  Activation fused_activation_function = Activation::kNone;
  bool operator==(const ConcatenationOptions&) const = default;
};

struct AddOptions {
  Activation fused_activation_function = Activation::kNone;
  bool pot_scale_int16 = true;
  bool operator==(const AddOptions&) const = default;
};

struct MulOptions {
  Activation fused_activation_function = Activation::kNone;
  bool operator==(const MulOptions&) const = default;
};

struct L2NormOptions {
  Activation fused_activation_function = Activation::kNone;
  bool operator==(const L2NormOptions&) const = default;
};

struct LocalResponseNormalizationOptions {
  int32_t radius = 0;
  float bias = 1.0f;
  float alpha = 1.0f;
  float beta = 0.5f;
  bool operator==(const LocalResponseNormalizationOptions&) const = default;
};

struct LSTMOptions {
  Activation fused_activation_function = Activation::kTanh;
  float cell_clip = 0.0f;
  float proj_clip = 0.0f;
  LstmKernelType kernel_type = LstmKernelType::kFull;
  bool asymmetric_quantize_inputs = false;
  bool operator==(const LSTMOptions&) const = default;
};

struct UnidirectionalSequenceLSTMOptions {
  Activation fused_activation_function = Activation::kTanh;
  float cell_clip = 0.0f;
  float proj_clip = 0.0f;
  bool time_major = false;
  bool asymmetric_quantize_inputs = false;
  bool diagonal_recurrent_tensors = false;
  bool operator==(const UnidirectionalSequenceLSTMOptions&) const = default;
};

struct BidirectionalSequenceLSTMOptions {
  Activation fused_activation_function = Activation::kTanh;
  float cell_clip = 0.0f;
  float proj_clip = 0.0f;
  bool merge_outputs = false;
  bool time_major = false;
  bool asymmetric_quantize_inputs = false;
  bool operator==(const BidirectionalSequenceLSTMOptions&) const = default;
};

struct ResizeBilinearOptions {
  bool align_corners = false;
  bool half_pixel_centers = false;
  bool operator==(const ResizeBilinearOptions&) const = default;
};

struct ResizeNearestNeighborOptions {
  bool align_corners = false;
  bool half_pixel_centers = false;
  bool operator==(const ResizeNearestNeighborOptions&) const = default;
};

struct ReshapeOptions {
  std::vector<int32_t> new_shape = {};
  bool operator==(const ReshapeOptions&) const = default;
};

struct SkipGramOptions {
  int32_t ngram_size = 0;
  int32_t max_skip_size = 0;
  bool include_all_ngrams = false;
  bool operator==(const SkipGramOptions&) const = default;
};

struct SpaceToDepthOptions {
  int32_t block_size = 0;
  bool operator==(const SpaceToDepthOptions&) const = default;
};

struct DepthToSpaceOptions {
  int32_t block_size = 0;
  bool operator==(const DepthToSpaceOptions&) const = default;
};

struct SubOptions {
  Activation fused_activation_function = Activation::kNone;
  bool pot_scale_int16 = true;
  bool operator==(const SubOptions&) const = default;
};

struct DivOptions {
  Activation fused_activation_function = Activation::kNone;
  bool operator==(const DivOptions&) const = default;
};

struct EmbeddingLookupSparseOptions {
  CombinerType combiner = CombinerType::kSum;
  bool operator==(const EmbeddingLookupSparseOptions&) const = default;
};

struct GatherOptions {
  int32_t axis = 0;
  int32_t batch_dims = 0;
  bool operator==(const GatherOptions&) const = default;
};

struct ReducerOptions {
  bool keep_dims = false;
  bool operator==(const ReducerOptions&) const = default;
};

struct SqueezeOptions {
  std::vector<int32_t> squeeze_dims = {};
  bool operator==(const SqueezeOptions&) const = default;
};

struct SplitOptions {
  int32_t num_splits = 0;
  bool operator==(const SplitOptions&) const = default;
};

struct SplitVOptions {
  int32_t num_splits = 0;
  bool operator==(const SplitVOptions&) const = default;
};

struct StridedSliceOptions {
  int32_t begin_mask = 0;
  int32_t end_mask = 0;
  int32_t ellipsis_mask = 0;
  int32_t new_axis_mask = 0;
  int32_t shrink_axis_mask = 0;
  bool offset = false;
  bool operator==(const StridedSliceOptions&) const = default;
};

struct CastOptions {
  ElementType in_data_type = TensorType::kFloat32;
  ElementType out_data_type = TensorType::kFloat32;
  bool operator==(const CastOptions&) const = default;
};

struct ArgMaxOptions {
  ElementType output_type = TensorType::kInt64;
  bool operator==(const ArgMaxOptions&) const = default;
};

struct ArgMinOptions {
  ElementType output_type = TensorType::kInt64;
  bool operator==(const ArgMinOptions&) const = default;
};

struct TransposeConvOptions {
  Padding padding = Padding::kSame;
  int32_t stride_w = 1;
  int32_t stride_h = 1;
  Activation fused_activation_function = Activation::kNone;
  ElementType quantized_bias_type = TensorType::kFloat32;
  bool operator==(const TransposeConvOptions&) const = default;
};

struct SparseToDenseOptions {
  bool validate_indices = false;
  bool operator==(const SparseToDenseOptions&) const = default;
};

struct ShapeOptions {
  ElementType out_type = TensorType::kInt32;
  bool operator==(const ShapeOptions&) const = default;
};

struct FakeQuantOptions {
  float min = 0.0f;
  float max = 0.0f;
  int32_t num_bits = 8;
  bool narrow_range = false;
  bool operator==(const FakeQuantOptions&) const = default;
};

struct PackOptions {
  int32_t values_count = 0;
  int32_t axis = 0;
  bool operator==(const PackOptions&) const = default;
};

struct OneHotOptions {
  int32_t axis = 0;
  bool operator==(const OneHotOptions&) const = default;
};

struct UnpackOptions {
  int32_t num = 0;
  int32_t axis = 0;
  bool operator==(const UnpackOptions&) const = default;
};

struct LeakyReluOptions {
  float alpha = 0.0f;
  bool operator==(const LeakyReluOptions&) const = default;
};

struct MirrorPadOptions {
  MirrorPadMode mode = MirrorPadMode::kReflect;
  bool operator==(const MirrorPadOptions&) const = default;
};

struct UniqueOptions {
  ElementType idx_out_type = TensorType::kInt32;
  bool operator==(const UniqueOptions&) const = default;
};

struct ReverseSequenceOptions {
  int32_t seq_dim = 0;
  int32_t batch_dim = 0;
  bool operator==(const ReverseSequenceOptions&) const = default;
};

struct IfOptions {
  int32_t then_subgraph_index = 0;
  int32_t else_subgraph_index = 0;
  bool operator==(const IfOptions&) const = default;
};

struct CallOnceOptions {
  int32_t init_subgraph_index = 0;
  bool operator==(const CallOnceOptions&) const = default;
};

struct WhileOptions {
  int32_t cond_subgraph_index = 0;
  int32_t body_subgraph_index = 0;
  bool operator==(const WhileOptions&) const = default;
};

struct BatchMatMulOptions {
  bool adj_x = false;
  bool adj_y = false;
  bool asymmetric_quantize_inputs = false;
  bool operator==(const BatchMatMulOptions&) const = default;
};

struct CumsumOptions {
  bool exclusive = false;
  bool reverse = false;
  bool operator==(const CumsumOptions&) const = default;
};

struct HashtableOptions {
  int32_t table_id = 0;
  ElementType key_dtype = TensorType::kFloat32;
  ElementType value_dtype = TensorType::kFloat32;
  bool operator==(const HashtableOptions&) const = default;
};

struct VarHandleOptions {
  std::string container = {};
  std::string shared_name = {};
  bool operator==(const VarHandleOptions&) const = default;
};

struct RandomOptions {
  int64_t seed = 0;
  int64_t seed2 = 0;
  bool operator==(const RandomOptions&) const = default;
};

struct BucketizeOptions {
  std::vector<float> boundaries = {};
  bool operator==(const BucketizeOptions&) const = default;
};

struct GeluOptions {
  bool approximate = false;
  bool operator==(const GeluOptions&) const = default;
};

struct StableHLOCompositeOptions {
  std::string name = {};
  int32_t decomposition_subgraph_index = 0;
  std::vector<std::byte> composite_attributes = {};
  int32_t version = 1;
  bool operator==(const StableHLOCompositeOptions&) const = default;
};

// A custom operator: the name it is registered under, and bytes that only it understands.
struct CustomOptions {
  std::string name = {};
  std::vector<std::byte> bytes = {};
  int32_t version = 1;
  bool operator==(const CustomOptions&) const = default;
};

// The options of one operator: one of the structs above, or nothing, which stands for the defaults
// of the operator's table. Not a std::variant: with this many alternatives, every file that copies
// an operator would pay for all of them.
class Options {
 public:
  Options() = default;
  template <typename Table>
    requires(!std::is_same_v<Table, Options>)
  Options(Table table) : held_(std::move(table)) {}

  bool is_default() const { return !held_.has_value(); }
  // The struct, if it is this one.
  template <typename Table>
  const Table* get_if() const {
    return std::any_cast<Table>(&held_);
  }
  template <typename Table>
  Table* get_if() {
    return std::any_cast<Table>(&held_);
  }
  bool operator==(const Options& other) const;

 private:
  std::any held_;
};

}  // namespace ferryman::tflite
