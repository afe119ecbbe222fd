#include "targets/keras/lower/weight_rows.h"

#include <vector>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman::keras {

namespace {

// Rows [begin, end) where the op cuts no other axis.
struct Cut {
  int64_t begin, end;
};

std::optional<Cut> cut_of(const Graph& graph, const Op& slice, size_t axis) {
  const Dims& dims = graph.type(slice.operands[0]).dims;
  const Dims& begins = slice.attr(attr::kStarts).values;
  const Dims& ends = slice.attr(attr::kEnds).values;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (slice.attr(attr::kSteps).values[i] != 1) return std::nullopt;
    if (i != axis && (!(begins[i] == Dim(0)) || !(ends[i] == dims[i]))) return std::nullopt;
  }
  return Cut{begins[axis].size(), ends[axis].size()};
}

void collect_readers(const Graph& graph, ValueId value, std::set<OpId>& readers) {
  for (const Use& use : graph.value(value).uses) {
    const Op& op = graph.op(use.op);
    if (op.is(ops::kSlice) || op.is(ops::kPermute)) {
      collect_readers(graph, op.result(), readers);
    } else {
      readers.insert(use.op);
    }
  }
}

}  // namespace

std::optional<WeightRows> weight_rows(const Graph& graph, ValueId value) {
  WeightRows rows = {.source = value, .size = graph.type(value).dims[0].size()};
  while (!graph.is_stored(rows.source)) {
    const OpId producer = graph.producer(rows.source);
    if (!producer.valid()) return std::nullopt;
    const Op& op = graph.op(producer);
    if (op.is(ops::kPermute)) {
      rows.axis = static_cast<size_t>(op.attr(attr::kPerm).values[rows.axis]);
    } else if (op.is(ops::kSlice)) {
      const std::optional<Cut> cut = cut_of(graph, op, rows.axis);
      if (!cut.has_value()) return std::nullopt;
      rows.begin += cut->begin;
    } else {
      return std::nullopt;
    }
    rows.source = op.operands[0];
  }
  return rows;
}

std::set<OpId> readers_of_weight(const Graph& graph, ValueId source) {
  std::set<OpId> readers;
  collect_readers(graph, source, readers);
  return readers;
}

}  // namespace ferryman::keras
