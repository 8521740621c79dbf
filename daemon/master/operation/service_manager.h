// SPDX-License-Identifier: Apache-2.0
// What the service manager is told (sd_notify), where there is one.
#pragma once

#include "daemon/master/loop/event_loop.h"

#include <string>

namespace lethe {

class ServiceManager {
public:
  explicit ServiceManager(EventLoop &loop);
  bool present() const { return present_; }

  void ready(); // after the start, and after a reload
  void status(const std::string &text);
  void reloading();
  void stopping();
  void extend_timeout(int64_t by_us); // a start or stop that takes long goes on

private:
  void ping_watchdog();

  EventLoop &loop_;
  bool present_;
  std::string status_;
  int64_t watchdog_us_ = 0; // 0: none is wanted
  Timer watchdog_;
};

} // namespace lethe
