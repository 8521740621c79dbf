// SPDX-License-Identifier: Apache-2.0
// A script asks its caller for data: `await host.call('customer', id)`. C++ over lethe.hpp.
//   lethe script put hello client/examples/hello.js
//   c++ -std=c++20 -o host_call host_call.cc $(pkg-config --cflags --libs lethe) && ./host_call
#include <iostream>
#include <lethe.hpp>

int main() {
  auto client = lethe::Client::connect({}, std::chrono::seconds(1));
  if (!client) {
    std::cerr << client.error().message() << '\n';
    return 1;
  }
  client->on_host_call("customer", [](lethe::HostCall call) {
    const auto id = call.arguments()[size_t{0}].int64();
    if (id != 17)
      return std::move(call).fail("not_found", "there is no such order");
    lethe::Builder customer;
    customer.map(2).string("name").string("Ada Byron").string("city").string("London");
    std::move(call).reply(customer);
  });
  const auto reply = client->call("hello", "order", lethe::Builder().array(1).integer(17));
  if (!reply) {
    std::cerr << reply.code() << ": " << reply.message() << '\n';
    return 1;
  }
  std::cout << *reply.value().bytes() << '\n';
}
