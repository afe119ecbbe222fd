#include "targets/tflite/named/splice.h"

#include <gtest/gtest.h>

#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {
namespace {

Tensor floats(std::vector<int32_t> shape) {
  return {.name = "t", .type = DType::kF32, .shape = std::move(shape)};
}

// y = x if c else x + 1, and x itself.
Model branching_part() {
  Model part;
  Subgraph& main = part.subgraphs.emplace_back(Subgraph{.name = "main"});
  const TensorIndex c = main.add({.name = "c", .type = DType::kBool, .shape = {}});
  const TensorIndex x = main.add(floats({2}));
  const TensorIndex y = main.add(floats({2}));
  main.operators.push_back(
      {.op = Op::kIf,
       .inputs = {c, x},
       .outputs = {y},
       .options = IfOptions{.then_subgraph_index = 1, .else_subgraph_index = 2}});
  main.inputs = {c, x};
  main.outputs = {y, x, y};
  for (const Op op : {Op::kAbs, Op::kNeg}) {
    Subgraph branch{.name = std::string(to_string(op))};
    const TensorIndex from = branch.add(floats({2}));
    const TensorIndex to = branch.add(floats({2}));
    branch.operators.push_back({.op = op, .inputs = {from}, .outputs = {to}});
    branch.inputs = {from};
    branch.outputs = {to};
    part.subgraphs.push_back(std::move(branch));
  }
  return part;
}

TEST(Splice, CalledGraphsComeAlongAndEveryResultIsATensorOfItsOwn) {
  Model model;
  Subgraph main{.name = "main"};
  const TensorIndex before = main.add(floats({2}));
  const TensorIndex c = main.add({.name = "c", .type = DType::kBool, .shape = {}});
  const TensorIndex x = main.add(floats({2}));
  main.inputs = {before, c};
  main.operators.push_back({.op = Op::kExp, .inputs = {before}, .outputs = {x}});
  std::vector<Subgraph> called(1, Subgraph{.name = "around"});
  const auto add_graph = [&](Subgraph graph) {
    called.push_back(std::move(graph));
    return static_cast<int32_t>(called.size());
  };
  const Model part = branching_part();
  const std::vector<TensorIndex> results = splice(part, {c, x}, {main, add_graph, -1});
  const Operator& branch = main.operators[1];
  EXPECT_EQ(branch.inputs, (std::vector<TensorIndex>{c, x}));
  const IfOptions& options = *branch.options.get_if<IfOptions>();
  EXPECT_EQ(options.then_subgraph_index, 2);
  EXPECT_EQ(options.else_subgraph_index, 3);
  EXPECT_EQ(called[1].name, "ABS");
  // y, a copy of x, and a copy of y.
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0], branch.outputs[0]);
  ASSERT_EQ(main.operators.size(), 4u);
  EXPECT_EQ(main.operators[2].inputs[0], x);
  EXPECT_EQ(main.operators[2].outputs[0], results[1]);
  EXPECT_EQ(main.operators[3].inputs[0], results[0]);
  EXPECT_EQ(main.operators[3].outputs[0], results[2]);
}

TEST(Splice, AFileThatIsNotThereIsToldByName) {
  const Result<Model> part = read_part("no/such.tflite");
  ASSERT_FALSE(part.ok());
  EXPECT_NE(part.diag().what.find("no/such.tflite"), std::string::npos);
}

}  // namespace
}  // namespace ferryman::tflite
