// SPDX-License-Identifier: Apache-2.0
#include "ipc/value_path.h"
#include "ipc/message_pack.h"
#include "ipc/utf8.h"
#include "ipc/words.h"

namespace lethe {

std::string step_into(std::string_view key) {
  constexpr size_t most_bytes = 100; // of a name that is to be read
  const std::string_view begin = utf8_beginning(key, most_bytes);
  const std::string shown = std::string(begin).append(begin.size() < key.size() ? "…" : "");
  return is_identifier(shown) ? "." + shown : "[\"" + shown + "\"]";
}

std::string path_to(size_t offset, std::string_view value, std::string root) {
  std::string path = std::move(root);
  Reader reader(value);
  const auto is_passed = [&] { return value.size() - reader.rest().size() > offset; };
  Item item;
  // A turn for each level: into the child that has the byte.
  while (reader.next(item) && !is_passed()) {
    std::string step;
    Reader child = reader;
    for (uint32_t i = 0; i < item.count && !is_passed(); ++i) {
      step = "[" + std::to_string(i) + "]";
      Item key;
      if (item.kind == Kind::map) {
        if (Reader ahead = reader; !ahead.next(key) || !reader.skip() || is_passed())
          return path;
        step = key.kind == Kind::string ? step_into(key.bytes) : "[…]";
      }
      child = reader;
      if (!reader.skip())
        return path;
    }
    if (!is_passed()) // it has none
      return path;
    path += step;
    reader = child;
  }
  return path;
}

std::optional<Error> broken_text(std::string_view value, std::string root) {
  Reader reader(value);
  for (Item item; reader.next(item);)
    if (item.kind == Kind::string && !is_utf8(item.bytes))
      return Error(ErrorCode::invalid_value, broken_text_reason)
          .with("path", path_to(static_cast<size_t>(item.bytes.data() - value.data()), value,
                                std::move(root)));
  return std::nullopt;
}

} // namespace lethe
