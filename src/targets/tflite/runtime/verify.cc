#include "targets/tflite/runtime/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "targets/tflite/format/option_fields.h"
#include "targets/tflite/runtime/legality.h"
#include "targets/tflite/runtime/op_version.h"

namespace ferryman::tflite {

namespace {

// Number of bytes of a dense constant; nothing for types without a size, or beyond int64.
std::optional<int64_t> expected_bytes(const Tensor& tensor) {
  const int64_t bits = bits_per_element(tensor.type.code);
  if (bits == 0) return std::nullopt;
  int64_t num_elems = 1;
  for (const int32_t dim : tensor.shape) {
    if (dim != 0 && num_elems > std::numeric_limits<int64_t>::max() / bits / dim) {
      return std::nullopt;
    }
    num_elems *= dim;
  }
  return (num_elems * bits + 7) / 8;
}

// What a complaint is about; made where there is one.
using Describe = std::function<std::string()>;

class StructureVerifier {
 public:
  explicit StructureVerifier(const Model& model) : model_(model) {}

  Diagnostics verify() && {
    if (model_.subgraphs.empty()) fail("the model has no graph");
    for (const Subgraph& subgraph : model_.subgraphs) verify_subgraph(subgraph);
    verify_signatures();
    verify_metadata();
    return std::move(found_);
  }

 private:
  void fail(std::string what) { found_.add(Diag::error(DiagCode::kInternal, std::move(what))); }
  void fail_at(const Subgraph& subgraph, size_t position, std::string_view complaint) {
    found_.add(operator_error(model_, subgraph, position, complaint));
  }

  void verify_subgraph(const Subgraph& subgraph);
  void verify_tensor(const Subgraph& subgraph, size_t position);
  void verify_shape(const Tensor& tensor, const Describe& name);
  void verify_quantization(const Tensor& tensor, const Describe& name);
  bool verify_operator(const Subgraph& subgraph, size_t position);
  void verify_options(const Operator& op, const Describe& name);
  void verify_order(const Subgraph& subgraph);
  bool verify_indices(const Subgraph& subgraph, const std::vector<TensorIndex>& indices,
                      TensorIndex lowest, const Describe& owner);
  void verify_signatures();
  void verify_signature_list(const Signature& signature, const std::vector<NamedTensor>& list,
                             const std::vector<TensorIndex>& allowed, std::string_view role);
  void verify_metadata();

