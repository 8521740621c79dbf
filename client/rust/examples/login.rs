// SPDX-License-Identifier: Apache-2.0
//! A login service whose customers write JavaScript that decides about a login.
//!
//! Where such a service has an isolate of deno_core in each of its processes, this one asks Lethe: the three actions of the flow run in
//! one round trip, each from a clean state, within one deadline, and whatever a customer has written, the login is answered in time.
//!
//! ```text
//! $ LETHED=…/build/bin/lethed cargo run --example login
//! ```

use std::thread;
use std::time::{Duration, Instant};

use lethe::{Connect, Connection, Error, Options, Report};
use serde::Deserialize;
use serde_json::{json, Value as Json};

/// What the flow decides: of all that its last action returns, what this service needs.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Decision {
    Allow { why: String },
    Challenge { methods: Vec<String> },
    Deny { why: String },
}

/// The customers' actions. It is cloned to each thread, and all share one connection.
#[derive(Clone)]
pub struct ActionEngine {
    js: Connection,
}

const LIMIT: Duration = Duration::from_millis(500);
const FLOW: [(&str, &str); 3] =
    [("login/check-account", "onLogin"), ("login/claims", "onLogin"), ("login/second-factor", "onLogin")];

impl ActionEngine {
    pub fn new(js: Connection) -> lethe::Result<ActionEngine> {
        let sources = [
            include_str!("../../examples/login/check-account.js"),
            include_str!("../../examples/login/claims.js"),
            include_str!("../../examples/login/second-factor.js"),
        ];
        for ((name, _), source) in FLOW.iter().zip(sources) {
            js.script(name, source).ensure()?; // stored durably: only what the daemon doesn't have is sent
        }
        // Actions ask this service what they need; nothing else leads out of their sandbox.
        js.host("directory.find", |(user,): (String,)| Ok(json!({"user": user, "manager": "u-7"})));
        Ok(ActionEngine { js })
    }

    /// The actions in turn, each with what the one before has returned. Who can't be decided about is not let in.
    pub fn decide(&self, flow: &[(&str, &str)], context: &Json) -> Decision {
        let report = Report::new();
        let decided = self.js.with(Options::new().deadline(LIMIT).report(&report)).chain(flow, context);
        for line in report.console() {
            eprintln!("  action says: {}", line.text); // for the customer's log
        }
        decided.unwrap_or_else(|error| Decision::Deny { why: reason(&error) })
    }
}

/// For the customer: what is the matter with the actions. For us: what is the matter with the service.
fn reason(error: &Error) -> String {
    match error {
        Error::ScriptError(thrown) => format!("an action failed: {thrown}"),
        Error::DeadlineExceeded { .. } => {
            format!("the actions took more than {} ms", LIMIT.as_millis())
        }
        Error::InvalidValue { path, .. } => {
            format!("an action returned what is no decision (at {})", path.as_deref().unwrap_or("?"))
        }
        error if error.is_retryable() => format!("try again later: {}", error.code()),
        error => format!("{}: {error}", error.code()),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let js = Connect::new().private().open()?; // in production: lethe::connect()
    let engine = ActionEngine::new(js.clone())?;

    // Logins of several users at once, from several threads.
    let contexts = [
        ("small", include_str!("../../examples/login/contexts/small.json")),
        ("locked", include_str!("../../examples/login/contexts/locked.json")),
        ("medium", include_str!("../../examples/login/contexts/medium.json")),
        ("large", include_str!("../../examples/login/contexts/large.json")),
    ];
    let logins = contexts.map(|(name, context)| {
        let (engine, context) = (engine.clone(), serde_json::from_str(context));
        (name, thread::spawn(move || Ok::<_, serde_json::Error>(engine.decide(&FLOW, &context?))))
    });
    for (name, login) in logins {
        let decision = login.join().map_err(|_| "a login panicked")??;
        println!("{name}: {decision:?}");
    }

    // What customers also write.
    js.put(
        "login/customer",
        "async function manager(context) { const { manager } = await host.call('directory.find', context.user); return { action: 'deny', why: `ask ${manager}` }; }
         function loop() { while (true); }
         function broken(context) { return context.user.name.first; }
         function nothing() { return { action: 1 }; }",
    )?;
    for function in ["manager", "loop", "broken", "nothing"] {
        let begin = Instant::now();
        let decision = engine.decide(&[("login/customer", function)], &json!({"user": "ada"}));
        println!("{function}: {decision:?}");
        assert!(begin.elapsed() < 4 * LIMIT);
    }
    Ok(())
}
