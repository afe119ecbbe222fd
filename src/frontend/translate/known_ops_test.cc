#include "frontend/translate/known_ops.h"

#include <gtest/gtest.h>

namespace ferryman::frontend {

namespace {

TEST(KnownOps, KnowsWhatHasAnImportOrARow) {
  Ops ops;
  add_all_ops(ops);
  const KnownOps known(ops);
  EXPECT_TRUE(known.has("aten.relu.default"));
  EXPECT_TRUE(known.has("aten.add.Tensor"));
  EXPECT_FALSE(known.has("aten.no_such_op.default"));
  EXPECT_FALSE(known.has("mine.relu.default"));
}

TEST(KnownOps, KnowsAWriteByWhatComputesItsValue) {
  Ops ops;
  add_all_ops(ops);
  const KnownOps known(ops);
  EXPECT_TRUE(known.has("aten.relu_.default"));
  EXPECT_TRUE(known.has("aten.add.out"));
  EXPECT_TRUE(known.has("aten.copy_.default"));
  EXPECT_FALSE(known.has("aten.no_such_op_.default"));
}

}  // namespace

}  // namespace ferryman::frontend
