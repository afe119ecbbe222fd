#include "targets/tflite/named/operator_call.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "ops/foreign/foreign.h"
#include "targets/tflite/named/option_values.h"
#include "targets/tflite/runtime/output_rules.h"
#include "targets/tflite/runtime/output_table.h"

namespace ferryman::tflite {

namespace {

using simdjson::dom::element;

constexpr std::string_view kPrefix = "tfl_";
constexpr std::string_view kConstants = "constants";
constexpr std::string_view kResultType = "result_type";

// Of the shape of their input, but looking along an axis.
constexpr std::array kAlongAnAxis = {Op::kL2Normalization, Op::kLocalResponseNormalization,
                                     Op::kLogSoftmax,      Op::kSoftmax,
                                     Op::kCumsum,          Op::kMatrixSetDiag,
                                     Op::kReverseSequence};

template <size_t N>
bool is_one_of(Op op, const std::array<Op, N>& ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

Diag bad(std::string what) {
  return Diag::error(DiagCode::kBadOption, std::move(what));
}

char in_case(char letter, char from, char to) {
  return letter >= from && letter <= from + 25 ? static_cast<char>(letter - from + to) : letter;
}

std::string in_capitals(std::string_view text) {
  std::string capitals(text);
  for (char& letter : capitals) letter = in_case(letter, 'a', 'A');
  return capitals;
}

// ---- operands that are numbers ----

Status add_numbers(element value, size_t depth, NumberOperand& operand) {
  simdjson::dom::array items;
  if (value.get(items) != simdjson::SUCCESS) {
    int64_t number = 0;
    const bool fits = value.get(number) == simdjson::SUCCESS &&
                      number >= std::numeric_limits<int32_t>::min() &&
                      number <= std::numeric_limits<int32_t>::max();
    if (!fits || depth != operand.shape.size())
      return bad("an operand that is no block of whole numbers of 32 bits");
    operand.values.push_back(static_cast<int32_t>(number));
    return {};
  }
  const auto extent = static_cast<int32_t>(items.size());
  if (depth == operand.shape.size() && operand.values.empty()) operand.shape.push_back(extent);
  if (depth >= operand.shape.size() || operand.shape[depth] != extent)
    return bad("an operand whose rows are of different lengths");
  for (const element item : items) FERRYMAN_TRY_STATUS(add_numbers(item, depth + 1, operand));
  return {};
}

Status read_constants(element value, OperatorCall& call) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return bad("constants that are no text");
  simdjson::dom::parser parser;
  simdjson::dom::object places;
  if (parser.parse(simdjson::padded_string(text)).get(places) != simdjson::SUCCESS)
    return bad("constants that are no JSON");
  for (const auto& [place, numbers] : places) {
    size_t index = 0;
    const auto read = std::from_chars(place.data(), place.data() + place.size(), index);
    if (read.ec != std::errc() || index > kMaxNamedInputs) return bad("a constant at no place");
    NumberOperand operand;
    FERRYMAN_TRY_STATUS(add_numbers(numbers, 0, operand));
    call.constants.emplace(index, std::move(operand));
  }
  return {};
}

// ---- arguments ----

Status read_result_type(element value, OperatorCall& call) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return bad("a type that is no text");
  for (int code = 0; code < kNumTensorTypes; ++code)
    if (to_string(static_cast<TensorType>(code)) == text)
      call.result_type = static_cast<TensorType>(code);
  return call.result_type.has_value() ? Status() : bad(fmt::format("'{}' is no type", text));
}

Status read_argument(std::string_view name, element value, OperatorCall& call) {
  if (name == kConstants) return read_constants(value, call);
  if (name == kResultType && declares_type(call.op)) return read_result_type(value, call);
  return set_option(call.options, name, value);
}

Result<std::vector<std::byte>> bytes_of(std::string_view digits) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    unsigned byte = 0;
    const auto read = std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
    if (read.ec != std::errc() || read.ptr != digits.data() + i + 2)
      return bad("options that are no hexadecimal digits");
    bytes.push_back(static_cast<std::byte>(byte));
  }
  return bytes;
}

Result<std::string> text_at(element arguments, std::string_view name) {
  std::string_view text;
  if (arguments[name].get(text) != simdjson::SUCCESS)
    return bad(fmt::format("argument '{}' is missing", name));
  return std::string(text);
}

