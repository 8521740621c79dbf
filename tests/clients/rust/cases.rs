// SPDX-License-Identifier: Apache-2.0
//! The cases of all clients, with both connections.

mod harness;

use std::collections::{HashMap, HashSet};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use harness::{contains, in_child, same, value_of, wait_until, Aio, Asked, Daemon, Face, Running, PATIENCE};
use lethe::{Error, HostError, Options, Report, Result, ScriptError, Thrown, Value};
use serde_json::Value as Json;

fn cases() -> Json {
    serde_json::from_str(include_str!("../cases.json")).unwrap()
}

/// What the host functions of a scenario tell it, and it tells them.
#[derive(Default)]
struct Scene {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    begun: HashSet<String>,
    released: bool,
    attempts: u32,
}

impl Scene {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
        result
    }

    fn wait(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.state.lock().unwrap();
        let (state, limit) = self.changed.wait_timeout_while(state, PATIENCE, |state| !condition(state)).unwrap();
        assert!(!limit.timed_out(), "it did not happen in time");
        state
    }

    fn attempt(&self) -> u32 {
        self.change(|state| {
            state.attempts += 1;
            state.attempts
        })
    }
}

/// Host functions are registered in the way of the connection.
trait Hosts: Face {
    fn add_hosts(&self, scene: &Arc<Scene>);
}

const UNSENDABLE: Value = Value::Integer(1 << 64);

impl Hosts for lethe::Connection {
    fn add_hosts(&self, scene: &Arc<Scene>) {
        self.host("add", |(a, b): (i64, i64)| Ok(a + b));
        self.host("echo", Ok::<Vec<Value>, HostError>);
        self.host("fail", |(message,): (String,)| -> std::result::Result<(), _> { Err(HostError::new(message)) });
        self.host("unsendable", |()| Ok(UNSENDABLE));
        self.host("hang", |()| {
            std::thread::sleep(Duration::from_secs(1));
            Ok(())
        });
        let js = self.clone();
        self.host("eval", move |(source,): (String,)| Ok(js.eval::<Value>(&source)?));
        let here = scene.clone();
        self.host("begun", move |(name,): (String,)| {
            here.change(|state| state.begun.insert(name));
            Ok(())
        });
        let here = scene.clone();
        self.host("released", move |()| {
            drop(here.wait(|state| state.released));
            Ok(())
        });
        let here = scene.clone();
        self.host("attempt", move |()| Ok(here.attempt()));
    }
}

impl Hosts for Aio {
    fn add_hosts(&self, scene: &Arc<Scene>) {
        let js = &self.js;
        js.host("add", |(a, b): (i64, i64)| async move { Ok(a + b) });
        js.host("echo", |args: Vec<Value>| async move { Ok(args) });
        js.host("fail", |(message,): (String,)| async move { Err::<(), _>(HostError::new(message)) });
        js.host("unsendable", |()| async { Ok(UNSENDABLE) });
        js.host("hang", |()| async {
            tokio::time::sleep(PATIENCE).await;
            Ok(())
        });
        let own = js.clone();
        js.host("eval", move |(source,): (String,)| {
            let own = own.clone();
            async move { Ok(own.eval::<Value>(&source).await?) }
        });
        let here = scene.clone();
        js.host("begun", move |(name,): (String,)| {
            here.change(|state| state.begun.insert(name));
            async { Ok(()) }
        });
        let here = scene.clone();
        js.host("released", move |()| {
            let here = here.clone();
            async move {
                while !here.change(|state| state.released) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Ok(())
            }
        });
        let here = scene.clone();
        js.host("attempt", move |()| {
            let attempt = here.attempt();
            async move { Ok(attempt) }
        });
    }
}

/// One run of a case's steps on a connection of its own.
struct Play<'a, F: Face> {
    daemon: &'a mut Daemon,
    js: F,
    scene: Arc<Scene>,
    running: HashMap<String, Running>,
    handles: HashMap<String, F::Script>,
}

