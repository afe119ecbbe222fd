#include "ir/parse.h"

#include <fmt/format.h>

#include <random>
#include <unordered_map>

#include "ir/builder.h"
#include "ir/lexer.h"

namespace ferryman {

namespace {

constexpr int64_t kMaxAxes = 32;
constexpr int64_t kMaxRandomElems = int64_t{1} << 24;
constexpr int64_t kMaxListItems = 1 << 16;
constexpr int kMaxBodyDepth = 32;

class Parser {
 public:
  Parser(Lexer& lexer, const OpSet& ops) : lexer_(lexer), ops_(ops), graph_(ops) {}
  // Of a body of `around`.
  Parser(const Parser& around, std::string name)
      : lexer_(around.lexer_),
        ops_(around.ops_),
        depth_(around.depth_ + 1),
        graph_(around.graph_.new_body(std::move(name))) {}

  Result<Graph> parse() {
    FERRYMAN_TRY_STATUS(lexer_.expect("graph"));
    FERRYMAN_TRY_STATUS(lexer_.expect("@"));
    FERRYMAN_TRY(std::string name, lexer_.name());
    graph_ = Graph(ops_, std::move(name));
    FERRYMAN_TRY_STATUS(parse_from_inputs());
    if (!lexer_.at_end()) return lexer_.error("text after the graph");
    return std::move(graph_);
  }

 private:
  // What follows "graph @name".
  Status parse_from_inputs() {
    FERRYMAN_TRY_STATUS(parse_inputs());
    for (;;) {
      if (lexer_.accept("return")) break;
      FERRYMAN_TRY_STATUS(parse_statement());
    }
    FERRYMAN_TRY_STATUS(parse_outputs());
    return lexer_.expect("}");
  }

  Status parse_inputs() {
    FERRYMAN_TRY_STATUS(lexer_.expect("("));
    while (!lexer_.accept(")")) {
      if (!graph_.inputs().empty()) FERRYMAN_TRY_STATUS(lexer_.expect(","));
      FERRYMAN_TRY_STATUS(lexer_.expect("%"));
      FERRYMAN_TRY(const std::string input, lexer_.name());
      FERRYMAN_TRY_STATUS(lexer_.expect(":"));
      FERRYMAN_TRY(TensorType type, parse_type());
      FERRYMAN_TRY_STATUS(define("%" + input, graph_.add_input(input, std::move(type))));
    }
    return lexer_.expect("{");
  }

  Status parse_statement() {
    if (lexer_.accept("symbol")) return parse_symbol();
    if (lexer_.accept("const")) return parse_data(ValueKind::kConstant);
    if (lexer_.accept("param")) return parse_data(ValueKind::kParameter);
    if (lexer_.accept("state")) return parse_data(ValueKind::kState);
    if (lexer_.accept("update")) return parse_update();
    return parse_op();
  }

  Status define(const std::string& name, ValueId value) {
    if (values_.emplace(name, value).second) return {};
    return lexer_.error(fmt::format("'{}' is defined twice", name));
  }

  Result<ValueId> parse_value() {
    const bool is_constant = lexer_.accept("@");
    if (!is_constant) FERRYMAN_TRY_STATUS(lexer_.expect("%"));
    FERRYMAN_TRY(const std::string name, lexer_.name());
    const auto found = values_.find((is_constant ? "@" : "%") + name);
    if (found == values_.end()) return lexer_.error(fmt::format("'{}' is not defined", name));
    return found->second;
  }

  Status parse_symbol() {
    FERRYMAN_TRY(const std::string name, lexer_.name());
    FERRYMAN_TRY_STATUS(lexer_.expect("in"));
    FERRYMAN_TRY_STATUS(lexer_.expect("["));
    FERRYMAN_TRY(const int64_t min, lexer_.integer());
    FERRYMAN_TRY_STATUS(lexer_.expect(","));
    FERRYMAN_TRY(const int64_t max, lexer_.integer());
    FERRYMAN_TRY_STATUS(lexer_.expect("]"));
    int64_t hint = 0;
    if (lexer_.accept("hint")) {
      FERRYMAN_TRY(hint, lexer_.integer());
    }
    graph_.symbols().define(name, {min, max}, hint);
    return {};
  }

