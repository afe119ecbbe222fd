#include "ops/shape/move_elems.h"

#include <cstring>

namespace ferryman {

TensorData move_elems(const TensorData& x, const TensorType& type,
                      const std::function<int64_t(const Ints&)>& source) {
  const auto width = static_cast<size_t>(byte_size(type.dtype));
  std::vector<std::byte> from(static_cast<size_t>(x.num_bytes()));
  x.read(0, from);
  const Ints shape = static_sizes(type.dims);
  std::vector<std::byte> to(static_cast<size_t>(product(shape)) * width);
  std::byte* next = to.data();
  for_each_index(shape, [&](const Ints& index) {
    const int64_t position = source(index);
    if (position >= 0) std::memcpy(next, &from[static_cast<size_t>(position) * width], width);
    next += width;
  });
  return TensorData::contiguous(owned_blob(std::move(to)), type.dtype, shape);
}

}  // namespace ferryman
