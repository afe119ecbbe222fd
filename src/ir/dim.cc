#include "ir/dim.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace ferryman {

namespace {

constexpr int64_t kInfinite = std::numeric_limits<int64_t>::max();

int64_t saturated(__int128 value) {
  if (value > kInfinite) return kInfinite;
  return value < -kInfinite ? -kInfinite : static_cast<int64_t>(value);
}

bool is_infinite(int64_t bound) {
  return bound == kInfinite || bound <= -kInfinite;
}

// 0 times no bound is 0.
int64_t product_of_bounds(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  if (is_infinite(a) || is_infinite(b)) return (a < 0) == (b < 0) ? kInfinite : -kInfinite;
  return saturated(static_cast<__int128>(a) * b);
}

int64_t sum_of_bounds(int64_t a, int64_t b) {
  if (is_infinite(a)) return a;
  return is_infinite(b) ? b : saturated(static_cast<__int128>(a) + b);
}

SymbolRange product_of(SymbolRange a, SymbolRange b) {
  const int64_t corners[] = {product_of_bounds(a.min, b.min), product_of_bounds(a.min, b.max),
                             product_of_bounds(a.max, b.min), product_of_bounds(a.max, b.max)};
  return {*std::min_element(std::begin(corners), std::end(corners)),
          *std::max_element(std::begin(corners), std::end(corners))};
}

SymbolRange quotient_of(SymbolRange a, SymbolRange b) {
  if (b.min <= 0) return {-kInfinite, kInfinite};
  const auto divided = [](int64_t bound, int64_t by) {
    if (is_infinite(bound)) return bound;
    if (is_infinite(by)) return bound < 0 ? int64_t{-1} : int64_t{0};
    return floor_div(bound, by);
  };
  return {std::min(divided(a.min, b.min), divided(a.min, b.max)),
          std::max(divided(a.max, b.min), divided(a.max, b.max))};
}

}  // namespace

void Dim::refuse_negative(int64_t size) {
  throw SizeError(fmt::format("the size {} is negative", size));
}

void Dim::refuse_free() {
  throw SizeError("a size that is free is needed as a number");
}

// ---- normal forms ----

Dim SymbolTable::symbol(std::string_view name, SymbolRange range, int64_t hint) {
  const auto known = std::find_if(symbols_.begin(), symbols_.end(),
                                  [&](const Symbol& symbol) { return symbol.name == name; });
  const auto place = static_cast<int64_t>(known - symbols_.begin());
  if (known == symbols_.end()) symbols_.push_back({std::string(name), range, hint});
  return dim(add_atom({Kind::kSymbol, SizeExpr(place), {}}));
}

Dim SymbolTable::define(std::string_view name, SymbolRange range, int64_t hint) {
  const Dim dim = symbol(name, range, hint);
  for (Symbol& known : symbols_)
    if (known.name == name) known = {known.name, range, hint};
  return dim;
}

SizeExpr SymbolTable::of(Dim dim) const {
  return dim.is_static() ? SizeExpr(dim.size()) : exprs_[dim.expr()];
}

Dim SymbolTable::dim(const SizeExpr& value) {
  if (const std::optional<int64_t> number = value.number(); number.has_value()) return *number;
  if (const auto same = expr_ids_.find(value); same != expr_ids_.end())
    return Dim::of_expr(same->second);
  const SizeExpr key = without_extremes(value);
  if (const std::optional<int64_t> number = key.number(); number.has_value()) return *number;
  const auto [known, is_new] = expr_ids_.emplace(key, static_cast<uint32_t>(exprs_.size()));
  if (is_new) exprs_.push_back(value);
  const uint32_t id = known->second;
  expr_ids_.emplace(value, id);
  return Dim::of_expr(id);
}

// max(0, a - b), and of the two directions that which has a positive first term: the other one is
// max(0, x) = x + max(0, -x).
SizeExpr SymbolTable::excess(const SizeExpr& a, const SizeExpr& b) {
  const SizeExpr difference = a - b;
  const SymbolRange bounds = range(difference);
  if (bounds.min >= 0) return difference;
  if (bounds.max <= 0) return {};
  if (difference.terms().back().factor > 0) return add_atom({Kind::kMax, {}, difference});
  return difference + add_atom({Kind::kMax, {}, SizeExpr() - difference});
}

