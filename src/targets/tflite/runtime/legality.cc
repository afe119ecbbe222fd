#include "targets/tflite/runtime/legality.h"

#include <algorithm>
#include <array>
#include <string>

#include "support/check.h"

namespace ferryman::tflite {

namespace {

enum class Delegation : uint8_t { kNotTaken, kDelegated, kWrongly, kFails };

using TypeSet = uint32_t;
using RankSet = uint16_t;

// Everything that was measured of an operator; an empty set of ranks means that none was
// tried on its own.
struct OpFacts {
  Op op;
  int32_t min_version = 1;
  int32_t max_version = 1;
  TypeSet accepted = 0;
  TypeSet refused = 0;
  TypeSet wrong = 0;
  TypeSet crash = 0;
  TypeSet xnnpack = 0;
  TypeSet results = 0;  // of CAST
  RankSet ranks = 0;
  RankSet ranks_refused = 0;
  RankSet ranks_xnnpack = 0;
  int two_sided_broadcast_rank = 0;
};

struct CombinationFacts {
  Op op;
  std::string_view label;
  Verdict verdict;
  Delegation delegation;
};

using enum TypeKey;

constexpr bool contains(TypeSet set, TypeKey key) {
  return (set >> static_cast<unsigned>(key) & 1u) != 0;
}
constexpr bool contains_rank(RankSet set, int rank) {
  return rank >= 0 && rank < 16 && (set >> rank & 1) != 0;
}

template <typename... Keys>
constexpr TypeSet types(Keys... keys) {
  return (TypeSet{0} | ... | (TypeSet{1} << static_cast<unsigned>(keys)));
}
template <typename... Ranks>
constexpr RankSet ranks(Ranks... values) {
  return static_cast<RankSet>((0u | ... | (1u << values)));
}

#include "targets/tflite/runtime/legality_table.inc"

const OpFacts* facts_of(Op op) {
  const auto* const found =
      std::lower_bound(std::begin(kOps), std::end(kOps), op,
                       [](const OpFacts& facts, Op o) { return facts.op < o; });
  return found == std::end(kOps) || found->op != op ? nullptr : found;
}

constexpr std::array<std::string_view, kNumTypeKeys> kTypeNames = {
    "f32", "f16",  "bf16", "f64",  "i8",  "i16", "i32", "i64", "u8",  "u16", "u32",
    "u64", "bool", "c64",  "c128", "str", "i4",  "i2",  "q8",  "qu8", "q16"};

Verdict verdict_of_type(const OpFacts& facts, TypeKey type) {
  if (contains(facts.accepted, type)) return Verdict::kAccepted;
  if (contains(facts.refused, type)) return Verdict::kRefused;
  if (contains(facts.wrong, type)) return Verdict::kWrong;
  if (contains(facts.crash, type)) return Verdict::kCrash;
  return Verdict::kUntried;
}

Verdict verdict_of_ranks(const OpFacts& facts, std::span<const int> operand_ranks) {
  Verdict verdict = Verdict::kAccepted;
  if (facts.ranks == 0) return verdict;  // no rank was tried on its own
  for (const int rank : operand_ranks) {
    if (contains_rank(facts.ranks_refused, rank)) return Verdict::kRefused;
    if (!contains_rank(facts.ranks, rank)) verdict = Verdict::kUntried;
  }
  return verdict;
}

bool takes_ranks(const OpFacts& facts, std::span<const int> operand_ranks) {
  return std::all_of(operand_ranks.begin(), operand_ranks.end(),
                     [&](int rank) { return contains_rank(facts.ranks_xnnpack, rank); });
}

// The worse of the two; enumerators are in that order.
Verdict worse(Verdict a, Verdict b) {
  return std::max(a, b);
}

// Which inputs carry the data that types and ranks are about.
size_t data_input(Op op) {
  switch (op) {
    case Op::kSplit:
    case Op::kSelect:
    case Op::kSelectV2:
    case Op::kFill:
    case Op::kScatterNd:
    case Op::kEmbeddingLookup:
      return 1;
    case Op::kTransposeConv:
    case Op::kConv3dTranspose:
    case Op::kSparseToDense:
    case Op::kOneHot:
      return 2;
    default:
      return 0;
  }
}

std::string name_of(const Tensor* tensor, std::string_view absent) {
  if (tensor == nullptr) return std::string(absent);
  const std::optional<TypeKey> key = type_key(*tensor);
  return std::string(key ? to_string(*key) : to_string(tensor->type));
}

bool is_weight_only_integer(const std::string& weight) {
  return weight == "q8" || weight == "i4" || weight == "i2";
}

template <typename Table>
bool has_i32_bias_type(const OpUse& use) {
  return use.options<Table>().quantized_bias_type == ElementType(TensorType::kInt32);
}

// Input, weight and bias stand at different places in TRANSPOSE_CONV.
std::string product_combination(const OpUse& use) {
  const bool is_transposed = use.op.op == Op::kTransposeConv;
  const std::string input = name_of(use.input(is_transposed ? 2 : 0), "");
  const Tensor* weight_tensor = use.input(1);
  const std::string weight = name_of(weight_tensor, "");
  const bool is_per_channel = weight_tensor != nullptr && weight_tensor->quantization &&
                              weight_tensor->quantization->scale.size() > 1;
  const std::string granularity = is_per_channel ? " per-channel" : " per-tensor";
  if (input == "f32" && is_weight_only_integer(weight)) {
    const bool is_asymmetric = use.op.op == Op::kFullyConnected &&
                               use.options<FullyConnectedOptions>().asymmetric_quantize_inputs;
    return "hybrid f32 x " + weight + granularity + (is_asymmetric ? " asymmetric" : "");
  }
  if (input == weight && !input.starts_with('q')) return input;
  if (!input.starts_with('q')) return input + " x " + weight + " weights";
  const std::string bias =
      name_of(use.input(is_transposed ? 3 : 2), input == "q16" ? "i64" : "i32");
  std::string text = input + " x " + weight + " + " + bias + granularity;
  if (input == "q16" && bias == "i32" &&
      (is_transposed ? has_i32_bias_type<TransposeConvOptions>(use)
                     : use.op.op == Op::kConv2d && has_i32_bias_type<Conv2DOptions>(use))) {
    text += ", quantized_bias_type=INT32";
  }
  return text;
}

std::string matmul_combination(const OpUse& use) {
  const std::string left = name_of(use.input(0), "");
  const std::string right = name_of(use.input(1), "");
  if (left == "f32" && right == "q8") {
    const bool is_constant = use.input(1)->constant != nullptr;
    const bool is_asymmetric = use.options<BatchMatMulOptions>().asymmetric_quantize_inputs;
    return std::string("hybrid f32 x q8 ") + (is_constant ? "const" : "in") +
           (is_asymmetric ? " asymmetric" : "");
  }
  if (left == right && left != "i8") return left;
  return left + "x" + right + ">" + name_of(use.output(0), "");
}

std::string conversion_combination(const OpUse& use) {
  const Tensor* source = use.input(0);
  const std::string from = name_of(source, "");
  const std::string to = name_of(use.output(0), "");
  if (use.op.op == Op::kQuantize) {
    const Tensor* target = use.output(0);
    const bool is_per_axis =
        target != nullptr && target->quantization && target->quantization->scale.size() > 1;
    return from + ">" + to + (is_per_axis ? " per-axis" : "");
  }
  const bool is_constant = source != nullptr && source->constant != nullptr;
  const bool is_per_axis =
      source != nullptr && source->quantization && source->quantization->scale.size() > 1;
  const std::string prefix = is_constant ? "const " : from.starts_with('q') ? "" : "in ";
  return prefix + from + (is_per_axis ? " per-axis" : "") + ">" + to;
}

Legality check_combination(const OpUse& use, const std::string& label) {
  for (const CombinationFacts& facts : kCombinations) {
    if (facts.op != use.op.op || facts.label != label) continue;
    return {.verdict = facts.verdict, .is_delegated = facts.delegation == Delegation::kDelegated};
  }
  return {};
}

int rank_of(const Tensor& tensor) {
  return static_cast<int>(tensor.shape.size());
}

// Of every operand if they broadcast, otherwise of the one that carries the data.
std::vector<int> data_ranks(const OpUse& use, const OpFacts& facts) {
  std::vector<int> found;
  const Tensor* data = use.input(data_input(use.op.op));
  if (data != nullptr) found.push_back(rank_of(*data));
  if (facts.two_sided_broadcast_rank == 0) return found;
  for (size_t i = 1; i < use.op.inputs.size(); ++i) {
    if (use.input(i) != nullptr) found.push_back(rank_of(*use.input(i)));
  }
  return found;
}

}  // namespace

std::string_view to_string(TypeKey key) {
  return kTypeNames[static_cast<size_t>(key)];
}

std::optional<TypeKey> type_key(const Tensor& tensor) {
  const std::optional<DType> dtype = dtype_of(tensor.type.code);
  switch (tensor.type.code) {
    case TensorType::kInt8:
      return is_quantised(tensor) ? kQ8 : kI8;
    case TensorType::kUint8:
      return is_quantised(tensor) ? kQu8 : kU8;
    case TensorType::kInt16:
      return is_quantised(tensor) ? kQ16 : kI16;
    case TensorType::kString:
      return kStr;
    case TensorType::kInt4:
      return kI4;
    case TensorType::kInt2:
      return kI2;
    default:
      break;
  }
  if (!dtype) return std::nullopt;
  return type_key(*dtype);
}

TypeKey type_key(DType dtype) {
  const std::string_view name = to_string(dtype);
  const auto* const found = std::find(kTypeNames.begin(), kTypeNames.end(), name);
  check(found != kTypeNames.end(), "a dtype without a type key");
  return static_cast<TypeKey>(found - kTypeNames.begin());
}

bool is_registered(Op op) {
  return op == Op::kCustom || facts_of(op) != nullptr;
}

int32_t max_registered_version(Op op) {
  const OpFacts* facts = facts_of(op);
  return facts == nullptr ? 0 : facts->max_version;
}

Legality check_legal(Op op, TypeKey type, std::span<const int> operand_ranks) {
  const OpFacts* facts = facts_of(op);
  if (facts == nullptr) return {.verdict = Verdict::kRefused};
  const Verdict verdict =
      worse(verdict_of_type(*facts, type), verdict_of_ranks(*facts, operand_ranks));
  return {.verdict = verdict,
          .is_delegated = contains(facts->xnnpack, type) && takes_ranks(*facts, operand_ranks)};
}

std::string combination_of(const OpUse& use) {
  switch (use.op.op) {
    case Op::kConv2d:
    case Op::kDepthwiseConv2d:
    case Op::kTransposeConv:
    case Op::kFullyConnected:
      return product_combination(use);
    case Op::kBatchMatmul:
      return matmul_combination(use);
    case Op::kQuantize:
    case Op::kDequantize:
      return conversion_combination(use);
    default:
      return {};
  }
}

Verdict check_types(const OpUse& use) {
  const std::string combination = combination_of(use);
  if (!combination.empty()) return check_combination(use, combination).verdict;
  const Tensor* data = use.input(data_input(use.op.op));
  const std::optional<TypeKey> key = data == nullptr ? std::nullopt : type_key(*data);
  return key.has_value() ? check_legal(use.op.op, *key, {}).verdict : Verdict::kUntried;
}

Legality check_legal(const OpUse& use) {
  const OpFacts* facts = facts_of(use.op.op);
  if (facts == nullptr) return {.verdict = Verdict::kRefused};
  const std::vector<int> found_ranks = data_ranks(use, *facts);
  const std::string combination = combination_of(use);
  if (!combination.empty()) {
    Legality legality = check_combination(use, combination);
    legality.verdict = worse(legality.verdict, verdict_of_ranks(*facts, found_ranks));
    return legality;
  }
  const Tensor* data = use.input(data_input(use.op.op));
  if (data == nullptr) return {};
  const std::optional<TypeKey> key = type_key(*data);
  if (!key) return {};
  Legality legality = check_legal(use.op.op, *key, found_ranks);
  if (facts->results != 0 && use.output(0) != nullptr) {
    const std::optional<TypeKey> result = type_key(*use.output(0));
    const bool is_known = result && contains(facts->results, *result);
    if (!is_known) legality.verdict = worse(legality.verdict, Verdict::kRefused);
  }
  return legality;
}

}  // namespace ferryman::tflite
