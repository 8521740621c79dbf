// SPDX-License-Identifier: Apache-2.0
//! What the tests of the Rust client share: a lethed, the notation of values in cases.json, and both connections as one.

#![allow(dead_code)] // each program uses what it needs

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::io::FromRawFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lethe::{Cancellation, Date, Error, Options, Result, Value};
use serde_json::Value as Json;

/// For what is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn build() -> PathBuf {
    let here = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../build"));
    std::env::var_os("LETHE_BUILD").map_or_else(here, PathBuf::from)
}

pub fn wait_until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "it did not happen in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A lethed with a folder of its own. It can be stopped, killed and started again.
pub struct Daemon {
    pub folder: PathBuf,
    pub socket: PathBuf,
    settings: Vec<String>,
    process: Child,
}

impl Daemon {
    pub fn new(settings: &[String]) -> Daemon {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lethe-rust-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let process = Daemon::launch(&folder, settings);
        Daemon { socket: folder.join("socket"), folder, settings: settings.to_vec(), process }
    }

    fn launch(folder: &std::path::Path, settings: &[String]) -> Child {
        let log = folder.join("log");
        let output = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let before = output.metadata().unwrap().len() as usize;
        let mut command = Command::new(build().join("bin/lethed"));
        command.args(["--config", "/dev/null", "--socket"]).arg(folder.join("socket"));
        command.arg("--state-dir").arg(folder.join("state"));
        command.arg("--cache-dir").arg(build().join("tests/clients-cache"));
        for setting in settings {
            command.arg("--set").arg(setting);
        }
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let mut process = command.spawn().unwrap();
        wait_until(|| {
            let text = fs::read(&log).unwrap();
            let text = String::from_utf8_lossy(&text[before..]);
            assert!(process.try_wait().unwrap().is_none(), "lethed ended: {text}");
            text.contains("lethed: ready")
        });
        process
    }

