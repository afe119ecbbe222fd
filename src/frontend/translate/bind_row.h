// The import of an ATen call that maps argument by argument onto one op, as the op's row says.
//
//   const RowBinding* row = rows.find("leaky_relu.default");
//   FERRYMAN_TRY(std::vector<ValueId> results, import_by_row(call, *row->def, *row->aten));
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "ops/import.h"

namespace ferryman::frontend {

struct RowBinding {
  const OpDef* def = nullptr;
  const AtenRow* aten = nullptr;
};

// All ATen rows of an op set by target.
class RowTable {
 public:
  explicit RowTable(const OpSet& ops);
  const RowBinding* find(std::string_view target) const;

 private:
  std::unordered_map<std::string_view, RowBinding> rows_;
};

Result<std::vector<ValueId>> import_by_row(ImportContext& call, const OpDef& def,
                                           const AtenRow& row);

}  // namespace ferryman::frontend
