#include "frontend/pt2/read_pt2.h"

#include <fmt/format.h>

#include "frontend/program/finish_program.h"
#include "frontend/pt2/archive.h"
#include "frontend/pt2/graph_reader.h"
#include "frontend/pt2/json_cursor.h"
#include "frontend/pt2/weights.h"

namespace ferryman::frontend {

namespace {

constexpr std::string_view kFrozenMember = "extra/ferryman_frozen.json";
constexpr int64_t kSchemaMajor = 8;  // since late 2024; loaders compare for equality

class ProgramReader {
 public:
  explicit ProgramReader(WeightTable weights) : weights_(std::move(weights)) {}

  // The list that ferryman.export adds to an archive.
  void read_frozen(const JsonCursor& list) {
    for (const JsonCursor& value : list.items()) {
      const std::string_view path = value["module_path"].text();
      program_.frozen.push_back(fmt::format("{} of {} in {} ({}:{})", value["what"].text(),
                                            value["op"].text(),
                                            path.empty() ? value["module_type"].text() : path,
                                            value["file"].text(), value["line"].integer()));
    }
  }

  Result<Program> read(const JsonCursor& root) {
    program_.origin = Origin::kArchive;
    FERRYMAN_TRY_STATUS(check_schema(root));
    const JsonCursor module = root["graph_module"];
    const JsonCursor graph = module["graph"];
    const JsonCursor signature = module["signature"];
    GraphReader reader(graph, program_, 0);
    FERRYMAN_TRY_STATUS(read_inputs(graph["inputs"], signature["input_specs"], reader));
    program_.nodes = reader.read_nodes();
    read_outputs(graph["outputs"], signature["output_specs"], reader);
    read_trees(module);
    read_symbols(root);
    return std::move(program_);
  }

  const NamedTupleFields& named_tuples() const { return named_tuples_; }

 private:
  Status check_schema(const JsonCursor& root) {
    const int64_t major = root["schema_version"]["major"].integer();
    if (!root.failed() && major != kSchemaMajor) {
      return Diag::error(
                 DiagCode::kOldProgramFormat,
                 fmt::format("the program's schema has version {}, not {}", major, kSchemaMajor))
          .hint("export the model again with torch 2.9 or later");
    }
    const JsonCursor version = root.optional("torch_version");
    if (!version.is_null()) program_.torch_version = version.text();
    return {};
  }

  // Inputs ----------------------------------------------------------------------------------------

  Status read_inputs(const JsonCursor& inputs, const JsonCursor& specs, GraphReader& reader) {
    const std::vector<JsonCursor> arguments = inputs.items();
    const std::vector<JsonCursor> all = specs.items();
    if (arguments.size() != all.size()) {
      specs.fail(fmt::format("{} entries for {} inputs", all.size(), arguments.size()));
      return {};
    }
    for (size_t i = 0; i < all.size() && !specs.failed(); ++i) {
      FERRYMAN_TRY_STATUS(read_input(arguments[i], all[i].alternative(), reader));
    }
    return {};
  }

  Status read_input(const JsonCursor& argument, const JsonCursor& spec, GraphReader& reader) {
    const std::string_view kind = spec.key();
    Input input;
    if (kind == "user_input") {
      read_user_input(argument, reader, input);
    } else if (kind == "constant_input") {
      input.name = spec["name"].text();
      input.constant = reader.read_argument(spec["value"]);
    } else if (kind == "token" || kind == "custom_obj") {
      const bool is_token = kind == "token";
      input.kind = is_token ? InputKind::kToken : InputKind::kCustomObject;
      const JsonCursor arg = spec["arg"];
      input.name = is_token ? arg["name"].text() : spec["custom_obj_name"].text();
      input.value = reader.define_object(arg["name"]);
    } else {
      FERRYMAN_TRY_STATUS(read_tensor_input(spec, reader, input));
    }
    program_.inputs.push_back(std::move(input));
    return {};
  }

  void read_user_input(const JsonCursor& argument, GraphReader& reader, Input& input) const {
    input.value = reader.define_input(argument);
    if (input.value != kNoValue) {
      input.name = program_.values[input.value].name;
    } else {
      input.constant = reader.read_argument(argument);
    }
  }

  Status read_tensor_input(const JsonCursor& spec, GraphReader& reader, Input& input) const {
    auto section = WeightTable::Section::kWeights;
    if (spec.key() == "parameter") {
      input.kind = InputKind::kParameter;
      input.name = spec["parameter_name"].text();
    } else if (spec.key() == "buffer") {
      input.kind = InputKind::kBuffer;
      input.name = spec["buffer_name"].text();
      const JsonCursor persistent = spec.optional("persistent");
      if (!persistent.is_null() && !persistent.boolean()) {
        section = WeightTable::Section::kConstants;
      }
    } else if (spec.key() == "tensor_constant") {
      input.kind = InputKind::kConstant;
      input.name = spec["tensor_constant_name"].text();
      section = WeightTable::Section::kConstants;
    } else {
      spec.fail("Ferryman does not know this kind of input");
    }
    const JsonCursor arg = spec["arg"];
    input.value = reader.define_tensor(arg["name"]);
    if (spec.failed()) return {};
    return weights_.fill(section, *program_.values[input.value].tensor, input);
  }