  Result<Dim> parse_dim() {
    const Diag malformed = lexer_.error("expected a size");
    Result<Dim> dim = graph_.symbols().parse(lexer_.size_text());
    if (!dim.ok()) return malformed;
    return dim;
  }

  Result<Dims> parse_dims() {
    FERRYMAN_TRY_STATUS(lexer_.expect("["));
    Dims dims;
    while (!lexer_.accept("]")) {
      if (!dims.empty()) FERRYMAN_TRY_STATUS(lexer_.expect(","));
      FERRYMAN_TRY(const Dim dim, parse_dim());
      dims.push_back(dim);
      if (static_cast<int64_t>(dims.size()) > kMaxAxes) return lexer_.error("too many axes");
    }
    return dims;
  }

  Result<DType> parse_dtype() {
    FERRYMAN_TRY(const std::string name, lexer_.name());
    const std::optional<DType> dtype = dtype_from_string(name);
    if (!dtype.has_value()) return lexer_.error(fmt::format("unknown element type '{}'", name));
    return *dtype;
  }

  Result<TensorType> parse_type() {
    FERRYMAN_TRY(const DType dtype, parse_dtype());
    FERRYMAN_TRY(Dims dims, parse_dims());
    return TensorType{dtype, std::move(dims)};
  }

  Status parse_data(ValueKind kind) {
    FERRYMAN_TRY_STATUS(lexer_.expect("@"));
    FERRYMAN_TRY(const std::string name, lexer_.name());
    FERRYMAN_TRY_STATUS(lexer_.expect(":"));
    FERRYMAN_TRY(const TensorType type, parse_type());
    if (!all_static(type.dims)) return lexer_.error("a constant with symbolic sizes");
    FERRYMAN_TRY_STATUS(lexer_.expect("="));
    FERRYMAN_TRY(TensorData data, parse_elements(type.dtype, static_sizes(type.dims)));
    return define("@" + name, add_data(kind, std::move(data), name));
  }

  ValueId add_data(ValueKind kind, TensorData data, const std::string& name) {
    if (kind == ValueKind::kState) return graph_.add_state(std::move(data), name);
    if (kind == ValueKind::kParameter) return graph_.add_parameter(std::move(data), name);
    return graph_.add_constant(std::move(data), name);
  }

  Result<TensorData> parse_elements(DType dtype, Ints shape) {
    int64_t num_elems = 1;
    for (const int64_t size : shape) {
      if (__builtin_mul_overflow(num_elems, size, &num_elems)) return lexer_.error("too large");
    }
    if (lexer_.accept("hash")) {
      FERRYMAN_TRY(const uint64_t hash, lexer_.hex());
      return TensorData::elided(dtype, std::move(shape), hash);
    }
    if (is_complex(dtype)) return lexer_.error("complex constants are only given by hash");
    if (lexer_.accept("random")) {
      FERRYMAN_TRY(const int64_t seed, lexer_.integer());
      if (num_elems > kMaxRandomElems) return lexer_.error("too many random elements");
      return random_elements(dtype, std::move(shape), static_cast<uint64_t>(seed));
    }
    if (lexer_.accept("splat")) {
      FERRYMAN_TRY(const TensorData one, parse_list(dtype, {}, 1, "", ""));
      return one.broadcast_to(shape);
    }
    if (num_elems > kMaxListItems) return lexer_.error("too many elements");
    return parse_list(dtype, std::move(shape), num_elems, "[", "]");
  }

