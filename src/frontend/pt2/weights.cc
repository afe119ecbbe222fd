#include "frontend/pt2/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "frontend/pt2/json_types.h"

namespace ferryman::frontend {

namespace {

Diag malformed(std::string what) {
  return Diag::error(DiagCode::kMalformedProgram, std::move(what));
}

bool is_empty(const TensorMeta& type) {
  return std::any_of(type.sizes.begin(), type.sizes.end(),
                     [](const SymSize& size) { return size.value == 0; });
}

}  // namespace

// Reads one config file: {"config": {"<name>": {"path_name", "use_pickle", "tensor_meta", ...}}}.
class WeightTable::Reader {
 public:
  explicit Reader(const Pt2Archive& archive) : archive_(archive) {}

  Result<Entries> read(const std::string& folder, const std::string& config) {
    FERRYMAN_TRY(const BlobRef bytes, archive_.read(folder + config));
    simdjson::dom::parser parser;
    simdjson::dom::element document;
    const auto* text = reinterpret_cast<const char*>(bytes->bytes().data());
    if (const auto error = parser.parse(text, bytes->size()).get(document)) {
      return malformed(fmt::format("'{}{}' is no JSON", folder, config))
          .because(simdjson::error_message(error));
    }
    JsonErrors errors;
    const JsonCursor root(document, errors);
    Entries entries;
    const JsonCursor table = root["config"];
    for (const JsonCursor& field : table.fields()) {
      FERRYMAN_TRY(Entry entry, read_entry(folder, field));
      FERRYMAN_TRY_STATUS(errors.status());
      entries.emplace(std::string(field.key()), std::move(entry));
    }
    FERRYMAN_TRY_STATUS(errors.status());
    return entries;
  }

 private:
  // Not every entry is used (custom objects are not): what is wrong with one matters only then.
  Result<Entry> read_entry(const std::string& folder, const JsonCursor& field) {
    Entry entry;
    const JsonCursor meta = field.optional("tensor_meta");
    const JsonCursor pickled = field.optional("use_pickle");
    if (meta.is_null()) {
      entry.problem = "is no tensor";
      return entry;
    }
    if (!pickled.is_null() && pickled.boolean()) {
      entry.problem = "is of a tensor subclass, which is stored as a pickle";
      return entry;
    }
    entry.type = read_tensor_meta(meta);
    const JsonCursor requires_grad = meta.optional("requires_grad");
    entry.requires_grad = !requires_grad.is_null() && requires_grad.boolean();
    const JsonCursor offset = meta["storage_offset"];
    entry.data.offset = read_sym_number(offset).value;
    for (const SymSize& stride : entry.type.strides) {
      if (!stride.is_static()) meta.fail("a stored tensor cannot have symbolic strides");
      entry.data.strides.push_back(stride.value);
    }
    const std::string member = folder + std::string(field["path_name"].text());
    if (field.failed()) return entry;
    FERRYMAN_TRY(std::tie(entry.data.storage, entry.storage_id), read_storage(member));
    // The exporter writes no bytes for tensors that have none (fake or meta device). Zeros in
    // their place would be a silent mistake.
    if (entry.data.storage->size() == 0 && !is_empty(entry.type)) {
      entry.problem = "has no data; was the model exported on the meta device?";
    }
    return entry;
  }

  Result<std::pair<BlobRef, int64_t>> read_storage(const std::string& member) {
    const auto known = storages_.find(member);
    if (known != storages_.end()) return known->second;
    FERRYMAN_TRY(BlobRef storage, archive_.read(member));
    const auto id = static_cast<int64_t>(storages_.size());
    return storages_.emplace(member, std::pair(std::move(storage), id)).first->second;
  }

  const Pt2Archive& archive_;
  std::map<std::string, std::pair<BlobRef, int64_t>, std::less<>> storages_;
};

Result<WeightTable> WeightTable::read(const Pt2Archive& archive) {
  Reader reader(archive);
  const std::string& model = archive.model_name();
  WeightTable table;
  FERRYMAN_TRY(table.weights_,
               reader.read("data/weights/", fmt::format("{}_weights_config.json", model)));
  FERRYMAN_TRY(table.constants_,
               reader.read("data/constants/", fmt::format("{}_constants_config.json", model)));
  return table;
}

Status WeightTable::fill(Section section, const TensorMeta& type, Input& input) const {
  const Entries& entries = section == Section::kWeights ? weights_ : constants_;
  const auto found = entries.find(input.name);
  if (found == entries.end()) {
    return malformed(fmt::format("the archive has no data for '{}'", input.name));
  }
  const Entry& entry = found->second;
  if (!entry.problem.empty()) {
    return malformed(fmt::format("'{}' {}", input.name, entry.problem));
  }
  if (entry.type.dtype != type.dtype || entry.type.sizes != type.sizes) {
    return malformed(
        fmt::format("'{}' has another shape or type in the weights than in the graph", input.name));
  }
  input.data = entry.data;
  input.storage_id = entry.storage_id;
  input.requires_grad = entry.requires_grad;
  return {};
}

}  // namespace ferryman::frontend
