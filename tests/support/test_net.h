// Test support: small graphs in one line per op. Weights are splats; only shapes matter here.
//
//   TestNet net;
//   const ValueId x = net.input("x", {1, 3, 8, 8});
//   net.output("y", net.relu(net.conv(x, 16)));
//   EXPECT_EQ(net.copies(net.plan()), "x [1, 3, 8, 8] -> [1, 8, 8, 3]\n…");
#pragma once

#include <memory>
#include <string>

#include "ir/builder.h"
#include "layout/plan.h"
#include "ops/families.h"

namespace ferryman::layout {

class TestNet {
 public:
  TestNet();

  Graph& graph() { return *graph_; }

  ValueId input(std::string name, Dims dims);
  ValueId constant(Ints shape);
  void output(std::string name, ValueId value) { graph_->add_output(std::move(name), value); }

  // A 3 x 3 window that keeps the size, or 1 x 1.
  ValueId conv(ValueId x, int64_t channels, int64_t kernel = 3);
  ValueId depthwise_conv(ValueId x);
  ValueId max_pool(ValueId x);  // halves the spatial sizes
  ValueId relu(ValueId x);
  ValueId add(ValueId a, ValueId b);
  ValueId mul(ValueId a, ValueId b);
  ValueId mean(ValueId x, Ints axes, bool keepdim);
  ValueId permute(ValueId x, Ints perm);
  ValueId reshape(ValueId x, Dims dims);
  ValueId concat(const std::vector<ValueId>& values, int64_t axis);
  ValueId slice(ValueId x, int64_t axis, int64_t begin, int64_t end);
  // Constant positions of the given shape along the axis.
  ValueId gather(ValueId x, int64_t axis, Ints shape);
  ValueId linear(ValueId x, int64_t out);
  ValueId matmul(ValueId a, ValueId b);
  ValueId softmax(ValueId x, int64_t axis);
  ValueId pixel_shuffle(ValueId x, int64_t factor);

  // Under ChannelsLastContract.
  LayoutPlan plan(const IoLayouts& io = {}) const;
  // One line per copy: name of the memory, shape before and after. Lines are sorted.
  std::string copies(const LayoutPlan& plan) const;
  // "[1, 8, 8, 3]"
  std::string shape(const Layout& layout) const;
  const Dims& dims(ValueId value) const { return graph_->type(value).dims; }

 private:
  std::string name_of(ValueId value) const;

  std::unique_ptr<Ops> ops_;
  std::unique_ptr<Graph> graph_;
};

}  // namespace ferryman::layout
