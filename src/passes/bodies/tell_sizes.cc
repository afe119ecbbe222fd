#include "passes/bodies/tell_sizes.h"

#include <array>
#include <set>

#include "ir/builder.h"
#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/bodies/callers.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

using Symbols = std::set<size_t>;  // by their places in the table

void add_symbols(const SymbolTable& table, const Dims& dims, Symbols& found) {
  for (const Dim dim : dims) {
    if (dim.is_static()) continue;
    for (const size_t symbol : table.symbols_of(dim)) found.insert(symbol);
  }
}

// Of all that a graph computes. What is inside its own bodies is told to them by its values.
void add_symbols_of(const Graph& graph, Symbols& found) {
  for (const OpId id : graph.op_ids()) {
    const Op& op = graph.op(id);
    for (const ValueId result : op.results)
      add_symbols(graph.symbols(), graph.type(result).dims, found);
    for (const Attr& attr : op.attrs) {
      if (const auto* shape = std::get_if<ShapeAttr>(&attr))
        add_symbols(graph.symbols(), shape->dims, found);
      if (const auto* sizes = std::get_if<AxisSizes>(&attr))
        add_symbols(graph.symbols(), sizes->values, found);
      if (const auto* size = std::get_if<SizeAttr>(&attr))
        add_symbols(graph.symbols(), {size->value}, found);
      if (const auto* types = std::get_if<TypesAttr>(&attr))
        for (const TensorType& type : types->values) add_symbols(graph.symbols(), type.dims, found);
    }
  }
}

bool is_told(const Graph& body, size_t symbol) {
  for (const ValueId input : body.inputs()) {
    for (const Dim size : body.type(input).dims) {
      if (!size.is_static() && body.symbols().linear_in(size, symbol).has_value()) return true;
    }
  }
  return false;
}

class SizeTeller {
 public:
  SizeTeller(Graph& graph, const Callers& callers) : graph_(graph), callers_(callers) {}

  bool run() {
    Symbols needed;
    for (const BodyId body : callers_.bodies) add_symbols_of(graph_.body(body), needed);
    const Graph& first = graph_.body(callers_.bodies.front());
    std::erase_if(needed, [&](size_t symbol) { return is_told(first, symbol); });
    if (needed.empty()) return false;
    for (const size_t symbol : needed) lines_.push_back(symbol);
    for (const BodyId body : callers_.bodies) add_inputs(graph_.body(body));
    for (const OpId op : callers_.ops) rebuild(op);
    return true;
  }

 private:
  Dim size_of(size_t symbol) const {
    SymbolTable& table = graph_.symbols();
    return table.symbol(std::string(table.symbols()[symbol].name));
  }

  void add_inputs(Graph& body) const {
    for (const size_t symbol : lines_)
      body.add_input(graph_.symbols().symbols()[symbol].name, {DType::kI32, {size_of(symbol)}});
  }

  void rebuild(OpId id) {
    const Op op = graph_.op(id);
    Rewriter rewriter(graph_);
    rewriter.insert_before(id);
    rewriter.set_location(op.location);
    std::vector<ValueId> operands(op.operands.begin(), op.operands.end());
    for (const size_t symbol : lines_) {
      const std::array attrs = {NamedAttr(attr::kShape, ShapeAttr{{size_of(symbol)}})};
      operands.push_back(rewriter.create_all(ops::kIota, {}, attrs).front());
    }
    const std::vector<ValueId> made =
        rewriter.create_all(OpName{op.def->name}, operands, attrs_of(op));
    for (size_t i = 0; i < op.results.size(); ++i) rewriter.replace_value(op.results[i], made[i]);
    rewriter.erase(id);
  }

  Graph& graph_;
  const Callers& callers_;
  std::vector<size_t> lines_;
};

Result<Changed> run_tell_sizes(Graph& graph, PassContext&) {
  bool changed = false;
  for (const Callers& callers : find_callers(graph)) changed |= SizeTeller(graph, callers).run();
  return changed ? Changed::kYes : Changed::kNo;
}

}  // namespace

Pass tell_sizes_to_bodies() {
  return needed_because(
      "a body reads free sizes from the shapes of its inputs",
      {"tell_sizes_to_bodies", "bodies get the free sizes that they compute with", run_tell_sizes});
}

}  // namespace ferryman