Result<OperatorCall> read_custom(element arguments) {
  CustomOptions options;
  FERRYMAN_TRY(options.name, text_at(arguments, "name"));
  std::string_view digits;
  if (arguments["options"].get(digits) == simdjson::SUCCESS) {
    FERRYMAN_TRY(options.bytes, bytes_of(digits));
  }
  int64_t version = 1;
  if (arguments["version"].get(version) == simdjson::SUCCESS)
    options.version = static_cast<int32_t>(version);
  return OperatorCall{.op = Op::kCustom, .options = std::move(options)};
}

Result<OperatorCall> read_builtin(std::string_view name, element arguments) {
  const std::optional<Op> op = op_from_name(in_capitals(name));
  if (!op.has_value() || !can_be_named(*op))
    return bad(fmt::format("there is no operator '{}' that can be named", in_capitals(name)));
  OperatorCall call{.op = *op, .options = default_options(*op)};
  simdjson::dom::object fields;
  if (arguments.get(fields) != simdjson::SUCCESS) return bad("an operator without arguments");
  for (const auto& [field, value] : fields) {
    if (value.is_null()) continue;
    FERRYMAN_TRY_STATUS(read_argument(field, value, call));
  }
  return call;
}

Diag of_another_target(std::string_view code, element root) {
  std::string_view target;
  const bool is_named = root.is_object() && root["target"].get(target) == simdjson::SUCCESS;
  return Diag::error(DiagCode::kNotOnTarget,
                     fmt::format("'{}' has no TFLite form", foreign_name(code)))
      .because(fmt::format("it is code for {}", is_named ? target : "another target"))
      .hint(
          "convert for that target, or give TFLite a converter of its own: "
          "@ferryman.converter(…, target=\"tflite\")");
}

}  // namespace

bool can_be_named(Op op) {
  // What QUANTIZE and DENSIFY read is not in the tensors of a program, and two draws are not one.
  constexpr std::array kNotNamed = {Op::kIf,           Op::kWhile,       Op::kQuantize,
                                    Op::kDensify,      Op::kMultinomial, Op::kRandomStandardNormal,
                                    Op::kRandomUniform};
  return output_row(op) != nullptr && !is_one_of(op, kNotNamed);
}

bool is_pointwise(Op op) {
  const OutputRow* row = output_row(op);
  if (row == nullptr || is_one_of(op, kAlongAnAxis)) return false;
  constexpr std::array kRules = {infer_like_first, infer_elementwise, infer_comparison,
                                 infer_cast,       infer_prelu,       infer_select_v2,
                                 infer_add_n,      infer_real_part,   infer_int32_like_first};
  return std::find(kRules.begin(), kRules.end(), row->infer) != kRules.end();
}

bool declares_type(Op op) {
  return op == Op::kBitcast || op == Op::kDequantize;
}

std::string named_operator(Op op) {
  std::string name(kPrefix);
  for (const char letter : to_string(op)) name += in_case(letter, 'A', 'a');
  return name;
}

Result<OperatorCall> read_operator_call(std::string_view code) {
  simdjson::dom::parser parser;
  element root;
  std::string_view name;
  if (parser.parse(simdjson::padded_string(code)).get(root) != simdjson::SUCCESS)
    return bad("code that is no JSON");
  if (root["op"].get(name) != simdjson::SUCCESS || !name.starts_with(kPrefix))
    return of_another_target(code, root);
  name.remove_prefix(kPrefix.size());
  element arguments;
  if (root["arguments"].get(arguments) != simdjson::SUCCESS)
    return bad("an operator without arguments");
  if (name == "custom") return read_custom(arguments);
  if (name != "graph") return read_builtin(name, arguments);
  OperatorCall call;
  FERRYMAN_TRY(call.graph_path, text_at(arguments, "path"));
  return call;
}

std::string describe(const OperatorCall& call) {
  if (call.is_graph()) return fmt::format("the graph of '{}'", call.graph_path);
  const auto* custom = call.options.get_if<CustomOptions>();
  if (custom != nullptr) return fmt::format("custom operator '{}'", custom->name);
  return std::string(to_string(call.op));
}

}  // namespace ferryman::tflite
