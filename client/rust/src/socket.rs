// SPDX-License-Identifier: Apache-2.0
//! The system calls that the standard library has no words for.

use std::io;
use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::io::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::fork::NotForChildren;

/// A socket that is connected and never waits, and that no child has.
pub(crate) struct Socket {
    pub(crate) _not_for_children: NotForChildren,
    pub(crate) stream: UnixStream,
}

impl Socket {
    /// Does not wait either: where too many wait to be let in, that is an error like others.
    pub(crate) fn connect(path: &Path) -> io::Result<Socket> {
        // SAFETY: plain system calls with an address of the length given.
        unsafe {
            let descriptor = checked(libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0))?;
            let stream = UnixStream::from_raw_fd(descriptor);
            let mut address: libc::sockaddr_un = mem::zeroed();
            address.sun_family = libc::AF_UNIX as libc::sa_family_t;
            let path = path.as_os_str().as_bytes();
            if path.len() >= address.sun_path.len() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is longer than a socket's may be"));
            }
            for (to, from) in address.sun_path.iter_mut().zip(path) {
                *to = *from as libc::c_char;
            }
            let address: *const libc::sockaddr_un = &address;
            checked(libc::connect(descriptor, address.cast(), mem::size_of::<libc::sockaddr_un>() as libc::socklen_t))?;
            Ok(Socket { _not_for_children: NotForChildren::new(&stream), stream })
        }
    }
}

/// Ends the connection of whoever has the socket.
pub(crate) fn shut_down(stream: &impl AsRawFd) {
    // SAFETY: a system call, of a descriptor that is open as long as the stream is.
    unsafe { libc::shutdown(stream.as_raw_fd(), libc::SHUT_RDWR) };
}

/// Wakes a thread that waits in wait().
pub(crate) struct Alarm {
    descriptor: OwnedFd,
}

impl Alarm {
    pub(crate) fn new() -> io::Result<Alarm> {
        // SAFETY: a new descriptor, which nobody else owns.
        let descriptor = unsafe { OwnedFd::from_raw_fd(checked(libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC))?) };
        Ok(Alarm { descriptor })
    }

    pub(crate) fn ring(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight bytes, as an eventfd takes them. If it is full, it rings already.
        unsafe { libc::write(self.descriptor.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    fn silence(&self) {
        let mut count = [0u8; 8];
        // SAFETY: eight bytes, as an eventfd gives them.
        unsafe { libc::read(self.descriptor.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

/// Waits until the socket has something (or, if `for_room`, takes something), the alarm rings, or the time is over.
pub(crate) fn wait(stream: &UnixStream, for_room: bool, alarm: &Alarm, timeout: Option<Duration>) -> io::Result<()> {
    let entry = |fd: RawFd, events| libc::pollfd { fd, events, revents: 0 };
    let wanted = if for_room { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
    let mut entries = [entry(stream.as_raw_fd(), wanted), entry(alarm.descriptor.as_raw_fd(), libc::POLLIN)];
    let limit = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().min(1 << 30) as libc::time_t,
        tv_nsec: timeout.subsec_nanos() as libc::c_long,
    });
    let limit = limit.as_ref().map_or(std::ptr::null(), |limit| limit as *const libc::timespec);
    // SAFETY: the entries and the limit are there while it waits.
    let result = unsafe { checked(libc::ppoll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, limit, std::ptr::null())) };
    if entries[1].revents != 0 {
        alarm.silence();
    }
    match result {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        result => result.map(drop),
    }
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
