// Tensors made from numbers alone: constants, unless a size among them is free.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/expression.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// ---- rows ----

InferResult iota_type(const InferArgs& args) {
  const Dims& dims = args.attrs[attr::kShape].dims;
  if (dims.size() != 1) return shape_error("numbers along other than one axis");
  return std::vector{TensorType{DType::kI32, dims}};
}

EvalResult eval_iota(const EvalArgs& args) {
  std::vector<int32_t> numbers(static_cast<size_t>(args.results[0].dims[0].size()));
  std::iota(numbers.begin(), numbers.end(), 0);
  return one(TensorData::of<int32_t>({static_cast<int64_t>(numbers.size())}, numbers));
}

InferResult sym_size_type(const InferArgs& args) {
  if (args.attrs[attr::kShape].dims.size() != 1) return shape_error("other than one size");
  return std::vector{TensorType{DType::kI32, {}}};
}

EvalResult eval_sym_size(const EvalArgs& args) {
  const int64_t size = args.attrs[attr::kShape].dims[0].size();
  return one(TensorData::of<int32_t>({}, {static_cast<int32_t>(size)}));
}

void define_size_rows(Ops& ops) {
  ops.set.define(ops::kIota)
      .doc("0, 1, … below a size that is free")
      .attr(attr::kShape)
      .result(iota_type)
      .axes(AxisRule::kOpaque)
      .eval(eval_iota);
  ops.set.define(ops::kSymSize)
      .doc("a size that is free, as a number")
      .attr(attr::kShape)
      .result(sym_size_type)
      .axes(AxisRule::kOpaque)
      .eval(eval_sym_size);
}

// ---- imports ----

Imported constant(ImportContext& call, TensorData data, std::string_view name) {
  return std::vector{call.writer().constant(std::move(data), std::string(name))};
}

// A tensor of one number, which may be too large for a double to hold exactly.
Result<ValueId> filled(ImportContext& call, Dims dims, DType dtype, const ImportArg& number,
                       std::string_view name) {
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const ValueId scalar, call.number_constant(number, dtype));
  if (!all_static(dims) || !write.is_constant(scalar)) return write.expand(scalar, std::move(dims));
  return write.constant(write.graph().constant(scalar).broadcast_to(static_sizes(dims)),
                        std::string(name));
}

template <int kNumber>
Imported import_filled(ImportContext& call) {
  call.ignore_placement();
  call.ignore("self");  // new_zeros: of the same dtype
  DType dtype = DType::kF32;
  if (call.given("self")) {
    FERRYMAN_TRY(const ValueId self, call.tensor("self"));
    dtype = call.writer().dtype(self);
  }
  FERRYMAN_TRY(const Dims dims, call.sizes("size"));
  FERRYMAN_TRY(dtype, call.dtype("dtype", dtype));
  return one_result(
      filled(call, dims, dtype, ImportArg{int64_t{kNumber}}, kNumber == 0 ? "zeros" : "ones"));
}

template <int kNumber>
Imported import_filled_like(ImportContext& call) {
  call.ignore_placement();
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", write.dtype(self)));
  return one_result(filled(call, write.dims(self), dtype, ImportArg{int64_t{kNumber}},
                           kNumber == 0 ? "zeros" : "ones"));
}

// The number as the call spells it; a tensor where ATen allows one.
Result<ValueId> fill(ImportContext& call, std::string_view name, Dims dims, DType dtype) {
  const ImportArg* number = call.find(name);
  if (number == nullptr) return call.unsupported("nothing to fill with");
  const CoreWriter write = call.writer();
  if (std::holds_alternative<ValueId>(number->value) || call.is_of_run_time(name)) {
    FERRYMAN_TRY(const ValueId value, tensor_as(call, name, dtype));
    return write.expand(value, dims);
  }
  return filled(call, dims, dtype, *number, "full");
}

Imported import_full(ImportContext& call) {
  call.ignore_placement();
  FERRYMAN_TRY(const Dims dims, call.sizes("size"));
  const ImportArg* number = call.find("fill_value");
  std::optional<PromotionArg> known;
  if (number != nullptr) known = promotion_arg(call.graph(), *number);
  DType dtype = known.has_value() ? known->dtype : DType::kF32;
  if (call.given("self")) {
    FERRYMAN_TRY(const ValueId self, call.tensor("self"));
    dtype = call.writer().dtype(self);
  }
  FERRYMAN_TRY(dtype, call.dtype("dtype", dtype));
  return one_result(fill(call, "fill_value", dims, dtype));
}

