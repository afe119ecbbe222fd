#include <algorithm>
#include <utility>

#include "frontend/functionalise/functionaliser.h"
#include "frontend/functionalise/strides.h"
#include "frontend/translate/node_args.h"

namespace ferryman::frontend {

Result<AliasId> Functionaliser::written_alias(const Node& node, const std::string& argument) const {
  const ValueIndex value = value_arg(node, argument);
  if (value == kNoValue || alias_of_[value] == kNoAlias) {
    return malformed(node, "writes to its argument '" + argument + "', which is no tensor");
  }
  return alias_of_[value];
}

// The result of a writing op is the written tensor itself.
Status Functionaliser::write_result(const Node& node, size_t position, AliasId target,
                                    ValueIndex value) {
  if (position < node.results.size() && node.results[position] != kNoValue) {
    alias_of_[node.results[position]] = target;
  }
  return aliases_.write(target, value, node);
}

ValueIndex Functionaliser::cast_and_expand(ValueIndex value, TensorMeta meta, AliasId target,
                                           const Node& node) {
  const TensorMeta& wanted = aliases_.meta(target);
  const std::string name = result_name(node, 0);
  if (meta.dtype != wanted.dtype) {
    meta.dtype = wanted.dtype;
    value = writer_.call({"aten.to.dtype", {named("self", value), named("dtype", meta.dtype)}},
                         meta, name, node.location);
  }
  if (meta.sizes == wanted.sizes) return value;
  Call expand{"aten.expand.default", {named("self", value), named("size", concrete(wanted.sizes))}};
  return writer_.call(std::move(expand), wanted, name, node.location);
}

Result<ValueIndex> Functionaliser::filled(const Node& node, const WriteOp& write, AliasId target) {
  const TensorMeta meta = aliases_.meta(target);
  Argument number{int64_t{0}};
  if (const Argument* given = find_arg(node, write.source)) {
    FERRYMAN_TRY(number, map(*given, node));
  }
  Call full{"aten.full.default",
            {named("size", concrete(meta.sizes)), {"fill_value", std::move(number)}}};
  if (is_static(meta.sizes)) {
    full.args.push_back(named("dtype", meta.dtype));
  } else {
    FERRYMAN_TRY(const ValueIndex like, aliases_.read(target, node));
    full.target = "aten.full_like.default";
    full.args[0] = named("self", like);
  }
  return writer_.call(std::move(full), meta, result_name(node, 0), node.location);
}

Result<ValueIndex> Functionaliser::new_contents(const Node& node, const WriteOp& write,
                                                AliasId target) {
  if (write.kind == WriteKind::kFill) return filled(node, write, target);
  const ValueIndex source = value_arg(node, write.source);
  if (source == kNoValue || !old_.values[source].tensor) {
    return malformed(node, "has no tensor '" + write.source + "'");
  }
  FERRYMAN_TRY(ValueIndex value, read(source, node));
  const TensorMeta& meta = *old_.values[source].tensor;
  if (meta.sizes != aliases_.meta(target).sizes && !is_static(aliases_.meta(target).sizes)) {
    FERRYMAN_TRY(const ValueIndex like, aliases_.read(target, node));
    TensorMeta expanded = aliases_.meta(target);
    expanded.dtype = meta.dtype;
    value = writer_.call({"aten.expand_as.default", {named("self", value), named("other", like)}},
                         expanded, result_name(node, 0), node.location);
    return cast_and_expand(value, expanded, target, node);
  }
  return cast_and_expand(value, meta, target, node);
}

// The operands of the functional twin: those of the node, without out=.
Result<std::vector<NamedArgument>> Functionaliser::twin_args(const Node& node,
                                                             const WriteOp& write) {
  std::vector<NamedArgument> args;
  for (const NamedArgument& argument : node.args) {
    const bool written =
        std::find(write.written.begin(), write.written.end(), argument.name) != write.written.end();
    if (written && write.is_out) continue;
    FERRYMAN_TRY(Argument mapped, map(argument.arg, node));
    const bool renamed = written && !write.operand_name.empty();
    args.push_back({renamed ? write.operand_name : argument.name, std::move(mapped)});
  }
  return args;
}

// Torch gives an out= argument the size of the result, if it has another.
Result<AliasId> Functionaliser::written_target(const Node& node, const WriteOp& write,
                                               size_t position) {
  FERRYMAN_TRY(const AliasId target, written_alias(node, write.written[position]));
  const ValueIndex result = position < node.results.size() ? node.results[position] : kNoValue;
  if (!write.is_out || result == kNoValue || !old_.values[result].tensor) return target;
  const TensorMeta& computed = *old_.values[result].tensor;
  if (computed.sizes == aliases_.meta(target).sizes) return target;
  if (aliases_.resize_root(target, computed)) return target;
  return Diag::error(DiagCode::kUnsupportedAlias,
                     node.target +
                         " changes the size of its out argument, which is a view or "
                         "has views")
      .at(node.location)
      .hint("give out= a tensor of the result's size");
}

// self.add_(other)  ->  add(self, other), cast to self's element type where the op promotes
Status Functionaliser::visit_compute_write(const Node& node, const WriteOp& write) {
  FERRYMAN_TRY(std::vector<NamedArgument> args, twin_args(node, write));
  Node twin{write.functional, node.name, std::move(args), {}, node.location};
  std::vector<AliasId> targets;
  std::vector<bool> casts;
  for (size_t i = 0; i < write.written.size(); ++i) {
    FERRYMAN_TRY(const AliasId target, written_target(node, write, i));
    TensorMeta meta = aliases_.meta(target);
    const std::optional<DType> dtype = functional_dtype(old_, node, write, meta.dtype);
    casts.push_back(dtype != meta.dtype);
    meta.dtype = dtype.value_or(meta.dtype);
    const std::string name = result_name(node, i);
    const std::string value_name = writer_.fresh_name(casts[i] ? name + ".uncast" : name);
    twin.results.push_back(writer_.add_value({value_name, meta, std::nullopt}));
    targets.push_back(target);
  }
  if (is_factory(old_, node, write)) {
    twin.args.push_back(named("dtype", aliases_.meta(targets[0]).dtype));
  }
  const std::vector<ValueIndex> results = twin.results;
  writer_.add_node(std::move(twin));
  for (size_t i = 0; i < targets.size(); ++i) {
    ValueIndex value = results[i];
    const TensorMeta& meta = aliases_.meta(targets[i]);
    if (casts[i]) {
      value = writer_.call({"aten.to.dtype", {named("self", value), named("dtype", meta.dtype)}},
                           meta, result_name(node, i), node.location);
    }
    FERRYMAN_TRY_STATUS(write_result(node, i, targets[i], value));
  }
  return {};
}

Status Functionaliser::visit_write(const Node& node, const WriteOp& write) {
  if (write.kind == WriteKind::kRefused) {
    return Diag::error(DiagCode::kUnsupportedAlias, node.target + " is not supported")
        .at(node.location)
        .because(write.why_not)
        .hint("compute a new tensor instead")
        .about(node.target);
  }
  // The written tensor takes the name of the op's result.
  for (size_t i = 0; i < node.results.size(); ++i) writer_.release_name(result_name(node, i));
  if (write.kind == WriteKind::kCompute) return visit_compute_write(node, write);
  FERRYMAN_TRY(const AliasId target, written_alias(node, write.written[0]));
  FERRYMAN_TRY(const ValueIndex value, new_contents(node, write, target));
  return write_result(node, 0, target, value);
}

// In training mode batch_norm also updates its running statistics, which its schema does not say.
Status Functionaliser::visit_batch_norm(const Node& node) {
  FERRYMAN_TRY(const AliasId mean, written_alias(node, "running_mean"));
  FERRYMAN_TRY(const AliasId variance, written_alias(node, "running_var"));
  FERRYMAN_TRY(std::vector<NamedArgument> args, map(node.args, node));
  std::erase_if(args, [](const NamedArgument& a) { return a.name == "cudnn_enabled"; });
  const ValueIndex result = copy_value(node.results.empty() ? kNoValue : node.results[0]);
  const ValueIndex new_mean = writer_.add_value(
      {writer_.fresh_name(node.name + ".mean"), aliases_.meta(mean), std::nullopt});
  const ValueIndex new_variance = writer_.add_value(
      {writer_.fresh_name(node.name + ".var"), aliases_.meta(variance), std::nullopt});
  writer_.add_node({"aten._native_batch_norm_legit_functional.default",
                    node.name,
                    std::move(args),
                    {result, kNoValue, kNoValue, new_mean, new_variance},
                    node.location});
  if (result != kNoValue) define_root(node.results[0], result);
  FERRYMAN_TRY_STATUS(aliases_.write(mean, new_mean, node));
  return aliases_.write(variance, new_variance, node);
}

}  // namespace ferryman::frontend
