// Diagnostics for machines: the command line's --json, the report, the Python exceptions.
//
//   [{"severity": "error", "code": "E0203", "name": "unsupported-op", "what": …, "why": …,
//     "hint": …, "subject": "aten.foo.default",
//     "places": [{"module_path": …, "module_type": …, "node": …, "file": …, "line": 88}]}]
//
// Invariant: every key is always there; an unknown text is "" and an unknown line is 0.
#pragma once

#include <string>

#include "support/diagnostic.h"

namespace ferryman {

std::string to_json(const SourceLocation& place);
// One object.
std::string to_json(const Diag& diag);
// A list, in the order of `diagnostics`.
std::string to_json(const Diagnostics& diagnostics);

}  // namespace ferryman
