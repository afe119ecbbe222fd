#include "frontend/counted/counted_table.h"

namespace ferryman::frontend {

CountedTable::CountedTable() {
  add_counted_selections(*this);
  add_counted_orders(*this);
  add_counted_joins(*this);
  add_counted_writes(*this);
  add_counted_places(*this);
  add_counted_lines(*this);
  add_counted_distinct(*this);
  add_counted_tallies(*this);
  add_filled({"max.default", "amax.default", "max.dim", "argmax.default"}, Extreme::kLowest);
  add_filled({"min.default", "amin.default", "min.dim", "argmin.default"}, Extreme::kHighest);
  add_filled({"sum.default", "sum.dim_IntList", "any.default", "any.dim"}, Extreme::kZero);
  add_filled({"prod.default", "prod.dim_int", "all.default", "all.dim"}, Extreme::kOne);
}

const CountedImport* CountedTable::find(std::string_view target) const {
  const auto found = rows_.find(target);
  return found == rows_.end() ? nullptr : &found->second;
}

void CountedTable::add(std::initializer_list<std::string_view> targets, CountedFn import) {
  for (const std::string_view target : targets) rows_.insert({target, {.import = import}});
}

void CountedTable::add_lines(std::initializer_list<std::string_view> targets,
                             const LineRule& rule) {
  for (const std::string_view target : targets) rows_.insert({target, {.lines = rule}});
}

void CountedTable::add_filled(std::initializer_list<std::string_view> targets, Extreme beyond) {
  for (const std::string_view target : targets)
    rows_.insert({target, {.import = nullptr, .beyond = beyond}});
}

}  // namespace ferryman::frontend