    pub fn start(&mut self) {
        self.process = Daemon::launch(&self.folder, &self.settings);
    }

    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    pub fn stop(&mut self) {
        signal(self.process.id(), libc::SIGTERM);
        self.process.wait().unwrap();
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// All processes below the zygotes but these.
    pub fn kill_workers(&self) {
        for worker in children(self.process.id()).into_iter().flat_map(children) {
            signal(worker, libc::SIGKILL);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.is_running() {
            self.stop();
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

pub fn signal(process: u32, signal: i32) {
    // SAFETY: a system call, of a process that is ours.
    unsafe { libc::kill(process as i32, signal) };
}

pub fn children(process: u32) -> Vec<u32> {
    let parent = |status: &str| status.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok();
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|id: &u32| fs::read_to_string(format!("/proc/{id}/stat")).map_or(false, |status| parent(&status) == Some(process)))
        .collect()
}

/// Runs it in a forked child. What it returned; none if it panicked or died.
pub fn in_child(function: impl FnOnce() -> String) -> Option<String> {
    let mut pipe = [0; 2];
    // SAFETY: the child does no more than the function, and ends without what others have registered for the end.
    unsafe {
        assert_eq!(libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC), 0);
        let (mut readable, mut writable) = (File::from_raw_fd(pipe[0]), File::from_raw_fd(pipe[1]));
        match libc::fork() {
            0 => {
                libc::alarm(PATIENCE.as_secs() as u32);
                let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(function));
                if let Ok(said) = said {
                    writable.write_all(said.as_bytes()).unwrap();
                }
                libc::_exit(0)
            }
            child => {
                assert!(child > 0);
                drop(writable);
                let mut said = String::new();
                readable.read_to_string(&mut said).unwrap();
                libc::waitpid(child, std::ptr::null_mut(), 0);
                Some(said).filter(|said| !said.is_empty())
            }
        }
    }
}

/// A value from its notation in cases.json (see README.md beside it).
pub fn value_of(written: &Json) -> Value {
    let object = match written {
        Json::Null => return Value::Null,
        Json::Bool(value) => return Value::Bool(*value),
        Json::String(text) => return text.as_str().into(),
        Json::Array(items) => return Value::Array(items.iter().map(value_of).collect()),
        Json::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            return whole.map_or_else(|| Value::Float(number.as_f64().unwrap()), Value::Integer);
        }
        Json::Object(object) => object,
    };
    let only = object.iter().next().filter(|_| object.len() == 1);
    let pairs = |pairs: &Json| pairs.as_array().unwrap().iter().map(|pair| (value_of(&pair[0]), value_of(&pair[1]))).collect();
    match only.map(|(key, content)| (key.as_str(), content)) {
        Some(("$bin", text)) => Value::Bytes(base64(text.as_str().unwrap())),
        Some(("$bigint", text)) => Value::Integer(text.as_str().unwrap().parse().unwrap()),
        Some(("$number", text)) => Value::Float(text.as_str().unwrap().parse().unwrap()),
        Some(("$date", text)) => Value::Date(date(text.as_str().unwrap())),
        Some(("$map", content)) => Value::Map(pairs(content)),
        Some(("$repeat", content)) => content[0].as_str().unwrap().repeat(content[1].as_u64().unwrap() as usize).into(),
        Some(("$repeat_bytes", content)) => {
            Value::Bytes(vec![content[0].as_u64().unwrap() as u8; content[1].as_u64().unwrap() as usize])
        }
        Some(("$nested", count)) => (0..count.as_u64().unwrap()).fold(Value::Array(vec![]), |inner, _| Value::Array(vec![inner])),
        _ => Value::Map(object.iter().map(|(key, value)| (key.as_str().into(), value_of(value))).collect()),
    }
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let bits: String = digits.map(|digit| format!("{digit:06b}")).collect();
    (0..bits.len() / 8).map(|n| u8::from_str_radix(&bits[8 * n..8 * n + 8], 2).unwrap()).collect()
}

/// "[+]YYYY-MM-DDTHH:MM:SS.sssZ".
fn date(text: &str) -> Date {
    let numbers: Vec<i64> = text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    let (mut year, month, day) = (numbers[0], numbers[1], numbers[2]);
    year -= i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468;
    Date::from_millis((((days * 24 + numbers[3]) * 60 + numbers[4]) * 60 + numbers[5]) * 1000 + numbers[6])
}

/// Equal, and of the same types: 1 and 1.0 differ here, and so do 0.0 and -0.0. NaN is NaN, objects have no order.
pub fn same(seen: &Value, wanted: &Value) -> bool {
    match (seen, wanted) {
        (Value::Float(seen), Value::Float(wanted)) => seen.to_bits() == wanted.to_bits() || seen.is_nan() && wanted.is_nan(),
        (Value::Array(seen), Value::Array(wanted)) => {
            seen.len() == wanted.len() && seen.iter().zip(wanted).all(|(seen, wanted)| same(seen, wanted))
        }
        (Value::Map(seen), Value::Map(wanted)) => seen.len() == wanted.len() && has_all(seen, wanted),
        (seen, wanted) => seen == wanted,
    }
}

fn has_all(seen: &[(Value, Value)], wanted: &[(Value, Value)]) -> bool {
    let there = |(key, value): &(Value, Value)| seen.iter().any(|(other, each)| same(other, key) && same(each, value));
    wanted.iter().all(there)
}

pub fn contains(seen: &Value, wanted: &Value) -> bool {
    has_all(seen.as_map().unwrap_or_default(), wanted.as_map().unwrap_or_default())
}

/// What a step asks.
#[derive(Clone)]
pub struct Asked {
    pub verb: &'static str,
    pub args: Json,
    pub options: Options,
}

impl Asked {
    pub fn eval(source: &str) -> Asked {
        Asked { verb: "eval", args: source.into(), options: Options::new() }
    }
}

/// A request that was started.
pub struct Running {
    pub result: Box<dyn FnOnce() -> Result<Value>>,
    pub cancel: Box<dyn Fn()>,
}

/// Both connections as one.
pub trait Face: Clone + Send + 'static {
    type Script: Clone;
    fn open(connect: &lethe::Connect) -> Self;
    fn ask(&self, asked: &Asked) -> Result<Value>;
    fn start(&self, asked: &Asked) -> Running;
    fn script(&self, name: &str, source: &str) -> Self::Script;
    fn of_script(&self, script: &Self::Script, function: &str, args: &Value) -> Result<Value>;
    fn in_child(&self, source: &str) -> Result<Value>;
    fn close(&self);
}

fn fetch_of(asked: &Json) -> lethe::Fetch {
    let mut request = lethe::Fetch::new(asked["url"].as_str().unwrap());
    for (key, value) in asked.as_object().unwrap() {
        request = match key.as_str() {
            "method" => request.method(value.as_str().unwrap()),
            "function" => request.function(value.as_str().unwrap()),
            "body" => request.body(value_of(value).as_bytes().unwrap()),
            _ => request,
        };
    }
    for header in asked["headers"].as_array().into_iter().flatten() {
        request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
    }
    for (name, value) in asked["env"].as_object().into_iter().flatten() {
        request = request.env(name, value_of(value));
    }
    request
}

fn map_of(response: &lethe::Response) -> Value {
    let headers = response.headers.iter().map(|(name, value)| Value::Array(vec![name.as_str().into(), value.as_str().into()]));
    Value::Map(vec![
        ("status".into(), response.status.into()),
        ("statusText".into(), response.status_text.as_str().into()),
        ("headers".into(), Value::Array(headers.collect())),
        ("body".into(), Value::Bytes(response.body.clone())),
    ])
}

