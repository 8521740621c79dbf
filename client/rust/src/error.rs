// SPDX-License-Identifier: Apache-2.0
//! What goes wrong: a variant for each code of the protocol.

use std::fmt;
use std::time::Duration;

use crate::value::Value;

/// The result of a request.
pub type Result<T> = std::result::Result<T, Error>;

/// Any error of a request.
///
/// Each variant has what is known besides the code and the message, and [`Details`] with all that came.
///
/// ```no_run
/// use std::time::Duration;
/// use lethe::{Error, Options};
///
/// let js = lethe::connect()?.with(Options::new().deadline(Duration::from_millis(100)));
/// match js.eval::<f64>("while (true);") {
///     Err(Error::DeadlineExceeded { phase, .. }) => println!("too slow, while it was {phase:?}"),
///     Err(error) if error.is_retryable() => println!("perhaps later: {error}"),
///     other => println!("{}", other?),
/// }
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The script threw, or its promise was rejected.
    ScriptError(Box<ScriptError>),
    /// The script does not compile, or a module isn't found.
    #[allow(missing_docs)]
    CompileError { script: Option<String>, line: Option<u64>, column: Option<u64>, source_line: Option<String>, details: Details },
    /// No result in time. `phase` is "running", "queued" or "loading" as the daemon tells; "connecting" if the time was over before
    /// the request could be sent, so that it was not run; "waiting" if the daemon did not keep the deadline. `limit` is "deadline"
    /// or "cpu", `stack` where the script was, if that is known.
    #[allow(missing_docs)]
    DeadlineExceeded { phase: Option<String>, limit: Option<String>, stack: Option<String>, details: Details },
    /// The script wanted more than its `limit_mb`.
    #[allow(missing_docs)]
    MemoryLimit { limit_mb: Option<u64>, stack: Option<String>, details: Details },
    /// The worker died, through its script's fault or another's: by `signal`, or with exit `status`.
    #[allow(missing_docs)]
    WorkerCrashed { signal: Option<i64>, status: Option<i64>, details: Details },
    /// The worker tried what the sandbox forbids.
    #[allow(missing_docs)]
    SandboxViolation { signal: Option<i64>, status: Option<i64>, details: Details },
    /// This script has crashed too often; it isn't run until an administrator releases it or another version is put.
    #[allow(missing_docs)]
    Quarantined { details: Details },
    /// Refused because something is full (`limit` says what); it was not run. `retry_after`: if the daemon can tell.
    #[allow(missing_docs)]
    Busy { retry_after: Option<Duration>, limit: Option<String>, details: Details },
    /// The daemon is stopping, or the pool is drained; it was not run.
    #[allow(missing_docs)]
    ShuttingDown { details: Details },
    /// There is no such script, function or pool: `kind`, `name`.
    #[allow(missing_docs)]
    NotFound { kind: Option<String>, name: Option<String>, details: Details },
    /// This user may not do that.
    #[allow(missing_docs)]
    Forbidden { details: Details },
    /// A message or a result of more than `limit_bytes`; also from the client, before it sends what would end the connection.
    #[allow(missing_docs)]
    TooLarge { limit_bytes: Option<u64>, details: Details },
    /// A value that can't be sent, or is not of the type that the program asks for. `path` is where it is: "$.user.tags\[3\]".
    #[allow(missing_docs)]
    InvalidValue { path: Option<String>, details: Details },
    /// The request was cancelled, by a [`Cancellation`](crate::Cancellation) or because its connection was closed.
    #[allow(missing_docs)]
    Cancelled { details: Details },
    /// A parameter or an option that isn't allowed.
    #[allow(missing_docs)]
    InvalidRequest { details: Details },
    /// A defect of Lethe, or of the machine; the daemon's log has more.
    #[allow(missing_docs)]
    InternalError { details: Details },
    /// The connection ended before the reply came, or there is none. `sent`: false if the script was surely not run, true if it may
    /// have been.
    #[allow(missing_docs)]
    ConnectionLost { sent: bool, details: Details },
    /// One that this version does not know.
    #[allow(missing_docs)]
    Other { details: Details },
}

