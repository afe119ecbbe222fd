#include "frontend/functionalise/functionalise.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "frontend/functionalise/view_ops.h"
#include "frontend/functionalise/write_ops.h"
#include "frontend/translate/node_args.h"

namespace ferryman::frontend {
namespace {

// Builds programs by hand: tensors are f32 and row-major unless said otherwise.
class ProgramBuilder {
 public:
  ValueIndex input(const std::string& name, std::vector<int64_t> sizes) {
    const ValueIndex value = tensor(name, std::move(sizes));
    program_.inputs.push_back({.value = value, .constant = {}, .name = name, .data = {}});
    return value;
  }

  ValueIndex buffer(const std::string& name, std::vector<int64_t> sizes, int64_t storage_id,
                    int64_t offset) {
    const ValueIndex value = input(name, std::move(sizes));
    Input& added = program_.inputs.back();
    added.kind = InputKind::kBuffer;
    added.storage_id = storage_id;
    added.data =
        TensorStorage{owned_blob(std::vector<std::byte>(256)), offset, concrete_strides(value)};
    return value;
  }

  ValueIndex node(const std::string& target, const std::string& name,
                  std::vector<NamedArgument> args, std::vector<int64_t> sizes) {
    const ValueIndex result = tensor(name, std::move(sizes));
    add_node(target, name, std::move(args), {result});
    return result;
  }

  void add_node(const std::string& target, const std::string& name, std::vector<NamedArgument> args,
                std::vector<ValueIndex> results) {
    program_.nodes.push_back({target, name, std::move(args), std::move(results), {}});
  }

  ValueIndex tensor(const std::string& name, std::vector<int64_t> sizes) {
    TensorMeta meta;
    int64_t stride = 1;
    meta.strides.resize(sizes.size());
    for (size_t axis = sizes.size(); axis-- > 0;) {
      meta.strides[axis] = SymSize{stride, {}};
      stride *= sizes[axis];
    }
    for (const int64_t size : sizes) meta.sizes.push_back({size, {}});
    program_.values.push_back({name, std::move(meta), std::nullopt});
    return static_cast<ValueIndex>(program_.values.size() - 1);
  }

  TensorMeta& meta(ValueIndex value) { return *program_.values[value].tensor; }

  Program returning(const std::vector<ValueIndex>& values) {
    for (const ValueIndex value : values) {
      program_.outputs.push_back({OutputKind::kUser, {ValueRef{value}}, ""});
    }
    return std::move(program_);
  }

  Program& program() { return program_; }

 private:
  std::vector<int64_t> concrete_strides(ValueIndex value) {
    std::vector<int64_t> strides;
    for (const SymSize& stride : meta(value).strides) strides.push_back(stride.value);
    return strides;
  }

  Program program_;
};

NamedArgument self(ValueIndex value) {
  return named("self", value);
}

std::string functional_text(Program program) {
  const Status before = verify_program(program);
  if (!before.ok()) return render(before.diag());
  Result<Program> functional = functionalise(std::move(program));
  if (!functional.ok()) return render(functional.diag());
  const Status after = verify_program(*functional);
  if (!after.ok()) return render(after.diag());
  for (const Node& node : functional->nodes) {
    if (find_write(node) || twin_of_in_place_view(node.target))
      return node.target + " still writes in place";
  }
  const std::string text = print_program(*functional);
  return text.substr(text.find('\n') + 1);
}

TEST(Functionalise, WriteToAFreshValueIsRenamed) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {2, 3});
  const ValueIndex neg = build.node("aten.neg.default", "neg", {self(x)}, {2, 3});
  const ValueIndex relu = build.node("aten.relu_.default", "relu_", {self(neg)}, {2, 3});
  EXPECT_EQ(functional_text(build.returning({relu})), R"(input user "x" = %x: f32[2, 3]
%neg: f32[2, 3] = aten.neg.default(self=%x)
%relu_: f32[2, 3] = aten.relu.default(self=%neg)
output user "" = %relu_
)");
}

TEST(Functionalise, WriteThroughAViewReachesItsBase) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {2, 3});
  const ValueIndex y = build.node("aten.clone.default", "clone", {self(x)}, {2, 3});
  const ValueIndex row =
      build.node("aten.select.int", "select",
                 {self(y), named("dim", int64_t{0}), named("index", int64_t{1})}, {3});
  build.node("aten.add_.Tensor", "add_", {self(row), named("other", int64_t{1})}, {3});
  EXPECT_EQ(functional_text(build.returning({y})), R"(input user "x" = %x: f32[2, 3]
%clone: f32[2, 3] = aten.clone.default(self=%x)
%select: f32[3] = aten.select.int(self=%clone, dim=0, index=1)
%add_: f32[3] = aten.add.Tensor(self=%select, other=1)
%clone.1: f32[2, 3] = aten.select_scatter.default(self=%clone, src=%add_, dim=0, index=1)
output user "" = %clone.1
)");
}

