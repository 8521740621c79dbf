// SPDX-License-Identifier: Apache-2.0
// What JavaScript can observe of a script's world at one moment, as a graph of plain data: so that
// two moments can be compared, and a process can give its own to another.
#pragma once

#include "ipc/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lethe {

// Node 0 is the root, and node 1 another one, for what has a better name if the first leads there, too.
// Two portraits show the same if there is a mapping of one's nodes to the other's, one to one, that
// keeps roots, contents and edges: where an object lies, or whether it was
// replaced by one that nobody can tell from it, does not count.
class Portrait {
public:
  struct Edge {
    uint32_t label;
    bool is_node;
    bool is_size; // of a container: where it differs, its entries need not be told one by one
    uint8_t attributes;
    uint64_t value; // a node's number, or a hash of what can't change: a number, a string
  };
  struct Node {
    uint64_t content = 0;         // a hash of all of it that is no edge
    bool is_scope = false;        // paths begin anew here: its edges are what a program calls them
    uint32_t unknown = no_reason; // why nobody can tell whether it has changed: a label
    std::vector<Edge> edges;
  };
  static constexpr uint32_t no_reason = UINT32_MAX;
  static constexpr uint32_t roots = 2;

  Portrait() : nodes_(roots) {}
  // In the place of one that could not be made.
  static Portrait unknown(std::string_view why);
  uint32_t add_node();
  Node &node(uint32_t number) { return nodes_[number]; }
  size_t nodes() const { return nodes_.size(); }
  uint32_t label(std::string_view text);

  // To a pipe, until its reader has it; false: it is gone, or has closed it.
  bool write(int descriptor) const;
  // To the end; nothing: that is no portrait.
  static std::optional<Portrait> read(int descriptor);

private:
  friend class PortraitComparison;

  std::vector<Node> nodes_;
  std::vector<std::string> labels_;
  std::unordered_map<std::string, uint32_t> label_numbers_;
};

// What is different, by paths that people can read ("cache.size", "next{count}": the variable that
// the function `next` has closed over), those next to the root first.
struct PortraitDifference {
  static constexpr size_t most_paths = 8, longest_path = 100;
  std::vector<std::string> changed; // empty: nothing that can be seen
  std::vector<std::string> unknown; // "path: why"
  bool is_none() const { return changed.empty() && unknown.empty(); }
  bool is_within(const PortraitDifference &other) const;
};
PortraitDifference compare(const Portrait &before, const Portrait &after);

// At most so many bytes of it, in whole characters, and a mark if there were more.
std::string shortened(std::string text, size_t most_bytes);

} // namespace lethe