impl<F: Hosts> Play<'_, F> {
    fn play(&mut self, step: &Json) {
        let text = |key: &str| step[key].as_str().map(str::to_owned);
        if let Some(name) = text("start") {
            let running = self.js.start(&asked(step).0);
            self.running.insert(name, running);
        } else if let Some(name) = text("finish") {
            let running = self.running.remove(&name).unwrap();
            expect(step, running.result);
        } else if let Some(name) = text("begun") {
            drop(self.scene.wait(|state| state.begun.contains(&name)));
        } else if let Some(count) = step["attempted"].as_u64() {
            drop(self.scene.wait(|state| u64::from(state.attempts) >= count));
        } else if step["release"] == true {
            self.scene.change(|state| state.released = true);
        } else if let Some(name) = text("cancel") {
            (self.running[&name].cancel)();
        } else if let Some(action) = text("daemon") {
            match action.as_str() {
                "start" => self.daemon.start(),
                "stop" => self.daemon.stop(),
                "kill" => self.daemon.kill(),
                "kill_workers" => self.daemon.kill_workers(),
                other => panic!("no {other} of the daemon"),
            }
        } else if step["close"] == true {
            self.js.close();
        } else if step["new_handles"] == true {
            self.handles.clear();
        } else if let Some(source) = text("client_dies") {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "dying_client"]).env("DYING_CLIENT", &self.daemon.socket).env("DYING_SOURCE", source);
            let status = command.output().unwrap().status;
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
        } else if let Some(count) = step["many"].as_u64() {
            let source = text("eval").unwrap();
            let one =
                |n: u64| Asked { options: Options::new().global(step["global"].as_str().unwrap(), n), ..Asked::eval(&source) };
            let running: Vec<(u64, Running)> = (0..count).map(|n| (n, self.js.start(&one(n)))).collect();
            for (n, each) in running {
                assert_eq!((each.result)().unwrap(), n.into());
            }
        } else if let Some(parts) = step["request_until"].as_array() {
            let asked = Asked { verb: "request", args: serde_json::json!([parts[0], []]), options: Options::new() };
            wait_until(|| {
                let seen = self.js.ask(&asked).unwrap();
                let path = parts[1].as_array().unwrap().iter();
                let at = path.fold(Some(&seen), |seen, key| seen?.get(key.as_str().unwrap()));
                at == Some(&value_of(&parts[2]))
            });
        } else if step["fork"] == true {
            let said = in_child(|| format!("{:?}", self.js.in_child(step["eval"].as_str().unwrap()).unwrap()));
            assert_eq!(said, Some(format!("{:?}", value_of(&step["result"]))));
        } else if let Some(args) = step["script"].as_array() {
            let part = |n: usize| args[n].as_str().unwrap();
            let handle = self.handles.entry(part(0).to_owned()).or_insert_with(|| self.js.script(part(0), part(1))).clone();
            expect(step, || self.js.of_script(&handle, part(2), &value_of(&args[3])));
        } else {
            let (asked, report) = asked(step);
            expect(step, || self.js.ask(&asked));
            if let Some(report) = report {
                check_report(&report, &step["report"]);
            }
        }
    }
}

/// What a step asks, and the report that it wants.
fn asked(step: &Json) -> (Asked, Option<Report>) {
    let verbs = ["eval", "call", "chain", "put", "request", "fetch"];
    let verb = verbs.into_iter().find(|verb| !step[verb].is_null()).unwrap();
    let mut options = Options::new();
    for (key, value) in step["options"].as_object().into_iter().flatten() {
        options = match key.as_str() {
            "deadline" => options.deadline(Duration::from_secs_f64(value.as_f64().unwrap())),
            "idempotent" => options.idempotent(),
            _ => options.option(key, value_of(value)),
        };
    }
    let report = step["report"].as_object().map(|_| Report::new());
    if let Some(report) = &report {
        options = options.report(report);
    }
    (Asked { verb, args: step[verb].clone(), options }, report)
}

fn check_report(report: &Report, wanted: &Json) {
    let lines = report.console().into_iter().map(|line| serde_json::json!([line.level, line.text]));
    assert_eq!(Json::Array(lines.collect()), wanted["console"]);
    let stats = lethe::to_value(&report.stats().expect("figures")).unwrap();
    for key in wanted["stats"].as_array().unwrap() {
        assert!(stats.get(key.as_str().unwrap()).is_some(), "{key} is missing in {stats:?}");
    }
}

fn expect(step: &Json, ask: impl FnOnce() -> Result<Value>) {
    let begin = Instant::now();
    let seen = ask();
    let took = begin.elapsed().as_millis();
    match (step.get("error"), seen) {
        (Some(wanted), Err(error)) => check_error(&Thrown::Value(Value::Null), Some(&error), wanted),
        (Some(wanted), Ok(value)) => panic!("{} instead of {wanted}", shortened(&value)),
        (None, Err(error)) => panic!("{error:?}"),
        (None, Ok(value)) => {
            if let Some(wanted) = step.get("contains") {
                assert!(contains(&value, &value_of(wanted)), "{} does not contain {wanted}", shortened(&value));
            } else if let Some(wanted) = step.get("result") {
                assert!(same(&value, &value_of(wanted)), "{} is not {}", shortened(&value), shortened(wanted));
            }
        }
    }
    if let Some(limit) = step["within_ms"].as_u64() {
        assert!(took < u128::from(limit), "it took {took} ms");
    }
}

fn shortened(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").chars().take(300).collect()
}

/// An error, or what an error names as its cause.
fn check_error(thrown: &Thrown, error: Option<&Error>, wanted: &Json) {
    let wanted = match wanted {
        Json::Object(keys) if error.is_some() || matches!(thrown, Thrown::Error(_)) => keys,
        other => match thrown {
            Thrown::Value(value) => return assert!(same(value, &value_of(other)), "{value:?} is not {other}"),
            Thrown::Error(error) => panic!("{error} is not {other}"),
        },
    };
    let script_error = match (error, thrown) {
        (Some(Error::ScriptError(error)), _) | (None, Thrown::Error(error)) => Some(&**error),
        _ => None,
    };
    for (key, value) in wanted {
        match (key.as_str(), script_error) {
            ("cause", Some(error)) => check_error(error.cause.as_ref().expect("a cause"), None, value),
            ("errors", Some(error)) => {
                assert_eq!(error.errors.len(), value.as_array().unwrap().len());
                error.errors.iter().zip(value.as_array().unwrap()).for_each(|(each, value)| check_error(each, None, value));
            }
            (key, script_error) => {
                let seen = script_error.and_then(|error| of_script_error(error, key)).or_else(|| of_error(error?, key));
                let seen = seen.unwrap_or_else(|| panic!("no {key} in {error:?}"));
                assert!(same(&seen, &value_of(value)), "{key} is {seen:?}, not {value}, of {error:?}");
            }
        }
    }
}

