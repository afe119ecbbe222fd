#include "frontend/complex/complex_values.h"

#include <algorithm>
#include <charconv>

#include "frontend/complex/complex_call.h"
#include "frontend/complex/formula.h"

namespace ferryman::frontend {

namespace {

bool touches_complex(const Program& program, const Argument& arg) {
  if (const auto* list = arg.as<ArgumentList>()) {
    return std::any_of(list->begin(), list->end(),
                       [&](const Argument& item) { return touches_complex(program, item); });
  }
  if (const auto* dtype = arg.as<DTypeArg>()) return is_complex(dtype->dtype);
  if (const auto* word = arg.as<EnumArg>()) return word->kind == "complex";
  const auto* ref = arg.as<ValueRef>();
  if (ref == nullptr) return false;
  const std::optional<TensorMeta>& tensor = program.values[ref->value].tensor;
  return tensor.has_value() && is_complex(tensor->dtype);
}

}  // namespace

bool touches_complex(const Program& program, const Node& node) {
  const bool in_args =
      std::any_of(node.args.begin(), node.args.end(),
                  [&](const NamedArgument& named) { return touches_complex(program, named.arg); });
  return in_args || std::any_of(node.results.begin(), node.results.end(), [&](ValueIndex result) {
           return result != kNoValue && touches_complex(program, Argument{ValueRef{result}});
         });
}

std::optional<std::complex<double>> parse_complex(std::string_view text) {
  if (!text.starts_with('(') || !text.ends_with(')')) return std::nullopt;
  const char* end = text.data() + text.size() - 1;
  double parts[2] = {};
  const auto [comma, first] = std::from_chars(text.data() + 1, end, parts[0]);
  constexpr std::string_view kBetween = ", ";
  if (first != std::errc() || !std::string_view(comma, end).starts_with(kBetween))
    return std::nullopt;
  const auto [last, second] = std::from_chars(comma + kBetween.size(), end, parts[1]);
  if (second != std::errc() || last != end) return std::nullopt;
  return std::complex<double>(parts[0], parts[1]);
}

TensorType part_type(const TensorType& complex) {
  return {part_dtype_of(complex.dtype), complex.dims};
}

TensorType pair_type(const TensorType& complex) {
  TensorType type = part_type(complex);
  type.dims.push_back(Dim(2));
  return type;
}

const ComplexValue* ComplexValues::find(ValueIndex index) const {
  const auto found = values_.find(index);
  return found == values_.end() ? nullptr : &found->second;
}

void ComplexValues::set(ValueIndex index, const ComplexValue& value, const std::string& name) {
  give_name(value.real, name + ".real");
  give_name(value.imag, name + ".imag");
  if (value.pair.valid()) give_name(value.pair, name);
  values_[index] = value;
}

void ComplexValues::give_name(ValueId value, const std::string& name) {
  const ferryman::Value& named = builder_.graph().value(value);
  if (named.kind == ValueKind::kResult && named.name.empty()) builder_.set_name(value, name);
}

ComplexValue ComplexValues::of_pair(ValueId pair) {
  return Formula(CoreWriter(builder_)).unpacked(pair);
}

Result<ComplexValue> ComplexValues::of_storage(const TensorStorage& data, const TensorType& type,
                                               const std::string& name) {
  const Ints shape = static_sizes(type.dims);
  const DType dtype = part_dtype_of(type.dtype);
  Ints strides = data.strides;
  if (strides.size() != shape.size() || data.offset < 0 || data.offset > INT64_MAX / 4)
    return Diag::error(DiagCode::kMalformedProgram, "the strides of '" + name + "' do not fit");
  for (size_t i = 0; i < strides.size(); ++i) {
    if (shape[i] <= 1) strides[i] = 0;  // never used, and may be anything
    if (strides[i] < 0 || strides[i] > INT64_MAX / 4)
      return Diag::error(DiagCode::kMalformedProgram, "the strides of '" + name + "' do not fit");
    strides[i] *= 2;
  }
  FERRYMAN_TRY(TensorData real,
               TensorData::strided(data.storage, dtype, shape, strides, 2 * data.offset));
  FERRYMAN_TRY(TensorData imag,
               TensorData::strided(data.storage, dtype, shape, strides, 2 * data.offset + 1));
  return ComplexValue{builder_.constant(std::move(real), name + ".real"),
                      builder_.constant(std::move(imag), name + ".imag"),
                      {}};
}

ValueId ComplexValues::to_pair(ValueIndex index, const std::string& name) {
  const ValueId pair = Formula(CoreWriter(builder_)).pair(values_.at(index));
  give_name(pair, name);
  return pair;
}

}  // namespace ferryman::frontend
