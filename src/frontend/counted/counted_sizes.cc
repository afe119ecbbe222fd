#include "frontend/counted/counted_sizes.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/core_writer.h"
#include "ops/names.h"

namespace ferryman::frontend {

namespace {

using Kind = SizeTerm::Kind;

constexpr int64_t kMaxBound = INT32_MAX;  // the runtime's sizes are int32

Diag unknown_size(std::string_view what) {
  return Diag::error(DiagCode::kUnsupportedForm,
                     fmt::format("a size of run time, {}, is not known to be bounded", what));
}

OpName op_of(Kind kind) {
  if (kind == Kind::kAdd) return ops::kAdd;
  if (kind == Kind::kMul) return ops::kMul;
  if (kind == Kind::kMin) return ops::kMinimum;
  if (kind == Kind::kMax) return ops::kMaximum;
  return ops::kFloorDivide;
}

// Of what is counted, these alone are bounded.
bool has_bound(const SizeTerm& term) {
  return term.kind != Kind::kMod && term.kind != Kind::kPow;
}

bool is_number(const SizeTerm& term) {
  return term.kind == Kind::kNumber;
}

bool is_never_negative(const SizeTerm& term) {
  if (is_number(term)) return term.number >= 0;
  return std::all_of(term.operands.begin(), term.operands.end(), is_never_negative);
}

enum class Sign : uint8_t { kNotNegative, kNegative, kUnknown };

// Of a product: one negative number may take something away from a sum.
Sign sign_of(const SizeTerm& product) {
  size_t negative = 0;
  for (const SizeTerm& operand : product.operands) {
    if (is_never_negative(operand)) continue;
    if (!is_number(operand)) return Sign::kUnknown;
    ++negative;
  }
  if (negative > 1) return Sign::kUnknown;
  return negative == 1 ? Sign::kNegative : Sign::kNotNegative;
}

bool is_beyond(const SizeExpr& value) {
  return value.number().value_or(0) > kMaxBound;
}

}  // namespace

std::optional<Dim> CountedSizes::free_symbol(const SizeTerm& term) const {
  return free_.find_symbol(term.symbol);
}

bool CountedSizes::is_defined(const SizeTerm& term) const {
  if (term.kind == Kind::kSymbol)
    return symbols_.contains(term.symbol) || free_symbol(term).has_value();
  return std::all_of(term.operands.begin(), term.operands.end(),
                     [&](const SizeTerm& operand) { return is_defined(operand); });
}

bool CountedSizes::is_known(const std::string& expr) const {
  const Result<SizeTerm> term = parse_size(expr);
  return term.ok() && is_defined(*term);
}

Status CountedSizes::define(const std::string& expr, ValueId count, Dim bound) {
  FERRYMAN_TRY(const SizeTerm term, parse_size(expr));
  if (term.kind != Kind::kSymbol) return unknown_size(expr);
  symbols_.insert_or_assign(term.symbol, Size{count, bound});
  return {};
}

Status CountedSizes::define_fixed(const std::string& expr, Dim size) {
  FERRYMAN_TRY(const SizeTerm term, parse_size(expr));
  if (term.kind != Kind::kSymbol) return unknown_size(expr);
  const ValueId count = CoreWriter(builder_).size_value(size, DType::kI32);
  symbols_.insert_or_assign(term.symbol, Size{count, size, true});
  return {};
}

std::optional<Dim> CountedSizes::dim_of(const SymSize& size) const {
  if (const std::optional<Dim> free = free_.find(size); free.has_value()) return free;
  const Result<SizeTerm> term = parse_size(size.expr);
  const std::optional<SizeExpr> fixed = term.ok() ? fixed_value(*term) : std::nullopt;
  return fixed.has_value() ? std::optional(table().dim(*fixed)) : std::nullopt;
}

// The largest value of an operation on sizes up to these.
SizeExpr CountedSizes::combine(Kind kind, const SizeExpr& a, const SizeExpr& b) const {
  if (kind == Kind::kAdd) return a + b;
  if (kind == Kind::kMul) return a * b;
  if (kind == Kind::kMin) return table().extreme(SymbolTable::Kind::kMin, a, b);
  if (kind == Kind::kMax) return table().extreme(SymbolTable::Kind::kMax, a, b);
  return table().quotient(a, b);
}

std::optional<SizeExpr> CountedSizes::fixed_value(const SizeTerm& term) const {
  if (is_number(term)) return SizeExpr(term.number);
  if (term.kind == Kind::kSymbol) {
    if (const std::optional<Dim> free = free_symbol(term); free.has_value())
      return table().of(*free);
    const auto found = symbols_.find(term.symbol);
    const bool is_fixed = found != symbols_.end() && found->second.is_fixed;
    return is_fixed ? std::optional(table().of(found->second.bound)) : std::nullopt;
  }
  if (!has_bound(term)) return std::nullopt;
  std::optional<SizeExpr> value = fixed_value(term.operands[0]);
  for (size_t i = 1; value.has_value() && i < term.operands.size(); ++i) {
    const std::optional<SizeExpr> next = fixed_value(term.operands[i]);
    const bool divides = term.kind == Kind::kFloorDiv;
    if (!next.has_value() ||
        (divides && (table().range(*next).min <= 0 || table().range(*value).min < 0)))
      return std::nullopt;
    value = combine(term.kind, *value, *next);
  }
  return value;
}

Result<Dim> CountedSizes::bound(const std::string& expr) const {
  FERRYMAN_TRY(const SizeTerm term, parse_size(expr));
  FERRYMAN_TRY(const SizeExpr bound, bound_of(term));
  return table().dim(table().extreme(SymbolTable::Kind::kMax, bound, 0));
}

Result<SizeExpr> CountedSizes::bound_of(const SizeTerm& term) const {
  if (const std::optional<SizeExpr> fixed = fixed_value(term); fixed.has_value()) return *fixed;
  if (term.kind == Kind::kSymbol) {
    const auto found = symbols_.find(term.symbol);
    if (found == symbols_.end()) return unknown_size("'" + term.symbol + "'");
    return table().of(found->second.bound);
  }
  if (!has_bound(term)) return unknown_size("a remainder or power");
  if (term.kind == Kind::kMul) {
    const Sign sign = sign_of(term);
    if (sign == Sign::kUnknown) return unknown_size("a product of a difference");
    if (sign == Sign::kNegative) return SizeExpr();
  }
  if (term.kind == Kind::kFloorDiv && !is_number(term.operands[1]))
    return unknown_size("a quotient by another one");
  FERRYMAN_TRY(SizeExpr bound, bound_of(term.operands[0]));
  for (size_t i = 1; i < term.operands.size(); ++i) {
    FERRYMAN_TRY(const SizeExpr next, bound_of(term.operands[i]));
    if (is_beyond(bound) || is_beyond(next)) return unknown_size("beyond what int32 counts");
    if (term.kind == Kind::kFloorDiv && next.number().value_or(1) <= 0)
      return unknown_size("beyond what int32 counts");
    bound = combine(term.kind, bound, next);
  }
  if (is_beyond(bound)) return unknown_size("beyond what int32 counts");
  return bound;
}

Result<ValueId> CountedSizes::count(const std::string& expr) {
  if (const auto found = counts_.find(expr); found != counts_.end()) return found->second;
  FERRYMAN_TRY(const SizeTerm term, parse_size(expr));
  FERRYMAN_TRY(ValueId count, count_of(term));
  if (term.kind == Kind::kAdd)  // n - 1 of none
    count = builder_.create(ops::kMaximum, {count, builder_.scalar(DType::kI32, 0)});
  counts_.emplace(expr, count);
  return count;
}

Result<ValueId> CountedSizes::number(const std::string& expr) const {
  FERRYMAN_TRY(const SizeTerm term, parse_size(expr));
  return count_of(term);
}

Result<ValueId> CountedSizes::count_of(const SizeTerm& term) const {
  if (is_number(term)) return builder_.scalar(DType::kI32, static_cast<double>(term.number));
  if (term.kind == Kind::kSymbol) {
    if (const std::optional<Dim> free = free_symbol(term); free.has_value())
      return CoreWriter(builder_).size_value(*free, DType::kI32);
    const auto found = symbols_.find(term.symbol);
    if (found == symbols_.end()) return unknown_size("'" + term.symbol + "'");
    return found->second.count;
  }
  if (!has_bound(term)) return unknown_size("a remainder or power");
  FERRYMAN_TRY(ValueId count, count_of(term.operands[0]));
  for (size_t i = 1; i < term.operands.size(); ++i) {
    FERRYMAN_TRY(const ValueId next, count_of(term.operands[i]));
    count = builder_.create(op_of(term.kind), {count, next});
  }
  return count;
}

}  // namespace ferryman::frontend