fn of_script_error(error: &ScriptError, key: &str) -> Option<Value> {
    Some(match key {
        "name" => error.name.clone().into(),
        "message" => error.message().into(),
        "script" => error.script.clone().into(),
        "line" => error.line.into(),
        "properties" => error.properties.clone(),
        "value" => error.value.clone().unwrap_or(Value::Null),
        _ => return None,
    })
}

fn of_error(error: &Error, key: &str) -> Option<Value> {
    Some(match (key, error) {
        ("code", _) => error.code().into(),
        ("message", _) => error.message().into(),
        ("step", _) => error.details().step.into(),
        ("path", Error::InvalidValue { path, .. }) => path.clone().into(),
        ("kind", Error::NotFound { kind, .. }) => kind.clone().into(),
        ("name", Error::NotFound { name, .. }) => name.clone().into(),
        ("phase", Error::DeadlineExceeded { phase, .. }) => phase.clone().into(),
        ("limit", Error::DeadlineExceeded { limit, .. } | Error::Busy { limit, .. }) => limit.clone().into(),
        ("limit_mb", Error::MemoryLimit { limit_mb, .. }) => (*limit_mb).into(),
        ("script", Error::CompileError { script, .. }) => script.clone().into(),
        ("line", Error::CompileError { line, .. }) => (*line).into(),
        ("signal", Error::WorkerCrashed { signal, .. }) => (*signal).into(),
        ("sent", Error::ConnectionLost { sent, .. }) => (*sent).into(),
        _ => return None,
    })
}

/// The steps of a case of any part.
fn steps_of(part: &str, case: &Json) -> Vec<Json> {
    let mut step = match part {
        "scenarios" => return case["steps"].as_array().unwrap().clone(),
        "from_script" => serde_json::json!({"eval": case["source"], "result": case["value"]}),
        _ => {
            let check = case["check"].as_str().unwrap_or("x");
            serde_json::json!({"eval": check, "options": {"globals": {"x": case["value"]}, "deadline": 20.0}, "result": true})
        }
    };
    for key in ["error", "contains"] {
        if let Some(value) = case.get(key) {
            step[key] = value.clone();
        }
    }
    vec![step]
}

/// Plays all cases of a part, or those whose names have what $CASE says, and says which have failed.
fn play<F: Hosts>(part: &str) {
    let cases = cases();
    let settings: Vec<String> =
        cases["settings"].as_array().unwrap().iter().map(|each| each.as_str().unwrap().to_owned()).collect();
    let mut daemon = Daemon::new(&settings);
    let wanted = std::env::var("CASE").unwrap_or_default();
    let mut failed = Vec::new();
    for case in cases[part].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        if !name.contains(&wanted) {
            continue;
        }
        assert!(case["cannot"].get("rust").is_none(), "a Value holds everything");
        if !daemon.is_running() {
            daemon.start(); // the case before has failed
        }
        let js = F::open(&lethe::Connect::new().socket(&daemon.socket));
        let mut play = Play { daemon: &mut daemon, js, scene: Arc::default(), running: HashMap::new(), handles: HashMap::new() };
        play.js.add_hosts(&play.scene);
        for step in steps_of(part, case) {
            if catch_unwind(AssertUnwindSafe(|| play.play(&step))).is_err() {
                failed.push(format!("{name}: {}", shortened(&step.to_string())));
                break;
            }
        }
        play.js.close();
    }
    assert!(failed.is_empty(), "{} cases of {part} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn values_from_scripts() {
    play::<lethe::Connection>("from_script");
}

#[test]
fn values_from_scripts_with_tokio() {
    play::<Aio>("from_script");
}

#[test]
fn values_to_scripts() {
    play::<lethe::Connection>("to_script");
}

#[test]
fn values_to_scripts_with_tokio() {
    play::<Aio>("to_script");
}

#[test]
fn scenarios() {
    play::<lethe::Connection>("scenarios");
}

#[test]
fn scenarios_with_tokio() {
    play::<Aio>("scenarios");
}

/// Another process, which a scenario starts: it is killed in a host function.
#[test]
fn dying_client() {
    if let (Some(socket), Ok(source)) = (std::env::var_os("DYING_CLIENT"), std::env::var("DYING_SOURCE")) {
        let js = lethe::Connect::new().socket(socket).open().unwrap();
        js.host("begun", |(_,): (String,)| {
            harness::signal(std::process::id(), libc::SIGKILL);
            Ok(())
        });
        drop(js.eval::<Value>(&source));
    }
}
