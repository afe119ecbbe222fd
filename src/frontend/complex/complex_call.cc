#include "frontend/complex/complex_call.h"

#include <algorithm>
#include <array>
#include <map>

#include "frontend/complex/formula.h"
#include "ops/promote.h"

namespace ferryman::frontend {

namespace {

// The call with other operands, and without complex dtypes.
class PartCall final : public ImportContext {
 public:
  PartCall(ImportContext& call, std::map<std::string_view, ImportArg> replaced)
      : call_(call), replaced_(std::move(replaced)) {
    for (size_t i = 0; i < call.num_results(); ++i) {
      types_.push_back(call.result_type(i));
      if (ferryman::is_complex(types_.back().dtype))
        types_.back().dtype = part_dtype_of(types_.back().dtype);
    }
  }

  CoreWriter writer() override { return call_.writer(); }
  std::string_view target() const override { return call_.target(); }
  const TensorType& result_type(size_t index) const override { return types_[index]; }
  size_t num_results() const override { return types_.size(); }
  bool is_result_read(size_t index) const override { return call_.is_result_read(index); }
  bool is_trained_on() const override { return call_.is_trained_on(); }

  std::vector<std::string_view> argument_names() const override { return call_.argument_names(); }
  const ImportArg* find(std::string_view name) override {
    const ImportArg* arg = call_.find(name);
    if (const auto found = replaced_.find(name); found != replaced_.end()) return &found->second;
    const DType* dtype = arg == nullptr ? nullptr : std::get_if<DType>(&arg->value);
    if (dtype == nullptr || !ferryman::is_complex(*dtype)) return arg;
    return &replaced_.emplace(name, ImportArg{part_dtype_of(*dtype)}).first->second;
  }

