// The targets that there are, by name.
#pragma once

#include <string>
#include <vector>

#include "targets/target.h"

namespace ferryman {

const std::vector<const Target*>& all_targets();
// Refuses a name that no target has, and says which have one.
Result<const Target*> find_target(std::string_view name);
// By the ending of a file's name; the first where none has it.
const Target& target_of_path(std::string_view path);

}  // namespace ferryman
