#include "frontend/translate.h"

#include <gtest/gtest.h>

#include <cstring>

#include "ir/print.h"
#include "ir/verify.h"

namespace ferryman::frontend {
namespace {

TensorMeta meta(DType dtype, const Ints& sizes) {
  TensorMeta meta{dtype, {}, {}};
  const Ints strides = row_major_strides(sizes);
  for (size_t i = 0; i < sizes.size(); ++i) {
    meta.sizes.push_back({sizes[i], ""});
    meta.strides.push_back({strides[i], ""});
  }
  return meta;
}

// Builds small programs: every input and node result is a value in order of its creation.
struct ProgramBuilder {
  Program program;

  ValueIndex value(std::string name, DType dtype, const Ints& sizes) {
    program.values.push_back({.name = std::move(name), .tensor = meta(dtype, sizes), .number = {}});
    return static_cast<ValueIndex>(program.values.size() - 1);
  }
  ValueIndex input(std::string name, const Ints& sizes, DType dtype = DType::kF32) {
    const ValueIndex index = value(name, dtype, sizes);
    program.inputs.push_back(Input{.value = index, .constant = {}, .name = name, .data = {}});
    return index;
  }
  ValueIndex weight(InputKind kind, std::string name, const Ints& sizes,
                    const std::vector<float>& elems) {
    const ValueIndex index = value("p_" + name, DType::kF32, sizes);
    Input input{.kind = kind, .value = index, .constant = {}, .name = name, .data = {}};
    std::vector<std::byte> bytes(elems.size() * sizeof(float));
    std::memcpy(bytes.data(), elems.data(), bytes.size());
    input.data = TensorStorage{owned_blob(std::move(bytes)), 0, row_major_strides(sizes)};
    program.inputs.push_back(std::move(input));
    return index;
  }
  ValueIndex node(std::string target, std::vector<NamedArgument> args, const Ints& sizes,
                  DType dtype = DType::kF32) {
    const std::string name = "n" + std::to_string(program.nodes.size());
    const ValueIndex index = value(name, dtype, sizes);
    Node node{std::move(target), name, std::move(args), {index}, {}};
    node.location = {.module_path = "m", .module_type = "", .node = name, .file = "net.py"};
    node.location.line = 10 + static_cast<int>(program.nodes.size());
    program.nodes.push_back(std::move(node));
    return index;
  }
  void output(ValueIndex index, std::string name = "", OutputKind kind = OutputKind::kUser) {
    program.outputs.push_back({kind, {ValueRef{index}}, std::move(name)});
  }
};

NamedArgument tensor(std::string name, ValueIndex index) {
  return {std::move(name), {ValueRef{index}}};
}

struct Translated {
  std::string graph;
  std::string errors;
};

Translated translated(const Program& program) {
  EXPECT_TRUE(verify_program(program).ok());
  Ops ops;
  add_all_ops(ops);
  Diagnostics diagnostics;
  const Result<Graph> graph = translate(program, ops, diagnostics);
  EXPECT_EQ(graph.ok(), !diagnostics.has_errors());
  if (!graph.ok()) return {"", render(diagnostics, Severity::kError) + "\n"};
  EXPECT_EQ(render(verify_graph(*graph), Severity::kError), "");
  return {print_graph(*graph), ""};
}

TEST(Translate, WeightsBecomeConstantsAndValuesKeepTheirNames) {
  ProgramBuilder builder;
  const ValueIndex w = builder.weight(InputKind::kParameter, "fc.bias", {2}, {1, 2});
  const ValueIndex x = builder.input("x", {3, 2});
  const ValueIndex relu = builder.node("aten.relu.default", {tensor("self", x)}, {3, 2});
  const ValueIndex sum =
      builder.node("aten.add.Tensor", {tensor("self", relu), tensor("other", w)}, {3, 2});
  builder.output(sum, "logits");
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[3, 2]) {
  const @fc.bias: f32[2] = [1.0, 2.0]
  %n0 = relu(%x): f32[3, 2]
  %n1 = add(%n0, @fc.bias): f32[3, 2]
  return logits=%n1
}
)");
}

TEST(Translate, ANumberTakesTheTensorsDtypeAndAnIntegerTensorIsCast) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2}, DType::kI32);
  const ValueIndex y = builder.node("aten.mul.Tensor", {tensor("self", x), {"other", {0.5}}}, {2});
  builder.output(y);
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: i32[2]) {
  const @scalar: f32[] = [0.5]
  %0 = cast(%x) {dtype=f32}: f32[2]
  %n0 = mul(%0, @scalar): f32[2]
  return output=%n0
}
)");
}

