#include "frontend/functionalise/alias.h"

#include <algorithm>
#include <utility>

#include "frontend/functionalise/strides.h"
#include "frontend/translate/node_args.h"
#include "support/check.h"

namespace ferryman::frontend {

namespace {

constexpr const char* kCloneHint =
    "write to a copy (view.clone()) and put it back by name, or build the result with torch.where "
    "or torch.cat";

Call applied(const Call& call, std::vector<NamedArgument> operands) {
  Call whole{call.target, std::move(operands)};
  whole.args.insert(whole.args.end(), call.args.begin(), call.args.end());
  return whole;
}

std::string quoted(const std::string& name) {
  return "'" + name + "'";
}

}  // namespace

AliasId AliasTable::add_root(TensorMeta meta, std::string name, ValueIndex value) {
  const auto id = static_cast<AliasId>(aliases_.size());
  Alias alias;
  alias.root = id;
  alias.meta = std::move(meta);
  alias.name = std::move(name);
  alias.value = value;
  aliases_.push_back(std::move(alias));
  return id;
}

AliasId AliasTable::add_view(AliasId of, View view, std::string name, ValueIndex value,
                             const SourceLocation& location) {
  std::optional<int64_t> start = aliases_[of].start;
  start = start && view.start ? std::optional(*start + *view.start) : std::nullopt;
  if (view.addresses_storage) {
    // What torch reads there need not be an element of `of` at all.
    if (!is_root(of)) value = kNoValue;
    if (move_to_owner(of, view)) {
      start = view.start;
      of = aliases_[of].root;
    } else {
      value = kNoValue;
      view.redo.reset();
      view.undo = Undo::kImpossible;
    }
  }
  Alias alias;
  alias.root = aliases_[of].root;
  alias.of = of;
  alias.meta = view.meta;
  alias.view = std::move(view);
  alias.name = std::move(name);
  alias.location = location;
  alias.start = start;
  alias.value = value;
  alias.version = aliases_[alias.root].version;
  aliases_.push_back(std::move(alias));
  return static_cast<AliasId>(aliases_.size() - 1);
}

bool AliasTable::move_to_owner(AliasId of, View& view) const {
  const AliasId root = aliases_[of].root;
  if (!view.start) view.start = aliases_[of].start;
  if (!view.start || !fills_memory(aliases_[root].meta) ||
      aliases_[root].meta.dtype != view.meta.dtype) {
    return false;
  }
  if (of == root) return true;
  const NamedArgument offset = named("storage_offset", *view.start);
  for (Call* call : {&*view.redo, &view.undo_call}) {
    std::erase_if(call->args, [](const NamedArgument& a) { return a.name == "storage_offset"; });
    call->args.push_back(offset);
  }
  return true;
}

void AliasTable::forbid_writes(AliasId root, std::string why_not) {
  aliases_[root].why_not_writable = std::move(why_not);
}

bool AliasTable::resize_root(AliasId root, TensorMeta meta) {
  const bool has_views = std::any_of(aliases_.begin(), aliases_.end(),
                                     [&](const Alias& alias) { return alias.of == root; });
  if (!is_root(root) || has_views) return false;
  aliases_[root].meta = std::move(meta);
  return true;
}

Result<ValueIndex> AliasTable::read(AliasId id, const Node& reader) {
  std::vector<AliasId> stale;  // from the tensor that is read towards the root
  while (!is_current(aliases_[id])) {
    stale.push_back(id);
    id = aliases_[id].of;
  }
  ValueIndex value = aliases_[id].value;
  for (; !stale.empty(); stale.pop_back()) {
    Alias& alias = aliases_[stale.back()];
    const View& view = alias.view;
    if (view.undo != Undo::kSame) {
      if (!view.redo) {
        return Diag::error(DiagCode::kUnsupportedAlias,
                           reader.target + " reads " + quoted(alias.name) +
                               (alias.value == kNoValue
                                    ? ", whose place in memory is not known"
                                    : " after its memory was written through another tensor"))
            .at(reader.location)
            .because(view.why_not)
            .hint("use plain indexing, or clone() the view before the write");
      }
      value = writer_.call(applied(*view.redo, {named("self", value)}), view.meta, alias.name,
                           alias.location);
    }
    alias.value = value;
    alias.version = aliases_[alias.root].version;
    alias.scattered = kNoAlias;
  }
  return value;
}

Status AliasTable::check_writable(AliasId id, const Node& writer) const {
  const std::string& forbidden = aliases_[aliases_[id].root].why_not_writable;
  if (!forbidden.empty()) {
    return Diag::error(DiagCode::kUnsupportedAlias,
                       writer.target + " writes to " + quoted(aliases_[id].name) + " in place")
        .at(writer.location)
        .because(forbidden)
        .hint("give each its own memory (clone() one of them in the constructor)");
  }
  for (; !is_root(id); id = aliases_[id].of) {
    const Alias& alias = aliases_[id];
    if (alias.view.undo != Undo::kImpossible) continue;
    return Diag::error(DiagCode::kUnsupportedAlias,
                       writer.target + " writes in place through the view " + quoted(alias.name))
        .at(writer.location)
        .because(alias.view.why_not)
        .hint(kCloneHint);
  }
  return {};
}

// The tensor that `view` is to be scattered into.
Result<ValueIndex> AliasTable::value_under(AliasId id, AliasId view, const Node& writer) {
  const Alias& alias = aliases_[id];
  if (is_current(alias) && alias.scattered == view) return alias.under;
  return read(id, writer);
}

// The tensor that `view` looks at, after `written` came into the view.
Result<ValueIndex> AliasTable::undo(AliasId id, ValueIndex written, const Node& writer) {
  const View view = aliases_[id].view;
  const AliasId of = aliases_[id].of;
  std::vector<NamedArgument> operands;
  ValueIndex under = kNoValue;
  switch (view.undo) {
    case Undo::kSame:
      aliases_[of].scattered = kNoAlias;
      return written;
    case Undo::kImpossible:
      internal_error("a view that check_writable refuses");
    case Undo::kReplace:
      operands = {named("self", written)};
      break;
    case Undo::kReplaceLike: {
      FERRYMAN_TRY(const ValueIndex like, read(of, writer));
      operands = {named("self", written), named("other", like)};
      break;
    }
    case Undo::kScatter: {
      FERRYMAN_TRY(under, value_under(of, id, writer));
      operands = {named("self", under), named("src", written)};
      break;
    }
  }
  const ValueIndex value = writer_.call(applied(view.undo_call, std::move(operands)),
                                        aliases_[of].meta, aliases_[of].name, writer.location);
  aliases_[of].scattered = view.undo == Undo::kScatter ? id : kNoAlias;
  aliases_[of].under = under;
  return value;
}

Status AliasTable::write(AliasId id, ValueIndex value, const Node& writer) {
  FERRYMAN_TRY_STATUS(check_writable(id, writer));
  // Values of the version before the write are read on the way up; the version changes at the top.
  std::vector<std::pair<AliasId, ValueIndex>> written = {{id, value}};
  aliases_[id].scattered = kNoAlias;
  for (; !is_root(id); id = aliases_[id].of) {
    FERRYMAN_TRY(value, undo(id, value, writer));
    written.emplace_back(aliases_[id].of, value);
  }
  aliases_[id].written_at.push_back(writer.location);
  const uint32_t version = ++aliases_[id].version;
  for (const auto& [alias, new_value] : written) {
    aliases_[alias].value = new_value;
    aliases_[alias].version = version;
  }
  return {};
}

}  // namespace ferryman::frontend