// max(a, b) = b + max(0, a - b), min(a, b) = a - max(0, a - b), in quotients as well.
SizeExpr SymbolTable::without_extremes(const SizeExpr& value) {
  SizeExpr result;
  for (const SizeExpr::Term& term : value.terms()) {
    SizeExpr product(term.factor);
    for (const uint32_t id : term.atoms) {
      const Atom known = atoms_[id];
      if (known.kind == Kind::kSymbol) {
        product = product * SizeExpr::atom(id);
        continue;
      }
      const SizeExpr a = without_extremes(known.lhs);
      const SizeExpr b = without_extremes(known.rhs);
      if (known.kind == Kind::kFloorDiv) product = product * quotient(a, b);
      if (known.kind == Kind::kMax) product = product * (b + excess(a, b));
      if (known.kind == Kind::kMin) product = product * (a - excess(a, b));
    }
    result = result + product;
  }
  return result;
}

SizeExpr SymbolTable::add_atom(Atom atom) {
  const auto [known, is_new] = atom_ids_.emplace(atom, static_cast<uint32_t>(atoms_.size()));
  if (is_new) atoms_.push_back(std::move(atom));
  return SizeExpr::atom(known->second);
}

Dim SymbolTable::product(const Dims& dims) {
  SizeExpr result(1);
  for (const Dim dim : dims) result = result * of(dim);
  return dim(result);
}

std::optional<Dim> SymbolTable::exact_quotient(Dim a, Dim b) {
  const std::optional<SizeExpr> result = divide_exactly(of(a), of(b));
  return result.has_value() ? std::optional(dim(*result)) : std::nullopt;
}

// (x // d + k) // c = (x + k*d) // (c*d)
std::optional<SizeExpr> SymbolTable::unnested(const SizeExpr& rest, int64_t divisor) {
  const int64_t number = rest.terms().front().atoms.empty() ? rest.terms().front().factor : 0;
  const std::optional<uint32_t> inner = (rest - SizeExpr(number)).single_atom();
  if (!inner.has_value() || atoms_[*inner].kind != Kind::kFloorDiv) return std::nullopt;
  const Atom nested = atoms_[*inner];
  const std::optional<int64_t> by = nested.rhs.number();
  if (!by.has_value()) return std::nullopt;
  return quotient_by_number(nested.lhs + SizeExpr(checked_mul(number, *by)),
                            checked_mul(*by, divisor));
}

// What divides leaves the quotient; the rest has factors from 0 to below the divisor.
SizeExpr SymbolTable::quotient_by_number(const SizeExpr& a, int64_t divisor) {
  if (divisor <= 0) throw SizeError("a size is divided by 0");
  SizeExpr whole, rest;
  int64_t common = divisor;
  for (const SizeExpr::Term& term : a.terms()) {
    const int64_t times = floor_div(term.factor, divisor);
    whole.add({term.atoms, times});
    rest.add({term.atoms, term.factor - times * divisor});
    if (!term.atoms.empty()) common = std::gcd(common, term.factor - times * divisor);
  }
  if (rest.terms().empty()) return whole;
  const SymbolRange left = range(rest);
  if (left.min >= 0 && left.max < divisor) return whole;
  if (common > 1) {  // (g*x + k) // (g*c) = (x + k // g) // c
    SizeExpr smaller;
    for (const SizeExpr::Term& term : rest.terms())
      smaller.add({term.atoms, floor_div(term.factor, common)});
    return whole + quotient_by_number(smaller, divisor / common);
  }
  if (const std::optional<SizeExpr> flat = unnested(rest, divisor)) return whole + *flat;
  return whole + add_atom({Kind::kFloorDiv, rest, SizeExpr(divisor)});
}

SizeExpr SymbolTable::quotient(const SizeExpr& a, const SizeExpr& b) {
  if (const std::optional<int64_t> number = b.number()) return quotient_by_number(a, *number);
  if (const std::optional<SizeExpr> exact = divide_exactly(a, b)) return *exact;
  const SymbolRange rest = range(a);
  const SymbolRange room = range(b - a);
  if (rest.min >= 0 && room.min > 0) return {};
  return add_atom({Kind::kFloorDiv, a, b});
}

SizeExpr SymbolTable::extreme(Kind kind, const SizeExpr& a, const SizeExpr& b) {
  const SymbolRange difference = range(a - b);
  if (difference.min >= 0) return kind == Kind::kMax ? a : b;
  if (difference.max <= 0) return kind == Kind::kMax ? b : a;
  return a < b ? add_atom({kind, a, b}) : add_atom({kind, b, a});
}

// ---- values ----

