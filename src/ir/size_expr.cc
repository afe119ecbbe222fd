#include "ir/size_expr.h"

#include <algorithm>

namespace ferryman {

namespace {

constexpr size_t kMaxTerms = 64;  // a size of a real model has a handful

// The atoms of both.
std::vector<uint32_t> merged(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  std::vector<uint32_t> atoms(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), atoms.begin());
  return atoms;
}

// The term of the highest degree, then the last: what a division begins with.
const SizeExpr::Term& leading(const SizeExpr& sum) {
  return *std::max_element(sum.terms().begin(), sum.terms().end(),
                           [](const SizeExpr::Term& a, const SizeExpr::Term& b) {
                             if (a.atoms.size() != b.atoms.size())
                               return a.atoms.size() < b.atoms.size();
                             return a.atoms < b.atoms;
                           });
}

std::optional<SizeExpr::Term> quotient(const SizeExpr::Term& a, const SizeExpr::Term& b) {
  if (a.factor % b.factor != 0) return std::nullopt;
  SizeExpr::Term result;
  result.factor = a.factor / b.factor;
  std::set_difference(a.atoms.begin(), a.atoms.end(), b.atoms.begin(), b.atoms.end(),
                      std::back_inserter(result.atoms));
  if (result.atoms.size() + b.atoms.size() != a.atoms.size()) return std::nullopt;
  return result;
}

}  // namespace

int64_t checked_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw SizeError("a size is too large");
  return sum;
}

int64_t checked_mul(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw SizeError("a size is too large");
  return product;
}

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

SizeExpr::SizeExpr(int64_t number) {
  if (number != 0) terms_.push_back({{}, number});
}

SizeExpr SizeExpr::atom(uint32_t atom) {
  SizeExpr result;
  result.terms_.push_back({{atom}, 1});
  return result;
}

std::optional<int64_t> SizeExpr::number() const {
  if (terms_.empty()) return 0;
  return terms_.size() == 1 && terms_[0].atoms.empty() ? std::optional(terms_[0].factor)
                                                       : std::nullopt;
}

std::optional<uint32_t> SizeExpr::single_atom() const {
  const bool is_atom = terms_.size() == 1 && terms_[0].atoms.size() == 1 && terms_[0].factor == 1;
  return is_atom ? std::optional(terms_[0].atoms[0]) : std::nullopt;
}

void SizeExpr::add(Term term) {
  if (term.factor == 0) return;
  const auto at = std::lower_bound(
      terms_.begin(), terms_.end(), term,
      [](const Term& known, const Term& wanted) { return known.atoms < wanted.atoms; });
  if (at == terms_.end() || at->atoms != term.atoms) {
    if (terms_.size() == kMaxTerms) throw SizeError("a size is a sum of too many terms");
    terms_.insert(at, std::move(term));
    return;
  }
  at->factor = checked_add(at->factor, term.factor);
  if (at->factor == 0) terms_.erase(at);
}

SizeExpr operator+(const SizeExpr& a, const SizeExpr& b) {
  SizeExpr sum = a;
  for (const SizeExpr::Term& term : b.terms()) sum.add(term);
  return sum;
}

SizeExpr operator-(const SizeExpr& a, const SizeExpr& b) {
  return a + b * SizeExpr(-1);
}

SizeExpr operator*(const SizeExpr& a, const SizeExpr& b) {
  SizeExpr product;
  for (const SizeExpr::Term& x : a.terms()) {
    for (const SizeExpr::Term& y : b.terms())
      product.add({merged(x.atoms, y.atoms), checked_mul(x.factor, y.factor)});
  }
  return product;
}

std::optional<SizeExpr> divide_exactly(const SizeExpr& a, const SizeExpr& b) {
  if (b.terms().empty()) return std::nullopt;
  SizeExpr rest = a;
  SizeExpr result;
  while (!rest.terms().empty()) {
    const std::optional<SizeExpr::Term> term = quotient(leading(rest), leading(b));
    if (!term.has_value()) return std::nullopt;
    SizeExpr step;
    step.add(*term);
    rest = rest - step * b;
    result.add(*term);
  }
  return result;
}

}  // namespace ferryman
