// SPDX-License-Identifier: Apache-2.0
// A doubly linked list through its elements: no allocation, removal from the middle.
#pragma once

#include "ipc/invariant.h"

#include <cstddef>

namespace lethe {

struct ListHook {
  ListHook *previous = nullptr, *next = nullptr;
  bool linked() const { return next != nullptr; }
};

// The elements derive from ListHook, stay their owner's, and are in at most one list at a time.
template <typename T> class List {
public:
  List() { ends_.previous = ends_.next = &ends_; }
  List(const List &) = delete;

  bool empty() const { return ends_.next == &ends_; }
  size_t size() const { return size_; }
  T *front() { return empty() ? nullptr : static_cast<T *>(ends_.next); }
  T *back() { return empty() ? nullptr : static_cast<T *>(ends_.previous); }
  T *after(T &element) {
    ListHook *next = static_cast<ListHook &>(element).next;
    return next == &ends_ ? nullptr : static_cast<T *>(next);
  }

  void push_back(T &element) { insert(*ends_.previous, element); }
  void push_front(T &element) { insert(ends_, element); }
  void remove(T &element) {
    ListHook &hook = element;
    invariant(hook.linked() && size_ > 0, "what is removed from a list is in it", {"size", size_});
    hook.previous->next = hook.next;
    hook.next->previous = hook.previous;
    hook.previous = hook.next = nullptr;
    --size_;
  }
  T *pop_front() {
    T *element = front();
    if (element)
      remove(*element);
    return element;
  }

private:
  void insert(ListHook &before, ListHook &hook) {
    invariant(!hook.linked(), "an element is in one list at a time", {"size", size_});
    hook.previous = &before;
    hook.next = before.next;
    before.next->previous = &hook;
    before.next = &hook;
    ++size_;
  }

  ListHook ends_;
  size_t size_ = 0;
};

} // namespace lethe
