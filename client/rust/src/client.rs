// SPDX-License-Identifier: Apache-2.0
//! What both faces do with a session, as futures that know no runtime: requests, retries, scripts, host functions.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::decode;
use crate::encode;
use crate::error::{Error, Result};
use crate::options::{jittered, locked, Connect, HostError, Options, ScriptOptions};
use crate::private::PrivateDaemon;
use crate::session::{News, Outgoing, Session};
use crate::socket::Socket;
use crate::value::{to_value, Value};

const DEFAULT_SOCKET: &str = "/run/lethe/lethe.sock";
/// After a deadline that the daemon hasn't kept it isn't waited for any longer.
const SLACK: Duration = Duration::from_secs(1);
/// Between attempts to connect.
const FIRST_DELAY: Duration = Duration::from_millis(10);
const LONGEST_DELAY: Duration = Duration::from_secs(1);
/// Beyond that nobody waits for a deadline.
const FOREVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

type Hosted = std::result::Result<Vec<u8>, HostError>;
pub(crate) type HostFuture = Pin<Box<dyn Future<Output = Hosted> + Send>>;
pub(crate) type HostFunction = Arc<dyn Fn(Vec<u8>) -> HostFuture + Send + Sync>;

/// What moves bytes and waits for times: a face's own.
pub(crate) trait Io: Sized + Send + Sync + 'static {
    /// What it has of a connection, under the lock of the session.
    type Link: Send;
    type Sleep: Future<Output = ()> + Send;

    fn new() -> Self;
    fn sleep_until(at: Instant) -> Self::Sleep;
    /// Takes over a socket that is connected.
    fn adopt(state: &Arc<State<Self>>, socket: Socket) -> Result<()>;
    /// The session has something to send, or wants a connection.
    fn kick(state: &Arc<State<Self>>);
    /// The session is closed.
    fn closed(state: &Arc<State<Self>>);
}

/// A session and its connection: those of one process.
pub(crate) struct State<I: Io> {
    process: u32,
    shared: Mutex<Shared<I>>,
    hosts: RwLock<HashMap<String, HostFunction>>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) io: I,
}

pub(crate) struct Shared<I: Io> {
    pub(crate) session: Session,
    pub(crate) link: Option<I::Link>,
}

pub(crate) struct Settings {
    pub(crate) socket: PathBuf,
    connect: Connect,
}

impl<I: Io> State<I> {
    fn new(settings: Arc<Settings>, hosts: HashMap<String, HostFunction>) -> Arc<State<I>> {
        let session = Session::new(settings.connect.max_in_flight, settings.connect.connect_timeout);
        let shared = Mutex::new(Shared { session, link: None });
        Arc::new(State { process: std::process::id(), shared, hosts: RwLock::new(hosts), settings, io: I::new() })
    }

    /// Whether this is the process whose connection it is. A forked child has no business with it: locks may be held for ever.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// Does this under the lock, and wakes then who is to be woken.
    pub(crate) fn with<T>(&self, action: impl FnOnce(&mut Shared<I>) -> T) -> T {
        let mut shared = locked(&self.shared);
        let result = action(&mut shared);
        let wakes = std::mem::take(&mut shared.session.wakes);
        drop(shared);
        wakes.into_iter().for_each(std::task::Waker::wake);
        result
    }

    fn host(&self, name: &str) -> Option<HostFunction> {
        let hosts = self.hosts.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        hosts.get(name).cloned()
    }
}

/// Times between attempts to connect, with jitter.
pub(crate) struct Delays {
    whole: Duration,
}

impl Delays {
    pub(crate) fn new() -> Delays {
        Delays { whole: FIRST_DELAY }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let delay = jittered(self.whole);
        self.whole = (self.whole * 2).min(LONGEST_DELAY);
        delay
    }
}

pub(crate) fn unreachable(settings: &Settings, error: &std::io::Error) -> String {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    let hint = if matches!(error.kind(), NotFound | ConnectionRefused) { " (is lethed running?)" } else { "" };
    format!("can't connect to {}: {error}{hint}", settings.socket.display())
}

