// How a failure of the core crosses into Python: one exception, `ferryman._native.NativeError`,
// with one argument, the JSON text {"text": what people read, "diagnostics": [...]}
// (support/diagnostic_json.h). ferryman/errors.py turns it into the public classes, so the policy
// about exception types stays in Python.
//
//   Program program = unwrap(frontend::read_pt2(path));
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "support/diagnostic.h"
#include "support/result.h"

namespace ferryman::python {

class NativeError : public std::runtime_error {
 public:
  explicit NativeError(const Diagnostics& diagnostics);
};

// The value, or NativeError. nanobind wants C++ exceptions here; the core throws none.
template <typename T>
T unwrap(Result<T> result) {
  if (!result.ok()) {
    Diagnostics diagnostics;
    diagnostics.add(std::move(result).diag());
    throw NativeError(diagnostics);
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

}  // namespace ferryman::python
