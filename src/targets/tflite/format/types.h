// Element types and small enumerations of TFLite files; values are those of the file format.
//
//   ElementType type = DType::kF32;              // what the core knows converts by itself
//   ElementType handle = TensorType::kResource;  // what only TFLite has is named directly
//
// Printed as the runtime spells them ("FLOAT32", "SAME", "RELU6").
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ir/dtype.h"

namespace ferryman::tflite {

enum class TensorType : int8_t {
  kFloat32 = 0,
  kFloat16 = 1,
  kInt32 = 2,
  kUint8 = 3,
  kInt64 = 4,
  kString = 5,
  kBool = 6,
  kInt16 = 7,
  kComplex64 = 8,
  kInt8 = 9,
  kFloat64 = 10,
  kComplex128 = 11,
  kUint64 = 12,
  kResource = 13,
  kVariant = 14,
  kUint32 = 15,
  kUint16 = 16,
  kInt4 = 17,
  kBfloat16 = 18,
  kInt2 = 19,
  kUint4 = 20,
  kFloat8E4m3fn = 21,
  kFloat8E5m2 = 22,
};
inline constexpr int kNumTensorTypes = 23;

TensorType tensor_type(DType dtype);
std::optional<DType> dtype_of(TensorType type);  // nothing for what the core does not know
std::string_view to_string(TensorType type);
// 4 for INT4; 0 for STRING, RESOURCE and VARIANT, which have no fixed size.
int bits_per_element(TensorType type);

// A TensorType that a DType converts to, so that lowering writes `.type = value.dtype`.
struct ElementType {
  TensorType code = TensorType::kFloat32;
  constexpr ElementType() = default;
  constexpr ElementType(TensorType type) : code(type) {}
  ElementType(DType dtype) : code(tensor_type(dtype)) {}
  constexpr bool operator==(const ElementType&) const = default;
};

enum class Padding : int8_t { kSame = 0, kValid = 1 };
enum class Activation : int8_t {
  kNone = 0,
  kRelu = 1,
  kReluN1To1 = 2,
  kRelu6 = 3,
  kTanh = 4,
  kSignBit = 5,
};
enum class FullyConnectedWeightsFormat : int8_t { kDefault = 0, kShuffled4x16Int8 = 1 };
enum class LstmKernelType : int8_t { kFull = 0, kBasic = 1 };
enum class LshProjectionType : int8_t { kUnknown = 0, kSparse = 1, kDense = 2 };
enum class CombinerType : int8_t { kSum = 0, kMean = 1, kSqrtn = 2 };
enum class MirrorPadMode : int8_t { kReflect = 0, kSymmetric = 1 };
enum class RngAlgorithm : int8_t { kDefault = 0, kPhilox = 1, kThreefry = 2 };

// Values outside the enumeration (a hostile file) print as "?".
std::string_view to_string(Padding value);
std::string_view to_string(Activation value);
std::string_view to_string(FullyConnectedWeightsFormat value);
std::string_view to_string(LstmKernelType value);
std::string_view to_string(LshProjectionType value);
std::string_view to_string(CombinerType value);
std::string_view to_string(MirrorPadMode value);
std::string_view to_string(RngAlgorithm value);
inline std::string_view to_string(ElementType type) {
  return to_string(type.code);
}

}  // namespace ferryman::tflite
