// Rolling: what leaves an axis at one end comes in at the other.
#include <array>
#include <variant>
#include <vector>

#include "ops/core_writer.h"
#include "ops/families.h"
#include "ops/import.h"

namespace ferryman {

namespace {

// The last `shift` entries come first.
ValueId emit_roll(CoreWriter write, ValueId x, int64_t axis, const SizeExpr& shift) {
  const Dim size = write.dim(x, axis);
  if (size == Dim(0)) return x;
  SymbolTable& symbols = write.symbols();
  const SizeExpr end = symbols.of(size);
  const SizeExpr before = end - shift;
  const Dim first = symbols.dim(before - end * symbols.quotient(before, end));
  if (first == Dim(0)) return x;
  const ValueId tail = write.slice_axis(x, axis, first, size);
  return write.concat(std::array{tail, write.slice_axis(x, axis, 0, first)}, axis);
}

// Numbers, which may be negative, or sizes.
Result<std::vector<SizeExpr>> read_shifts(ImportContext& call) {
  const ImportArg* arg = call.find("shifts");
  const auto* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  const ImportArgs single = arg == nullptr ? ImportArgs{} : ImportArgs{*arg};
  std::vector<SizeExpr> shifts;
  for (const ImportArg& item : list != nullptr ? *list : single) {
    const auto* number = std::get_if<int64_t>(&item.value);
    const auto* size = std::get_if<Dim>(&item.value);
    if (number == nullptr && size == nullptr) return call.unsupported("a shift that is no size");
    shifts.push_back(number != nullptr ? SizeExpr(*number) : call.writer().symbols().of(*size));
  }
  return shifts;
}

Imported import_roll(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const std::vector<SizeExpr> shifts, read_shifts(call));
  FERRYMAN_TRY(const Ints axes, call.integers("dims", Ints{}));
  const CoreWriter write = call.writer();
  const Dims sizes = write.dims(x);
  if (axes.empty() && shifts.size() == 1) {
    const ValueId flat = write.reshape(x, {-1});
    const ValueId rolled = emit_roll(write, flat, 0, shifts.front());
    return one_result(write.reshape(rolled, sizes));
  }
  if (axes.size() != shifts.size()) return call.unsupported("one shift for each axis");
  for (size_t i = 0; i < axes.size(); ++i) {
    FERRYMAN_TRY(const int64_t axis, normalise_axis(axes[i], sizes.size()));
    if (sizes.empty()) continue;
    x = emit_roll(write, x, axis, shifts[i]);
  }
  return std::vector{x};
}

}  // namespace

void add_roll_ops(Ops& ops) {
  ops.imports.add("roll.default", import_roll);
}

}  // namespace ferryman
