// What ferryman.tflite asks of the core.
#pragma once

#include <nanobind/nanobind.h>

namespace ferryman::python {

void bind_tflite(nanobind::module_& m);

}  // namespace ferryman::python
