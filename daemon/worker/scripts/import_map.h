// SPDX-License-Identifier: Apache-2.0
// Which script an import means. Import maps:
// https://html.spec.whatwg.org/multipage/webappapis.html#import-maps
#pragma once

#include "ipc/error.h"

#include <optional>
#include <string>
#include <string_view>
#include <v8.h>
#include <vector>

namespace lethe {

// A script has the URL lethe:/NAME. An import names another one by such a URL, by a path that is
// relative to its own name ("./util.js" in acme/main.js is acme/util.js, "/util.js" is util.js), or
// by its name as it is. A map may say otherwise; unlike a browser's it has scripts' names where
// these have URLs, too.
class ImportMap {
public:
  // Without a map.
  ImportMap() = default;
  // The text is read as JSON in `context`.
  static Result<ImportMap> parse(v8::Local<v8::Context> context, std::string_view text);

  // The name of the script, which need not be there. The error's message says why there is none.
  Result<std::string> resolve(std::string_view specifier, std::string_view importer) const;

private:
  struct Row {
    std::string key;
    std::optional<std::string> target; // none: the map forbids it
  };
  using Rows = std::vector<Row>; // the longest of two that match goes first
  struct Scope {
    std::string prefix;
    Rows rows;
  };
  class Parser;

  Rows imports_;
  std::vector<Scope> scopes_; // likewise
};

// The URL of the script of this name, as `import.meta.url` has it.
std::string script_url(std::string_view name);

} // namespace lethe
