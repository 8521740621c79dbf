// SPDX-License-Identifier: Apache-2.0
// Around each rewind: carry over, measure, verify.
#include "daemon/worker/memory/rewinder.h"
#include "daemon/worker/memory/fault_point.h"
#include "ipc/clock.h"
#include "ipc/invariant.h"

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <new>
#include <sys/wait.h>
#include <unistd.h>

namespace lethe {
namespace {

// One writer: no read-modify-write is needed.
void add(std::atomic<uint64_t> &counter, uint64_t amount) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

} // namespace

Rewinder *Rewinder::create(Arena &arena, const ZygoteSettings &settings) {
  void *memory = allocate_surviving(sizeof(Rewinder));
  auto *const rewinder = memory ? new (memory) Rewinder(arena, settings) : nullptr;
  return rewinder && rewinder->carried_ ? rewinder : nullptr;
}

Rewinder::Rewinder(Arena &arena, const ZygoteSettings &settings)
    : arena_(arena), image_settings_{.method = settings.rewind_scan,
                                     .most_touched_bytes =
                                         static_cast<size_t>(settings.rewind_max_mb) << 20,
                                     .is_for_forks = settings.isolation == Isolation::process,
                                     .mappable_begin = program_end(arena.begin())},
      verify_interval_(settings.rewind_verify > 0
                           ? static_cast<uint64_t>(std::lround(1 / settings.rewind_verify))
                           : 0) {
  carried_room_ = static_cast<size_t>(settings.max_message_bytes) + 2 * most_carried_bytes;
  carried_ = static_cast<char *>(allocate_surviving(carried_room_));
  if (settings.isolation == Isolation::rewind && settings.scripts_in_image > 0)
    layers_ = LayerStore::create(static_cast<size_t>(settings.resident_scripts_mb) << 20);
  // An image that is for forks is not kept: nobody listens. (A worker would touch this page for it.)
  if (image_settings_.is_for_forks)
    return;
  arena_.set_protection_listener(
      [](void *self, PageRange range) {
        auto &image = static_cast<Rewinder *>(self)->image_;
        if (image)
          image->note_protection(range);
      },
      this);
}

Result<Nothing> Rewinder::checkpoint(size_t spare_heap_bytes) {
  arena_.image_taken();
  image_settings_.spare_heap_bytes = spare_heap_bytes;
  auto image = MemoryImage::checkpoint(image_settings_, image_.get());
  if (!image)
    return image.error();
  if (!image_settings_.is_for_forks)
    image_ = std::move(*image);
  return Nothing{};
}

Result<Nothing> Rewinder::self_test(void (*request)(void *context), void *context) {
  invariant(image_, "an image is tested that was kept");
  constexpr int rounds = 3, did_not_adopt = 100; // else the exit status is the RewindFailure
  const pid_t child = ::fork();
  if (child == 0) {
    const sigset_t none{};
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::alarm(10);
    if (fault_point("self_test"))
      _exit(did_not_adopt);
    arm_faults(nullptr); // the others are for workers: here they would only be found first
    if (!open_files() || !image_->adopt())
      _exit(did_not_adopt);
    for (int round = 0; round < rounds; ++round) {
      request(context);
      if (const RewindFailure failure = image_->rewind(); failure != RewindFailure::none)
        _exit(static_cast<int>(failure));
      if (image_->first_difference() != 0)
        _exit(static_cast<int>(RewindFailure::verify_failed));
    }
    _exit(0);
  }
  if (child < 0)
    return Error(ErrorCode::internal, system_message("the self-test of the rewind: fork"));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0)
    return Nothing{};
  std::string reason = "it died";
  if (WIFEXITED(status))
    reason = WEXITSTATUS(status) == did_not_adopt
                 ? "the image can't be adopted"
                 : rewind_failure_name(static_cast<RewindFailure>(WEXITSTATUS(status)));
  return Error(ErrorCode::internal, "the self-test of the rewind failed: " + reason);
}

Result<Nothing> Rewinder::adopt(WorkerPage &page) {
  invariant(image_, "a worker adopts an image that its zygote has kept");
  page_ = &page;
  return image_->adopt();
}

// The channel's buffer lies in the heap: what it holds is copied to surviving memory, and put back
// afterwards.
void Rewinder::carry(std::string_view unread) {
  carried_bytes_ = unread.size();
  std::memcpy(carried_, unread.data(), carried_bytes_);
}

void Rewinder::put_back(Channel &channel) {
  if (carried_bytes_ == 0)
    return;
  channel.put_back({carried_, carried_bytes_});
  ::explicit_bzero(carried_, carried_bytes_); // other clients' requests
}

LayerStore::Record Rewinder::record_of(std::string_view script) const {
  LayerStore::Record record{};
  if (layers_ && layers_->is_used() && !script.empty())
    layers_->find(script, record);
  return record;
}

// With its layer on there is no need to look.
bool Rewinder::is_cold(std::string_view script) const {
  if (layer_.content)
    return false;
  const LayerStore::Record record = record_of(script);
  return !record.layer.content && !record.definition.empty();
}

bool Rewinder::make_ready_for(std::string_view script, const Frame &frame, Channel &channel) {
  const MemoryLayer layer = record_of(script).layer;
  // The frame, and what came behind it.
  const std::string_view unread(frame.body.data() - sizeof(FrameHeader),
                                sizeof(FrameHeader) + frame.body.size() + channel.unread().size());
  if (unread.size() > carried_room_)
    return fail(RewindFailure::too_much_touched);
  carry(unread);
  RewindFailure failure = image_->rewind();
  if (failure == RewindFailure::none)
    failure = image_->use_layer(layer);
  if (failure != RewindFailure::none)
    return fail(failure);
  layer_ = layer;
  put_back(channel);
  return true;
}

bool Rewinder::rewind(Channel &channel, uint32_t script) {
  invariant(page_, "memory goes back when the image was adopted");
  if (channel.unread().size() > most_carried_bytes)
    return fail(RewindFailure::too_much_touched);
  carry(channel.unread());
  const MemoryImage::Statistics &statistics = image_->statistics();
  const uint64_t begin = now_ns(), pages = statistics.pages_copied + statistics.pages_dropped,
                 dropped = statistics.pages_dropped, surveys = statistics.surveys;
  if (const RewindFailure failure = image_->rewind(script); failure != RewindFailure::none)
    return fail(failure);
  const uint64_t ns = now_ns() - begin;
  add(page_->rewinds, 1);
  add(page_->rewind_ns, ns);
  add(page_->rewind_pages, statistics.pages_copied + statistics.pages_dropped - pages);
  page_->hot_pages.store(static_cast<uint32_t>(statistics.hot_pages), std::memory_order_relaxed);
  if (statistics.surveys != surveys)
    page_->note_counted(statistics.changed_pages + statistics.pages_dropped - dropped);
  page_->last_rewind_ns.store(ns, std::memory_order_relaxed);
  if (verify_interval_ > 0 &&
      page_->rewinds.load(std::memory_order_relaxed) % verify_interval_ == 0) {
    if (fault_point("rewind.verify") || image_->first_difference() != 0)
      return fail(RewindFailure::verify_failed);
    add(page_->rewinds_verified, 1);
  }
  put_back(channel);
  return true;
}

bool Rewinder::fail(RewindFailure failure) {
  page_->death_detail.store(static_cast<uint32_t>(failure));
  page_->death_reason.store(DeathReason::rewind_failed);
  return false;
}

} // namespace lethe
