// SPDX-License-Identifier: Apache-2.0
//! The connection of tokio: the words of [`lethe::Connection`](crate::Connection), awaited.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> lethe::Result<()> {
//! let js = lethe::Connect::new().private().open_aio().await?;
//! js.host("double", |(x,): (u32,)| async move { Ok(2 * x) });
//! let (six, eight): (u32, u32) = tokio::try_join!(js.eval("host.call('double', 3)"), js.eval("host.call('double', 4)"))?;
//! assert_eq!((six, eight), (6, 8));
//! # Ok(())
//! # }
//! ```
//!
//! To drop a future cancels its request: the script ends. Host functions are polled by the task that awaits their request, and end with
//! it.
//!
//! The socket is read and written by a task of the runtime in which the connection was made; when that runtime ends, the next request
//! makes a connection in its own. The runtime has to have IO and time (`enable_all`).

use std::future::Future;
use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::client::{end_of, host_function, unreachable, Client, Delays, Io, Request, ScriptCore, Shared, State, Typed};
use crate::error::{Error, Result};
use crate::fetch::{Fetch, Response};
use crate::fork::NotForChildren;
use crate::options::{Connect, HostError, Options, ScriptOptions};
use crate::socket::{shut_down, Socket};
use crate::{Ping, Put};

const READ_BYTES: usize = 64 * 1024;

impl Connect {
    /// Connects. [`Error::ConnectionLost`] if there is no daemon.
    pub async fn open_aio(&self) -> Result<Connection> {
        let connect = self.clone();
        let client = match self.private {
            true => tokio::task::spawn_blocking(move || Client::prepare(&connect))
                .await
                .unwrap_or_else(|_| Err(Error::cancelled("the runtime has ended")))?,
            false => Client::prepare(self)?,
        };
        client.open().await?;
        Ok(Connection { client: Arc::new(client), options: Options::new() })
    }
}

/// Connects to the service of this machine: `$LETHE_SOCKET`, else /run/lethe/lethe.sock.
///
/// See [`Connect`] for more.
pub async fn connect() -> Result<Connection> {
    Connect::new().open_aio().await
}

/// A connection to a daemon, made again when it is lost. Its methods are awaited.
///
/// Its clones share one socket, and the requests of all tasks are in flight together. When the last clone is dropped, the connection
/// is closed.
#[derive(Clone)]
pub struct Connection {
    client: Arc<Client<Tokio>>,
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
    pub async fn eval<Out: DeserializeOwned>(&self, source: &str) -> Result<Out> {
        self.client.ask(Request::eval(source), &self.options).await
    }

    /// What the function of a script that was put before returns. Its arguments are a tuple, `(user,)` for one, or a list.
    pub fn call<'a, In, Out>(&'a self, script: &str, function: &str, args: In) -> impl Future<Output = Result<Out>> + 'a
    where
        In: Serialize,
        Out: DeserializeOwned + 'a,
    {
        self.client.ask(Request::call(script, function, &args, self.client.max_depth()), &self.options)
    }

    /// What a Workers-like module answers to a request. What its function has given to `ctx.waitUntil()` is done then.
    pub async fn fetch(&self, script: &str, request: &Fetch) -> Result<Response> {
        self.with(Fetch::options()).call(script, &request.function, request.arguments()).await
    }

    /// Passes `input` through the functions (script, function) in turn, as one request with one deadline, and a clean state for each.
    pub fn chain<'a, In, Out>(&'a self, steps: &[(&str, &str)], input: In) -> impl Future<Output = Result<Out>> + 'a
    where
        In: Serialize,
        Out: DeserializeOwned + 'a,
    {
        self.client.ask(Request::chain(steps, &input, self.client.max_depth()), &self.options)
    }

    /// Registers a script, durably. [`Error::CompileError`]; [`Error::Forbidden`] for who may not write scripts.
    pub async fn put(&self, name: &str, source: &str) -> Result<Put> {
        self.put_with(name, source, &ScriptOptions::new()).await
    }

    /// put(), with options.
    pub async fn put_with(&self, name: &str, source: &str, options: &ScriptOptions) -> Result<Put> {
        self.client.ask(Request::put(name, source, options), &self.options).await
    }

    /// A script as an object: see [`lethe::Connection::script`](crate::Connection::script).
    pub fn script<'a>(&self, name: &str, source: impl Into<Option<&'a str>>) -> Script {
        self.script_with(name, source, ScriptOptions::new())
    }

    /// script(), with options.
    pub fn script_with<'a>(&self, name: &str, source: impl Into<Option<&'a str>>, options: ScriptOptions) -> Script {
        Script { core: ScriptCore::new(name, source.into(), options), connection: self.clone() }
    }

    /// Lets scripts call a function: `await host.call("db.get", …)` calls it with these arguments, as a tuple, and gets what its future
    /// gives. Its error is an Error in the script. It may call scripts itself, by a clone of the connection.
    pub fn host<Args, Out, Function, Returned>(&self, name: &str, function: Function)
    where
        Args: DeserializeOwned,
        Out: Serialize,
        Function: Fn(Args) -> Returned + Send + Sync + 'static,
        Returned: Future<Output = std::result::Result<Out, HostError>> + Send + 'static,
    {
        self.client.add_host(name, host_function(function, self.client.max_depth()));
    }

    /// What the daemon says of itself.
    pub async fn ping(&self) -> Result<Ping> {
        self.client.ask(Request::ping(), &self.options).await
    }

    /// Any method of the protocol, with its parameters as a tuple or a list.
    pub fn request<'a, In, Out>(&'a self, method: &str, params: In) -> impl Future<Output = Result<Out>> + 'a
    where
        In: Serialize,
        Out: DeserializeOwned + 'a,
    {
        self.client.ask(Request::other(method, &params, self.client.max_depth()), &self.options)
    }

    /// Ends the connection of all clones, and a private daemon. What is in flight ends with [`Error::Cancelled`].
    pub async fn close(&self) {
        let client = self.client.clone();
        drop(tokio::task::spawn_blocking(move || client.close()).await);
    }
}

