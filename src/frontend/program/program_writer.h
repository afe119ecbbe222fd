// Appends values and nodes to a program and keeps names unique.
//
//   ProgramWriter writer;
//   ValueIndex sum = writer.call({"aten.add.Tensor", {…}}, meta, "add", location);
#pragma once

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "frontend/functionalise/view_ops.h"
#include "frontend/program/program.h"

namespace ferryman::frontend {

class ProgramWriter {
 public:
  explicit ProgramWriter(Program& program) : program_(program), nodes_(&program.nodes) {}

  void release_name(const std::string& name) { names_.erase(name); }
  std::string fresh_name(const std::string& like);

  ValueIndex add_value(Value value);
  void add_node(Node node) { nodes_->push_back(std::move(node)); }
  // A node with one new tensor as result, both called like `like`.
  ValueIndex call(Call call, TensorMeta meta, const std::string& like,
                  const SourceLocation& location);

  // A body: nodes go to `nodes` from now on, and names are those of its own. Returns what is to be
  // restored after it.
  struct Scope {
    std::vector<Node>* nodes;
    std::unordered_set<std::string> names;
  };
  Scope enter(std::vector<Node>* nodes) {
    return {std::exchange(nodes_, nodes), std::exchange(names_, {})};
  }
  void leave(Scope outer) {
    nodes_ = outer.nodes;
    names_ = std::move(outer.names);
  }

 private:
  Program& program_;
  std::vector<Node>* nodes_;
  std::unordered_set<std::string> names_;
};

}  // namespace ferryman::frontend
