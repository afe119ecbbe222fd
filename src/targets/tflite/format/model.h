// The target IR: a TFLite model as plain structs. Lowering fills it, the writer streams it into a
// file, the reader makes it from one.
//
//   Model model;
//   Subgraph& main = model.subgraphs.emplace_back(Subgraph{.name = "main"});
//   TensorIndex x = main.add({.name = "x", .type = DType::kF32, .shape = {1, 8}});
//   TensorIndex y = main.add({.name = "y", .type = DType::kF32, .shape = {1, 8}});
//   main.operators.push_back({.op = Op::kRelu, .inputs = {x}, .outputs = {y}});
//   main.inputs = {x};
//   main.outputs = {y};
//   FERRYMAN_TRY_STATUS(write_tflite(model, "relu.tflite"));
//
// Nothing here is enforced by the types: verify_model (verify.h) tells whether a model may be
// written. Operators stand in execution order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/diagnostic.h"
#include "targets/tflite/format/constant.h"
#include "targets/tflite/format/op_table.h"
#include "targets/tflite/format/options.h"
#include "targets/tflite/format/types.h"

namespace ferryman::tflite {

using TensorIndex = int32_t;
inline constexpr TensorIndex kAbsent = -1;  // an optional input that is left out

// real = scale * (stored - zero_point); one pair per tensor, or one per index of `axis`.
struct Quantization {
  std::vector<float> scale = {};
  std::vector<int64_t> zero_point = {};
  int32_t axis = 0;
  bool operator==(const Quantization&) const = default;
};

struct Tensor {
  std::string name = {};
  ElementType type = {};
  // A dynamic dimension has a placeholder here, usually 1, and -1 in the signature, which is empty
  // if all dimensions are static.
  std::vector<int32_t> shape = {};
  std::vector<int32_t> shape_signature = {};
  ConstantRef constant = {};  // null: not a constant
  std::optional<Quantization> quantization = {};
  bool is_variable = false;  // state: starts at zero, has no constant
};

struct Operator {
  Op op = Op::kAdd;
  std::vector<TensorIndex> inputs = {};
  std::vector<TensorIndex> outputs = {};
  Options options = {};  // default ones stand for those of the operator's table
  std::vector<TensorIndex> intermediates = {};  // quantised LSTM only
  int32_t location = -1;  // number in Model::places; -1: no place of the user's
};

struct Subgraph {
  std::string name = {};
  std::vector<Tensor> tensors = {};
  std::vector<TensorIndex> inputs = {};
  std::vector<TensorIndex> outputs = {};
  std::vector<Operator> operators = {};

  TensorIndex add(Tensor tensor) {
    tensors.push_back(std::move(tensor));
    return static_cast<TensorIndex>(tensors.size() - 1);
  }
  const Tensor& tensor(TensorIndex index) const { return tensors[static_cast<size_t>(index)]; }
};

struct NamedTensor {
  std::string name = {};
  TensorIndex tensor = 0;
  bool operator==(const NamedTensor&) const = default;
};

// A named entry point. Aliases are unique within each list.
struct Signature {
  std::string key = "serving_default";
  uint32_t subgraph = 0;
  std::vector<NamedTensor> inputs = {};
  std::vector<NamedTensor> outputs = {};
  bool operator==(const Signature&) const = default;
};

struct MetadataEntry {
  std::string name = {};
  std::vector<std::byte> content = {};
  bool operator==(const MetadataEntry&) const = default;
};

struct Model {
  std::vector<Subgraph> subgraphs = {};  // the first is the main graph
  std::vector<Signature> signatures = {};
  std::string description = {};
  // Without "min_runtime_version" and "buffer_location", which the writer states itself.
  std::vector<MetadataEntry> metadata = {};
  // Where operators come from, for errors; not a part of the file.
  std::vector<SourceLocation> places = {};
};

}  // namespace ferryman::tflite
