#include "targets/keras/lower/addition.h"

#include <cstddef>

namespace ferryman::keras {

namespace {

constexpr size_t kMaxAxesChannelsFirst = 5;  // of TensorFlow's BiasAdd

bool may_be_one(const Dim& dim) {
  return !dim.is_static() || dim.size() == 1;
}

bool may_be_more(const Dim& dim) {
  return !dim.is_static() || dim.size() > 1;
}

// More than 1, as `several` is.
bool may_be(const Dim& dim, const Dim& several) {
  if (!dim.is_static()) return true;
  return dim.size() > 1 && (!several.is_static() || dim.size() == several.size());
}

// Whether y may have several elements along this axis alone.
bool may_be_a_vector_along(const Dims& y, size_t axis) {
  for (size_t other = 0; other < y.size(); ++other)
    if (other != axis && !may_be_one(y[other])) return false;
  return may_be_more(y[axis]);
}

// Where y is a vector along this axis.
bool is_a_sum(const Dims& x, const Dims& y, size_t axis) {
  const size_t last = x.size() - 1;
  if (!may_be(x[1], y[axis]) && !may_be(x[last], y[axis])) return true;  // no bias
  if (y.size() > x.size()) return false;                                 // x has too few axes
  const size_t along = axis + x.size() - y.size();
  if (x[along] != y[axis]) return false;  // a bias widens nothing
  if (along == last) return true;
  return along == 1 && !may_be(x[last], y[axis]) && x.size() <= kMaxAxesChannelsFirst;
}

bool is_a_sum(const Dims& x, const Dims& y) {
  if (x.size() < 2 || x == y) return true;
  for (size_t axis = 0; axis < y.size(); ++axis)
    if (may_be_a_vector_along(y, axis) && !is_a_sum(x, y, axis)) return false;
  return true;
}

}  // namespace

Addition addition_of(const Dims& x, const Dims& y) {
  if (is_a_sum(x, y)) return Addition::kAsIs;
  return is_a_sum(y, x) ? Addition::kSwapped : Addition::kSubtracted;
}

}  // namespace ferryman::keras
