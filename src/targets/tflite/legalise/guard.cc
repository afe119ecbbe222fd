#include "targets/tflite/legalise/guard.h"

namespace ferryman::tflite {

Changed guard_ops(Graph& graph, Guard (*find)(const Graph&, const Op&)) {
  Changed changed = Changed::kNo;
  Rewriter rewriter(graph);
  for (OpId id = graph.first_op(); id.valid();) {
    const OpId next = graph.op(id).next;
    if (const Guard guard = find(graph, graph.op(id))) {
      rewriter.insert_before(id);
      CoreWriter write(rewriter);
      const Op op = graph.op(id);
      rewriter.replace_value(op.result(), guard(rewriter, write, op));
      rewriter.erase_dead(id);
      changed = Changed::kYes;
    }
    id = next;
  }
  return changed;
}

}  // namespace ferryman::tflite
