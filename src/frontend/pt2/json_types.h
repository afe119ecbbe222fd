// Types that the archive's JSON files have in common.
#pragma once

#include <string>

#include "frontend/program/program.h"
#include "frontend/pt2/json_cursor.h"

namespace ferryman::frontend {

// A struct TensorMeta of the schema.
TensorMeta read_tensor_meta(const JsonCursor& type);

// A union SymInt, SymFloat or SymBool: {"as_int": 3}, {"as_float": 0.5}, {"as_bool": true} or
// {"as_expr": {"expr_str": "Symbol('s77')", "hint": {"as_int": 4}}}.
SymSize read_sym_number(const JsonCursor& number);

}  // namespace ferryman::frontend
