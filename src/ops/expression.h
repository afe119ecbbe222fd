// Arithmetic on values of a graph in the notation of formulas; each operator appends a core op.
//
//   const Expression x(write, value);
//   const ValueId logit = log(x / (1.0 - x)).value();
//   const Expression y = where(x > 0.0, sqrt(x), -x);
//
// A function template over the type of its numbers computes with doubles and writes into a graph
// alike: the special functions are such templates (special_functions.h).
//
// Invariants: operands are floating point and broadcast; a number takes the dtype of the expression
// beside it; errors are kept by the writer.
#pragma once

#include <cmath>

#include "ops/core_writer.h"

namespace ferryman {

// A bool tensor.
class Condition {
 public:
  Condition(CoreWriter writer, ValueId value) : writer_(writer), value_(value) {}
  CoreWriter writer() const { return writer_; }
  ValueId value() const { return value_; }

 private:
  CoreWriter writer_;
  ValueId value_;
};

class Expression {
 public:
  Expression(CoreWriter writer, ValueId value) : writer_(writer), value_(value) {}
  CoreWriter writer() const { return writer_; }
  ValueId value() const { return value_; }

 private:
  CoreWriter writer_;
  ValueId value_;
};

// A number in the dtype of `x`.
Expression number_like(const Expression& x, double number);
inline double number_like(double, double number) {
  return number;
}

Expression operator-(const Expression& x);
Expression operator+(const Expression& a, const Expression& b);
Expression operator-(const Expression& a, const Expression& b);
Expression operator*(const Expression& a, const Expression& b);
Expression operator/(const Expression& a, const Expression& b);
Expression operator+(const Expression& a, double b);
Expression operator-(const Expression& a, double b);
Expression operator*(const Expression& a, double b);
Expression operator/(const Expression& a, double b);
Expression operator+(double a, const Expression& b);
Expression operator-(double a, const Expression& b);
Expression operator*(double a, const Expression& b);
Expression operator/(double a, const Expression& b);

Expression abs(const Expression& x);
Expression exp(const Expression& x);
Expression log(const Expression& x);
Expression log1p(const Expression& x);
Expression sqrt(const Expression& x);
Expression sin(const Expression& x);
Expression cos(const Expression& x);
Expression erf(const Expression& x);
Expression floor(const Expression& x);
Expression trunc(const Expression& x);
Expression nearbyint(const Expression& x);  // half to even
Expression pow(const Expression& x, const Expression& exponent);
Expression atan2(const Expression& y, const Expression& x);
// Of which neither is NaN.
Expression fmin(const Expression& a, double b);
Expression fmax(const Expression& a, double b);
Expression fmin(const Expression& a, const Expression& b);
Expression fmax(const Expression& a, const Expression& b);

Condition operator<(const Expression& a, double b);
Condition operator<=(const Expression& a, double b);
Condition operator>(const Expression& a, double b);
Condition operator>=(const Expression& a, double b);
Condition operator==(const Expression& a, double b);
Condition operator==(const Expression& a, const Expression& b);
Condition operator!=(const Expression& a, const Expression& b);
Condition both(const Condition& a, const Condition& b);
Condition either(const Condition& a, const Condition& b);
Condition isnan(const Expression& x);

Expression where(const Condition& condition, const Expression& x, const Expression& other);
Expression where(const Condition& condition, double x, const Expression& other);
Expression where(const Condition& condition, const Expression& x, double other);

// The same on numbers.
inline bool both(bool a, bool b) {
  return a && b;
}
inline bool either(bool a, bool b) {
  return a || b;
}
inline double where(bool condition, double x, double other) {
  return condition ? x : other;
}

}  // namespace ferryman