  Result<TensorData> parse_list(DType dtype, Ints shape, int64_t count, std::string_view open,
                                std::string_view close) {
    const auto width = static_cast<size_t>(byte_size(dtype));
    std::vector<std::byte> bytes(static_cast<size_t>(count) * width);
    if (!open.empty()) FERRYMAN_TRY_STATUS(lexer_.expect(open));
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      if (i > 0) FERRYMAN_TRY_STATUS(lexer_.expect(","));
      if (is_floating(dtype)) {
        FERRYMAN_TRY(const double number, lexer_.real());
        store_double(dtype, number, &bytes[i * width]);
      } else {
        FERRYMAN_TRY(const int64_t number, lexer_.integer());
        store_int(dtype, number, &bytes[i * width]);
      }
    }
    if (!close.empty()) FERRYMAN_TRY_STATUS(lexer_.expect(close));
    return TensorData::copy_of(bytes, dtype, std::move(shape));
  }

  static TensorData random_elements(DType dtype, Ints shape, uint64_t seed) {
    std::mt19937_64 generator(seed);
    const auto width = static_cast<size_t>(byte_size(dtype));
    std::vector<std::byte> bytes(static_cast<size_t>(product(shape)) * width);
    for (size_t at = 0; at < bytes.size(); at += width) {
      const uint64_t bits = generator();
      if (is_floating(dtype)) {
        store_double(dtype, static_cast<double>(bits >> 11) * 0x1p-52 - 1.0, &bytes[at]);
      } else {
        store_int(dtype, static_cast<int64_t>(bits % 8), &bytes[at]);
      }
    }
    return TensorData::copy_of(bytes, dtype, std::move(shape));
  }

  Status parse_update() {
    FERRYMAN_TRY(const ValueId state, parse_value());
    if (graph_.value(state).kind != ValueKind::kState) return lexer_.error("not a state");
    FERRYMAN_TRY_STATUS(lexer_.expect("="));
    FERRYMAN_TRY(const ValueId value, parse_value());
    graph_.add_state_update(state, value);
    return {};
  }

  Result<std::vector<std::string>> parse_result_names() {
    std::vector<std::string> names;
    do {
      FERRYMAN_TRY_STATUS(lexer_.expect("%"));
      FERRYMAN_TRY(std::string name, lexer_.name());
      names.push_back(std::move(name));
    } while (lexer_.accept(","));
    return names;
  }

  Status parse_op() {
    FERRYMAN_TRY(const std::vector<std::string> names, parse_result_names());
    FERRYMAN_TRY_STATUS(lexer_.expect("="));
    const Diag unknown = lexer_.error("unknown op");
    FERRYMAN_TRY(const std::string op_name, lexer_.name());
    const OpDef* def = ops_.find(op_name);
    if (def == nullptr) return unknown;
    FERRYMAN_TRY(const std::vector<ValueId> operands, parse_operands());
    FERRYMAN_TRY(const std::vector<NamedAttr> attrs, parse_attrs(*def));
    FERRYMAN_TRY_STATUS(lexer_.expect(":"));
    std::vector<TensorType> types;
    do {
      FERRYMAN_TRY(TensorType type, parse_type());
      types.push_back(std::move(type));
    } while (lexer_.accept(","));
    return create(*def, operands, attrs, names, types);
  }

  Status create(const OpDef& def, const std::vector<ValueId>& operands,
                const std::vector<NamedAttr>& attrs, const std::vector<std::string>& names,
                const std::vector<TensorType>& types) {
    Builder builder(graph_);
    FERRYMAN_TRY(const LocationId location, parse_location());
    builder.set_location(location);
    Result<OpId> op = builder.try_create(OpName{def.name}, operands, attrs);
    if (!op.ok()) return lexer_.error(op.diag().what);
    const std::vector<ValueId> results = graph_.op(*op).results;
    if (results.size() != names.size() || results.size() != types.size()) {
      return lexer_.error(fmt::format("'{}' has {} results", def.name, results.size()));
    }
    for (size_t i = 0; i < results.size(); ++i) {
      if (!(graph_.type(results[i]) == types[i])) {
        return lexer_.error(fmt::format("'{}' gives another type than is written", def.name));
      }
      const bool is_number = std::isdigit(static_cast<unsigned char>(names[i].front())) != 0;
      if (!is_number) builder.set_name(results[i], names[i]);
      FERRYMAN_TRY_STATUS(define("%" + names[i], results[i]));
    }
    return {};
  }

