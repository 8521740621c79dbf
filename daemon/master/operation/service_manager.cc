// SPDX-License-Identifier: Apache-2.0
// The messages of sd_notify(3).
#include "daemon/master/operation/service_manager.h"

#include <cstdlib>
#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace lethe {

ServiceManager::ServiceManager(EventLoop &loop)
    : loop_(loop), present_(std::getenv("NOTIFY_SOCKET") != nullptr),
      watchdog_(loop, [this] { ping_watchdog(); }) {
  uint64_t interval_us = 0;
  if (sd_watchdog_enabled(0, &interval_us) > 0) {
    // Half of it, as sd_watchdog_enabled(3) recommends. From the loop, so that one that hangs is
    // noticed.
    watchdog_us_ = static_cast<int64_t>(interval_us / 2);
    ping_watchdog();
  }
}

void ServiceManager::ready() { sd_notify(0, "READY=1"); }

void ServiceManager::status(const std::string &text) {
  if (!present_ || text == status_)
    return;
  status_ = text;
  sd_notify(0, ("STATUS=" + text).c_str());
}

void ServiceManager::reloading() {
  // systemd 253 and later waits for READY=1 that is newer than this time.
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", loop_.now_us()).c_str());
}

void ServiceManager::stopping() { sd_notify(0, "STOPPING=1"); }

void ServiceManager::extend_timeout(int64_t by_us) {
  sd_notify(0, fmt::format("EXTEND_TIMEOUT_USEC={}", by_us).c_str());
}

void ServiceManager::ping_watchdog() {
  sd_notify(0, "WATCHDOG=1");
  watchdog_.start(watchdog_us_);
}

} // namespace lethe
