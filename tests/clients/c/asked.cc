// SPDX-License-Identifier: Apache-2.0
// What a step of cases.json asks, as the C library wants it.
#include "tests/clients/c/asked.h"

#include <cmath>

namespace lethe::test {

Asked::Asked(const json &step) {
  read_options(step.value("options", json::object()));
  options_.console = options_.stats = step.contains("report");
  read_verb(step);
}

void Asked::read_verb(const json &step) {
  if (step.contains("eval")) {
    // Options that lethe_options lacks go the way of any method.
    if (!other_options_.empty())
      return invoke("eval", json::array({step["eval"], other_options_}));
    verb_ = Verb::eval;
    arguments_ = json::array({step["eval"]});
  } else if (step.contains("call")) {
    verb_ = Verb::call;
    arguments_ = step["call"];
    value_ = make(value_holder_, arguments_[2]);
  } else if (step.contains("chain")) {
    verb_ = Verb::chain;
    arguments_ = step["chain"];
    for (const json &each : arguments_[0])
      steps_.push_back({each[0].get_ref<const std::string &>().c_str(),
                        each[1].get_ref<const std::string &>().c_str()});
    value_ = make(value_holder_, arguments_[1]);
  } else if (step.contains("fetch")) {
    verb_ = Verb::fetch;
    arguments_ = step["fetch"];
    read_request(arguments_[1]);
  } else if (step.contains("put")) {
    invoke("script.put", step["put"]);
  } else {
    expect(step.contains("request"), "the C library has no such step: " + shown(step));
    invoke(step["request"][0], step["request"][1]);
  }
}

void Asked::read_request(const json &request) {
  const auto text_of = [&](const char *key) {
    return request.contains(key) ? request[key].get_ref<const std::string &>().c_str() : nullptr;
  };
  request_.url = text_of("url");
  request_.method = text_of("method");
  request_.function = text_of("function");
  if (request.contains("headers"))
    for (const json &header : request["headers"])
      headers_.push_back({header[0].get_ref<const std::string &>().c_str(),
                          header[1].get_ref<const std::string &>().c_str()});
  request_.headers = headers_.data();
  request_.header_count = headers_.size();
  if (request.contains("env"))
    request_.env = make(globals_holder_, request["env"]);
  if (request.contains("body")) {
    size_t size = 0;
    const char *bytes = nullptr;
    lethe_value_bytes(make(value_holder_, request["body"]), &bytes, &size);
    request_.body = bytes;
    request_.body_size = size;
  }
}

void Asked::invoke(const std::string &method, const json &params) {
  verb_ = Verb::invoke;
  method_ = method;
  value_ = make(value_holder_, params);
}

// What lethe_options has goes there; the rest stays to be sent by other means.
void Asked::read_options(const json &options) {
  for (const auto &[key, value] : options.items())
    if (key == "deadline")
      options_.deadline_ms = std::llround(value.get<double>() * 1000);
    else if (key == "cpu_ms")
      options_.cpu_ms = value;
    else if (key == "memory_mb")
      options_.memory_mb = value;
    else if (key == "globals")
      options_.globals = make(globals_holder_, value);
    else if (key == "pool")
      options_.pool = (pool_ = value).c_str();
    else
      other_options_[key] = value;
}

lethe_value Asked::make(OwnBuilder &builder, const json &written) {
  lethe_reply *error = nullptr;
  if (!build(builder.get(), written, &error))
    refusal_.reset(error);
  return lethe_builder_value(builder.get());
}

OwnReply Asked::ask(lethe_client *client) const {
  switch (verb_) {
  case Verb::eval:
    return OwnReply(lethe_eval(client, text(0), LETHE_TEXT, &options_));
  case Verb::call:
    return OwnReply(lethe_call(client, text(0), text(1), value_, &options_));
  case Verb::chain:
    return OwnReply(lethe_chain(client, steps_.data(), steps_.size(), value_, &options_));
  case Verb::fetch:
    return OwnReply(lethe_fetch(client, text(0), &request_, &options_));
  case Verb::invoke:
    break;
  }
  return OwnReply(lethe_invoke(client, method_.c_str(), value_, 0));
}

lethe_request *Asked::start(lethe_client *client, lethe_completion completion, void *user) const {
  switch (verb_) {
  case Verb::eval:
    return lethe_eval_async(client, text(0), LETHE_TEXT, &options_, completion, user);
  case Verb::call:
    return lethe_call_async(client, text(0), text(1), value_, &options_, completion, user);
  case Verb::chain:
    return lethe_chain_async(client, steps_.data(), steps_.size(), value_, &options_, completion,
                             user);
  case Verb::fetch:
    return lethe_fetch_async(client, text(0), &request_, &options_, completion, user);
  case Verb::invoke:
    break;
  }
  return lethe_invoke_async(client, method_.c_str(), value_, 0, completion, user);
}

} // namespace lethe::test