SymbolRange SymbolTable::range(const Atom& atom) const {
  if (atom.kind == Kind::kSymbol) return symbols_[static_cast<size_t>(*atom.lhs.number())].range;
  const SymbolRange a = range(atom.lhs);
  const SymbolRange b = range(atom.rhs);
  if (atom.kind == Kind::kFloorDiv) return quotient_of(a, b);
  if (atom.kind == Kind::kMax) return {std::max(a.min, b.min), std::max(a.max, b.max)};
  return {std::min(a.min, b.min), std::min(a.max, b.max)};
}

// `times` * value with each x // m taken for the least or the most that it may be, (x - m + 1) / m
// or x / m: 8*h - 8*(7*h // 8) is at least h. Nothing if there are none, or if `times` does not
// divide by an m.
std::optional<SizeExpr> SymbolTable::without_quotients(const SizeExpr& value, int64_t times,
                                                       bool is_least) const {
  SizeExpr bound;
  bool has_quotient = false;
  for (const SizeExpr::Term& term : value.terms()) {
    const Atom* atom = term.atoms.size() == 1 ? &atoms_[term.atoms[0]] : nullptr;
    const bool divides = atom != nullptr && atom->kind == Kind::kFloorDiv;
    const std::optional<int64_t> by = divides ? atom->rhs.number() : std::nullopt;
    if (!by.has_value()) {
      bound.add({term.atoms, checked_mul(term.factor, times)});
      continue;
    }
    if (times % *by != 0) return std::nullopt;
    has_quotient = true;
    const SizeExpr x = is_least == (term.factor > 0) ? atom->lhs - SizeExpr(*by - 1) : atom->lhs;
    bound = bound + x * SizeExpr(checked_mul(term.factor, times / *by));
  }
  return has_quotient ? std::optional(bound) : std::nullopt;
}

SymbolRange SymbolTable::range(const SizeExpr& value) const {
  SymbolRange found = range_by_terms(value);
  int64_t times = 1;
  for (const SizeExpr::Term& term : value.terms()) {
    if (term.atoms.size() != 1 || atoms_[term.atoms[0]].kind != Kind::kFloorDiv) continue;
    const std::optional<int64_t> by = atoms_[term.atoms[0]].rhs.number();
    constexpr int64_t kMaxTimes = int64_t{1} << 20;
    if (by.has_value()) times = std::lcm(times, *by);
    if (times > kMaxTimes) return found;
  }
  if (times == 1) return found;
  if (const auto least = without_quotients(value, times, true); least.has_value()) {
    const int64_t bound = range(*least).min;
    if (!is_infinite(bound)) found.min = std::max(found.min, -floor_div(-bound, times));
  }
  if (const auto most = without_quotients(value, times, false); most.has_value()) {
    const int64_t bound = range(*most).max;
    if (!is_infinite(bound)) found.max = std::min(found.max, floor_div(bound, times));
  }
  return found;
}

SymbolRange SymbolTable::range_by_terms(const SizeExpr& value) const {
  SymbolRange sum{0, 0};
  for (const SizeExpr::Term& term : value.terms()) {
    SymbolRange product{term.factor, term.factor};
    for (const uint32_t atom : term.atoms) product = product_of(product, range(atoms_[atom]));
    sum = {sum_of_bounds(sum.min, product.min), sum_of_bounds(sum.max, product.max)};
  }
  return sum;
}

int64_t SymbolTable::evaluate(const Atom& atom,
                              const std::function<int64_t(size_t)>& value_of) const {
  if (atom.kind == Kind::kSymbol) return value_of(static_cast<size_t>(*atom.lhs.number()));
  const int64_t a = evaluate(atom.lhs, value_of);
  const int64_t b = evaluate(atom.rhs, value_of);
  if (atom.kind == Kind::kMax) return std::max(a, b);
  if (atom.kind == Kind::kMin) return std::min(a, b);
  if (b <= 0) throw SizeError("a size is divided by 0");
  return floor_div(a, b);
}

int64_t SymbolTable::evaluate(const SizeExpr& value,
                              const std::function<int64_t(size_t)>& value_of) const {
  int64_t sum = 0;
  for (const SizeExpr::Term& term : value.terms()) {
    int64_t product = term.factor;
    for (const uint32_t atom : term.atoms)
      product = checked_mul(product, evaluate(atoms_[atom], value_of));
    sum = checked_add(sum, product);
  }
  return sum;
}

int64_t SymbolTable::evaluate(Dim dim, const std::function<int64_t(size_t)>& value_of) const {
  return evaluate(of(dim), value_of);
}