  const Model& model_;
  Diagnostics found_;
};

bool StructureVerifier::verify_indices(const Subgraph& subgraph,
                                       const std::vector<TensorIndex>& indices, TensorIndex lowest,
                                       const Describe& owner) {
  const auto count = static_cast<TensorIndex>(subgraph.tensors.size());
  for (const TensorIndex index : indices) {
    if (index >= lowest && index < count) continue;
    fail(fmt::format("{} refers to tensor {}, of {}", owner(), index, count));
    return false;
  }
  return true;
}

void StructureVerifier::verify_shape(const Tensor& tensor, const Describe& name) {
  for (const int32_t dim : tensor.shape) {
    if (dim < 0) fail(fmt::format("{} has a dimension {}", name(), dim));
  }
  if (tensor.shape_signature.empty()) return;
  if (tensor.shape_signature.size() != tensor.shape.size()) {
    fail(fmt::format("{} has a signature of another rank", name()));
    return;
  }
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    const int32_t dim = tensor.shape_signature[axis];
    if (dim != -1 && dim != tensor.shape[axis]) {
      fail(fmt::format("{} has dimension {} and signature {}", name(), tensor.shape[axis], dim));
    }
  }
}

void StructureVerifier::verify_quantization(const Tensor& tensor, const Describe& name) {
  const Quantization& quantization = *tensor.quantization;
  if (quantization.scale.size() != quantization.zero_point.size()) {
    fail(fmt::format("{} has {} scales and {} zero points", name(), quantization.scale.size(),
                     quantization.zero_point.size()));
  }
  if (quantization.scale.size() <= 1) return;
  const auto axis = static_cast<size_t>(quantization.axis);
  if (quantization.axis < 0 || axis >= tensor.shape.size() ||
      static_cast<size_t>(tensor.shape[axis]) != quantization.scale.size()) {
    fail(fmt::format("{} has {} scales along axis {}", name(), quantization.scale.size(),
                     quantization.axis));
  }
}

void StructureVerifier::verify_tensor(const Subgraph& subgraph, size_t position) {
  const Tensor& tensor = subgraph.tensors[position];
  const auto name = [&] { return fmt::format("tensor {} '{}'", position, tensor.name); };
  const size_t errors_before = found_.num_errors();
  verify_shape(tensor, name);
  if (tensor.quantization) verify_quantization(tensor, name);
  if (tensor.is_variable && (tensor.constant || !tensor.shape_signature.empty())) {
    fail(name() + " is a variable, which must be static and hold no constant");
  }
  if (tensor.constant == nullptr || found_.num_errors() != errors_before) return;
  const std::optional<int64_t> expected = expected_bytes(tensor);
  if (expected && tensor.constant->num_bytes() != *expected) {
    fail(fmt::format("{} holds {} bytes where its shape needs {}", name(),
                     tensor.constant->num_bytes(), *expected));
  }
  if (tensor.constant->num_bytes() > std::numeric_limits<uint32_t>::max()) {
    fail(name() + " is larger than 4 GB");
  }
}

// Subgraphs are named by options called …subgraph_index or …subgraph_indices.
void StructureVerifier::verify_options(const Operator& op, const Describe& name) {
  const bool is_custom = op.options.get_if<CustomOptions>() != nullptr;
  const bool is_default = op.options.is_default();
  if (is_custom != (op.op == Op::kCustom)) fail(name() + " and CustomOptions belong together");
  if (!is_custom && !is_default && option_table(op.options) != op_row(op.op).table) {
    fail(name() + " holds the options of another operator");
  }
  const auto verify_index = [&](int32_t index) {
    if (index < 0 || static_cast<size_t>(index) >= model_.subgraphs.size()) {
      fail(fmt::format("{} refers to graph {}, of {}", name(), index, model_.subgraphs.size()));
    }
  };
  visit_fields(op.options, [&](const auto& field, const auto& value) {
    if (field.name.find("subgraph_ind") == std::string_view::npos) return;
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, int32_t>) verify_index(value);
    if constexpr (std::is_same_v<Value, std::vector<int32_t>>) {
      for (const int32_t index : value) verify_index(index);
    }
  });
}

bool StructureVerifier::verify_operator(const Subgraph& subgraph, size_t position) {
  const Operator& op = subgraph.operators[position];
  if (static_cast<uint32_t>(op.op) >= kNumOps) {
    fail(fmt::format("operator {} of '{}' has code {}", position, subgraph.name,
                     static_cast<int32_t>(op.op)));
    return false;
  }
  const auto name = [&] { return describe_operator(subgraph, position); };
  verify_options(op, name);
  return verify_indices(subgraph, op.inputs, kAbsent, name) &&
         verify_indices(subgraph, op.outputs, 0, name) &&
         verify_indices(subgraph, op.intermediates, 0, name);
}

// Operators stand in execution order, and a tensor has one producer.
void StructureVerifier::verify_order(const Subgraph& subgraph) {
  std::vector<bool> is_available(subgraph.tensors.size(), false);
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
    is_available[i] = subgraph.tensors[i].constant != nullptr || subgraph.tensors[i].is_variable;
  }
  for (const TensorIndex input : subgraph.inputs) {
    if (input == kAbsent) continue;
    if (is_available[static_cast<size_t>(input)]) {
      fail(fmt::format("tensor '{}' is an input of '{}' and something else too",
                       subgraph.tensor(input).name, subgraph.name));
    }
    is_available[static_cast<size_t>(input)] = true;
  }
  for (size_t i = 0; i < subgraph.operators.size(); ++i) {
    const Operator& op = subgraph.operators[i];
    for (const TensorIndex input : op.inputs) {
      if (input == kAbsent || is_available[static_cast<size_t>(input)]) continue;
      fail_at(subgraph, i,
              fmt::format("reads '{}' before it is made", subgraph.tensor(input).name));
    }
    for (const TensorIndex output : op.outputs) {
      if (is_available[static_cast<size_t>(output)]) {
        fail_at(subgraph, i,
                fmt::format("makes '{}', which exists already", subgraph.tensor(output).name));
      }
      is_available[static_cast<size_t>(output)] = true;
    }
  }
  for (const TensorIndex output : subgraph.outputs) {
    if (is_available[static_cast<size_t>(output)]) continue;
    fail(fmt::format("output '{}' of '{}' is never made", subgraph.tensor(output).name,
                     subgraph.name));
  }
}

