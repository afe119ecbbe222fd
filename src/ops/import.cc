#include "ops/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"
#include "support/check.h"

namespace ferryman {

namespace {

std::optional<int64_t> as_int(const ImportArg& arg) {
  if (const auto* number = std::get_if<int64_t>(&arg.value)) return *number;
  if (const auto* flag = std::get_if<bool>(&arg.value)) return *flag ? 1 : 0;
  return std::nullopt;
}

std::optional<double> as_double(const ImportArg& arg) {
  if (const auto* number = std::get_if<double>(&arg.value)) return *number;
  const std::optional<int64_t> integer = as_int(arg);
  if (integer.has_value()) return static_cast<double>(*integer);
  return std::nullopt;
}

bool is_run_time_number(const ImportArg& arg) {
  return std::holds_alternative<RunTimeNumber>(arg.value);
}

bool is_free_size(const ImportArg& arg) {
  return std::holds_alternative<Dim>(arg.value);
}

std::optional<Dim> as_size(const ImportArg& arg) {
  if (const auto* size = std::get_if<Dim>(&arg.value)) return *size;
  const std::optional<int64_t> number = as_int(arg);
  return number.has_value() && *number >= 0 ? std::optional(Dim(*number)) : std::nullopt;
}

// The items of a list, or the one that stands for it.
std::span<const ImportArg> items_of(const ImportArg& arg) {
  if (const auto* list = std::get_if<ImportArgs>(&arg.value)) return *list;
  return {&arg, 1};
}

}  // namespace

Diag ImportContext::wrong_kind(std::string_view name, const ImportArg* arg,
                               std::string_view wanted) {
  const auto* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  const auto has = [&](bool (*is_such)(const ImportArg&)) {
    return arg != nullptr &&
           (is_such(*arg) || (list != nullptr && std::ranges::any_of(*list, is_such)));
  };
  if (has(is_free_size)) {
    return unsupported(fmt::format("argument '{}' depends on a size that is free", name))
        .because("it is needed as a number when the model is converted");
  }
  if (!has(is_run_time_number)) return unsupported(fmt::format("argument '{}' {}", name, wanted));
  return unsupported(fmt::format("argument '{}' is a number that is only known at run time", name))
      .because("it is needed when the model is converted");
}

bool ImportContext::is_of_run_time(std::string_view name) {
  const ImportArg* arg = find(name);
  return arg != nullptr && (is_run_time_number(*arg) || is_free_size(*arg));
}

Diag ImportContext::unsupported(std::string what) {
  return Diag::error(DiagCode::kUnsupportedForm, fmt::format("aten.{}: {}", target(), what))
      .at(graph().location(builder().current_location()))
      .about(std::string(target()));
}

void ImportContext::ignore_placement() {
  for (const std::string_view name : {"copy", "non_blocking", "layout", "device", "pin_memory",
                                      "memory_format", "requires_grad"}) {
    ignore(name);
  }
}

bool ImportContext::given(std::string_view name) {
  const ImportArg* arg = find(name);
  return arg != nullptr && !arg->is_none();
}

Result<ValueId> ImportContext::tensor(std::string_view name) {
  const ImportArg* arg = find(name);
  const ValueId* value = arg == nullptr ? nullptr : std::get_if<ValueId>(&arg->value);
  if (value == nullptr) return wrong_kind(name, arg, "is not a tensor");
  return *value;
}

Result<ValueId> ImportContext::optional_tensor(std::string_view name) {
  if (!given(name)) return ValueId();
  return tensor(name);
}

Result<std::vector<ValueId>> ImportContext::tensors(std::string_view name) {
  const ImportArg* arg = find(name);
  const ImportArgs* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  if (list == nullptr) return unsupported(fmt::format("argument '{}' is not a list", name));
  std::vector<ValueId> values;
  for (const ImportArg& item : *list) {
    const ValueId* value = std::get_if<ValueId>(&item.value);
    if (value == nullptr)
      return unsupported(fmt::format("'{}' holds something else than tensors", name));
    values.push_back(*value);
  }
  return values;
}

Result<ValueId> ImportContext::tensor_or_number(std::string_view name, DType dtype) {
  const ImportArg* arg = find(name);
  if (arg == nullptr) return unsupported(fmt::format("argument '{}' is missing", name));
  if (const auto* value = std::get_if<ValueId>(&arg->value)) return *value;
  if (!as_double(*arg).has_value() && !is_run_time_number(*arg) && !is_free_size(*arg))
    return unsupported(fmt::format("argument '{}' is neither a tensor nor a number", name));
  return number_constant(*arg, dtype);
}

Result<ValueId> ImportContext::number_constant(const ImportArg& number, DType dtype) {
  if (is_complex(dtype)) return unsupported("complex numbers are not supported");
  if (const auto* computed = std::get_if<RunTimeNumber>(&number.value)) {
    return writer().cast(computed->value, dtype);
  }
  if (const auto* size = std::get_if<Dim>(&number.value)) return writer().size_value(*size, dtype);
  const std::optional<double> real = as_double(number);
  if (!real.has_value()) return unsupported("an argument is not a number");
  std::vector<std::byte> bytes(static_cast<size_t>(byte_size(dtype)));
  if (const std::optional<int64_t> integer = as_int(number)) {
    store_int(dtype, *integer, bytes.data());
  } else {
    store_double(dtype, *real, bytes.data());
  }
  return builder().constant(TensorData::copy_of(bytes, dtype, {}), "scalar");
}

Result<bool> ImportContext::flag(std::string_view name, bool default_value) {
  if (!given(name)) return default_value;
  const std::optional<int64_t> number = as_int(*find(name));
  if (!number.has_value()) return wrong_kind(name, find(name), "is not a bool");
  return *number != 0;
}

Result<int64_t> ImportContext::integer(std::string_view name) {
  const ImportArg* arg = find(name);
  const std::optional<int64_t> number = arg == nullptr ? std::nullopt : as_int(*arg);
  if (!number.has_value()) return wrong_kind(name, arg, "is not an integer");
  return *number;
}

Result<int64_t> ImportContext::integer(std::string_view name, int64_t default_value) {
  if (!given(name)) return default_value;
  return integer(name);
}

Result<double> ImportContext::number(std::string_view name) {
  const ImportArg* arg = find(name);
  const std::optional<double> real = arg == nullptr ? std::nullopt : as_double(*arg);
  if (!real.has_value()) return wrong_kind(name, arg, "is not a number");
  return *real;
}

Result<double> ImportContext::number(std::string_view name, double default_value) {
  if (!given(name)) return default_value;
  return number(name);
}

Result<Floats> ImportContext::numbers(std::string_view name) {
  const ImportArg* arg = find(name);
  const ImportArgs* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  if (list == nullptr) return unsupported(fmt::format("argument '{}' is not a list", name));
  Floats values;
  for (const ImportArg& item : *list) {
    const std::optional<double> real = as_double(item);
    if (!real.has_value()) return wrong_kind(name, arg, "holds something else than numbers");
    values.push_back(*real);
  }
  return values;
}

Result<std::string> ImportContext::text(std::string_view name, std::string_view default_value) {
  if (!given(name)) return std::string(default_value);
  const auto* string = std::get_if<std::string>(&find(name)->value);
  if (string == nullptr) return unsupported(fmt::format("argument '{}' is not a string", name));
  return *string;
}

Result<DType> ImportContext::dtype(std::string_view name, DType default_value) {
  if (!given(name)) return default_value;
  const auto* type = std::get_if<DType>(&find(name)->value);
  if (type == nullptr) return unsupported(fmt::format("argument '{}' is not a dtype", name));
  return *type;
}

Result<Dim> ImportContext::size(std::string_view name) {
  const ImportArg* arg = find(name);
  const std::optional<Dim> size = arg == nullptr ? std::nullopt : as_size(*arg);
  if (!size.has_value()) return wrong_kind(name, arg, "is not a size");
  return *size;
}

Result<Dim> ImportContext::size(std::string_view name, Dim default_value) {
  if (!given(name)) return default_value;
  return size(name);
}

Result<Dims> ImportContext::sizes(std::string_view name) {
  const ImportArg* arg = find(name);
  if (arg == nullptr) return unsupported(fmt::format("argument '{}' is missing", name));
  Dims sizes;
  for (const ImportArg& item : items_of(*arg)) {
    const std::optional<Dim> size = as_size(item);
    if (!size.has_value()) return wrong_kind(name, arg, "holds something else than sizes");
    sizes.push_back(*size);
  }
  return sizes;
}

Result<std::vector<std::optional<Dim>>> ImportContext::shape(std::string_view name) {
  const ImportArg* arg = find(name);
  if (arg == nullptr) return unsupported(fmt::format("argument '{}' is missing", name));
  std::vector<std::optional<Dim>> sizes;
  for (const ImportArg& item : items_of(*arg)) {
    sizes.push_back(as_size(item));
    if (!sizes.back().has_value() && as_int(item) != -1)
      return wrong_kind(name, arg, "holds something else than sizes");
  }
  return sizes;
}

Result<Dim> ImportContext::position(std::string_view name, Dim size) {
  const ImportArg* arg = find(name);
  const std::optional<int64_t> number = arg == nullptr ? std::nullopt : as_int(*arg);
  if (number.has_value() && *number < 0) {
    if (size.is_static() && size.size() < -*number) return unsupported("outside of the tensor");
    return writer().symbols().shift(size, *number);
  }
  return this->size(name);
}

Result<Ints> ImportContext::integers(std::string_view name) {
  const ImportArg* arg = find(name);
  if (arg != nullptr && as_int(*arg).has_value()) return Ints{*as_int(*arg)};
  const ImportArgs* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  if (list == nullptr) return wrong_kind(name, arg, "is not a list of integers");
  Ints values;
  for (const ImportArg& item : *list) {
    const std::optional<int64_t> number = as_int(item);
    if (!number.has_value()) return wrong_kind(name, arg, "holds something else than integers");
    values.push_back(*number);
  }
  return values;
}

Result<Ints> ImportContext::integers(std::string_view name, Ints default_value) {
  if (!given(name)) return default_value;
  return integers(name);
}

Result<Ints> ImportContext::integers_for(std::string_view name, size_t count, Ints default_value) {
  FERRYMAN_TRY(Ints values, integers(name, std::move(default_value)));
  if (values.size() == 1) values.resize(count, values.front());
  if (values.size() != count) {
    return unsupported(fmt::format("'{}' has {} numbers for {} axes", name, values.size(), count));
  }
  return values;
}

Result<int64_t> ImportContext::axis(std::string_view name, size_t rank) {
  FERRYMAN_TRY(const int64_t number, integer(name));
  return normalise_axis(number, rank);
}

Result<int64_t> ImportContext::axis(std::string_view name, size_t rank, int64_t default_value) {
  FERRYMAN_TRY(const int64_t number, integer(name, default_value));
  return normalise_axis(number, rank);
}

Result<int64_t> normalise_axis(int64_t axis, size_t rank) {
  const auto count = static_cast<int64_t>(rank);
  const int64_t normalised = axis < 0 ? axis + std::max<int64_t>(count, 1) : axis;
  if (normalised >= 0 && normalised < std::max<int64_t>(count, 1)) return normalised;
  return Diag::error(DiagCode::kUnsupportedForm,
                     fmt::format("axis {} of a tensor with {} axes", axis, rank));
}

Imported one_result(Result<ValueId> value) {
  if (!value.ok()) return std::move(value).diag();
  return std::vector{*value};
}

void ImportTable::add(std::string_view aten_target, ImportFn fn) {
  check(functions_.emplace(aten_target, fn).second, "an ATen op imported by two functions");
}

void ImportTable::add(std::initializer_list<std::string_view> aten_targets, ImportFn fn) {
  for (const std::string_view target : aten_targets) add(target, fn);
}

ImportFn ImportTable::find(std::string_view aten_target) const {
  const auto found = functions_.find(aten_target);
  return found == functions_.end() ? nullptr : found->second;
}

std::vector<std::string_view> ImportTable::targets() const {
  std::vector<std::string_view> names;
  for (const auto& [name, fn] : functions_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace ferryman
