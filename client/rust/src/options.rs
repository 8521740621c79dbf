// SPDX-License-Identifier: Apache-2.0
//! What a program says of its connection, its requests and its scripts.

use std::collections::hash_map::RandomState;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::encode;
use crate::error::{Error, Result};
use crate::value::{to_value, Value};

/// The daemon closes a connection that sends more, unless it is configured so.
const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// More it refuses.
const MAX_IN_FLIGHT: usize = 256;

/// How to connect.
///
/// ```no_run
/// use std::time::Duration;
/// use lethe::Connect;
///
/// let js = Connect::new().socket("/run/lethe/lethe.sock").connect_timeout(Duration::from_secs(1)).open()?;
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone)]
pub struct Connect {
    pub(crate) socket: Option<PathBuf>,
    pub(crate) private: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) retry: Arc<dyn RetryPolicy>,
    pub(crate) max_in_flight: usize,
    pub(crate) max_message_bytes: usize,
    pub(crate) max_depth: usize,
}

impl Connect {
    /// To `$LETHE_SOCKET`, else /run/lethe/lethe.sock.
    pub fn new() -> Connect {
        Connect {
            socket: None,
            private: false,
            connect_timeout: Duration::from_secs(3),
            retry: Arc::new(Retry::default()),
            max_in_flight: MAX_IN_FLIGHT,
            max_message_bytes: MAX_MESSAGE_BYTES,
            max_depth: encode::MAX_DEPTH,
        }
    }

    /// Where the daemon listens.
    #[must_use]
    pub fn socket(mut self, path: impl AsRef<Path>) -> Connect {
        self.socket = Some(path.as_ref().to_owned());
        self
    }

    /// Starts a daemon for this process, which ends with the connection, and with the process, however that ends. It is `$LETHED`,
    /// or what `$PATH` has, or as packages install it.
    #[must_use]
    pub fn private(mut self) -> Connect {
        self.private = true;
        self
    }

    /// For how long connecting is tried, now and when a request finds the connection lost: 3 s unless it is set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Connect {
        self.connect_timeout = timeout;
        self
    }

    /// When requests with [`Options::idempotent`] are repeated: as [`Retry`] has it unless it is set. Nothing else ever is.
    #[must_use]
    pub fn retry(mut self, policy: impl RetryPolicy + 'static) -> Connect {
        self.retry = Arc::new(policy);
        self
    }

    /// More requests wait for each other: 256, as the daemon takes them unless it is configured otherwise.
    #[must_use]
    pub fn max_in_flight(mut self, requests: usize) -> Connect {
        self.max_in_flight = requests.max(1);
        self
    }

    /// Larger requests are [`Error::TooLarge`]: 16 MiB, as the daemon takes them unless it is configured otherwise.
    #[must_use]
    pub fn max_message_bytes(mut self, bytes: usize) -> Connect {
        self.max_message_bytes = bytes;
        self
    }

    /// Values that are nested more deeply are [`Error::InvalidValue`]: 256, likewise.
    #[must_use]
    pub fn max_depth(mut self, levels: usize) -> Connect {
        self.max_depth = levels;
        self
    }
}

impl Default for Connect {
    fn default() -> Connect {
        Connect::new()
    }
}

/// When an idempotent request is repeated, and after how long.
///
/// ```no_run
/// use std::time::Duration;
/// use lethe::{Connect, Error};
///
/// let never = |_: &Error, _: u32| None;
/// let js = Connect::new().retry(never).open()?;
/// # Ok::<(), lethe::Error>(())
/// ```
pub trait RetryPolicy: Send + Sync {
    /// The time until the next attempt, after attempt number `attempt` (from 1) ended with this error. None: no more.
    fn delay(&self, error: &Error, attempt: u32) -> Option<Duration>;
}

impl<F: Fn(&Error, u32) -> Option<Duration> + Send + Sync> RetryPolicy for F {
    fn delay(&self, error: &Error, attempt: u32) -> Option<Duration> {
        self(error, attempt)
    }
}

/// The usual policy: after [`Error::is_retryable`]; delays double, with jitter, or are what the daemon tells.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// How often it is sent at most: 3.
    pub attempts: u32,
    /// 50 ms.
    pub first_delay: Duration,
    /// 1 s.
    pub longest_delay: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry { attempts: 3, first_delay: Duration::from_millis(50), longest_delay: Duration::from_secs(1) }
    }
}

impl RetryPolicy for Retry {
    fn delay(&self, error: &Error, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts || !error.is_retryable() {
            return None;
        }
        if let Error::Busy { retry_after: Some(after), .. } = error {
            return Some(after.mul_f64(1.0 + random() / 2.0));
        }
        let doubled = self.first_delay.saturating_mul(1u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        Some(jittered(doubled.min(self.longest_delay)))
    }
}

/// So that many clients don't come at once.
pub(crate) fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(0.5 + random() / 2.0)
}

/// From 0 to 1; the standard library makes hashers random.
fn random() -> f64 {
    f64::from(RandomState::new().build_hasher().finish() as u32) / f64::from(u32::MAX)
}

