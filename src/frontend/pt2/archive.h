// The members of a PT2 archive, as torch.export.save has written them since torch 2.9.
//
//   FERRYMAN_TRY(Pt2Archive archive, Pt2Archive::open(file));
//   FERRYMAN_TRY(BlobRef json, archive.read("models/model.json"));
//
// Whatever else PyTorch writes, or has written, is recognised and refused with a sentence that says
// how to get a PT2 archive from it.
#pragma once

#include <string>
#include <string_view>

#include "frontend/pt2/zip.h"

namespace ferryman::frontend {

class Pt2Archive {
 public:
  static Result<Pt2Archive> open(BlobRef file);

  // Name of the model that the archive holds: "model" unless the exporter chose another.
  const std::string& model_name() const { return model_name_; }
  bool contains(std::string_view member) const;
  // Members are named without the root folder: "data/weights/weight_0".
  Result<BlobRef> read(std::string_view member) const;

 private:
  Pt2Archive(ZipArchive zip, std::string root) : zip_(std::move(zip)), root_(std::move(root)) {}
  Status check_version() const;
  Status choose_model();

  ZipArchive zip_;
  std::string root_;  // with the slash; the archive's base name, mostly
  std::string model_name_;
};

}  // namespace ferryman::frontend
