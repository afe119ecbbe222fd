#include "frontend/functionalise/nan_question.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace ferryman::frontend {

namespace {

// Names of ATen ops, without the overload.
constexpr std::array<std::string_view, 9> kQuestions = {"isnan",       "isfinite", "nan_to_num",
                                                        "nansum",      "nanmean",  "nanmedian",
                                                        "nanquantile", "fmax",     "fmin"};
constexpr std::array<std::string_view, 2> kComparisons = {"ne", "eq"};

// "isnan" of "aten.isnan.default"
std::string_view bare_name(std::string_view target) {
  target.remove_prefix(std::min(target.find('.') + 1, target.size()));
  return target.substr(0, target.find('.'));
}

template <size_t N>
bool is_any_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool compares_with_itself(const Node& node) {
  return node.args.size() == 2 && node.args[0].arg.as<ValueRef>() != nullptr &&
         node.args[0].arg == node.args[1].arg;
}

bool asks(const Node& node) {
  const std::string_view name = bare_name(node.target);
  return is_any_of(name, kQuestions) ||
         (is_any_of(name, kComparisons) && compares_with_itself(node));
}

const Node* find_in(const std::vector<Node>& nodes) {
  const auto found = std::find_if(nodes.begin(), nodes.end(), asks);
  return found == nodes.end() ? nullptr : &*found;
}

}  // namespace

const Node* find_nan_question(const Program& program) {
  if (const Node* node = find_in(program.nodes)) return node;
  for (const Subgraph& body : program.subgraphs) {
    if (const Node* node = find_in(body.nodes)) return node;
  }
  return nullptr;
}

}  // namespace ferryman::frontend
