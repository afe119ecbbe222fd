// Counting elements by ranges: histc, histogram.
#pragma once

#include "ops/import.h"

namespace ferryman {

void add_histogram_imports(ImportTable& imports);

}  // namespace ferryman
