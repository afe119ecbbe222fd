// What strides say about memory: whether a reshape is a view, whether `contiguous` copies, whether
// two indices of a tensor meet in one element.
//
//   if (can_view_as(self, result.sizes)) ...   // reshape returns an alias
//
// Symbolic sizes count with their hints, the sizes of the example the program was exported with:
// torch decided with them as well.
#pragma once

#include <cstdint>
#include <vector>

#include "frontend/program/program.h"

namespace ferryman::frontend {

enum class MemoryOrder : uint8_t { kRowMajor, kChannelsLast };

std::vector<int64_t> concrete(const std::vector<SymSize>& sizes);
// True if no size is an expression.
bool is_static(const std::vector<SymSize>& sizes);
// Without size-1 axes, whose strides mean nothing, strides are those of a dense tensor.
bool is_dense(const TensorMeta& tensor, MemoryOrder order);
// The elements fill a piece of memory without gaps, in any order of axes.
bool fills_memory(const TensorMeta& tensor);
// torch's guess of the memory format from the strides alone; 4-d and 5-d only.
bool suggests_channels_last(const TensorMeta& tensor);
// A tensor of `sizes` over the same elements needs no copy.
bool can_view_as(const TensorMeta& tensor, const std::vector<SymSize>& sizes);
// Two different indices may address the same element. Conservative: true if in doubt.
bool may_overlap_itself(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides);

}  // namespace ferryman::frontend
