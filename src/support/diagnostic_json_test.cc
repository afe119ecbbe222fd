#include "support/diagnostic_json.h"

#include <gtest/gtest.h>

namespace ferryman {
namespace {

TEST(DiagnosticJson, WritesEveryKey) {
  SourceLocation place;
  place.module_path = "decoder.warp";
  place.module_type = "model.Warp";
  place.node = "foo_1";
  place.file = "model.py";
  place.line = 88;
  Diagnostics diagnostics;
  diagnostics.add(Diag::error(DiagCode::kUnsupportedOp, "aten.foo has no rule")
                      .at(place)
                      .because("nobody wrote it")
                      .hint("use \"bar\"")
                      .about("aten.foo.default"));
  diagnostics.add(Diag::remark("fused", "conv and relu"));
  EXPECT_EQ(to_json(diagnostics),
            R"([{"severity": "error", "code": "E0203", "name": "unsupported-op", )"
            R"("what": "aten.foo has no rule", "why": "nobody wrote it", )"
            R"("hint": "use \"bar\"", "subject": "aten.foo.default", )"
            R"("places": [{"module_path": "decoder.warp", "module_type": "model.Warp", )"
            R"("node": "foo_1", "file": "model.py", "line": 88}]}, )"
            R"({"severity": "remark", "code": "", "name": "remark", "what": "conv and relu", )"
            R"("why": "", "hint": "", "subject": "fused", "places": []}])");
}

}  // namespace
}  // namespace ferryman
