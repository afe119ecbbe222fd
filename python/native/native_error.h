// How a failed Result crosses into Python: one exception, `ferryman._native.NativeError`, whose only
// argument is the JSON list of diagnostics (support/diagnostic_json.h). ferryman/errors.py turns it
// into the public classes, so the policy about exception types stays in Python.
//
//   Program program = unwrap(frontend::read_pt2(path));
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "support/diagnostic_json.h"
#include "support/result.h"

namespace ferryman::python {

class NativeError : public std::runtime_error {
 public:
  explicit NativeError(const std::string& diagnostics) : std::runtime_error(diagnostics) {}
};

// The value, or NativeError. nanobind asks for C++ exceptions here; the core throws none.
template <typename T>
T unwrap(Result<T> result) {
  if (!result.ok()) throw NativeError("[" + to_json(result.diag()) + "]");
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

}  // namespace ferryman::python
