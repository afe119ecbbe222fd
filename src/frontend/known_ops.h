// Which ATen calls the core can import: what a caller may have decomposed first.
//
//   KnownOps known(ops);
//   known.has("aten.add_.Tensor");   // true: its functional twin has an import
//   known.has("aten.trapz.dx");      // false: torch's decomposition of it may do
#pragma once

#include <string_view>

#include "frontend/bind_row.h"
#include "frontend/complex/complex_table.h"
#include "ops/families.h"

namespace ferryman::frontend {

class KnownOps {
 public:
  // `ops` must outlive it.
  explicit KnownOps(const Ops& ops) : ops_(ops), rows_(ops.set) {}
  // An op that writes is known if what computes the written value is. One that is refused with a
  // reason of its own counts as known: the reason says more than its decomposition could.
  bool has(std::string_view target) const;

 private:
  bool imports(std::string_view target) const;

  const Ops& ops_;
  RowTable rows_;
  ComplexTable complex_;
};

}  // namespace ferryman::frontend
