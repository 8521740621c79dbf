// SPDX-License-Identifier: Apache-2.0
// A graph as bytes, and the walk through two of them at once.
#include "daemon/worker/scripts/portrait.h"
#include "ipc/buffer.h"
#include "ipc/files.h"
#include "ipc/utf8.h"

#include <algorithm>
#include <cstring>

namespace lethe {
namespace {

constexpr uint64_t end_mark = 0x6c65746865; // what was cut off has none

class Bytes {
public:
  template <typename Number> void add(Number number) {
    buffer_.write(reinterpret_cast<const char *>(&number), sizeof number);
  }
  void add_text(std::string_view text) {
    add(text.size());
    buffer_.append(text);
  }
  std::string_view view() const { return buffer_.view(); }

private:
  Buffer buffer_;
};

// Of a process of ours: it may have ended in the middle.
class BytesReader {
public:
  explicit BytesReader(std::string bytes) : bytes_(std::move(bytes)) {}
  template <typename Number> Number take() {
    Number number{};
    if (left() < sizeof number) {
      at_ = bytes_.size();
      return number;
    }
    std::memcpy(&number, bytes_.data() + at_, sizeof number);
    at_ += sizeof number;
    return number;
  }
  std::string_view take_text() {
    const auto bytes = std::min(take<size_t>(), left());
    at_ += bytes;
    return std::string_view(bytes_).substr(at_ - bytes, bytes);
  }
  // So many things of at least a byte each may follow.
  size_t take_count() { return std::min(take<size_t>(), left()); }

private:
  size_t left() const { return bytes_.size() - at_; }
  std::string bytes_;
  size_t at_ = 0;
};

} // namespace

uint32_t Portrait::add_node() {
  nodes_.emplace_back();
  return static_cast<uint32_t>(nodes_.size() - 1);
}

uint32_t Portrait::label(std::string_view text) {
  const auto [found, is_new] =
      label_numbers_.try_emplace(std::string(text), static_cast<uint32_t>(labels_.size()));
  if (is_new)
    labels_.emplace_back(text);
  return found->second;
}

Portrait Portrait::unknown(std::string_view why) {
  Portrait portrait;
  portrait.node(0).unknown = portrait.label(why);
  return portrait;
}

bool Portrait::write(int descriptor) const {
  Bytes bytes;
  bytes.add(labels_.size());
  for (const std::string &text : labels_)
    bytes.add_text(text);
  bytes.add(nodes_.size());
  for (const Node &node : nodes_) {
    bytes.add(node.content);
    bytes.add(node.is_scope);
    bytes.add(node.unknown);
    bytes.add(node.edges.size());
    for (const Edge &edge : node.edges)
      bytes.add(edge);
  }
  bytes.add(end_mark);
  return static_cast<bool>(write_all(descriptor, bytes.view(), "the other process"));
}

std::optional<Portrait> Portrait::read(int descriptor) {
  BytesReader bytes(read_to_end(descriptor));
  Portrait portrait;
  portrait.labels_.resize(bytes.take_count());
  for (std::string &text : portrait.labels_)
    text = bytes.take_text();
  portrait.nodes_.resize(bytes.take_count());
  for (Node &node : portrait.nodes_) {
    node.content = bytes.take<uint64_t>();
    node.is_scope = bytes.take<bool>();
    node.unknown = bytes.take<uint32_t>();
    node.edges.resize(bytes.take_count());
    for (Edge &edge : node.edges)
      edge = bytes.take<Edge>();
  }
  if (bytes.take<uint64_t>() != end_mark || portrait.nodes_.size() < roots)
    return std::nullopt;
  return portrait;
}

// Breadth first: the first path to an object is the shortest.
class PortraitComparison {
public:
  using Edge = Portrait::Edge;

  PortraitComparison(const Portrait &before, const Portrait &after)
      : before_(before), after_(after), partner_(before.nodes_.size(), nobody),
        partner_of_after_(after.nodes_.size(), nobody) {
    std::unordered_map<std::string_view, uint32_t> numbers;
    for (uint32_t i = 0; i < before.labels_.size(); ++i)
      numbers.emplace(before.labels_[i], i);
    for (const std::string &text : after.labels_) {
      const auto found = numbers.find(text);
      label_before_.push_back(found == numbers.end() ? nobody : found->second);
    }
  }

  PortraitDifference run();

private:
  static constexpr uint32_t nobody = UINT32_MAX;
  struct Pair {
    uint32_t before, after;
    uint32_t from;  // the pair that led to it
    uint32_t label; // of the edge that did, in `after`
  };

  void compare_pair(uint32_t at);
  bool compare_sizes(uint32_t at);
  void compare_edge(uint32_t at, const Edge &before, const Edge &after);
  void compare_other_edges(uint32_t at);
  // Attributes, and whether there is an object or not, count as well as the name.
  bool is_same_place(const Edge &before, const Edge &after) const {
    return label_before_[after.label] == before.label && before.attributes == after.attributes;
  }
  const Portrait::Node &before(uint32_t at) const { return before_.nodes_[pairs_[at].before]; }
  const Portrait::Node &after(uint32_t at) const { return after_.nodes_[pairs_[at].after]; }
  std::string path(uint32_t at, std::string_view last = {}) const;
  void tell(std::vector<std::string> &list, std::string text) const;

