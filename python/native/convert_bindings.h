// The conversion itself, for Python; native_contract.py describes it from the other side.
#pragma once

#include <nanobind/nanobind.h>

namespace ferryman::python {

void bind_convert(nanobind::module_& m);

}  // namespace ferryman::python