/// What all errors have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Details {
    /// The protocol's code, "script_error" for instance.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// The step of a chain that failed, from 0.
    pub step: Option<u64>,
    /// All keys that came with it, a [`Value::Map`]; [`Value::Null`] of an error that the client itself has found.
    pub keys: Box<Value>,
}

/// What a script threw.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScriptError {
    /// JavaScript's name, "TypeError" for instance; none if no Error was thrown, and then `value` is what was.
    pub name: Option<String>,
    /// JavaScript's stack.
    pub stack: Option<String>,
    /// The script in which it was thrown.
    pub script: Option<String>,
    /// From 1.
    pub line: Option<u64>,
    /// From 1.
    pub column: Option<u64>,
    /// The Error's own properties, a [`Value::Map`].
    pub properties: Value,
    /// What was thrown, if that is no Error.
    pub value: Option<Value>,
    /// The Error's cause.
    pub cause: Option<Thrown>,
    /// Those of an AggregateError.
    pub errors: Vec<Thrown>,
    /// What all errors have.
    pub details: Details,
}

/// What an Error names as its cause: an Error, or any other value.
#[derive(Clone, Debug)]
pub enum Thrown {
    /// An Error.
    Error(Box<ScriptError>),
    /// What is no Error.
    Value(Value),
}

impl Error {
    /// The protocol's code: "script_error", "deadline_exceeded", …; "unreachable" and "connection_lost" of a lost connection.
    pub fn code(&self) -> &str {
        &self.details().code
    }

    /// What happened and what to do.
    pub fn message(&self) -> &str {
        &self.details().message
    }

    /// Whether the same request may succeed a little later: after `ConnectionLost`, `Busy` and `ShuttingDown`. Those that may have
    /// been run (see `sent`) are only repeated if that does no harm.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::ConnectionLost { .. } | Error::Busy { .. } | Error::ShuttingDown { .. })
    }

    /// What all errors have.
    pub fn details(&self) -> &Details {
        match self {
            Error::ScriptError(error) => &error.details,
            Error::CompileError { details, .. }
            | Error::DeadlineExceeded { details, .. }
            | Error::MemoryLimit { details, .. }
            | Error::WorkerCrashed { details, .. }
            | Error::SandboxViolation { details, .. }
            | Error::Quarantined { details }
            | Error::Busy { details, .. }
            | Error::ShuttingDown { details }
            | Error::NotFound { details, .. }
            | Error::Forbidden { details }
            | Error::TooLarge { details, .. }
            | Error::InvalidValue { details, .. }
            | Error::Cancelled { details }
            | Error::InvalidRequest { details }
            | Error::InternalError { details }
            | Error::ConnectionLost { details, .. }
            | Error::Other { details } => details,
        }
    }

    /// The error of a reply.
    pub(crate) fn from_reply(reply: Value) -> Error {
        if !matches!(reply, Value::Map(_)) {
            let message = reply.as_str().map_or_else(|| format!("{reply:?}"), str::to_owned);
            return Error::Other { details: Details { code: "internal".into(), message, step: None, keys: Box::new(reply) } };
        }
        let text = |key| reply.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key| reply.get(key).and_then(Value::as_u64);
        let signed = |key| reply.get(key).and_then(Value::as_i64);
        let details = Details::of(&reply);
        match details.code.as_str() {
            "script_error" => Error::ScriptError(Box::new(ScriptError::of(reply, details))),
            "compile_error" => Error::CompileError {
                script: text("script"),
                line: number("line"),
                column: number("column"),
                source_line: text("source_line"),
                details,
            },
            "deadline_exceeded" => {
                Error::DeadlineExceeded { phase: text("phase"), limit: text("limit"), stack: text("stack"), details }
            }
            "memory_limit" => Error::MemoryLimit { limit_mb: number("limit_mb"), stack: text("stack"), details },
            "worker_crashed" => Error::WorkerCrashed { signal: signed("signal"), status: signed("status"), details },
            "sandbox_violation" => Error::SandboxViolation { signal: signed("signal"), status: signed("status"), details },
            "quarantined" => Error::Quarantined { details },
            "overloaded" => {
                Error::Busy { retry_after: number("retry_after_ms").map(Duration::from_millis), limit: text("limit"), details }
            }
            "shutting_down" => Error::ShuttingDown { details },
            "not_found" => Error::NotFound { kind: text("kind"), name: text("name"), details },
            "forbidden" => Error::Forbidden { details },
            "too_large" => Error::TooLarge { limit_bytes: number("limit_bytes"), details },
            "invalid_value" => Error::InvalidValue { path: text("path"), details },
            "cancelled" => Error::Cancelled { details },
            "invalid_request" | "unknown_method" => Error::InvalidRequest { details },
            "internal" => Error::InternalError { details },
            _ => Error::Other { details },
        }
    }

    pub(crate) fn lost(message: String, sent: bool) -> Error {
        Error::ConnectionLost { sent, details: Details::new(if sent { "connection_lost" } else { "unreachable" }, message) }
    }

    pub(crate) fn late(message: &str, phase: &str) -> Error {
        Error::DeadlineExceeded {
            phase: Some(phase.into()),
            limit: Some("deadline".into()),
            stack: None,
            details: Details::new("deadline_exceeded", message),
        }
    }

    pub(crate) fn cancelled(message: &str) -> Error {
        Error::Cancelled { details: Details::new("cancelled", message) }
    }

    pub(crate) fn invalid_value(message: impl Into<String>, path: Option<String>) -> Error {
        Error::InvalidValue { path, details: Details::new("invalid_value", message) }
    }

    pub(crate) fn too_large(message: String, limit_bytes: usize) -> Error {
        Error::TooLarge { limit_bytes: Some(limit_bytes as u64), details: Details::new("too_large", message) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::ScriptError(error) => error.fmt(f),
            Error::InvalidValue { path: Some(path), details } => write!(f, "{} (at {path})", details.message),
            _ => f.write_str(self.message()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::ScriptError(error) => error.source(),
            _ => None,
        }
    }
}

