#include "frontend/program/program_writer.h"

#include <utility>

namespace ferryman::frontend {

std::string ProgramWriter::fresh_name(const std::string& like) {
  if (names_.insert(like).second) return like;
  for (int number = 1;; ++number) {
    std::string name = like + "." + std::to_string(number);
    if (names_.insert(name).second) return name;
  }
}

ValueIndex ProgramWriter::add_value(Value value) {
  program_.values.push_back(std::move(value));
  return static_cast<ValueIndex>(program_.values.size() - 1);
}

ValueIndex ProgramWriter::call(Call call, TensorMeta meta, const std::string& like,
                               const SourceLocation& location) {
  const std::string name = fresh_name(like);
  const ValueIndex result = add_value({name, std::move(meta), std::nullopt});
  add_node({std::move(call.target), name, std::move(call.args), {result}, location});
  return result;
}

}  // namespace ferryman::frontend
