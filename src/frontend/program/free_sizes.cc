#include "frontend/program/free_sizes.h"

#include <algorithm>

namespace ferryman::frontend {

FreeSizes::FreeSizes(const Program& program, SymbolTable& symbols)
    : symbols_(symbols), orders_(program) {
  for (const Input& input : program.inputs) {
    if (input.kind != InputKind::kUser || input.value == kNoValue) continue;
    const std::optional<TensorMeta>& tensor = program.values[input.value].tensor;
    if (!tensor.has_value()) continue;
    for (const SymSize& size : tensor->sizes) {
      if (size.is_static()) continue;
      const Result<SizeTerm> term = parse_size(size.expr);
      if (term.ok()) declare(*term, program, size);
    }
  }
}

void FreeSizes::declare(const SizeTerm& term, const Program& program, const SymSize& size) {
  for (const SizeTerm& operand : term.operands) declare(operand, program, SymSize{});
  if (term.kind != SizeTerm::Kind::kSymbol) return;
  const auto range = std::find_if(program.symbols.begin(), program.symbols.end(),
                                  [&](const auto& symbol) { return symbol.symbol == term.symbol; });
  Program::SymbolRange known;
  if (range != program.symbols.end()) known = *range;
  const std::string& name = known.name.empty() ? term.symbol : known.name;
  const int64_t hint = known.hint > 0 ? known.hint : size.value;
  symbols_of_.emplace(term.symbol,
                      symbols_.symbol(name, {std::max<int64_t>(known.min, 1), known.max}, hint));
}

std::optional<Dim> FreeSizes::find(const SymSize& size) {
  if (size.is_static()) return Dim(size.value);
  if (const auto known = known_.find(size.expr); known != known_.end()) return known->second;
  std::optional<Dim> dim;
  if (const Result<SizeTerm> term = parse_size(size.expr); term.ok()) {
    std::optional<SizeExpr> value = evaluate(*term);
    if (!value.has_value() && !orders_.empty()) value = by_orders(*term);
    if (value.has_value()) dim = symbols_.dim(*value);
  }
  known_.emplace(size.expr, dim);
  return dim;
}

std::optional<Dim> FreeSizes::find_symbol(const std::string& name) const {
  const auto symbol = symbols_of_.find(name);
  return symbol == symbols_of_.end() ? std::nullopt : std::optional(symbol->second);
}

std::optional<SizeExpr> FreeSizes::combine(SizeTerm::Kind kind, const SizeExpr& a,
                                           const SizeExpr& b) {
  switch (kind) {
    case SizeTerm::Kind::kAdd:
      return a + b;
    case SizeTerm::Kind::kMul:
      return a * b;
    case SizeTerm::Kind::kMin:
      return symbols_.extreme(SymbolTable::Kind::kMin, a, b);
    case SizeTerm::Kind::kMax:
      return symbols_.extreme(SymbolTable::Kind::kMax, a, b);
    case SizeTerm::Kind::kFloorDiv:
      return symbols_.quotient(a, b);
    case SizeTerm::Kind::kMod:
      return a - b * symbols_.quotient(a, b);
    case SizeTerm::Kind::kPow:
    case SizeTerm::Kind::kNumber:
    case SizeTerm::Kind::kSymbol:
      break;
  }
  const std::optional<int64_t> exponent = b.number();
  constexpr int64_t kMaxExponent = 8;
  if (!exponent.has_value() || *exponent < 0 || *exponent > kMaxExponent) return std::nullopt;
  SizeExpr power(1);
  for (int64_t i = 0; i < *exponent; ++i) power = power * a;
  return power;
}

std::optional<SizeExpr> FreeSizes::by_orders(const SizeTerm& term) const {
  const std::optional<SizeSum> sum = orders_.sum(term);
  if (!sum.has_value()) return std::nullopt;
  SizeExpr value(sum->number);
  for (const auto& [name, times] : sum->times) {
    const std::optional<Dim> symbol = find_symbol(name);
    if (!symbol.has_value()) return std::nullopt;
    value = value + symbols_.of(*symbol) * SizeExpr(times);
  }
  return value;
}

std::optional<SizeExpr> FreeSizes::evaluate(const SizeTerm& term) {
  if (term.kind == SizeTerm::Kind::kNumber) return SizeExpr(term.number);
  if (term.kind == SizeTerm::Kind::kSymbol) {
    const std::optional<Dim> symbol = find_symbol(term.symbol);
    return symbol.has_value() ? std::optional(symbols_.of(*symbol)) : std::nullopt;
  }
  std::optional<SizeExpr> value = evaluate(term.operands.front());
  for (size_t i = 1; value.has_value() && i < term.operands.size(); ++i) {
    const std::optional<SizeExpr> next = evaluate(term.operands[i]);
    if (!next.has_value()) return std::nullopt;
    value = combine(term.kind, *value, *next);
  }
  return value;
}

}  // namespace ferryman::frontend
