// Which ATen calls have an import for complex operands or results.
//
//   const ComplexTable table;
//   const ComplexImport* row = table.find("view_as_complex.default");
//   ComplexCall call(context, real_import, row->operands);
//   ComplexImported results = row->import(call);
//
// A call that has no row is refused when it meets complex numbers: nothing is computed on parts
// unless a row says that this is right.
#pragma once

#include <initializer_list>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/complex/complex_call.h"

namespace ferryman::frontend {

using ComplexFn = ComplexImported (*)(ComplexCall&);

// Whether an import calls that of real tensors; then it is nothing without it.
enum class Needs : uint8_t { kNothing, kRealImport };

struct ComplexImport {
  ComplexFn import = nullptr;
  std::vector<std::string_view> operands;  // the arguments with numbers to compute with
  Needs needs = Needs::kNothing;
};

class ComplexTable {
 public:
  ComplexTable();

  const ComplexImport* find(std::string_view target) const;  // null: there is none
  void add(std::initializer_list<std::string_view> targets, ComplexFn import,
           std::initializer_list<std::string_view> operands = {"self"});
  // The same for one that needs the import of real tensors.
  void add_lifted(std::initializer_list<std::string_view> targets, ComplexFn import,
                  std::initializer_list<std::string_view> operands = {"self"});

 private:
  void add_row(std::string_view target, ComplexImport row);

  std::unordered_map<std::string_view, ComplexImport> rows_;
};

// The families.
void add_complex_arithmetic(ComplexTable& table);
void add_complex_moves(ComplexTable& table);
void add_complex_functions(ComplexTable& table);
void add_fourier(ComplexTable& table);
void add_short_time_fourier(ComplexTable& table);

}  // namespace ferryman::frontend
