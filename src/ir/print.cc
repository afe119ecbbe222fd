#include "ir/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace ferryman {

namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    result += c;
  }
  return result + "\"";
}

bool is_word(std::string_view text) {
  const auto word_char = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '@';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), word_char);
}

// Words as they are, anything else quoted.
std::string spelled(std::string_view name) {
  return is_word(name) ? std::string(name) : quoted(name);
}

template <typename Float>
std::string print_float(Float number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

template <typename List, typename PrintOne>
std::string bracketed(const List& list, PrintOne print_one) {
  std::string text = "[";
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) text += ", ";
    text += print_one(list[i]);
  }
  return text + "]";
}

std::string print_ints(const Ints& ints) {
  return bracketed(ints, [](int64_t number) { return std::to_string(number); });
}

bool is_splat(const TensorData& data) {
  if (data.is_elided() || data.num_elems() == 0) return false;
  for (size_t axis = 0; axis < data.rank(); ++axis) {
    if (!data.is_broadcast_along(axis)) return false;
  }
  return true;
}

std::string print_elem(const TensorData& data, size_t index) {
  if (data.dtype() == DType::kF32) return print_float(static_cast<float>(data.to_doubles()[index]));
  if (is_floating(data.dtype())) return print_float(data.to_doubles()[index]);
  return std::to_string(data.to_ints()[index]);
}

std::string print_elems(const TensorData& data) {
  std::string text = "[";
  for (size_t i = 0; i < static_cast<size_t>(data.num_elems()); ++i) {
    if (i > 0) text += ", ";
    text += print_elem(data, i);
  }
  return text + "]";
}

std::string print_data(const TensorData& data) {
  const bool can_inline = !data.is_elided() && !is_complex(data.dtype());
  if (can_inline && data.num_elems() <= kMaxInlineElems) return print_elems(data);
  if (can_inline && is_splat(data)) {
    std::vector<std::byte> first(static_cast<size_t>(byte_size(data.dtype())));
    data.read(0, first);
    return "splat " + print_elem(TensorData::copy_of(first, data.dtype(), {}), 0);
  }
  return fmt::format("hash 0x{:016x}", data.hash());
}

class Printer {
 public:
  // The lines of a body are indented by its depth.
  Printer(const Graph& graph, PrintLocations locations, size_t depth = 0)
      : graph_(graph),
        locations_(locations),
        depth_(depth),
        indent_(2 * depth + 2, ' '),
        is_printed_(graph.num_body_ids()) {
    name_values();
  }

