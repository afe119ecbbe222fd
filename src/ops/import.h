// How an ATen call that needs code becomes core ops. A call that maps argument by argument onto one
// op needs no function: OpRow::from_aten says it as data.
//
//   Result<std::vector<ValueId>> import_addmm(ImportContext& call) {
//     FERRYMAN_TRY(const ValueId bias, call.tensor("self"));
//     FERRYMAN_TRY(const double beta, call.number("beta", 1.0));
//     …
//     return one_result(call.writer().add(product, bias));
//   }
//   imports.add("addmm.default", import_addmm);
//
// Invariants: an argument that the function never asked for, and that is not None, is reported as
// an error by the translator, so that no option is dropped in silence.
#pragma once

#include <complex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "ops/core_writer.h"

namespace ferryman {

// A complex tensor of the program: its real and imaginary part, of one floating dtype and shape.
// Only frontend/complex makes and reads it; to an import function it is not a tensor.
struct ComplexValue {
  ValueId real, imag;
  ValueId pair;  // both in one tensor along a new last axis, if the graph has that already
  bool operator==(const ComplexValue&) const = default;
};

// A number of the Python program that is only known when the file runs, such as x.max().item(): a
// tensor without axes, of float64, int64 or bool. It takes part in promotion as a number.
struct RunTimeNumber {
  ValueId value;
  bool operator==(const RunTimeNumber&) const = default;
};

struct ImportArg;
using ImportArgs = std::vector<ImportArg>;
// An argument of an ATen call; std::monostate is None. A size that is free is a Dim, all others are
// numbers.
struct ImportArg {
  std::variant<std::monostate, bool, int64_t, double, std::complex<double>, std::string, DType, Dim,
               ValueId, ComplexValue, RunTimeNumber, ImportArgs>
      value;
  bool is_none() const { return std::holds_alternative<std::monostate>(value); }
};

class ImportContext {
 public:
  virtual ~ImportContext() = default;

  // Keeps its first error for whoever runs the import, which returns that one before any other.
  virtual CoreWriter writer() = 0;
  Builder& builder() { return writer().builder(); }
  const Graph& graph() { return builder().graph(); }
  // "conv2d.default"
  virtual std::string_view target() const = 0;
  // What torch recorded for result `index`.
  virtual const TensorType& result_type(size_t index) const = 0;
  virtual size_t num_results() const = 0;
  // Whether the program reads result `index`; for one that it does not, an invalid id will do.
  virtual bool is_result_read(size_t index) const = 0;
  // Whether training goes on with what is written: then dropout stays, though it drops nothing yet.
  virtual bool is_trained_on() const = 0;
  // The names of the arguments that the program spells, in its order.
  virtual std::vector<std::string_view> argument_names() const = 0;
  // The argument as it stands, marked as read; null if the program does not spell it.
  virtual const ImportArg* find(std::string_view name) = 0;

  // Present and not None. Marks None as read.
  bool given(std::string_view name);
  // A tensor argument.
  Result<ValueId> tensor(std::string_view name);
  // The same; an invalid id if absent or None.
  Result<ValueId> optional_tensor(std::string_view name);
  Result<std::vector<ValueId>> tensors(std::string_view name);
  // A tensor, or a number as a rank-0 constant of `dtype`.
  Result<ValueId> tensor_or_number(std::string_view name, DType dtype);
  // A number (or bool) as a rank-0 constant of `dtype`; whole numbers stay exact. A number of run
  // time is cast.
  Result<ValueId> number_constant(const ImportArg& number, DType dtype);
  // Whether the argument is a number of run time, or a free size: number() and integer() refuse it.
  bool is_of_run_time(std::string_view name);
  Result<bool> flag(std::string_view name, bool default_value);
  Result<int64_t> integer(std::string_view name);
  Result<int64_t> integer(std::string_view name, int64_t default_value);
  Result<double> number(std::string_view name);
  Result<double> number(std::string_view name, double default_value);
  Result<Floats> numbers(std::string_view name);
  Result<std::string> text(std::string_view name, std::string_view default_value);
  Result<DType> dtype(std::string_view name, DType default_value);
  // Sizes, which may be free; integer() and integers() refuse these.
  Result<Dim> size(std::string_view name);
  Result<Dim> size(std::string_view name, Dim default_value);
  Result<Dims> sizes(std::string_view name);
  // The same with none for -1.
  Result<std::vector<std::optional<Dim>>> shape(std::string_view name);
  // A position along an axis of that size, counted from its end if it is negative.
  Result<Dim> position(std::string_view name, Dim size);
  Result<Ints> integers(std::string_view name);
  Result<Ints> integers(std::string_view name, Ints default_value);
  // Ints that ATen lets the caller write as one number for all `count` axes ([2] for [2, 2]).
  Result<Ints> integers_for(std::string_view name, size_t count, Ints default_value);
  // An axis of a tensor with `rank` axes, made non-negative and checked.
  Result<int64_t> axis(std::string_view name, size_t rank);
  Result<int64_t> axis(std::string_view name, size_t rank, int64_t default_value);
  // States that an argument has no influence on the result.
  void ignore(std::string_view name) { find(name); }
  // Where a tensor lies and how, and whether it is a copy, has no influence on its numbers.
  void ignore_placement();

  // E0204 for this call: "aten.foo.default: what".
  Diag unsupported(std::string what);

 private:
  // What an argument is that should be something else, for a message.
  Diag wrong_kind(std::string_view name, const ImportArg* arg, std::string_view wanted);
};

// Negative axes count from the end; checked.
Result<int64_t> normalise_axis(int64_t axis, size_t rank);

using Imported = Result<std::vector<ValueId>>;
using ImportFn = Imported (*)(ImportContext&);
// What an import function of one result returns.
Imported one_result(Result<ValueId> value);

class ImportTable {
 public:
  void add(std::string_view aten_target, ImportFn fn);
  void add(std::initializer_list<std::string_view> aten_targets, ImportFn fn);
  ImportFn find(std::string_view aten_target) const;  // null if there is none
  std::vector<std::string_view> targets() const;      // sorted

 private:
  std::unordered_map<std::string_view, ImportFn> functions_;
};

}  // namespace ferryman
