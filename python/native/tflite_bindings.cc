#include "tflite_bindings.h"

#include <nanobind/stl/string.h>

#include "native_error.h"
#include "targets/tflite/named/catalogue.h"

namespace nb = nanobind;

namespace ferryman::python {

namespace {

nb::bytes to_bytes(const std::vector<std::byte>& bytes) {
  return nb::bytes(bytes.data(), bytes.size());
}

}  // namespace

void bind_tflite(nb::module_& m) {
  m.def("tflite_operators", &tflite::operators_json,
        "The operators that a program may name, as JSON.");
  m.def(
      "tflite_outputs",
      [](const std::string& code, const std::string& operands) {
        return unwrap(tflite::outputs_json(code, operands));
      },
      nb::arg("code"), nb::arg("operands"),
      "Types and shapes of an operator's results; all as JSON.");
  m.def(
      "tflite_operator_file",
      [](const std::string& code, const std::string& operands) {
        return to_bytes(unwrap(tflite::operator_file(code, operands)));
      },
      nb::arg("code"), nb::arg("operands"), "A .tflite file of that operator alone.");
  m.def(
      "tflite_graph_ports",
      [](const std::string& path) { return unwrap(tflite::graph_ports_json(path)); },
      nb::arg("path"), "Types and shapes of a file's inputs and outputs, as JSON.");
  m.def(
      "tflite_without_custom",
      [](const std::string& path, const std::string& output_path) {
        return unwrap(tflite::fed_tensors_json(path, output_path));
      },
      nb::arg("path"), nb::arg("output_path"),
      "Writes a file without the custom operators of another, whose results are its inputs; which "
      "tensors these are, as JSON. Writes nothing if there are none.");
  m.def(
      "flexbuffer",
      [](const std::string& json) { return to_bytes(unwrap(tflite::flexbuffer(json))); },
      nb::arg("json"), "A JSON value as FlexBuffer.");
}

}  // namespace ferryman::python
