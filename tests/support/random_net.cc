#include "tests/support/random_net.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <random>

namespace ferryman::layout {

namespace {

class RandomNet {
 public:
  explicit RandomNet(uint64_t seed) : random_(seed) {}

  TestNet build(int num_ops) {
    for (int i = 0; i <= below(2); ++i) {
      values_.push_back(net_.input("x" + std::to_string(i), {Dim(1 + below(2)), 4, 2, 3}));
    }
    for (int made = 0; made < num_ops;) {
      const std::optional<ValueId> value = add_op();
      if (!value.has_value()) continue;
      values_.push_back(*value);
      ++made;
    }
    for (size_t i = 0; i < values_.size(); ++i) {
      const bool unread = net_.graph().value(values_[i]).uses.empty();
      if (unread || happens(10)) net_.output("y" + std::to_string(i), values_[i]);
    }
    return std::move(net_);
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<uint64_t>(limit)); }
  bool happens(int percent) { return below(100) < percent; }

  ValueId pick() {
    const int count = static_cast<int>(values_.size());
    const int index = happens(60) ? count - 1 - below(std::min(2, count)) : below(count);
    return values_[static_cast<size_t>(index)];
  }

  // Another value of the same shape, or the value itself.
  ValueId pick_like(ValueId x) {
    std::vector<ValueId> alike;
    for (const ValueId value : values_) {
      if (net_.dims(value) == net_.dims(x)) alike.push_back(value);
    }
    return alike[static_cast<size_t>(below(static_cast<int>(alike.size())))];
  }

  Ints random_perm(size_t rank) {
    Ints perm(rank);
    std::iota(perm.begin(), perm.end(), 0);
    std::shuffle(perm.begin(), perm.end(), random_);
    return perm;
  }

  std::optional<ValueId> add_op() {
    const ValueId x = pick();
    const size_t rank = net_.dims(x).size();
    const int64_t axis = rank == 0 ? 0 : below(static_cast<int>(rank));
    switch (below(12)) {
      case 0:
      case 1:
        if (rank == 4) return net_.conv(x, 4, 1);
        break;
      case 2:
        return net_.relu(x);
      case 3:
        return net_.add(x, pick_like(x));
      case 4:
        return net_.permute(x, random_perm(rank));
      case 5:
        return add_reshape(x);
      case 6:
        if (rank > 1) return net_.mean(x, {axis}, happens(50));
        break;
      case 7:
        if (rank > 0) return net_.softmax(x, axis);
        break;
      case 8:
        if (rank > 0) return net_.concat({x, pick_like(x)}, axis);
        break;
      case 9:
        if (rank >= 2) return net_.linear(x, 4);
        break;
      case 10:
        return add_gate(x);
      case 11:
        if (rank > 0 && rank < 4) return net_.gather(x, axis, {2, 2});
        break;
    }
    return std::nullopt;
  }

  // Merges two neighbouring dims, or splits one in two.
  ValueId add_reshape(ValueId x) {
    Dims dims = net_.dims(x);
    if (dims.size() >= 2 && (dims.size() >= 4 || happens(60))) {
      const size_t at = static_cast<size_t>(below(static_cast<int>(dims.size()) - 1));
      dims[at] = Dim(dims[at].size() * dims[at + 1].size());
      dims.erase(dims.begin() + static_cast<long>(at) + 1);
    } else {
      for (size_t at = 0; at < dims.size(); ++at) {
        if (dims[at].size() % 2 != 0 || dims[at].size() == 2) continue;
        const Dim rest(dims[at].size() / 2);
        dims[at] = Dim(2);
        dims.insert(dims.begin() + static_cast<long>(at) + 1, rest);
        break;
      }
    }
    return net_.reshape(x, std::move(dims));
  }

  // x times a mean of it that is broadcast back, as squeeze-excite does.
  std::optional<ValueId> add_gate(ValueId x) {
    const int rank = static_cast<int>(net_.dims(x).size());
    if (rank < 2) return std::nullopt;
    const ValueId gate = net_.mean(x, {below(rank)}, true);
    values_.push_back(gate);
    return net_.mul(x, gate);
  }

  std::mt19937_64 random_;
  TestNet net_;
  std::vector<ValueId> values_;
};

}  // namespace

TestNet random_net(uint64_t seed, int num_ops) {
  return RandomNet(seed).build(num_ops);
}

}  // namespace ferryman::layout
