#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "targets/tflite/runtime/legality.h"
#include "targets/tflite/runtime/op_version.h"
#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {

namespace {

// A rule names what goes wrong in the runtime; it is broken when the test holds.
struct OperatorRule {
  std::string_view complaint;
  bool (*is_broken)(const OpUse&);
};

bool has_type(const Tensor* tensor, TensorType type) {
  return tensor != nullptr && tensor->type == ElementType(type);
}
template <size_t kInput>
bool is_not_i32(const OpUse& use) {
  return use.input(kInput) != nullptr && !has_type(use.input(kInput), TensorType::kInt32);
}
template <size_t kInput>
bool is_absent(const OpUse& use) {
  return use.input(kInput) == nullptr;
}

template <typename Table>
bool fuses_lost_activation(const OpUse& use) {
  const Activation activation = use.options<Table>().fused_activation_function;
  return activation == Activation::kTanh || activation == Activation::kSignBit;
}
template <typename Table>
bool fuses_any_activation(const OpUse& use) {
  return use.options<Table>().fused_activation_function != Activation::kNone;
}
template <typename Table>
bool is_not_tanh(const OpUse& use) {
  return use.options<Table>().fused_activation_function != Activation::kTanh;
}

template <typename Table>
bool has_no_stride(const OpUse& use) {
  const Table options = use.options<Table>();
  return options.stride_w < 1 || options.stride_h < 1;
}
template <typename Table>
bool has_no_dilation(const OpUse& use) {
  const Table options = use.options<Table>();
  return options.dilation_w_factor < 1 || options.dilation_h_factor < 1;
}

bool shapes_differ(const OpUse& use) {
  const Tensor* a = use.input(0);
  const Tensor* b = use.input(1);
  return a == nullptr || b == nullptr || a->shape != b->shape ||
         a->shape_signature != b->shape_signature;
}

bool inputs_differ_in_parameters(const OpUse& use) {
  const Tensor* first = use.input(0);
  if (first == nullptr || !is_quantised(*first) || has_type(first, TensorType::kUint8)) {
    return false;
  }
  for (size_t i = 1; i < use.op.inputs.size(); ++i) {
    if (use.input(i) == nullptr || use.input(i)->quantization != first->quantization) return true;
  }
  return false;
}

bool inputs_differ_in_type(const OpUse& use) {
  for (size_t i = 1; i < use.op.inputs.size(); ++i) {
    if (use.input(i) != nullptr && use.input(i)->type != use.input(0)->type) return true;
  }
  return false;
}

// The values of a small int32 constant; empty if it is none.
std::vector<int32_t> i32_values(const Tensor* tensor) {
  constexpr int64_t kMaxBytes = 4096;
  if (!has_type(tensor, TensorType::kInt32) || tensor->constant == nullptr) return {};
  const int64_t num_bytes = tensor->constant->num_bytes();
  if (num_bytes > kMaxBytes) return {};
  std::vector<int32_t> values(static_cast<size_t>(num_bytes) / sizeof(int32_t));
  tensor->constant->read(0, std::as_writable_bytes(std::span(values)));
  return values;
}

bool reshapes_ambiguously(const OpUse& use) {
  std::vector<int32_t> shape = use.options<ReshapeOptions>().new_shape;
  if (use.input(1) != nullptr) shape = i32_values(use.input(1));
  const Tensor* input = use.input(0);
  const bool is_empty = input != nullptr && std::find(input->shape.begin(), input->shape.end(),
                                                      0) != input->shape.end();
  const bool has_zero = std::find(shape.begin(), shape.end(), 0) != shape.end();
  return std::count(shape.begin(), shape.end(), -1) > 1 || (has_zero && !is_empty);
}

bool is_no_permutation(const OpUse& use) {
  std::vector<int32_t> perm = i32_values(use.input(1));
  if (perm.empty()) return false;
  const auto rank = static_cast<int32_t>(use.input(0)->shape.size());
  for (int32_t& axis : perm) axis += axis < 0 ? rank : 0;
  std::sort(perm.begin(), perm.end());
  if (perm.size() != static_cast<size_t>(rank)) return true;
  for (int32_t i = 0; i < rank; ++i) {
    if (perm[static_cast<size_t>(i)] != i) return true;
  }
  return false;
}

bool has_axis_outside(const OpUse& use) {
  const auto rank = static_cast<int32_t>(use.input(0)->shape.size());
  for (const int32_t axis : i32_values(use.input(1))) {
    if (axis < -rank || axis >= std::max(rank, 1)) return true;
  }
  return false;
}

bool pads_negatively(const OpUse& use) {
  const std::vector<int32_t> paddings = i32_values(use.input(1));
  return std::any_of(paddings.begin(), paddings.end(), [](int32_t value) { return value < 0; });
}

bool reverses_apart(const OpUse& use) {
  std::vector<int32_t> axes = i32_values(use.input(1));
  const auto rank = static_cast<int32_t>(use.input(0)->shape.size());
  for (int32_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::sort(axes.begin(), axes.end());
  for (size_t i = 1; i < axes.size(); ++i) {
    if (axes[i] != axes[i - 1] + 1) return true;
  }
  return false;
}

bool gathers_with_negative_batch(const OpUse& use) {
  return use.options<GatherOptions>().batch_dims < 0;
}
bool sets_both_resize_flags(const OpUse& use) {
  const auto options = use.options<ResizeBilinearOptions>();
  return options.align_corners && options.half_pixel_centers;
}
bool sets_both_nearest_flags(const OpUse& use) {
  const auto options = use.options<ResizeNearestNeighborOptions>();
  return options.align_corners && options.half_pixel_centers;
}
bool merges_outputs(const OpUse& use) {
  return use.options<BidirectionalSequenceLSTMOptions>().merge_outputs;
}
template <size_t kFirst>
bool has_state_that_is_no_variable(const OpUse& use) {
  for (const size_t position : {kFirst, kFirst + 1}) {
    if (use.input(position) == nullptr || !use.input(position)->is_variable) return true;
  }
  return false;
}
template <typename Table, int32_t Table::* kCount>
bool counts_other_outputs(const OpUse& use) {
  return static_cast<size_t>(use.options<Table>().*kCount) != use.op.outputs.size();
}
bool counts_other_inputs(const OpUse& use) {
  return static_cast<size_t>(use.options<PackOptions>().values_count) != use.op.inputs.size();
}
bool multiplies_runtime_i8(const OpUse& use) {
  const Tensor* right = use.input(1);
  return has_type(use.input(0), TensorType::kFloat32) && has_type(right, TensorType::kInt8) &&
         right->constant == nullptr;
}
bool says_other_output_type(const OpUse& use) {
  const ElementType stated = use.op.op == Op::kArgMax ? use.options<ArgMaxOptions>().output_type
                                                      : use.options<ArgMinOptions>().output_type;
  return use.output(0) == nullptr || use.output(0)->type != stated;
}
bool says_other_shape_type(const OpUse& use) {
  return use.output(0) == nullptr || use.output(0)->type != use.options<ShapeOptions>().out_type;
}
bool has_softmax_beta_zero(const OpUse& use) {
  return use.options<SoftmaxOptions>().beta == 0.0f;
}
bool has_fewer_than_two_inputs(const OpUse& use) {
  return use.op.inputs.size() < 2;
}

constexpr std::string_view kBiasNeeded = "needs a bias: without one the runtime fails or crashes";
constexpr std::string_view kLostActivation = "fuses TANH or SIGN_BIT, which the kernel ignores";
constexpr std::string_view kStride = "has a stride below 1";
constexpr std::string_view kDilation = "has a dilation below 1";
constexpr std::string_view kI32Shape = "takes its shape, axes or indices as int32 only";
constexpr std::string_view kAxis = "names an axis outside its input";
constexpr std::string_view kSameShape = "neither broadcasts nor checks shapes: they must be equal";
constexpr std::string_view kStates = "needs variable tensors as its states";
constexpr std::string_view kTanh = "computes wrongly unless its activation is TANH";
constexpr std::string_view kSameType = "needs inputs of one type";

constexpr OperatorRule kConv2dRules[] = {{kBiasNeeded, is_absent<2>},
                                         {kLostActivation, fuses_lost_activation<Conv2DOptions>},
                                         {kStride, has_no_stride<Conv2DOptions>},
                                         {kDilation, has_no_dilation<Conv2DOptions>}};
constexpr OperatorRule kDepthwiseRules[] = {
    {kBiasNeeded, is_absent<2>},
    {kLostActivation, fuses_lost_activation<DepthwiseConv2DOptions>},
    {kStride, has_no_stride<DepthwiseConv2DOptions>},
    {kDilation, has_no_dilation<DepthwiseConv2DOptions>}};
constexpr OperatorRule kTransposeConvRules[] = {{kI32Shape, is_not_i32<0>},
                                                {kStride, has_no_stride<TransposeConvOptions>}};
constexpr OperatorRule kFullyConnectedRules[] = {
    {kLostActivation, fuses_lost_activation<FullyConnectedOptions>}};
constexpr OperatorRule kPoolRules[] = {{kStride, has_no_stride<Pool2DOptions>}};
constexpr OperatorRule kAddRules[] = {{kLostActivation, fuses_lost_activation<AddOptions>},
                                      {kSameType, inputs_differ_in_type}};
constexpr OperatorRule kSubRules[] = {{kLostActivation, fuses_lost_activation<SubOptions>},
                                      {kSameType, inputs_differ_in_type}};
constexpr OperatorRule kMulRules[] = {{kLostActivation, fuses_lost_activation<MulOptions>},
                                      {kSameType, inputs_differ_in_type}};
constexpr OperatorRule kDivRules[] = {{kLostActivation, fuses_lost_activation<DivOptions>},
                                      {kSameType, inputs_differ_in_type}};
constexpr OperatorRule kBinaryRules[] = {{kSameType, inputs_differ_in_type}};
constexpr OperatorRule kSameShapeRules[] = {{kSameType, inputs_differ_in_type},
                                            {kSameShape, shapes_differ}};
constexpr OperatorRule kConcatenationRules[] = {
    {"ignores or refuses a fused activation", fuses_any_activation<ConcatenationOptions>},
    {kSameType, inputs_differ_in_type},
    {"copies raw integers: all inputs need the same scale and zero point",
     inputs_differ_in_parameters}};
constexpr OperatorRule kPackRules[] = {{"counts other inputs than it has", counts_other_inputs},
                                       {kSameType, inputs_differ_in_type}};
constexpr OperatorRule kAddNRules[] = {{"needs at least two inputs", has_fewer_than_two_inputs},
                                       {kSameType, inputs_differ_in_type}};
constexpr OperatorRule kTransposeRules[] = {
    {"needs an int32 permutation: with int64 it computes wrongly", is_not_i32<1>},
    {"needs a permutation of its axes", is_no_permutation}};
constexpr OperatorRule kReshapeRules[] = {
    {kI32Shape, is_not_i32<1>},
    {"has a 0 or two -1 in its shape, which the kernels read differently", reshapes_ambiguously}};
constexpr OperatorRule kReduceRules[] = {{kI32Shape, is_not_i32<1>}, {kAxis, has_axis_outside}};
constexpr OperatorRule kArgRules[] = {
    {"states another type than its output has", says_other_output_type}, {kAxis, has_axis_outside}};
constexpr OperatorRule kShapeRules[] = {
    {"states another type than its output has", says_other_shape_type}};
constexpr OperatorRule kPadRules[] = {{"refuses negative padding", pads_negatively}};
constexpr OperatorRule kReverseRules[] = {{kI32Shape, is_not_i32<1>},
                                          {"reverses neighbouring axes only", reverses_apart}};
constexpr OperatorRule kStridedSliceRules[] = {
    {kI32Shape, is_not_i32<1>}, {kI32Shape, is_not_i32<2>}, {kI32Shape, is_not_i32<3>}};
constexpr OperatorRule kScatterNdRules[] = {{kI32Shape, is_not_i32<0>}, {kI32Shape, is_not_i32<2>}};
constexpr OperatorRule kGatherRules[] = {
    {"misreads a negative batch_dims", gathers_with_negative_batch}};
constexpr OperatorRule kResizeRules[] = {
    {"sets both align_corners and half_pixel_centers", sets_both_resize_flags},
    {kI32Shape, is_not_i32<1>}};
constexpr OperatorRule kResizeNearestRules[] = {
    {"sets both align_corners and half_pixel_centers", sets_both_nearest_flags},
    {kI32Shape, is_not_i32<1>}};
constexpr OperatorRule kLstmRules[] = {{kStates, has_state_that_is_no_variable<18>},
                                       {kTanh, is_not_tanh<UnidirectionalSequenceLSTMOptions>}};
constexpr OperatorRule kBidirectionalLstmRules[] = {
    {"gives wrong values at random when it merges its outputs", merges_outputs},
    {kStates, has_state_that_is_no_variable<35>},
    {kStates, has_state_that_is_no_variable<37>},
    {kTanh, is_not_tanh<BidirectionalSequenceLSTMOptions>}};
constexpr OperatorRule kSplitRules[] = {
    {"counts other outputs than it has",
     counts_other_outputs<SplitOptions, &SplitOptions::num_splits>}};
constexpr OperatorRule kSplitVRules[] = {
    {"counts other outputs than it has",
     counts_other_outputs<SplitVOptions, &SplitVOptions::num_splits>}};
constexpr OperatorRule kUnpackRules[] = {
    {"counts other outputs than it has", counts_other_outputs<UnpackOptions, &UnpackOptions::num>}};
constexpr OperatorRule kBatchMatmulRules[] = {
    {"gives zeros for a right side of int8 that is no constant", multiplies_runtime_i8}};
constexpr OperatorRule kSoftmaxRules[] = {{"is uniform when beta is 0", has_softmax_beta_zero}};

// clang-format off
std::span<const OperatorRule> operator_rules_of(Op op) {
  switch (op) {
    case Op::kConv2d: return kConv2dRules;
    case Op::kDepthwiseConv2d: return kDepthwiseRules;
    case Op::kTransposeConv: return kTransposeConvRules;
    case Op::kFullyConnected: return kFullyConnectedRules;
    case Op::kAveragePool2d: case Op::kMaxPool2d: case Op::kL2Pool2d: return kPoolRules;
    case Op::kAdd: return kAddRules;
    case Op::kSub: return kSubRules;
    case Op::kMul: return kMulRules;
    case Op::kDiv: return kDivRules;
    case Op::kMaximum: case Op::kMinimum: case Op::kPow: case Op::kSquaredDifference:
    case Op::kFloorDiv: case Op::kFloorMod: case Op::kEqual: case Op::kNotEqual: case Op::kLess:
    case Op::kLessEqual: case Op::kGreater: case Op::kGreaterEqual: case Op::kLogicalAnd:
    case Op::kLogicalOr: case Op::kBitwiseXor: case Op::kRightShift:
      return kBinaryRules;
    case Op::kAtan2: case Op::kStablehloAdd: case Op::kStablehloMultiply: case Op::kStablehloAnd:
    case Op::kStablehloMaximum: case Op::kStablehloMinimum: case Op::kStablehloShiftLeft:
      return kSameShapeRules;
    case Op::kConcatenation: return kConcatenationRules;
    case Op::kPack: return kPackRules;
    case Op::kAddN: return kAddNRules;
    case Op::kTranspose: return kTransposeRules;
    case Op::kReshape: return kReshapeRules;
    case Op::kSum: case Op::kMean: case Op::kReduceMax: case Op::kReduceMin: case Op::kReduceProd:
    case Op::kReduceAny: case Op::kReduceAll:
      return kReduceRules;
    case Op::kArgMax: case Op::kArgMin: return kArgRules;
    case Op::kShape: return kShapeRules;
    case Op::kPad: case Op::kPadv2: case Op::kMirrorPad: return kPadRules;
    case Op::kReverseV2: return kReverseRules;
    case Op::kStridedSlice: return kStridedSliceRules;
    case Op::kScatterNd: return kScatterNdRules;
    case Op::kGather: return kGatherRules;
    case Op::kResizeBilinear: return kResizeRules;
    case Op::kResizeNearestNeighbor: return kResizeNearestRules;
    case Op::kUnidirectionalSequenceLstm: return kLstmRules;
    case Op::kBidirectionalSequenceLstm: return kBidirectionalLstmRules;
    case Op::kSplit: return kSplitRules;
    case Op::kSplitV: return kSplitVRules;
    case Op::kUnpack: return kUnpackRules;
    case Op::kBatchMatmul: return kBatchMatmulRules;
    case Op::kSoftmax: return kSoftmaxRules;
    default: return {};
  }
}
// clang-format on

std::string operand_types(const OpUse& use) {
  const std::string combination = combination_of(use);
  if (!combination.empty()) return combination;
  std::string text;
  for (size_t i = 0; i < use.op.inputs.size(); ++i) {
    if (use.input(i) == nullptr) continue;
    const auto key = type_key(*use.input(i));
    text += fmt::format("{}{}[rank {}]", text.empty() ? "" : ", ",
                        key ? to_string(*key) : to_string(use.input(i)->type),
                        use.input(i)->shape.size());
  }
  return text;
}

std::string_view consequence(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAccepted:
      return "is accepted for";
    case Verdict::kUntried:
      return "was never tried for";
    case Verdict::kRefused:
      return "is refused by the runtime for";
    case Verdict::kWrong:
      return "is computed wrongly for";
    case Verdict::kCrash:
      return "ends the process for";
  }
  return "?";
}

class OperatorVerifier {
 public:
  OperatorVerifier(const Model& model, const Subgraph& subgraph)
      : model_(model), subgraph_(subgraph) {}

