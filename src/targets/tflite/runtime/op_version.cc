#include "targets/tflite/runtime/op_version.h"

#include <algorithm>
#include <span>

#include "targets/tflite/format/op_use.h"

namespace ferryman::tflite {

namespace {

using T = TensorType;

// "This version if the test holds": tested in order, the first that holds wins, otherwise 1.
struct Rule {
  int32_t version;
  bool (*test)(const OpUse&);
};

// ---- tests --------------------------------------------------------------------------------------

template <size_t kInput, T... kTypes>
bool input_is(const OpUse& use) {
  const Tensor* tensor = use.input(kInput);
  return tensor != nullptr && ((tensor->type.code == kTypes) || ...);
}
template <T... kTypes>
bool in(const OpUse& use) {
  return input_is<0, kTypes...>(use);
}

template <T... kTypes>
bool output_is(const OpUse& use) {
  const Tensor* tensor = use.output(0);
  return tensor != nullptr && ((tensor->type.code == kTypes) || ...);
}

// Some input or output has one of the types.
template <T... kTypes>
bool any_is(const OpUse& use) {
  const auto has_type = [](const Tensor* tensor) {
    return tensor != nullptr && ((tensor->type.code == kTypes) || ...);
  };
  for (size_t i = 0; i < use.op.inputs.size(); ++i) {
    if (has_type(use.input(i))) return true;
  }
  for (size_t i = 0; i < use.op.outputs.size(); ++i) {
    if (has_type(use.output(i))) return true;
  }
  return false;
}

bool is_fp8(const OpUse& use) {
  return any_is<T::kFloat8E4m3fn, T::kFloat8E5m2>(use);
}

bool is_quantised_input(const OpUse& use) {
  return use.input(0) != nullptr && is_quantised(*use.input(0));
}
bool is_quantised_i16(const OpUse& use) {
  return in<T::kInt16>(use) && is_quantised_input(use);
}
bool is_plain_i16(const OpUse& use) {
  return in<T::kInt16>(use) && !is_quantised_input(use);
}

int rank_of(const Tensor* tensor) {
  return tensor == nullptr ? 0 : static_cast<int>(tensor->shape.size());
}
template <int kRank>
bool rank_above(const OpUse& use) {
  return rank_of(use.input(0)) > kRank;
}
bool rank_is_not_4(const OpUse& use) {
  return rank_of(use.input(0)) != 4;
}
bool has_rank_5_input(const OpUse& use) {
  for (size_t i = 0; i < use.op.inputs.size(); ++i) {
    if (rank_of(use.input(i)) == 5) return true;
  }
  return false;
}
bool broadcasts_above_rank_4(const OpUse& use) {
  const Tensor* a = use.input(0);
  const Tensor* b = use.input(1);
  if (a == nullptr || b == nullptr || a->shape == b->shape) return false;
  return std::max(rank_of(a), rank_of(b)) > 4;
}

template <size_t kInput>
bool is_per_channel(const OpUse& use) {
  const Tensor* tensor = use.input(kInput);
  return tensor != nullptr && tensor->quantization && tensor->quantization->scale.size() > 1;
}
bool quantises_per_channel(const OpUse& use) {
  const Tensor* tensor = use.output(0);
  return tensor != nullptr && tensor->quantization && tensor->quantization->scale.size() > 1;
}

// Float activations with integer weights that the kernel dequantises.
template <size_t kWeight>
bool is_hybrid(const OpUse& use) {
  return in<T::kFloat32>(use) && input_is<kWeight, T::kInt8, T::kInt4, T::kUint8>(use);
}
template <typename Table, size_t kWeight>
bool is_hybrid_asymmetric(const OpUse& use) {
  return is_hybrid<kWeight>(use) && use.options<Table>().asymmetric_quantize_inputs;
}

template <typename Table, bool Table::* kMember>
bool option_set(const OpUse& use) {
  return use.options<Table>().*kMember;
}
template <typename Table>
bool activation_fused(const OpUse& use) {
  return use.options<Table>().fused_activation_function != Activation::kNone;
}
template <typename Table>
bool bias_type_set(const OpUse& use) {
  return use.options<Table>().quantized_bias_type != ElementType(T::kFloat32);
}
// Two's complement scales that are no powers of two.
template <typename Table>
bool is_general_i16(const OpUse& use) {
  return in<T::kInt16>(use) && !use.options<Table>().pot_scale_int16;
}

// ---- rules by operator --------------------------------------------------------------------------

constexpr Rule kI8Alone[] = {{2, in<T::kInt8>}};
constexpr Rule kI8I16[] = {{3, in<T::kInt16>}, {2, in<T::kInt8>}};
constexpr Rule kEitherI8I16[] = {{2, in<T::kInt8, T::kInt16>}};

constexpr Rule kAbs[] = {
    {5, in<T::kInt32>}, {3, is_quantised_i16}, {4, in<T::kInt16>}, {2, in<T::kInt8, T::kUint8>}};
constexpr Rule kAdd[] = {{6, in<T::kFloat16>},
                         {5, is_plain_i16},
                         {4, in<T::kInt64>},
                         {3, is_general_i16<AddOptions>},
                         {2, in<T::kInt8>}};
constexpr Rule kSub[] = {{5, is_general_i16<SubOptions>},
                         {4, in<T::kInt64>},
                         {3, broadcasts_above_rank_4},
                         {2, in<T::kInt8>}};

bool rescales_up(const OpUse& use) {
  for (const Tensor* tensor : {use.input(0), use.input(1), use.output(0)}) {
    if (tensor == nullptr || !is_quantised(*tensor)) return false;
  }
  const auto scale = [](const Tensor* tensor) { return tensor->quantization->scale.front(); };
  return scale(use.input(0)) * scale(use.input(1)) / scale(use.output(0)) >= 1.0f;
}
bool is_plain_i16_or_u32(const OpUse& use) {
  return in<T::kUint32>(use) || is_plain_i16(use);
}
constexpr Rule kMul[] = {{8, in<T::kFloat16>}, {7, is_plain_i16_or_u32}, {6, in<T::kComplex64>},
                         {5, in<T::kInt64>},   {4, is_quantised_i16},    {3, rescales_up},
                         {2, in<T::kInt8>}};
constexpr Rule kDiv[] = {{2, broadcasts_above_rank_4}};
constexpr Rule kMaximum[] = {{4, in<T::kInt16>}, {3, broadcasts_above_rank_4}, {2, in<T::kInt8>}};
constexpr Rule kArgMax[] = {{3, in<T::kBool>}, {2, in<T::kInt8>}};

constexpr Rule kBatchMatmul[] = {
    {3, in<T::kInt16>}, {2, in<T::kInt8>}, {4, is_hybrid_asymmetric<BatchMatMulOptions, 1>}};
constexpr Rule kBatchToSpaceNd[] = {{4, in<T::kInt16>}, {3, rank_is_not_4}, {2, in<T::kInt8>}};
constexpr Rule kBroadcastTo[] = {{4, is_fp8},
                                 {3, in<T::kInt8, T::kInt16>},
                                 {2, [](const OpUse&) { return true; }}};  // there is no version 1

bool casts_i4_to_f32(const OpUse& use) {
  return in<T::kInt4>(use) && output_is<T::kFloat32>(use);
}
constexpr Rule kCast[] = {{9, is_fp8},
                          {8, any_is<T::kInt2, T::kUint4>},
                          {7, any_is<T::kBfloat16>},
                          {6, casts_i4_to_f32},
                          {5, any_is<T::kFloat64, T::kFloat16>},
                          {4, any_is<T::kUint16>},
                          {3, any_is<T::kInt8>},
                          {2, any_is<T::kUint32>}};
constexpr Rule kConcatenation[] = {{7, is_fp8},         {6, in<T::kFloat16>}, {5, in<T::kInt4>},
                                   {4, in<T::kUint32>}, {3, in<T::kInt16>},   {2, in<T::kInt8>}};

bool is_grouped(const OpUse& use) {
  const Tensor* input = use.input(0);
  const Tensor* filter = use.input(1);
  return rank_of(input) == 4 && rank_of(filter) == 4 && input->shape[3] != filter->shape[3];
}
template <T kActivation, T kWeight>
bool multiplies(const OpUse& use) {
  return in<kActivation>(use) && input_is<1, kWeight>(use);
}
template <typename Table>
bool is_i16x8_with_bias_type(const OpUse& use) {
  return multiplies<T::kInt16, T::kInt8>(use) && bias_type_set<Table>(use);
}
template <size_t kWeight>
bool is_hybrid_per_channel(const OpUse& use) {
  return is_hybrid<kWeight>(use) && is_per_channel<kWeight>(use);
}
constexpr Rule kConv2d[] = {{8, is_i16x8_with_bias_type<Conv2DOptions>},
                            {6, is_grouped},
                            {4, multiplies<T::kInt16, T::kInt16>},
                            {3, multiplies<T::kInt8, T::kInt8>},
                            {7, input_is<1, T::kInt4>},
                            {5, is_hybrid_per_channel<1>},
                            {2, is_hybrid<1>}};

bool is_dilated_depthwise(const OpUse& use) {
  const auto options = use.options<DepthwiseConv2DOptions>();
  return options.dilation_w_factor != 1 || options.dilation_h_factor != 1;
}
constexpr Rule kDepthwiseConv2d[] = {
    {5, in<T::kInt16>}, {7, input_is<1, T::kInt4>}, {6, is_hybrid_per_channel<1>},
    {4, is_hybrid<1>},  {3, in<T::kInt8>},          {2, is_dilated_depthwise}};

bool is_per_channel_i8(const OpUse& use) {
  return in<T::kInt8>(use) && is_per_channel<0>(use);
}
constexpr Rule kDequantize[] = {{9, is_fp8},
                                {8, in<T::kUint4>},
                                {7, in<T::kInt2>},
                                {6, in<T::kInt4>},
                                {3, in<T::kInt16, T::kFloat16>},
                                {5, is_per_channel_i8},
                                {2, in<T::kInt8>}};
constexpr Rule kDynamicUpdateSlice[] = {{6, in<T::kBfloat16>},
                                        {5, in<T::kInt4>},
                                        {4, in<T::kInt16>},
                                        {3, in<T::kFloat16>},
                                        {2, input_is<2, T::kInt64>}};

bool looks_up_i4_or_per_channel(const OpUse& use) {
  return input_is<1, T::kInt4>(use) || is_per_channel<1>(use);
}
constexpr Rule kEmbeddingLookup[] = {{4, looks_up_i4_or_per_channel},
                                     {5, input_is<1, T::kInt2>},
                                     {2, input_is<1, T::kInt8, T::kUint8>}};
constexpr Rule kEqual[] = {{5, in<T::kInt16>}, {3, in<T::kString>}, {2, in<T::kInt8>}};
constexpr Rule kNotEqual[] = {{4, in<T::kInt16>}, {3, in<T::kString>}, {2, in<T::kInt8>}};
constexpr Rule kFakeQuant[] = {{2, option_set<FakeQuantOptions, &FakeQuantOptions::narrow_range>}};
constexpr Rule kFill[] = {{5, is_fp8},
                          {4, input_is<1, T::kFloat16>},
                          {3, input_is<1, T::kInt8, T::kInt16>},
                          {2, input_is<1, T::kBool, T::kString>}};
constexpr Rule kFloorDiv[] = {{3, in<T::kInt8, T::kInt16>}, {2, in<T::kFloat32>}};

bool has_no_bias(const OpUse& use) {
  return use.op.inputs.size() == 2;
}
bool is_shuffled(const OpUse& use) {
  return use.options<FullyConnectedOptions>().weights_format !=
         FullyConnectedWeightsFormat::kDefault;
}
constexpr Rule kFullyConnected[] = {
    {14, input_is<1, T::kInt2>},
    {13, multiplies<T::kInt16, T::kInt4>},
    {12, is_hybrid_per_channel<1>},
    {11, is_i16x8_with_bias_type<FullyConnectedOptions>},
    {7, multiplies<T::kInt16, T::kInt16>},
    {6, has_no_bias},
    {5, option_set<FullyConnectedOptions, &FullyConnectedOptions::keep_num_dims>},
    {4, multiplies<T::kInt8, T::kInt8>},
    {10, multiplies<T::kInt8, T::kInt4>},
    {9, is_hybrid_asymmetric<FullyConnectedOptions, 1>},
    {3, is_hybrid<1>},
    {2, is_shuffled}};

bool has_batch_dims(const OpUse& use) {
  return use.options<GatherOptions>().batch_dims != 0;
}
constexpr Rule kGather[] = {{8, is_fp8},         {7, in<T::kInt4>},  {6, input_is<1, T::kInt16>},
                            {5, has_batch_dims}, {4, in<T::kInt16>}, {3, in<T::kBool>},
                            {2, in<T::kInt8>}};
constexpr Rule kGatherNd[] = {{6, is_fp8},
                              {5, in<T::kBool>},
                              {4, input_is<1, T::kInt16>},
                              {3, in<T::kInt16>},
                              {2, in<T::kString>}};
constexpr Rule kGelu[] = {{3, in<T::kFloat16>}, {2, in<T::kInt8, T::kUint8>}};
constexpr Rule kLeakyRelu[] = {{2, in<T::kInt16>}};

bool is_basic_lstm(const OpUse& use) {
  return use.options<LSTMOptions>().kernel_type == LstmKernelType::kBasic;
}
constexpr Rule kLstm[] = {
    {4, is_hybrid_asymmetric<LSTMOptions, 4>}, {3, is_hybrid<4>}, {2, is_basic_lstm}};
constexpr Rule kSequenceLstm[] = {
    {4, option_set<UnidirectionalSequenceLSTMOptions,
                   &UnidirectionalSequenceLSTMOptions::diagonal_recurrent_tensors>},
    {3, is_hybrid_asymmetric<UnidirectionalSequenceLSTMOptions, 4>},
    {2, is_hybrid<4>}};
constexpr Rule kBidirectionalLstm[] = {
    {3, is_hybrid_asymmetric<BidirectionalSequenceLSTMOptions, 4>}, {2, is_hybrid<4>}};
constexpr Rule kRnn[] = {{3, is_hybrid_asymmetric<RNNOptions, 1>}, {2, is_hybrid<1>}};
constexpr Rule kSequenceRnn[] = {{3, is_hybrid_asymmetric<SequenceRNNOptions, 1>},
                                 {2, is_hybrid<1>}};
constexpr Rule kBidirectionalRnn[] = {{3, is_hybrid_asymmetric<BidirectionalSequenceRNNOptions, 1>},
                                      {2, is_hybrid<1>}};

constexpr Rule kPack[] = {{5, is_fp8}, {2, in<T::kInt8>}, {3, in<T::kInt16>}, {4, in<T::kUint32>}};
constexpr Rule kPad[] = {
    {6, is_fp8}, {5, in<T::kBool>}, {4, rank_above<4>}, {3, in<T::kInt16>}, {2, in<T::kInt8>}};
constexpr Rule kQuantize[] = {{5, output_is<T::kUint4>},
                              {4, output_is<T::kInt4>},
                              {3, quantises_per_channel},
                              {2, output_is<T::kInt16>}};
constexpr Rule kRange[] = {{2, in<T::kInt64>}};
constexpr Rule kRelu[] = {{3, in<T::kInt16>}, {2, in<T::kInt8, T::kUint8>}};
constexpr Rule kResizeBilinear[] = {
    {4, in<T::kInt16>},
    {3, option_set<ResizeBilinearOptions, &ResizeBilinearOptions::half_pixel_centers>},
    {2, in<T::kInt8>}};
bool is_aligned_nearest(const OpUse& use) {
  const auto options = use.options<ResizeNearestNeighborOptions>();
  return options.half_pixel_centers || options.align_corners;
}
constexpr Rule kResizeNearest[] = {{4, in<T::kInt16>}, {3, is_aligned_nearest}, {2, in<T::kInt8>}};
constexpr Rule kReverseV2[] = {{4, is_fp8}, {3, in<T::kInt8>}, {2, in<T::kBool>}};
constexpr Rule kSelect[] = {
    {4, input_is<1, T::kUint32>}, {3, has_rank_5_input}, {2, input_is<1, T::kInt8>}};
constexpr Rule kSelectV2[] = {{2, input_is<1, T::kUint32>}};
constexpr Rule kSign[] = {{2, in<T::kInt32>}};
constexpr Rule kSin[] = {{2, in<T::kFloat16>}};
constexpr Rule kSlice[] = {{8, in<T::kFloat16>}, {7, in<T::kInt4>},  {6, in<T::kUint32>},
                           {5, rank_above<4>},   {4, in<T::kInt16>}, {3, in<T::kString>},
                           {2, in<T::kInt8>}};
constexpr Rule kSoftmax[] = {{4, in<T::kFloat16>}, {3, in<T::kInt16>}, {2, in<T::kInt8>}};
constexpr Rule kSparseToDense[] = {{3, input_is<2, T::kInt8, T::kUint8>},
                                   {2, input_is<2, T::kInt64>}};
constexpr Rule kSplit[] = {{5, is_fp8},
                           {4, input_is<1, T::kInt16>},
                           {3, input_is<1, T::kInt32>},
                           {2, input_is<1, T::kInt8>}};
constexpr Rule kSplitV[] = {{3, is_fp8}, {2, in<T::kInt8>}};
constexpr Rule kSqueeze[] = {{2, in<T::kString>}};

bool has_inserting_mask(const OpUse& use) {
  const auto options = use.options<StridedSliceOptions>();
  return options.ellipsis_mask != 0 || options.new_axis_mask != 0;
}
constexpr Rule kStridedSlice[] = {
    {8, option_set<StridedSliceOptions, &StridedSliceOptions::offset>},
    {7, in<T::kUint32>},
    {6, has_inserting_mask},
    {5, in<T::kString>},
    {4, rank_above<4>},
    {3, in<T::kBool>},
    {2, in<T::kInt8>}};
constexpr Rule kSvdf[] = {
    {3, in<T::kInt8>}, {4, is_hybrid_asymmetric<SVDFOptions, 1>}, {2, is_hybrid<1>}};
constexpr Rule kTile[] = {{3, in<T::kInt8>}, {2, in<T::kString>}};
constexpr Rule kTopkV2[] = {{3, any_is<T::kInt16>}, {2, in<T::kInt8>}};

bool is_bf16_or_rank_7(const OpUse& use) {
  return in<T::kBfloat16>(use) || rank_above<6>(use);
}
constexpr Rule kTranspose[] = {{9, in<T::kFloat16>}, {8, is_bf16_or_rank_7}, {7, in<T::kInt4>},
                               {6, rank_above<5>},   {5, in<T::kInt16>},     {4, rank_above<4>},
                               {3, in<T::kBool>},    {2, in<T::kInt8>}};

bool has_transpose_conv_bias_type(const OpUse& use) {
  return input_is<2, T::kInt16>(use) && bias_type_set<TransposeConvOptions>(use);
}
bool has_fourth_input(const OpUse& use) {
  return use.input(3) != nullptr;
}
constexpr Rule kTransposeConv[] = {{5, has_transpose_conv_bias_type},
                                   {4, activation_fused<TransposeConvOptions>},
                                   {3, has_fourth_input},
                                   {2, input_is<2, T::kInt8>}};
constexpr Rule kUnpack[] = {{6, is_fp8},
                            {2, in<T::kInt8, T::kUint8>},
                            {3, in<T::kBool>},
                            {4, in<T::kInt16>},
                            {5, in<T::kFloat16, T::kBfloat16>}};
bool is_not_bool(const OpUse& use) {
  return !in<T::kBool>(use);
}
constexpr Rule kWhere[] = {{2, is_not_bool}};

// clang-format off
std::span<const Rule> version_rules_of(Op op) {
  switch (op) {
    case Op::kAbs: return kAbs;
    case Op::kAdd: return kAdd;
    case Op::kSub: return kSub;
    case Op::kMul: return kMul;
    case Op::kDiv: return kDiv;
    case Op::kMaximum: case Op::kMinimum: return kMaximum;
    case Op::kArgMax: case Op::kArgMin: return kArgMax;
    case Op::kBatchMatmul: return kBatchMatmul;
    case Op::kBatchToSpaceNd: case Op::kSpaceToBatchNd: return kBatchToSpaceNd;
    case Op::kBroadcastTo: return kBroadcastTo;
    case Op::kCast: return kCast;
    case Op::kConcatenation: return kConcatenation;
    case Op::kConv2d: return kConv2d;
    case Op::kDepthwiseConv2d: return kDepthwiseConv2d;
    case Op::kDequantize: return kDequantize;
    case Op::kDynamicUpdateSlice: return kDynamicUpdateSlice;
    case Op::kEmbeddingLookup: return kEmbeddingLookup;
    case Op::kEqual: return kEqual;
    case Op::kNotEqual: return kNotEqual;
    case Op::kExp: case Op::kLog: case Op::kSqrt: case Op::kReduceProd: case Op::kFloorMod:
      return kEitherI8I16;
    case Op::kFakeQuant: return kFakeQuant;
    case Op::kFill: return kFill;
    case Op::kFloorDiv: return kFloorDiv;
    case Op::kFullyConnected: return kFullyConnected;
    case Op::kGather: return kGather;
    case Op::kGatherNd: return kGatherNd;
    case Op::kGelu: return kGelu;
    case Op::kLeakyRelu: return kLeakyRelu;
    case Op::kLstm: return kLstm;
    case Op::kUnidirectionalSequenceLstm: return kSequenceLstm;
    case Op::kBidirectionalSequenceLstm: return kBidirectionalLstm;
    case Op::kRnn: return kRnn;
    case Op::kUnidirectionalSequenceRnn: return kSequenceRnn;
    case Op::kBidirectionalSequenceRnn: return kBidirectionalRnn;
    case Op::kAveragePool2d: case Op::kMaxPool2d: case Op::kLess: case Op::kGreaterEqual:
    case Op::kLogistic: case Op::kTanh: case Op::kMean: case Op::kReduceMax: case Op::kReduceMin:
    case Op::kRelu6: case Op::kRsqrt: case Op::kMirrorPad:
      return kI8I16;
    case Op::kDepthToSpace: case Op::kSpaceToDepth: case Op::kSum: case Op::kLogSoftmax:
    case Op::kGreater: case Op::kLessEqual: case Op::kSquaredDifference: case Op::kL2Normalization:
      return kI8Alone;
    case Op::kPack: return kPack;
    case Op::kPad: case Op::kPadv2: return kPad;
    case Op::kQuantize: return kQuantize;
    case Op::kRange: return kRange;
    case Op::kRelu: return kRelu;
    case Op::kResizeBilinear: return kResizeBilinear;
    case Op::kResizeNearestNeighbor: return kResizeNearest;
    case Op::kReverseV2: return kReverseV2;
    case Op::kSelect: return kSelect;
    case Op::kSelectV2: return kSelectV2;
    case Op::kSign: return kSign;
    case Op::kSin: case Op::kCos: return kSin;
    case Op::kSlice: return kSlice;
    case Op::kSoftmax: return kSoftmax;
    case Op::kSparseToDense: return kSparseToDense;
    case Op::kSplit: return kSplit;
    case Op::kSplitV: return kSplitV;
    case Op::kSqueeze: return kSqueeze;
    case Op::kStridedSlice: return kStridedSlice;
    case Op::kSvdf: return kSvdf;
    case Op::kTile: return kTile;
    case Op::kTopkV2: return kTopkV2;
    case Op::kTranspose: return kTranspose;
    case Op::kTransposeConv: return kTransposeConv;
    case Op::kUnpack: return kUnpack;
    case Op::kWhere: return kWhere;
    default: return {};  // one version only
  }
}
// clang-format on

}  // namespace

int32_t op_version(const Operator& op, const Subgraph& subgraph) {
  if (const auto* custom = op.options.get_if<CustomOptions>()) return custom->version;
  const OpUse use{op, subgraph};
  for (const Rule& rule : version_rules_of(op.op)) {
    if (rule.test(use)) return rule.version;
  }
  return 1;
}

}  // namespace ferryman::tflite
