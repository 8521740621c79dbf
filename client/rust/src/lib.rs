// SPDX-License-Identifier: Apache-2.0
//! JavaScript in Lethe: each call starts with a clean state, deadlines hold whatever the script does, and all processes of a machine
//! share one pool.
//!
//! ```
//! use std::time::Duration;
//! use lethe::{Connect, Error, Options};
//!
//! let js = Connect::new().private().open()?; // a daemon for this process; lethe::connect() goes to the machine's
//! let greet = js.script("acme/greet", "
//!     let visits = 0;
//!     function greet(user) { visits += 1; return `Hello ${user}, visit number ${visits}`; }
//!     function spin() { while (true); }
//! ");
//! for user in ["Ada", "Grace"] {
//!     let greeting: String = greet.call("greet", (user,))?;
//!     assert_eq!(greeting, format!("Hello {user}, visit number 1")); // nothing is left of the visit before
//! }
//! let late = greet.with(Options::new().deadline(Duration::from_millis(100))).call::<_, ()>("spin", ());
//! assert!(matches!(late, Err(Error::DeadlineExceeded { .. })));
//! # Ok::<(), lethe::Error>(())
//! ```
//!
//! [`Connection`] is for threads, `aio::Connection` (feature `tokio`) for tasks of tokio; the words are the same. What all clients
//! keep stands in client/CLIENTS.md.
//!
//! # Values
//!
//! Arguments and results are whatever serde can serialize and deserialize, or a [`Value`]. `Vec<u8>` is a list of numbers; bytes are
//! those of the crate serde_bytes, or a [`Value::Bytes`]. A point in time is a [`Date`]. Integers beyond ±(2^53-1) are BigInts in
//! scripts, `None` and `()` are null, enums are as serde_json has them, maps whose keys are not all strings are Maps. What can't be
//! sent, or is not of the type asked for, is [`Error::InvalidValue`], which says where it is.

#![warn(missing_docs)]

#[cfg(feature = "tokio")]
pub mod aio;
mod blocking;
mod client;
mod decode;
mod encode;
mod error;
mod fetch;
mod fork;
mod options;
mod private;
mod session;
mod socket;
mod value;

pub use blocking::{connect, Connection, Function, Script};
pub use client::{Ping, Put};
pub use error::{Details, Error, Result, ScriptError, Thrown};
pub use fetch::{Fetch, Response};
pub use options::{Cancellation, Connect, ConsoleLine, HostError, Options, Report, Retry, RetryPolicy, ScriptOptions, Stats};
pub use value::{from_value, to_value, Date, Value};

/// The programs of README.md are compiled, and run.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
