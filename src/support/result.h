// A value, or the diagnostic that says why there is none. Used for everything that a user's file or
// model can cause; what only we can cause is an assertion (check.h).
//
//   Result<Graph> read(std::string_view text);
//   FERRYMAN_TRY(Graph graph, read(text));   // returns the diagnostic to the caller on failure
#pragma once

#include <cassert>
#include <memory>
#include <utility>
#include <variant>

#include "support/diagnostic.h"

namespace ferryman {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Diag diag) : state_(std::in_place_index<1>, std::make_unique<Diag>(std::move(diag))) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return assert(ok()), *std::get_if<0>(&state_); }
  const T& value() const& { return assert(ok()), *std::get_if<0>(&state_); }
  T&& value() && { return assert(ok()), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Diag& diag() const& { return assert(!ok()), **std::get_if<1>(&state_); }
  Diag&& diag() && { return assert(!ok()), std::move(**std::get_if<1>(&state_)); }

 private:
  std::variant<T, std::unique_ptr<Diag>> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Diag diag) : diag_(std::make_unique<Diag>(std::move(diag))) {}

  bool ok() const { return diag_ == nullptr; }
  explicit operator bool() const { return ok(); }
  const Diag& diag() const& { return assert(!ok()), *diag_; }
  Diag&& diag() && { return assert(!ok()), std::move(*diag_); }

 private:
  std::unique_ptr<Diag> diag_;
};

using Status = Result<void>;

}  // namespace ferryman

// The one macro of the project: early return of a failed Result. `decl` is a declaration or an
// existing variable to assign to.
#define FERRYMAN_CONCAT_(a, b) a##b
#define FERRYMAN_CONCAT(a, b) FERRYMAN_CONCAT_(a, b)
#define FERRYMAN_TRY(decl, expr) FERRYMAN_TRY_(FERRYMAN_CONCAT(result_, __LINE__), decl, expr)
#define FERRYMAN_TRY_(name, decl, expr)          \
  auto name = (expr);                            \
  if (!name.ok()) return std::move(name).diag(); \
  decl = std::move(name).value()
#define FERRYMAN_TRY_STATUS(expr)                                                                 \
  if (auto FERRYMAN_CONCAT(status_, __LINE__) = (expr); !FERRYMAN_CONCAT(status_, __LINE__).ok()) \
  return std::move(FERRYMAN_CONCAT(status_, __LINE__)).diag()
