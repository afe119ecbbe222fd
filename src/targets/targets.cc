#include "targets/targets.h"

#include <fmt/format.h>

#include "targets/keras/target.h"
#include "targets/tflite/target.h"

namespace ferryman {

const std::vector<const Target*>& all_targets() {
  static const tflite::TfliteTarget tflite;
  static const keras::KerasTarget keras;
  static const std::vector<const Target*> targets = {&tflite, &keras};
  return targets;
}

Result<const Target*> find_target(std::string_view name) {
  std::string known;
  for (const Target* target : all_targets()) {
    if (target->name() == name) return target;
    known += (known.empty() ? "" : ", ") + std::string(target->name());
  }
  return Diag::error(DiagCode::kBadOption, fmt::format("there is no target '{}'", name))
      .hint("the targets are: " + known);
}

const Target& target_of_path(std::string_view path) {
  for (const Target* target : all_targets()) {
    if (path.ends_with(target->suffix())) return *target;
  }
  return *all_targets().front();
}

}  // namespace ferryman
