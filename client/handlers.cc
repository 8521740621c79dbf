// SPDX-License-Identifier: Apache-2.0
// Handlers: console output, figures, and scripts' calls to this program.
#include "client/client.h"
#include "client/json.h"
#include "ipc/buffer.h"

struct lethe_host_call {
  std::shared_ptr<lethe_client> client;
  uint64_t epoch; // the connection that it came from
  uint32_t call_id, request_id;
  std::string name, arguments;
};

using lethe::Event;
using lethe::Handler;
using lethe::packed_nil;

// Calls the handler of an event without the mutex.
void lethe_client::deliver(uint32_t request_id, Event event, Lock &lock) {
  if (event.kind == Event::Kind::console) {
    const auto handler = console_handler_;
    lock.unlock();
    if (handler.function)
      handler.function(handler.user, request_id, event.name.c_str(), event.bytes.data(),
                       event.bytes.size());
  } else if (event.kind == Event::Kind::stats) {
    const auto handler = stats_handler_;
    lock.unlock();
    if (handler.function)
      handler.function(handler.user, request_id, {event.bytes.data(), event.bytes.size()});
  } else {
    const auto found = host_handlers_.find(event.name);
    const auto handler = found != host_handlers_.end() ? found->second : any_host_handler_;
    auto *call = new lethe_host_call{shared_from_this(), epoch_,     event.call_id,
                                     request_id,         event.name, std::move(event.bytes)};
    lock.unlock();
    if (handler.function)
      handler.function(handler.user, call);
    else
      lethe_host_fail(call, "not_found",
                      ("the caller has no host function \"" + event.name + "\"").c_str());
  }
  lock.lock();
}

void lethe_on_console(lethe_client *client, lethe_console_handler handler, void *user) {
  client->set_console_handler({handler, user});
}

void lethe_client::set_console_handler(Handler<lethe_console_handler> handler) {
  const Lock lock(mutex_);
  console_handler_ = handler;
}

void lethe_on_stats(lethe_client *client, lethe_stats_handler handler, void *user) {
  client->set_stats_handler({handler, user});
}

void lethe_client::set_stats_handler(Handler<lethe_stats_handler> handler) {
  const Lock lock(mutex_);
  stats_handler_ = handler;
}

void lethe_on_host_call(lethe_client *client, const char *name, lethe_host_handler handler,
                        void *user) {
  client->set_host_handler(name, {handler, user});
}

void lethe_client::set_host_handler(const char *name, Handler<lethe_host_handler> handler) {
  const Lock lock(mutex_);
  if (!name)
    any_host_handler_ = handler;
  else if (handler.function)
    host_handlers_.insert_or_assign(name, handler);
  else
    host_handlers_.erase(name);
}

const char *lethe_host_call_name(const lethe_host_call *call) { return call->name.c_str(); }

lethe_value lethe_host_call_arguments(const lethe_host_call *call) {
  return {call->arguments.data(), call->arguments.size()};
}

uint32_t lethe_host_call_request_id(const lethe_host_call *call) { return call->request_id; }

void lethe_host_reply(lethe_host_call *call, lethe_value result) {
  const std::string_view bytes =
      result.size == 0 ? packed_nil
                       : std::string_view(static_cast<const char *>(result.data), result.size);
  // Anything else would take what follows on the connection with it.
  if (!lethe::is_one_value(bytes, lethe::max_value_depth))
    return lethe_host_fail(call, "invalid_value", "the result is not one MessagePack value");
  const std::unique_ptr<lethe_host_call> owner(call);
  call->client->answer(call->epoch, call->call_id, packed_nil, bytes);
}

void lethe_host_fail(lethe_host_call *call, const char *code, const char *message) {
  const std::unique_ptr<lethe_host_call> owner(call);
  const std::unique_ptr<lethe_reply> error(lethe_reply::error(code, message));
  call->client->answer(call->epoch, call->call_id, error->bytes, packed_nil);
}
