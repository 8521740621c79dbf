// SPDX-License-Identifier: Apache-2.0
// The recorded image of all writable memory of this process, and the way back to it.
#pragma once

#include "daemon/engine/memory/pages.h"
#include "daemon/worker/memory/hot_pages.h"
#include "daemon/worker/memory/memory_layer.h"
#include "daemon/worker/memory/page_scanner.h"
#include "ipc/error.h"
#include "ipc/worker_page.h"

#include <algorithm>
#include <memory>
#include <span>
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
    // From where on a process may still map files once its sandbox is closed.
    uintptr_t mappable_begin = 0;
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
  // once a sandbox is closed; the last two only for layers.
  Result<Nothing> open_files();
  struct Files {
    int pagemap, statm, image, own;
  };
  Files files() const {
    return {scanner_.descriptor(), statm_.get(), file_.get(), own_file_.get()};
  }

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
  // Puts a layer on, in place of the last one. It may be anything that such a process has written, and
  // must stay where it is. To be called right after rewind().
  RewindFailure use_layer(const MemoryLayer &layer);

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
                          most_layer_pages = 8192, most_layer_ranges = 512, most_layer_runs = 512,
                          largest_page = 65536;

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
  // Of the layer that is on. Pages of which it has words are made of these and of the image's, in memory of
  // this process's own, and copied from there as hot pages; who is idle for long is mapped from there, and
  // is from then on as all pages are. Those that can't be are copied each time.
  struct LayerPage {
    uintptr_t address;
    size_t number;
    int protection; // with the layer
    bool can_be_mapped, is_mapped;
  };
  // Whole pages, mapped from the layer's file.
  struct LayerRun {
    PageRange range;
    size_t first_page;
    const char *source;
    size_t offset; // in the file
    int protection;
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
  struct LayerWriter;
  bool cool_layer();
  bool take_off();
  bool take_off_pages();
  bool make_hot(const LayerPage &page);
  bool map_image(PageRange range);
  bool read_layer(const MemoryLayer &layer);
  bool read_run(PageRange range, size_t offset);
  bool read_page(LayerReader &reader);
  bool put_on();
  bool map_layer_pages(const LayerPage *begin, const LayerPage *end);
  bool cool(PageRange idle);
  bool restore_copied();
  bool restore_protection(PageRange part, const Region &region);
  int protection_of(PageRange page, const Region &region) const;
  // Calls f(piece, protection) for the parts of one that lies in the region: with the layer that is on.
  template <typename F> bool for_each_protection(PageRange part, const Region &region, F f) const;
  // No process that runs scripts may map code.
  bool is_mappable(PageRange range, int protection, const Region &region) const {
    return range.begin >= settings_.mappable_begin && (protection & PROT_WRITE) &&
           !((protection | region.protection) & PROT_EXEC);
  }
  const LayerPage *layer_page_of(size_t number) const;
  char *layer_memory_of(const LayerPage &page) const {
    return layer_memory_ + static_cast<size_t>(&page - layer_pages_) * page_bytes_;
  }
  const char *layer_of(size_t number) const; // null: the layer has not changed the page
  bool is_put_back(size_t number) const;     // without being dropped
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
  bool add_to_overlay(PageRange page, const Region &region);

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
  // Of this process's own: the overlay's pages, then the layer's.
  FileDescriptor own_file_;
  // The pages that differ from the image, which are mapped over them, so that they go back as all others
  // do; and their numbers, ascending.
  char *overlay_ = nullptr;
  size_t overlay_count_ = 0, overlay_numbers_[most_overlay_pages];
  // The layer that is on, in the order of addresses.
  MemoryLayer layer_;
  char *layer_memory_ = nullptr; // its pages as they are with it
  size_t layer_count_ = 0, layer_run_count_ = 0, layer_range_count_ = 0;
  uint64_t layer_pages_copied_ = 0;
  bool layer_is_touched_ = false; // protections were changed since it was put on or back
  LayerPage layer_pages_[most_layer_pages];
  LayerRun layer_runs_[most_layer_runs];
  LayerRange layer_ranges_[most_layer_ranges];
  class LastLayer { // while another one takes its place
  public:
    void take(MemoryImage &image);
    std::span<const LayerPage> pages() const { return {pages_, page_count_}; }
    std::span<const LayerRun> runs() const { return {runs_, run_count_}; }
    std::span<const LayerRange> ranges() const { return {ranges_, range_count_}; }
    bool has(const LayerRange &wanted) const;

  private:
    size_t page_count_ = 0, run_count_ = 0, range_count_ = 0;
    LayerPage pages_[most_layer_pages];
    LayerRun runs_[most_layer_runs];
    LayerRange ranges_[most_layer_ranges];
  } last_layer_;
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
