#include "native_error.h"

#include "support/diagnostic_json.h"
#include "support/json_text.h"

namespace ferryman::python {

NativeError::NativeError(const Diagnostics& diagnostics)
    : std::runtime_error("{\"text\": " + json_quote(render(diagnostics, Severity::kError)) +
                         ", \"diagnostics\": " + to_json(diagnostics) + "}") {}

}  // namespace ferryman::python
