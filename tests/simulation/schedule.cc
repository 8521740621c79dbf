// SPDX-License-Identifier: Apache-2.0
// The course of a schedule.
#include "tests/simulation/schedule.h"
#include "tests/harness/scratch_folder.h"

#include <algorithm>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace lethe::simulation {
namespace {

namespace fs = std::filesystem;

// Of a schedule, in its own time: a zygote that hangs takes half a minute from each change of scripts.
constexpr int64_t limit_us = 1'800'000'000;

// For what hangs to be noticed, brakes to be off, and all to be forked anew.
constexpr int64_t recovery_us = 60'000'000;

// Of a connection that has nothing to say and nothing to hear, at most.
constexpr size_t idle_bytes = 32 * 1024;

// Does what is to be done aside at once.
class AtOnce final : public Kernel {
public:
  Result<Aside> run_aside(const std::function<std::string()> &work, int) override {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
      return Error(ErrorCode::internal, system_message("pipe"));
    const FileDescriptor writing_end(ends[1]);
    const std::string report = work();
    [[maybe_unused]] const ssize_t written = ::write(ends[1], report.data(), report.size());
    return Aside{1, FileDescriptor(ends[0])};
  }
  Result<Started> start(const ChildPlan &) override { return Error(ErrorCode::internal, ""); }
  bool send_signal(const FileDescriptor &, int) override { return false; }
  bool is_exiting(pid_t) override { return false; }
  int64_t resident_bytes(pid_t) override { return 0; }
  int64_t cpu_us(pid_t) override { return -1; }
  std::optional<Ended> reap() override { return std::nullopt; }
  bool has_children() override { return false; }
  std::vector<pid_t> children() override { return {}; }
  std::string name_of(pid_t) override { return ""; }
  FileDescriptor open_pidfd(pid_t) override { return {}; }
  pid_t parent_of(const FileDescriptor &, pid_t) override { return -1; }
  void sleep_us(int64_t) override {}
};

// A state folder in which the script `s` is stored.
void make_state(const std::string &folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  const MonotonicClock clock;
  EventLoop loop(clock);
  AtOnce kernel;
  ProcessBooks books(kernel);
  ChildReaper reaper(
      loop, books, [](pid_t, int) {}, [](pid_t, std::string_view) {});
  ScriptStore store(loop, reaper);
  auto script = std::make_shared<Script>();
  script->pool = "default";
  script->name = "s";
  script->source = "function f() {}";
  script->options = "\x80";
  bool written = false;
  if (store.open(folder))
    store.write({script},
                [&](const Result<Nothing> &result) { written = static_cast<bool>(result); });
  while (loop.run_round(false)) {
  }
  if (!written)
    fatal("the simulation's script is stored");
}

// The daemon's folder, in memory where there is such a file system. One for each process.
const std::string &folder() {
  static const test::ScratchFolder scratch(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  static const std::string path = scratch.path();
  return path;
}

std::string as_text(const SettingValue &value) {
  if (const auto *number = std::get_if<int64_t>(&value))
    return std::to_string(*number);
  if (const auto *flag = std::get_if<bool>(&value))
    return *flag ? "true" : "false";
  return std::get<std::string>(value);
}

size_t open_descriptors() {
  DIR *directory = opendir("/proc/self/fd");
  size_t count = 0;
  while (readdir(directory))
    ++count;
  closedir(directory);
  return count;
}

} // namespace

Schedule::Schedule(const Mix &mix, uint64_t seed, bool traced) : world_(mix, seed, traced) {
  static bool is_clean = false;
  if (!std::exchange(is_clean, mix.operation == 0))
    make_state(folder() + "/state");
  choose_settings();
  kernel_.pass_time = [this](const std::function<bool()> &until) {
    world_.ears.prick();
    while (!until() && world_.timeline.next_us()) {
      world_.timeline.step();
      world_.ears.prick();
    }
  };
}

Schedule::~Schedule() = default;

void Schedule::choose_settings() {
  Random &random = world_.random;
  const char *isolations[] = {"reuse", "rewind", "process"};
  const auto set = [&](const std::string &key, SettingValue value) {
    if (!assign_setting(settings_, key, value, "simulation"))
      fatal("the simulation's settings are allowed");
    sources_.overrides.push_back({key, as_text(value), "simulation"});
  };
  sources_.config_file = folder() + "/none.toml";
  set("socket", folder() + "/socket");
  set("state_dir", folder() + "/state");
  set("cache_dir", folder());
  set("grace_ms", random.one_of({0, 5, 20}));
  set("stop_timeout_ms", random.one_of({100, 1000, 5000}));
  set("max_in_flight", random.one_of({4, 16, 256}));
  set("max_connections", random.one_of({2, 4, 100, 100}));
  set("max_output_bytes", random.one_of({4096, 65'536, 1 << 20}));
  set("max_message_bytes", random.one_of({65'536, 1 << 20}));
  set("max_buffered_mb", random.one_of({1, 64}));
  set("quarantine_faults", random.one_of({0, 1, 3}));
  set("quarantine_minutes", int64_t{1});
  set("stall_timeout_ms", random.one_of({100, 1000}));
  const auto set_pool = [&](const std::string &pool) {
    set(pool + "workers", world_.mix.massacres > 0 ? random.between(4, 16) : random.between(1, 4));
    set(pool + "spares", random.between(0, 3));
    set(pool + "isolation", isolations[random.between(0, 2)]);
    set(pool + "deadline_ms", random.one_of({100, 1000}));
    set(pool + "load_deadline_ms", int64_t{200});
    set(pool + "learn", random.one_in(2));
    set(pool + "queue", random.one_of({2, 16, 1024}));
    set(pool + "recycle_requests", random.one_of({3, 100'000}));
    set(pool + "recycle_age_s", random.one_of({0, 1, 60}));
    set(pool + "renew_age_s", random.one_of({0, 1, 3600}));
    set(pool + "renew_interval_s", random.one_of({0, 1, 10}));
  };
  set_pool("pool.default.");
  if (random.one_in(world_.mix.reloads > 0 ? 2 : 4))
    set_pool("pool.second.");
}

void Schedule::add_clients() {
  Random &random = world_.random;
  const Mix &mix = world_.mix;
  const auto clients = static_cast<size_t>(random.between(1, 5));
  for (size_t i = 0; i < clients; ++i) {
    SimulatedClient::Manners manners;
    manners.messages = static_cast<int>(random.between(3, 25));
    manners.is_slow_reader = world_.happens(mix.slow_readers);
    manners.floods = random.one_in(6);
    // Root, and two who are nobody.
    manners.user = random.one_in(mix.operation > 0 ? 4 : 2)
                       ? static_cast<uid_t>(random.one_of({1000, 1001}))
                       : 0;
    manners.may_be_displaced = settings_.max_connections < 5 || settings_.max_buffered_mb < 2;
    if (world_.happens(mix.clinging)) {
      manners.clinging = random.one_in(3) ? SimulatedClient::Clinging::ends_no_message
                                          : SimulatedClient::Clinging::reads_no_more;
      manners.stall_ms = settings_.stall_timeout_ms;
      manners.is_slow_reader = false;
      manners.user = static_cast<uid_t>(2000 + i); // nobody else's, so that its account is
    }
    manners.grace_ms = settings_.grace_ms;
    manners.deadline_ms = settings_.pools["default"].deadline_ms;
    if (settings_.pools.size() > 1) {
      manners.second_pool = "second";
      manners.second_deadline_ms = settings_.pools["second"].deadline_ms;
    }
    clients_.push_back(std::make_unique<SimulatedClient>(world_, i, settings_.socket, manners));
  }
}

// Again and again: each time within twice as many milliseconds.
void Schedule::strike_later(int &strikes, uint64_t mean_ms, void (SimulatedKernel::*strike)()) {
  constexpr int most_strikes = 20; // else a pool may never have a zygote for long
  if (++strikes > most_strikes)
    return;
  world_.timeline.after(world_.random.between(0, 2000 * static_cast<int64_t>(mean_ms)),
                        [this, &strikes, mean_ms, strike] {
                          if (stops_ || world_.is_quiet)
                            return;
                          (kernel_.*strike)();
                          strike_later(strikes, mean_ms, strike);
                        });
}

void Schedule::stop_daemon() {
  if (std::exchange(stops_, true))
    return;
  world_.timeline.note("stops");
  stop_us_ = world_.timeline.now_us();
  for (const auto &client : clients_)
    client->daemon_stops();
  server_->begin_stop();
}

bool Schedule::all_is_done() const {
  return std::all_of(clients_.begin(), clients_.end(),
                     [](const auto &client) { return client->is_done(); });
}

Outcome Schedule::run() {
  kernel_.snapshot_is_built = !world_.random.one_in(8);
  server_ = std::make_unique<Server>(world_.timeline, kernel_, settings_, sources_, folder());
  server_->identify = [this](const FileDescriptor &socket) {
    sockaddr_un address{};
    socklen_t bytes = sizeof address;
    getpeername(socket.get(), reinterpret_cast<sockaddr *>(&address), &bytes);
    Peer peer;
    size_t number = 0;
    std::sscanf(address.sun_path + 1, "lethe-%u-%*d-%zu", &peer.user, &number);
    constexpr int least_bytes = 1; // the kernel takes its own least
    if (clients_[number]->clings())
      setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &least_bytes, sizeof least_bytes);
    return peer;
  };
  server_->environment().processors = static_cast<size_t>(world_.random.between(1, 4));
  if (const auto started = server_->start(); !started)
    world_.books.violated("the daemon starts", started.error().message);
  add_clients();
  if (world_.mix.kills > 0)
    strike_later(kills_, world_.mix.kills, &SimulatedKernel::kill_any);
  if (world_.mix.massacres > 0)
    strike_later(massacres_, world_.mix.massacres, &SimulatedKernel::kill_most_workers);
  if (world_.happens(world_.mix.early_stops))
    world_.timeline.after(world_.random.between(0, 300'000), [this] { stop_daemon(); });
  EventLoop &loop = server_->environment().loop;
  const int64_t lasts_us = world_.timeline.now_us() + world_.mix.lasts_s * 1'000'000;
  pass([&] { return (all_is_done() && world_.timeline.now_us() >= lasts_us) || loop.stopped(); });
  calm_down();
  probe();
  stop_daemon();
  pass([&] { return loop.stopped(); });
  if (!world_.books.broken())
    counters_add_up();
  server_->clean_up();
  if (const size_t held = server_->environment().buffered_bytes();
      held > 0 && !world_.books.broken())
    world_.books.violated("nothing is held at the end", fmt::format("{} bytes", held));
  kernel_.pass_time([this] { return all_is_done(); });
  server_.reset();
  kernel_.every_process_has_ended();
  world_.books.each_request_was_answered();
  world_.books.what_a_worker_said_arrived(stop_us_);
  if (world_.mix.is_calm)
    world_.books.nobody_is_blamed_without_a_fault();
  for (const auto &client : clients_)
    client->leave();
  return {world_.books.violation(), world_.timeline.trace(), world_.books.asked()};
}

// When nothing goes wrong any more, everything is soon as the settings want it.
void Schedule::calm_down() {
  world_.is_quiet = true;
  const int64_t end_us = world_.timeline.now_us() + recovery_us;
  const Environment &environment = server_->environment();
  std::vector<const Pool *> lacking; // perhaps not at one moment: workers are replaced now and then
  for (const auto &pool : server_->pools())
    lacking.push_back(pool.get());
  const auto all_is_well = [&] {
    std::erase_if(lacking, [this](const Pool *pool) { return has_its_workers(*pool); });
    return lacking.empty() && environment.requests.in_use() == 0 &&
           environment.buffered_bytes() <= server_->connections() * idle_bytes &&
           kernel_.living("zygote") <= server_->pools().size();
  };
  pass([&] { return stops_ || all_is_well() || world_.timeline.now_us() >= end_us; });
  if (stops_ || world_.books.broken())
    return;
  for (const Pool *pool : lacking)
    world_.books.violated("a pool gets all of its workers again",
                          fmt::format("{} has {} of {} and spares", pool->name(),
                                      pool->dispatcher().idle(), pool->settings().worker_count()));
  if (environment.requests.in_use() > 0)
    world_.books.violated("nothing is in progress when all have their answers",
                          fmt::format("{} requests", environment.requests.in_use()));
  if (kernel_.living("zygote") > server_->pools().size())
    world_.books.violated("the zygotes of earlier generations go",
                          fmt::format("{} are left", kernel_.living("zygote")));
  if (!all_is_well())
    world_.books.violated("little is held when all have their answers",
                          fmt::format("{} bytes of {} connections", environment.buffered_bytes(),
                                      server_->connections()));
}

// Whatever has happened, it is over: one after the other, each client that is left gets what it asks for.
void Schedule::probe() {
  const Mix &mix = world_.mix;
  // What lies or hangs may not have been noticed yet.
  if (stops_ || world_.books.broken() || mix.lies > 0 || mix.zygote_faults > 0 ||
      mix.slow_forks > 0)
    return;
  const Timeline &timeline = world_.timeline;
  const auto wait_s = [&](int64_t seconds) {
    const int64_t end_us = timeline.now_us() + seconds * 1'000'000;
    pass([&] { return stops_ || timeline.now_us() >= end_us; });
  };
  wait_s(4); // for the last ends of workers to be told, and what slow readers have not seen
  if (server_->environment().counters.quarantines > 0) // of a user's evals, for as long
    wait_s(settings_.quarantine_minutes * 60);
  for (const auto &pool : server_->pools())
    pool->dispatcher().set_mode(Dispatcher::Mode::open);
  for (const auto &client : clients_) {
    if (stops_)
      return;
    client->probe();
    pass([&] { return stops_ || client->is_done(); });
  }
}

bool Schedule::has_its_workers(const Pool &pool) const {
  const Dispatcher &dispatcher = pool.dispatcher();
  const size_t spares =
      dispatcher.isolation() == Isolation::process ? pool.settings().spare_count() : 0;
  return pool.generation() > 0 && dispatcher.idle() >= pool.settings().worker_count() + spares;
}

int64_t Schedule::latency_us() { return world_.random.delay_us(20, 2000); }

// The master wakes up some time after the first thing that happened, or when a timer is due.
void Schedule::pass(const std::function<bool()> &until) {
  Timeline &timeline = world_.timeline;
  EventLoop &loop = server_->environment().loop;
  const int64_t end_us = timeline.now_us() + limit_us;
  std::optional<int64_t> wake_us = timeline.now_us(); // something happened that the master sees
  while (!until() && !world_.books.broken()) {
    const auto event_us = timeline.next_us(), timer_us = loop.next_timer_us();
    if (!wake_us && !event_us && !timer_us)
      return world_.books.violated("something goes on", "nobody will ever do anything");
    if (timeline.now_us() > end_us) {
      world_.books.no_reply_is_overdue(timeline.now_us());
      return world_.books.violated("a schedule ends", "it takes half an hour");
    }
    const int64_t round_us = std::min(wake_us.value_or(INT64_MAX), timer_us.value_or(INT64_MAX));
    if (event_us && *event_us <= round_us) {
      timeline.step();
      if (!wake_us)
        wake_us = timeline.now_us() + latency_us();
      continue;
    }
    timeline.pass_to(round_us);
    // As in the daemon, an exception ends it.
    const bool may_have_more = [&loop]() noexcept { return loop.run_round(false); }();
    wake_us = may_have_more ? std::optional(timeline.now_us() + world_.random.between(1, 20))
                            : std::nullopt;
    if (server_->environment().stopping()) // perhaps by itself: it could not start
      stop_daemon();
    if (!is_served_ && server_->environment().counters.connections_accepted > 0) {
      is_served_ = true;
      world_.books.serves_from(timeline.now_us());
    }
    world_.ears.prick();
    limits_hold();
    nothing_is_kept_of_who_is_gone();
  }
}

// 5: what the master holds is bounded by its configuration.
void Schedule::limits_hold() {
  const Environment &environment = server_->environment();
  const Settings &settings = environment.settings;
  size_t most_ahead = 0;
  for (const auto &pool : server_->pools()) {
    most_ahead = pool->settings().worker_count() * 32;
    const size_t most = static_cast<size_t>(pool->settings().queue) + most_ahead;
    if (pool->dispatcher().queued() > most)
      world_.books.violated("a queue has its limit",
                            fmt::format("{} of {}", pool->dispatcher().queued(), most));
  }
  const size_t connections = server_->connections();
  if (connections > static_cast<size_t>(settings.max_connections) + clients_.size())
    world_.books.violated("connections have their limit", fmt::format("{}", connections));
  const size_t most_in_flight = connections * static_cast<size_t>(settings.max_in_flight);
  const size_t most_bytes =
      environment.most_buffered_bytes() +
      clients_.size() * (static_cast<size_t>(settings.max_output_bytes) + 128 * 1024) +
      most_in_flight * 128 * 1024;
  if (environment.buffered_bytes() > most_bytes)
    world_.books.violated("buffered bytes have their limit",
                          fmt::format("{} of {}", environment.buffered_bytes(), most_bytes));
}

// Who has a user of his own leaves nothing on the account.
void Schedule::nothing_is_kept_of_who_is_gone() {
  const int64_t now_us = world_.timeline.now_us();
  for (const auto &client : clients_) {
    if (!client->clings() || now_us - Books::bound_us < client->gone_us())
      continue;
    const Account &account = *server_->environment().accounts.of(client->manners().user);
    if (account.connections > 0 || account.bytes > 0)
      world_.books.violated(
          "nothing is kept of a client that is gone",
          fmt::format("{} bytes, {} connections", account.bytes, account.connections));
  }
}

// 6: at the end nothing is in progress, and each request ended in one of three ways.
void Schedule::counters_add_up() {
  const Environment &environment = server_->environment();
  const Counters &counters = environment.counters;
  if (counters.idle_cpu_kills > world_.burners)
    world_.books.violated("an idle worker is killed only if it computes",
                          fmt::format("{} of {}", counters.idle_cpu_kills, world_.burners));
  if (world_.mix.kills == 0 && world_.mix.zygote_faults == 0 && counters.zygotes_failed > 0)
    world_.books.violated("a zygote that forks in time is not killed",
                          fmt::format("{} times", counters.zygotes_failed));
  // Whoever waited for the worker or did not, and whatever its page said.
  const bool all_is_told = world_.mix.kills == 0 && world_.mix.zygote_faults == 0;
  const auto faults = std::ranges::count_if(
      world_.faults_us, [this](int64_t time_us) { return time_us < stop_us_ - 1'000'000; });
  if (all_is_told && counters.worker_faults < static_cast<uint64_t>(faults))
    world_.books.violated("each fault of a worker is noticed",
                          fmt::format("{} of {}", counters.worker_faults, faults));
  if (counters.quarantined > 0 && counters.quarantines == 0)
    world_.books.violated("only what is quarantined is refused for that",
                          fmt::format("{} requests", counters.quarantined));
  if (counters.quarantines > 0 && settings_.quarantine_faults == 0)
    world_.books.violated("nothing is quarantined unless it is wanted",
                          fmt::format("{} times", counters.quarantines));
  if (environment.requests.in_use() != 0)
    world_.books.violated("nothing is in progress at the end",
                          fmt::format("{} requests", environment.requests.in_use()));
  const uint64_t ended = counters.results + counters.errors + counters.clients_gone;
  if (counters.requests != ended)
    world_.books.violated("counters add up", fmt::format("{} requests, {} results, {} errors, {} "
                                                         "clients gone",
                                                         counters.requests, counters.results,
                                                         counters.errors, counters.clients_gone));
}

Outcome run_schedule(const Mix &mix, uint64_t seed, bool traced) {
  folder();
  const size_t before = open_descriptors();
  Outcome outcome = Schedule(mix, seed, traced).run();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) // as the daemon left them
    ::signal(signal, SIG_DFL);
  const size_t after = open_descriptors();
  if (outcome.violation.empty() && after != before)
    outcome.violation =
        fmt::format("no descriptor is left open: {} before, {} after", before, after);
  return outcome;
}

} // namespace lethe::simulation