  Diagnostics verify() && {
    for (position_ = 0; position_ < subgraph_.operators.size(); ++position_) {
      verify_operator(OpUse{subgraph_.operators[position_], subgraph_});
    }
    return std::move(found_);
  }

 private:
  void fail(std::string_view complaint) {
    found_.add(operator_error(model_, subgraph_, position_, complaint));
  }

  void verify_operator(const OpUse& use) {
    if (!is_registered(use.op.op)) return fail("has no kernel in the CPU runtime");
    if (use.op.op == Op::kCustom) return;
    if (!use.op.inputs.empty() && use.input(0) == nullptr) return fail("lacks its first input");
    for (const OperatorRule& rule : operator_rules_of(use.op.op)) {
      if (rule.is_broken(use)) fail(rule.complaint);
    }
    const Legality legality = check_legal(use);
    if (!legality.is_usable()) {
      fail(fmt::format("{} {}", consequence(legality.verdict), operand_types(use)));
    }
    const int32_t version = op_version(use.op, subgraph_);
    if (version > max_registered_version(use.op.op)) {
      fail(fmt::format("needs version {}, which the runtime lacks", version));
    }
  }

  const Model& model_;
  const Subgraph& subgraph_;
  size_t position_ = 0;
  Diagnostics found_;
};

}  // namespace

Diagnostics verify_operators(const Model& model) {
  Diagnostics found;
  for (const Subgraph& subgraph : model.subgraphs) {
    found.append(OperatorVerifier(model, subgraph).verify());
  }
  return found;
}

}  // namespace ferryman::tflite
