// SPDX-License-Identifier: Apache-2.0
//! The connection that waits.
//!
//! Any number of threads share one socket. Who waits for a reply and finds nobody reading, reads and writes for all who wait: the
//! leader. The others sleep until there is something for them, or they are to lead.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, IoSlice, Read, Write};
use std::marker::PhantomData;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::client::{end_of, host_function, unreachable, Client, Delays, Io, Ping, Put, Request, ScriptCore, Shared, State, Typed};
use crate::error::{Error, Result};
use crate::fetch::{Fetch, Response};
use crate::options::{locked, Connect, HostError, Options, ScriptOptions};
use crate::socket::{self, shut_down, Alarm, Socket};

const READ_BYTES: usize = 64 * 1024;

impl Connect {
    /// Connects. [`Error::ConnectionLost`] if there is no daemon.
    pub fn open(&self) -> Result<Connection> {
        let client = Client::prepare(self)?;
        block_on(&client.state(), client.open())?;
        Ok(Connection { client: Arc::new(client), options: Options::new() })
    }
}

/// Connects to the service of this machine: `$LETHE_SOCKET`, else /run/lethe/lethe.sock.
///
/// See [`Connect`] for more.
pub fn connect() -> Result<Connection> {
    Connect::new().open()
}

/// A connection to a daemon, made again when it is lost. Its methods wait for their results.
///
/// Its clones share one socket, safe from several threads, whose requests are in flight together, and over `fork()`: a child has a
/// connection of its own. Host functions run on the thread that waits for the script. When the last clone is dropped, the connection
/// is closed.
///
/// ```
/// let js = lethe::Connect::new().private().open()?;
/// js.put("acme/add", "function add(a, b) { return a + b; }")?;
/// let sum: i64 = js.call("acme/add", "add", (1, 2))?;
/// assert_eq!(sum, 3);
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone)]
pub struct Connection {
    client: Arc<Client<Blocking>>,
    options: Options,
}

impl Connection {
    /// The same connection, with these options for its requests, in place of those that it has.
    #[must_use]
    pub fn with(&self, options: Options) -> Connection {
        Connection { client: self.client.clone(), options: self.options.and(options) }
    }

    /// Where the daemon listens.
    pub fn socket(&self) -> &Path {
        self.client.socket()
    }

    /// The value of the last expression; a promise is awaited.
    pub fn eval<Out: DeserializeOwned>(&self, source: &str) -> Result<Out> {
        self.ask(Request::eval(source))
    }

    /// What the function of a script that was put before returns. Its arguments are a tuple, `(user,)` for one, or a list.
    pub fn call<In: Serialize, Out: DeserializeOwned>(&self, script: &str, function: &str, args: In) -> Result<Out> {
        self.ask(Request::call(script, function, &args, self.client.max_depth()))
    }

    /// What a Workers-like module answers to a request. What its function has given to `ctx.waitUntil()` is done then.
    pub fn fetch(&self, script: &str, request: &Fetch) -> Result<Response> {
        self.with(Fetch::options()).call(script, &request.function, request.arguments())
    }

    /// Passes `input` through the functions (script, function) in turn, as one request with one deadline, and a clean state for each.
    pub fn chain<In: Serialize, Out: DeserializeOwned>(&self, steps: &[(&str, &str)], input: In) -> Result<Out> {
        self.ask(Request::chain(steps, &input, self.client.max_depth()))
    }

    /// Registers a script, durably. [`Error::CompileError`]; [`Error::Forbidden`] for who may not write scripts.
    pub fn put(&self, name: &str, source: &str) -> Result<Put> {
        self.put_with(name, source, &ScriptOptions::new())
    }

    /// put(), with options.
    pub fn put_with(&self, name: &str, source: &str, options: &ScriptOptions) -> Result<Put> {
        self.ask(Request::put(name, source, options))
    }