Imported import_full_like(ImportContext& call) {
  call.ignore_placement();
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", write.dtype(self)));
  return one_result(fill(call, "fill_value", write.dims(self), dtype));
}

Imported import_fill(ImportContext& call) {
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  const CoreWriter write = call.writer();
  return one_result(fill(call, "value", write.dims(self), write.dtype(self)));
}

Imported import_scalar_tensor(ImportContext& call) {
  call.ignore_placement();
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", DType::kF32));
  return one_result(fill(call, "s", {}, dtype));
}

// The bounds as torch reads them: an integer dtype takes the step and the values as whole numbers,
// and int64 counts with them as well.
struct Progression {
  double start, end, step;
};

Result<Progression> read_progression(ImportContext& call) {
  Progression progression{};
  FERRYMAN_TRY(progression.start, call.number("start", 0));
  FERRYMAN_TRY(progression.end, call.number("end"));
  FERRYMAN_TRY(progression.step, call.number("step", 1));
  return progression;
}

Progression truncated(const Progression& p) {
  return {std::trunc(p.start), std::trunc(p.end), std::trunc(p.step)};
}

// As many as a free size says: numbers from 0, times the step, and the start.
Imported arange_of_free_size(ImportContext& call, DType dtype) {
  const CoreWriter write = call.writer();
  SymbolTable& symbols = write.symbols();
  FERRYMAN_TRY(const Dim start, call.size("start", 0));
  FERRYMAN_TRY(const Dim end, call.size("end"));
  FERRYMAN_TRY(const int64_t step, call.integer("step", 1));
  if (step < 1) return call.unsupported("a range of a free size that does not ascend");
  const SizeExpr reach = symbols.of(end) - symbols.of(start);
  const Dim count = symbols.dim(symbols.quotient(reach + (step - 1), step));
  ValueId numbers = write.cast(write.numbers(count, "arange"), dtype);
  numbers = write.mul(numbers, static_cast<double>(step));
  if (start == Dim(0)) return std::vector{numbers};
  return std::vector{write.add(numbers, write.size_value(start, dtype))};
}

// start, start + step, … below end; whole numbers unless one of the three is not.
Imported import_arange(ImportContext& call) {
  call.ignore_placement();
  bool whole = true;
  bool is_free = false;
  for (const std::string_view name : {"start", "end", "step"}) {
    const ImportArg* arg = call.find(name);
    if (arg != nullptr && std::holds_alternative<double>(arg->value)) whole = false;
    if (arg != nullptr && std::holds_alternative<Dim>(arg->value)) is_free = true;
  }
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", whole ? DType::kI64 : DType::kF32));
  if (is_free) return arange_of_free_size(call, dtype);
  FERRYMAN_TRY(Progression p, read_progression(call));
  if (dtype == DType::kI64) p = truncated(p);
  const double count = std::ceil((p.end - p.start) / p.step);
  if (is_integer(dtype)) p = truncated(p);
  constexpr double kMaxElems = 1 << 28;
  constexpr double kExact = 0x1p53;  // larger bounds would not be exact
  const bool exact = std::fabs(p.start) < kExact && std::fabs(p.end) < kExact;
  if (p.step == 0 || !(count >= 0) || count > kMaxElems || !exact)
    return call.unsupported("a bad range");
  std::vector<double> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = p.start + static_cast<double>(i) * p.step;
  const TensorType type{dtype, {Dim(static_cast<int64_t>(count))}};
  return constant(call, store_doubles(type, values), "arange");
}

// The same between ends that are only known at run time.
Imported linspace_of_run_time(ImportContext& call) {
  FERRYMAN_TRY(const int64_t steps, call.integer("steps"));
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", DType::kF32));
  FERRYMAN_TRY(const ValueId start, tensor_as(call, "start", dtype));
  FERRYMAN_TRY(const ValueId end, tensor_as(call, "end", dtype));
  if (!is_floating(dtype) || steps < 2)
    return call.unsupported("whole numbers or one, between ends that are only known at run time");
  std::vector<double> from_start, from_end, is_first_half;
  for (int64_t i = 0; i < steps; ++i) {
    from_start.push_back(static_cast<double>(i));
    from_end.push_back(static_cast<double>(steps - 1 - i));
    is_first_half.push_back(i < steps / 2 ? 1 : 0);
  }
  const CoreWriter write = call.writer();
  const Expression low(write, start), high(write, end);
  const Expression up(write, write.constant(dtype, {steps}, from_start, "steps"));
  const Expression down(write, write.constant(dtype, {steps}, from_end, "steps"));
  const Condition first(write, write.constant(DType::kBool, {steps}, is_first_half, "first_half"));
  const Expression stride = (high - low) / static_cast<double>(steps - 1);
  return std::vector{where(first, low + stride * up, high - stride * down).value()};
}

