// SPDX-License-Identifier: Apache-2.0
// client/examples/login: three actions and their contexts, for tests and the benchmark.
#pragma once

#include "tests/harness/client.h"

#include <string>

namespace lethe::test {

// NAME.json of the example's contexts; NAME is "small", "small.expected" and so on.
json login_context(const std::string &name);

// With so many warm-up calls: V8 optimises what ran some hundred times.
void put_login_scripts(Client &client, size_t warm_ups = 0);

// [steps, context]: the parameters of the chain.
json login_chain(const std::string &context);

} // namespace lethe::test