TEST(Functionalise, ViewMadeBeforeAWriteIsMadeAgainAfterIt) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {2, 3});
  const ValueIndex y = build.node("aten.clone.default", "clone", {self(x)}, {2, 3});
  const ValueIndex t = build.node("aten.t.default", "t", {self(y)}, {3, 2});
  build.node("aten.relu_.default", "relu_", {self(y)}, {2, 3});
  EXPECT_EQ(functional_text(build.returning({t})), R"(input user "x" = %x: f32[2, 3]
%clone: f32[2, 3] = aten.clone.default(self=%x)
%relu_: f32[2, 3] = aten.relu.default(self=%clone)
%t.1: f32[3, 2] = aten.t.default(self=%relu_)
output user "" = %t.1
)");
}

TEST(Functionalise, WrittenInputBecomesAnOutput) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {2, 3});
  const ValueIndex zero = build.node("aten.zero_.default", "zero_", {self(x)}, {2, 3});
  EXPECT_EQ(functional_text(build.returning({zero})), R"(input user "x" = %x: f32[2, 3]
%zero_: f32[2, 3] = aten.full.default(size=[2, 3], fill_value=0, dtype=f32)
output input_mutation "x" = %zero_
output user "" = %zero_
)");
}

TEST(Functionalise, PromotedResultIsCastBack) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {3});
  const ValueIndex wide = build.input("wide", {3});
  build.meta(wide).dtype = DType::kF64;
  const ValueIndex y = build.node("aten.clone.default", "clone", {self(x)}, {3});
  const ValueIndex sum =
      build.node("aten.add_.Tensor", "add_", {self(y), named("other", wide)}, {3});
  EXPECT_EQ(functional_text(build.returning({sum})), R"(input user "x" = %x: f32[3]
input user "wide" = %wide: f64[3]
%clone: f32[3] = aten.clone.default(self=%x)
%add_.uncast: f64[3] = aten.add.Tensor(self=%clone, other=%wide)
%add_: f32[3] = aten.to.dtype(self=%add_.uncast, dtype=f32)
output user "" = %add_
)");
}

TEST(Functionalise, SymbolicShapesAreTakenFromTensors) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {2, 3});
  const SymSize batch{2, "s0"};
  build.meta(x).sizes[0] = batch;
  const ValueIndex y = build.node("aten.clone.default", "clone", {self(x)}, {2, 3});
  build.meta(y).sizes[0] = batch;
  const ValueIndex column = build.node("aten.unsqueeze.default", "unsqueeze",
                                       {self(y), named("dim", int64_t{1})}, {2, 1, 3});
  build.meta(column).sizes[0] = batch;
  const ValueIndex filled = build.node("aten.fill_.Scalar", "fill_",
                                       {self(column), named("value", int64_t{7})}, {2, 1, 3});
  build.meta(filled).sizes[0] = batch;
  EXPECT_EQ(functional_text(build.returning({y})), R"(input user "x" = %x: f32[s0, 3] strides [3, 1]
%clone: f32[s0, 3] strides [3, 1] = aten.clone.default(self=%x)
%unsqueeze: f32[s0, 1, 3] strides [3, 3, 1] = aten.unsqueeze.default(self=%clone, dim=1)
%fill_: f32[s0, 1, 3] strides [3, 3, 1] = aten.full_like.default(self=%unsqueeze, fill_value=7)
%clone.1: f32[s0, 3] strides [3, 1] = aten.reshape_as.default(self=%fill_, other=%clone)
output user "" = %clone.1
)");
}

TEST(Functionalise, NodesWithoutUseAndPureAliasesGo) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {3});
  build.node("aten.sin.default", "sin", {self(x)}, {3});
  build.add_node("aten._assert_tensor_metadata.default", "_assert", {named("a", x)}, {});
  const ValueIndex detach = build.node("aten.detach.default", "detach", {self(x)}, {3});
  const ValueIndex alias = build.node("aten.alias.default", "alias", {self(detach)}, {3});
  const ValueIndex cos = build.node("aten.cos.default", "cos", {self(alias)}, {3});
  EXPECT_EQ(functional_text(build.returning({cos})), R"(input user "x" = %x: f32[3]
%cos: f32[3] = aten.cos.default(self=%x)
output user "" = %cos
)");
}

TEST(Functionalise, BodyOfAHigherOrderOpIsMadeFunctional) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {3});
  const ValueIndex inner = build.tensor("arg", {3});
  const ValueIndex sin = build.tensor("sin", {3});
  const ValueIndex relu = build.tensor("relu_", {3});
  Subgraph body{.name = "body_graph_0", .inputs = {inner}, .nodes = {}, .outputs = {}};
  body.nodes = {{"aten.sin.default", "sin", {self(inner)}, {sin}, {}},
                {"aten.relu_.default", "relu_", {self(sin)}, {relu}, {}}};
  body.outputs = {{ValueRef{relu}}};
  build.program().subgraphs = {body};
  const ValueIndex mapped =
      build.node("higher_order.map_impl", "map_impl",
                 {{"", {GraphRef{0}}}, {"", {ArgumentList{{ValueRef{x}}}}}}, {3});
  EXPECT_EQ(functional_text(build.returning({mapped})), R"(input user "x" = %x: f32[3]
%map_impl: f32[3] = higher_order.map_impl(graph body_graph_0, [%x])
  graph body_graph_0(%arg: f32[3]):
    %sin: f32[3] = aten.sin.default(self=%arg)
    %relu_: f32[3] = aten.relu.default(self=%sin)
    return %relu_
output user "" = %map_impl
)");
}

