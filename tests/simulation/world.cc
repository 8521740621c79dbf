// SPDX-License-Identifier: Apache-2.0
// Ears: one epoll for all far ends.
#include "tests/simulation/world.h"
#include "ipc/error.h"

#include <sys/epoll.h>

namespace lethe::simulation {

Ears::Ears() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_)
    fatal("there is an epoll");
}

void Ears::add(Ear &ear, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &ear;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) < 0)
    fatal("an epoll takes a socket");
}

void Ears::prick() {
  epoll_event events[64];
  int count = 0;
  do {
    count = epoll_wait(epoll_.get(), events, std::size(events), 0);
    for (int i = 0; i < count; ++i)
      static_cast<Ear *>(events[i].data.ptr)->prick();
  } while (count == std::size(events));
}

void Ear::prick() {
  if (std::exchange(pricked_, true))
    return;
  world_.timeline.after(hearing_us(), [this] {
    pricked_ = false;
    hear();
  });
}

} // namespace lethe::simulation
