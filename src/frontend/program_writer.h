// Appends values and nodes to a program and keeps names unique.
//
//   ProgramWriter writer;
//   ValueIndex sum = writer.call({"aten.add.Tensor", {…}}, meta, "add", location);
#pragma once

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "frontend/program.h"
#include "frontend/view_ops.h"

namespace ferryman::frontend {

class ProgramWriter {
 public:
  explicit ProgramWriter(Program& program) : program_(program), nodes_(&program.nodes) {}

  // Names that exist already must not be given again, until they are released.
  void reserve_name(const std::string& name) { names_.insert(name); }
  void release_name(const std::string& name) { names_.erase(name); }
  std::string fresh_name(const std::string& like);

  ValueIndex add_value(Value value);
  void add_node(Node node) { nodes_->push_back(std::move(node)); }
  // A node with one new tensor as result, both called like `like`.
  ValueIndex call(Call call, TensorMeta meta, const std::string& like,
                  const SourceLocation& location);

  // Nodes go to `nodes` from now on. Returns where they went before, to be restored.
  std::vector<Node>* redirect(std::vector<Node>* nodes) { return std::exchange(nodes_, nodes); }

 private:
  Program& program_;
  std::vector<Node>* nodes_;
  std::unordered_set<std::string> names_;
};

}  // namespace ferryman::frontend
