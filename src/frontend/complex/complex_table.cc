#include "frontend/complex/complex_table.h"

#include "support/check.h"

namespace ferryman::frontend {

ComplexTable::ComplexTable() {
  add_complex_arithmetic(*this);
  add_complex_moves(*this);
  add_complex_functions(*this);
  add_fourier(*this);
  add_short_time_fourier(*this);
}

const ComplexImport* ComplexTable::find(std::string_view target) const {
  const auto found = rows_.find(target);
  return found == rows_.end() ? nullptr : &found->second;
}

void ComplexTable::add(std::initializer_list<std::string_view> targets, ComplexFn import,
                       std::initializer_list<std::string_view> operands) {
  for (const std::string_view target : targets)
    add_row(target, {import, operands, Needs::kNothing});
}

void ComplexTable::add_lifted(std::initializer_list<std::string_view> targets, ComplexFn import,
                              std::initializer_list<std::string_view> operands) {
  for (const std::string_view target : targets)
    add_row(target, {import, operands, Needs::kRealImport});
}

void ComplexTable::add_row(std::string_view target, ComplexImport row) {
  const bool added = rows_.emplace(target, std::move(row)).second;
  check(added, "two complex imports of one ATen call");
}

}  // namespace ferryman::frontend
