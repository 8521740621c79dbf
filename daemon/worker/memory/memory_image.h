// SPDX-License-Identifier: Apache-2.0
// The recorded image of all writable memory of this process, and the way back to it.
#pragma once

#include "daemon/engine/memory/pages.h"
#include "daemon/worker/memory/hot_pages.h"
#include "daemon/worker/memory/page_scanner.h"
#include "ipc/error.h"
#include "ipc/worker_page.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <sys/mman.h>

namespace lethe {

// What goes back: the heap, .data and .bss of each library, thread-local memory, every private
// mapping. Left out: the stack (its dead part is wiped), shared mappings, and memory from
// allocate_surviving().
//
// Life: the zygote calls checkpoint() once all is loaded; the pages that have content are written
// into a sealed memfd and mapped back privately. A forked worker calls adopt() when it is ready for
// its first request, and rewind() after each one. One thread, always.
//
// How changed pages are known without looking at all of them: the first write to a page is a page
// fault, which the kernel counts. If the count did not move, only pages that had been written
// before, the hot ones, can have changed: they are copied from the image and stay mapped, so that
// the next request has no fault. If it moved, the scanner looks. Hot pages that nobody writes any
// more are dropped (hot_pages.h).
//
// A process that is only forked is better off with an image, too: of memory that has a file behind
// it fork copies no page tables. Then memory that relocation wrote before it became read-only
// belongs to it as well.
//
// A layer is what a process has changed beyond the image by one task, as loading a script: words at
// addresses, and protections. Another process of the same image can put it on, and goes back to image
// and layer from then on, until it puts on another one.
//
// rewind() allocates nothing and calls nothing that writes into memory that it puts back. What a
// caller keeps on its stack across it must own no memory.
class MemoryImage {
public:
  struct Settings {
    ScanMethod method = ScanMethod::automatic; // the best to try
    size_t most_touched_bytes = SIZE_MAX;      // more than that: too_much_touched
    bool is_for_forks = false;                 // not to be rewound
    // Free room that malloc finds at the checkpoint: an ordinary request then needs no brk. Whoever writes
    // a layer has no more than this.
    size_t spare_heap_bytes = size_t{1} << 20;
  };
  struct Statistics {
    uint64_t rewinds = 0, scans = 0, pages_copied = 0, pages_dropped = 0;
    uint64_t surveys = 0;     // of the hot pages
    size_t changed_pages = 0; // of them, by the request before the last survey
    size_t hot_pages = 0, overlay_pages = 0, image_pages = 0, layer_pages = 0;
  };
  struct Deleter {
    void operator()(MemoryImage *image) const;
  };
  using Owner = std::unique_ptr<MemoryImage, Deleter>;

  // Records this process. `previous` is the image that it was forked with, if any, which may go
  // afterwards.
  static Result<Owner> checkpoint(const Settings &settings, const MemoryImage *previous);

  // In a forked process: opens what it needs. These must stay open, and can't be opened any more
  // once a sandbox is closed.
  Result<Nothing> open_files();
  struct Files {
    int pagemap, statm;
  };
  Files files() const { return {scanner_.descriptor(), statm_.get()}; }

  // In a forked process, after open_files(): what its parent has changed since the checkpoint is gone,
  // but for the stack, and what the C library keeps of the thread itself. What the caller keeps must
  // lie on the stack, and own no memory. False with errno.
  bool return_to_checkpoint();

  // In a forked worker, after open_files() and before its sandbox: from now on the checkpoint is this
  // very moment. What differs from the image becomes the worker's overlay.
  Result<Nothing> adopt();

  // After a request that ran that script: a number for it, 0: none that comes again.
  RewindFailure rewind(uint32_t script = 0);

  // In a process that has adopted: writes what it has changed since then into a file, as a layer. How
  // many bytes. An error: it has done what no layer can hold.
  Result<size_t> write_layer(const FileDescriptor &file);
  // Puts a layer on, in place of the last one; null: none. It may be anything that such a process has
  // written, and must stay where it is. To be called right after rewind().
  RewindFailure use_layer(const char *layer);

  // Compares all memory with the checkpoint, and the stack's dead part with zeros; to be called right
  // after rewind(). The first page that differs, or 0.
  uintptr_t first_difference();

  // To be told of each change of protection of memory that the image holds.
  void note_protection(PageRange range);

  const Statistics &statistics() const { return statistics_; }
  ScanMethod method() const { return settings_.method; }

private:
  static constexpr size_t most_regions = 8192, most_ranges = 512, most_runs = 4096,
                          most_protection_changes = 64, most_overlay_pages = 512,
                          most_layer_pages = 8192, most_layer_ranges = 512, largest_page = 65536;

