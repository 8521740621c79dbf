// SPDX-License-Identifier: Apache-2.0
// A pool and its workers, as `stats` shows them.
#include "daemon/master/pools/pool.h"
#include "ipc/packer.h"

#include <algorithm>

namespace lethe {
namespace {

std::string_view mode_name(Dispatcher::Mode mode) {
  switch (mode) {
  case Dispatcher::Mode::open:
    return "open";
  case Dispatcher::Mode::paused:
    return "paused";
  case Dispatcher::Mode::drained:
    break;
  }
  return "drained";
}

void write_worker(Buffer &out, const WorkerProcess &worker, int64_t now_us) {
  MapWriter map;
  map.add("id", worker.id());
  map.add("pid", worker.pid());
  map.add("generation", worker.generation());
  map.add_text("state", worker.has_left() ? "leaving" : worker.state_name());
  map.add("served", worker.served);
  map.add("age_ms", (now_us - worker.born_us) / 1000);
  map.add("run_us", worker.run_us);
  const WorkerPage &page = worker.page();
  map.add("ready", page.ready.load());
  map.add("rewinds", page.rewinds.load());
  map.add("rewind_ns", page.rewind_ns.load());
  map.add("last_rewind_ns", page.last_rewind_ns.load());
  map.add("rewind_pages", page.rewind_pages.load());
  map.add("hot_pages", page.hot_pages.load());
  map.add("rewinds_verified", page.rewinds_verified.load());
  map.finish(out);
}

void write_texts(Buffer &out, const std::vector<std::string> &texts) {
  Packer packer(out);
  packer.pack_array(static_cast<uint32_t>(texts.size()));
  for (const std::string &text : texts)
    pack_string(packer, text);
}

} // namespace

void Pool::write_stats(Buffer &out, bool to_admin) const {
  MapWriter map;
  map.add_text("isolation", name_of(settings_.isolation));
  map.add_text("isolation_in_force", name_of(dispatcher_.isolation()));
  map.add_text("mode", mode_name(dispatcher_.mode()));
  map.add("generation", generation());
  map.add("zygote", zygote_ ? zygote_->pid() : -1);
  write_texts(map.key("sandbox"), zygote_ ? zygote_->confinement() : std::vector<std::string>());
  if (group_)
    map.add_text("cgroup", group_.folder());
  else
    Packer(map.key("cgroup")).pack_nil();
  map.add("scripts", scripts_.size());
  map.add("scripts_cold",
          std::ranges::count_if(scripts_, [](const auto &entry) { return entry.second.is_cold; }));
  map.add("layer_bytes", layer_bytes_);
  map.add("layer_garbage_bytes", layer_garbage_bytes_);
  map.add("workers", live_);
  map.add("workers_wanted", wanted_workers());
  map.add("forking", forking_.size());
  map.add("idle", dispatcher_.idle());
  map.add("running", dispatcher_.running());
  map.add("debugging", dispatcher_.debugging());
  map.add("queued", dispatcher_.queued());
  map.add("in_progress", dispatcher_.in_progress());
  map.add("zygote_failures_in_a_row", zygote_brake_.failures());
  map.add("worker_failures_in_a_row", worker_brake_.failures());
  // What each worker did last tells of other people's requests.
  Buffer &list = map.key("processes");
  Packer(list).pack_array(to_admin ? static_cast<uint32_t>(workers_.size()) : 0);
  for (const auto &[id, worker] : workers_)
    if (to_admin)
      write_worker(list, *worker, environment_.loop.now_us());
  map.finish(out);
}

} // namespace lethe
