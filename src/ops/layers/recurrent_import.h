// The ATen calls of recurrent layers and cells.
#pragma once

#include "ops/import.h"

namespace ferryman {

void add_recurrent_imports(ImportTable& imports);

}  // namespace ferryman