    /// A script as an object.
    ///
    /// With a source it is put when it is first called, if the daemon doesn't have exactly that, and again whenever the daemon has lost
    /// it. With `None` it is what was put before.
    ///
    /// ```
    /// let js = lethe::Connect::new().private().open()?;
    /// let greet = js.script("acme/greet", "function greet(name) { return `Hello ${name}`; }");
    /// let greeting: String = greet.call("greet", ("Ada",))?;
    /// assert_eq!(greeting, "Hello Ada");
    /// # Ok::<(), lethe::Error>(())
    /// ```
    pub fn script<'a>(&self, name: &str, source: impl Into<Option<&'a str>>) -> Script {
        self.script_with(name, source, ScriptOptions::new())
    }

    /// script(), with options.
    pub fn script_with<'a>(&self, name: &str, source: impl Into<Option<&'a str>>, options: ScriptOptions) -> Script {
        Script { core: ScriptCore::new(name, source.into(), options), connection: self.clone() }
    }

    /// Lets scripts call a function: `await host.call("db.get", …)` calls it with these arguments, as a tuple, and gets its result. Its
    /// error is an Error in the script. It may call scripts itself, by a clone of the connection.
    ///
    /// ```
    /// let js = lethe::Connect::new().private().open()?;
    /// js.host("add", |(a, b): (i64, i64)| Ok(a + b));
    /// js.host("port", |(text,): (String,)| Ok(text.parse::<u16>()?));
    /// assert_eq!(js.eval::<i64>("host.call('add', 1, 2)")?, 3);
    /// let message: String = js.eval("host.call('port', 'http').catch((error) => error.message)")?;
    /// assert_eq!(message, "invalid digit found in string");
    /// # Ok::<(), lethe::Error>(())
    /// ```
    pub fn host<Args, Out, Function>(&self, name: &str, function: Function)
    where
        Args: DeserializeOwned,
        Out: Serialize + Send + 'static,
        Function: Fn(Args) -> std::result::Result<Out, HostError> + Send + Sync + 'static,
    {
        let ready = move |args| std::future::ready(function(args));
        self.client.add_host(name, host_function(ready, self.client.max_depth()));
    }

    /// What the daemon says of itself.
    pub fn ping(&self) -> Result<Ping> {
        self.ask(Request::ping())
    }

    /// Any method of the protocol, with its parameters as a tuple or a list.
    ///
    /// ```no_run
    /// let scripts: Vec<lethe::Value> = lethe::connect()?.request("script.list", ())?;
    /// # Ok::<(), lethe::Error>(())
    /// ```
    pub fn request<In: Serialize, Out: DeserializeOwned>(&self, method: &str, params: In) -> Result<Out> {
        self.ask(Request::other(method, &params, self.client.max_depth()))
    }

    /// Ends the connection of all clones, and a private daemon. What is in flight ends with [`Error::Cancelled`].
    pub fn close(&self) {
        self.client.close();
    }

    fn ask<Out: DeserializeOwned>(&self, request: Result<Request>) -> Result<Out> {
        block_on(&self.client.state(), self.client.ask(request, &self.options))
    }
}

/// A script's handle: see [`Connection::script`].
#[derive(Clone)]
pub struct Script {
    core: Arc<ScriptCore>,
    connection: Connection,
}

