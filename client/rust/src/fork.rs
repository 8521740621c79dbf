// SPDX-License-Identifier: Apache-2.0
//! File descriptors that a forked child is not to have.
//!
//! A child that keeps a copy of a socket keeps the connection open when its parent has ended. So each such descriptor of a child
//! becomes one of /dev/null: its number stays taken, for whatever in the child believes that it owns it.

use std::os::unix::io::{AsRawFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};
use std::sync::Once;

/// In a list that only grows, as a child may not wait for a lock that its parent held. Those that are free are used again.
struct Slot {
    descriptor: AtomicI32,
    next: AtomicPtr<Slot>,
}

const FREE: RawFd = -1;
static FIRST: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());
static REGISTER: Once = Once::new();

/// Until it is dropped, which has to be before the descriptor is closed.
pub(crate) struct NotForChildren {
    slot: &'static Slot,
}

impl NotForChildren {
    pub(crate) fn new(descriptor: &impl AsRawFd) -> NotForChildren {
        // SAFETY: the handler does only what is safe in the child of a process with threads.
        REGISTER.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
        });
        let descriptor = descriptor.as_raw_fd();
        let taken = |slot: &&Slot| slot.descriptor.compare_exchange(FREE, descriptor, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        let slot = slots().find(taken).unwrap_or_else(|| {
            let slot = Box::leak(Box::new(Slot { descriptor: AtomicI32::new(descriptor), next: AtomicPtr::default() }));
            let mut first = FIRST.load(Ordering::Acquire);
            loop {
                slot.next.store(first, Ordering::Relaxed);
                match FIRST.compare_exchange(first, slot, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return slot,
                    Err(other) => first = other,
                }
            }
        });
        NotForChildren { slot }
    }
}

impl Drop for NotForChildren {
    fn drop(&mut self) {
        self.slot.descriptor.store(FREE, Ordering::Release);
    }
}

fn slots() -> impl Iterator<Item = &'static Slot> {
    // SAFETY: slots are never freed.
    let at = |pointer: &AtomicPtr<Slot>| unsafe { pointer.load(Ordering::Acquire).as_ref() };
    std::iter::successors(at(&FIRST), move |slot| at(&slot.next))
}

extern "C" fn in_child() {
    // SAFETY: system calls that may be made here, of descriptors that the parent has open.
    unsafe {
        let nothing = libc::open(b"/dev/null\0".as_ptr().cast(), libc::O_RDWR | libc::O_CLOEXEC);
        for slot in slots() {
            let descriptor = slot.descriptor.swap(FREE, Ordering::AcqRel);
            if descriptor != FREE && libc::dup3(nothing, descriptor, libc::O_CLOEXEC) < 0 {
                libc::close(descriptor);
            }
        }
        libc::close(nothing);
    }
}
