#include "convert_bindings.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "borrowed_tensor.h"
#include "cli/program.h"
#include "driver/convert.h"
#include "driver/report.h"
#include "frontend/live/live.h"
#include "frontend/pt2/read_pt2.h"
#include "native_error.h"

namespace nb = nanobind;

namespace ferryman::python {

namespace {

std::string run(frontend::Program program, const std::string& output_path,
                const std::string& options) {
  const Conversion conversion =
      convert(std::move(program), unwrap(parse_options(options)), output_path);
  if (!conversion.report.has_value()) throw NativeError(conversion.diagnostics);
  return to_json(*conversion.report);
}

std::string convert_live(nb::bytes buffer, const nb::list& tensors, const std::string& output_path,
                         const std::string& options) {
  const BlobRef live = borrow_bytes(std::move(buffer));
  const std::vector<BlobRef> storages = borrow_tensors(tensors);
  nb::gil_scoped_release release;
  return run(unwrap(frontend::read_live(live, storages)), output_path, options);
}

std::string convert_archive(const std::string& path, const std::string& output_path,
                            const std::string& options) {
  nb::gil_scoped_release release;
  return run(unwrap(frontend::read_pt2(path)), output_path, options);
}

// Ctrl-C must end it although Python has a handler of its own, which waits for the interpreter.
int run_program(const std::vector<std::string>& arguments) {
  nb::gil_scoped_release release;
  return cli::run_program(arguments);
}

}  // namespace

void bind_convert(nb::module_& m) {
  m.def("run_program", &run_program, nb::arg("arguments"),
        "The program `ferryman` with these arguments, its name first; returns the exit status.");
  m.def("convert_live", &convert_live, nb::arg("buffer"), nb::arg("tensors"),
        nb::arg("output_path"), nb::arg("options"),
        "Writes the program that walk() made as a file; returns the report as JSON.");
  m.def("report_schema", &report_schema, "What the report's JSON looks like, as a JSON schema.");
  m.def("convert_archive", &convert_archive, nb::arg("path"), nb::arg("output_path"),
        nb::arg("options"), "The same for a .pt2 archive.");
}

}  // namespace ferryman::python
