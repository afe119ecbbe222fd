#include "ir/tensor_data.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "ir/element.h"
#include "support/check.h"
#include "support/hash.h"

namespace ferryman {

int64_t product(const Ints& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

Ints row_major_strides(const Ints& shape) {
  Ints strides(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= std::max<int64_t>(shape[axis], 1);
  }
  return strides;
}

Result<TensorData> TensorData::strided(BlobRef blob, DType dtype, Ints shape, Ints strides,
                                       int64_t offset) {
  const auto outside = [] {
    return Diag::error(DiagCode::kMalformedProgram, "a constant reaches outside its storage");
  };
  if (strides.size() != shape.size() || offset < 0) return outside();
  const int64_t capacity = static_cast<int64_t>(blob->size()) / byte_size(dtype);
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] < 0 || strides[axis] < 0) return outside();
  }
  const bool is_empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  int64_t last = offset;
  for (size_t axis = 0; axis < shape.size() && !is_empty; ++axis) {
    if (shape[axis] == 1 || strides[axis] == 0) continue;
    const bool fits = last < capacity && shape[axis] - 1 <= (capacity - 1 - last) / strides[axis];
    if (!fits) return outside();
    last += (shape[axis] - 1) * strides[axis];
  }
  if (!is_empty && last >= capacity) return outside();
  TensorData data;
  data.blob_ = std::move(blob);
  data.dtype_ = dtype;
  data.shape_ = std::move(shape);
  data.strides_ = std::move(strides);
  data.offset_ = offset;
  return data;
}

TensorData TensorData::contiguous(BlobRef blob, DType dtype, Ints shape) {
  Ints strides = row_major_strides(shape);
  Result<TensorData> data =
      strided(std::move(blob), dtype, std::move(shape), std::move(strides), 0);
  check(data.ok(), "a constant is larger than its bytes");
  return std::move(data).value();
}

TensorData TensorData::filled(DType dtype, Ints shape, double value) {
  std::vector<std::byte> bytes(static_cast<size_t>(byte_size(dtype)));
  store_double(dtype, value, bytes.data());
  TensorData one = contiguous(owned_blob(std::move(bytes)), dtype, {});
  return one.broadcast_to(shape);
}

TensorData TensorData::elided(DType dtype, Ints shape, uint64_t hash) {
  TensorData data;
  data.dtype_ = dtype;
  data.strides_ = row_major_strides(shape);
  data.shape_ = std::move(shape);
  data.elided_hash_ = hash;
  return data;
}

int64_t TensorData::num_elems() const {
  return product(shape_);
}

bool TensorData::is_contiguous() const {
  if (scale_.has_value()) return false;
  int64_t expected = 1;
  for (size_t axis = shape_.size(); axis-- > 0;) {
    if (shape_[axis] != 1 && strides_[axis] != expected) return false;
    expected *= std::max<int64_t>(shape_[axis], 1);
  }
  return true;
}

TensorData TensorData::permuted(const Ints& perm) const {
  check(perm.size() == shape_.size(), "a permutation of another rank");
  TensorData result = *this;
  for (size_t axis = 0; axis < perm.size(); ++axis) {
    const auto from = static_cast<size_t>(perm[axis]);
    result.shape_[axis] = shape_[from];
    result.strides_[axis] = strides_[from];
    if (scale_.has_value() && scale_->axis == from) result.scale_->axis = axis;
  }
  return result;
}

namespace {

// One element everywhere, known without reading it.
bool is_one_element_everywhere(const TensorData& data) {
  for (size_t axis = 0; axis < data.rank(); ++axis) {
    if (!data.is_broadcast_along(axis)) return false;
  }
  return data.num_elems() > 0;
}

}  // namespace

TensorData TensorData::reshaped(Ints shape) const {
  check(product(shape) == num_elems(), "a reshape to another number of elements");
  if (is_elided()) return elided(dtype_, std::move(shape), elided_hash_);
  if (is_one_element_everywhere(*this) && !scale_.has_value()) {
    TensorData one = *this;
    one.shape_.clear();
    one.strides_.clear();
    return one.broadcast_to(shape);
  }
  TensorData result = is_contiguous() ? *this : materialised();
  result.strides_ = row_major_strides(shape);
  result.shape_ = std::move(shape);
  return result;
}

TensorData TensorData::scaled(size_t axis, const std::vector<float>& factors) const {
  check(dtype_ == DType::kF32, "only f32 constants are scaled");
  check(axis < rank() && static_cast<int64_t>(factors.size()) == shape_[axis],
        "one factor for each index of the axis");
  if (scale_.has_value() && scale_->axis != axis) return materialised().scaled(axis, factors);
  auto combined = std::make_shared<std::vector<float>>(factors);
  if (scale_.has_value()) {
    for (size_t i = 0; i < factors.size(); ++i) (*combined)[i] *= (*scale_->factors)[i];
  }
  TensorData result = *this;
  result.scale_ = Scale{axis, std::move(combined)};
  return result;
}

