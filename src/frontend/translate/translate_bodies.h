// Higher-order operators that branch or loop, as ops that run bodies (ops/control/control.h).
#pragma once

#include <string_view>

namespace ferryman::frontend {

// Of the operators whose bodies GraphTranslator takes over: "higher_order.cond".
bool is_control_flow(std::string_view target);

}  // namespace ferryman::frontend
