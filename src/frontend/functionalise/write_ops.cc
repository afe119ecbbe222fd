#include "frontend/functionalise/write_ops.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "frontend/translate/node_args.h"
#include "ops/promote.h"

namespace ferryman::frontend {

namespace {

// Functional twins that have another name than the rule gives.
struct TwinRow {
  std::string_view target;
  std::string_view functional;
};
constexpr std::array kTwins = {
    TwinRow{"__iand__.Tensor", "bitwise_and.Tensor"},
    TwinRow{"__iand__.Scalar", "bitwise_and.Scalar"},
    TwinRow{"__ior__.Tensor", "bitwise_or.Tensor"},
    TwinRow{"__ior__.Scalar", "bitwise_or.Scalar"},
    TwinRow{"__ixor__.Tensor", "bitwise_xor.Tensor"},
    TwinRow{"__ixor__.Scalar", "bitwise_xor.Scalar"},
    TwinRow{"__ilshift__.Tensor", "__lshift__.Tensor"},
    TwinRow{"__ilshift__.Scalar", "__lshift__.Scalar"},
    TwinRow{"__irshift__.Tensor", "__rshift__.Tensor"},
    TwinRow{"__irshift__.Scalar", "__rshift__.Scalar"},
    TwinRow{"bernoulli_.float", "bernoulli.p"},
    TwinRow{"float_power_.Tensor", "float_power.Tensor_Tensor"},
    TwinRow{"float_power_.Scalar", "float_power.Tensor_Scalar"},
    TwinRow{"empty.out", "empty.memory_format"},
    TwinRow{"floor_divide_.Tensor", "floor_divide.default"},
    TwinRow{"ldexp_.default", "ldexp.Tensor"},
    TwinRow{"normal_.default", "normal_functional.default"},
    TwinRow{"pow_.Scalar", "pow.Tensor_Scalar"},
    TwinRow{"pow_.Tensor", "pow.Tensor_Tensor"},

    TwinRow{"add.out", "add.Tensor"},
    TwinRow{"all.all_out", "all.default"},
    TwinRow{"all.out", "all.dim"},
    TwinRow{"any.all_out", "any.default"},
    TwinRow{"any.out", "any.dim"},
    TwinRow{"arange.start_out", "arange.start_step"},
    TwinRow{"bernoulli.float_out", "bernoulli.p"},
    TwinRow{"copysign.out", "copysign.Tensor"},
    TwinRow{"div.out", "div.Tensor"},
    TwinRow{"div.out_mode", "div.Tensor_mode"},
    TwinRow{"divide.out", "divide.Tensor"},
    TwinRow{"divide.out_mode", "divide.Tensor_mode"},
    TwinRow{"frobenius_norm.out", "frobenius_norm.dim"},
    TwinRow{"ldexp.out", "ldexp.Tensor"},
    TwinRow{"max.out", "max.other"},
    TwinRow{"max.unary_out", "max.default"},
    TwinRow{"mean.dtype_out", "mean.default"},
    TwinRow{"mean.out", "mean.dim"},
    TwinRow{"min.out", "min.other"},
    TwinRow{"min.unary_out", "min.default"},
    TwinRow{"mul.out", "mul.Tensor"},
    TwinRow{"multiply.out", "multiply.Tensor"},
    TwinRow{"norm.dtype_out", "norm.ScalarOpt_dim_dtype"},
    TwinRow{"norm.out", "norm.ScalarOpt_dim"},
    TwinRow{"prod.int_out", "prod.dim_int"},
    TwinRow{"std.out", "std.dim"},
    TwinRow{"sub.out", "sub.Tensor"},
    TwinRow{"subtract.out", "subtract.Tensor"},
    TwinRow{"sum.IntList_out", "sum.dim_IntList"},
    TwinRow{"true_divide.out", "true_divide.Tensor"},
    TwinRow{"var.out", "var.dim"},
    TwinRow{"xlogy.OutTensor", "xlogy.Tensor"},
    TwinRow{"xlogy.OutScalar_Other", "xlogy.Scalar_Other"},
    TwinRow{"xlogy.OutScalar_Self", "xlogy.Scalar_Self"},
};

// Ops that write two keyword arguments.
struct PairRow {
  std::string_view target;
  std::string_view functional;
  std::array<std::string_view, 2> written;
};
constexpr std::array kPairs = {
    PairRow{"adaptive_max_pool2d.out", "adaptive_max_pool2d.default", {"out", "indices"}},
    PairRow{"adaptive_max_pool3d.out", "adaptive_max_pool3d.default", {"out", "indices"}},
    PairRow{"aminmax.out", "aminmax.default", {"min", "max"}},
    PairRow{"cummax.out", "cummax.default", {"values", "indices"}},
    PairRow{"cummin.out", "cummin.default", {"values", "indices"}},
    PairRow{"frexp.Tensor_out", "frexp.Tensor", {"mantissa", "exponent"}},
    PairRow{"kthvalue.values", "kthvalue.default", {"values", "indices"}},
    PairRow{"max.dim_max", "max.dim", {"max", "max_values"}},
    PairRow{"max_pool2d_with_indices.out", "max_pool2d_with_indices.default", {"out", "indices"}},
    PairRow{"max_pool3d_with_indices.out", "max_pool3d_with_indices.default", {"out", "indices"}},
    PairRow{"median.dim_values", "median.dim", {"values", "indices"}},
    PairRow{"min.dim_min", "min.dim", {"min", "min_indices"}},
    PairRow{"mode.values", "mode.default", {"values", "indices"}},
    PairRow{"nanmedian.dim_values", "nanmedian.dim", {"values", "indices"}},
    PairRow{"sort.values", "sort.default", {"values", "indices"}},
    PairRow{"sort.values_stable", "sort.stable", {"values", "indices"}},
    PairRow{"topk.values", "topk.default", {"values", "indices"}},
};

// Ops that put another tensor's or number's contents into self: they need no op of their own.
struct ContentRow {
  std::string_view target;
  WriteKind kind;
  std::string_view source;  // empty: zero
};
constexpr std::array kContents = {
    ContentRow{"copy_.default", WriteKind::kCopy, "src"},
    ContentRow{"fill_.Tensor", WriteKind::kCopy, "value"},
    ContentRow{"fill_.Scalar", WriteKind::kFill, "value"},
    ContentRow{"zero_.default", WriteKind::kFill, ""},
};

// By op, or by op and overload where others of the op do not write.
struct RefusedRow {
  std::string_view op;
  std::string_view why_not;
};
constexpr std::array kRefused = {
    RefusedRow{"set_", "it replaces a tensor's memory by another tensor's"},
    RefusedRow{"set_data", "it replaces a tensor's memory by another tensor's"},
    RefusedRow{"resize_", "it changes the size of a tensor's memory"},
    RefusedRow{"resize_as_", "it changes the size of a tensor's memory"},
    RefusedRow{"rrelu_with_noise", "it writes its noise argument"},
    RefusedRow{"rrelu_with_noise_", "it writes its noise argument"},
    RefusedRow{"fused_moving_avg_obs_fake_quant", "it updates observer statistics"},
    RefusedRow{"_fused_moving_avg_obs_fq_helper", "it updates observer statistics"},
    RefusedRow{"_native_batch_norm_legit.out", "it updates running statistics"},
    RefusedRow{"_native_batch_norm_legit.no_stats_out", "it writes several tensors"},
    RefusedRow{"native_batch_norm.out", "it writes several tensors"},
    RefusedRow{"_batch_norm_with_update", "it updates running statistics"},
    RefusedRow{"_amp_update_scale_", "it writes its growth tracker"},
    RefusedRow{"_amp_update_scale", "it writes its growth tracker"},
    RefusedRow{"_cummax_helper", "it writes two arguments"},
    RefusedRow{"_cummin_helper", "it writes two arguments"},
};
// Overloads that write keywords with names of their own.
constexpr std::array<std::string_view, 18> kOutOverloads = {
    "out",     "output",  "grad_input", "values", "result",      "inverse",
    "eigvals", "sign",    "U",          "Q",      "X",           "L",
    "a",       "dim_min", "dim_max",    "out_",   "eigenvalues", "dim_values"};

// Ops whose twins call their first parameter `input`.
constexpr std::array<std::string_view, 4> kInputNamed = {
    "dropout_", "feature_dropout_", "alpha_dropout_", "feature_alpha_dropout_"};

// Elementwise ops whose operands are promoted to a common element type.
constexpr std::array<std::string_view, 38> kPromoting = {"add",
                                                         "sub",
                                                         "mul",
                                                         "div",
                                                         "subtract",
                                                         "multiply",
                                                         "divide",
                                                         "remainder",
                                                         "fmod",
                                                         "true_divide",
                                                         "pow",
                                                         "atan2",
                                                         "arctan2",
                                                         "hypot",
                                                         "copysign",
                                                         "maximum",
                                                         "minimum",
                                                         "fmax",
                                                         "fmin",
                                                         "clamp",
                                                         "clamp_min",
                                                         "clamp_max",
                                                         "clip",
                                                         "addcmul",
                                                         "addcdiv",
                                                         "xlogy",
                                                         "floor_divide",
                                                         "bitwise_and",
                                                         "bitwise_or",
                                                         "bitwise_xor",
                                                         "logaddexp",
                                                         "logaddexp2",
                                                         "heaviside",
                                                         "nextafter",
                                                         "gcd",
                                                         "lcm",
                                                         "bitwise_left_shift",
                                                         "bitwise_right_shift"};
// Of these, the ones that give floats for integers.
constexpr std::array<std::string_view, 7> kTrueDivision = {
    "div", "divide", "true_divide", "atan2", "arctan2", "xlogy", "copysign"};
constexpr std::array<std::string_view, 17> kPredicates = {
    "eq",        "ne",          "lt",         "le",          "gt",
    "ge",        "less",        "less_equal", "greater",     "greater_equal",
    "not_equal", "logical_and", "logical_or", "logical_xor", "logical_not",
    "isin",      "isclose"};

template <typename Table>
bool contains(const Table& table, std::string_view name) {
  return std::find(table.begin(), table.end(), name) != table.end();
}

std::string_view op_of(std::string_view full) {
  return full.substr(0, full.find('.'));
}

std::string aten(std::string_view full) {
  return "aten." + std::string(full);
}

WriteOp refused(std::string_view why_not) {
  WriteOp write;
  write.kind = WriteKind::kRefused;
  write.why_not = why_not;
  return write;
}

std::optional<WriteOp> find_write_row(std::string_view full) {
  for (const ContentRow& row : kContents) {
    if (row.target != full) continue;
    WriteOp write;
    write.kind = row.kind;
    write.written = {"self"};
    write.source = row.source;
    return write;
  }
  for (const PairRow& row : kPairs) {
    if (row.target != full) continue;
    WriteOp write;
    write.functional = aten(row.functional);
    write.written.assign(row.written.begin(), row.written.end());
    write.is_out = true;
    return write;
  }
  for (const RefusedRow& row : kRefused) {
    if (row.op == op_of(full) || row.op == full) return refused(row.why_not);
  }
  return std::nullopt;
}

std::string twin_of(std::string_view full, std::string_view by_rule) {
  for (const TwinRow& row : kTwins) {
    if (row.target == full) return aten(row.functional);
  }
  return aten(by_rule);
}

// op_.overload writes its first argument
std::optional<WriteOp> find_in_place(const Node& node, std::string_view full) {
  const std::string_view op = op_of(full);
  const bool dunder = op.starts_with("__i") && op.ends_with("__");
  const bool trailing = op.ends_with("_") && !op.ends_with("__");
  if ((!dunder && !trailing) || node.args.empty()) return std::nullopt;
  if (node.args[0].arg.as<ArgumentList>() != nullptr) {
    return refused("it writes a list of tensors");
  }
  std::string by_rule(op);
  by_rule.pop_back();
  by_rule += full.substr(op.size());
  WriteOp write;
  write.functional = twin_of(full, by_rule);
  write.written = {node.args[0].name};
  if (contains(kInputNamed, op)) write.operand_name = "input";
  return write;
}

// op.out and op.x_out write the keyword `out`
std::optional<WriteOp> find_out(const Node& node, std::string_view full) {
  constexpr std::string_view kSuffix = "_out";
  const std::string_view op = op_of(full);
  const std::string_view overload = full.substr(std::min(full.size(), op.size() + 1));
  const bool writes = contains(kOutOverloads, overload) || overload.ends_with(kSuffix);
  const Argument* out = find_arg(node, "out");
  if (out == nullptr || out->as<ArgumentList>() != nullptr) {
    if (writes) return refused("it writes several tensors");
    return std::nullopt;
  }
  std::string by_rule(op);
  if (overload.ends_with(kSuffix)) {
    by_rule.append(".").append(overload.substr(0, overload.size() - kSuffix.size()));
  } else {
    by_rule.append(".default");
  }
  WriteOp write;
  write.functional = twin_of(full, by_rule);
  write.written = {"out"};
  write.is_out = true;
  return write;
}

std::optional<DType> number_dtype(const NamedArgument& argument) {
  constexpr std::array<std::string_view, 5> kOperands = {"self", "other", "exponent", "min", "max"};
  if (!contains(kOperands, argument.name)) return std::nullopt;
  if (argument.arg.as<bool>() != nullptr) return DType::kBool;
  if (argument.arg.as<int64_t>() != nullptr) return DType::kI64;
  if (argument.arg.as<double>() != nullptr) return DType::kF32;
  return std::nullopt;
}

bool is_operand(const WriteOp& write, const NamedArgument& argument) {
  return !write.is_out || !contains(write.written, argument.name);
}

const TensorMeta* tensor_of(const Program& program, const Argument& argument) {
  const ValueRef* ref = argument.as<ValueRef>();
  if (ref == nullptr || !program.values[ref->value].tensor) return nullptr;
  return &*program.values[ref->value].tensor;
}

std::optional<DType> first_operand_dtype(const Program& program, const Node& node,
                                         const WriteOp& write) {
  for (const NamedArgument& argument : node.args) {
    const TensorMeta* tensor = tensor_of(program, argument.arg);
    if (tensor != nullptr && is_operand(write, argument)) return tensor->dtype;
  }
  return std::nullopt;
}

std::optional<DType> promoted_operands(const Program& program, const Node& node,
                                       const WriteOp& write) {
  std::vector<PromotionArg> operands;
  for (const NamedArgument& argument : node.args) {
    if (!is_operand(write, argument)) continue;
    if (const std::optional<DType> number = number_dtype(argument))
      operands.push_back({*number, OperandCategory::kNumber});
    if (const TensorMeta* tensor = tensor_of(program, argument.arg)) {
      operands.push_back({tensor->dtype, tensor->sizes.empty() ? OperandCategory::kScalarTensor
                                                               : OperandCategory::kTensor});
    }
  }
  return result_type(operands);
}

// The op's name without namespace and overload: "add_" for "aten.add_.Tensor".
std::string_view base_name(std::string_view target) {
  const size_t overload = target.rfind('.');
  const std::string_view head = target.substr(0, overload);
  const size_t space = head.rfind('.');
  return space == std::string_view::npos ? head : head.substr(space + 1);
}

}  // namespace

std::optional<WriteOp> find_write(const Node& node) {
  constexpr std::string_view kPrefix = "aten.";
  if (!node.target.starts_with(kPrefix)) return std::nullopt;
  const std::string_view full = std::string_view(node.target).substr(kPrefix.size());
  if (std::optional<WriteOp> row = find_write_row(full)) return row;
  if (std::optional<WriteOp> in_place = find_in_place(node, full)) return in_place;
  return find_out(node, full);
}

bool is_factory(const Program& program, const Node& node, const WriteOp& write) {
  const bool has_lists = std::any_of(node.args.begin(), node.args.end(), [&](const auto& named) {
    const ArgumentList* list = named.arg.template as<ArgumentList>();
    return list != nullptr && std::any_of(list->begin(), list->end(), [&](const Argument& element) {
             return tensor_of(program, element) != nullptr;
           });
  });
  return write.is_out && !has_lists && !first_operand_dtype(program, node, write);
}

std::optional<DType> functional_dtype(const Program& program, const Node& node,
                                      const WriteOp& write, DType written) {
  const std::string_view op = op_of(std::string_view(write.functional).substr(5));
  if (contains(kPredicates, op)) return DType::kBool;
  if (!contains(kPromoting, op)) {
    // An in-place op keeps its element type. out= may have any other: only an operand tells.
    if (!write.is_out || first_operand_dtype(program, node, write) == written ||
        is_factory(program, node, write)) {
      return written;
    }
    return std::nullopt;
  }
  const DType operands = promoted_operands(program, node, write).value_or(written);
  const bool is_whole = !is_floating(operands) && !is_complex(operands);
  const bool to_float =
      contains(kTrueDivision, op) && is_whole && find_arg(node, "rounding_mode") == nullptr;
  return to_float ? DType::kF32 : operands;
}

bool writes_in_place(std::string_view target) {
  if (!target.starts_with("aten.")) return false;
  const std::string_view name = base_name(target);
  if (target.ends_with("out") && target.find(".out") != std::string_view::npos) return true;
  if (name.starts_with("__")) return name.starts_with("__i");
  return name.ends_with('_');
}

}  // namespace ferryman::frontend