TensorData TensorData::broadcast_to(const Ints& shape) const {
  check(shape.size() >= shape_.size(), "broadcast to a lower rank");
  TensorData result = *this;
  const size_t added = shape.size() - shape_.size();
  result.shape_ = shape;
  result.strides_.assign(shape.size(), 0);
  if (result.scale_.has_value()) {
    result = materialised();
    return result.broadcast_to(shape);
  }
  for (size_t axis = 0; axis < shape_.size(); ++axis) {
    const bool same = shape_[axis] == shape[added + axis];
    check(same || shape_[axis] == 1, "shapes do not broadcast");
    result.strides_[added + axis] = shape_[axis] == 1 ? 0 : strides_[axis];
  }
  return result;
}

TensorData TensorData::sliced(const Ints& starts, const Ints& sizes, const Ints& steps) const {
  check(starts.size() == rank() && sizes.size() == rank() && steps.size() == rank(),
        "a slice of another rank");
  TensorData result = *this;
  for (size_t axis = 0; axis < rank(); ++axis) {
    const bool inside =
        starts[axis] >= 0 && steps[axis] >= 1 && sizes[axis] >= 0 &&
        (sizes[axis] == 0 || starts[axis] + (sizes[axis] - 1) * steps[axis] < shape_[axis]);
    check(inside, "a slice outside the constant");
    result.shape_[axis] = sizes[axis];
    if (sizes[axis] > 0) result.offset_ += starts[axis] * strides_[axis];
    result.strides_[axis] = strides_[axis] * steps[axis];
    if (!scale_.has_value() || scale_->axis != axis) continue;
    auto factors = std::make_shared<std::vector<float>>();
    for (int64_t i = 0; i < sizes[axis]; ++i) {
      factors->push_back((*scale_->factors)[static_cast<size_t>(starts[axis] + i * steps[axis])]);
    }
    result.scale_->factors = std::move(factors);
  }
  return result;
}

bool TensorData::is_broadcast_along(size_t axis) const {
  if (shape_[axis] == 1) return true;
  return !is_elided() && strides_[axis] == 0 && !(scale_.has_value() && scale_->axis == axis);
}

TensorData TensorData::materialised() const {
  if (is_elided() || is_contiguous()) return *this;
  std::vector<std::byte> bytes(static_cast<size_t>(num_bytes()));
  read(0, bytes);
  return contiguous(owned_blob(std::move(bytes)), dtype_, shape_);
}

std::span<const std::byte> TensorData::contiguous_bytes() const {
  check(!is_elided() && is_contiguous(), "elements of a constant that is not contiguous");
  return blob_->bytes().subspan(static_cast<size_t>(offset_ * byte_size(dtype_)),
                                static_cast<size_t>(num_bytes()));
}

namespace {

// The axes of a strided tensor with unit axes dropped and neighbours merged: fewest, longest loops.
struct LoopNest {
  Ints sizes;
  Ints strides;
};

LoopNest merged_loops(const Ints& shape, const Ints& strides) {
  LoopNest nest;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 1) continue;
    const bool merges = !nest.sizes.empty() && nest.strides.back() == strides[axis] * shape[axis];
    if (merges) {
      nest.sizes.back() *= shape[axis];
      nest.strides.back() = strides[axis];
    } else {
      nest.sizes.push_back(shape[axis]);
      nest.strides.push_back(strides[axis]);
    }
  }
  if (nest.sizes.empty()) nest = {{1}, {1}};
  return nest;
}

template <typename Word>
void copy_row(const std::byte* from, int64_t stride, int64_t count, std::byte* to) {
  if (stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(Word));
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * static_cast<int64_t>(sizeof(Word)),
                from + i * stride * static_cast<int64_t>(sizeof(Word)), sizeof(Word));
  }
}

template <typename Word>
void gather(const LoopNest& nest, const std::byte* base, int64_t begin, int64_t count,
            std::byte* to) {
  const size_t rank = nest.sizes.size();
  Ints index(rank);
  int64_t rest = begin;
  for (size_t axis = rank; axis-- > 0;) {
    index[axis] = rest % nest.sizes[axis];
    rest /= nest.sizes[axis];
  }
  while (count > 0) {
    int64_t position = 0;
    for (size_t axis = 0; axis < rank; ++axis) position += index[axis] * nest.strides[axis];
    const int64_t row = std::min(count, nest.sizes[rank - 1] - index[rank - 1]);
    constexpr auto kWord = static_cast<int64_t>(sizeof(Word));
    copy_row<Word>(base + position * kWord, nest.strides[rank - 1], row, to);
    to += row * kWord;
    count -= row;
    index[rank - 1] = 0;
    for (size_t axis = rank - 1; axis-- > 0;) {
      if (++index[axis] < nest.sizes[axis]) break;
      index[axis] = 0;
    }
  }
}

