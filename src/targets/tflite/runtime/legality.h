// What the LiteRT CPU runtime accepts, as measured: per operator the element types and ranks that
// its own kernels and the XNNPACK delegate take.
//
//   Legality add = check_legal(Op::kAdd, TypeKey::kI8, ranks);
//   // add.verdict == Verdict::kCrash: an ADD of plain int8 tensors ends the process
//   if (!add.is_usable()) …                              // cast to int32 first
//
// "Untried" means that nobody measured it; it may work. The facts come from legality_table.inc,
// which tools/make_tflite_legality.py makes from data/tflite_runtime.json.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "targets/tflite/format/op_use.h"

namespace ferryman::tflite {

// Element types as kernels tell them apart: q8, qu8 and q16 are int8, uint8 and int16 with scale
// and zero point, and quite another thing than plain ones.
enum class TypeKey : uint8_t {
  kF32,
  kF16,
  kBf16,
  kF64,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kBool,
  kC64,
  kC128,
  kStr,
  kI4,
  kI2,
  kQ8,
  kQu8,
  kQ16,
};
inline constexpr int kNumTypeKeys = 21;

std::string_view to_string(TypeKey key);  // "q8"
// Nothing for types that no measured kernel takes (RESOURCE, FLOAT8_…).
std::optional<TypeKey> type_key(const Tensor& tensor);
TypeKey type_key(DType dtype);

enum class Verdict : uint8_t { kAccepted, kUntried, kRefused, kWrong, kCrash };

struct Legality {
  Verdict verdict = Verdict::kUntried;  // of the built-in kernels
  // The delegate takes such tensors, if the parameters suit it too (constant axes and so on).
  bool is_delegated = false;

  bool is_usable() const { return verdict == Verdict::kAccepted || verdict == Verdict::kUntried; }
  bool operator==(const Legality&) const = default;
};

bool is_registered(Op op);
// Highest registered version; 0 if the operator is not registered.
int32_t max_registered_version(Op op);

// `type` is that of the data operand, `ranks` those of the data operands. Not for operators that
// are judged by a combination of types (see below), whose types count as untried here.
Legality check_legal(Op op, TypeKey type, std::span<const int> ranks);

// The combination of types of a use, as the measurements name it: "q8 x q8 + i32 per-channel" for a
// convolution, "f32>q8" for QUANTIZE; empty if the operator is judged by one type alone.
std::string combination_of(const OpUse& use);

// Of the element types of `use` alone, whatever the ranks of its operands.
Verdict check_types(const OpUse& use);

// Types and ranks of the operands of `use`.
Legality check_legal(const OpUse& use);

}  // namespace ferryman::tflite