impl Script {
    /// The same script, with these options for its calls.
    #[must_use]
    pub fn with(&self, options: Options) -> Script {
        Script { core: self.core.clone(), connection: self.connection.with(options) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// What its function returns.
    pub fn call<In: Serialize, Out: DeserializeOwned>(&self, function: &str, args: In) -> Result<Out> {
        let client = &self.connection.client;
        let request = Request::call(&self.core.name, function, &args, client.max_depth());
        block_on(&client.state(), self.core.call(client, request, &self.connection.options))
    }

    /// What it answers to a request: see [`Connection::fetch`].
    pub fn fetch(&self, request: &Fetch) -> Result<Response> {
        self.with(Fetch::options()).call(&request.function, request.arguments())
    }

    /// One of its functions, with its types.
    ///
    /// ```
    /// let js = lethe::Connect::new().private().open()?;
    /// let twice: lethe::Function<(f64,), f64> = js.script("acme/twice", "function twice(x) { return 2 * x; }").function("twice");
    /// assert_eq!(twice.call((21.0,))?, 42.0);
    /// # Ok::<(), lethe::Error>(())
    /// ```
    pub fn function<In: Serialize, Out: DeserializeOwned>(&self, name: &str) -> Function<In, Out> {
        Function { script: self.clone(), name: name.to_owned(), types: Typed(PhantomData) }
    }

    /// Puts it unless the daemon has exactly this: what the first call does.
    pub fn ensure(&self) -> Result<()> {
        let client = &self.connection.client;
        block_on(&client.state(), self.core.ensure(client, end_of(&self.connection.options)))
    }

    /// Puts it now, whatever the daemon has.
    pub fn put(&self) -> Result<Put> {
        let client = &self.connection.client;
        block_on(&client.state(), self.core.put(client))
    }
}

/// A script's function: see [`Script::function`].
pub struct Function<In, Out> {
    script: Script,
    name: String,
    types: Typed<In, Out>,
}

impl<In: Serialize, Out: DeserializeOwned> Function<In, Out> {
    /// What it returns.
    pub fn call(&self, args: In) -> Result<Out> {
        let Typed(PhantomData) = self.types;
        self.script.call(&self.name, args)
    }
}

/// Runs a future on this thread, which leads when nobody else does.
fn block_on<F: Future>(state: &Arc<State<Blocking>>, future: F) -> F::Output {
    let (parker, waker) = PARKER.with(|parker| {
        let parker = parker.borrow_mut().get_or_insert_with(Parker::new).clone();
        let waker = Waker::from(parker.clone());
        (parker, waker)
    });
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(&waker);
    loop {
        parker.woken.store(false, Ordering::Release);
        let outer = NEXT_TIME.with(Cell::take);
        let polled = future.as_mut().poll(&mut context);
        let until = NEXT_TIME.with(|next| next.replace(outer));
        if let Poll::Ready(result) = polled {
            return result;
        }
        wait(state, &parker, &waker, until);
    }
}

/// Until this thread is woken, or the time is over.
fn wait(state: &Arc<State<Blocking>>, parker: &Arc<Parker>, waker: &Waker, until: Option<Instant>) {
    while !parker.woken.load(Ordering::Acquire) {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.map_or(false, |left| left.is_zero()) {
            return;
        }
        let leads = &state.io.led;
        if leads.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            *locked(&state.io.leader) = Some(parker.thread.clone());
            state.lead(parker, left);
            *locked(&state.io.leader) = None;
            leads.store(false, Ordering::Release);
            state.with(|shared| shared.session.wake_another(waker));
        } else {
            match left {
                Some(left) => thread::park_timeout(left),
                None => thread::park(),
            }
        }
    }
}

thread_local! {
    static PARKER: RefCell<Option<Arc<Parker>>> = RefCell::new(None);
    /// When the future that is polled wants to be polled again.
    static NEXT_TIME: Cell<Option<Instant>> = Cell::new(None);
}

/// A thread that waits, asleep or as the leader.
struct Parker {
    thread: Thread,
    woken: AtomicBool,
    /// While it waits as the leader.
    alarm: Mutex<Option<Arc<Alarm>>>,
}

impl Parker {
    fn new() -> Arc<Parker> {
        Arc::new(Parker { thread: thread::current(), woken: AtomicBool::new(false), alarm: Mutex::new(None) })
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Parker>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Parker>) {
        self.woken.store(true, Ordering::Release);
        if self.thread.id() != thread::current().id() {
            if let Some(alarm) = &*locked(&self.alarm) {
                alarm.ring();
            }
            self.thread.unpark();
        }
    }
}

/// A time for [`block_on`].
pub(crate) struct Sleep {
    at: Instant,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.at {
            return Poll::Ready(());
        }
        NEXT_TIME.with(|next| next.set(Some(next.get().map_or(self.at, |other| other.min(self.at)))));
        Poll::Pending
    }
}

pub(crate) struct Blocking {
    /// Whether a thread leads.
    led: AtomicBool,
    leader: Mutex<Option<Thread>>,
    /// Wakes the leader where it waits for the socket.
    alarm: Mutex<Option<Arc<Alarm>>>,
    delays: Mutex<Delays>,
}

impl Io for Blocking {
    type Link = Arc<Socket>;
    type Sleep = Sleep;

    fn new() -> Blocking {
        Blocking {
            led: AtomicBool::new(false),
            leader: Mutex::new(None),
            alarm: Mutex::new(None),
            delays: Mutex::new(Delays::new()),
        }
    }

    fn sleep_until(at: Instant) -> Sleep {
        Sleep { at }
    }

    fn adopt(state: &Arc<State<Blocking>>, socket: Socket) -> Result<()> {
        state.connected(socket).map_err(|error| Error::lost(format!("the system has no descriptor left: {error}"), false))
    }

    fn kick(state: &Arc<State<Blocking>>) {
        let rest = state.with(|shared| {
            flush(shared);
            shared.session.wants_connection()
        });
        if rest {
            state.ring(); // the leader waits for room, or connects
        }
    }

    fn closed(state: &Arc<State<Blocking>>) {
        state.with(|shared| shared.link.take().map(|link| shut_down(&link.stream)));
        state.ring();
    }
}

impl State<Blocking> {
    fn ring(&self) {
        if let Some(alarm) = &*locked(&self.io.alarm) {
            alarm.ring();
        }
        if let Some(leader) = &*locked(&self.io.leader) {
            leader.unpark();
        }
    }

