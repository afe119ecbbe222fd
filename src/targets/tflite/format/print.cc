#include "targets/tflite/format/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <set>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "targets/tflite/format/option_fields.h"
#include "targets/tflite/runtime/legality.h"
#include "targets/tflite/runtime/op_version.h"
#include "targets/tflite/runtime/runtime_version.h"

namespace ferryman::tflite {

namespace {

constexpr int64_t kMaxShownElems = 16;

std::string dim_text(const Tensor& tensor, size_t axis) {
  const bool is_dynamic =
      axis < tensor.shape_signature.size() && tensor.shape_signature[axis] == -1;
  return is_dynamic ? "?" : std::to_string(tensor.shape[axis]);
}

std::string type_text(const Tensor& tensor) {
  const std::optional<TypeKey> key = type_key(tensor);
  std::string text(key ? to_string(*key) : to_string(tensor.type));
  text += "[";
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    text += (axis == 0 ? "" : ",") + dim_text(tensor, axis);
  }
  text += "]";
  if (!is_quantised(tensor)) return text;
  const Quantization& quantization = *tensor.quantization;
  if (quantization.scale.size() > 1) {
    return text + fmt::format("(per axis {})", quantization.axis);
  }
  return text + fmt::format("({}, {})", quantization.scale[0], quantization.zero_point[0]);
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("_./:-+", c) != nullptr;
  });
}

// Quotes what a name from a file may hold, so that the text stays one line per operator.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += std::string("\\") + c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string value_text(bool value) {
  return value ? "true" : "false";
}
std::string value_text(int32_t value) {
  return std::to_string(value);
}
std::string value_text(int64_t value) {
  return std::to_string(value);
}
std::string value_text(float value) {
  return fmt::format("{}", value);
}
std::string value_text(const std::string& value) {
  return quoted(value);
}
std::string value_text(const std::vector<std::byte>& value) {
  return fmt::format("<{} bytes>", value.size());
}
template <typename Element>
std::string value_text(const std::vector<Element>& values) {
  std::string text;
  for (const Element value : values) text += (text.empty() ? "" : ",") + value_text(value);
  return "[" + text + "]";
}
template <typename Enum>
  requires std::is_enum_v<Enum> || std::is_same_v<Enum, ElementType>
std::string value_text(Enum value) {
  return std::string(to_string(value));
}

// "name=value" of every field that is not at its default.
std::string options_text(const Operator& op) {
  if (const auto* custom = op.options.get_if<CustomOptions>()) {
    return fmt::format(" {{{}, <{} bytes>}}", quoted(custom->name), custom->bytes.size());
  }
  std::map<std::string_view, std::string> defaults;
  visit_fields(default_options(op.op), [&](const auto& field, const auto& value) {
    defaults.emplace(field.name, value_text(value));
  });
  std::string text;
  visit_fields(op.options, [&](const auto& field, const auto& value) {
    const std::string shown = value_text(value);
    if (defaults[field.name] == shown) return;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", field.name, shown);
  });
  return text.empty() ? "" : " {" + text + "}";
}

template <typename T>
std::vector<std::string> elements_as_text(const ConstantSource& constant) {
  std::vector<T> values(static_cast<size_t>(constant.num_bytes()) / sizeof(T));
  constant.read(0, std::as_writable_bytes(std::span(values)));
  std::vector<std::string> texts;
  for (const T value : values) texts.push_back(fmt::format("{}", value));
  return texts;
}

// Nests the elements by the shape: [[0,0],[1,1]].
std::string nested(const std::vector<int32_t>& shape, size_t axis,
                   std::span<const std::string> elements) {
  if (axis == shape.size()) return elements.empty() ? "" : elements.front();
  const auto count = static_cast<size_t>(shape[axis]);
  const size_t step = count == 0 ? 0 : elements.size() / count;
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += (i == 0 ? "" : ",") + nested(shape, axis + 1, elements.subspan(i * step, step));
  }
  return "[" + text + "]";
}

// The values of a small plain constant of a usual type; empty for others.
std::string literal_text(const Tensor& tensor) {
  if (tensor.constant == nullptr || tensor.quantization) return {};
  int64_t num_elems = 1;
  for (const int32_t dim : tensor.shape) {
    num_elems *= dim;
    if (num_elems > kMaxShownElems) return {};
  }
  const int64_t num_bytes = tensor.constant->num_bytes();
  if (num_bytes * 8 != num_elems * bits_per_element(tensor.type.code)) return {};
  std::vector<std::string> elements;
  switch (tensor.type.code) {
    case TensorType::kInt32:
      elements = elements_as_text<int32_t>(*tensor.constant);
      break;
    case TensorType::kInt64:
      elements = elements_as_text<int64_t>(*tensor.constant);
      break;
    case TensorType::kFloat32:
      if (num_elems > 1) return {};
      elements = elements_as_text<float>(*tensor.constant);
      break;
    default:
      return {};
  }
  return nested(tensor.shape, 0, elements);
}

class Printer {
 public:
  explicit Printer(const Model& model) : model_(model) {}

  std::string print() {
    text_ = fmt::format("tflite {}  // runtime {} or later\n", quoted(model_.description),
                        to_string(runtime_need(model_)));
    for (const Signature& signature : model_.signatures) print_signature(signature);
    for (const Subgraph& subgraph : model_.subgraphs) print_subgraph(subgraph);
    print_constants();
    return std::move(text_);
  }

