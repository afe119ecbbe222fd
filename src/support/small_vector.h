// A vector that keeps its first elements in itself, so that the few that ops and types have need no
// memory of their own; more of them go to the heap.
//
//   SmallVector<int, 4> list = {1, 2, 3};
//   list.push_back(4);                     // still no allocation
//
// Used as std::vector is, but for two things: elements are trivially copyable, and moving one
// copies those inside, so that iterators and addresses do not survive it.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace ferryman {

template <typename T, size_t kInside>
class SmallVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static_assert(kInside > 0);

 public:
  using value_type = T;
  using size_type = size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using iterator = T*;
  using const_iterator = const T*;
  using reverse_iterator = std::reverse_iterator<iterator>;
  using const_reverse_iterator = std::reverse_iterator<const_iterator>;

  SmallVector() = default;
  explicit SmallVector(size_t count, const T& value = T()) { assign(count, value); }
  SmallVector(std::initializer_list<T> items) { append(items.begin(), items.end()); }
  template <std::forward_iterator It>
  SmallVector(It first, It last) {
    append(first, last);
  }
  // Lists are made with std::vector where nobody counts allocations.
  SmallVector(const std::vector<T>& items) { append(items.begin(), items.end()); }
  SmallVector(const SmallVector& other) { append(other.begin(), other.end()); }
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other) assign(other.begin(), other.end());
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this == &other) return *this;
    release();
    take(other);
    return *this;
  }
  ~SmallVector() { release(); }

  operator std::vector<T>() const { return std::vector<T>(begin(), end()); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  const T* begin() const { return data_; }
  T* end() { return data_ + size_; }
  const T* end() const { return data_ + size_; }
  reverse_iterator rbegin() { return reverse_iterator(end()); }
  const_reverse_iterator rbegin() const { return const_reverse_iterator(end()); }
  reverse_iterator rend() { return reverse_iterator(begin()); }
  const_reverse_iterator rend() const { return const_reverse_iterator(begin()); }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& front() { return data_[0]; }
  const T& front() const { return data_[0]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }

  void reserve(size_t count) {
    if (count > capacity_) grow(count);
  }
  void clear() { size_ = 0; }
  void push_back(const T& item) { emplace_back(item); }
  template <typename... Args>
  T& emplace_back(Args&&... args) {
    const T item{std::forward<Args>(args)...};  // may be one of ours, which grow moves
    if (size_ == capacity_) grow(size_ + 1);
    return *std::construct_at(data_ + size_++, item);
  }
  void pop_back() { --size_; }
  void resize(size_t count, const T& value = T()) {
    if (count > size_) {
      const T item = value;
      reserve(count);
      std::uninitialized_fill(data_ + size_, data_ + count, item);
    }
    size_ = static_cast<uint32_t>(count);
  }
  void assign(size_t count, const T& value) {
    const T item = value;
    clear();
    resize(count, item);
  }
  template <std::forward_iterator It>
  void assign(It first, It last) {
    clear();
    append(first, last);
  }

  iterator insert(const_iterator at, const T& item) {
    const T added = item;
    return insert(at, &added, &added + 1);
  }
  // The range is none of our own.
  template <std::forward_iterator It>
  iterator insert(const_iterator at, It first, It last) {
    const std::ptrdiff_t index = at - begin();
    const size_t old_size = size_;
    append(first, last);
    std::rotate(begin() + index, begin() + old_size, end());
    return begin() + index;
  }
  iterator insert(const_iterator at, std::initializer_list<T> items) {
    return insert(at, items.begin(), items.end());
  }
  iterator insert(const_iterator at, size_t count, const T& item) {
    const SmallVector added(count, item);
    return insert(at, added.begin(), added.end());
  }
  iterator erase(const_iterator at) { return erase(at, at + 1); }
  iterator erase(const_iterator first, const_iterator last) {
    T* const to = data_ + (first - data_);
    size_ = static_cast<uint32_t>(std::copy(last, std::as_const(*this).end(), to) - data_);
    return to;
  }

  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend auto operator<=>(const SmallVector& a, const SmallVector& b)
    requires std::three_way_comparable<T>
  {
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  T* inside() { return reinterpret_cast<T*>(inside_); }
  bool is_inside() const { return data_ == reinterpret_cast<const T*>(inside_); }

  void release() {
    if (!is_inside()) std::allocator<T>().deallocate(data_, capacity_);
  }

  // Of a vector that owns nothing: what the other holds, which is empty afterwards.
  void take(SmallVector& other) {
    if (other.is_inside()) {
      data_ = inside();
      capacity_ = kInside;
      std::uninitialized_copy_n(other.data_, other.size_, data_);
    } else {
      data_ = std::exchange(other.data_, other.inside());
      capacity_ = std::exchange(other.capacity_, static_cast<uint32_t>(kInside));
    }
    size_ = std::exchange(other.size_, 0);
  }

  void grow(size_t count) {
    const size_t capacity = std::max<size_t>(count, size_t{2} * capacity_);
    T* const grown = std::allocator<T>().allocate(capacity);
    std::uninitialized_copy_n(data_, size_, grown);
    release();
    data_ = grown;
    capacity_ = static_cast<uint32_t>(capacity);
  }

  template <std::forward_iterator It>
  void append(It first, It last) {
    const size_t size = size_ + static_cast<size_t>(std::distance(first, last));
    reserve(size);
    std::uninitialized_copy(first, last, data_ + size_);
    size_ = static_cast<uint32_t>(size);
  }

  T* data_ = inside();
  uint32_t size_ = 0;
  uint32_t capacity_ = kInside;
  alignas(T) std::byte inside_[kInside * sizeof(T)];
};

// As for std::vector.
template <typename T, size_t kInside, typename Predicate>
size_t erase_if(SmallVector<T, kInside>& list, Predicate predicate) {
  const auto kept = std::remove_if(list.begin(), list.end(), predicate);
  const size_t erased = static_cast<size_t>(list.end() - kept);
  list.erase(kept, list.end());
  return erased;
}

}  // namespace ferryman