/// What all copies of a connection share.
pub(crate) struct Client<I: Io> {
    settings: Arc<Settings>,
    daemon: Option<PrivateDaemon>,
    closed: AtomicBool,
    /// An Arc. A child leaves that of its parent alone and makes one of its own.
    state: AtomicPtr<State<I>>,
}

impl<I: Io> Client<I> {
    /// Where it connects to; starts the daemon if it is to have its own, which takes a moment.
    pub(crate) fn prepare(connect: &Connect) -> Result<Client<I>> {
        let daemon = if connect.private { Some(PrivateDaemon::start()?) } else { None };
        let given = connect.socket.clone();
        let named = || std::env::var_os("LETHE_SOCKET").filter(|name| !name.is_empty()).map(PathBuf::from);
        let otherwise = || given.or_else(named).unwrap_or_else(|| DEFAULT_SOCKET.into());
        let socket = daemon.as_ref().map_or_else(otherwise, |daemon| daemon.socket().to_owned());
        let settings = Arc::new(Settings { socket, connect: connect.clone() });
        let state = Arc::into_raw(State::<I>::new(settings.clone(), HashMap::new()));
        Ok(Client { settings, daemon, closed: AtomicBool::new(false), state: AtomicPtr::new(state.cast_mut_()) })
    }

    /// Connects, within the time for that.
    pub(crate) async fn open(&self) -> Result<()> {
        let until = Instant::now() + self.settings.connect.connect_timeout;
        let mut delays = Delays::new();
        loop {
            let delay = delays.next();
            match Socket::connect(&self.settings.socket) {
                Ok(socket) => return I::adopt(&self.state(), socket),
                Err(error) if Instant::now() + delay >= until => {
                    return Err(Error::lost(unreachable(&self.settings, &error), false));
                }
                Err(_) => I::sleep_until(Instant::now() + delay).await,
            }
        }
    }

    /// That of this process.
    pub(crate) fn state(&self) -> Arc<State<I>> {
        let mut pointer = self.state.load(Ordering::Acquire);
        loop {
            // SAFETY: it is an Arc that is only given up when `self` is, or never, by a child.
            let state = unsafe { &*pointer };
            if state.is_ours() {
                // SAFETY: as above.
                unsafe {
                    Arc::increment_strong_count(pointer);
                    return Arc::from_raw(pointer);
                }
            }
            // Who was registering a host function when the process forked may hold this lock for ever.
            let hosts = state.hosts.try_read().map_or_else(|_| HashMap::new(), |hosts| hosts.clone());
            let own = Arc::into_raw(State::<I>::new(self.settings.clone(), hosts)).cast_mut_();
            match self.state.compare_exchange(pointer, own, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => pointer = own,
                Err(other) => {
                    // SAFETY: nobody else has seen it.
                    drop(unsafe { Arc::from_raw(own) });
                    pointer = other;
                }
            }
        }
    }

    pub(crate) fn socket(&self) -> &std::path::Path {
        &self.settings.socket
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let state = self.state();
        state.with(|shared| shared.session.close());
        I::closed(&state);
        // They may have clones of the connection.
        let hosts = std::mem::take(&mut *state.hosts.write().unwrap_or_else(std::sync::PoisonError::into_inner));
        drop(hosts);
        if let Some(daemon) = &self.daemon {
            daemon.stop();
        }
    }

    pub(crate) fn add_host(&self, name: &str, function: HostFunction) {
        let state = self.state();
        let mut hosts = state.hosts.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        hosts.insert(name.to_owned(), function);
    }

    // --- requests

    pub(crate) async fn ask<Out: DeserializeOwned>(&self, request: Result<Request>, options: &Options) -> Result<Out> {
        let request = request?;
        let end = end_of(options);
        self.ask_until(&request, options, end).await
    }

