// Models for the unit tests of this folder.
#pragma once

#include <numeric>
#include <string>
#include <vector>

#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

inline std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

inline Tensor f32(std::string name, std::vector<int32_t> shape) {
  return {.name = std::move(name), .type = DType::kF32, .shape = std::move(shape)};
}
inline Tensor constant_f32(std::string name, std::vector<int32_t> shape,
                           const std::vector<float>& values) {
  Tensor tensor = f32(std::move(name), std::move(shape));
  tensor.constant = constant_of(values);
  return tensor;
}
inline Tensor constant_i32(std::string name, std::vector<int32_t> shape,
                           const std::vector<int32_t>& values) {
  return {.name = std::move(name),
          .type = DType::kI32,
          .shape = std::move(shape),
          .constant = constant_of(values)};
}

// One operator from `inputs` (constants stay constants) to `outputs`, with a signature.
inline Model one_op_model(Operator op, std::vector<Tensor> inputs, std::vector<Tensor> outputs) {
  Model model;
  model.description = "one operator";
  Subgraph& main = model.subgraphs.emplace_back(Subgraph{.name = "main"});
  Signature signature;
  for (Tensor& input : inputs) {
    const bool is_fed = input.constant == nullptr && !input.is_variable;
    const TensorIndex index = main.add(std::move(input));
    op.inputs.push_back(index);
    if (!is_fed) continue;
    main.inputs.push_back(index);
    signature.inputs.push_back({"in" + std::to_string(index), index});
  }
  for (Tensor& output : outputs) {
    const TensorIndex index = main.add(std::move(output));
    op.outputs.push_back(index);
    main.outputs.push_back(index);
    signature.outputs.push_back({"out" + std::to_string(index), index});
  }
  main.operators.push_back(std::move(op));
  model.signatures.push_back(std::move(signature));
  return model;
}

// A convolution by a permuted weight, an addition, and a reshape.
inline Model sample_model() {
  Model model;
  model.description = "sample";
  Subgraph& main = model.subgraphs.emplace_back(Subgraph{.name = "main"});
  const TensorIndex x = main.add(f32("x", {1, 4, 4, 3}));
  Tensor weight = f32("weight", {2, 2, 2, 3});
  weight.constant = tensor_constant(TensorData::of({2, 3, 2, 2}, ramp(24)).permuted({0, 2, 3, 1}));
  const TensorIndex w = main.add(std::move(weight));
  const TensorIndex bias = main.add(constant_f32("bias", {2}, {0.5f, -0.5f}));
  const TensorIndex conv = main.add(f32("conv", {1, 2, 2, 2}));
  const TensorIndex twice = main.add(constant_f32("twice", {1, 1, 2}, {0.5f, -0.5f}));
  const TensorIndex sum = main.add(f32("sum", {1, 2, 2, 2}));
  const TensorIndex shape = main.add(constant_i32("shape", {2}, {1, 8}));
  const TensorIndex y = main.add(f32("y", {1, 8}));
  main.inputs = {x};
  main.outputs = {y};
  main.operators = {
      {.op = Op::kConv2d,
       .inputs = {x, w, bias},
       .outputs = {conv},
       .options = Conv2DOptions{.padding = Padding::kValid, .stride_w = 2, .stride_h = 2}},
      {.op = Op::kAdd,
       .inputs = {conv, twice},
       .outputs = {sum},
       .options = AddOptions{.fused_activation_function = Activation::kRelu}},
      {.op = Op::kReshape,
       .inputs = {sum, shape},
       .outputs = {y},
       .options = ReshapeOptions{.new_shape = {1, 8}}}};
  model.signatures = {{.inputs = {{"x", x}}, .outputs = {{"y", y}}}};
  return model;
}

}  // namespace ferryman::tflite