    fn connected(&self, socket: Socket) -> io::Result<()> {
        let alarm = Alarm::new()?;
        locked(&self.io.alarm).get_or_insert_with(|| Arc::new(alarm));
        *locked(&self.io.delays) = Delays::new();
        self.with(|shared| {
            if !shared.session.is_closed() {
                shared.link = Some(Arc::new(socket));
                shared.session.connected();
                flush(shared);
            }
        });
        Ok(())
    }

    /// Writes and reads for all, until this thread is woken or the time is over.
    fn lead(&self, parker: &Parker, limit: Option<Duration>) {
        let until = limit.map(|limit| Instant::now() + limit);
        while !parker.woken.load(Ordering::Acquire) {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.map_or(false, |left| left.is_zero()) {
                return;
            }
            let (link, for_room, wanted) =
                self.with(|shared| (shared.link.clone(), shared.session.has_output(), shared.session.wants_connection()));
            let alarm = locked(&self.io.alarm).clone();
            match (link, alarm) {
                (Some(link), Some(alarm)) => {
                    if let Err(error) = self.wait_as_leader(parker, &link, for_room, &alarm, left) {
                        self.with(|shared| lose(shared, &link, &error.to_string()));
                    }
                    self.with(flush);
                    self.read(&link, parker);
                }
                _ if wanted => self.reconnect(parker, left),
                _ => {
                    match left {
                        Some(left) => thread::park_timeout(left),
                        None => thread::park(),
                    };
                }
            }
        }
    }

    fn wait_as_leader(
        &self,
        parker: &Parker,
        link: &Socket,
        for_room: bool,
        alarm: &Arc<Alarm>,
        left: Option<Duration>,
    ) -> io::Result<()> {
        *locked(&parker.alarm) = Some(alarm.clone());
        let waited = match parker.woken.load(Ordering::Acquire) {
            true => Ok(()),
            false => socket::wait(&link.stream, for_room, alarm, left),
        };
        *locked(&parker.alarm) = None;
        waited
    }

    /// What has come, as long as there is nothing for this thread.
    fn read(&self, link: &Arc<Socket>, parker: &Parker) {
        BUFFER.with(|buffer| {
            let mut buffer = buffer.borrow_mut();
            buffer.resize(READ_BYTES, 0);
            loop {
                let read = (&link.stream).read(&mut buffer);
                let full = matches!(read, Ok(READ_BYTES));
                self.with(|shared| match read {
                    Ok(0) => lose(shared, link, "the daemon closed it"),
                    Ok(_) if !shared.link.as_ref().map_or(false, |current| Arc::ptr_eq(current, link)) => {}
                    Ok(length) => {
                        if shared.session.receive(&buffer[..length]).is_err() {
                            lose(shared, link, "the daemon sent what is not its protocol");
                        }
                        flush(shared);
                    }
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                    Err(error) => lose(shared, link, &error.to_string()),
                });
                if !full || parker.woken.load(Ordering::Acquire) {
                    return;
                }
            }
        });
    }

    /// One attempt. If it fails, it waits until the next.
    fn reconnect(&self, parker: &Parker, left: Option<Duration>) {
        let error = match Socket::connect(&self.settings.socket).and_then(|socket| self.connected(socket)) {
            Ok(()) => return,
            Err(error) => error,
        };
        let delay = locked(&self.io.delays).next();
        let next = Instant::now() + delay;
        self.with(|shared| shared.session.refused(next, unreachable(&self.settings, &error)));
        let next = left.map_or(next, |left| next.min(Instant::now() + left));
        while !parker.woken.load(Ordering::Acquire) && Instant::now() < next {
            thread::park_timeout(next.saturating_duration_since(Instant::now()));
        }
    }
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(Vec::new());
}

/// Writes what the socket takes.
fn flush(shared: &mut Shared<Blocking>) {
    let link = match &shared.link {
        Some(link) => link.clone(),
        None => return,
    };
    while shared.session.has_output() {
        shared.session.prepare(Instant::now());
        let mut slices: Vec<IoSlice<'_>> = Vec::new();
        shared.session.slices(&mut slices);
        if slices.is_empty() {
            return;
        }
        match (&link.stream).write_vectored(&slices) {
            Ok(written) => {
                drop(slices);
                shared.session.wrote(written);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                drop(slices);
                return lose(shared, &link, &error.to_string());
            }
        }
    }
}

/// Ends this connection, if it has not ended.
fn lose(shared: &mut Shared<Blocking>, link: &Arc<Socket>, reason: &str) {
    if shared.link.as_ref().map_or(false, |current| Arc::ptr_eq(current, link)) {
        shared.link = None;
        shared.session.lost(reason, Instant::now());
    }
}
