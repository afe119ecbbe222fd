// `ferryman._native`: what the Python package may call in the core. Thin on purpose; decisions are
// made below (src/) or above (python/ferryman).
//
// Conventions: tensors come as a list of (address, num_bytes, owner) and are borrowed, not copied;
// failures are NativeError with the diagnostics as JSON; the GIL is released while the core works.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "borrowed_tensor.h"
#include "native_error.h"

namespace nb = nanobind;

namespace ferryman::python {

namespace {


}  // namespace

NB_MODULE(_native, m) {
  m.doc() = "Ferryman's C++ core";
  nb::exception<NativeError>(m, "NativeError");
}

}  // namespace ferryman::python
