// Reading of the trees that torch.export keeps of nested arguments and results ("treespecs").
//
//   name_leaves(R"([1, {"type": "builtins.dict", "context": "[\"out\", \"aux\"]", ...}])", {})
//     -> {"out", "aux"}
//
// Names are paths of keys joined by '_' ("boxes_0"). A leaf that only numbers lead to, as in a
// tuple, has no name ("").
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace ferryman::frontend {

// Field names of named tuples by the type name that the tree mentions.
using NamedTupleFields = std::map<std::string, std::vector<std::string>, std::less<>>;

Result<std::vector<std::string>> name_leaves(std::string_view tree, const NamedTupleFields& fields);

}  // namespace ferryman::frontend