    async fn ask_until<Out: DeserializeOwned>(&self, request: &Request, options: &Options, end: Option<Instant>) -> Result<Out> {
        let mut attempt = 1;
        loop {
            let error = match self.ask_once(request, options, end).await {
                Ok(result) => return decode::value(&result),
                Err(error) => error,
            };
            let delay = match options.idempotent {
                true => self.settings.connect.retry.delay(&error, attempt),
                false => None,
            };
            let next = match delay.map(|delay| Instant::now() + delay) {
                Some(next) if end.map_or(true, |end| next < end) => next,
                _ => return Err(error),
            };
            I::sleep_until(next).await;
            attempt += 1;
        }
    }

    async fn ask_once(&self, request: &Request, options: &Options, end: Option<Instant>) -> Result<Vec<u8>> {
        let now = Instant::now();
        if options.cancel.as_ref().map_or(false, |cancel| cancel.is_cancelled()) {
            return Err(Error::cancelled("it was cancelled before it was sent"));
        }
        if end.map_or(false, |end| end <= now) {
            return Err(Error::late("the deadline was over before the request could be sent", "connecting"));
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::cancelled("the connection was closed"));
        }
        let connect = &self.settings.connect;
        let message = request.message(options, end.is_some(), connect)?;
        let outgoing = Outgoing {
            message,
            end: if request.takes_options { end } else { None },
            urgent: INSIDE_HOST.with(Cell::get),
            report: options.report.clone(),
        };
        let state = self.state();
        let id = state.with(|shared| shared.session.begin(outgoing, now))?;
        let reply = Reply { id, state: state.clone(), end, sleep: None, running: Vec::new() };
        I::kick(&state);
        let _attached = options.cancel.as_ref().map(|cancel| {
            let state = state.clone();
            cancel.attach(move || {
                if state.is_ours() {
                    state.with(|shared| shared.session.cancel(id));
                    I::kick(&state);
                }
            })
        });
        reply.await
    }
}

impl<I: Io> Drop for Client<I> {
    fn drop(&mut self) {
        let pointer = *self.state.get_mut();
        // SAFETY: see state().
        if unsafe { (*pointer).is_ours() } {
            self.close();
            // SAFETY: it was kept as this.
            drop(unsafe { Arc::from_raw(pointer) });
        }
    }
}

/// `*const T as *mut T`, whose method is newer than Debian 12's compiler.
trait CastMut<T> {
    fn cast_mut_(self) -> *mut T;
}

impl<T> CastMut<T> for *const T {
    fn cast_mut_(self) -> *mut T {
        self as *mut T
    }
}

pub(crate) fn end_of(options: &Options) -> Option<Instant> {
    options.deadline.map(|deadline| Instant::now() + deadline.min(FOREVER))
}

thread_local! {
    /// Set while a host function runs.
    static INSIDE_HOST: Cell<bool> = Cell::new(false);
}

fn inside_host<T>(action: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            INSIDE_HOST.with(|inside| inside.set(self.0));
        }
    }
    let _restore = Restore(INSIDE_HOST.with(|inside| inside.replace(true)));
    action()
}

/// The reply of a request that has begun. Dropped before, it cancels the request.
struct Reply<I: Io> {
    id: u32,
    state: Arc<State<I>>,
    end: Option<Instant>,
    sleep: Option<(Pin<Box<I::Sleep>>, bool)>,
    /// Host functions that have not ended, with the ids of their calls.
    running: Vec<(u32, HostFuture)>,
}

impl<I: Io> Reply<I> {
    fn poll_hosts(&mut self, context: &mut Context<'_>) {
        let mut answered = false;
        let (state, id) = (&self.state, self.id);
        self.running.retain_mut(|(call, future)| match inside_host(|| future.as_mut().poll(context)) {
            Poll::Pending => true,
            Poll::Ready(result) => {
                let limit = state.settings.connect.max_message_bytes;
                let result = result.and_then(|value| match value.len() + 16 > limit {
                    true => {
                        Err(HostError::new(format!("the host function's result has more than {limit} bytes")).code("too_large"))
                    }
                    false => Ok(value),
                });
                state.with(|shared| shared.session.answer(id, *call, result));
                answered = true;
                false
            }
        });
        if answered {
            I::kick(&self.state);
        }
    }

