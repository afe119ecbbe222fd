#include "tests/support/core_ir.h"

#include "frontend/functionalise/drop_input_writes.h"
#include "frontend/functionalise/functionalise.h"
#include "frontend/translate/translate.h"
#include "ir/print.h"
#include "ops/families.h"

namespace ferryman {

Result<std::string> print_core_ir(frontend::Program program) {
  Ops ops;
  add_all_ops(ops);
  FERRYMAN_TRY(frontend::Program functional, frontend::functionalise(std::move(program)));
  Diagnostics diagnostics;
  functional = frontend::drop_input_writes(std::move(functional), diagnostics);
  FERRYMAN_TRY(const Graph graph, frontend::translate(functional, ops, diagnostics));
  return print_graph(graph, PrintLocations::kYes);
}

}  // namespace ferryman