void StructureVerifier::verify_subgraph(const Subgraph& subgraph) {
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) verify_tensor(subgraph, i);
  const auto name = [&] { return fmt::format("graph '{}'", subgraph.name); };
  bool is_sound = verify_indices(subgraph, subgraph.inputs, kAbsent, name);
  is_sound = verify_indices(subgraph, subgraph.outputs, 0, name) && is_sound;
  for (size_t i = 0; i < subgraph.operators.size(); ++i) {
    is_sound = verify_operator(subgraph, i) && is_sound;
  }
  if (is_sound) verify_order(subgraph);
}

void StructureVerifier::verify_signature_list(const Signature& signature,
                                              const std::vector<NamedTensor>& list,
                                              const std::vector<TensorIndex>& allowed,
                                              std::string_view role) {
  std::set<std::string> names;
  for (const NamedTensor& named : list) {
    if (!names.insert(named.name).second) {
      fail(fmt::format("signature '{}' has two {}s '{}'", signature.key, role, named.name));
    }
    if (std::find(allowed.begin(), allowed.end(), named.tensor) == allowed.end()) {
      fail(fmt::format("{} '{}' of signature '{}' is no {} of its graph", role, named.name,
                       signature.key, role));
    }
  }
}

void StructureVerifier::verify_signatures() {
  std::set<std::string> keys;
  for (const Signature& signature : model_.signatures) {
    if (!keys.insert(signature.key).second) {
      fail(fmt::format("two signatures are called '{}'", signature.key));
    }
    if (signature.subgraph >= model_.subgraphs.size()) {
      fail(fmt::format("signature '{}' enters graph {}, of {}", signature.key, signature.subgraph,
                       model_.subgraphs.size()));
      continue;
    }
    const Subgraph& subgraph = model_.subgraphs[signature.subgraph];
    verify_signature_list(signature, signature.inputs, subgraph.inputs, "input");
    verify_signature_list(signature, signature.outputs, subgraph.outputs, "output");
  }
}

void StructureVerifier::verify_metadata() {
  for (const MetadataEntry& entry : model_.metadata) {
    if (entry.name == "min_runtime_version" || entry.name == "buffer_location") {
      fail(fmt::format("metadata '{}' is stated by the writer", entry.name));
    }
  }
}

// Its location, or that of the operator whose output it reads: copies at the end of a graph belong
// to what they copy.
int32_t place_of(const Subgraph& subgraph, size_t position) {
  const Operator* op = &subgraph.operators[position];
  for (size_t i = position; i-- > 0 && op->location < 0 && !op->inputs.empty();) {
    const std::vector<TensorIndex>& made = subgraph.operators[i].outputs;
    if (std::find(made.begin(), made.end(), op->inputs[0]) != made.end())
      op = &subgraph.operators[i];
  }
  return op->location;
}

}  // namespace

std::string describe_operator(const Subgraph& subgraph, size_t position) {
  return fmt::format("{} (operator {} of '{}')", to_string(subgraph.operators[position].op),
                     position, subgraph.name);
}

Diag operator_error(const Model& model, const Subgraph& subgraph, size_t position,
                    std::string_view complaint) {
  Diag error = Diag::error(DiagCode::kInternal,
                           fmt::format("{} {}", describe_operator(subgraph, position), complaint));
  const auto place = static_cast<size_t>(place_of(subgraph, position));
  if (place < model.places.size()) error.at(model.places[place]);
  return error;
}

Diagnostics verify_structure(const Model& model) {
  return StructureVerifier(model).verify();
}

Diagnostics verify_model(const Model& model) {
  Diagnostics found = verify_structure(model);
  if (found.has_errors()) return found;
  found.append(verify_calls(model));
  found.append(verify_operators(model));
  if (!found.has_errors()) found.append(verify_outputs(model));
  return found;
}

}  // namespace ferryman::tflite
