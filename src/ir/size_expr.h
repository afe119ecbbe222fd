// Sums of products over atoms, which are numbered and stand for whole numbers that are not known.
//
//   const SizeExpr n = SizeExpr::atom(0);
//   const SizeExpr twice = n + n;                        // 2*n
//   divide_exactly(n * n + n, n)                           // n + 1
//
// Invariant: a normal form. Two polynomials are equal exactly if they are so for all values of
// their atoms; no term has the factor 0. Numbers that grow beyond int64, and sums of more terms
// than a size has, throw SizeError.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

namespace ferryman {

// A size that is asked for as a number and is free, or that is none: negative, or too large. The
// one exception of the core: numbers are asked for in hundreds of places, and who runs these (an
// import function, a rule, a lowering function) refuses for all of them.
class SizeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class SizeExpr {
 public:
  struct Term {
    std::vector<uint32_t> atoms;  // ascending; an atom that occurs twice is squared
    int64_t factor = 0;
    bool operator==(const Term&) const = default;
    auto operator<=>(const Term&) const = default;
  };

  SizeExpr() = default;  // 0
  SizeExpr(int64_t number);
  static SizeExpr atom(uint32_t atom);

  // Ascending by their atoms, so that a number, which has none, comes first.
  const std::vector<Term>& terms() const { return terms_; }
  // The number that it is, if it is one.
  std::optional<int64_t> number() const;
  // The atom that it is, if it is one.
  std::optional<uint32_t> single_atom() const;
  bool operator==(const SizeExpr&) const = default;
  auto operator<=>(const SizeExpr&) const = default;

  void add(Term term);

 private:
  std::vector<Term> terms_;
};

SizeExpr operator+(const SizeExpr& a, const SizeExpr& b);
SizeExpr operator-(const SizeExpr& a, const SizeExpr& b);
SizeExpr operator*(const SizeExpr& a, const SizeExpr& b);
// Nothing if it does not divide for all values of the atoms, or by 0.
std::optional<SizeExpr> divide_exactly(const SizeExpr& a, const SizeExpr& b);

// int64 arithmetic; SizeError where it overflows.
int64_t checked_add(int64_t a, int64_t b);
int64_t checked_mul(int64_t a, int64_t b);
// Towards negative infinity, as Python's; `b` is positive.
int64_t floor_div(int64_t a, int64_t b);

}  // namespace ferryman
