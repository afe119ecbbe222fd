#include "ops/expression.h"

#include "ops/names.h"

namespace ferryman {

namespace {

Expression unary(OpName name, const Expression& x) {
  return {x.writer(), x.writer().unary(name, x.value())};
}

Expression binary(OpName name, const Expression& a, const Expression& b) {
  return {a.writer(), a.writer().binary(name, a.value(), b.value())};
}

Condition compare(OpName name, const Expression& a, const Expression& b) {
  return {a.writer(), a.writer().binary(name, a.value(), b.value())};
}

Condition combine(OpName name, const Condition& a, const Condition& b) {
  return {a.writer(), a.writer().binary(name, a.value(), b.value())};
}

}  // namespace

Expression number_like(const Expression& x, double number) {
  return {x.writer(), x.writer().scalar(x.value(), number)};
}

Expression operator-(const Expression& x) {
  return unary(ops::kNeg, x);
}
Expression operator+(const Expression& a, const Expression& b) {
  return binary(ops::kAdd, a, b);
}
Expression operator-(const Expression& a, const Expression& b) {
  return binary(ops::kSub, a, b);
}
Expression operator*(const Expression& a, const Expression& b) {
  return binary(ops::kMul, a, b);
}
Expression operator/(const Expression& a, const Expression& b) {
  return binary(ops::kDiv, a, b);
}
Expression operator+(const Expression& a, double b) {
  return a + number_like(a, b);
}
Expression operator-(const Expression& a, double b) {
  return a - number_like(a, b);
}
Expression operator*(const Expression& a, double b) {
  return a * number_like(a, b);
}
Expression operator/(const Expression& a, double b) {
  return a / number_like(a, b);
}
Expression operator+(double a, const Expression& b) {
  return number_like(b, a) + b;
}
Expression operator-(double a, const Expression& b) {
  return number_like(b, a) - b;
}
Expression operator*(double a, const Expression& b) {
  return number_like(b, a) * b;
}
Expression operator/(double a, const Expression& b) {
  return number_like(b, a) / b;
}

Expression abs(const Expression& x) {
  return unary(ops::kAbs, x);
}
Expression exp(const Expression& x) {
  return unary(ops::kExp, x);
}
Expression log(const Expression& x) {
  return unary(ops::kLog, x);
}
Expression log1p(const Expression& x) {
  return unary(ops::kLog1p, x);
}
Expression sqrt(const Expression& x) {
  return unary(ops::kSqrt, x);
}
Expression sin(const Expression& x) {
  return unary(ops::kSin, x);
}
Expression cos(const Expression& x) {
  return unary(ops::kCos, x);
}
Expression erf(const Expression& x) {
  return unary(ops::kErf, x);
}
Expression floor(const Expression& x) {
  return unary(ops::kFloor, x);
}
Expression trunc(const Expression& x) {
  return unary(ops::kTrunc, x);
}
Expression nearbyint(const Expression& x) {
  return unary(ops::kRound, x);
}
Expression pow(const Expression& x, const Expression& exponent) {
  return binary(ops::kPow, x, exponent);
}
Expression atan2(const Expression& y, const Expression& x) {
  return binary(ops::kAtan2, y, x);
}
Expression fmin(const Expression& a, double b) {
  return binary(ops::kMinimum, a, number_like(a, b));
}
Expression fmax(const Expression& a, double b) {
  return binary(ops::kMaximum, a, number_like(a, b));
}

Expression fmin(const Expression& a, const Expression& b) {
  return binary(ops::kMinimum, a, b);
}
Expression fmax(const Expression& a, const Expression& b) {
  return binary(ops::kMaximum, a, b);
}

Condition operator<(const Expression& a, double b) {
  return compare(ops::kLt, a, number_like(a, b));
}
Condition operator<=(const Expression& a, double b) {
  return compare(ops::kLe, a, number_like(a, b));
}
Condition operator>(const Expression& a, double b) {
  return compare(ops::kGt, a, number_like(a, b));
}
Condition operator>=(const Expression& a, double b) {
  return compare(ops::kGe, a, number_like(a, b));
}
Condition operator==(const Expression& a, double b) {
  return compare(ops::kEq, a, number_like(a, b));
}
Condition operator==(const Expression& a, const Expression& b) {
  return compare(ops::kEq, a, b);
}
Condition operator!=(const Expression& a, const Expression& b) {
  return compare(ops::kNe, a, b);
}
Condition both(const Condition& a, const Condition& b) {
  return combine(ops::kLogicalAnd, a, b);
}
Condition either(const Condition& a, const Condition& b) {
  return combine(ops::kLogicalOr, a, b);
}
Condition isnan(const Expression& x) {
  return {x.writer(), x.writer().unary(ops::kIsNan, x.value())};
}

Expression where(const Condition& condition, const Expression& x, const Expression& other) {
  return {x.writer(), x.writer().where(condition.value(), x.value(), other.value())};
}
Expression where(const Condition& condition, double x, const Expression& other) {
  return where(condition, number_like(other, x), other);
}
Expression where(const Condition& condition, const Expression& x, double other) {
  return where(condition, x, number_like(x, other));
}

}  // namespace ferryman
