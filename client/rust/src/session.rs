// SPDX-License-Identifier: Apache-2.0
//! What is in flight, without a socket, threads or a runtime: which bytes to send, and what received bytes mean.
//!
//! ```text
//! begin() ─▶ held ─▶ queued ─▶ writing ─▶ sent ─▶ done
//!            │ more than the daemon takes  │        ▲ reply, or the connection is lost
//!            └──────────── unsent ─────────┘────────┘ deadline, cancelled, refused
//! ```
//!
//! A request that is held or queued survives the loss of a connection, as nothing of it was sent: it goes out on the next one. That
//! of which a part was sent, or the whole, does not.

use std::collections::{HashMap, VecDeque};
use std::io::IoSlice;
use std::task::Waker;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;
use serde::Serialize;

use crate::decode::{self, Framer, NotUnderstood};
use crate::encode;
use crate::error::{Error, Result};
use crate::options::{ConsoleLine, HostError, Report, Stats};
use crate::value::Value;

/// The host calls of the daemon have ids from here on.
const HOST_IDS: u32 = 1 << 30;
/// A message begins [0, id as four bytes, …
const HEAD: [u8; 7] = [0x94, 0, 0xce, 0, 0, 0, 0];
/// So many messages are written at once at most.
const AT_ONCE: usize = 64;

/// A request as it goes out.
pub(crate) struct Outgoing {
    /// The whole message, but for the id.
    pub(crate) message: Vec<u8>,
    /// The deadline; the message ends with four bytes for what is left of it, in milliseconds.
    pub(crate) end: Option<Instant>,
    /// Those of host functions don't wait until others have ended, which may be those that wait for them.
    pub(crate) urgent: bool,
    pub(crate) report: Option<Report>,
}

impl Outgoing {
    /// The head of a message, after which method and parameters follow.
    pub(crate) fn head() -> Vec<u8> {
        HEAD.to_vec()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// More are in flight than the daemon takes.
    Held,
    /// Nothing of it was sent.
    Queued,
    /// A part of it was sent.
    Writing,
    Sent,
    Done,
}

struct Entry {
    stage: Stage,
    /// Until it is being written.
    message: Vec<u8>,
    end: Option<Instant>,
    /// Until when a connection is waited for.
    connect_until: Instant,
    report: Option<Report>,
    host_calls: Vec<HostCall>,
    outcome: Option<Result<Vec<u8>>>,
    waker: Option<Waker>,
}

/// A script's `await host.call(name, …)`.
pub(crate) struct HostCall {
    pub(crate) id: u32,
    pub(crate) name: String,
    /// An array.
    pub(crate) args: Vec<u8>,
}

/// What there is for who waits for a request.
pub(crate) enum News {
    Nothing,
    HostCalls(Vec<HostCall>),
    Outcome(Result<Vec<u8>>),
}

/// What is to be written: a request, or a notification or an answer, which belong to this connection.
enum Piece {
    Request(u32),
    Other(Vec<u8>),
}

pub(crate) struct Session {
    last: u32,
    entries: HashMap<u32, Entry>,
    /// Queued, being written or sent, and not done.
    in_flight: usize,
    max_in_flight: usize,
    held: VecDeque<u32>,
    output: VecDeque<Piece>,
    /// How much of the first piece was written.
    written: usize,
    received: Vec<u8>,
    framer: Framer,
    connect_timeout: Duration,
    /// Whether there is a connection, or why not.
    connected: bool,
    trouble: String,
    closed: bool,
    /// To be woken once the lock is free.
    pub(crate) wakes: Vec<Waker>,
}

impl Session {
    pub(crate) fn new(max_in_flight: usize, connect_timeout: Duration) -> Session {
        Session {
            last: 0,
            entries: HashMap::new(),
            in_flight: 0,
            max_in_flight,
            held: VecDeque::new(),
            output: VecDeque::new(),
            written: 0,
            received: Vec::new(),
            framer: Framer::default(),
            connect_timeout,
            connected: false,
            trouble: String::from("the deadline was over"),
            closed: false,
            wakes: Vec::new(),
        }
    }