  const Portrait &before_, &after_;
  std::vector<uint32_t> partner_, partner_of_after_;
  std::vector<uint32_t> label_before_; // of each label of `after`
  std::vector<Pair> pairs_;
  PortraitDifference difference_;
};

PortraitDifference PortraitComparison::run() {
  for (const Portrait *each : {&before_, &after_})
    if (const uint32_t why = each->nodes_[0].unknown; why != Portrait::no_reason) {
      tell(difference_.unknown, "everything: " + each->labels_[why]);
      return std::move(difference_);
    }
  uint32_t at = 0;
  for (uint32_t root = 0; root < Portrait::roots; ++root) {
    partner_[root] = partner_of_after_[root] = root;
    pairs_.push_back({root, root, 0, 0});
    for (; at < pairs_.size(); ++at) // it grows meanwhile
      compare_pair(at);
  }
  return std::move(difference_);
}

void PortraitComparison::compare_pair(uint32_t at) {
  const auto &before = this->before(at), &after = this->after(at);
  if (after.unknown != Portrait::no_reason)
    tell(difference_.unknown, path(at) + ": " + after_.labels_[after.unknown]);
  else if (before.unknown != Portrait::no_reason)
    tell(difference_.unknown, path(at) + ": " + before_.labels_[before.unknown]);
  if (before.content != after.content)
    return tell(difference_.changed, path(at));
  if (!compare_sizes(at))
    return;
  const bool is_same_shape =
      std::ranges::equal(before.edges, after.edges, [this](const Edge &one, const Edge &two) {
        return is_same_place(one, two);
      });
  if (!is_same_shape)
    return compare_other_edges(at);
  for (size_t i = 0; i < after.edges.size(); ++i)
    compare_edge(at, before.edges[i], after.edges[i]);
}

bool PortraitComparison::compare_sizes(uint32_t at) {
  const auto size = [](const std::vector<Edge> &edges) {
    return std::ranges::find_if(edges, [](const Edge &edge) { return edge.is_size; });
  };
  const auto &before = this->before(at).edges, &after = this->after(at).edges;
  const auto was = size(before), is = size(after);
  if (was == before.end() || is == after.end() || was->value == is->value)
    return true;
  tell(difference_.changed, path(at, after_.labels_[is->label]));
  return false;
}

// Some came or went, or there is another order.
void PortraitComparison::compare_other_edges(uint32_t at) {
  std::unordered_map<uint32_t, const Edge *> left;
  for (const Edge &edge : before(at).edges)
    left.emplace(edge.label, &edge);
  bool is_told = false;
  const auto changed = [&](const std::string &label) {
    tell(difference_.changed, path(at, label));
    is_told = true;
  };
  for (const Edge &edge : after(at).edges) {
    const auto found = left.find(label_before_[edge.label]);
    if (found == left.end() || !is_same_place(*found->second, edge))
      changed(after_.labels_[edge.label]);
    else
      compare_edge(at, *found->second, edge);
    if (found != left.end())
      left.erase(found);
  }
  for (const Edge &edge : before(at).edges)
    if (left.contains(edge.label))
      changed(before_.labels_[edge.label]);
  if (!is_told)
    tell(difference_.changed, path(at));
}

void PortraitComparison::compare_edge(uint32_t at, const Edge &before, const Edge &after) {
  if (before.is_node && after.is_node) {
    uint32_t &partner = partner_[before.value], &partner_of_after = partner_of_after_[after.value];
    if (partner == nobody && partner_of_after == nobody) {
      partner = static_cast<uint32_t>(after.value);
      partner_of_after = static_cast<uint32_t>(before.value);
      pairs_.push_back({partner_of_after, partner, at, after.label});
    }
    if (partner == after.value)
      return;
  } else if (before.is_node == after.is_node && before.value == after.value) {
    return;
  }
  tell(difference_.changed, path(at, after_.labels_[after.label]));
}

std::string PortraitComparison::path(uint32_t at, std::string_view last) const {
  std::vector<std::string_view> parts{last};
  for (; pairs_[at].after >= Portrait::roots && !after(at).is_scope; at = pairs_[at].from)
    parts.push_back(after_.labels_[pairs_[at].label]);
  std::ranges::reverse(parts);
  std::string text;
  for (const std::string_view part : parts)
    text.append(part);
  if (text.starts_with('.'))
    text.erase(0, 1);
  return text;
}

void PortraitComparison::tell(std::vector<std::string> &list, std::string text) const {
  text = shortened(std::move(text), PortraitDifference::longest_path);
  if (std::ranges::find(list, text) != list.end() || list.size() > PortraitDifference::most_paths)
    return;
  list.push_back(list.size() < PortraitDifference::most_paths ? std::move(text) : "…");
}

bool PortraitDifference::is_within(const PortraitDifference &other) const {
  const auto all_in = [](const auto &some, const auto &all) {
    return std::ranges::all_of(
        some, [&](const std::string &path) { return std::ranges::find(all, path) != all.end(); });
  };
  return all_in(changed, other.changed) && all_in(unknown, other.unknown);
}

std::string shortened(std::string text, size_t most_bytes) {
  if (text.size() <= most_bytes)
    return text;
  text.resize(utf8_beginning(text, most_bytes).size());
  return text + "…";
}

PortraitDifference compare(const Portrait &before, const Portrait &after) {
  return PortraitComparison(before, after).run();
}

} // namespace lethe
