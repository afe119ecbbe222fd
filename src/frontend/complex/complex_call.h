// A call of the program that has complex operands or results, as the complex imports see it.
//
//   ComplexImported import_conj(ComplexCall& call) {
//     FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
//     return complex_result(Formula(call.writer()).conj(z));
//   }
//
// Much of ATen is linear: applied to the real and to the imaginary part by itself, it gives the
// parts of the result. For those the import of real tensors is run twice (run_on_parts); products
// need it up to four times (run_product). That import knows nothing of complex numbers.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "ops/import.h"

namespace ferryman::frontend {

using RealOrComplex = std::variant<ValueId, ComplexValue>;
using ComplexImported = Result<std::vector<RealOrComplex>>;

enum class Part : uint8_t { kReal, kImag, kZero };

class ComplexCall {
 public:
  // What imports the same call of real tensors; it reads the call that it is given.
  using RealImport = std::function<Imported(ImportContext&)>;

  // `operands` are the arguments that hold numbers to compute with; the others (axes, indices,
  // masks) mean the same for both parts.
  ComplexCall(ImportContext& call, RealImport real_import,
              std::span<const std::string_view> operands)
      : call_(call), real_import_(std::move(real_import)), operands_(operands) {}

  ImportContext& context() { return call_; }
  CoreWriter writer() { return call_.writer(); }
  // The dtype of the parts: as the first result says, or else the first complex operand.
  DType part_dtype();
  bool is_complex(std::string_view name);
  bool gives_complex();  // whether the first result is complex
  // A complex tensor; a real one, and a number, in the parts' dtype with an imaginary part of 0.
  Result<ComplexValue> complex(std::string_view name);
  // The same, but what is real has no imaginary part.
  Result<ComplexValue> real_or_complex(std::string_view name);

  // The results of the real import on both parts.
  Result<std::vector<ComplexValue>> run_on_parts();
  // The same of an import that multiplies the first two operands and adds the third, if any.
  Result<ComplexValue> run_product();
  // The results of the real import on a real tensor in the place of an argument.
  Imported run_with(std::string_view name, ValueId value);

 private:
  // The tensors and numbers among the operands, lists flattened.
  struct Leaf {
    ImportArg real, imag, zero;
    bool is_real = false;
  };
  Status split_operands();
  Status split(const ImportArg& arg);
  // The argument with its leaves replaced by parts, from `next` on.
  ImportArg choose(const ImportArg& arg, std::span<const Part> parts, size_t& next) const;
  Imported run(std::span<const Part> parts);
  Imported run_replaced(std::map<std::string_view, ImportArg> replaced);

  ImportContext& call_;
  RealImport real_import_;
  std::span<const std::string_view> operands_;
  std::vector<Leaf> leaves_;
};

DType part_dtype_of(DType complex);  // f32 of c64, f64 of c128

ComplexImported complex_result(Result<ComplexValue> value);
ComplexImported real_result(Result<ValueId> value);

}  // namespace ferryman::frontend
