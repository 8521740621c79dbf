// SPDX-License-Identifier: Apache-2.0
// Requests of many kinds, and the client that sends them.
#include "tests/rewind/requests.h"

#include "ipc/message_pack.h"
#include "tests/harness/login.h"
#include "tests/rewind/sources.h"
#include <numeric>
#include <sys/socket.h>

namespace lethe::test {
namespace {

// Where the msgid is: after the array's head, the type and uint32's first byte.
constexpr size_t msgid_at = 3;

std::string with_msgid_place(const std::string &method, const json &params) {
  return std::string("\x94\x00\xce\x00\x00\x00\x00", 7) + to_bytes(method) + to_bytes(params);
}

RequestKind work(const std::string &function, unsigned weight, const json &arguments) {
  return {function, weight, "call", {"work", function, arguments}};
}

} // namespace

std::vector<RequestKind> request_kinds(Client &client) {
  client.put("work", javascript("work.js"));
  put_login_scripts(client);
  const json login = login_chain("small");
  std::vector<RequestKind> kinds{
      work("tiny", 7600, {20}),
      work("echo", 1000, {{{"text", "äöü"}, {"list", {1, 2.5, nullptr, true}}}}),
      {"login", 300, "chain", login},
      {"eval", 300, "eval", {"context.a * 7", {{"globals", {{"context", {{"a", 6}}}}}}}},
      work("promises", 250, {30}),
      work("throws", 200, {1}),
      work("pollutes", 200, json::array()),
      work("expressions", 50, {40}),
      work("webassembly", 40, {5}),
      work("compiles", 30, {100000}),
      work("evaluates", 20, {50}),
      work("fills", 7, {8}),
      work("collects", 3, {30}),
  };
  for (RequestKind &kind : kinds) {
    json params = kind.params;
    const json process = {{"isolation", "process"}};
    if (kind.method == "eval")
      params[1].update(process);
    else
      params.push_back(process);
    kind.expected = client.request(kind.method, params);
    expect(!kind.expected.failed() || kind.expected.error()["code"] == "script_error",
           kind.name + ": " + shown(kind.expected.failed() ? kind.expected.error() : nullptr));
  }
  return kinds;
}

MixedLoad::MixedLoad(const std::string &socket_path, const std::vector<RequestKind> &kinds)
    : client_(socket_path), kinds_(kinds) {
  for (size_t i = 0; i < kinds.size(); ++i) {
    bytes_.push_back(with_msgid_place(kinds[i].method, kinds[i].params));
    mix_.insert(mix_.end(), kinds[i].weight, i);
  }
}

size_t MixedLoad::pick() { return mix_[random_() % mix_.size()]; }

void MixedLoad::run(size_t requests, unsigned in_flight) {
  kind_of_.assign(in_flight, 0);
  free_.resize(in_flight);
  std::iota(free_.begin(), free_.end(), 0);
  for (size_t sent = 0; sent < requests || free_.size() < in_flight;) {
    output_.clear();
    for (; sent < requests && !free_.empty(); ++sent) {
      send(static_cast<uint32_t>(free_.back()), pick());
      free_.pop_back();
    }
    client_.send(output_);
    receive();
  }
}

void MixedLoad::send(uint32_t msgid, size_t kind) {
  kind_of_[msgid] = kind;
  const size_t at = output_.size() + msgid_at;
  output_ += bytes_[kind];
  for (unsigned byte = 0; byte < 4; ++byte)
    output_[at + byte] = static_cast<char>(msgid >> (24 - 8 * byte));
}

// Waits until there is at least one reply.
void MixedLoad::receive() {
  do {
    constexpr size_t bytes = 1 << 16;
    const ssize_t received = ::recv(client_.descriptor(), input_.reserve(bytes), bytes, 0);
    expect(received > 0, "the connection was closed");
    input_.commit(static_cast<size_t>(received));
  } while (!take_reply());
  while (take_reply()) {
  }
}

bool MixedLoad::take_reply() {
  Reader reader(input_.view());
  reader.array();
  reader.integer();
  const auto msgid = reader.integer();
  const auto error = reader.take_raw(), result = reader.take_raw();
  if (!result)
    return false;
  const RequestKind &kind = kinds_[kind_of_.at(static_cast<size_t>(msgid.value()))];
  if (error != kind.expected.error_bytes || result != kind.expected.result_bytes)
    fail(kind.name + " got error " + shown(json::from_msgpack(*error)) + ", result " +
         shown(json::from_msgpack(*result)));
  free_.push_back(static_cast<size_t>(msgid.value()));
  input_.consume(input_.size() - reader.rest().size());
  return true;
}

} // namespace lethe::test
