// `ferryman._native`: what the Python package may call in the core. Thin on purpose; decisions are
// made below (src/) or above (python/ferryman).
//
// Conventions: tensors come as a list of (address, num_bytes, owner) and are borrowed, not copied;
// failures are NativeError; the GIL is released while the core works.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "borrowed_tensor.h"
#include "convert_bindings.h"
#include "evaluate.h"
#include "frontend/functionalise.h"
#include "frontend/known_ops.h"
#include "frontend/live.h"
#include "frontend/program_json.h"
#include "frontend/pt2/read_pt2.h"
#include "native_error.h"

namespace nb = nanobind;

namespace ferryman::python {

namespace {

std::string print_live(nb::bytes buffer, const nb::list& tensors) {
  const BlobRef live = borrow_bytes(std::move(buffer));
  const std::vector<BlobRef> storages = borrow_tensors(tensors);
  nb::gil_scoped_release release;
  return frontend::print_program(unwrap(frontend::read_live(live, storages)));
}

std::string functionalise_to_json(nb::bytes buffer, const nb::list& tensors) {
  const BlobRef live = borrow_bytes(std::move(buffer));
  const std::vector<BlobRef> storages = borrow_tensors(tensors);
  nb::gil_scoped_release release;
  frontend::Program program = unwrap(frontend::read_live(live, storages));
  Diagnostics diagnostics;
  const auto functional = frontend::functionalise(std::move(program), diagnostics);
  if (!functional) throw NativeError(diagnostics);
  return frontend::program_to_json(*functional);
}

std::vector<bool> knows_ops(const std::vector<std::string>& targets) {
  Ops ops;
  add_all_ops(ops);
  const frontend::KnownOps known(ops);
  std::vector<bool> result;
  for (const std::string& target : targets) result.push_back(known.has(target));
  return result;
}

std::string print_pt2(const std::string& path) {
  nb::gil_scoped_release release;
  return frontend::print_program(unwrap(frontend::read_pt2(path)));
}

}  // namespace

NB_MODULE(_native, m) {
  m.doc() = "Ferryman's C++ core";
  nb::exception<NativeError>(m, "NativeError");
  m.def("print_live", &print_live, nb::arg("buffer"), nb::arg("tensors"),
        "The program that capture.walk() made, as text: one line per input, node and output.");
  m.def("functionalise_to_json", &functionalise_to_json, nb::arg("buffer"), nb::arg("tensors"),
        "The same program without in-place writes and aliases, in the form of program_json.h.");
  m.def("evaluate_live", &evaluate_live, nb::arg("buffer"), nb::arg("tensors"), nb::arg("inputs"),
        "What the reference evaluator makes of that program: outputs as (dtype, shape, bytes).");
  m.def("knows_ops", &knows_ops, nb::arg("targets"),
        "Of each operator (\"aten.add_.Tensor\"), whether the core imports it.");
  m.def("print_pt2", &print_pt2, nb::arg("path"),
        "The program in an archive of torch.export.save, as text.");
  bind_convert(m);
}

}  // namespace ferryman::python