/// A script's handle: see [`lethe::Connection::script`](crate::Connection::script).
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
    pub fn call<'a, In, Out>(&'a self, function: &str, args: In) -> impl Future<Output = Result<Out>> + 'a
    where
        In: Serialize,
        Out: DeserializeOwned + 'a,
    {
        let Connection { client, options } = &self.connection;
        let request = Request::call(&self.core.name, function, &args, client.max_depth());
        self.core.call(client, request, options)
    }

    /// What it answers to a request: see [`Connection::fetch`].
    pub async fn fetch(&self, request: &Fetch) -> Result<Response> {
        self.with(Fetch::options()).call(&request.function, request.arguments()).await
    }

    /// One of its functions, with its types.
    pub fn function<In: Serialize, Out: DeserializeOwned>(&self, name: &str) -> Function<In, Out> {
        Function { script: self.clone(), name: name.to_owned(), types: Typed(PhantomData) }
    }

    /// Puts it unless the daemon has exactly this: what the first call does.
    pub async fn ensure(&self) -> Result<()> {
        self.core.ensure(&self.connection.client, end_of(&self.connection.options)).await
    }

    /// Puts it now, whatever the daemon has.
    pub async fn put(&self) -> Result<Put> {
        self.core.put(&self.connection.client).await
    }
}

/// A script's function: see [`lethe::Script::function`](crate::Script::function).
pub struct Function<In, Out> {
    script: Script,
    name: String,
    types: Typed<In, Out>,
}

impl<In: Serialize, Out: DeserializeOwned> Function<In, Out> {
    /// What it returns.
    pub fn call<'a>(&'a self, args: In) -> impl Future<Output = Result<Out>> + 'a
    where
        In: 'a,
        Out: 'a,
    {
        let Typed(PhantomData) = self.types;
        self.script.call(&self.name, args)
    }
}

pub(crate) struct Tokio;

/// A task that has the socket, or makes a connection.
#[derive(Default)]
pub(crate) struct Driver {
    waker: Option<Waker>,
    stream: Option<Arc<Stream>>,
}

impl Io for Tokio {
    type Link = Driver;
    type Sleep = tokio::time::Sleep;

    fn new() -> Tokio {
        Tokio
    }

    fn sleep_until(at: Instant) -> tokio::time::Sleep {
        tokio::time::sleep_until(at.into())
    }

    fn adopt(state: &Arc<State<Tokio>>, socket: Socket) -> Result<()> {
        let stream = Stream::new(socket).map_err(|error| Error::lost(error.to_string(), false))?;
        state.with(|shared| {
            shared.link = Some(Driver { waker: None, stream: Some(stream.clone()) });
            shared.session.connected();
        });
        tokio::spawn(drive(Guard { state: state.clone() }, Some(stream)));
        Ok(())
    }

    fn kick(state: &Arc<State<Tokio>>) {
        let idle = state.with(|shared| match &mut shared.link {
            Some(driver) => {
                shared.session.wakes.extend(driver.waker.take());
                false
            }
            None => shared.session.wants_connection() && shared.link.replace(Driver::default()).is_none(),
        });
        if idle {
            tokio::spawn(drive(Guard { state: state.clone() }, None));
        }
    }

    fn closed(state: &Arc<State<Tokio>>) {
        state.with(|shared| {
            if let Some(driver) = &mut shared.link {
                shared.session.wakes.extend(driver.waker.take());
                // The daemon learns it at once, also where the driver's runtime does not run.
                if let Some(stream) = driver.stream.take() {
                    shut_down(&stream.stream);
                }
            }
        });
    }
}

