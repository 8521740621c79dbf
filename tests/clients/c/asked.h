// SPDX-License-Identifier: Apache-2.0
// What a step of cases.json asks, as the C library wants it.
#pragma once

#include "tests/clients/c/value.h"

#include <string>
#include <vector>

namespace lethe::test {

class Asked {
public:
  explicit Asked(const json &step);
  Asked(const Asked &) = delete; // options point into it

  // What the library says to a value that it can't make; null: it can make all.
  OwnReply take_refusal() { return std::move(refusal_); }
  // By the functions that wait.
  OwnReply ask(lethe_client *client) const;
  // By those that don't.
  lethe_request *start(lethe_client *client, lethe_completion completion, void *user) const;

private:
  enum class Verb { eval, call, chain, fetch, invoke };

  void read_verb(const json &step);
  void read_request(const json &request);
  void read_options(const json &options);
  void invoke(const std::string &method, const json &params);
  lethe_value make(OwnBuilder &builder, const json &written);
  const char *text(size_t argument) const {
    return arguments_[argument].get_ref<const std::string &>().c_str();
  }

  Verb verb_ = Verb::invoke;
  json arguments_; // steps_ point into it
  json other_options_;
  std::string method_, pool_;
  std::vector<lethe_step> steps_;
  std::vector<lethe_header> headers_; // point into arguments_, as request_ does
  lethe_fetch_request request_ = LETHE_FETCH_INIT;
  OwnBuilder value_holder_{lethe_builder_new()}, globals_holder_{lethe_builder_new()};
  lethe_value value_{nullptr, 0}; // arguments, input or parameters
  lethe_options options_ = LETHE_OPTIONS_INIT;
  OwnReply refusal_;
};

} // namespace lethe::test