    // --- requests

    /// Puts a request on its way. It is to be forgotten by forget().
    pub(crate) fn begin(&mut self, outgoing: Outgoing, now: Instant) -> Result<u32> {
        if self.closed {
            return Err(Error::cancelled("the connection was closed"));
        }
        let id = self.free_id();
        let Outgoing { mut message, end, urgent, report } = outgoing;
        message[3..7].copy_from_slice(&id.to_be_bytes());
        let room = urgent || self.in_flight < self.max_in_flight;
        self.entries.insert(
            id,
            Entry {
                stage: if room { Stage::Queued } else { Stage::Held },
                message,
                end,
                connect_until: now + self.connect_timeout,
                report,
                host_calls: Vec::new(),
                outcome: None,
                waker: None,
            },
        );
        if room {
            self.in_flight += 1;
            self.output.push_back(Piece::Request(id));
        } else {
            self.held.push_back(id);
        }
        Ok(id)
    }

    fn free_id(&mut self) -> u32 {
        loop {
            self.last = if self.last + 1 < HOST_IDS { self.last + 1 } else { 1 };
            if !self.entries.contains_key(&self.last) {
                return self.last;
            }
        }
    }

    /// What has come for a request. Nothing: `waker` is woken when something comes.
    pub(crate) fn poll(&mut self, id: u32, waker: &Waker) -> News {
        let entry = match self.entries.get_mut(&id) {
            Some(entry) => entry,
            None => return News::Outcome(Err(Error::cancelled("the request was forgotten"))),
        };
        if !entry.host_calls.is_empty() {
            return News::HostCalls(std::mem::take(&mut entry.host_calls));
        }
        if let Some(outcome) = entry.outcome.take() {
            return News::Outcome(outcome);
        }
        match &entry.waker {
            Some(known) if known.will_wake(waker) => {}
            _ => entry.waker = Some(waker.clone()),
        }
        News::Nothing
    }

    /// The deadline is over. Nothing happens if it is being run: the daemon keeps the deadline.
    pub(crate) fn expire(&mut self, id: u32) {
        if self.is_unsent(id) {
            let error = self.too_late();
            self.withdraw(id, error);
        }
    }

    /// The daemon has not kept the deadline.
    pub(crate) fn give_up(&mut self, id: u32) {
        let sent = self.entries.get(&id).map_or(false, |entry| entry.stage == Stage::Sent);
        let error = match sent {
            true => Error::late("the daemon did not answer in time; the request may have been run", "waiting"),
            false => Error::late("the daemon did not take the request in time", "connecting"),
        };
        self.cancel_sent(id);
        self.finish(id, Err(error));
    }

    fn too_late(&self) -> Error {
        if self.connected {
            Error::late("the deadline was over before the request could be sent", "connecting")
        } else {
            Error::lost(self.trouble.clone(), false)
        }
    }

    /// Its reply, mostly [`Error::Cancelled`], still comes, unless it was not sent.
    pub(crate) fn cancel(&mut self, id: u32) {
        if self.is_unsent(id) {
            self.withdraw(id, Error::cancelled("it was cancelled before it was sent"));
        } else {
            self.cancel_sent(id);
        }
    }

    /// Nobody waits for it any more.
    pub(crate) fn forget(&mut self, id: u32) {
        self.cancel(id);
        self.finish(id, Err(Error::cancelled("nobody waits for it")));
        let entry = self.entries.remove(&id);
        if let (Some(first), Some(entry)) = (self.output.front_mut(), entry) {
            if self.written > 0 && matches!(first, Piece::Request(each) if *each == id) {
                *first = Piece::Other(entry.message); // what has begun has to go out as a whole
            }
        }
    }

    fn is_unsent(&self, id: u32) -> bool {
        self.entries.get(&id).map_or(false, |entry| matches!(entry.stage, Stage::Held | Stage::Queued))
    }

