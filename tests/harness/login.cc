// SPDX-License-Identifier: Apache-2.0
// client/examples/login: three actions and their contexts.
#include "tests/harness/login.h"

namespace lethe::test {
namespace {

constexpr const char *actions[] = {"check-account", "claims", "second-factor"};

std::filesystem::path example_folder() { return source_folder() / "client" / "examples" / "login"; }

} // namespace

json login_context(const std::string &name) {
  return json::parse(read_file(example_folder() / "contexts" / (name + ".json")));
}

void put_login_scripts(Client &client, size_t warm_ups) {
  json context = login_context("small");
  for (const std::string action : actions) {
    const std::string name = "login/" + action;
    const json call = json::array({"onLogin", json::array({context})});
    client.put(name, read_file(example_folder() / (action + ".js")),
               {{"warm_up", std::vector<json>(warm_ups, call)}});
    context = client.call(name, "onLogin", json::array({context}));
  }
}

json login_chain(const std::string &context) {
  json steps = json::array();
  for (const std::string action : actions)
    steps.push_back(json::array({"login/" + action, "onLogin"}));
  return json::array({steps, login_context(context)});
}

} // namespace lethe::test
