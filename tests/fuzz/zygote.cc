// SPDX-License-Identifier: Apache-2.0
// Whatever a zygote sends, with whatever descriptors: the master hears it or breaks off, calls each
// thing once, and keeps no descriptor.
#include "daemon/master/pools/zygote_process.h"
#include "ipc/message_pack.h"
#include "tests/fuzz/kernel.h"

#include <cstring>
#include <sys/socket.h>
#include <vector>

using namespace lethe;
using namespace lethe::fuzz;

namespace {

class Owner final : public ZygoteOwner, public CandidateOwner {
public:
  explicit Owner(bool is_asked) : is_asked_(is_asked) {}
  bool zygote_forked_worker(ZygoteProcess &, uint32_t, ChildProcess process, FileDescriptor socket,
                            FileDescriptor page) override {
    check(socket && page && process);
    return is_asked_;
  }
  void zygote_forked_zygote(ZygoteProcess &, uint32_t, ChildProcess process) override {
    check(static_cast<bool>(process));
  }
  void zygote_child_exited(ZygoteProcess &, pid_t pid, int) override { check(pid > 0); }
  void zygote_hung_up(ZygoteProcess &) override { check(++ends == 1); }
  void zygote_loading(ZygoteProcess &, std::string_view script) override {
    check(ends == 0 && script.size() <= 512);
  }
  void zygote_ready(ZygoteProcess &zygote, ZygoteReport report) override {
    check(++verdicts == 1);
    for (const auto &[script, functions] : report.functions)
      check(is_one_value(functions, 4));
    for (const auto &[script, failure] : report.failures)
      check(is_one_value(failure, 256 + 4));
    zygote.set_owner(*this);
  }
  void zygote_load_failed(ZygoteProcess &, std::string_view, std::string_view error) override {
    check(++verdicts == 1 && is_one_value(error, 256 + 4));
  }
  int ends = 0, verdicts = 0;

private:
  bool is_asked_;
};

// Event descriptors, so that they may stand for processes.
void send(int socket, std::string_view bytes, size_t descriptors) {
  iovec part{const_cast<char *>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<FileDescriptor> sent;
  if (descriptors > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
    cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
    for (size_t i = 0; i < descriptors; ++i) {
      sent.emplace_back(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      const int number = sent.back().get();
      std::memcpy(CMSG_DATA(head) + i * sizeof(int), &number, sizeof number);
    }
  }
  [[maybe_unused]] const ssize_t count = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void play(Bytes &input) {
  PlayedClock clock;
  PlayedKernel kernel;
  Environment environment(clock, kernel);
  environment.settings.max_message_bytes = 512;
  SocketPair pair = std::move(*make_socket_pair());
  const uint8_t kind = input.byte();
  kernel.parent = kind % 4 == 3 ? -1 : 77;
  Owner owner(kind % 8 != 7);
  ZygoteProcess zygote(environment, owner, owner, std::move(pair.ends[0]), "default", 1);
  zygote.set_process(ChildProcess(environment.processes, 77, kernel.begin(77)));
  const auto go_on = [&] {
    for (int rounds = 0; rounds < 4; ++rounds)
      environment.loop.run_round(false);
  };
  for (int frames = 0; frames < 32 && !input.empty(); ++frames) {
    const uint8_t type = input.byte(), count = input.byte();
    if (type % 32 == 31) { // no frame at all
      send(pair.ends[1].get(), input.text(), count % 8);
      go_on();
      continue;
    }
    const std::string body = input.text();
    const auto descriptors = static_cast<uint16_t>(count % 8);
    const FrameHeader head{static_cast<uint32_t>(body.size()), static_cast<uint16_t>(16 + type % 8),
                           descriptors, input.byte()};
    std::string frame(reinterpret_cast<const char *>(&head), sizeof head);
    frame += body;
    // All that was announced, or another number of them; in one piece, or with a pause.
    const size_t cut = type % 3 == 0 ? std::min<size_t>(count, frame.size()) : frame.size();
    send(pair.ends[1].get(), std::string_view(frame).substr(0, cut),
         count >= 240 ? count % 5 : descriptors);
    if (cut < frame.size()) {
      go_on();
      send(pair.ends[1].get(), std::string_view(frame).substr(cut), 0);
    }
    go_on();
  }
  const bool was_alive = zygote.alive();
  check(was_alive == (owner.ends == 0));
  pair.ends[1].reset();
  go_on();
  check(!zygote.alive() && owner.ends == 1);
  environment.loop.run_round(false);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const int before = next_descriptor();
  Bytes input(data, size);
  play(input);
  check(next_descriptor() == before);
  return 0;
}
