// Reading vectors of a FlatBuffer that is not trusted.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstring>
#include <vector>

namespace ferryman::tflite {

// The elements of a stored vector of scalars. The verifier checks the alignment of a vector's
// length, not that of its elements, so int64 elements of a hostile file may lie anywhere: copied as
// bytes.
template <typename Scalar>
std::vector<Scalar> copy_elements(const flatbuffers::Vector<Scalar>& stored) {
  std::vector<Scalar> elements(stored.size());
  if (elements.empty()) return elements;
  std::memcpy(elements.data(), stored.Data(), elements.size() * sizeof(Scalar));
  for (Scalar& element : elements) element = flatbuffers::EndianScalar(element);
  return elements;
}

}  // namespace ferryman::tflite