  std::string print() {
    text_ = fmt::format("graph @{}(", spelled(graph_.name()));
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      const ValueId input = graph_.inputs()[i];
      if (i > 0) text_ += ", ";
      text_ += names_[input] + ": " + type(input);
    }
    text_ += ") {\n";
    if (depth_ == 0) print_symbols();
    print_constants();
    for (const OpId op : graph_.op_ids()) print_op(graph_.op(op));
    for (const StateUpdate& update : graph_.state_updates()) {
      text_ +=
          fmt::format("{}update {} = {}\n", indent_, names_[update.state], names_[update.value]);
    }
    print_outputs();
    text_ += std::string(2 * depth_, ' ') + "}";
    return std::move(text_);
  }

 private:
  std::string type(ValueId id) const { return print_type(graph_.type(id), graph_.symbols()); }

  void name_values() {
    names_ = ValueMap<std::string>(graph_.num_value_ids());
    std::unordered_map<std::string, int> taken;
    for (size_t i = 0; i < graph_.num_value_ids(); ++i) {
      const Value& value = graph_.value(ValueId(i));
      if (value.kind == ValueKind::kResult) continue;
      const char sigil = value.kind == ValueKind::kInput ? '%' : '@';
      names_[ValueId(i)] = sigil + spelled(value.name);
      taken.emplace(names_[ValueId(i)], 1);
    }
    size_t next_number = 0;
    for (const OpId op : graph_.op_ids()) {
      for (const ValueId result : graph_.op(op).results) {
        const std::string& name = graph_.value(result).name;
        std::string candidate = "%" + spelled(name);
        const bool usable = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
                            taken.emplace(candidate, 1).second;
        while (!usable && !taken.emplace(candidate = fmt::format("%{}", next_number++), 1).second) {
        }
        names_[result] = std::move(candidate);
      }
    }
  }

  void print_symbols() {
    for (const SymbolTable::Symbol& symbol : graph_.symbols().symbols()) {
      text_ +=
          fmt::format("  symbol {} in [{}, {}]", symbol.name, symbol.range.min, symbol.range.max);
      text_ += symbol.hint == 0 ? "\n" : fmt::format(" hint {}\n", symbol.hint);
    }
  }

  static std::string_view keyword(ValueKind kind) {
    if (kind == ValueKind::kState) return "state";
    return kind == ValueKind::kParameter ? "param" : "const";
  }

  void print_constants() {
    for (size_t i = 0; i < graph_.num_value_ids(); ++i) {
      const ValueId id(i);
      const Value& value = graph_.value(id);
      const bool is_state = value.kind == ValueKind::kState;
      if (!is_state && (!graph_.is_stored(id) || graph_.num_readers(id) == 0)) continue;
      text_ += fmt::format("{}{} {}: {} = {}\n", indent_, keyword(value.kind), names_[id], type(id),
                           print_data(*value.data));
    }
  }

  void print_op(const Op& op) {
    text_ += indent_;
    for (size_t i = 0; i < op.results.size(); ++i) {
      text_ += (i > 0 ? ", " : "") + names_[op.results[i]];
    }
    text_ += fmt::format(" = {}(", op.def->name);
    for (size_t i = 0; i < op.operands.size(); ++i) {
      text_ += i > 0 ? ", " : "";
      text_ += op.operands[i].valid() ? names_[op.operands[i]] : "_";
    }
    text_ += ")" + print_attrs(op) + ":";
    for (size_t i = 0; i < op.results.size(); ++i) {
      text_ += (i > 0 ? ", " : " ") + type(op.results[i]);
    }
    if (locations_ == PrintLocations::kYes && op.location.valid()) {
      const SourceLocation& at = graph_.location(op.location);
      text_ += fmt::format(" loc({}, {}, {}, {}, {})", quoted(at.module_path),
                           quoted(at.module_type), quoted(at.node), quoted(at.file), at.line);
    }
    text_ += "\n";
  }

  std::string print_attrs(const Op& op) {
    std::string text;
    for (size_t i = 0; i < op.attrs.size(); ++i) {
      const AttrSpec& spec = op.def->attrs[i];
      if (spec.default_value.has_value() && *spec.default_value == op.attrs[i]) continue;
      text += text.empty() ? " {" : ", ";
      const auto* body = std::get_if<BodyId>(&op.attrs[i]);
      text += fmt::format(
          "{}={}", spec.name,
          body != nullptr ? print_body(*body) : print_attr(op.attrs[i], graph_.symbols()));
    }
    return text.empty() ? text : text + "}";
  }

  std::string print_body(BodyId id) {
    const Graph& body = graph_.body(id);
    if (is_printed_[id.index]) return "@" + spelled(body.name());
    is_printed_[id.index] = true;
    return Printer(body, locations_, depth_ + 1).print();
  }

  void print_outputs() {
    text_ += indent_ + "return";
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const GraphOutput& output = graph_.outputs()[i];
      text_ +=
          fmt::format("{} {}={}", i > 0 ? "," : "", spelled(output.name), names_[output.value]);
    }
    text_ += "\n";
  }

  const Graph& graph_;
  PrintLocations locations_;
  size_t depth_;
  std::string indent_;
  std::vector<bool> is_printed_;  // by body
  ValueMap<std::string> names_;
  std::string text_;
};

struct AttrPrinter {
  const SymbolTable& symbols;
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(int64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return print_float(number); }
  std::string operator()(const std::string& text) const { return quoted(text); }
  std::string operator()(DType dtype) const { return std::string(to_string(dtype)); }
  std::string operator()(const Ints& ints) const { return print_ints(ints); }
  std::string operator()(const Floats& floats) const {
    return bracketed(floats, [](double number) { return print_float(number); });
  }
  std::string operator()(Axis axis) const { return std::to_string(axis.value); }
  std::string operator()(const Axes& axes) const { return print_ints(axes.values); }
  std::string operator()(const PerAxis& numbers) const { return print_ints(numbers.values); }
  std::string operator()(const AxisSizes& sizes) const { return (*this)(ShapeAttr{sizes.values}); }
  std::string operator()(const Perm& perm) const { return print_ints(perm.values); }
  std::string operator()(const SizeAttr& size) const { return symbols.print(size.value); }
  std::string operator()(const ShapeAttr& shape) const {
    return bracketed(shape.dims, [&](Dim dim) { return symbols.print(dim); });
  }
  std::string operator()(const TypesAttr& types) const {
    return bracketed(types.values,
                     [&](const TensorType& type) { return print_type(type, symbols); });
  }
  // Where there is no graph that has it.
  std::string operator()(BodyId body) const { return fmt::format("body {}", body.index); }
};

}  // namespace

std::string print_type(const TensorType& type, const SymbolTable& symbols) {
  return std::string(to_string(type.dtype)) +
         bracketed(type.dims, [&](Dim dim) { return symbols.print(dim); });
}

std::string print_attr(const Attr& attr, const SymbolTable& symbols) {
  return std::visit(AttrPrinter{symbols}, attr);
}

std::string print_graph(const Graph& graph, PrintLocations locations) {
  return Printer(graph, locations).print() + "\n";
}

}  // namespace ferryman
