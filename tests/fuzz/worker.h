// SPDX-License-Identifier: Apache-2.0
// A worker whose far end is a target's.
#pragma once

#include "daemon/master/dispatch/dispatcher.h"
#include "tests/fuzz/kernel.h"

#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lethe::fuzz {

struct PlayedWorker {
  pid_t pid;
  FileDescriptor socket;
  WorkerPage *page = nullptr;
  std::unique_ptr<WorkerProcess> master;
  bool is_gone = false;

  // Of the first generation; for add() or add_debugging().
  PlayedWorker(Environment &environment, PlayedKernel &kernel, Dispatcher &dispatcher,
               pid_t its_pid)
      : pid(its_pid) {
    SocketPair pair = std::move(*make_socket_pair());
    const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const FileDescriptor memory(::memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    check(::ftruncate(memory.get(), static_cast<off_t>(page_bytes)) == 0 &&
          ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
    page = static_cast<WorkerPage *>(
        ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0));
    socket = std::move(pair.ends[1]);
    master = std::make_unique<WorkerProcess>(
        environment, dispatcher,
        WorkerProcess::Parts{static_cast<uint32_t>(pid), 1,
                             ChildProcess(environment.processes, pid, kernel.begin(pid)),
                             std::move(pair.ends[0]), std::move(*SharedPage::map(memory))});
  }
  PlayedWorker(const PlayedWorker &) = delete;
  ~PlayedWorker() {
    ::munmap(static_cast<void *>(page), static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  }
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