  Result<LocationId> parse_location() {
    if (!lexer_.accept("loc")) return LocationId();
    SourceLocation location;
    FERRYMAN_TRY_STATUS(lexer_.expect("("));
    for (std::string* part :
         {&location.module_path, &location.module_type, &location.node, &location.file}) {
      FERRYMAN_TRY(*part, lexer_.quoted());
      FERRYMAN_TRY_STATUS(lexer_.expect(","));
    }
    FERRYMAN_TRY(const int64_t line, lexer_.integer());
    location.line = static_cast<int>(line);
    FERRYMAN_TRY_STATUS(lexer_.expect(")"));
    return graph_.intern(location);
  }

  Result<std::vector<ValueId>> parse_operands() {
    FERRYMAN_TRY_STATUS(lexer_.expect("("));
    std::vector<ValueId> operands;
    while (!lexer_.accept(")")) {
      if (!operands.empty()) FERRYMAN_TRY_STATUS(lexer_.expect(","));
      if (std::ssize(operands) > kMaxListItems) return lexer_.error("too many operands");
      if (lexer_.accept("_")) {
        operands.push_back(ValueId());
        continue;
      }
      FERRYMAN_TRY(const ValueId operand, parse_value());
      operands.push_back(operand);
    }
    return operands;
  }

  Result<std::vector<NamedAttr>> parse_attrs(const OpDef& def) {
    std::vector<NamedAttr> attrs;
    std::vector<bool> given(def.attrs.size());
    if (lexer_.accept("{")) {
      do {
        FERRYMAN_TRY(const std::string name, lexer_.name());
        const std::optional<size_t> index = def.attr_index(name);
        if (!index.has_value() || given[*index]) {
          return lexer_.error(fmt::format("attribute '{}' of '{}'", name, def.name));
        }
        given[*index] = true;
        FERRYMAN_TRY_STATUS(lexer_.expect("="));
        FERRYMAN_TRY(Attr attr, parse_attr(def.attrs[*index].kind));
        attrs.emplace_back(def.attrs[*index].name, std::move(attr));
      } while (lexer_.accept(","));
      FERRYMAN_TRY_STATUS(lexer_.expect("}"));
    }
    for (size_t i = 0; i < given.size(); ++i) {
      if (given[i] || def.attrs[i].default_value.has_value()) continue;
      return lexer_.error(fmt::format("'{}' needs attribute '{}'", def.name, def.attrs[i].name));
    }
    return attrs;
  }

  Result<Ints> parse_ints() {
    FERRYMAN_TRY_STATUS(lexer_.expect("["));
    Ints ints;
    while (!lexer_.accept("]")) {
      if (!ints.empty()) FERRYMAN_TRY_STATUS(lexer_.expect(","));
      FERRYMAN_TRY(const int64_t number, lexer_.integer());
      ints.push_back(number);
      if (std::ssize(ints) > kMaxListItems) return lexer_.error("too many numbers");
    }
    return ints;
  }

  Result<Floats> parse_floats() {
    FERRYMAN_TRY_STATUS(lexer_.expect("["));
    Floats floats;
    while (!lexer_.accept("]")) {
      if (!floats.empty()) FERRYMAN_TRY_STATUS(lexer_.expect(","));
      FERRYMAN_TRY(const double number, lexer_.real());
      floats.push_back(number);
      if (std::ssize(floats) > kMaxListItems) return lexer_.error("too many numbers");
    }
    return floats;
  }