 private:
  ImportContext& call_;
  std::map<std::string_view, ImportArg> replaced_;
  std::vector<TensorType> types_;
};

const ComplexValue* first_complex(const ImportArg& arg) {
  if (const auto* value = std::get_if<ComplexValue>(&arg.value)) return value;
  const auto* list = std::get_if<ImportArgs>(&arg.value);
  if (list == nullptr) return nullptr;
  for (const ImportArg& item : *list) {
    if (const ComplexValue* value = first_complex(item)) return value;
  }
  return nullptr;
}

}  // namespace

DType part_dtype_of(DType complex) {
  return complex == DType::kC128 ? DType::kF64 : DType::kF32;
}

DType ComplexCall::part_dtype() {
  if (gives_complex()) return part_dtype_of(call_.result_type(0).dtype);
  for (const std::string_view name : operands_) {
    const ImportArg* arg = call_.find(name);
    const ComplexValue* value = arg == nullptr ? nullptr : first_complex(*arg);
    if (value != nullptr) return writer().dtype(value->real);
  }
  return DType::kF32;
}

bool ComplexCall::gives_complex() {
  return call_.num_results() > 0 && ferryman::is_complex(call_.result_type(0).dtype);
}

bool ComplexCall::is_complex(std::string_view name) {
  const ImportArg* arg = call_.find(name);
  return arg != nullptr && (std::holds_alternative<ComplexValue>(arg->value) ||
                            std::holds_alternative<std::complex<double>>(arg->value));
}

Result<ComplexValue> ComplexCall::real_or_complex(std::string_view name) {
  const DType dtype = part_dtype();
  const ImportArg* arg = call_.find(name);
  if (arg != nullptr && std::holds_alternative<ComplexValue>(arg->value)) {
    ComplexValue value = std::get<ComplexValue>(arg->value);
    if (writer().dtype(value.real) == dtype) return value;
    return ComplexValue{writer().cast(value.real, dtype), writer().cast(value.imag, dtype), {}};
  }
  if (arg != nullptr && std::holds_alternative<std::complex<double>>(arg->value)) {
    const auto number = std::get<std::complex<double>>(arg->value);
    return ComplexValue{
        writer().scalar(dtype, number.real()), writer().scalar(dtype, number.imag()), {}};
  }
  FERRYMAN_TRY(const ValueId real, tensor_as(call_, name, dtype));
  return ComplexValue{real, {}, {}};
}

Result<ComplexValue> ComplexCall::complex(std::string_view name) {
  FERRYMAN_TRY(ComplexValue value, real_or_complex(name));
  if (!value.imag.valid()) value.imag = Formula(writer()).zeros_like(value.real);
  return value;
}

// ---- parts ----

Status ComplexCall::split_operands() {
  leaves_.clear();
  for (const std::string_view name : operands_) {
    const ImportArg* arg = call_.find(name);
    if (arg != nullptr) FERRYMAN_TRY_STATUS(split(*arg));
  }
  return {};
}

Status ComplexCall::split(const ImportArg& arg) {
  const DType dtype = part_dtype();
  const ImportArg zero{0.0};
  if (const auto* list = std::get_if<ImportArgs>(&arg.value)) {
    for (const ImportArg& item : *list) FERRYMAN_TRY_STATUS(split(item));
    return {};
  }
  const auto* value = std::get_if<ComplexValue>(&arg.value);
  const auto* tensor = std::get_if<ValueId>(&arg.value);
  if (value != nullptr || tensor != nullptr) {
    const ValueId real = writer().cast(value != nullptr ? value->real : *tensor, dtype);
    const ImportArg zeros{Formula(writer()).zeros_like(real)};
    leaves_.push_back({ImportArg{real}, zeros, zeros, value == nullptr});
    if (value == nullptr) return {};
    leaves_.back().imag = ImportArg{writer().cast(value->imag, dtype)};
  } else if (const auto* number = std::get_if<std::complex<double>>(&arg.value)) {
    leaves_.push_back({ImportArg{number->real()}, ImportArg{number->imag()}, zero, false});
  } else {
    leaves_.push_back({arg, arg.is_none() ? arg : zero, arg.is_none() ? arg : zero, true});
  }
  return {};
}

ImportArg ComplexCall::choose(const ImportArg& arg, std::span<const Part> parts,
                              size_t& next) const {
  if (const auto* list = std::get_if<ImportArgs>(&arg.value)) {
    ImportArgs items;
    for (const ImportArg& item : *list) items.push_back(choose(item, parts, next));
    return ImportArg{std::move(items)};
  }
  const Leaf& leaf = leaves_[next];
  const Part part = next < parts.size() ? parts[next] : parts.back();
  ++next;
  switch (part) {
    case Part::kReal:
      return leaf.real;
    case Part::kImag:
      return leaf.imag;
    case Part::kZero:
      return leaf.zero;
  }
  return leaf.zero;
}

Imported ComplexCall::run(std::span<const Part> parts) {
  std::map<std::string_view, ImportArg> replaced;
  size_t next = 0;
  for (const std::string_view name : operands_) {
    const ImportArg* arg = call_.find(name);
    if (arg != nullptr) replaced.emplace(name, choose(*arg, parts, next));
  }
  return run_replaced(std::move(replaced));
}

Imported ComplexCall::run_replaced(std::map<std::string_view, ImportArg> replaced) {
  if (writer().has_failed()) return std::vector<ValueId>(call_.num_results());
  PartCall call(call_, std::move(replaced));
  return real_import_(call);
}

Result<std::vector<ComplexValue>> ComplexCall::run_on_parts() {
  FERRYMAN_TRY_STATUS(split_operands());
  FERRYMAN_TRY(const std::vector<ValueId> real, run(std::array{Part::kReal}));
  FERRYMAN_TRY(const std::vector<ValueId> imag, run(std::array{Part::kImag}));
  std::vector<ComplexValue> results;
  for (size_t i = 0; i < real.size(); ++i) results.push_back({real[i], imag[i], {}});
  return results;
}

Result<ComplexValue> ComplexCall::run_product() {
  FERRYMAN_TRY_STATUS(split_operands());
  if (leaves_.size() == 1) {  // einsum of one operand only moves and adds
    FERRYMAN_TRY(const std::vector<ComplexValue> results, run_on_parts());
    return results.front();
  }
  constexpr Part kReal = Part::kReal, kImag = Part::kImag, kZero = Part::kZero;
  const auto product = [&](std::array<Part, 3> parts) -> Result<ValueId> {
    FERRYMAN_TRY(const std::vector<ValueId> results, run(parts));
    return results.front();
  };
  FERRYMAN_TRY(const ValueId real, product({kReal, kReal, kReal}));
  const bool second_is_real = leaves_[1].is_real && !leaves_[0].is_real;
  const std::array<Part, 3> across = {second_is_real ? kImag : kReal,
                                      second_is_real ? kReal : kImag, kImag};
  FERRYMAN_TRY(const ValueId imag, product(across));
  if (leaves_[0].is_real || leaves_[1].is_real) return ComplexValue{real, imag, {}};
  FERRYMAN_TRY(const ValueId both, product({kImag, kImag, kZero}));
  FERRYMAN_TRY(const ValueId other, product({kImag, kReal, kZero}));
  return ComplexValue{writer().sub(real, both), writer().add(imag, other), {}};
}

Imported ComplexCall::run_with(std::string_view name, ValueId value) {
  return run_replaced({{name, ImportArg{value}}});
}

ComplexImported complex_result(Result<ComplexValue> value) {
  if (!value.ok()) return std::move(value).diag();
  return std::vector<RealOrComplex>{*value};
}

ComplexImported real_result(Result<ValueId> value) {
  if (!value.ok()) return std::move(value).diag();
  return std::vector<RealOrComplex>{*value};
}

}  // namespace ferryman::frontend
