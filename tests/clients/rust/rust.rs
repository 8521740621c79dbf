// SPDX-License-Identifier: Apache-2.0
//! What concerns the Rust client alone: threads, tasks, runtimes, types, and what happens when something dies.

mod harness;
#[path = "../../../client/rust/examples/login.rs"]
#[allow(dead_code)]
mod login;

use std::collections::{BTreeMap, HashMap};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use harness::{in_child, signal, wait_until, Daemon, PATIENCE};
use lethe::{Cancellation, Connect, Connection, Date, Error, HostError, Options, Value};
use serde::{Deserialize, Serialize};

fn to(daemon: &Daemon) -> Connect {
    Connect::new().socket(&daemon.socket)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn stat(js: &Connection, key: &str) -> u64 {
    let stats: Value = js.request("stats", ()).unwrap();
    stats.get(key).and_then(Value::as_u64).unwrap()
}

// --- at once

#[test]
fn threads_share_one_connection_and_get_their_own_results() {
    let daemon = Daemon::new(&[]);
    let js = to(&daemon).open().unwrap();
    js.put("t/echo", "function echo(x) { return x; }").unwrap();
    thread::scope(|scope| {
        for thread in 0..16u64 {
            let js = js.clone();
            scope.spawn(move || {
                for n in 0..200 {
                    assert_eq!(js.call::<_, u64>("t/echo", "echo", (thread * 1000 + n,)).unwrap(), thread * 1000 + n);
                }
            });
        }
    });
    assert_eq!(stat(&js, "connections"), 1);
}

#[test]
fn tasks_of_several_threads_share_one_connection() {
    let daemon = Daemon::new(&[]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let js = to(&daemon).open_aio().await.unwrap();
        js.put("t/echo", "function echo(x) { return x; }").await.unwrap();
        let tasks: Vec<_> = (0..64u64)
            .map(|task| {
                let js = js.clone();
                tokio::spawn(async move {
                    for n in 0..100 {
                        assert_eq!(js.call::<_, u64>("t/echo", "echo", (task * 1000 + n,)).await.unwrap(), task * 1000 + n);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let stats: Value = js.request("stats", ()).await.unwrap();
        assert_eq!(stats.get("connections").unwrap().as_u64(), Some(1));
    });
}

/// The daemon takes no requests while its replies are not read: whoever waits to write has to read, too.
#[test]
fn megabytes_in_both_directions_at_once() {
    let daemon = Daemon::new(&["pool.default.deadline_ms=30000".into()]);
    let js = to(&daemon).open().unwrap();
    js.put("t/echo", "function echo(x) { return x; }").unwrap();
    let content = Value::Bytes((0..3_000_000u32).map(|n| n as u8).collect());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..3 {
                    assert!(js.call::<_, Value>("t/echo", "echo", (&content,)).unwrap() == content);
                }
            });
        }
    });
    runtime().block_on(async {
        let js = to(&daemon).open_aio().await.unwrap();
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let (js, content) = (js.clone(), content.clone());
                tokio::spawn(async move { assert!(js.call::<_, Value>("t/echo", "echo", (&content,)).await.unwrap() == content) })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
    });
}

#[test]
fn requests_of_host_functions_do_not_wait_for_those_that_wait_for_them() {
    let daemon = Daemon::new(&[]);
    let js = to(&daemon).max_in_flight(1).open().unwrap();
    let own = js.clone();
    js.host("eval", move |(source,): (String,)| Ok(own.eval::<Value>(&source)?));
    let limited = js.with(Options::new().deadline(PATIENCE));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(limited.eval::<u8>("host.call('eval', '6 * 7')").unwrap(), 42));
        }
    });
    js.close();
}

#[test]
fn a_host_function_that_takes_its_time_holds_up_nobody_else() {
    let daemon = Daemon::new(&[]);
    let js = to(&daemon).open().unwrap();
    let (begun, begins) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (begun, released) = (Mutex::new(begun), Mutex::new(released));
    js.host("slow", move |()| {
        begun.lock().unwrap().send(()).unwrap();
        Ok(released.lock().unwrap().recv().is_ok())
    });
    let slow = {
        let js = js.with(Options::new().deadline(PATIENCE));
        thread::spawn(move || js.eval::<bool>("host.call('slow')"))
    };
    begins.recv().unwrap();
    for _ in 0..100 {
        assert_eq!(js.eval::<u8>("1").unwrap(), 1);
    }
    release.send(()).unwrap();
    assert!(slow.join().unwrap().unwrap());
}