  Result<TypesAttr> parse_types() {
    FERRYMAN_TRY_STATUS(lexer_.expect("["));
    TypesAttr types;
    while (!lexer_.accept("]")) {
      if (!types.values.empty()) FERRYMAN_TRY_STATUS(lexer_.expect(","));
      FERRYMAN_TRY(TensorType type, parse_type());
      types.values.push_back(std::move(type));
      if (std::ssize(types.values) > kMaxListItems) return lexer_.error("too many types");
    }
    return types;
  }

  Result<Attr> parse_bool() {
    if (lexer_.accept("true")) return Attr(true);
    FERRYMAN_TRY_STATUS(lexer_.expect("false"));
    return Attr(false);
  }

  template <typename T, typename Parsed>
  static Result<Attr> wrap(Result<Parsed> parsed) {
    if (!parsed.ok()) return std::move(parsed).diag();
    return Attr(T{std::move(parsed).value()});
  }

  Result<Attr> parse_attr(AttrKind kind) {
    switch (kind) {
      case AttrKind::kBool:
        return parse_bool();
      case AttrKind::kInt:
        return wrap<int64_t>(lexer_.integer());
      case AttrKind::kFloat:
        return wrap<double>(lexer_.real());
      case AttrKind::kString:
        return wrap<std::string>(lexer_.quoted());
      case AttrKind::kDType:
        return wrap<DType>(parse_dtype());
      case AttrKind::kInts:
        return wrap<Ints>(parse_ints());
      case AttrKind::kFloats:
        return wrap<Floats>(parse_floats());
      case AttrKind::kAxis:
        return wrap<Axis>(lexer_.integer());
      case AttrKind::kAxes:
        return wrap<Axes>(parse_ints());
      case AttrKind::kPerAxis:
        return wrap<PerAxis>(parse_ints());
      case AttrKind::kAxisSizes:
        return wrap<AxisSizes>(parse_dims());
      case AttrKind::kPerm:
        return wrap<Perm>(parse_ints());
      case AttrKind::kSize:
        return wrap<SizeAttr>(parse_dim());
      case AttrKind::kShape:
        return wrap<ShapeAttr>(parse_dims());
      case AttrKind::kTypes:
        return wrap<TypesAttr>(parse_types());
      case AttrKind::kBody:
        return parse_body();
    }
    return lexer_.error("unknown attribute kind");
  }

  Result<Attr> parse_body() {
    const bool is_new = lexer_.accept("graph");
    FERRYMAN_TRY_STATUS(lexer_.expect("@"));
    FERRYMAN_TRY(std::string name, lexer_.name());
    const auto known = bodies_.find(name);
    if (!is_new && known == bodies_.end())
      return lexer_.error(fmt::format("the body '{}' is not defined", name));
    if (!is_new) return Attr(known->second);
    if (known != bodies_.end()) return lexer_.error(fmt::format("'{}' is defined twice", name));
    if (depth_ == kMaxBodyDepth) return lexer_.error("bodies inside bodies, too deep");
    Parser inner(*this, name);
    FERRYMAN_TRY_STATUS(inner.parse_from_inputs());
    const BodyId body = graph_.add_body(std::move(inner.graph_));
    bodies_.emplace(std::move(name), body);
    return Attr(body);
  }

  Status parse_outputs() {
    while (lexer_.peek() != '}') {
      if (!graph_.outputs().empty()) FERRYMAN_TRY_STATUS(lexer_.expect(","));
      FERRYMAN_TRY(std::string name, lexer_.name());
      FERRYMAN_TRY_STATUS(lexer_.expect("="));
      FERRYMAN_TRY(const ValueId value, parse_value());
      graph_.add_output(std::move(name), value);
    }
    return {};
  }

  Lexer& lexer_;
  const OpSet& ops_;
  int depth_ = 0;
  Graph graph_;
  std::unordered_map<std::string, BodyId> bodies_;
  std::unordered_map<std::string, ValueId> values_;  // with their sigil
};

}  // namespace

Result<Graph> parse_graph(std::string_view text, const OpSet& ops) {
  Lexer lexer(text);
  return Parser(lexer, ops).parse();
}

}  // namespace ferryman