struct Word16 {
  std::byte bytes[16];
};

}  // namespace

void TensorData::gather_rows(int64_t begin_elem, std::span<std::byte> out) const {
  const LoopNest nest = merged_loops(shape_, strides_);
  const int64_t width = byte_size(dtype_);
  const std::byte* base = blob_->bytes().data() + offset_ * width;
  const int64_t count = static_cast<int64_t>(out.size()) / width;
  switch (width) {
    case 1:
      return gather<uint8_t>(nest, base, begin_elem, count, out.data());
    case 2:
      return gather<uint16_t>(nest, base, begin_elem, count, out.data());
    case 4:
      return gather<uint32_t>(nest, base, begin_elem, count, out.data());
    case 8:
      return gather<uint64_t>(nest, base, begin_elem, count, out.data());
    default:
      return gather<Word16>(nest, base, begin_elem, count, out.data());
  }
}

void TensorData::apply_scale(int64_t begin_elem, std::span<std::byte> out) const {
  int64_t inner = 1;
  for (size_t axis = scale_->axis + 1; axis < rank(); ++axis) inner *= shape_[axis];
  const std::vector<float>& factors = *scale_->factors;
  auto* values = reinterpret_cast<float*>(out.data());
  const int64_t count = static_cast<int64_t>(out.size() / sizeof(float));
  for (int64_t i = 0; i < count;) {
    const int64_t run_index = (begin_elem + i) / inner;
    const int64_t run_end = std::min(count, (run_index + 1) * inner - begin_elem);
    const float factor = factors[static_cast<size_t>(run_index % shape_[scale_->axis])];
    if (inner == 1) {  // the scaled axis is innermost: one factor for each element
      values[i++] *= factor;
      continue;
    }
    for (; i < run_end; ++i) values[i] *= factor;
  }
}

void TensorData::read(int64_t begin_elem, std::span<std::byte> out) const {
  check(!is_elided(), "an elided constant has no bytes");
  check(begin_elem * byte_size(dtype_) + static_cast<int64_t>(out.size()) <= num_bytes(),
        "read past the end of a constant");
  if (out.empty()) return;
  if (is_contiguous()) {
    const auto from =
        contiguous_bytes().subspan(static_cast<size_t>(begin_elem * byte_size(dtype_)));
    std::memcpy(out.data(), from.data(), out.size());
    return;
  }
  gather_rows(begin_elem, out);
  if (scale_.has_value()) apply_scale(begin_elem, out);
}

std::span<const std::byte> TensorData::elem_bytes(DType dtype, size_t alignment) const {
  check(dtype_ == dtype, "elements read as another type");
  const auto bytes = contiguous_bytes();
  check(reinterpret_cast<uintptr_t>(bytes.data()) % alignment == 0, "misaligned constant");
  return bytes;
}

TensorData TensorData::copy_of(std::span<const std::byte> bytes, DType dtype, Ints shape) {
  check(product(shape) * byte_size(dtype) == static_cast<int64_t>(bytes.size()),
        "as many values as the shape says");
  return contiguous(owned_blob({bytes.begin(), bytes.end()}), dtype, std::move(shape));
}

std::vector<double> TensorData::to_doubles() const {
  const TensorData dense = materialised();
  const std::span<const std::byte> bytes = dense.contiguous_bytes();
  std::vector<double> values(static_cast<size_t>(num_elems()));
  const auto width = static_cast<size_t>(byte_size(dtype_));
  for (size_t i = 0; i < values.size(); ++i) values[i] = load_double(dtype_, &bytes[i * width]);
  return values;
}

Ints TensorData::to_ints() const {
  const TensorData dense = materialised();
  const std::span<const std::byte> bytes = dense.contiguous_bytes();
  Ints values(static_cast<size_t>(num_elems()));
  const auto width = static_cast<size_t>(byte_size(dtype_));
  for (size_t i = 0; i < values.size(); ++i) values[i] = load_int(dtype_, &bytes[i * width]);
  return values;
}

uint64_t TensorData::hash() const {
  if (is_elided()) return elided_hash_;
  constexpr int64_t kChunkBytes = int64_t{1} << 20;
  Hasher hasher;
  hasher.update(static_cast<uint64_t>(dtype_));
  for (const int64_t size : shape_) hasher.update(static_cast<uint64_t>(size));
  if (is_contiguous()) {
    hasher.update(contiguous_bytes());
    return hasher.digest();
  }
  const int64_t chunk_elems = kChunkBytes / byte_size(dtype_);
  std::vector<std::byte> chunk;
  for (int64_t begin = 0; begin < num_elems(); begin += chunk_elems) {
    const int64_t count = std::min(chunk_elems, num_elems() - begin);
    chunk.resize(static_cast<size_t>(count * byte_size(dtype_)));
    read(begin, chunk);
    hasher.update(chunk);
  }
  return hasher.digest();
}

}  // namespace ferryman
