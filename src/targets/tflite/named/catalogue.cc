#include "targets/tflite/named/catalogue.h"

#include <flatbuffers/flexbuffers.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <limits>

#include "support/blob.h"
#include "support/json_text.h"
#include "targets/tflite/format/read.h"
#include "targets/tflite/format/write.h"
#include "targets/tflite/named/one_operator.h"
#include "targets/tflite/named/option_values.h"
#include "targets/tflite/named/without_custom.h"
#include "targets/tflite/runtime/output_table.h"

namespace ferryman::tflite {

namespace {

using simdjson::dom::element;

Diag malformed(std::string what) {
  return Diag::error(DiagCode::kBadOption, std::move(what));
}

// ---- the list ----

std::string joined(const std::vector<std::string>& items) {
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string to_json(const OptionSpec& spec) {
  std::vector<std::string> words;
  for (const std::string& word : spec.words) words.push_back(json_quote(word));
  return fmt::format(R"({{"name": "{}", "type": "{}", "default": {}, "words": {}}})", spec.name,
                     spec.type, spec.default_value, joined(words));
}

int count_or_any(size_t count) {
  return count == kAnyNumber ? -1 : static_cast<int>(count);
}

std::vector<std::string> options_of(Op op) {
  std::vector<std::string> options;
  for (const OptionSpec& spec : option_specs(op)) options.push_back(to_json(spec));
  if (declares_type(op)) {
    OptionSpec result_type{"result_type", "str", R"("FLOAT32")"};
    for (int code = 0; code < kNumTensorTypes; ++code)
      result_type.words.emplace_back(to_string(static_cast<TensorType>(code)));
    options.push_back(to_json(result_type));
  }
  return options;
}

std::string to_json(const OutputRow& row) {
  return fmt::format(
      R"({{"name": "{}", "op": "{}", "min_inputs": {}, "max_inputs": {}, "num_outputs": {}, )"
      R"("is_pointwise": {}, "options": {}}})",
      to_string(row.op), named_operator(row.op), row.min_inputs, count_or_any(row.max_inputs),
      count_or_any(row.num_outputs), is_pointwise(row.op), joined(options_of(row.op)));
}

// ---- tensors ----

std::optional<DType> dtype_named(std::string_view name) {
  for (int i = 0; i < kNumDTypes; ++i)
    if (torch_name(static_cast<DType>(i)) == name) return static_cast<DType>(i);
  return std::nullopt;
}

Result<std::vector<int32_t>> small_numbers(element value) {
  simdjson::dom::array items;
  if (value.get(items) != simdjson::SUCCESS) return malformed("no list of numbers");
  std::vector<int32_t> numbers;
  for (const element item : items) {
    int64_t number = 0;
    const bool fits = item.get(number) == simdjson::SUCCESS &&
                      number >= std::numeric_limits<int32_t>::min() &&
                      number <= std::numeric_limits<int32_t>::max();
    if (!fits) return malformed("a number of more than 32 bits");
    numbers.push_back(static_cast<int32_t>(number));
  }
  return numbers;
}

ConstantRef constant_from(const std::vector<int32_t>& numbers, DType dtype) {
  if (dtype == DType::kI64)
    return constant_of(std::vector<int64_t>(numbers.begin(), numbers.end()));
  return constant_of(numbers);
}

Result<OperandTensor> read_operand(element value) {
  if (value.is_null()) return OperandTensor();
  std::string_view dtype_name;
  element shape, constant;
  if (value["dtype"].get(dtype_name) != simdjson::SUCCESS ||
      value["shape"].get(shape) != simdjson::SUCCESS)
    return malformed("an operand without dtype and shape");
  const std::optional<DType> dtype = dtype_named(dtype_name);
  if (!dtype.has_value()) return malformed(fmt::format("operands of {} are not known", dtype_name));
  Tensor tensor{.type = *dtype};
  FERRYMAN_TRY(tensor.shape, small_numbers(shape));
  if (value["constant"].get(constant) == simdjson::SUCCESS) {
    FERRYMAN_TRY(const std::vector<int32_t> numbers, small_numbers(constant));
    tensor.constant = constant_from(numbers, *dtype);
  }
  return OperandTensor(std::move(tensor));
}

Result<std::vector<OperandTensor>> read_operands(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::array items;
  if (parser.parse(simdjson::padded_string(json)).get(items) != simdjson::SUCCESS)
    return malformed("operands that are no JSON");
  std::vector<OperandTensor> operands;
  for (const element item : items) {
    FERRYMAN_TRY(OperandTensor operand, read_operand(item));
    operands.push_back(std::move(operand));
  }
  return operands;
}

Result<std::string> tensors_json(const Subgraph& graph, const std::vector<TensorIndex>& tensors) {
  std::vector<std::string> items;
  for (const TensorIndex index : tensors) {
    const Tensor& tensor = graph.tensor(index);
    const std::optional<DType> dtype = dtype_of(tensor.type.code);
    if (!dtype.has_value())
      return malformed(fmt::format("'{}' is of {}, which PyTorch does not have", tensor.name,
                                   to_string(tensor.type)));
    items.push_back(fmt::format(R"({{"dtype": "{}", "shape": [{}]}})", torch_name(*dtype),
                                fmt::join(tensor.shape, ", ")));
  }
  return joined(items);
}

Result<Model> model_of(std::string_view code, std::string_view operands) {
  FERRYMAN_TRY(OperatorCall call, read_operator_call(code));
  FERRYMAN_TRY(std::vector<OperandTensor> tensors, read_operands(operands));
  return one_operator(std::move(call), std::move(tensors));
}

// ---- FlexBuffers ----

Status add_value(flexbuffers::Builder& builder, element value) {
  switch (value.type()) {
    case simdjson::dom::element_type::OBJECT: {
      const size_t start = builder.StartMap();
      for (const auto& [key, item] : simdjson::dom::object(value)) {
        builder.Key(key.data(), key.size());
        FERRYMAN_TRY_STATUS(add_value(builder, item));
      }
      builder.EndMap(start);
      return {};
    }
    case simdjson::dom::element_type::ARRAY: {
      const size_t start = builder.StartVector();
      for (const element item : simdjson::dom::array(value))
        FERRYMAN_TRY_STATUS(add_value(builder, item));
      builder.EndVector(start, /*typed=*/false, /*fixed=*/false);
      return {};
    }
    case simdjson::dom::element_type::STRING: {
      const std::string_view text(value);
      builder.String(text.data(), text.size());
      return {};
    }
    case simdjson::dom::element_type::INT64:
      builder.Int(int64_t(value));
      return {};
    case simdjson::dom::element_type::DOUBLE:
      builder.Double(double(value));
      return {};
    case simdjson::dom::element_type::BOOL:
      builder.Bool(bool(value));
      return {};
    case simdjson::dom::element_type::NULL_VALUE:
      builder.Null();
      return {};
    default:
      return malformed("a number that is too large");
  }
}

}  // namespace

std::string operators_json() {
  std::vector<std::string> operators;
  for (int32_t code = 0; code < kNumOps; ++code) {
    const Op op = *op_from_code(code);
    if (can_be_named(op)) operators.push_back(to_json(*output_row(op)));
  }
  return joined(operators);
}

Result<std::string> outputs_json(std::string_view code, std::string_view operands) {
  FERRYMAN_TRY(const Model model, model_of(code, operands));
  const Subgraph& main = model.subgraphs.front();
  return tensors_json(main, main.outputs);
}

Result<std::vector<std::byte>> operator_file(std::string_view code, std::string_view operands) {
  FERRYMAN_TRY(const Model model, model_of(code, operands));
  return serialise_tflite(model);
}

Result<std::string> graph_ports_json(const std::string& path) {
  FERRYMAN_TRY(const BlobRef file, map_file(path));
  FERRYMAN_TRY(const Model model, read_tflite(file));
  if (model.subgraphs.empty()) return malformed(fmt::format("'{}' has no graph", path));
  const Subgraph& main = model.subgraphs.front();
  FERRYMAN_TRY(const std::string inputs, tensors_json(main, main.inputs));
  FERRYMAN_TRY(const std::string outputs, tensors_json(main, main.outputs));
  return fmt::format(R"({{"inputs": {}, "outputs": {}}})", inputs, outputs);
}

Result<std::string> fed_tensors_json(const std::string& path, const std::string& output_path) {
  FERRYMAN_TRY(const std::vector<FedTensor> fed, write_without_custom(path, output_path));
  std::vector<std::string> items;
  for (const FedTensor& one : fed)
    items.push_back(fmt::format(R"({{"tensor": {}, "op": {}}})", one.tensor, json_quote(one.op)));
  return joined(items);
}

Result<std::vector<std::byte>> flexbuffer(std::string_view json) {
  simdjson::dom::parser parser;
  element value;
  if (parser.parse(simdjson::padded_string(json)).get(value) != simdjson::SUCCESS)
    return malformed("options that are no JSON");
  flexbuffers::Builder builder;
  FERRYMAN_TRY_STATUS(add_value(builder, value));
  builder.Finish();
  const std::vector<uint8_t>& bytes = builder.GetBuffer();
  const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
  return std::vector<std::byte>(first, first + bytes.size());
}

}  // namespace ferryman::tflite
