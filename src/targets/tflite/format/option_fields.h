// What option structs are made of, field by field: writing, reading, printing and setting options
// by name all walk the same lists (option_lists.h).
//
//   visit_fields(options, [](const FieldRef& field, auto& value) { … field.name … });
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "support/small_vector.h"
#include "targets/tflite/format/op_table.h"
#include "targets/tflite/format/options.h"

namespace ferryman::tflite {

// One field of options that are held somewhere else.
struct FieldRef {
  int slot = 0;
  std::string_view name;
  int absent = 0;  // what the format means when a scalar is not stored, as the stored number
  std::variant<bool*, int32_t*, int64_t*, float*, std::string*, std::vector<std::byte>*,
               std::vector<int32_t>*, std::vector<int64_t>*, std::vector<float>*, ElementType*,
               Padding*, Activation*, FullyConnectedWeightsFormat*, LstmKernelType*,
               LshProjectionType*, CombinerType*, MirrorPadMode*, RngAlgorithm*>
      value;
};
using FieldRefs = SmallVector<FieldRef, 8>;

// The fields of the held struct in slot order; none for default options. They live as long as
// `options` is neither changed nor moved.
FieldRefs fields_of(Options& options);

// Calls visit(field, value) for every field of the held struct, in slot order.
template <typename Visit>
void visit_fields(Options& options, Visit&& visit) {
  for (const FieldRef& field : fields_of(options)) {
    std::visit([&](auto* value) { visit(field, *value); }, field.value);
  }
}
template <typename Visit>
void visit_fields(const Options& options, Visit&& visit) {
  for (const FieldRef& field : fields_of(const_cast<Options&>(options))) {
    std::visit([&](const auto* value) { visit(field, *value); }, field.value);
  }
}

// The table that the held struct is written as; kNone for default options and CustomOptions.
OptionTable option_table(const Options& options);

// The struct of a table with the defaults of options.h; default options if the table is empty.
Options default_options(OptionTable table);

}  // namespace ferryman::tflite
