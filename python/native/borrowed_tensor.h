// Memory that belongs to a Python object, lent to the core without a copy.
//
//   std::vector<BlobRef> storages = borrow_tensors(tensors);   // [(address, num_bytes, owner), …]
//
// Invariants: the owner lives as long as the blob; its reference is dropped with the GIL held, so
// blobs may die on any thread, also while the GIL is released.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <vector>

#include "support/blob.h"

namespace ferryman::python {

// The items of a Python list of (address, num_bytes, owner), one blob each, in order.
std::vector<BlobRef> borrow_tensors(const nanobind::list& tensors);

BlobRef borrow_bytes(nanobind::bytes bytes);

}  // namespace ferryman::python
