// `ferryman._native`: what the Python package may call in the core. Thin on purpose; decisions are
// made below (src/) or above (python/ferryman).
//
// Conventions: tensors come as a list of (address, num_bytes, owner) and are borrowed, not copied;
// failures are NativeError; the GIL is released while the core works.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "cli/program.h"
#include "convert_bindings.h"
#include "frontend/translate/known_ops.h"
#include "native_error.h"
#include "tflite_bindings.h"

namespace nb = nanobind;

namespace ferryman::python {

namespace {

std::vector<bool> knows_ops(const std::vector<std::string>& targets) {
  Ops ops;
  add_all_ops(ops);
  const frontend::KnownOps known(ops);
  std::vector<bool> result;
  for (const std::string& target : targets) result.push_back(known.has(target));
  return result;
}

}  // namespace

NB_MODULE(_native, m) {
  m.doc() = "Ferryman's C++ core";
  m.attr("__version__") = std::string(cli::version());
  // NOLINTNEXTLINE(bugprone-unused-raii): it lives in the module.
  nb::exception<NativeError>(m, "NativeError");
  m.def("knows_ops", &knows_ops, nb::arg("targets"),
        "Of each operator (\"aten.add_.Tensor\"), whether the core imports it.");
  bind_convert(m);
  bind_tflite(m);
}

}  // namespace ferryman::python
