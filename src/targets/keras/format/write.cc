#include "targets/keras/format/write.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "support/byte_sink.h"
#include "targets/keras/format/archive.h"
#include "targets/keras/format/weights_file.h"

namespace ferryman::keras {

namespace {

// A file beside the output, for what is written back and forth. It has a name, which the HDF5
// library asks for, until that is taken away.
class ScratchFile {
 public:
  static Result<ScratchFile> create(const std::string& beside) {
    const std::filesystem::path folder = std::filesystem::path(beside).parent_path();
    std::string name = (folder / ".ferryman-XXXXXX").string();
    const int descriptor = mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0) {
      return Diag::error(DiagCode::kCannotWrite, "cannot write " + beside)
          .because(std::strerror(errno));
    }
    return ScratchFile(descriptor, std::move(name));
  }
  ScratchFile(ScratchFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::exchange(other.path_, {})) {}
  ScratchFile& operator=(ScratchFile&&) = delete;
  ~ScratchFile() {
    drop_name();
    if (descriptor_ >= 0) close(descriptor_);
  }

  int descriptor() const { return descriptor_; }
  const std::string& path() const { return path_; }
  // The file is then gone with the process, however that ends.
  void drop_name() {
    if (!path_.empty()) unlink(path_.c_str());
    path_.clear();
  }

 private:
  ScratchFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;
};

// The date is a fixed one: equal models are equal files.
std::string metadata() {
  return "{\"keras_version\": \"" + std::string(kKerasVersion) +
         "\", \"date_saved\": \"1980-01-01@00:00:00\"}\n";
}

// The models that somebody else puts in: where their layers' weights belong, and what they take.
JsonArray foreign_models(const Model& model) {
  JsonArray models;
  for (const WeightGroup& group : weight_groups(model)) {
    if (group.layer->key.empty()) continue;
    JsonArray inputs;
    for (const TensorSpec& input : group.layer->key_inputs) {
      inputs.push_back(
          JsonObject{{"shape", shape_json(input.shape)}, {"dtype", dtype_name(input.dtype)}});
    }
    models.push_back(JsonObject{{"key", group.layer->key},
                                {"name", group.layer->name},
                                {"group", group.path},
                                {"inputs", std::move(inputs)}});
  }
  return models;
}

// What load_state_dict needs beside a model that was loaded from the file; Keras reads past it.
std::string notes_text(const Model& model, const std::vector<StoredWeight>& weights) {
  const auto words = [](const std::vector<std::string>& texts) {
    return JsonArray(texts.begin(), texts.end());
  };
  JsonArray entries;
  for (const StoredWeight& weight : weights) {
    entries.push_back(JsonObject{{"weight", weight.weight},
                                 {"parameters", words(weight.parameters)},
                                 {"join", weight.join},
                                 {"shape", weight.shape},
                                 {"part", weight.part},
                                 {"factors", weight.factors},
                                 {"order", weight.order},
                                 {"perm", weight.perm}});
  }
  JsonObject notes = {{"weights", std::move(entries)}};
  if (JsonArray models = foreign_models(model); !models.empty())
    notes.emplace_back("models", std::move(models));
  return to_text(notes) + "\n";
}

}  // namespace

Status write_keras(const Model& model, const std::vector<StoredWeight>& mapping,
                   const std::string& path) {
  FERRYMAN_TRY(const std::unique_ptr<FileSink> file, FileSink::create(path));
  FERRYMAN_TRY(ScratchFile weights, ScratchFile::create(path));
  FERRYMAN_TRY_STATUS(write_weights(model, weights.path()));
  weights.drop_name();
  ArchiveWriter archive(*file);
  FERRYMAN_TRY_STATUS(archive.add("metadata.json", metadata()));
  FERRYMAN_TRY_STATUS(archive.add("config.json", config_text(model)));
  FERRYMAN_TRY_STATUS(archive.add("ferryman.json", notes_text(model, mapping)));
  FERRYMAN_TRY_STATUS(archive.add_file("model.weights.h5", weights.descriptor()));
  FERRYMAN_TRY_STATUS(archive.finish());
  return file->commit();
}

}  // namespace ferryman::keras