 private:
  using Names = std::vector<std::string>;

  static Names tensor_names(const Subgraph& subgraph);
  std::string operand(const Subgraph& subgraph, const Names& names, TensorIndex index);
  std::string list(const Subgraph& subgraph, const Names& names,
                   const std::vector<TensorIndex>& indices);
  void print_signature(const Signature& signature);
  void print_subgraph(const Subgraph& subgraph);
  void print_operator(const Subgraph& subgraph, const Names& names, const Operator& op);
  void print_constants();

  const Model& model_;
  std::string text_;
  size_t num_operators_ = 0;
  std::vector<std::string> constant_lines_;
  std::set<std::pair<const Subgraph*, TensorIndex>> listed_;
  std::unordered_map<const ConstantSource*, uint64_t> hashes_;
  std::map<std::pair<uint64_t, int64_t>, int64_t> distinct_;  // hash and size of each content
};

Printer::Names Printer::tensor_names(const Subgraph& subgraph) {
  std::unordered_map<std::string, int> uses;
  for (const Tensor& tensor : subgraph.tensors) ++uses[tensor.name];
  Names names;
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
    const std::string& name = subgraph.tensors[i].name;
    std::string shown = is_plain_name(name) || name.empty() ? name : quoted(name);
    if (name.empty() || uses[name] > 1) shown += fmt::format("#{}", i);
    names.push_back(std::move(shown));
  }
  return names;
}

std::string Printer::operand(const Subgraph& subgraph, const Names& names, TensorIndex index) {
  if (index == kAbsent) return "_";
  const Tensor& tensor = subgraph.tensor(index);
  const std::string& name = names[static_cast<size_t>(index)];
  if (tensor.constant == nullptr) return "%" + name;
  std::string literal = literal_text(tensor);
  if (!literal.empty()) return literal;

  if (listed_.emplace(&subgraph, index).second) {
    const ConstantSource* source = tensor.constant.get();
    const auto [known, is_new] = hashes_.emplace(source, 0);
    if (is_new) known->second = content_hash(*source);
    constant_lines_.push_back(fmt::format("  @{} {} {} bytes {:016x}\n", name, type_text(tensor),
                                          source->num_bytes(), known->second));
    distinct_[{known->second, source->num_bytes()}] = source->num_bytes();
  }
  return "@" + name;
}

std::string Printer::list(const Subgraph& subgraph, const Names& names,
                          const std::vector<TensorIndex>& indices) {
  std::string text;
  for (const TensorIndex index : indices) {
    text += (text.empty() ? "" : ", ") + operand(subgraph, names, index);
  }
  return text;
}

void Printer::print_signature(const Signature& signature) {
  const Subgraph& subgraph = model_.subgraphs[signature.subgraph];
  const Names names = tensor_names(subgraph);
  const auto aliases = [&](const std::vector<NamedTensor>& tensors) {
    std::string text;
    for (const NamedTensor& named : tensors) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", quoted(named.name),
                          operand(subgraph, names, named.tensor));
    }
    return text;
  };
  text_ += fmt::format("signature {} of graph {}: ({}) -> ({})\n", quoted(signature.key),
                       signature.subgraph, aliases(signature.inputs), aliases(signature.outputs));
}

void Printer::print_operator(const Subgraph& subgraph, const Names& names, const Operator& op) {
  ++num_operators_;
  const int32_t version = op_version(op, subgraph);
  std::string results;
  std::string types;
  for (const TensorIndex output : op.outputs) {
    results += (results.empty() ? "%" : ", %") + names[static_cast<size_t>(output)];
    types += (types.empty() ? "" : ", ") + type_text(subgraph.tensor(output));
  }
  text_ += fmt::format("  {}{}{}{}({}){}{}{}\n", results, results.empty() ? "" : " = ",
                       to_string(op.op), version == 1 ? "" : fmt::format(" v{}", version),
                       list(subgraph, names, op.inputs), options_text(op),
                       types.empty() ? "" : " : ", types);
}

void Printer::print_subgraph(const Subgraph& subgraph) {
  const Names names = tensor_names(subgraph);
  std::string inputs;
  for (const TensorIndex input : subgraph.inputs) {
    if (!inputs.empty()) inputs += ", ";
    inputs += operand(subgraph, names, input);
    if (input != kAbsent) inputs += ": " + type_text(subgraph.tensor(input));
  }
  text_ += fmt::format("graph {}({}) -> ({}) {{\n", subgraph.name, inputs,
                       list(subgraph, names, subgraph.outputs));
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
    if (!subgraph.tensors[i].is_variable) continue;
    text_ += fmt::format("  variable %{}: {}\n", names[i], type_text(subgraph.tensors[i]));
  }
  for (const Operator& op : subgraph.operators) print_operator(subgraph, names, op);
  text_ += "}\n";
}

void Printer::print_constants() {
  if (!constant_lines_.empty()) text_ += "constants\n";
  for (const std::string& line : constant_lines_) text_ += line;
  int64_t num_bytes = 0;
  for (const auto& [content, size] : distinct_) num_bytes += size;
  text_ += fmt::format("{} operators, {} bytes of weights\n", num_operators_, num_bytes);
}

}  // namespace

std::string print_model(const Model& model) {
  return Printer(model).print();
}

}  // namespace ferryman::tflite
