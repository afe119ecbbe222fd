// Which tensors share memory, and what each of them holds now.
//
// A root owns memory; a view looks at another tensor. A write to any of them gives its root a new
// version. A tensor whose value is of an older version is made again from its root when it is read,
// and only then.
//
//   AliasTable aliases(writer);
//   AliasId x = aliases.add_root(meta, "x", value, location);
//   AliasId y = aliases.add_view(x, view, "y", y_value, location);
//   FERRYMAN_TRY_STATUS(aliases.write(y, new_y, writing_node));
//   FERRYMAN_TRY(ValueIndex new_x, aliases.read(x, reading_node));    // y scattered into x
//
// Invariant: the current version's value of a root is always known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/functionalise/view_ops.h"
#include "frontend/program/program_writer.h"
#include "support/result.h"

namespace ferryman::frontend {

using AliasId = uint32_t;
inline constexpr AliasId kNoAlias = UINT32_MAX;

class AliasTable {
 public:
  explicit AliasTable(ProgramWriter& writer) : writer_(writer) {}
  void reserve(size_t count) { aliases_.reserve(count); }

  AliasId add_root(TensorMeta meta, std::string name, ValueIndex value);
  // `value` may be kNoValue: then the view is made when it is read.
  AliasId add_view(AliasId of, View view, std::string name, ValueIndex value,
                   const SourceLocation& location);
  // Writes to the memory of `root` fail from now on.
  void forbid_writes(AliasId root, std::string why_not);

  Result<ValueIndex> read(AliasId alias, const Node& reader);
  // `value` is the whole tensor after the write.
  Status write(AliasId alias, ValueIndex value, const Node& writer);
  // The next write gives `root` another size. False if views of it exist, which would be lost.
  bool resize_root(AliasId root, TensorMeta meta);

  bool is_root(AliasId alias) const { return aliases_[alias].of == kNoAlias; }
  bool was_written(AliasId alias) const { return aliases_[aliases_[alias].root].version > 0; }
  const std::vector<SourceLocation>& written_at(AliasId alias) const {
    return aliases_[aliases_[alias].root].written_at;
  }
  const TensorMeta& meta(AliasId alias) const { return aliases_[alias].meta; }

 private:
  struct Alias {
    AliasId root = kNoAlias;
    AliasId of = kNoAlias;  // kNoAlias: this is a root
    View view;
    TensorMeta meta;
    std::string name;
    SourceLocation location;
    std::optional<int64_t> start = 0;  // place of the first element in the root's memory
    ValueIndex value = kNoValue;
    uint32_t version = 0;  // of the root, when `value` was made
    // Set while `value` is `under` with the view `scattered` written into it. A second write
    // through that view replaces the first.
    AliasId scattered = kNoAlias;
    ValueIndex under = kNoValue;
    // Of roots.
    std::string why_not_writable;
    std::vector<SourceLocation> written_at;
  };

  bool is_current(const Alias& alias) const {
    return alias.value != kNoValue && alias.version == aliases_[alias.root].version;
  }
  // A view by places in the storage of `of`, as a view of the storage's owner; false if it is none.
  bool move_to_owner(AliasId of, View& view) const;
  Status check_writable(AliasId alias, const Node& writer) const;
  Result<ValueIndex> undo(AliasId view, ValueIndex written, const Node& writer);
  Result<ValueIndex> value_under(AliasId alias, AliasId view, const Node& writer);

  ProgramWriter& writer_;
  std::vector<Alias> aliases_;
};

}  // namespace ferryman::frontend