#[test]
fn a_panic_in_a_host_function_is_its_callers_and_harms_no_other() {
    let daemon = Daemon::new(&[]);
    let js = to(&daemon).open().unwrap();
    js.host("panic", |()| -> Result<(), HostError> { panic!("in a host function") });
    assert!(catch_unwind(AssertUnwindSafe(|| js.eval::<Value>("host.call('panic').then(() => { while (true); })"))).is_err());
    assert_eq!(js.eval::<u8>("1").unwrap(), 1);
    wait_until(|| stat(&js, "in_flight") == 0); // the script has been cancelled
}

// --- cancelling and time

#[test]
fn a_dropped_future_ends_its_script() {
    let daemon = Daemon::new(&["pool.default.deadline_ms=60000".into()]);
    let watch = to(&daemon).open().unwrap();
    runtime().block_on(async {
        let js = to(&daemon).open_aio().await.unwrap();
        let running = js.eval::<Value>("while (true);");
        assert!(tokio::time::timeout(Duration::from_millis(200), running).await.is_err());
        assert_eq!(js.eval::<u8>("1").await.unwrap(), 1);
        let begin = Instant::now();
        while stat(&watch, "in_flight") > 0 {
            assert!(begin.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}

#[test]
fn a_cancellation_from_another_thread_ends_all_that_have_it() {
    let daemon = Daemon::new(&["pool.default.deadline_ms=60000".into()]);
    let js = to(&daemon).open().unwrap();
    let cancellation = Cancellation::new();
    let endless = js.with(Options::new().cancel(&cancellation));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let endless = endless.clone();
            thread::spawn(move || endless.eval::<Value>("while (true);"))
        })
        .collect();
    wait_until(|| stat(&js, "in_flight") == 3);
    cancellation.cancel();
    for thread in threads {
        assert_eq!(thread.join().unwrap().unwrap_err().code(), "cancelled");
    }
    assert_eq!(endless.eval::<Value>("1").unwrap_err().code(), "cancelled");
    assert_eq!(js.eval::<u8>("1").unwrap(), 1);
}

#[test]
fn a_daemon_that_does_not_keep_the_deadline_is_not_waited_for() {
    let daemon = Daemon::new(&[]);
    let js = to(&daemon).open().unwrap();
    let pid = js.ping().unwrap().pid;
    let limited = js.with(Options::new().deadline(Duration::from_millis(200)));
    signal(pid, libc::SIGSTOP);
    let begin = Instant::now();
    let error = limited.eval::<Value>("1").unwrap_err();
    let aio = runtime().block_on(async {
        let js = to(&daemon).open_aio().await.unwrap();
        js.with(Options::new().deadline(Duration::from_millis(200))).eval::<Value>("1").await.unwrap_err()
    });
    let took = begin.elapsed();
    signal(pid, libc::SIGCONT);
    for error in [error, aio] {
        match error {
            Error::DeadlineExceeded { phase, .. } => assert_eq!(phase.as_deref(), Some("waiting")),
            other => panic!("{other:?}"),
        }
    }
    assert!(took > Duration::from_millis(2400) && took < Duration::from_secs(6), "{took:?}");
    assert_eq!(js.eval::<u8>("1").unwrap(), 1);
}

#[test]
fn a_deadline_holds_while_requests_wait_for_room() {
    let daemon = Daemon::new(&["pool.default.deadline_ms=60000".into()]);
    let js = to(&daemon).max_in_flight(1).open().unwrap();
    let cancellation = Cancellation::new();
    let endless = js.with(Options::new().cancel(&cancellation));
    let (begun, begins) = mpsc::channel();
    let begun = Mutex::new(begun);
    js.host("begun", move |()| Ok(begun.lock().unwrap().send(()).is_ok()));
    let thread = thread::spawn(move || endless.eval::<Value>("host.call('begun').then(() => { while (true); })"));
    begins.recv().unwrap();
    let begin = Instant::now();
    match js.with(Options::new().deadline(Duration::from_millis(100))).eval::<Value>("1") {
        Err(Error::DeadlineExceeded { phase, .. }) => {
            assert_eq!(phase.as_deref(), Some("connecting"))
        }
        other => panic!("{other:?}"),
    }
    assert!(begin.elapsed() < Duration::from_secs(1));
    cancellation.cancel();
    assert_eq!(thread.join().unwrap().unwrap_err().code(), "cancelled");
}

// --- what dies

/// Requests of many threads while the daemon goes and comes: each is run at most once, and who is told that it was not run is right.
fn at_most_once(end: fn(&mut Daemon)) {
    let mut daemon = Daemon::new(&[]);
    let js = to(&daemon).connect_timeout(PATIENCE).open().unwrap();
    let runs: Arc<Mutex<HashMap<u64, u32>>> = Arc::default();
    let seen = runs.clone();
    js.host("run", move |(n,): (u64,)| {
        *seen.lock().unwrap().entry(n).or_default() += 1;
        Ok(n)
    });
    let (stop, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for thread in 0..8u64 {
            let (js, stop, answered, runs) = (js.clone(), &stop, &answered, &runs);
            scope.spawn(move || {
                let mut n = thread << 32;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    match js.with(Options::new().global("n", n)).eval::<u64>("host.call('run', n)") {
                        Ok(result) => {
                            assert_eq!(result, n);
                            assert_eq!(runs.lock().unwrap().get(&n), Some(&1));
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(Error::ConnectionLost { sent, .. }) => {
                            assert!(sent || !runs.lock().unwrap().contains_key(&n))
                        }
                        Err(Error::ShuttingDown { .. } | Error::Cancelled { .. }) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
        for _ in 0..3 {
            let before = answered.load(Ordering::Relaxed);
            wait_until(|| answered.load(Ordering::Relaxed) > before + 50);
            end(&mut daemon);
            daemon.start();
        }
        let before = answered.load(Ordering::Relaxed);
        wait_until(|| answered.load(Ordering::Relaxed) > before + 50);
        stop.store(true, Ordering::Relaxed);
    });
    assert!(runs.lock().unwrap().values().all(|count| *count == 1));
    js.close();
}

#[test]
fn over_restarts_of_the_daemon_each_request_runs_at_most_once() {
    at_most_once(Daemon::stop);
}

#[test]
fn over_kills_of_the_daemon_each_request_runs_at_most_once() {
    at_most_once(Daemon::kill);
}

#[test]
fn without_a_daemon_connecting_ends_in_time_and_says_where() {
    let begin = Instant::now();
    let connect = Connect::new().socket("/nowhere/lethe.sock").connect_timeout(Duration::from_millis(100));
    for error in [connect.open().err(), runtime().block_on(connect.open_aio()).err()] {
        match error.unwrap() {
            Error::ConnectionLost { sent: false, details } => {
                assert_eq!(details.code, "unreachable");
                assert!(
                    details.message.contains("/nowhere/lethe.sock") && details.message.contains("lethed"),
                    "{}",
                    details.message
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn the_policy_of_repetition_can_be_replaced_and_is_asked_for_idempotent_requests_only() {
    let mut daemon = Daemon::new(&[]);
    let asked: Arc<Mutex<Vec<(String, u32)>>> = Arc::default();
    let seen = asked.clone();
    let policy = move |error: &Error, attempt| {
        seen.lock().unwrap().push((error.code().to_owned(), attempt));
        (attempt < 3).then(|| Duration::from_millis(1))
    };
    let js = to(&daemon).connect_timeout(Duration::from_millis(10)).retry(policy).open().unwrap();
    daemon.stop();
    assert_eq!(js.eval::<Value>("1").unwrap_err().code(), "unreachable");
    assert!(asked.lock().unwrap().is_empty());
    assert_eq!(js.with(Options::new().idempotent()).eval::<Value>("1").unwrap_err().code(), "unreachable");
    let unreachable = |attempt| (String::from("unreachable"), attempt);
    assert_eq!(*asked.lock().unwrap(), [unreachable(1), unreachable(2), unreachable(3)]);
}

#[test]
fn another_runtime_makes_a_connection_of_its_own() {
    let daemon = Daemon::new(&[]);
    let js = runtime().block_on(to(&daemon).open_aio()).unwrap();
    for n in 0..3u8 {
        let pending = runtime();
        assert_eq!(pending.block_on(js.with(Options::new().global("n", n)).eval::<u8>("n")).unwrap(), n);
    }
}

// --- processes

#[test]
fn a_forked_child_has_a_connection_of_its_own_while_threads_ask() {
    let daemon = Daemon::new(&[]);
    let js = to(&daemon).open().unwrap();
    js.host("id", |()| Ok(std::process::id()));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(js.eval::<u32>("host.call('id')").unwrap(), std::process::id());
                }
            });
        }
        for _ in 0..10 {
            let said = in_child(|| {
                let answered: Vec<u32> = (0..20).map(|_| js.eval("host.call('id')").unwrap()).collect();
                format!("{}", answered.iter().all(|id| *id == std::process::id()))
            });
            assert_eq!(said.as_deref(), Some("true"));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_child_keeps_no_copy_of_its_parents_socket() {
    let daemon = Daemon::new(&[]);
    let watch = to(&daemon).open().unwrap();
    let js = to(&daemon).open().unwrap();
    let aio = runtime();
    let also = aio.block_on(to(&daemon).open_aio()).unwrap();
    assert_eq!((js.eval::<u8>("1").unwrap(), stat(&watch, "connections")), (1, 3));
    // SAFETY: the child waits for its end, which is a signal.
    let child = unsafe {
        match libc::fork() {
            0 => {
                libc::alarm(PATIENCE.as_secs() as u32);
                libc::pause();
                libc::_exit(0)
            }
            child => child as u32,
        }
    };
    drop(js);
    aio.block_on(also.close());
    wait_until(|| stat(&watch, "connections") == 1);
    signal(child, libc::SIGKILL);
    // SAFETY: a child of this process.
    unsafe { libc::waitpid(child as i32, std::ptr::null_mut(), 0) };
}

#[test]
fn a_private_daemon_ends_with_its_connection() {
    let js = Connect::new().private().open().unwrap();
    let (pid, folder) = (js.ping().unwrap().pid, js.socket().parent().unwrap().to_owned());
    assert_eq!(in_child(|| js.eval::<u8>("1 + 1").unwrap().to_string()).as_deref(), Some("2"));
    assert_eq!(js.eval::<u8>("2").unwrap(), 2); // a child's end is not its end
    drop(js);
    wait_until(|| !std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(!folder.exists());
}

#[test]
fn a_private_daemon_ends_with_a_process_that_is_killed() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "process_with_a_private_daemon", "--nocapture"]).env("WITH_A_PRIVATE_DAEMON", "yes");
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = std::io::BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("daemon ") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut output, &mut line).unwrap() > 0);
    }
    let pid: u32 = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    wait_until(|| !std::path::Path::new(&format!("/proc/{pid}")).exists());
}

/// Another process, which the test above starts and kills.
#[test]
fn process_with_a_private_daemon() {
    if std::env::var_os("WITH_A_PRIVATE_DAEMON").is_some() {
        let js = Connect::new().private().open().unwrap();
        println!("daemon {}", js.ping().unwrap().pid);
        thread::sleep(PATIENCE);
    }
}

// --- types

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    full_name: String,
    born: Date,
    #[serde(with = "serde_bytes")]
    picture: Vec<u8>,
    roles: Vec<Role>,
    by_year: BTreeMap<u16, f64>,
    #[serde(default)]
    nickname: Option<String>,
    balance: i64,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Role {
    Admin,
    Of { tenant: String },
}

#[test]
fn types_of_the_program_arrive_as_what_they_are_and_come_back() {
    let daemon = Daemon::new(&[]);
    let js = to(&daemon).open().unwrap();
    js.put(
        "t/types",
        "function kinds(user) {
           return [user.born instanceof Date, user.picture instanceof Uint8Array, user.byYear instanceof Map, user.nickname === null,
                   typeof user.balance, user.roles[0], user.roles[1].Of.tenant];
         }
         function same(user) { return user; }
         function wrong(user) { return { ...user, roles: ['Admin', 7] }; }",
    )
    .unwrap();
    let user = || User {
        full_name: "Ada".into(),
        born: Date::from_millis(-4_862_678_400_000),
        picture: vec![0, 255],
        roles: vec![Role::Admin, Role::Of { tenant: "acme".into() }],
        by_year: BTreeMap::from([(1843, 1.5)]),
        nickname: None,
        balance: i64::MIN,
    };
    let kinds: (bool, bool, bool, bool, String, String, String) = js.call("t/types", "kinds", (user(),)).unwrap();
    assert_eq!(kinds, (true, true, true, true, "bigint".into(), "Admin".into(), "acme".into()));
    assert_eq!(js.call::<_, User>("t/types", "same", (user(),)).unwrap(), user());
    match js.call::<_, User>("t/types", "wrong", (user(),)) {
        Err(Error::InvalidValue { path, .. }) => assert_eq!(path.as_deref(), Some("$.roles[1]")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_list_of_arguments_is_refused_before_it_is_sent() {
    let js = Connect::new().private().open().unwrap();
    assert_eq!(js.call::<_, Value>("t/any", "f", 7).unwrap_err().code(), "invalid_value");
    assert_eq!(js.call::<_, Value>("t/any", "f", ()).unwrap_err().code(), "not_found");
}

#[test]
fn host_functions_see_their_arguments_by_type_and_say_what_is_wrong() {
    let daemon = Daemon::new(&[]);
    let js = to(&daemon).open().unwrap();
    js.host("age", |(born,): (Date,)| Ok(born.millis()));
    assert_eq!(js.eval::<i64>("host.call('age', new Date(7))").unwrap(), 7);
    let (code, message): (String, String) =
        js.eval("host.call('age', 'text').catch((error) => [error.code, error.message])").unwrap();
    assert!(code == "invalid_value" && message.contains("$[0]"), "{code}: {message}");
    js.host("order", |()| Err::<(), _>(HostError::new("no such order").code("no_order").property("id", 7)));
    let seen: (String, String, u8) = js.eval("host.call('order').catch((error) => [error.message, error.code, error.id])").unwrap();
    assert_eq!(seen, ("no such order".into(), "no_order".into(), 7));
}

// --- examples

#[test]
fn the_login_flow_decides_as_expected() {
    let daemon = Daemon::new(&[]);
    let js = to(&daemon).open().unwrap();
    let engine = login::ActionEngine::new(js.clone()).unwrap();
    let flow = [("login/check-account", "onLogin"), ("login/claims", "onLogin"), ("login/second-factor", "onLogin")];
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/login/contexts");
    for name in ["small", "locked", "medium", "large"] {
        let json =
            |file: String| -> serde_json::Value { serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap() };
        let (context, expected) = (json(format!("{name}.json")), json(format!("{name}.expected.json")));
        assert_eq!(js.chain::<_, serde_json::Value>(&flow, &context).unwrap(), expected);
        let decided = format!("{:?}", engine.decide(&flow, &context)).to_lowercase();
        assert!(decided.starts_with(expected["action"].as_str().unwrap()), "{decided}");
    }
    js.close();
}

#[test]
fn the_example_prints_what_it_decides() {
    let program = std::env::current_exe().unwrap().parent().unwrap().join("../examples/login");
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "small: Allow { why: \"low_risk\" }");
    assert_eq!(lines[4], "manager: Deny { why: \"ask u-7\" }");
    assert_eq!(lines[5], "loop: Deny { why: \"the actions took more than 500 ms\" }");
    assert!(lines[6].starts_with("broken: Deny { why: \"an action failed: TypeError: "), "{said}");
    assert!(lines[7].starts_with("nothing: Deny { why: \"an action returned what is no decision (at $"), "{said}");
}
