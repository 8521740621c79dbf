// SPDX-License-Identifier: Apache-2.0
// The host functions that scripts of cases.json call.
#pragma once

#include "client/include/lethe.h"

#include <set>
#include <string>
#include <vector>

namespace lethe::test {

// How a program uses the library.
enum class Way {
  waiting,     // lethe_eval() and its like, and lethe_wait()
  dispatching, // completions, from an event loop
};

class Hosts {
public:
  Hosts(lethe_client *client, Way way);
  Hosts(const Hosts &) = delete;

  bool has_begun(const std::string &name) const { return begun_.contains(name); }
  int attempts() const { return attempts_; }
  // Calls of `released` return, now and later.
  void release();
  // Answers what is still open, as must be before the client is closed.
  void end();

private:
  using Method = void (Hosts::*)(lethe_host_call *);
  template <Method method> void add(const char *name);

  void add_numbers(lethe_host_call *call);
  void echo(lethe_host_call *call);
  void raise(lethe_host_call *call);
  void unsendable(lethe_host_call *call);
  void begin(lethe_host_call *call);
  void wait_for_release(lethe_host_call *call);
  void attempt(lethe_host_call *call);
  void hang(lethe_host_call *call);
  void eval(lethe_host_call *call);

  lethe_client *client_;
  Way way_;
  std::set<std::string> begun_;
  std::vector<lethe_host_call *> waiting_, hanging_;
  bool released_ = false;
  int attempts_ = 0;
};

} // namespace lethe::test