impl Details {
    fn new(code: &str, message: impl Into<String>) -> Details {
        Details { code: code.into(), message: message.into(), step: None, keys: Box::new(Value::Null) }
    }

    fn of(keys: &Value) -> Details {
        let text = |key| keys.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Details {
            code: text("code"),
            message: text("message"),
            step: keys.get("step").and_then(Value::as_u64),
            keys: Box::new(keys.clone()),
        }
    }
}

impl ScriptError {
    fn of(keys: Value, details: Details) -> ScriptError {
        let text = |key| keys.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key| keys.get(key).and_then(Value::as_u64);
        let own = keys.get("value").cloned();
        let name = text("name");
        let (properties, value) = match (own, &name) {
            (own, None) => (Value::Map(Vec::new()), own),
            (Some(own @ Value::Map(_)), _) => (own, None),
            _ => (Value::Map(Vec::new()), None),
        };
        ScriptError {
            stack: text("stack"),
            script: text("script"),
            line: number("line"),
            column: number("column"),
            properties,
            value,
            cause: keys.get("cause").cloned().map(Thrown::of),
            errors: keys.get("errors").and_then(Value::as_array).unwrap_or_default().iter().cloned().map(Thrown::of).collect(),
            name,
            details,
        }
    }

    /// What was said when it was thrown.
    pub fn message(&self) -> &str {
        &self.details.message
    }

    /// Where it was thrown, "acme/login:3:35"; none if that is not known.
    pub fn place(&self) -> Option<String> {
        let numbers = [self.line, self.column];
        let numbers = numbers.iter().flatten().map(|number| format!(":{number}"));
        self.script.as_ref().map(|script| script.clone() + &numbers.collect::<String>())
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}: ")?;
        }
        f.write_str(self.message())?;
        self.place().map_or(Ok(()), |place| write!(f, " ({place})"))
    }
}

impl std::error::Error for ScriptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Some(Thrown::Error(cause)) => Some(&**cause),
            _ => None,
        }
    }
}

impl Thrown {
    fn of(value: Value) -> Thrown {
        if value.get("name").is_none() || value.get("message").is_none() {
            return Thrown::Value(value);
        }
        let details = Details { code: "script_error".into(), ..Details::of(&value) };
        Thrown::Error(Box::new(ScriptError::of(value, details)))
    }
}