/// What holds for requests: a connection or a script [`with`](crate::Connection::with) these options has them for all of its own.
///
/// ```no_run
/// use std::time::Duration;
/// use lethe::Options;
///
/// let js = lethe::connect()?;
/// let quick = js.with(Options::new().deadline(Duration::from_millis(50)).memory_mb(16));
/// let answer: u8 = quick.eval("6 * 7")?;
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub(crate) deadline: Option<Duration>,
    pub(crate) idempotent: bool,
    pub(crate) report: Option<Report>,
    pub(crate) cancel: Option<Cancellation>,
    /// The protocol's.
    pub(crate) others: Vec<(String, Value)>,
}

impl Options {
    /// None: the script's or the pool's hold.
    pub fn new() -> Options {
        Options::default()
    }

    /// One budget for connecting, waiting, queueing, running and the reply, from the moment of the call.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Options {
        self.deadline = Some(deadline);
        self
    }

    /// It may be run more than once: it is repeated as [`Connect::retry`] says.
    #[must_use]
    pub fn idempotent(mut self) -> Options {
        self.idempotent = true;
        self.option("idempotent", true)
    }

    /// Where to write console lines and figures.
    #[must_use]
    pub fn report(mut self, report: &Report) -> Options {
        self.report = Some(report.clone());
        self.option("console", true).option("stats", true)
    }

    /// What ends it from elsewhere.
    #[must_use]
    pub fn cancel(mut self, cancellation: &Cancellation) -> Options {
        self.cancel = Some(cancellation.clone());
        self
    }

    /// The pool, if it isn't "default".
    #[must_use]
    pub fn pool(self, name: &str) -> Options {
        self.option("pool", name)
    }

    /// Limit on the time of processors.
    #[must_use]
    pub fn cpu_ms(self, limit: u64) -> Options {
        self.option("cpu_ms", limit)
    }

    /// Limit on memory, below the pool's.
    #[must_use]
    pub fn memory_mb(self, limit: u64) -> Options {
        self.option("memory_mb", limit)
    }

    /// "rewind", "process" or "reuse": only stricter than the pool's.
    #[must_use]
    pub fn isolation(self, mode: &str) -> Options {
        self.option("isolation", mode)
    }

    /// A text that is copied to the daemon's log.
    #[must_use]
    pub fn trace(self, text: &str) -> Options {
        self.option("trace", text)
    }

    /// A variable that the source of `eval` finds.
    #[must_use]
    pub fn global(mut self, name: &str, value: impl Into<Value>) -> Options {
        if !self.others.iter().any(|(key, _)| key == "globals") {
            self.others.push(("globals".into(), Value::Map(Vec::new())));
        }
        for (key, globals) in &mut self.others {
            if let (true, Value::Map(globals)) = (key == "globals", globals) {
                globals.push((name.into(), value.into()));
                break;
            }
        }
        self
    }

    /// Any option of the protocol, by its name there.
    #[must_use]
    pub fn option(mut self, key: &str, value: impl Into<Value>) -> Options {
        self.others.retain(|(other, _)| other != key);
        self.others.push((key.into(), value.into()));
        self
    }

    /// These, and those of `others` in the place of its own.
    pub(crate) fn and(&self, others: Options) -> Options {
        let mut both = self.clone();
        for (key, value) in others.others {
            both = both.option(&key, value);
        }
        Options {
            deadline: others.deadline.or(both.deadline),
            idempotent: others.idempotent || both.idempotent,
            report: others.report.or(both.report),
            cancel: others.cancel.or(both.cancel),
            others: both.others,
        }
    }
}

/// Of scripts that are put: see script.put in the protocol.
///
/// ```no_run
/// use lethe::ScriptOptions;
///
/// let options = ScriptOptions::new().module().warm_up("twice", (2,))?;
/// lethe::connect()?.put_with("acme/twice", "export const twice = (x) => 2 * x;", &options)?;
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ScriptOptions {
    pub(crate) options: Vec<(String, Value)>,
}

impl ScriptOptions {
    /// A classic script in the pool "default", with the pool's limits.
    pub fn new() -> ScriptOptions {
        ScriptOptions::default()
    }

    /// An ES module, whose exports are the functions.
    #[must_use]
    pub fn module(self) -> ScriptOptions {
        self.option("module", true)
    }

    /// A call that runs before the first request, so that it finds compiled code. Its arguments are a tuple or a list.
    pub fn warm_up<In: Serialize>(mut self, function: &str, args: In) -> Result<ScriptOptions> {
        let call = to_value(&(function, to_value(&args)?))?;
        match self.options.iter_mut().find(|(key, _)| key == "warm_up") {
            Some((_, Value::Array(calls))) => calls.push(call),
            _ => self = self.option("warm_up", vec![call]),
        }
        Ok(self)
    }

    /// Any option of script.put, by its name there.
    #[must_use]
    pub fn option(mut self, key: &str, value: impl Into<Value>) -> ScriptOptions {
        self.options.retain(|(other, _)| other != key);
        self.options.push((key.into(), value.into()));
        self
    }
}

