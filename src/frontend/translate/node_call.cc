#include "frontend/translate/node_call.h"

#include <algorithm>

namespace ferryman::frontend {

const TensorType& NodeCall::result_type(size_t index) const {
  check(index < results_.size(), "a result that the node does not have");
  return results_[index].type;
}

bool NodeCall::is_result_read(size_t index) const {
  return index < results_.size() && results_[index].is_read;
}

std::vector<std::string_view> NodeCall::argument_names() const {
  std::vector<std::string_view> names;
  for (const Arg& arg : args_) names.push_back(arg.name);
  return names;
}

const ImportArg* NodeCall::find(std::string_view name) {
  const auto found =
      std::find_if(args_.begin(), args_.end(), [&](const Arg& arg) { return arg.name == name; });
  if (found == args_.end()) return nullptr;
  found->was_read = true;
  return &found->value;
}

std::vector<std::string_view> NodeCall::unread_args() const {
  std::vector<std::string_view> names;
  for (const Arg& arg : args_) {
    if (!arg.was_read && !arg.value.is_none()) names.push_back(arg.name);
  }
  return names;
}

}  // namespace ferryman::frontend
