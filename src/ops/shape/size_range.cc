#include "ops/shape/size_range.h"

namespace ferryman {

namespace {

Result<Dim> read_bound(ImportContext& call, std::string_view name, Dim size, Dim absent) {
  if (!call.given(name)) return absent;
  SymbolTable& symbols = call.writer().symbols();
  const auto from_end = [&](const SizeExpr& distance) {
    return symbols.dim(
        symbols.extreme(SymbolTable::Kind::kMax, symbols.of(size) + distance, SizeExpr()));
  };
  const auto* number = std::get_if<int64_t>(&call.find(name)->value);
  if (number != nullptr && *number < 0) return from_end(SizeExpr(*number));
  FERRYMAN_TRY(const Dim position, call.size(name));
  if (position == Dim(INT64_MAX)) return size;
  if (symbols.range(position).max < 0) return from_end(symbols.of(position));
  return symbols.min(position, size);
}

}  // namespace

Result<SizeRange> read_size_range(ImportContext& call, Dim size) {
  SizeRange range;
  FERRYMAN_TRY(range.begin, read_bound(call, "start", size, 0));
  FERRYMAN_TRY(range.end, read_bound(call, "end", size, size));
  FERRYMAN_TRY(range.step, call.integer("step", 1));
  if (range.step < 1) return call.unsupported("a step below 1");
  range.end = call.writer().symbols().max(range.end, range.begin);
  return range;
}

}  // namespace ferryman
