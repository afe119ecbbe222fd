#include "frontend/translate/known_ops.h"

#include <algorithm>

#include "frontend/functionalise/write_ops.h"
#include "frontend/program/import_key.h"
#include "frontend/translate/translate_bodies.h"

namespace ferryman::frontend {

namespace {

// find_write looks at a call: one that has the arguments that a writing op writes.
Node call_of(std::string_view target) {
  Node node;
  node.target = target;
  node.args.push_back({"self", {ValueRef{}}});
  const std::string_view overload = target.substr(std::min(target.rfind('.'), target.size()));
  if (overload.find("out") != std::string_view::npos) node.args.push_back({"out", {ValueRef{}}});
  return node;
}

}  // namespace

bool KnownOps::has(std::string_view target) const {
  if (is_control_flow(target)) return true;
  const std::optional<WriteOp> write = find_write(call_of(target));
  if (!write.has_value() || write->kind != WriteKind::kCompute) {
    return write.has_value() || imports(target);
  }
  return imports(write->functional);
}

bool KnownOps::imports(std::string_view target) const {
  return imports_.find(import_key(target), Numbers::kReal).is_known();
}

}  // namespace ferryman::frontend
