#include "ops/control/control.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "support/check.h"

namespace ferryman {

namespace {

using EvalResult = Result<std::vector<TensorData>>;

// A loop of the evaluator that does not end is a mistake in a test.
constexpr int64_t kMaxIterations = 100'000;

// Of loops and sequences whose length is not known.
constexpr int64_t kAssumedIterations = 8;
constexpr int64_t kAssumedLength = 16;

// ---- types ----

Status check_condition(const TensorType& type) {
  if (type == TensorType{DType::kBool, {}}) return {};
  return shape_error("a condition that is not one bool");
}

// `what`: "the branch taken when true". Types at the same place must be equal.
Status check_same(std::string_view what, const std::vector<TensorType>& have,
                  const std::vector<TensorType>& want, const SymbolTable& symbols) {
  if (have.size() != want.size())
    return shape_error(fmt::format("{}: {} where {} are expected", what, have.size(), want.size()));
  for (size_t i = 0; i < have.size(); ++i) {
    if (have[i] == want[i]) continue;
    return shape_error(fmt::format("{}: number {} is {}{} where {}{} is expected", what, i,
                                   torch_name(have[i].dtype), print_dims(have[i].dims, symbols),
                                   torch_name(want[i].dtype), print_dims(want[i].dims, symbols)));
  }
  return {};
}

std::vector<TensorType> operand_types(const InferArgs& args, size_t first) {
  std::vector<TensorType> types;
  for (size_t i = first; i < args.operands.size() && args.has(i); ++i)
    types.push_back(args.operand(i));
  return types;
}

InferResult infer_if(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_condition(args.operand(0)));
  const std::vector<TensorType> inputs = operand_types(args, 1);
  for (const BodyType& branch : args.bodies)
    FERRYMAN_TRY_STATUS(check_same("the inputs of a branch", branch.inputs, inputs, args.symbols));
  FERRYMAN_TRY_STATUS(check_same("the results of the branches", args.bodies[1].outputs,
                                 args.bodies[0].outputs, args.symbols));
  return args.bodies[0].outputs;
}

InferResult infer_while(const InferArgs& args) {
  const std::vector<TensorType> inputs = operand_types(args, 0);
  const BodyType& condition = args.bodies[0];
  const BodyType& body = args.bodies[1];
  FERRYMAN_TRY_STATUS(
      check_same("the inputs of the condition", condition.inputs, inputs, args.symbols));
  FERRYMAN_TRY_STATUS(check_same("the inputs of the body", body.inputs, inputs, args.symbols));
  if (condition.outputs.size() != 1) return shape_error("a condition that is not one bool");
  FERRYMAN_TRY_STATUS(check_condition(condition.outputs[0]));
  if (body.outputs.size() > inputs.size()) return shape_error("a body with too many results");
  const std::vector<TensorType> carried(inputs.begin(), inputs.begin() + std::ssize(body.outputs));
  FERRYMAN_TRY_STATUS(check_same("the results of the body", body.outputs, carried, args.symbols));
  return carried;
}

Result<TensorType> entry_of(const TensorType& sequence) {
  if (sequence.dims.empty()) return shape_error("a sequence without axes");
  return TensorType{sequence.dtype, Dims(sequence.dims.begin() + 1, sequence.dims.end())};
}

InferResult infer_scan(const InferArgs& args) {
  std::vector<TensorType> inputs = operand_types(args, 0);
  const auto num_carried = static_cast<size_t>(args.attrs[attr::kNumCarried]);
  const auto num_sequences = static_cast<size_t>(args.attrs[attr::kNumSequences]);
  if (num_sequences == 0 || inputs.size() < num_carried + num_sequences)
    return shape_error("a scan needs a sequence");
  const std::vector<TensorType> carried(inputs.begin(),
                                        inputs.begin() + args.attrs[attr::kNumCarried]);
  const Dim length = inputs[num_carried].dims.empty() ? Dim(0) : inputs[num_carried].dims[0];
  for (size_t i = num_carried; i < num_carried + num_sequences; ++i) {
    if (!inputs[i].dims.empty() && !(inputs[i].dims[0] == length))
      return shape_error("sequences of different lengths");
    FERRYMAN_TRY(inputs[i], entry_of(inputs[i]));
  }
  const BodyType& body = args.bodies[0];
  FERRYMAN_TRY_STATUS(check_same("the inputs of the body", body.inputs, inputs, args.symbols));
  if (body.outputs.size() < num_carried) return shape_error("a body with too few results");
  std::vector<TensorType> results = body.outputs;
  const std::vector<TensorType> next(results.begin(), results.begin() + std::ssize(carried));
  FERRYMAN_TRY_STATUS(check_same("what the body carries on", next, carried, args.symbols));
  for (size_t i = num_carried; i < results.size(); ++i)
    results[i].dims.insert(results[i].dims.begin(), length);
  return results;
}

// ---- evaluators ----

std::vector<TensorData> copies(const EvalArgs& args, size_t first) {
  std::vector<TensorData> tensors;
  for (size_t i = first; i < args.operands.size() && args.has(i); ++i)
    tensors.push_back(args.operand(i));
  return tensors;
}

EvalResult eval_if(const EvalArgs& args) {
  const bool is_true = args.operand(0).to_ints()[0] != 0;
  return args.run_body(is_true ? 0 : 1, copies(args, 1));
}

EvalResult eval_while(const EvalArgs& args) {
  std::vector<TensorData> variables = copies(args, 0);
  for (int64_t i = 0; i < kMaxIterations; ++i) {
    FERRYMAN_TRY(const std::vector<TensorData> condition, args.run_body(0, variables));
    if (condition[0].to_ints()[0] == 0) {
      variables.erase(variables.begin() + std::ssize(args.results), variables.end());
      return variables;
    }
    FERRYMAN_TRY(std::vector<TensorData> next, args.run_body(1, variables));
    std::move(next.begin(), next.end(), variables.begin());
  }
  return shape_error("a loop that does not end");
}

TensorData entry_at(const TensorData& sequence, int64_t position) {
  Ints starts(sequence.rank(), 0), sizes = sequence.shape(), steps(sequence.rank(), 1);
  starts[0] = position;
  sizes[0] = 1;
  const Ints shape(sizes.begin() + 1, sizes.end());
  return sequence.sliced(starts, sizes, steps).reshaped(shape);
}

// Entries of one result, by position.
TensorData stacked(const std::vector<TensorData>& entries, const TensorType& type) {
  std::vector<std::byte> bytes;
  for (const TensorData& entry : entries) {
    const size_t begin = bytes.size();
    bytes.resize(begin + static_cast<size_t>(entry.num_bytes()));
    entry.read(0, std::span(bytes).subspan(begin));
  }
  return TensorData::copy_of(bytes, type.dtype, static_sizes(type.dims));
}

class ScanEvaluator {
 public:
  explicit ScanEvaluator(const EvalArgs& args)
      : args_(args),
        num_carried_(static_cast<size_t>(args.attrs[attr::kNumCarried])),
        num_sequences_(static_cast<size_t>(args.attrs[attr::kNumSequences])),
        length_(args.operand(num_carried_).shape()[0]),
        variables_(copies(args, 0)),
        entries_(args.results.size() - num_carried_,
                 std::vector<TensorData>(static_cast<size_t>(length_),
                                         TensorData::filled(DType::kF32, {}, 0))) {}

