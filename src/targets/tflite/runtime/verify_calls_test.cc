#include <gtest/gtest.h>

#include "targets/tflite/format/sample_model.h"
#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {
namespace {

Tensor i32(std::vector<int32_t> shape) {
  return {.name = "n", .type = DType::kI32, .shape = std::move(shape)};
}

// while n < 3: n = n + 1
Model counting_model() {
  Model model =
      one_op_model({.op = Op::kWhile, .options = WhileOptions{1, 2}}, {i32({})}, {i32({})});
  Subgraph condition{.name = "condition"};
  condition.inputs = {condition.add(i32({}))};
  const TensorIndex end = condition.add(constant_i32("end", {}, {3}));
  condition.outputs = {condition.add({.name = "continues", .type = DType::kBool})};
  condition.operators = {{.op = Op::kLess, .inputs = {0, end}, .outputs = condition.outputs}};
  Subgraph body{.name = "body"};
  body.inputs = {body.add(i32({}))};
  const TensorIndex one = body.add(constant_i32("one", {}, {1}));
  body.outputs = {body.add(i32({}))};
  body.operators = {{.op = Op::kAdd, .inputs = {0, one}, .outputs = body.outputs}};
  model.subgraphs.push_back(std::move(condition));
  model.subgraphs.push_back(std::move(body));
  return model;
}

std::string complaints(const Model& model) {
  const Diagnostics found = verify_calls(model);
  std::string text;
  for (const Diag& diag : found.all()) text += diag.what + "\n";
  return text;
}

TEST(VerifyCalls, SoundLoopHasNoComplaint) {
  EXPECT_FALSE(verify_model(counting_model()).has_errors());
}

TEST(VerifyCalls, VariablesOfOtherShapesOrNumbers) {
  Model model = counting_model();
  model.subgraphs[2].tensors[0].shape = {1};
  model.subgraphs[1].inputs.clear();
  EXPECT_EQ(complaints(model),
            "WHILE (operator 0 of 'main') and the inputs of its condition differ in number: 1 and "
            "0\n"
            "WHILE (operator 0 of 'main') and the inputs of its body differ in the type or shape "
            "of variable 0\n");
}

TEST(VerifyCalls, AConditionThatIsNoTruthValue) {
  Model model = counting_model();
  model.subgraphs[1].tensors[2].shape = {2};
  EXPECT_EQ(complaints(model),
            "WHILE (operator 0 of 'main') has a condition that does not give one truth value\n");
}

TEST(VerifyCalls, AGraphThatRunsItself) {
  Model model = counting_model();
  model.subgraphs[2].operators[0] = {
      .op = Op::kWhile, .inputs = {0}, .outputs = {2}, .options = WhileOptions{1, 2}};
  EXPECT_EQ(complaints(model), "a graph runs itself\n");
}

}  // namespace
}  // namespace ferryman::tflite