// A region without gradients shares memory with the program around it.
TEST(Functionalise, RegionWithoutGradientsIsInlined) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {3});
  const ValueIndex y = build.node("aten.clone.default", "clone", {self(x)}, {3});
  const ValueIndex inner = build.tensor("arg", {3});
  const ValueIndex relu = build.tensor("relu_", {3});
  Subgraph body{.name = "submod_0", .inputs = {inner}, .nodes = {}, .outputs = {}};
  body.nodes = {{"aten.relu_.default", "relu_", {self(inner)}, {relu}, {}}};
  body.outputs = {{ValueRef{relu}}};
  build.program().subgraphs = {body};
  build.node("higher_order.wrap_with_set_grad_enabled", "wrap",
             {{"", {false}}, {"", {GraphRef{0}}}, {"", {ValueRef{y}}}}, {3});
  EXPECT_EQ(functional_text(build.returning({y})), R"(input user "x" = %x: f32[3]
%clone: f32[3] = aten.clone.default(self=%x)
%relu_: f32[3] = aten.relu.default(self=%clone)
output user "" = %relu_
)");
}

TEST(Functionalise, WriteToOneOfTwoOverlappingBuffersNamesBoth) {
  ProgramBuilder build;
  const ValueIndex head = build.buffer("head", {4}, 0, 0);
  build.buffer("tail", {4}, 0, 2);
  const ValueIndex written = build.node("aten.relu_.default", "relu_", {self(head)}, {4});
  EXPECT_EQ(functional_text(build.returning({written})),
            R"(error[E0206]: aten.relu_.default writes to 'head' in place
  why:  'head' and 'tail' share memory, each with its own shape
  hint: give each its own memory (clone() one of them in the constructor))");
}

TEST(Functionalise, BuffersSideBySideInOneStorageAreWrittenApart) {
  ProgramBuilder build;
  const ValueIndex head = build.buffer("head", {4}, 0, 0);
  const ValueIndex tail = build.buffer("tail", {4}, 0, 4);
  const ValueIndex written = build.node("aten.relu_.default", "relu_", {self(head)}, {4});
  const std::string text = functional_text(build.returning({written, tail}));
  EXPECT_EQ(text.substr(text.find("%relu_:")),
            R"(%relu_: f32[4] = aten.relu.default(self=%head)
output buffer_mutation "head" = %relu_
output user "" = %relu_
output user "" = %tail
)");
}

TEST(Functionalise, WriteThroughOverlappingWindowsIsRefused) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {5});
  const ValueIndex windows = build.node("aten.unfold.default", "unfold",
                                        {self(x), named("dimension", int64_t{0}),
                                         named("size", int64_t{3}), named("step", int64_t{1})},
                                        {3, 3});
  build.program().nodes.back().location.file = "model.py";
  const ValueIndex relu = build.node("aten.relu_.default", "relu_", {self(windows)}, {3, 3});
  build.program().nodes.back().location = {"blocks.0", "Block", "relu_", "model.py", 12};
  EXPECT_EQ(functional_text(build.returning({relu})),
            R"(error[E0206]: aten.relu_.default writes in place through the view 'unfold'
  at    blocks.0 (model.py:12), node relu_
  why:  the windows of unfold overlap
  hint: write to a copy (view.clone()) and put it back by name, or build the result with )"
            R"(torch.where or torch.cat)");
}

TEST(Functionalise, EverythingThatCannotBeFollowedIsReported) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {1, 3});
  const ValueIndex wide = build.node("aten.expand.default", "expand",
                                     {self(x), named("size", std::vector<int64_t>{2, 3})}, {2, 3});
  build.node("aten.relu_.default", "relu_", {self(wide)}, {2, 3});
  build.node("aten.resize_.default", "resize_", {self(x)}, {4});
  Diagnostics diagnostics;
  EXPECT_FALSE(functionalise(build.returning({x}), diagnostics));
  std::vector<std::string> found;
  for (const Diag& diag : diagnostics.all()) found.push_back(diag.what);
  EXPECT_EQ(found, (std::vector<std::string>{
                       "aten.relu_.default writes in place through the view 'expand'",
                       "aten.resize_.default is not supported"}));
}

TEST(Functionalise, ArgumentsThatDoNotFitAreMalformed) {
  ProgramBuilder build;
  const ValueIndex x = build.input("x", {2, 3});
  const ValueIndex permuted =
      build.node("aten.permute.default", "permute",
                 {self(x), named("dims", std::vector<int64_t>{0, 0})}, {2, 2});
  EXPECT_EQ(functional_text(build.returning({permuted})),
            "error[E0103]: the arguments of aten.permute.default do not fit its operands");
}

}  // namespace
}  // namespace ferryman::frontend
