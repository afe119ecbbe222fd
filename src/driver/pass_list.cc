#include "driver/pass_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "passes/simplify.h"
#include "targets/targets.h"

namespace ferryman {

namespace {

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

std::vector<std::string_view> split_names(std::string_view names) {
  std::vector<std::string_view> result;
  while (!names.empty()) {
    const size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = trimmed(names.substr(0, comma));
    if (!name.empty()) result.push_back(name);
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return result;
}

void append_new(std::vector<Pass>& all, std::vector<Pass> stage) {
  for (Pass& pass : stage) {
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&](const Pass& other) { return other.name == pass.name; });
    if (!known) all.push_back(std::move(pass));
  }
}

// "legalise_" and the name of a target.
const Target* legalised_for(std::string_view name) {
  for (const Target* target : all_targets()) {
    if (name == "legalise_" + std::string(target->name())) return target;
  }
  return nullptr;
}

}  // namespace

std::vector<Pass> known_passes() {
  constexpr std::array kNanForms = {NanForm::kFast, NanForm::kExact};
  std::vector<Pass> all;
  for (const Target* target : all_targets()) {
    for (const NanForm nan : kNanForms) append_new(all, target->prepare({.nan = nan}));
  }
  append_new(all, simplify_passes());
  for (const Target* target : all_targets()) {
    for (const NanForm nan : kNanForms) append_new(all, target->legalise({.nan = nan}));
  }
  return all;
}

Status check_pass_names(const PassOptions& options) {
  return check_pass_names(known_passes(), options);
}

Result<std::vector<Pass>> passes_named(std::string_view names) {
  const std::vector<Pass> all = known_passes();
  std::vector<Pass> named;
  const auto append = [&](std::vector<Pass> stage) {
    for (Pass& pass : stage) named.push_back(std::move(pass));
  };
  for (const std::string_view name : split_names(names)) {
    if (name == "simplify") {
      append(simplify_passes());
      continue;
    }
    if (const Target* target = legalised_for(name); target != nullptr) {
      append(target->prepare({}));
      append(target->legalise({}));
      continue;
    }
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Pass& pass) { return pass.name == name; });
    if (found == all.end())
      return Diag::error(DiagCode::kBadOption, fmt::format("there is no pass '{}'", name));
    named.push_back(*found);
  }
  return named;
}

}  // namespace ferryman