pub(crate) struct Stream {
    _not_for_children: NotForChildren,
    stream: tokio::net::UnixStream,
}

impl Stream {
    fn new(socket: Socket) -> io::Result<Arc<Stream>> {
        let Socket { _not_for_children, stream } = socket;
        Ok(Arc::new(Stream { _not_for_children, stream: tokio::net::UnixStream::from_std(stream)? }))
    }
}

/// Tells the session that its driver has gone, also when the runtime drops it.
struct Guard {
    state: Arc<State<Tokio>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.state.is_ours() {
            self.state.with(|shared| {
                if shared.link.take().is_some() {
                    shared.session.lost("its runtime has ended", Instant::now());
                    shared.session.abandon();
                }
            });
        }
    }
}

/// Reads and writes for all requests, as long as there is a connection or somebody who wants one.
async fn drive(guard: Guard, mut stream: Option<Arc<Stream>>) {
    let state = &guard.state;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        if stream.is_none() {
            stream = connection(state).await;
        }
        if let Some(stream) = stream.take() {
            let reason = Exchange { state, stream: &stream.stream, buffer: &mut buffer }.await;
            state.with(|shared| {
                shared.link = Some(Driver::default());
                if let Some(reason) = reason {
                    shared.session.lost(&reason, Instant::now());
                }
            });
        }
        let idle = state.with(|shared| {
            let idle = !shared.session.wants_connection();
            if idle {
                shared.link = None;
            }
            idle
        });
        if idle {
            return;
        }
    }
}

/// Tries to connect as long as somebody waits for that.
async fn connection(state: &Arc<State<Tokio>>) -> Option<Arc<Stream>> {
    let mut delays = Delays::new();
    while state.with(|shared| shared.session.wants_connection()) {
        match Socket::connect(&state.settings.socket).and_then(Stream::new) {
            Ok(stream) => {
                state.with(|shared| {
                    shared.session.connected();
                    shared.link = Some(Driver { waker: None, stream: Some(stream.clone()) });
                });
                return Some(stream);
            }
            Err(error) => {
                let next = Instant::now() + delays.next();
                state.with(|shared| shared.session.refused(next, unreachable(&state.settings, &error)));
                tokio::time::sleep_until(next.into()).await;
            }
        }
    }
    None
}

/// Reads and writes until the connection has ended. Says why; none if this side has closed it.
struct Exchange<'a> {
    state: &'a State<Tokio>,
    stream: &'a tokio::net::UnixStream,
    buffer: &'a mut [u8],
}

impl Future for Exchange<'_> {
    type Output = Option<String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<String>> {
        let Exchange { state, stream, buffer } = &mut *self;
        loop {
            let crowded = match state.with(|shared| write(shared, stream, context)) {
                Err(reason) => return Poll::Ready(reason),
                Ok(crowded) => crowded,
            };
            if crowded {
                match stream.poll_write_ready(context) {
                    Poll::Ready(Ok(())) => continue,
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(error.to_string())),
                    Poll::Pending => {}
                }
            }
            match stream.poll_read_ready(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(error.to_string())),
                Poll::Pending => return Poll::Pending,
            }
            match stream.try_read(buffer) {
                Ok(0) => return Poll::Ready(Some("the daemon closed it".into())),
                Ok(length) => {
                    if state.with(|shared| shared.session.receive(&buffer[..length])).is_err() {
                        return Poll::Ready(Some("the daemon sent what is not its protocol".into()));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Some(error.to_string())),
            }
        }
    }
}

/// Writes what the socket takes. Whether there is more; an error if that is its end.
fn write(
    shared: &mut Shared<Tokio>,
    stream: &tokio::net::UnixStream,
    context: &mut Context<'_>,
) -> std::result::Result<bool, Option<String>> {
    if shared.session.is_closed() {
        return Err(None);
    }
    if let Some(driver) = &mut shared.link {
        driver.waker = Some(context.waker().clone());
    }
    while shared.session.has_output() {
        shared.session.prepare(Instant::now());
        let mut slices: Vec<IoSlice<'_>> = Vec::new();
        shared.session.slices(&mut slices);
        if slices.is_empty() {
            break;
        }
        match stream.try_write_vectored(&slices) {
            Ok(written) => {
                drop(slices);
                shared.session.wrote(written);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(Some(error.to_string())),
        }
    }
    Ok(false)
}

#[allow(dead_code)]
fn futures_can_be_spawned(connection: &Connection, script: &Script) {
    fn spawnable<F: Future + Send>(_: Pin<Box<F>>) {}
    spawnable(Box::pin(connection.eval::<u8>("1")));
    spawnable(Box::pin(connection.call::<_, u8>("a", "b", ())));
    spawnable(Box::pin(script.call::<_, u8>("a", ())));
}
