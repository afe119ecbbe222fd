// A short sequence of small numbers: the factors of a memory as they lie in it, outermost first, or
// the units of an op in the order that its tensors share.
//
//   Order order = {0, 2, 3, 1};
//   order.insert(order.index_of(3) + 1, 4);
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

#include "support/check.h"

namespace ferryman::layout {

class Order {
 public:
  static constexpr size_t kCapacity = 32;

  Order() = default;
  Order(std::initializer_list<uint8_t> items) {
    for (const uint8_t item : items) push_back(item);
  }
  // 0, 1, …, size - 1
  static Order identity(size_t size) {
    Order order;
    for (size_t i = 0; i < size; ++i) order.push_back(static_cast<uint8_t>(i));
    return order;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  uint8_t operator[](size_t i) const { return items_[i]; }
  const uint8_t* begin() const { return items_.data(); }
  const uint8_t* end() const { return items_.data() + size_; }
  bool contains(uint8_t item) const { return index_of(item) < size_; }
  // size() if it is not there.
  size_t index_of(uint8_t item) const {
    return static_cast<size_t>(std::find(begin(), end(), item) - begin());
  }
  void push_back(uint8_t item) {
    check(size_ < kCapacity, "layout: an order is too long");
    items_[size_++] = item;
  }
  void insert(size_t at, uint8_t item) {
    push_back(item);
    std::rotate(items_.begin() + at, items_.begin() + size_ - 1, items_.begin() + size_);
  }
  bool operator==(const Order& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

 private:
  std::array<uint8_t, kCapacity> items_{};
  uint8_t size_ = 0;
};

}  // namespace ferryman::layout