    fn start_host(&self, name: &str, args: Vec<u8>) -> HostFuture {
        match self.state.host(name) {
            Some(function) => inside_host(|| function(args)),
            None => {
                let message = format!("the caller has no host function \"{name}\"");
                let error = HostError { properties: vec![("message".into(), message.into())] };
                Box::pin(std::future::ready(Err(error)))
            }
        }
    }

    fn poll_time(&mut self, context: &mut Context<'_>) {
        let end = match self.end {
            Some(end) => end,
            None => return,
        };
        let (sleep, last) = self.sleep.get_or_insert_with(|| (Box::pin(I::sleep_until(end)), false));
        if sleep.as_mut().poll(context).is_pending() {
            return;
        }
        if *last {
            self.state.with(|shared| shared.session.give_up(self.id));
            self.end = None;
            I::kick(&self.state);
            return;
        }
        self.state.with(|shared| shared.session.expire(self.id));
        self.sleep = Some((Box::pin(I::sleep_until(end + SLACK)), true));
        self.poll_time(context);
    }
}

impl<I: Io> Future for Reply<I> {
    type Output = Result<Vec<u8>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_time(context);
        loop {
            if !self.running.is_empty() {
                self.poll_hosts(context);
            }
            match self.state.with(|shared| shared.session.poll(self.id, context.waker())) {
                News::Outcome(outcome) => return Poll::Ready(outcome),
                News::Nothing => return Poll::Pending,
                News::HostCalls(calls) => {
                    for call in calls {
                        let future = self.start_host(&call.name, call.args);
                        self.running.push((call.id, future));
                    }
                }
            }
        }
    }
}

impl<I: Io> Drop for Reply<I> {
    fn drop(&mut self) {
        if self.state.is_ours() {
            let cancels = self.state.with(|shared| {
                shared.session.forget(self.id);
                shared.session.has_output()
            });
            if cancels {
                I::kick(&self.state);
            }
        }
    }
}

/// A method and its parameters, which may be sent several times.
pub(crate) struct Request {
    method: &'static str,
    own_method: Option<String>,
    /// What is in the array of parameters but for the options, as MessagePack.
    params: Vec<u8>,
    count: u8,
    takes_options: bool,
}

impl Request {
    fn new(method: &'static str, count: u8, takes_options: bool) -> Request {
        Request { method, own_method: None, params: Vec::new(), count, takes_options }
    }

    fn with<T: Serialize + ?Sized>(mut self, param: &T) -> Result<Request> {
        encode::append(&mut self.params, param, usize::MAX)?;
        Ok(self)
    }

    pub(crate) fn eval(source: &str) -> Result<Request> {
        Request::new("eval", 1, true).with(source)
    }

    pub(crate) fn call<In: Serialize + ?Sized>(script: &str, function: &str, args: &In, max_depth: usize) -> Result<Request> {
        let mut request = Request::new("call", 3, true).with(script)?.with(function)?;
        append_args(&mut request.params, args, max_depth)?;
        Ok(request)
    }

    pub(crate) fn chain<In: Serialize + ?Sized>(steps: &[(&str, &str)], input: &In, max_depth: usize) -> Result<Request> {
        let mut request = Request::new("chain", 2, true).with(steps)?;
        encode::append(&mut request.params, input, max_depth)?;
        Ok(request)
    }

    pub(crate) fn put(name: &str, source: &str, options: &ScriptOptions) -> Result<Request> {
        let options = Value::Map(options.options.iter().map(|(key, value)| (key.as_str().into(), value.clone())).collect());
        Request::new("script.put", 3, false).with(name)?.with(source)?.with(&options)
    }

    fn get(name: &str) -> Result<Request> {
        Request::new("script.get", 1, false).with(name)
    }

