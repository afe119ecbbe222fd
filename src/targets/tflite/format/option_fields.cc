#include "targets/tflite/format/option_fields.h"

#include "targets/tflite/format/option_lists.h"

namespace ferryman::tflite {

namespace {

// Calls visit.template operator()<Table>() for one struct after the other until it returns true.
template <typename... Tables, typename Visit>
void find_table(TableList<Tables...>, Visit&& visit) {
  (visit.template operator()<Tables>() || ...);
}

template <typename Table>
FieldRefs collect_fields(Table& table) {
  FieldRefs refs;
  std::apply(
      [&](const auto&... field) {
        (refs.push_back({field.slot, field.name, field.absent, &(table.*field.member)}), ...);
      },
      kFields<Table>.list);
  return refs;
}

}  // namespace

FieldRefs fields_of(Options& options) {
  FieldRefs refs;
  find_table(AllTables(), [&]<typename Table>() {
    Table* held = options.get_if<Table>();
    if (held != nullptr) refs = collect_fields(*held);
    return held != nullptr;
  });
  return refs;
}

OptionTable option_table(const Options& options) {
  OptionTable table = OptionTable::kNone;
  find_table(AllTables(), [&]<typename Table>() {
    const bool is_held = options.get_if<Table>() != nullptr;
    if (is_held) table = kFields<Table>.table;
    return is_held;
  });
  return table;
}

Options default_options(OptionTable table) {
  Options options;
  if (table == OptionTable::kNone) return options;
  find_table(AllTables(), [&]<typename Table>() {
    const bool is_wanted = kFields<Table>.table == table;
    if (is_wanted) options = Table{};
    return is_wanted;
  });
  return options;
}

bool Options::operator==(const Options& other) const {
  if (is_default() || other.is_default()) return is_default() == other.is_default();
  bool is_equal = false;
  find_table(AllTables(), [&]<typename Table>() {
    const Table* held = get_if<Table>();
    if (held == nullptr) return false;
    const Table* others = other.get_if<Table>();
    is_equal = others != nullptr && *held == *others;
    return true;
  });
  return is_equal;
}

}  // namespace ferryman::tflite
