// Which ATen calls the core can import: what a caller may have decomposed first.
//
//   KnownOps known(ops);
//   known.has("aten.add_.Tensor");   // true: its functional twin has an import
//   known.has("aten.trapz.dx");      // false: torch's decomposition of it may do
#pragma once

#include <string_view>

#include "frontend/translate/node_imports.h"

namespace ferryman::frontend {

class KnownOps {
 public:
  // `ops` must outlive it.
  explicit KnownOps(const Ops& ops) : imports_(ops) {}
  // An op that writes is known if what computes the written value is. One that is refused with a
  // reason of its own counts as known: the reason says more than its decomposition could.
  bool has(std::string_view target) const;

 private:
  bool imports(std::string_view target) const;

  NodeImports imports_;
};

}  // namespace ferryman::frontend
