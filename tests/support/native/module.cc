// `native_support`: what Python tests ask of the core beside conversions, so that the package's own
// module has nothing that only tests call.
//
// Conventions as in python/native: tensors are borrowed, failures are ferryman._native.NativeError,
// the GIL is released while the core works.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <exception>

#include "borrowed_tensor.h"
#include "driver/convert.h"
#include "evaluate.h"
#include "frontend/functionalise/functionalise.h"
#include "frontend/live/live.h"
#include "frontend/pt2/read_pt2.h"
#include "native_error.h"
#include "tests/support/core_ir.h"
#include "tests/support/program_json.h"
#include "tests/support/text_target.h"

namespace nb = nanobind;

namespace ferryman::python {

namespace {

frontend::Program read_live(const BlobRef& live, const std::vector<BlobRef>& storages) {
  return unwrap(frontend::read_live(live, storages));
}

std::string print_live(nb::bytes buffer, const nb::list& tensors) {
  const BlobRef live = borrow_bytes(std::move(buffer));
  const std::vector<BlobRef> storages = borrow_tensors(tensors);
  nb::gil_scoped_release release;
  return frontend::print_program(read_live(live, storages));
}

std::string functionalise_to_json(nb::bytes buffer, const nb::list& tensors) {
  const BlobRef live = borrow_bytes(std::move(buffer));
  const std::vector<BlobRef> storages = borrow_tensors(tensors);
  nb::gil_scoped_release release;
  Diagnostics diagnostics;
  const auto functional = frontend::functionalise(read_live(live, storages), diagnostics);
  if (!functional) throw NativeError(diagnostics);
  return frontend::program_to_json(*functional);
}

std::string print_pt2(const std::string& path) {
  nb::gil_scoped_release release;
  return frontend::print_program(unwrap(frontend::read_pt2(path)));
}

std::string core_ir_live(nb::bytes buffer, const nb::list& tensors) {
  const BlobRef live = borrow_bytes(std::move(buffer));
  const std::vector<BlobRef> storages = borrow_tensors(tensors);
  nb::gil_scoped_release release;
  return unwrap(print_core_ir(read_live(live, storages)));
}

std::string core_ir_archive(const std::string& path) {
  nb::gil_scoped_release release;
  return unwrap(print_core_ir(unwrap(frontend::read_pt2(path))));
}

// To the target of tests (text_target.h); the report as JSON.
std::string convert_to_text(const std::string& path, const std::string& output_path) {
  nb::gil_scoped_release release;
  const Conversion done =
      convert_to(TextTarget(), unwrap(frontend::read_pt2(path)), ConvertOptions(), output_path);
  if (!done.report.has_value()) throw NativeError(done.diagnostics);
  return to_json(*done.report);
}

// The package's exception, not a second one of the same name.
void raise_native_error(const std::exception_ptr& failure, void* type) {
  try {
    std::rethrow_exception(failure);
  } catch (const NativeError& error) {
    PyErr_SetString(static_cast<PyObject*>(type), error.what());
  }
}

}  // namespace

NB_MODULE(native_support, m) {
  m.attr("NativeError") = nb::module_::import_("ferryman._native").attr("NativeError");
  nb::register_exception_translator(&raise_native_error, nb::object(m.attr("NativeError")).ptr());
  m.def("print_live", &print_live, nb::arg("buffer"), nb::arg("tensors"),
        "The program that walk() made, as text: one line per input, node and output.");
  m.def("convert_to_text", &convert_to_text, nb::arg("path"), nb::arg("output_path"),
        "Writes a .pt2 archive with the target of tests, a file of text; returns the report.");
  m.def("print_pt2", &print_pt2, nb::arg("path"),
        "The program in an archive of torch.export.save, as text.");
  m.def("functionalise_to_json", &functionalise_to_json, nb::arg("buffer"), nb::arg("tensors"),
        "The same program without in-place writes and aliases, in the form of program_json.h.");
  m.def("evaluate_live", &evaluate_live, nb::arg("buffer"), nb::arg("tensors"), nb::arg("inputs"),
        "What the reference evaluator makes of that program: outputs as (dtype, shape, bytes).");
  m.def("core_ir_live", &core_ir_live, nb::arg("buffer"), nb::arg("tensors"),
        "The core graph of the program that walk() made, as text.");
  m.def("core_ir_archive", &core_ir_archive, nb::arg("path"),
        "The core graph of a .pt2 archive, as text.");
}

}  // namespace ferryman::python