    /// Ends a request of which nothing was sent.
    fn withdraw(&mut self, id: u32, error: Error) {
        self.held.retain(|each| *each != id);
        self.output.retain(|piece| !matches!(piece, Piece::Request(each) if *each == id));
        self.finish(id, Err(error));
    }

    fn cancel_sent(&mut self, id: u32) {
        let stage = self.entries.get(&id).map(|entry| entry.stage);
        if matches!(stage, Some(Stage::Writing | Stage::Sent)) {
            self.output.push_back(Piece::Other(packed(&(2, "cancel", [id]))));
        }
    }

    fn finish(&mut self, id: u32, outcome: Result<Vec<u8>>) {
        let entry = match self.entries.get_mut(&id) {
            Some(entry) if entry.stage != Stage::Done => entry,
            _ => return,
        };
        if entry.stage != Stage::Held {
            self.in_flight -= 1;
        }
        if entry.stage != Stage::Writing {
            entry.message = Vec::new();
        }
        entry.stage = Stage::Done;
        entry.outcome = Some(outcome);
        self.wakes.extend(entry.waker.take());
        while self.in_flight < self.max_in_flight {
            match self.held.pop_front() {
                Some(id) => self.queue(id),
                None => break,
            }
        }
    }

    fn queue(&mut self, id: u32) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.stage = Stage::Queued;
            self.in_flight += 1;
            self.output.push_back(Piece::Request(id));
        }
    }

    /// The answer to a host call of a request, if that has not ended.
    pub(crate) fn answer(&mut self, request: u32, host_call: u32, result: std::result::Result<Vec<u8>, HostError>) {
        let in_flight = self.entries.get(&request).map_or(false, |entry| entry.stage == Stage::Sent);
        if in_flight {
            let answer = answer(host_call, result);
            self.output.push_back(Piece::Other(answer));
        }
    }

    // --- output

    /// Whether there is something to write on this connection.
    pub(crate) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether a connection has to be made for what waits.
    pub(crate) fn wants_connection(&self) -> bool {
        !self.closed && (self.has_output() || !self.held.is_empty())
    }

    /// Puts what is left of their deadlines into the messages that are written next, and ends those whose time is over.
    pub(crate) fn prepare(&mut self, now: Instant) {
        let mut late = Vec::new();
        for piece in self.output.iter().take(AT_ONCE) {
            let id = match piece {
                Piece::Request(id) => *id,
                Piece::Other(_) => continue,
            };
            match self.entries.get_mut(&id) {
                Some(Entry { stage: Stage::Queued, end: Some(end), message, .. }) => {
                    let left = end.saturating_duration_since(now);
                    if left.is_zero() {
                        late.push(id);
                    }
                    let millis = u32::try_from((left + Duration::from_micros(500)).as_millis()).unwrap_or(u32::MAX).max(1);
                    let digits = message.len() - 4;
                    message[digits..].copy_from_slice(&millis.to_be_bytes());
                }
                _ => continue,
            }
        }
        late.into_iter().for_each(|id| self.expire(id));
    }

    /// What is to be written next, after prepare().
    pub(crate) fn slices<'a>(&'a self, slices: &mut Vec<IoSlice<'a>>) {
        let mut skip = self.written;
        for piece in self.output.iter().take(AT_ONCE) {
            let bytes = self.bytes_of(piece);
            slices.push(IoSlice::new(&bytes[skip..]));
            skip = 0;
        }
    }

    fn bytes_of<'a>(&'a self, piece: &'a Piece) -> &'a [u8] {
        match piece {
            Piece::Request(id) => self.entries.get(id).map_or(&[], |entry| &entry.message),
            Piece::Other(bytes) => bytes,
        }
    }

    /// So many bytes of slices() were written.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        while let Some(piece) = self.output.front() {
            let length = self.bytes_of(piece).len();
            let id = match piece {
                Piece::Request(id) => Some(*id),
                Piece::Other(_) => None,
            };
            let whole = self.written >= length;
            if whole {
                self.written -= length;
                self.output.pop_front();
            } else if self.written == 0 {
                return;
            }
            if let Some(entry) = id.and_then(|id| self.entries.get_mut(&id)) {
                if whole {
                    entry.message = Vec::new();
                }
                if entry.stage != Stage::Done {
                    entry.stage = if whole { Stage::Sent } else { Stage::Writing };
                }
            }
            if !whole {
                return;
            }
        }
    }

    // --- the connection

    pub(crate) fn connected(&mut self) {
        self.connected = true;
    }

    /// Connecting has failed, and the next attempt is at `next`: who does not wait so long gets an error.
    pub(crate) fn refused(&mut self, next: Instant, reason: String) {
        self.trouble = reason;
        let late = |entry: &Entry| entry.connect_until < next || entry.end.map_or(false, |end| end < next);
        let given_up: Vec<u32> = self.entries.iter().filter(|(_, entry)| late(entry)).map(|(id, _)| *id).collect();
        for id in given_up {
            if self.is_unsent(id) {
                let error = Error::lost(self.trouble.clone(), false);
                self.withdraw(id, error);
            }
        }
    }

    /// The connection has ended, and what was sent with it. What was not goes out on the next.
    pub(crate) fn lost(&mut self, reason: &str, now: Instant) {
        self.connected = false;
        self.trouble = format!("the connection to the daemon ended ({reason})");
        self.output.retain(|piece| matches!(piece, Piece::Request(_)));
        self.written = 0;
        self.received.clear();
        self.framer = Framer::default();
        let connect_until = now + self.connect_timeout;
        self.entries.values_mut().for_each(|entry| entry.connect_until = connect_until);
        self.end_all(|entry| match entry.stage {
            Stage::Sent => Some((true, "the request may have been run")),
            Stage::Writing => Some((false, "the request was not sent as a whole")),
            _ => None,
        });
        let entries = &self.entries;
        let queued = |id: &u32| entries.get(id).map_or(false, |entry| entry.stage == Stage::Queued);
        self.output.retain(|piece| matches!(piece, Piece::Request(id) if queued(id)));
    }

    #[cfg(feature = "tokio")]
    /// Nobody makes a connection any more for what was not sent.
    pub(crate) fn abandon(&mut self) {
        self.end_all(|entry| match entry.stage {
            Stage::Held | Stage::Queued => Some((false, "the request was not sent")),
            _ => None,
        });
        self.output.clear();
        self.held.clear();
    }

    fn end_all(&mut self, fate: impl Fn(&Entry) -> Option<(bool, &'static str)>) {
        let fates: Vec<_> = self.entries.iter().filter_map(|(id, entry)| Some((*id, fate(entry)?))).collect();
        for (id, (sent, consequence)) in fates {
            let error = Error::lost(format!("{}: {consequence}", self.trouble), sent);
            self.finish(id, Err(error));
        }
    }

    /// This side closes the connection, for good.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.connected = false;
        self.held.clear();
        self.output.clear();
        self.written = 0;
        for id in self.entries.keys().copied().collect::<Vec<u32>>() {
            self.finish(id, Err(Error::cancelled("the connection was closed")));
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Wakes one of those who wait, but not who asks.
    pub(crate) fn wake_another(&mut self, asks: &Waker) {
        let another = self.entries.values_mut().find(|entry| entry.waker.as_ref().map_or(false, |waker| !waker.will_wake(asks)));
        self.wakes.extend(another.and_then(|entry| entry.waker.take()));
    }

    // --- input

    /// Takes in what has come.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> std::result::Result<(), NotUnderstood> {
        let mut received = std::mem::take(&mut self.received);
        let all = if received.is_empty() {
            bytes
        } else {
            received.extend_from_slice(bytes);
            &received
        };
        let mut taken = 0;
        while let Some(end) = self.framer.end(&all[taken..])? {
            self.take(&all[taken..taken + end])?;
            taken += end;
        }
        if received.is_empty() {
            received.extend_from_slice(&bytes[taken..]);
        } else {
            received.drain(..taken);
        }
        self.received = received;
        Ok(())
    }

    fn take(&mut self, message: &[u8]) -> std::result::Result<(), NotUnderstood> {
        let mut rest = message;
        rmp::decode::read_array_len(&mut rest).map_err(|_| NotUnderstood)?;
        let kind: u8 = rmp::decode::read_int(&mut rest).map_err(|_| NotUnderstood)?;
        match kind {
            0 => self.take_request(rest),
            1 => self.take_response(rest),
            2 => self.take_notification(rest),
            _ => Err(NotUnderstood),
        }
    }

    fn take_response(&mut self, mut rest: &[u8]) -> std::result::Result<(), NotUnderstood> {
        let id: u32 = rmp::decode::read_int(&mut rest).map_err(|_| NotUnderstood)?;
        let (error, result) = decode::split(rest)?;
        let outcome = match error {
            [0xc0] => Ok(result.to_vec()),
            error => Err(decode::value(error).map_or_else(|unreadable| unreadable, Error::from_reply)),
        };
        self.finish(id, outcome);
        Ok(())
    }

    fn take_notification(&mut self, rest: &[u8]) -> std::result::Result<(), NotUnderstood> {
        let (method, params) = decode::split(rest)?;
        let method: String = understood(method)?;
        if method == "console" {
            let (id, level, text): (u32, String, String) = understood(params)?;
            if let Some(report) = self.report_of(id) {
                report.add_line(ConsoleLine { level, text });
            }
        } else if method == "stats" {
            let (id, _): (u32, IgnoredAny) = understood(params)?;
            if let Some(report) = self.report_of(id) {
                if let Ok((_, stats)) = decode::value::<(u32, Stats)>(params) {
                    report.set_stats(stats);
                }
            }
        }
        Ok(())
    }

    fn report_of(&self, id: u32) -> Option<&Report> {
        self.entries.get(&id)?.report.as_ref()
    }

    fn take_request(&mut self, mut rest: &[u8]) -> std::result::Result<(), NotUnderstood> {
        let id: u32 = rmp::decode::read_int(&mut rest).map_err(|_| NotUnderstood)?;
        let (method, mut params) = decode::split(rest)?;
        let method: String = understood(method)?;
        if method != "host.call" {
            let error = HostError::new("there is only host.call").code("unknown_method");
            self.output.push_back(Piece::Other(answer(id, Err(error))));
            return Ok(());
        }
        rmp::decode::read_array_len(&mut params).map_err(|_| NotUnderstood)?;
        let request: u32 = rmp::decode::read_int(&mut params).map_err(|_| NotUnderstood)?;
        let (name, args) = decode::split(params)?;
        let name = understood(name)?;
        if let Some(entry) = self.entries.get_mut(&request) {
            if entry.stage == Stage::Sent {
                entry.host_calls.push(HostCall { id, name, args: args.to_vec() });
                self.wakes.extend(entry.waker.take());
            }
        }
        Ok(())
    }
}

/// The answer to a host call; an error if what the error has can't be sent.
fn answer(host_call: u32, result: std::result::Result<Vec<u8>, HostError>) -> Vec<u8> {
    let mut answer = vec![0x94, 1, 0xce];
    answer.extend_from_slice(&host_call.to_be_bytes());
    match result {
        Ok(value) => {
            answer.push(0xc0);
            answer.extend_from_slice(&value);
        }
        Err(HostError { properties }) => {
            if let Err(error) = encode::append(&mut answer, &Value::Map(properties), encode::MAX_DEPTH) {
                let plain = HostError::new(error.to_string()).code(error.code());
                answer.extend_from_slice(&packed(&Value::Map(plain.properties)));
            }
            answer.push(0xc0);
        }
    }
    answer
}

fn understood<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> std::result::Result<T, NotUnderstood> {
    decode::value(bytes).map_err(|_| NotUnderstood)
}

/// What always can be sent.
fn packed<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let packed = encode::append(&mut bytes, value, usize::MAX);
    debug_assert!(packed.is_ok());
    bytes
}
