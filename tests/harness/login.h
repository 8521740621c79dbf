// SPDX-License-Identifier: Apache-2.0
// client/examples/login: three actions and their contexts, for tests and the benchmark.
#pragma once

#include "tests/harness/client.h"

#include <string>

namespace lethe::test {

// NAME.json of the example's contexts; NAME is "small", "small.expected" and so on.
json login_context(const std::string &name);

void put_login_scripts(Client &client);

// [steps, context]: the parameters of the chain.
json login_chain(const std::string &context);

} // namespace lethe::test
