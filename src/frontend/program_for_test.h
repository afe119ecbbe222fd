// For tests of translation: small programs by hand, and what becomes of them as text.
//
//   ProgramBuilder builder;
//   const ValueIndex x = builder.input("x", {3, 2});
//   builder.output(builder.node("aten.relu.default", {tensor("self", x)}, {3, 2}));
//   EXPECT_EQ(translated(builder.program).graph, "…");
#pragma once

#include <gtest/gtest.h>

#include <cstring>

#include "frontend/translate/translate.h"
#include "ir/print.h"
#include "ir/verify.h"

namespace ferryman::frontend {

inline TensorMeta meta(DType dtype, const Ints& sizes) {
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

inline NamedArgument tensor(std::string name, ValueIndex index) {
  return {std::move(name), {ValueRef{index}}};
}

struct Translated {
  std::string graph;
  std::string errors;
};

inline Translated translated(const Program& program) {
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

}  // namespace ferryman::frontend
