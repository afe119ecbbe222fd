#include "frontend/translate/node_imports.h"

#include "ops/foreign/foreign.h"

namespace ferryman::frontend {

ComplexImported NodeImport::run(ImportContext& call) const {
  const auto import_real = [this](ImportContext& part) -> Imported {
    if (function != nullptr) return function(part);
    if (row != nullptr) return import_by_row(part, *row->def, *row->aten);
    return part.unsupported("it has no form for real numbers");
  };
  if (complex != nullptr) {
    ComplexCall complex_call(call, import_real, complex->operands);
    return complex->import(complex_call);
  }
  FERRYMAN_TRY(const std::vector<ValueId> results, import_real(call));
  return std::vector<RealOrComplex>(results.begin(), results.end());
}

NodeImport NodeImports::find(std::string_view key, Numbers numbers) const {
  NodeImport import;
  import.function = ops_.imports.find(key);
  if (import.function == nullptr) import.row = rows_.find(key);
  if (!import.has_fixed_sizes() && is_foreign(key)) import.function = import_foreign;
  if (numbers == Numbers::kReal) import.counted = counted_.find(key);
  if (numbers == Numbers::kReal && import.is_known()) return import;
  import.complex = complex_.find(key);
  const bool lacks_real = import.complex != nullptr &&
                          import.complex->needs == Needs::kRealImport &&
                          import.function == nullptr && import.row == nullptr;
  if (lacks_real) return {};
  // Nothing of real numbers is right for complex ones by itself.
  return import.complex != nullptr ? import : NodeImport{};
}

}  // namespace ferryman::frontend