  // Outputs ---------------------------------------------------------------------------------------

  void read_outputs(const JsonCursor& outputs, const JsonCursor& specs, GraphReader& reader) {
    const std::vector<JsonCursor> arguments = outputs.items();
    const std::vector<JsonCursor> all = specs.items();
    if (arguments.size() != all.size()) {
      specs.fail(fmt::format("{} entries for {} outputs", all.size(), arguments.size()));
      return;
    }
    for (size_t i = 0; i < all.size() && !specs.failed(); ++i) {
      Output output = read_output_spec(all[i].alternative());
      output.arg = reader.read_argument(arguments[i]);
      program_.outputs.push_back(std::move(output));
    }
  }

  static Output read_output_spec(const JsonCursor& spec) {
    const std::string_view kind = spec.key();
    Output output;
    if (kind == "buffer_mutation") {
      output.kind = OutputKind::kBufferMutation;
      output.name = spec["buffer_name"].text();
    } else if (kind == "parameter_mutation") {
      output.kind = OutputKind::kParameterMutation;
      output.name = spec["parameter_name"].text();
    } else if (kind == "user_input_mutation") {
      output.kind = OutputKind::kInputMutation;
      output.name = spec["user_input_name"].text();
    } else if (kind == "token") {
      output.kind = OutputKind::kToken;
    } else if (kind.starts_with("gradient_to_")) {
      spec.fail("the program returns gradients; export the model for inference");
    } else if (kind != "user_output" && kind != "loss_output") {
      spec.fail("Ferryman does not know this kind of output");
    }
    return output;
  }

  // The rest --------------------------------------------------------------------------------------

  void read_trees(const JsonCursor& module) {
    const JsonCursor calls = module["module_call_graph"];
    for (const JsonCursor& call : calls.items()) {
      const JsonCursor signature = call.optional("signature");
      if (call["fqn"].text() != "" || signature.is_null()) continue;
      program_.input_tree = signature["in_spec"].text();
      program_.output_tree = signature["out_spec"].text();
      break;
    }
    const JsonCursor tuples = module.optional("treespec_namedtuple_fields");
    if (tuples.is_null()) return;
    for (const JsonCursor& tuple : tuples.fields()) {
      std::vector<std::string>& names = named_tuples_[std::string(tuple.key())];
      const JsonCursor fields = tuple["field_names"];
      for (const JsonCursor& field : fields.items()) names.emplace_back(field.text());
    }
  }

  void read_symbols(const JsonCursor& root) {
    const JsonCursor ranges = root["range_constraints"];
    for (const JsonCursor& range : ranges.fields()) {
      const JsonCursor min = range.optional("min_val");
      const JsonCursor max = range.optional("max_val");
      program_.symbols.push_back({.symbol = std::string(range.key()),
                                  .min = min.is_null() ? INT64_MIN : min.integer(),
                                  .max = max.is_null() ? INT64_MAX : max.integer()});
    }
    const JsonCursor guards = root.optional("guards_code");
    if (guards.is_null()) return;
    for (const JsonCursor& guard : guards.items()) program_.guards.emplace_back(guard.text());
  }

  WeightTable weights_;
  Program program_;
  NamedTupleFields named_tuples_;
};

// The parser owns what it returns.
Result<simdjson::dom::element> read_json(const Pt2Archive& archive, std::string_view member,
                                         simdjson::dom::parser& parser) {
  FERRYMAN_TRY(const BlobRef json, archive.read(member));
  simdjson::dom::element document;
  const auto* text = reinterpret_cast<const char*>(json->bytes().data());
  if (const auto error = parser.parse(text, json->size()).get(document)) {
    return Diag::error(DiagCode::kMalformedProgram, fmt::format("'{}' is no JSON", member))
        .because(simdjson::error_message(error));
  }
  return document;
}

}  // namespace

Result<Program> read_pt2(BlobRef file) {
  FERRYMAN_TRY(const Pt2Archive archive, Pt2Archive::open(std::move(file)));
  const std::string member = fmt::format("models/{}.json", archive.model_name());
  simdjson::dom::parser parser, frozen_parser;
  FERRYMAN_TRY(const simdjson::dom::element document, read_json(archive, member, parser));
  FERRYMAN_TRY(WeightTable weights, WeightTable::read(archive));
  JsonErrors errors;
  ProgramReader reader(std::move(weights));
  if (archive.contains(kFrozenMember)) {
    FERRYMAN_TRY(const simdjson::dom::element list,
                 read_json(archive, kFrozenMember, frozen_parser));
    reader.read_frozen(JsonCursor(list, errors));
    FERRYMAN_TRY_STATUS(errors.status());
  }
  FERRYMAN_TRY(Program program, reader.read(JsonCursor(document, errors)));
  FERRYMAN_TRY_STATUS(errors.status());
  return finish_program(std::move(program), reader.named_tuples());
}

Result<Program> read_pt2(const std::string& path) {
  FERRYMAN_TRY(BlobRef file, map_file(path));
  Result<Program> program = read_pt2(std::move(file));
  if (program.ok()) return program;
  Diag diag = std::move(program).diag();
  diag.what = fmt::format("'{}': {}", path, diag.what);
  return diag;
}

}  // namespace ferryman::frontend