    pub(crate) fn ping() -> Result<Request> {
        Ok(Request::new("ping", 0, false))
    }

    /// The array of parameters is given as a whole.
    pub(crate) fn other<In: Serialize + ?Sized>(method: &str, params: &In, max_depth: usize) -> Result<Request> {
        let mut request = Request { own_method: Some(method.to_owned()), ..Request::new("", 0, false) };
        append_args(&mut request.params, params, max_depth)?;
        Ok(request)
    }

    fn message(&self, options: &Options, deadline: bool, connect: &Connect) -> Result<Vec<u8>> {
        let mut message = Outgoing::head();
        message.reserve(self.params.len() + 64);
        encode::append(&mut message, self.own_method.as_deref().unwrap_or(self.method), 1)?;
        let options_too = self.takes_options && (deadline || !options.others.is_empty());
        if self.own_method.is_none() {
            message.push(0x90 + self.count + u8::from(options_too));
        }
        message.extend_from_slice(&self.params);
        if options_too {
            let count = options.others.len() + usize::from(deadline);
            drop(rmp::encode::write_map_len(&mut message, count as u32));
            for (key, value) in &options.others {
                encode::append(&mut message, key, 1)?;
                encode::append(&mut message, value, connect.max_depth)?;
            }
            if deadline {
                encode::append(&mut message, "deadline_ms", 1)?;
                message.extend_from_slice(&[0xce, 0, 0, 0, 0]);
            }
        }
        if message.len() > connect.max_message_bytes {
            let (size, limit) = (message.len(), connect.max_message_bytes);
            return Err(Error::too_large(
                format!("the request has {size} bytes, more than the {limit} that the daemon takes"),
                limit,
            ));
        }
        Ok(message)
    }
}

/// Arguments as an array: a tuple, a list, or `()` for none.
fn append_args<In: Serialize + ?Sized>(params: &mut Vec<u8>, args: &In, max_depth: usize) -> Result<()> {
    let begin = params.len();
    encode::append(params, args, max_depth.saturating_add(1))?;
    match params[begin] {
        0xc0 => params[begin] = 0x90,
        0x90..=0x9f | 0xdc | 0xdd => {}
        _ => return Err(Error::invalid_value("arguments are a tuple or a list: give (value,)", Some("$".into()))),
    }
    Ok(())
}

impl<I: Io> Client<I> {
    pub(crate) fn max_depth(&self) -> usize {
        self.settings.connect.max_depth
    }
}

/// The function that host() registers, of one that takes and gives what serde knows.
pub(crate) fn host_function<Args, Out, Call, Returned>(function: Call, max_depth: usize) -> HostFunction
where
    Args: DeserializeOwned,
    Out: Serialize,
    Call: Fn(Args) -> Returned + Send + Sync + 'static,
    Returned: Future<Output = std::result::Result<Out, HostError>> + Send + 'static,
{
    Arc::new(move |args| {
        // No arguments are `()`, too.
        let args = match args.as_slice() {
            [0x90] => decode::value(&[0xc0]).or_else(|_| decode::value(&args)),
            args => decode::value(args),
        };
        let returned = match args {
            Ok(args) => function(args),
            Err(error) => {
                let error = HostError::new(format!("the host function's arguments: {error}")).code(error.code());
                return Box::pin(std::future::ready(Err(error)));
            }
        };
        Box::pin(async move {
            let mut bytes = Vec::new();
            match encode::append(&mut bytes, &returned.await?, max_depth) {
                Ok(()) => Ok(bytes),
                Err(error) => Err(HostError::new(format!("the host function's result: {error}")).code(error.code())),
            }
        })
    })
}

/// A script's name, source and options, and whether the daemon is known to have it.
pub(crate) struct ScriptCore {
    pub(crate) name: String,
    source: Option<String>,
    options: ScriptOptions,
    known: AtomicBool,
}

#[derive(Deserialize)]
struct Stored {
    pool: Option<String>,
    source: Option<String>,
    options: Option<Value>,
    error: Option<Value>,
}