int64_t SymbolTable::hint(Dim dim, int64_t unknown) const {
  return evaluate(dim, [&](size_t place) {
    const Symbol& symbol = symbols_[place];
    return symbol.hint > 0 ? symbol.hint
                           : std::min(std::max(unknown, symbol.range.min), symbol.range.max);
  });
}

std::optional<SymbolTable::Linear> SymbolTable::linear_in(Dim size, size_t symbol) const {
  const SizeExpr value = of(size);
  Linear linear;
  for (const SizeExpr::Term& term : value.terms()) {
    if (term.atoms.empty()) {
      linear.offset = term.factor;
      continue;
    }
    const Atom& atom = atoms_[term.atoms.front()];
    const bool is_symbol = term.atoms.size() == 1 && atom.kind == Kind::kSymbol &&
                           atom.lhs == SizeExpr(static_cast<int64_t>(symbol));
    if (!is_symbol) return std::nullopt;
    linear.times = term.factor;
  }
  return linear.times != 0 ? std::optional(linear) : std::nullopt;
}

void SymbolTable::collect(const SizeExpr& value, std::vector<size_t>& found) const {
  for (const SizeExpr::Term& term : value.terms()) {
    for (const uint32_t id : term.atoms) {
      const Atom& atom = atoms_[id];
      if (atom.kind == Kind::kSymbol) {
        found.push_back(static_cast<size_t>(*atom.lhs.number()));
      } else {
        collect(atom.lhs, found);
        collect(atom.rhs, found);
      }
    }
  }
}

std::vector<size_t> SymbolTable::symbols_of(Dim dim) const {
  std::vector<size_t> found;
  collect(of(dim), found);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

// ---- text ----

std::string SymbolTable::print(const Atom& atom) const {
  switch (atom.kind) {
    case Kind::kSymbol:
      return symbols_[static_cast<size_t>(*atom.lhs.number())].name;
    case Kind::kMax:
      return fmt::format("max({}, {})", print(atom.lhs), print(atom.rhs));
    case Kind::kMin:
      return fmt::format("min({}, {})", print(atom.lhs), print(atom.rhs));
    case Kind::kFloorDiv:
      break;
  }
  const auto operand = [&](const SizeExpr& value) {
    const std::optional<uint32_t> single = value.single_atom();
    const bool is_word = value.number().has_value() ||
                         (single.has_value() && atoms_[*single].kind != Kind::kFloorDiv);
    return is_word ? print(value) : fmt::format("({})", print(value));
  };
  return fmt::format("{} // {}", operand(atom.lhs), operand(atom.rhs));
}

// Without its sign.
std::string SymbolTable::print(const SizeExpr::Term& term) const {
  const int64_t times = std::abs(term.factor);
  std::string text = times == 1 && !term.atoms.empty() ? "" : fmt::format("{}", times);
  for (const uint32_t id : term.atoms) {
    if (!text.empty()) text += "*";
    const bool is_quotient = atoms_[id].kind == Kind::kFloorDiv;
    text += is_quotient ? fmt::format("({})", print(atoms_[id])) : print(atoms_[id]);
  }
  return text;
}

// A number comes last, where people look for it.
std::string SymbolTable::print(const SizeExpr& value) const {
  if (value.number().has_value()) return fmt::format("{}", *value.number());
  if (const std::optional<uint32_t> single = value.single_atom()) return print(atoms_[*single]);
  std::vector<SizeExpr::Term> terms = value.terms();
  if (terms.front().atoms.empty()) std::rotate(terms.begin(), terms.begin() + 1, terms.end());
  std::string text;
  for (const SizeExpr::Term& term : terms) {
    if (!text.empty()) text += term.factor < 0 ? " - " : " + ";
    if (text.empty() && term.factor < 0) text += "-";
    text += print(term);
  }
  return text;
}

std::string SymbolTable::print(Dim dim) const {
  return print(of(dim));
}

// ---- shapes ----

int64_t num_elements(const Dims& dims) {
  int64_t product = 1;
  for (const Dim dim : dims) {
    if (!dim.is_static()) return -1;
    product *= dim.size();
  }
  return product;
}

bool all_static(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](Dim dim) { return dim.is_static(); });
}

std::vector<int64_t> static_sizes(const Dims& dims) {
  std::vector<int64_t> sizes;
  sizes.reserve(dims.size());
  for (const Dim dim : dims) sizes.push_back(dim.size());
  return sizes;
}

Dims to_dims(const std::vector<int64_t>& sizes) {
  return Dims(sizes.begin(), sizes.end());
}

}  // namespace ferryman
