// What must hold for the rows and import functions of all families together.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "ops/families.h"

namespace ferryman {
namespace {

TEST(OpRows, AreConsistent) {
  Ops ops;
  add_all_ops(ops);
  EXPECT_EQ(render(ops.set.check(), Severity::kError), "");
}

TEST(OpRows, AnAtenOpHasARowOrAnImportFunctionNotBoth) {
  Ops ops;
  add_all_ops(ops);
  std::set<std::string_view> imported;
  for (const std::string_view target : ops.imports.targets()) imported.insert(target);
  std::vector<std::string> both;
  for (const OpDef& def : ops.set.all()) {
    for (const AtenRow& row : def.aten) {
      if (imported.contains(row.target)) both.push_back(row.target);
    }
  }
  EXPECT_EQ(both, std::vector<std::string>());
}

}  // namespace
}  // namespace ferryman