TEST(Translate, AnAttributeOfARowComesFromTheCall) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.leaky_relu.default",
                              {tensor("self", x), {"negative_slope", {0.25}}}, {2}));
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[2]) {
  %n0 = leaky_relu(%x) {negative_slope=0.25}: f32[2]
  return output=%n0
}
)");
}

TEST(Translate, AWrittenBufferBecomesState) {
  ProgramBuilder builder;
  const ValueIndex buffer = builder.weight(InputKind::kBuffer, "steps", {1}, {0});
  const ValueIndex next =
      builder.node("aten.add.Tensor", {tensor("self", buffer), {"other", {int64_t{1}}}}, {1});
  builder.output(next, "steps", OutputKind::kBufferMutation);
  builder.output(next);
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main() {
  state @steps: f32[1] = [0.0]
  const @scalar: f32[] = [1.0]
  %n0 = add(@steps, @scalar): f32[1]
  update @steps = %n0
  return output=%n0
}
)");
}

TEST(Translate, AllUnsupportedOpsAreToldInOneRunWithTheirPlaces) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  const ValueIndex a = builder.node("aten.strange.default", {tensor("self", x)}, {2});
  const ValueIndex b = builder.node("aten.relu.default", {tensor("self", a)}, {2});
  const ValueIndex c = builder.node("aten.strange.default", {tensor("self", b)}, {2});
  builder.output(builder.node("aten.odd.default", {tensor("self", c)}, {2}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0203]: aten.strange.default is not supported
  at    m (net.py:10), node n0   (1 more place)
  hint: express it with other operations of torch
error[E0203]: aten.odd.default is not supported
  at    m (net.py:13), node n3
  hint: express it with other operations of torch
)");
}

TEST(Translate, AnUnsupportedOpThatNothingReadsDoesNotMatter) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.node("aten.strange.default", {tensor("self", x)}, {2});
  builder.output(x);
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[2]) {
  return output=%x
}
)");
}

TEST(Translate, AnOptionThatBindsToNothingIsAnError) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.relu.default", {tensor("self", x), {"inplace", {true}}}, {2}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0204]: aten.relu.default: the option 'inplace' is not honoured
  at    m (net.py:10), node n0
)");
}

TEST(Translate, AResultThatDiffersFromTheRecordedTypeIsAnError) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.relu.default", {tensor("self", x)}, {3}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0301]: aten.relu.default gives float32[2], but the program records float32[3]
  at    m (net.py:10), node n0
)");
}

TEST(Translate, ShapesThatDoNotFitAreAnErrorAtTheNode) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  const ValueIndex y = builder.input("y", {3});
  builder.output(builder.node("aten.add.Tensor", {tensor("self", x), tensor("other", y)}, {3}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0204]: aten.add.Tensor: add: shapes [2] and [3] do not broadcast
  at    m (net.py:10), node n0
)");
}

TEST(Translate, AWriteThatIsLeftOverIsNeverDropped) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.node("aten.strange_.default", {tensor("self", x)}, {2});
  builder.output(x);
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0203]: aten.strange_.default is not supported
  at    m (net.py:10), node n0
  why:  this form of writing in place is not supported
)");
}

TEST(Translate, DynamicSizesAreRefusedInOneSentence) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.program.values[x].tensor->sizes[0].expr = "s0";
  const ValueIndex y = builder.node("aten.relu.default", {tensor("self", x)}, {2});
  builder.program.values[y].tensor->sizes[0].expr = "s0";
  builder.output(y);
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0204]: 'x' has a size that is only known at run time
  why:  dynamic shapes are not supported yet
  hint: export without dynamic_shapes, with example inputs of the final sizes
)");
}

TEST(Translate, WritingAnInputIsRefused) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  const ValueIndex y = builder.node("aten.relu.default", {tensor("self", x)}, {2});
  builder.output(y, "x", OutputKind::kInputMutation);
  builder.output(y);
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0204]: forward overwrites its input 'x'
  why:  a converted model cannot write to the caller's tensors
  hint: work on a copy (x = x.clone()) and return what changed
)");
}

TEST(Translate, SeveralOutputsGetNumbersAndConstantsAmongThemAreLeftOut) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(x);
  builder.program.outputs.push_back({OutputKind::kUser, {None{}}, ""});
  builder.output(builder.node("aten.relu.default", {tensor("self", x)}, {2}));
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[2]) {
  %n0 = relu(%x): f32[2]
  return output_0=%x, output_2=%n0
}
)");
}

}  // namespace
}  // namespace ferryman::frontend
