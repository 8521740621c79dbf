// SPDX-License-Identifier: Apache-2.0
// A worker whose far end is a target's.
#pragma once

#include "daemon/master/dispatch/dispatcher.h"
#include "tests/fuzz/kernel.h"

#include <fcntl.h>
#include <memory>
#include <new>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace lethe::fuzz {

// As many as workers play at a time, for all inputs: to make and unmake them takes longer than what
// they are played for.
class PlayedPages {
public:
  struct Shared {
    FileDescriptor memory;
    WorkerPage *page;
  };
  explicit PlayedPages(size_t count) {
    while (all_.size() < count)
      all_.push_back(make());
  }
  // As a new one.
  Shared take() {
    check(!all_.empty());
    Shared taken = std::move(all_.back());
    all_.pop_back();
    new (taken.page) WorkerPage;
    return taken;
  }
  void give_back(Shared taken) { all_.push_back(std::move(taken)); }

private:
  static Shared make() {
    const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    FileDescriptor memory(::memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    check(::ftruncate(memory.get(), static_cast<off_t>(bytes)) == 0 &&
          ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
    void *page = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
    check(page != MAP_FAILED);
    return {std::move(memory), static_cast<WorkerPage *>(page)};
  }
  std::vector<Shared> all_;
};
inline PlayedPages played_pages(16);

struct PlayedWorker {
  pid_t pid;
  FileDescriptor socket;
  PlayedPages::Shared shared = played_pages.take();
  WorkerPage *page = shared.page;
  std::unique_ptr<WorkerProcess> master;
  bool is_gone = false;

  // Of the first generation; for add() or add_debugging().
  PlayedWorker(Environment &environment, PlayedKernel &kernel, Dispatcher &dispatcher,
               pid_t its_pid)
      : pid(its_pid) {
    SocketPair pair = std::move(*make_socket_pair());
    socket = std::move(pair.ends[1]);
    master = std::make_unique<WorkerProcess>(
        environment, dispatcher,
        WorkerProcess::Parts{static_cast<uint32_t>(pid), 1,
                             ChildProcess(environment.processes, pid, kernel.begin(pid)),
                             std::move(pair.ends[0]), std::move(*SharedPage::map(shared.memory))});
  }
  PlayedWorker(const PlayedWorker &) = delete;
  ~PlayedWorker() { played_pages.give_back(std::move(shared)); }
  void send(std::string_view bytes) const {
    if (socket) [[maybe_unused]]
      const ssize_t sent =
          ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  void take_what_is_there() const {
    char piece[4096];
    while (socket && ::recv(socket.get(), piece, sizeof piece, MSG_DONTWAIT) > 0) {
    }
  }
};

} // namespace lethe::fuzz
