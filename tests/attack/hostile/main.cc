// SPDX-License-Identifier: Apache-2.0
// hostile-zygote ATTACK FILE …: a program that lethed takes for a zygote. It is one, whose workers
// answer nil, until FILE is there; then it does what ATTACK names, again and again.
#include "ipc/channel.h"
#include "ipc/worker_page.h"

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <map>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr int control_descriptor = 3;

FileDescriptor pidfd_of(pid_t pid) {
  return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

FileDescriptor make_page(int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
                         off_t bytes = 4096) {
  FileDescriptor file(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (::ftruncate(file.get(), bytes) < 0 || ::fcntl(file.get(), F_ADD_SEALS, seals) < 0)
    fatal("there is a page");
  return file;
}

// Whatever becomes of the test, nothing of this stays.
void end_some_day() { ::alarm(120); }

[[noreturn]] void serve(FileDescriptor socket, const FileDescriptor &file) {
  end_some_day();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto *page = static_cast<WorkerPage *>(
      ::mmap(nullptr, sizeof(WorkerPage), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  page->ready.store(true);
  Channel channel(std::move(socket), Party::master, Channel::Carries::frames, UINT32_MAX);
  for (;;) {
    for (Frame frame; channel.next(frame, PeerState::idle) == Channel::Status::ok;)
      if (frame.type == MessageType::run && page->claim(frame.sequence))
        channel.add(frame.sequence, message::Done{0, "\xc0"});
    if (channel.flush() != Channel::Status::ok || channel.receive() == Channel::Status::closed)
      _exit(0);
  }
}

[[noreturn]] void sleep_on() {
  end_some_day();
  for (;;)
    ::pause();
}

class Zygote {
public:
  Zygote(std::string attack, std::string file)
      : attack_(std::move(attack)), file_(std::move(file)),
        control_(FileDescriptor(control_descriptor), Party::master, Channel::Carries::descriptors,
                 UINT32_MAX) {}

  [[noreturn]] void run() {
    if (attack_ == "lies_in_ready" && is_time())
      lie_in_ready();
    else
      control_.add(0, message::Ready{.generation = 1, .v8_version = "1", .image_bytes = 1});
    control_.flush();
    for (;;) {
      if (is_time())
        attack();
      Frame frame;
      while (control_.next(frame, PeerState::ready) == Channel::Status::ok)
        hear(frame);
      pollfd poll_for{control_.descriptor(), POLLIN, 0};
      if (::poll(&poll_for, 1, 10) > 0 && control_.receive() == Channel::Status::closed)
        _exit(0);
    }
  }

private:
  bool is_time() const { return ::access(file_.c_str(), F_OK) == 0; }

  void hear(const Frame &frame) {
    if (frame.type == MessageType::grow) {
      FileDescriptor control = control_.take_descriptor();
      if (const auto grow = frame.read<message::Grow>())
        this->grow(grow->generation, std::string(grow->load.at(0).name), std::move(control));
    } else if (const auto fork = frame.read<message::Fork>()) {
      forked_.push_back(fork_worker());
      tell(fork->id, forked_.back());
    }
  }

  struct Child {
    pid_t pid = 0;
    FileDescriptor pidfd, socket, page;
  };

  Child fork_worker() {
    auto pair = make_socket_pair();
    Child child{.page = make_page()};
    child.pid = ::fork();
    if (child.pid == 0)
      serve(std::move(pair->ends[1]), child.page);
    child.pidfd = pidfd_of(child.pid);
    child.socket = std::move(pair->ends[0]);
    return child;
  }

  void tell(uint32_t id, pid_t pid, const std::array<int, 3> &descriptors) {
    control_.send(id, message::WorkerForked{id, pid}, descriptors);
  }
  void tell(uint32_t id, const Child &child) {
    tell(id, child.pid, {child.pidfd.get(), child.socket.get(), child.page.get()});
  }

  // The next one that is asked for, once the workers have gone.
  uint32_t await_id() {
    for (const Child &child : forked_)
      ::syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0);
    forked_.clear();
    for (Frame frame;;) {
      while (control_.next(frame, PeerState::ready) == Channel::Status::ok)
        if (const auto fork = frame.read<message::Fork>(); fork && frame.type == MessageType::fork)
          return fork->id;
      if (control_.receive() == Channel::Status::closed)
        _exit(0);
    }
  }

  template <typename Message> void say(const Message &message) {
    control_.add(0, message);
    if (control_.flush() != Channel::Status::ok)
      _exit(0);
  }
  void say_bytes(const void *bytes, size_t count) {
    if (::send(control_.descriptor(), bytes, count, MSG_NOSIGNAL) < 0)
      _exit(0);
  }

  void grow(uint32_t generation, const std::string &script, FileDescriptor control) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      end_some_day();
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      control_ =
          Channel(std::move(control), Party::master, Channel::Carries::descriptors, UINT32_MAX);
      for (uint32_t count = 0;; ++count) { // it never comes to an end
        const std::string name = count % 2 == 0 ? script : "another/" + std::to_string(count);
        say(message::Loading{name});
        ::usleep(20'000);
      }
    }
    const FileDescriptor pidfd = pidfd_of(pid);
    control_.send(0, message::ZygoteForked{generation, pid}, std::array{pidfd.get()});
  }

  void lie_in_ready() {
    const std::string name = "never/put", error = std::string("\x81\xa1x\x01");
    message::Ready ready{.generation = 77, .v8_version = std::string(64, '9')};
    const std::string version(64, '9');
    ready.v8_version = version;
    ready.image_bytes = INT64_MAX;
    for (int i = 0; i < 50'000; ++i) {
      ready.scripts.push_back({name, {"f", "g"}});
      ready.failures.emplace_back(name, error);
    }
    control_.add(0, ready);
  }

  void attack() {
    static const std::map<std::string, void (Zygote::*)()> attacks{
        {"names_its_master_its_child", &Zygote::name_master},
        {"names_a_child_by_another_ones_descriptor", &Zygote::name_wrongly},
        {"gives_what_is_no_process", &Zygote::give_no_process},
        {"answers_a_fork_twice", &Zygote::answer_twice},
        {"gives_workers_that_nobody_asked_for", &Zygote::give_unasked},
        {"sends_descriptors_that_no_frame_has", &Zygote::send_spare},
        {"announces_descriptors_that_do_not_come", &Zygote::announce},
        {"says_ready_again", &Zygote::say_ready_again},
        {"loads_when_it_is_ready", &Zygote::load_late},
        {"speaks_as_a_worker", &Zygote::speak_as_worker},
        {"speaks_as_the_master", &Zygote::speak_as_master},
        {"sends_what_is_no_frame", &Zygote::send_garbage},
        {"sends_a_frame_without_end", &Zygote::send_huge},
        {"gives_a_page_that_can_be_cut", &Zygote::give_open_page},
        {"gives_a_page_that_is_none", &Zygote::give_no_page},
        {"gives_a_channel_that_is_none", &Zygote::give_no_socket},
        {"gives_its_own_channel_to_a_worker", &Zygote::give_control},
        {"tells_the_ends_of_others", &Zygote::tell_ends},
        {"leaves_children_behind", &Zygote::leave_children},
        {"lies_in_ready", &Zygote::end},
        {"loads_for_ever", &Zygote::nothing},
    };
    (this->*attacks.at(attack_))();
  }

  void nothing() {}
  void end() { _exit(0); } // the next one lies
  void name_master() {
    const FileDescriptor pidfd = pidfd_of(::getppid());
    const Child child = fork_worker();
    tell(await_id(), ::getppid(), {pidfd.get(), child.socket.get(), child.page.get()});
  }
  void name_wrongly() {
    const Child one = fork_worker(), other = fork_worker();
    tell(await_id(), one.pid, {other.pidfd.get(), one.socket.get(), one.page.get()});
  }
  void give_no_process() {
    const Child child = fork_worker();
    tell(await_id(), child.pid, {child.socket.get(), child.socket.get(), child.page.get()});
  }
  void answer_twice() {
    const uint32_t id = await_id();
    const Child one = fork_worker(), other = fork_worker();
    tell(id, one);
    tell(id, other);
  }
  void give_unasked() {
    for (uint32_t i = 0; i < 1000; ++i)
      tell((1u << 30) + i, fork_worker());
  }
  void send_spare() {
    std::array<int, 200> descriptors{};
    descriptors.fill(control_.descriptor());
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof descriptors)] = {};
    char byte = 0; // of a frame's head
    iovec part{&byte, 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof descriptors);
    std::memcpy(CMSG_DATA(head), descriptors.data(), sizeof descriptors);
    for (int i = 0; i < 8; ++i)
      if (::sendmsg(control_.descriptor(), &message, MSG_NOSIGNAL) < 0)
        _exit(0);
  }
  void announce() {
    const FrameHeader header{1, static_cast<uint16_t>(MessageType::worker_forked), 3, 0};
    char bytes[sizeof header + 1] = {};
    std::memcpy(bytes, &header, sizeof header);
    say_bytes(bytes, sizeof bytes);
  }
  void say_ready_again() { say(message::Ready{.generation = 1, .v8_version = "1"}); }
  void load_late() { say(message::Loading{"a/script"}); }
  void speak_as_worker() { say(message::Done{0, "\xc0"}); }
  void speak_as_master() { say(message::Fork{1, false}); }
  void send_garbage() {
    const std::string bytes(100'000, '\xff');
    say_bytes(bytes.data(), bytes.size());
  }
  void send_huge() {
    const FrameHeader header{UINT32_MAX, static_cast<uint16_t>(MessageType::exited), 0, 0};
    say_bytes(&header, sizeof header);
  }
  void give_open_page() {
    Child child = fork_worker();
    child.page = make_page(F_SEAL_GROW);
    tell(await_id(), child);
    if (::ftruncate(child.page.get(), 0) < 0) // the master would end by SIGBUS
      _exit(0);
  }
  void give_no_page() {
    Child child = fork_worker();
    child.page = make_page(F_SEAL_SHRINK, 16);
    tell(await_id(), child);
  }
  void give_no_socket() {
    Child child = fork_worker();
    child.socket.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
    tell(await_id(), child);
  }
  void give_control() {
    Child child = fork_worker();
    child.socket.reset(::dup(control_.descriptor()));
    tell(await_id(), child);
  }
  void tell_ends() {
    for (pid_t pid = 1; pid < 40'000; ++pid)
      say(message::Exited{pid, 9, 1, 1});
  }
  void leave_children() {
    for (int i = 0; i < 20; ++i)
      if (::fork() == 0)
        sleep_on();
    _exit(0);
  }

  const std::string attack_, file_;
  Channel control_;
  std::vector<Child> forked_;
};

} // namespace
} // namespace lethe

int main(int argc, char **argv) {
  ::prctl(PR_SET_NAME, "lethe-zygote");
  lethe::end_some_day();
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_IGN);
  if (argc < 3)
    return 2;
  lethe::Zygote(argv[1], argv[2]).run();
}