impl ScriptCore {
    pub(crate) fn new(name: &str, source: Option<&str>, options: ScriptOptions) -> Arc<ScriptCore> {
        let known = AtomicBool::new(source.is_none());
        Arc::new(ScriptCore { name: name.to_owned(), source: source.map(str::to_owned), options, known })
    }

    pub(crate) async fn call<I: Io, Out: DeserializeOwned>(
        &self,
        client: &Client<I>,
        request: Result<Request>,
        options: &Options,
    ) -> Result<Out> {
        let request = request?;
        let end = end_of(options);
        if !self.known.load(Ordering::Acquire) {
            self.ensure(client, end).await?;
        }
        match client.ask_until(&request, options, end).await {
            Err(Error::NotFound { kind: Some(kind), name: Some(name), .. })
                if self.source.is_some() && kind == "script" && name == self.name =>
            {
                self.ensure(client, end).await?; // it has not run: the daemon has lost it
                client.ask_until(&request, options, end).await
            }
            result => result,
        }
    }

    /// Puts it unless the daemon has it, with this source and these options.
    pub(crate) async fn ensure<I: Io>(&self, client: &Client<I>, end: Option<Instant>) -> Result<()> {
        let none = Options::new();
        let there: Option<Stored> = match client.ask_until(&Request::get(&self.name)?, &none, end).await {
            Ok(there) => Some(there),
            Err(Error::NotFound { .. }) => None,
            Err(Error::Forbidden { .. }) => {
                self.known.store(true, Ordering::Release); // who may not write scripts takes what there is
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if let (false, Some(source)) = (there.map_or(false, |there| self.is(&there)), &self.source) {
            let _: Value = client.ask_until(&Request::put(&self.name, source, &self.options)?, &none, end).await?;
        }
        self.known.store(true, Ordering::Release);
        Ok(())
    }

    /// Puts it whatever the daemon has.
    pub(crate) async fn put<I: Io>(&self, client: &Client<I>) -> Result<Put> {
        match &self.source {
            Some(source) => client.ask(Request::put(&self.name, source, &self.options), &Options::new()).await,
            None => Err(Error::invalid_value(format!("the handle of {} has no source to put", self.name), None)),
        }
    }

    fn is(&self, there: &Stored) -> bool {
        let wanted: Vec<_> = self.options.options.iter().filter(|(key, _)| key != "warm_up_must_be_pure").collect();
        let pool = wanted.iter().find(|(key, _)| key == "pool").and_then(|(_, value)| value.as_str()).unwrap_or("default");
        let wanted: Vec<_> = wanted.iter().filter(|(key, _)| key != "pool").collect();
        let stored = there.options.clone().unwrap_or(Value::Map(Vec::new()));
        there.error.is_none()
            && there.source == self.source
            && there.pool.as_deref() == Some(pool)
            && stored.as_map().map_or(0, <[_]>::len) == wanted.len()
            && wanted.iter().all(|(key, value)| stored.get(key) == to_value(value).ok().as_ref())
    }
}

/// What a script was registered as.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Put {
    /// Its name.
    pub name: String,
    /// Counts the sources that were put under this name.
    pub version: u64,
    /// The generation of scripts from which on it is there.
    pub generation: u64,
    /// What came of the calls of its warm-up, if it has some.
    #[serde(default = "Value::default")]
    pub warm_up: Value,
}

impl Default for Value {
    fn default() -> Value {
        Value::Null
    }
}

/// What a daemon says of itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Ping {
    /// "lethe".
    pub name: String,
    /// Its version.
    pub version: String,
    /// V8's version.
    pub v8: String,
    /// The version of the machine's time zones; none where V8's own are used.
    pub tzdata: Option<String>,
    /// Its process.
    pub pid: u32,
    /// For how long it has been there, in seconds.
    pub uptime_s: f64,
}

/// A script's function with its types, `Function<(User,), Decision>` for instance.
pub(crate) struct Typed<In, Out>(pub(crate) PhantomData<fn(In) -> Out>);
