// Builds the FlatBuffer of a model, except for the bytes of its constants: those are streamed
// behind it, and their places are patched in afterwards.
//
//   PackedModel packed = pack_model(model, ConstantPlace::kInside);
//   packed.place_inside(index, position);     // for each of packed.constants
//
// Invariant: the model passed verify_model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

// Inside: part of the FlatBuffer, which then must stay below 2 GB. Outside: named by an absolute
// position in the file.
enum class ConstantPlace { kInside, kOutside };

class PackedModel {
 public:
  // Constant i belongs to entry buffers[i] of the model's list of buffers.
  PackedModel(std::vector<std::byte> bytes, std::vector<ConstantRef> constants,
              std::vector<uint32_t> buffers);

  std::span<const std::byte> bytes() const { return bytes_; }
  // Each content once, in the order in which they should follow. None is empty.
  const std::vector<ConstantRef>& constants() const { return constants_; }

  // `position` counts from the start of the file: of the length word before the data (inside), or
  // of the data itself (outside).
  void place_inside(size_t constant, int64_t position);
  void place_outside(size_t constant, int64_t position);

 private:
  uint8_t* buffer_field(size_t constant, uint16_t field);

  std::vector<std::byte> bytes_;
  std::vector<ConstantRef> constants_;
  std::vector<uint32_t> buffers_;
};

PackedModel pack_model(const Model& model, ConstantPlace place);

}  // namespace ferryman::tflite