  // One mapping as it was at the checkpoint. The pages of all regions are numbered through: page n
  // is at n * page size in the memfd.
  struct Region {
    PageRange range;
    int protection;
    bool is_in_file; // else it had no content: dropping its pages makes them zero again
    size_t first_page;
    bool is_unused() const { return !is_in_file && protection == PROT_NONE; }
  };
  // Adjoining regions in one piece. Behind `reached` all are unused: what a request has there goes
  // with the protections that it changed.
  struct ScanRange {
    PageRange range;
    uintptr_t reached;
    uintptr_t layer_reached = 0; // the same of the layer that is on
    uintptr_t end() const { return std::max(reached, layer_reached); }
  };
  // Pages that are dropped together: changed ones, and unchanged ones between them, no more than
  // the kernel maps at a time.
  struct ColdRange {
    PageRange range;
    const Region *region = nullptr;
    size_t pages = 0; // changed
  };
  // Of the layer that is on.
  struct LayerPage {
    uintptr_t address;
    size_t number;
    int protection; // with the layer
  };
  struct LayerRange {
    PageRange range;
    int protection;
  };
  MemoryImage(const Settings &settings, PageScanner scanner);

  // checkpoint
  bool record_regions(const MemoryImage *previous);
  bool is_recorded(const Mapping &mapping, const MemoryImage *previous);
  bool record_all_but_guards(const Mapping &mapping);
  bool record_region(PageRange range, const Mapping &mapping);
  bool make_file();
  bool find_content(const MemoryImage *previous);
  bool write_content();
  void use_huge_pages();
  bool map_content();
  // rewind
  bool wipe_deep_stack(uintptr_t frame, bool had_faults);
  bool find_reached_stack(PageRange kept);
  uintptr_t stack_difference(uintptr_t frame) const;
  bool restore_break();
  bool restore_protections();
  bool mappings_changed() const;
  RewindFailure find_changed(HotPages::Keep keep, uint32_t script);
  bool take_run(PageRange run, HotPages::Keep keep, uint32_t script, ColdRange &cold);
  bool restore_hot_pages(uint32_t script);
  // layers
  struct LayerReader;
  bool read_layer(LayerReader &reader);
  bool read_layer_page(LayerReader &reader);
  bool take_off(const LayerPage *pages, size_t count);
  bool put_on_layer();
  bool restore_layer();
  bool restore_protection(PageRange part, const Region &region);
  int layer_protection_of(PageRange page, const Region &region) const;
  char *layer_page(size_t index) { return layer_memory_ + index * page_bytes_; }
  const char *layer_of(size_t number) const; // null: the layer has not changed the page
  bool drop(PageRange range);
  bool drop(PageRange range, size_t touched_pages);
  bool drop_unused(PageRange range);
  bool drop_cold(ColdRange &pending);
  bool drop_everything();

  // Calls f(run) for each run of changed pages. False: the scan failed, or f returned false.
  template <typename F> bool for_each_changed_in(PageRange range, F f);
  // Of all ranges, up to where they are used: after restore_protections() nothing can have changed
  // behind that.
  template <typename F> bool for_each_changed(F f);
  // Calls f(part, region) for the parts of `range` that lie in a region.
  template <typename F> bool for_each_part(PageRange range, F f) const;
  size_t page_number(uintptr_t address, const Region &region) const {
    return region.first_page + (address - region.range.begin) / page_bytes_;
  }
  const char *image_of(const Region &region, size_t number) const;
  const char *image_below_layer(const Region &region, size_t number) const;
  const char *overlay_of(size_t number) const; // null: the page is as in the image
  bool add_to_overlay(const FileDescriptor &file, PageRange page, const Region &region);

  Settings settings_;
  PageScanner scanner_;
  FileDescriptor file_, statm_;
  PageRange view_; // the memfd, read-only
  size_t page_bytes_ = page_bytes(), page_count_ = 0;
  size_t region_count_ = 0, range_count_ = 0, protection_change_count_ = 0;
  uint64_t faults_ = 0;                   // page faults up to the last rewind
  uintptr_t stack_reached_ = UINTPTR_MAX; // the lowest page of its kept part that is in memory
  uintptr_t stack_needed_ = UINTPTR_MAX;  // the lowest that was written in this window of rewinds
  size_t touched_bytes_ = 0;              // by the request that is being rewound
  long address_space_pages_ = 0;
  uintptr_t break_ = 0;
  bool can_populate_ = false; // see populate()
  // The pages that differ from the image, in a file of this process's own that is mapped over them,
  // so that they go back as all others do; and their numbers, ascending.
  char *overlay_ = nullptr;
  size_t overlay_count_ = 0, overlay_numbers_[most_overlay_pages];
  // The layer that is on: its pages as they are with it, in the order of their addresses, in memory of
  // this process's own.
  const char *layer_ = nullptr;
  char *layer_memory_ = nullptr;
  size_t layer_count_ = 0, layer_range_count_ = 0;
  uint64_t layer_pages_copied_ = 0;
  bool layer_is_touched_ = false; // protections were changed since it was put on or back
  LayerPage layer_pages_[most_layer_pages], last_layer_pages_[most_layer_pages];
  LayerRange layer_ranges_[most_layer_ranges];
  Statistics statistics_;

  Region regions_[most_regions];
  ScanRange ranges_[most_ranges];
  PageRange protection_changes_[most_protection_changes];
  PageRange runs_[most_runs];
  Mapping mappings_[most_regions];
  PageBits has_content_;
  HotPages hot_;
  char zero_page_[largest_page];
};

} // namespace lethe
