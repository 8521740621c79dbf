// SPDX-License-Identifier: Apache-2.0
//! Requests of Workers-like modules, and what they answer.

use serde::{Deserialize, Deserializer};

use crate::options::Options;
use crate::value::Value;

/// A request for a Workers-like module, `export default { fetch(request, env, ctx) }`.
///
/// ```
/// use lethe::{Fetch, ScriptOptions};
///
/// let js = lethe::Connect::new().private().open()?;
/// let site = "export default { fetch: async (request, env) => new Response(env.greeting + await request.text()) };";
/// js.put_with("acme/site", site, &ScriptOptions::new().module())?;
/// let request = Fetch::new("https://example.com/").header("Accept", "text/plain").body("Ada").env("greeting", "Hello ");
/// let response = js.fetch("acme/site", &request)?;
/// assert_eq!((response.status, response.text().as_ref()), (200, "Hello Ada"));
/// # Ok::<(), lethe::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fetch {
    url: String,
    method: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    env: Vec<(Value, Value)>,
    pub(crate) function: String,
}

impl Fetch {
    /// A GET of an absolute URL.
    pub fn new(url: &str) -> Fetch {
        let function = "default.fetch".to_owned();
        Fetch { url: url.to_owned(), method: None, headers: Vec::new(), body: None, env: Vec::new(), function }
    }

    /// GET, or POST with a body, unless it is set.
    #[must_use]
    pub fn method(mut self, method: &str) -> Fetch {
        self.method = Some(method.to_owned());
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Fetch {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Bytes, or a text.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Fetch {
        self.body = Some(body.into());
        self
    }

    /// One more property of the function's second argument.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<Value>) -> Fetch {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Another function than "default.fetch".
    #[must_use]
    pub fn function(mut self, name: &str) -> Fetch {
        name.clone_into(&mut self.function);
        self
    }

    /// The call's arguments.
    pub(crate) fn arguments(&self) -> (Value, Value) {
        let method = self.method.as_deref().unwrap_or(if self.body.is_some() { "POST" } else { "GET" });
        let headers = self.headers.iter().map(|(name, value)| Value::Array(vec![name.as_str().into(), value.as_str().into()]));
        let request = vec![
            ("url".into(), self.url.as_str().into()),
            ("method".into(), method.into()),
            ("headers".into(), Value::Array(headers.collect())),
            ("body".into(), self.body.clone().map_or(Value::Null, Value::Bytes)),
        ];
        (Value::Map(request), Value::Map(self.env.clone()))
    }

    /// What makes a call one of these.
    pub(crate) fn options() -> Options {
        Options::new().option("fetch", true)
    }
}

/// What a Workers-like module has answered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Response {
    /// From 200 to 599.
    pub status: u16,
    /// Mostly empty.
    #[serde(rename = "statusText")]
    pub status_text: String,
    /// In their order; names are in lower case, and may come twice.
    pub headers: Vec<(String, String)>,
    /// Empty where there is none.
    #[serde(deserialize_with = "bytes")]
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(each, _)| each.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as UTF-8; what is not becomes U+FFFD.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bytes(bytes) => bytes,
        _ => Vec::new(),
    })
}