/// The parts of the arguments of a request, as both connections take them.
macro_rules! perform {
    ($js:expr, $asked:expr $(, $wait:ident)?) => {{
        let (js, args) = ($js.with($asked.options.clone()), &$asked.args);
        let text = |part: &Json| part.as_str().unwrap().to_owned();
        match $asked.verb {
            "eval" => js.eval(&text(args))$(.$wait)?,
            "call" => js.call(&text(&args[0]), &text(&args[1]), value_of(&args[2]))$(.$wait)?,
            "chain" => {
                let steps: Vec<(String, String)> =
                    args[0].as_array().unwrap().iter().map(|step| (text(&step[0]), text(&step[1]))).collect();
                let steps: Vec<(&str, &str)> = steps.iter().map(|(script, function)| (script.as_str(), function.as_str())).collect();
                js.chain(&steps, value_of(&args[1]))$(.$wait)?
            }
            "put" => {
                let mut options = lethe::ScriptOptions::new();
                for (key, value) in args[2].as_object().unwrap() {
                    options = options.option(key, value_of(value));
                }
                let put = js.put_with(&text(&args[0]), &text(&args[1]), &options)$(.$wait)?;
                put.map(|put| Value::Map(vec![("name".into(), put.name.into()), ("version".into(), put.version.into())]))
            }
            "fetch" => {
                let response = js.fetch(&text(&args[0]), &fetch_of(&args[1]))$(.$wait)?;
                response.map(|response| map_of(&response))
            }
            "request" => js.request(&text(&args[0]), value_of(&args[1]))$(.$wait)?,
            other => panic!("no verb {other}"),
        }
    }};
}

impl Face for lethe::Connection {
    type Script = lethe::Script;

    fn open(connect: &lethe::Connect) -> lethe::Connection {
        connect.open().unwrap()
    }

    fn ask(&self, asked: &Asked) -> Result<Value> {
        perform!(self, asked)
    }

    fn start(&self, asked: &Asked) -> Running {
        let cancellation = Cancellation::new();
        let (js, asked) = (self.with(Options::new().cancel(&cancellation)), asked.clone());
        let thread = std::thread::spawn(move || js.ask(&asked));
        Running { result: Box::new(|| thread.join().unwrap()), cancel: Box::new(move || cancellation.cancel()) }
    }

    fn script(&self, name: &str, source: &str) -> lethe::Script {
        lethe::Connection::script(self, name, source)
    }

    fn of_script(&self, script: &lethe::Script, function: &str, args: &Value) -> Result<Value> {
        script.call(function, args)
    }

    fn in_child(&self, source: &str) -> Result<Value> {
        self.eval(source)
    }

    fn close(&self) {
        lethe::Connection::close(self);
    }
}

/// A connection of tokio, and the runtime that drives it.
#[derive(Clone)]
pub struct Aio {
    pub js: lethe::aio::Connection,
    pub runtime: std::sync::Arc<tokio::runtime::Runtime>,
}

impl Face for Aio {
    type Script = lethe::aio::Script;

    fn open(connect: &lethe::Connect) -> Aio {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let js = runtime.block_on(connect.open_aio()).unwrap();
        Aio { js, runtime: runtime.into() }
    }

    fn ask(&self, asked: &Asked) -> Result<Value> {
        self.runtime.block_on(async { perform!(self.js, asked, await) })
    }

    fn start(&self, asked: &Asked) -> Running {
        let (js, own, asked) = (self.js.clone(), self.js.clone(), asked.clone());
        let task = self.runtime.spawn(async move { perform!(own, asked, await) });
        let task = std::sync::Arc::new(std::sync::Mutex::new(Some(task)));
        let (runtime, cancelled) = (self.runtime.clone(), task.clone());
        Running {
            result: Box::new(move || {
                let task = task.lock().unwrap().take().unwrap();
                // A task that was dropped has no result: that is tokio's word for "cancelled".
                runtime.block_on(async { task.await.unwrap_or(Err(cancelled_before(&js).await)) })
            }),
            cancel: Box::new(move || cancelled.lock().unwrap().as_ref().unwrap().abort()),
        }
    }

    fn script(&self, name: &str, source: &str) -> lethe::aio::Script {
        self.js.script(name, source)
    }

    fn of_script(&self, script: &lethe::aio::Script, function: &str, args: &Value) -> Result<Value> {
        self.runtime.block_on(script.call(function, args))
    }

    fn in_child(&self, source: &str) -> Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.js.eval(source))
    }

    fn close(&self) {
        self.runtime.block_on(self.js.close());
    }
}

/// An [`Error::Cancelled`], which only the client can make.
async fn cancelled_before(js: &lethe::aio::Connection) -> Error {
    let cancelled = Cancellation::new();
    cancelled.cancel();
    js.with(Options::new().cancel(&cancelled)).eval::<Value>("1").await.unwrap_err()
}
