#include "frontend/translate/node_args.h"

#include <utility>

namespace ferryman::frontend {

const Argument* find_arg(const Node& node, std::string_view name) {
  for (const NamedArgument& argument : node.args) {
    if (argument.name == name) return &argument.arg;
  }
  return nullptr;
}

ValueIndex value_arg(const Node& node, std::string_view name) {
  const Argument* argument = find_arg(node, name);
  const ValueRef* ref = argument == nullptr ? nullptr : argument->as<ValueRef>();
  return ref == nullptr ? kNoValue : ref->value;
}

std::optional<int64_t> int_arg(const Node& node, std::string_view name,
                               std::optional<int64_t> absent) {
  const Argument* argument = find_arg(node, name);
  if (argument == nullptr || argument->is_none()) return absent;
  const int64_t* number = argument->as<int64_t>();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<std::vector<int64_t>> ints_arg(const Node& node, std::string_view name) {
  const Argument* argument = find_arg(node, name);
  if (argument == nullptr) return std::nullopt;
  if (const int64_t* number = argument->as<int64_t>()) return std::vector{*number};
  const ArgumentList* list = argument->as<ArgumentList>();
  if (list == nullptr) return std::nullopt;
  std::vector<int64_t> numbers;
  for (const Argument& element : *list) {
    const int64_t* number = element.as<int64_t>();
    if (number == nullptr) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::optional<size_t> normalise_axis(int64_t axis, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) return std::nullopt;
  return static_cast<size_t>(axis < 0 ? axis + signed_rank : axis);
}

std::optional<size_t> axis_arg(const Node& node, std::string_view name,
                               std::optional<int64_t> absent, size_t rank) {
  const std::optional<int64_t> axis = int_arg(node, name, absent);
  return axis ? normalise_axis(*axis, rank) : std::nullopt;
}

bool is_true_arg(const Node& node, std::string_view name) {
  const Argument* argument = find_arg(node, name);
  const bool* flag = argument == nullptr ? nullptr : argument->as<bool>();
  return flag != nullptr && *flag;
}

NamedArgument named(std::string name, int64_t number) {
  return {std::move(name), Argument{number}};
}

NamedArgument named(std::string name, const std::vector<int64_t>& numbers) {
  ArgumentList list;
  for (const int64_t number : numbers) list.push_back(Argument{number});
  return {std::move(name), Argument{std::move(list)}};
}

NamedArgument named(std::string name, ValueIndex value) {
  return {std::move(name), Argument{ValueRef{value}}};
}

NamedArgument named(std::string name, DType dtype) {
  return {std::move(name), Argument{DTypeArg{dtype}}};
}

}  // namespace ferryman::frontend