// `steps` numbers from start to end, both included; from either end to the middle, as torch does.
Imported import_linspace(ImportContext& call) {
  call.ignore_placement();
  if (call.is_of_run_time("start") || call.is_of_run_time("end")) return linspace_of_run_time(call);
  FERRYMAN_TRY(double start, call.number("start"));
  FERRYMAN_TRY(double end, call.number("end"));
  FERRYMAN_TRY(const int64_t steps, call.integer("steps"));
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", DType::kF32));
  constexpr int64_t kMaxElems = 1 << 28;
  const bool is_whole = is_integer(dtype);
  if (!is_whole && !is_floating(dtype)) return call.unsupported("of bools or complex numbers");
  // Whole numbers: the ends are truncated first, and the steps between them are not.
  if (is_whole) start = std::trunc(start);
  if (is_whole) end = std::trunc(end);
  if (steps < 0 || steps > kMaxElems) return call.unsupported("a bad number of steps");
  std::vector<double> values(static_cast<size_t>(steps));
  const double stride = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  for (int64_t i = 0; i < steps; ++i) {
    values[static_cast<size_t>(i)] = i < steps / 2 || steps == 1
                                         ? start + stride * static_cast<double>(i)
                                         : end - stride * static_cast<double>(steps - 1 - i);
    if (is_whole) values[static_cast<size_t>(i)] = std::trunc(values[static_cast<size_t>(i)]);
  }
  return constant(call, store_doubles({dtype, {Dim(steps)}}, values), "linspace");
}

Imported import_eye(ImportContext& call) {
  call.ignore_placement();
  FERRYMAN_TRY(const int64_t rows, call.integer("n"));
  FERRYMAN_TRY(const int64_t columns, call.integer("m", rows));
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", DType::kF32));
  if (rows < 0 || columns < 0) return call.unsupported("a negative size");
  Ints values;
  for_each_index({rows, columns},
                 [&](const Ints& at) { values.push_back(at[0] == at[1] ? 1 : 0); });
  return constant(call, store_ints({dtype, {Dim(rows), Dim(columns)}}, values), "eye");
}

// Row and column numbers of a triangle of a matrix.
template <bool kLower>
Imported import_triangle_indices(ImportContext& call) {
  call.ignore_placement();
  FERRYMAN_TRY(const int64_t rows, call.integer("row"));
  FERRYMAN_TRY(const int64_t columns, call.integer("col"));
  FERRYMAN_TRY(const int64_t offset, call.integer("offset", 0));
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", DType::kI64));
  Ints row_numbers, column_numbers;
  for_each_index({std::max<int64_t>(rows, 0), std::max<int64_t>(columns, 0)}, [&](const Ints& at) {
    const int64_t distance = at[1] - at[0];
    if (kLower ? distance > offset : distance < offset) return;
    row_numbers.push_back(at[0]);
    column_numbers.push_back(at[1]);
  });
  const Dim count(static_cast<int64_t>(row_numbers.size()));
  row_numbers.insert(row_numbers.end(), column_numbers.begin(), column_numbers.end());
  return constant(call, store_ints({dtype, {Dim(2), count}}, row_numbers), "indices");
}

}  // namespace

void add_create_ops(Ops& ops) {
  define_size_rows(ops);
  ImportTable& imports = ops.imports;
  // What uninitialised memory holds is anybody's guess; zeros are one.
  imports.add({"zeros.default", "new_zeros.default", "empty.memory_format", "new_empty.default"},
              import_filled<0>);
  imports.add({"ones.default", "new_ones.default"}, import_filled<1>);
  imports.add({"zeros_like.default", "empty_like.default", "zero.default"}, import_filled_like<0>);
  imports.add("ones_like.default", import_filled_like<1>);
  imports.add({"full.default", "new_full.default"}, import_full);
  imports.add("full_like.default", import_full_like);
  imports.add({"fill.Scalar", "fill.Tensor"}, import_fill);
  imports.add("scalar_tensor.default", import_scalar_tensor);
  imports.add({"arange.default", "arange.start", "arange.start_step"}, import_arange);
  imports.add("linspace.default", import_linspace);
  imports.add("eye.default", import_eye);
  imports.add("eye.m", import_eye);
  imports.add("tril_indices.default", import_triangle_indices<true>);
  imports.add("triu_indices.default", import_triangle_indices<false>);
}

}  // namespace ferryman
