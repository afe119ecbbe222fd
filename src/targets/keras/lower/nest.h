// Modules of the user as models inside of the model: each is a functional model of its own that is
// called once, with what its layers read from outside and what others read of theirs.
//
//   Nested nested = nest_modules(std::move(flat), paths_of_nodes, {"layer1", "layer1.0"});
//
// Layers keep the names that they have in the flat model.
#pragma once

#include <string>
#include <vector>

#include "targets/keras/format/model.h"

namespace ferryman::keras {

struct NotNested {
  std::string path;
  std::string why;
};

struct Nested {
  Model model;
  // How the file calls the tensors of the flat model, by number: "conv1:0:0", the node's name, the
  // number of its call, and that of the output. Empty for constants.
  std::vector<std::string> tensors;
  std::vector<NotNested> left;  // modules whose layers lie where those around them do
};

// paths: of the module that each node of the flat model belongs to; empty: to none.
// wanted: paths of modules to nest, in any order.
Nested nest_modules(Model flat, const std::vector<std::string>& paths,
                    const std::vector<std::string>& wanted);

// Whether `path` is that module or lies in it.
bool is_within(const std::string& path, const std::string& module);

}  // namespace ferryman::keras