  EvalResult run() {
    for (int64_t i = 0; i < length_; ++i)
      FERRYMAN_TRY_STATUS(step(args_.attrs[attr::kReverse] ? length_ - 1 - i : i));
    variables_.erase(variables_.begin() + static_cast<std::ptrdiff_t>(num_carried_),
                     variables_.end());
    for (size_t i = 0; i < entries_.size(); ++i)
      variables_.push_back(stacked(entries_[i], args_.results[num_carried_ + i]));
    return variables_;
  }

 private:
  Status step(int64_t position) {
    for (size_t i = num_carried_; i < num_carried_ + num_sequences_; ++i)
      variables_[i] = entry_at(args_.operand(i), position);
    FERRYMAN_TRY(std::vector<TensorData> next, args_.run_body(0, variables_));
    for (size_t i = 0; i < next.size(); ++i) {
      TensorData& place = i < num_carried_
                              ? variables_[i]
                              : entries_[i - num_carried_][static_cast<size_t>(position)];
      place = std::move(next[i]);
    }
    return {};
  }

  const EvalArgs& args_;
  size_t num_carried_, num_sequences_;
  int64_t length_;
  std::vector<TensorData> variables_;             // as the body takes them
  std::vector<std::vector<TensorData>> entries_;  // by result, then by position
};

EvalResult eval_scan(const EvalArgs& args) {
  return ScanEvaluator(args).run();
}

// ---- links ----

std::vector<BodyPort> ports(size_t first, size_t count, bool is_entry = false) {
  std::vector<BodyPort> list;
  for (size_t i = 0; i < count; ++i) list.push_back({static_cast<uint32_t>(first + i), is_entry});
  return list;
}

std::vector<BodyPort> joined(std::vector<BodyPort> list, const std::vector<BodyPort>& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

std::vector<BodyLinks> links_of_scan(const Op& op) {
  const auto carried = static_cast<size_t>(op.attr(attr::kNumCarried));
  const auto sequences = static_cast<size_t>(op.attr(attr::kNumSequences));
  const size_t fixed = op.operands.size() - carried - sequences;
  return {{op.attr(attr::kBody),
           joined(joined(ports(0, carried), ports(carried, sequences, true)),
                  ports(carried + sequences, fixed)),
           joined(ports(0, carried), ports(carried, op.results.size() - carried, true))}};
}

}  // namespace

std::vector<BodyLinks> body_links(const Graph& graph, OpId id) {
  const Op& op = graph.op(id);
  const size_t num_operands = op.operands.size(), num_results = op.results.size();
  if (op.is(ops::kIf)) {
    const auto inputs = ports(1, num_operands - 1), outputs = ports(0, num_results);
    return {{op.attr(attr::kThen), inputs, outputs}, {op.attr(attr::kElse), inputs, outputs}};
  }
  if (op.is(ops::kWhile)) {
    const auto inputs = ports(0, num_operands);
    return {{op.attr(attr::kCondition), inputs, {BodyPort()}},
            {op.attr(attr::kBody), inputs, ports(0, num_results)}};
  }
  if (op.is(ops::kScan)) return links_of_scan(op);
  check(!op.def->has_bodies(), "an op whose bodies nobody knows");
  return {};
}

int64_t expected_of_bodies(const Graph& graph, OpId id, int64_t each) {
  const Op& op = graph.op(id);
  if (op.is(ops::kIf)) return (each + 1) / 2;
  if (op.is(ops::kWhile)) return each * kAssumedIterations;
  const Dim length = graph.type(op.operands[num_carried(graph, id)]).dims[0];
  return each * (length.is_static() ? length.size() : kAssumedLength);
}

size_t num_carried(const Graph& graph, OpId id) {
  const Op& op = graph.op(id);
  if (op.is(ops::kScan)) return static_cast<size_t>(op.attr(attr::kNumCarried));
  return op.is(ops::kWhile) ? op.results.size() : 0;
}

void add_control_ops(Ops& ops) {
  ops.set.define(ops::kIf)
      .doc("One of two bodies, as the condition says")
      .operand("condition", DTypeSet::kBool)
      .any_operands("inputs")
      .attr(attr::kThen)
      .attr(attr::kElse)
      .any_results(infer_if)
      .eval(eval_if);
  ops.set.define(ops::kWhile)
      .doc("A body again and again, as long as a condition holds")
      .variadic_operand("inputs")
      .attr(attr::kCondition)
      .attr(attr::kBody)
      .any_results(infer_while)
      .eval(eval_while);
  ops.set.define(ops::kScan)
      .doc("A body for each entry of sequences, one after the other")
      .variadic_operand("inputs")
      .attr(attr::kBody)
      .attr(attr::kNumCarried)
      .attr(attr::kNumSequences)
      .attr(attr::kReverse, false)
      .any_results(infer_scan)
      .eval(eval_scan);
}

}  // namespace ferryman
