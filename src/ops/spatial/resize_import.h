// Import of torch's upsample_* family and of the pixel and channel shuffles.
#pragma once

#include "ops/import.h"

namespace ferryman {

void add_resize_imports(ImportTable& imports);

}  // namespace ferryman