/// What a script has written with console.log() and its kin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLine {
    /// log, info, warn, error, debug or trace.
    pub level: String,
    /// As it would stand on a terminal.
    pub text: String,
}

/// The figures of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// How long it waited for a worker.
    pub queue_us: u64,
    /// How long it ran.
    pub run_us: u64,
    /// How much of a processor's time it took.
    pub cpu_us: u64,
    /// The rewind of the request before, in the same worker.
    pub rewind_us: u64,
    /// The heap at its end.
    pub heap_kb: u64,
    /// The generation of scripts that it ran with.
    pub generation: u64,
    /// The worker's process.
    pub worker: u64,
}

/// What a request tells besides its result, also with an error.
///
/// ```no_run
/// use lethe::{Options, Report};
///
/// let report = Report::new();
/// lethe::connect()?.with(Options::new().report(&report)).eval::<()>("console.log('seen'); null")?;
/// println!("{} in {} µs", report.console()[0].text, report.stats().map_or(0, |stats| stats.run_us));
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Report {
    told: Arc<Mutex<(Vec<ConsoleLine>, Option<Stats>)>>,
}

impl Report {
    /// An empty one, for [`Options::report`].
    pub fn new() -> Report {
        Report::default()
    }

    /// The lines so far.
    pub fn console(&self) -> Vec<ConsoleLine> {
        locked(&self.told).0.clone()
    }

    /// The figures, once the request has ended; none if the daemon sent none.
    pub fn stats(&self) -> Option<Stats> {
        locked(&self.told).1.clone()
    }

    pub(crate) fn add_line(&self, line: ConsoleLine) {
        locked(&self.told).0.push(line);
    }

    pub(crate) fn set_stats(&self, stats: Stats) {
        locked(&self.told).1 = Some(stats);
    }
}

/// Ends requests from elsewhere, another thread for instance: they end with [`Error::Cancelled`].
///
/// ```no_run
/// use lethe::{Cancellation, Options};
///
/// let js = lethe::connect()?;
/// let stop = Cancellation::new();
/// let endless = js.with(Options::new().cancel(&stop));
/// let thread = std::thread::spawn(move || endless.eval::<()>("while (true);"));
/// stop.cancel();
/// assert_eq!(thread.join().unwrap().unwrap_err().code(), "cancelled");
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Cancellation {
    state: Arc<Mutex<Cancelling>>,
}

type Action = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Cancelling {
    cancelled: bool,
    next: u64,
    actions: HashMap<u64, Action>,
}

impl Cancellation {
    /// Of as many requests as one wants.
    pub fn new() -> Cancellation {
        Cancellation::default()
    }

    /// Cancels all requests that have it, and those that will get it.
    pub fn cancel(&self) {
        let actions: Vec<Action> = {
            let mut state = locked(&self.state);
            state.cancelled = true;
            state.actions.values().cloned().collect()
        };
        actions.iter().for_each(|action| action());
    }

    /// Whether it has been.
    pub fn is_cancelled(&self) -> bool {
        locked(&self.state).cancelled
    }

    /// Does this when it is cancelled, until what is returned is dropped.
    pub(crate) fn attach(&self, action: impl Fn() + Send + Sync + 'static) -> Attached {
        let action: Action = Arc::new(action);
        let (number, cancelled) = {
            let mut state = locked(&self.state);
            state.next += 1;
            let number = state.next;
            state.actions.insert(number, action.clone());
            (number, state.cancelled)
        };
        if cancelled {
            action();
        }
        Attached { cancellation: self.clone(), number }
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation").field("cancelled", &self.is_cancelled()).finish()
    }
}

pub(crate) struct Attached {
    cancellation: Cancellation,
    number: u64,
}

impl Drop for Attached {
    fn drop(&mut self) {
        locked(&self.cancellation.state).actions.remove(&self.number);
    }
}

/// What a script sees of a host function that fails: an Error with this message and these properties.
///
/// Any error becomes one by `?`.
///
/// ```
/// use lethe::HostError;
///
/// let error = HostError::new("no such order").code("no_order").property("id", 7);
/// fn port(text: &str) -> Result<u16, HostError> {
///     Ok(text.parse()?)
/// }
/// assert!(port("http").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct HostError {
    pub(crate) properties: Vec<(Value, Value)>,
}

impl HostError {
    /// With the code "host_error".
    pub fn new(message: impl Into<String>) -> HostError {
        HostError { properties: Vec::new() }.property("code", "host_error").property("message", message.into())
    }

    /// The property `code`.
    #[must_use]
    pub fn code(self, code: &str) -> HostError {
        self.property("code", code)
    }

    /// A further property.
    #[must_use]
    pub fn property(mut self, key: &str, value: impl Into<Value>) -> HostError {
        self.properties.retain(|(other, _)| other.as_str() != Some(key));
        self.properties.push((key.into(), value.into()));
        self
    }
}

impl<E: std::error::Error + 'static> From<E> for HostError {
    fn from(error: E) -> HostError {
        let raised = HostError::new(error.to_string());
        let any: &dyn std::error::Error = &error;
        match any.downcast_ref::<Error>() {
            Some(error) => raised.code(error.code()),
            None => raised,
        }
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
