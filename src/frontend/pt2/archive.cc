#include "frontend/pt2/archive.h"

#include <fmt/format.h>

#include <vector>

namespace ferryman::frontend {

namespace {

constexpr std::string_view kExportAgain =
    "export the model with torch 2.9 or later: "
    "torch.export.save(torch.export.export(model.eval(), args), \"model.pt2\")";

Diag refuse(std::string what) {
  return Diag::error(DiagCode::kOldProgramFormat, std::move(what)).hint(std::string(kExportAgain));
}

std::string_view text_of(const BlobRef& blob) {
  return {reinterpret_cast<const char*>(blob->bytes().data()), blob->size()};
}

// What a file that is no zip archive seems to be, in words that complete "the file is …".
std::string_view describe_foreign_file(std::string_view bytes) {
  struct Signature {
    size_t offset;
    std::string_view bytes;
    std::string_view description;
  };
  using namespace std::string_view_literals;
  static constexpr Signature kSignatures[] = {
      {0, "\x80\x02\x8a\x0al\xfc\x9c\x46"sv, "an old torch.save file (torch 1.5 or earlier)"},
      {0, "\x80\x02"sv, "a pickle"},
      {0, "\x80\x03"sv, "a pickle"},
      {0, "\x80\x04"sv, "a pickle"},
      {0, "\x80\x05"sv, "a pickle"},
      {4, "TFL3"sv, "a TFLite model already"},
      {0, "\x89HDF"sv, "an HDF5 file"},
      {0, "GGUF"sv, "a GGUF file"},
      {0, "\x1f\x8b"sv, "compressed with gzip"},
      {8, "{\""sv, "a safetensors file"},
  };
  for (const Signature& signature : kSignatures) {
    if (bytes.size() < signature.offset) continue;
    if (bytes.substr(signature.offset).starts_with(signature.bytes)) return signature.description;
  }
  return "no exported program";
}

Diag refuse_foreign_file(const BlobRef& file) {
  if (file->size() == 0) return refuse("the file is empty");
  return refuse(fmt::format("the file is {}", describe_foreign_file(text_of(file))))
      .because("a .pt2 file is a zip archive");
}

Diag refuse_foreign_zip(const ZipArchive& zip, const std::string& root) {
  if (zip.find("serialized_exported_program.json") != nullptr) {
    return refuse("the exported program was saved by torch 2.7 or earlier")
        .because("the format changed with torch 2.9");
  }
  if (zip.find(root + "constants.pkl") != nullptr) {
    return refuse("the file is a TorchScript module, not an exported program")
        .because("TorchScript is no longer developed and has no shapes");
  }
  if (zip.find(root + "data.pkl") != nullptr) {
    return refuse("the file was written by torch.save: weights, or a pickled module")
        .because("it has no graph that could be read without running Python code");
  }
  if (zip.find("model.weights.h5") != nullptr) return refuse("the file is a Keras model");
  return refuse("the zip archive holds no exported program")
      .because(fmt::format("it has no member '{}archive_format'", root));
}

}  // namespace

Result<Pt2Archive> Pt2Archive::open(BlobRef file) {
  if (!ZipArchive::has_signature(file->bytes())) return refuse_foreign_file(file);
  FERRYMAN_TRY(ZipArchive zip, ZipArchive::open(std::move(file)));
  std::string root;
  if (!zip.entries().empty()) {
    const std::string& first = zip.entries().front().name;
    const size_t slash = first.find('/');
    if (slash != std::string::npos) root = first.substr(0, slash + 1);
  }
  const ZipEntry* format = zip.find(root + "archive_format");
  if (format == nullptr) return refuse_foreign_zip(zip, root);
  FERRYMAN_TRY(const BlobRef format_bytes, zip.read(*format));
  if (text_of(format_bytes) != "pt2") {
    return refuse("the archive is of another format than pt2");
  }
  Pt2Archive archive(std::move(zip), std::move(root));
  FERRYMAN_TRY_STATUS(archive.check_version());
  FERRYMAN_TRY_STATUS(archive.choose_model());
  return archive;
}

bool Pt2Archive::contains(std::string_view member) const {
  return zip_.find(root_ + std::string(member)) != nullptr;
}

Result<BlobRef> Pt2Archive::read(std::string_view member) const {
  const ZipEntry* entry = zip_.find(root_ + std::string(member));
  if (entry != nullptr) return zip_.read(*entry);
  return Diag::error(DiagCode::kMalformedArchive,
                     fmt::format("the archive has no member '{}'", member));
}

Status Pt2Archive::check_version() const {
  FERRYMAN_TRY(const BlobRef version, read("archive_version"));
  if (text_of(version) != "0") {
    return Diag::error(DiagCode::kMalformedArchive,
                       "the archive is of a version that this Ferryman does not know")
        .because("its archive_version is not 0")
        .hint("update Ferryman, or export with an earlier torch");
  }
  if (!contains("byteorder")) return {};
  FERRYMAN_TRY(const BlobRef order, read("byteorder"));
  if (text_of(order) == "little") return {};
  return refuse("the archive was written on a big-endian machine");
}

Status Pt2Archive::choose_model() {
  constexpr std::string_view kFolder = "models/";
  constexpr std::string_view kExtension = ".json";
  std::vector<std::string> names;
  for (const ZipEntry& entry : zip_.entries()) {
    std::string_view name = entry.name;
    if (!name.starts_with(root_) || !name.ends_with(kExtension)) continue;
    name.remove_prefix(root_.size());
    if (!name.starts_with(kFolder) || name.size() <= kFolder.size() + kExtension.size()) continue;
    name.remove_prefix(kFolder.size());
    name.remove_suffix(kExtension.size());
    names.emplace_back(name);
  }
  if (names.empty()) {
    return refuse("the archive holds no exported program")
        .because("it has no member in models/; a compiled (AOTInductor) model has no graph");
  }
  if (names.size() > 1) {
    return Diag::error(DiagCode::kBadOption, fmt::format("the archive holds {} models: {}",
                                                         names.size(), fmt::join(names, ", ")))
        .hint("save each model in an archive of its own");
  }
  model_name_ = names.front();
  if (contains(fmt::format("data/weights/{}_weights_config.json", model_name_))) return {};
  return refuse("the exported program was saved by torch 2.8 or earlier")
      .because("its weights are nested torch.save files; the format changed with torch 2.9");
}

}  // namespace ferryman::frontend
