// SPDX-License-Identifier: Apache-2.0
// A binary heap whose elements know their place: one in the middle is removed without a search. It
// allocates only where it holds more than ever before.
#pragma once

#include "ipc/invariant.h"

#include <cstddef>
#include <utility>
#include <vector>

namespace lethe {

class HeapHook {
public:
  bool in_heap() const { return place_ != nowhere; }

private:
  template <typename T> friend class Heap;
  static constexpr size_t nowhere = ~size_t{0};
  size_t place_ = nowhere;
};

// The elements derive from HeapHook, stay their owner's, and are in at most one heap at a time. Which
// one is_before() another does not change while they are in it.
template <typename T> class Heap {
public:
  bool empty() const { return elements_.empty(); }
  T &first() const { return *elements_.front(); }
  auto begin() const { return elements_.begin(); } // in no order
  auto end() const { return elements_.end(); }

  void add(T &element) {
    invariant(!element.in_heap(), "an element is in one heap at a time");
    elements_.push_back(&element);
    rise(elements_.size() - 1, element);
  }
  void remove(T &element) {
    const size_t gap = std::exchange(place_of(element), HeapHook::nowhere);
    invariant(gap < elements_.size() && elements_[gap] == &element,
              "an element of a heap is where it says", {"place", gap},
              {"elements", elements_.size()});
    T &last = *elements_.back();
    elements_.pop_back();
    if (&last == &element)
      return;
    if (gap > 0 && last.is_before(*elements_[(gap - 1) / 2]))
      rise(gap, last);
    else
      sink(gap, last);
  }

private:
  static size_t &place_of(HeapHook &hook) { return hook.place_; }
  void put(size_t at, T &element) {
    elements_[at] = &element;
    place_of(element) = at;
  }
  void rise(size_t at, T &element) {
    for (size_t parent; at > 0; at = parent) {
      parent = (at - 1) / 2;
      if (!element.is_before(*elements_[parent]))
        break;
      put(at, *elements_[parent]);
    }
    put(at, element);
  }
  void sink(size_t at, T &element) {
    for (size_t child; (child = 2 * at + 1) < elements_.size(); at = child) {
      if (child + 1 < elements_.size() && elements_[child + 1]->is_before(*elements_[child]))
        ++child;
      if (!elements_[child]->is_before(element))
        break;
      put(at, *elements_[child]);
    }
    put(at, element);
  }

  std::vector<T *> elements_;
};

} // namespace lethe
