#include "targets/tflite/lower/contract.h"

#include "targets/tflite/lower/lower_table.h"

namespace ferryman::tflite {

std::vector<layout::Form> TfliteContract::forms(const Graph& graph, OpId id) const {
  const LoweringRow* row = find_lowering(*graph.op(id).def);
  if (row == nullptr || row->forms == nullptr) return {};
  return row->forms(graph, id);
}

}  // namespace ferryman::tflite
