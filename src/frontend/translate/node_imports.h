// Which code imports a call of the program: an import function, the row of an op, or, where complex
// numbers take part, a row of their own table.
//
//   const NodeImports imports(ops);
//   const NodeImport import = imports.find("mul.Tensor", Numbers::kReal);
//   if (import.is_known()) FERRYMAN_TRY(std::vector<RealOrComplex> results, import.run(call));
#pragma once

#include <string_view>

#include "frontend/complex/complex_table.h"
#include "frontend/counted/counted_table.h"
#include "frontend/translate/bind_row.h"
#include "ops/families.h"

namespace ferryman::frontend {

enum class Numbers : uint8_t { kReal, kComplex };

struct NodeImport {
  ImportFn function = nullptr;
  const RowBinding* row = nullptr;
  const ComplexImport* complex = nullptr;  // goes before the others
  const CountedImport* counted = nullptr;  // where sizes are only known at run time

  bool is_known() const { return has_fixed_sizes() || complex != nullptr || counted != nullptr; }
  // Whether there is an import for tensors of which all sizes are numbers.
  bool has_fixed_sizes() const { return function != nullptr || row != nullptr; }
  ComplexImported run(ImportContext& call) const;
};

class NodeImports {
 public:
  // `ops` must outlive it.
  explicit NodeImports(const Ops& ops) : ops_(ops), rows_(ops.set) {}

  // `key` as import_key gives it. Calls of complex numbers only have no import of real ones; they
  // still take those.
  NodeImport find(std::string_view key, Numbers numbers) const;

 private:
  const Ops& ops_;
  RowTable rows_;
  ComplexTable complex_;
  CountedTable counted_;
};

}  // namespace ferryman::frontend
