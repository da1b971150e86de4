//! What a request for a key asks of a store, checked in etcd's order (etcd: `v2http/client.go`, parseKeyRequest, and
//! `etcdserver/apply_v2.go`; semantics.md 3.1).

use crate::v2::error::{Code, Error};
use crate::v2::form::Form;
use crate::v2::path::Path;
use crate::v2::request::Verb;
use std::sync::Arc;

/// The methods that keys have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Head,
    Put,
    Post,
    Delete,
}

/// The reply to any other method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Method Not Allowed")]
pub struct MethodNotAllowed;

impl MethodNotAllowed {
    pub const STATUS: u16 = 405;
    pub const BODY: &str = "Method Not Allowed\n";
    /// The header that names the methods there are.
    pub const ALLOW: &str = "HEAD,GET,PUT,POST,DELETE";
}

impl TryFrom<&Verb> for Method {
    type Error = MethodNotAllowed;

    fn try_from(verb: &Verb) -> Result<Self, MethodNotAllowed> {
        match verb {
            Verb::Get => Ok(Self::Get),
            Verb::Head => Ok(Self::Head),
            Verb::Put => Ok(Self::Put),
            Verb::Post => Ok(Self::Post),
            Verb::Delete => Ok(Self::Delete),
            Verb::Other(_) => Err(MethodNotAllowed),
        }
    }
}

/// A checked request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Get(Get),
    Watch(Watch),
    Write(Write),
}

/// Reads a node and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Get {
    pub key: Path,
    pub recursive: bool,
    pub sorted: bool,
    pub quorum: bool,
}

/// Waits for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub key: Path,
    pub recursive: bool,
    /// All changes from then on, instead of the next one.
    pub stream: bool,
    /// The first index that counts; 0 for what comes next.
    pub since: u64,
}

/// Changes a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub key: Path,
    pub change: Change,
    /// Whether the reply to a value that was written leaves the nodes out.
    pub no_value_on_success: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Set { content: Content, lifetime: Lifetime },
    Create { content: Content, ttl: Option<u64> },
    CreateInOrder { content: Content, ttl: Option<u64> },
    Update { value: Arc<str>, lifetime: Lifetime },
    CompareAndSwap { condition: Condition, value: Arc<str>, lifetime: Lifetime },
    Delete { dir: bool, recursive: bool },
    CompareAndDelete { condition: Condition },
}

/// What a node is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    File(Arc<str>),
    Directory,
}

/// How long a node is to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifetime {
    /// Seconds; none for ever, which also ends the TTL that a node has. 0 ends the node at once.
    pub ttl: Option<u64>,
    /// Only the TTL is renewed: the value stays, and nobody who watches is told. It always has a TTL.
    pub refresh: bool,
}

/// What a node must be like, or the change does not take place. At least one of the two is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// Not empty.
    pub value: Option<String>,
    /// Not 0.
    pub index: Option<u64>,
}

impl Condition {
    /// Why a node does not fulfil it, in etcd's words (etcd: `v2store/store.go`, getCompareFailCause).
    #[must_use]
    pub fn failure(&self, value: &str, index: u64) -> Option<String> {
        let wanted_value = self.value.as_ref().filter(|wanted| *wanted != value);
        let wanted_index = self.index.filter(|wanted| *wanted != index);
        match (wanted_value, wanted_index) {
            (None, None) => None,
            (Some(wanted), None) => Some(format!("[{wanted} != {value}]")),
            (None, Some(wanted)) => Some(format!("[{wanted} != {index}]")),
            (Some(wanted), Some(wanted_index)) => {
                Some(format!("[{wanted} != {value}] [{wanted_index} != {index}]"))
            }
        }
    }
}

impl Command {
    /// Reads a request for a decoded key. `parameters` are those of its query, and `value` that of its body, which
    /// counts for PUT and POST alone and goes before one in the query. Unknown parameters mean nothing, as in etcd.
    ///
    /// # Errors
    /// Of several things that are wrong, the one that etcd finds first. The index is 0.
    pub fn parse(
        method: Method,
        key: &str,
        parameters: &Form<'_>,
        value: Option<&str>,
    ) -> Result<Self, Error> {
        let body = value.filter(|_| matches!(method, Method::Put | Method::Post));
        let value = body.or_else(|| parameters.get("value")).unwrap_or_default();
        let fields = Fields::check(method, parameters, value)?;
        let key = Path::clean(key);
        let Fields { recursive, .. } = fields;
        let change = match method {
            Method::Get if fields.wait && !fields.quorum => {
                let Fields { stream, wait_index: since, .. } = fields;
                return Ok(Self::Watch(Watch { key, recursive, stream, since }));
            }
            // etcd forgets `wait` when there is a quorum to ask, and the quorum of a HEAD.
            Method::Get | Method::Head => {
                let Fields { sorted, .. } = fields;
                let quorum = fields.quorum && method == Method::Get;
                return Ok(Self::Get(Get { key, recursive, sorted, quorum }));
            }
            Method::Put => fields.put(value),
            Method::Post => {
                Change::CreateInOrder { content: fields.content(value), ttl: fields.lifetime.ttl }
            }
            Method::Delete => match fields.condition {
                Some(condition) => Change::CompareAndDelete { condition },
                None => Change::Delete { dir: fields.dir || recursive, recursive },
            },
        };
        Ok(Self::Write(Write { key, change, no_value_on_success: fields.no_value_on_success }))
    }
}

/// The parameters there are, of which each request looks at some.
struct Fields {
    recursive: bool,
    sorted: bool,
    wait: bool,
    wait_index: u64,
    dir: bool,
    quorum: bool,
    stream: bool,
    no_value_on_success: bool,
    prev_exist: Option<bool>,
    condition: Option<Condition>,
    lifetime: Lifetime,
}

impl Fields {
    fn check(method: Method, form: &Form<'_>, value: &str) -> Result<Self, Error> {
        let index = |name| read(form, name, number, Code::IndexNotANumber);
        let field = |name| read(form, name, boolean, Code::InvalidField);
        let prev_index = index("prevIndex")?.filter(|&index| index > 0);
        let wait_index = index("waitIndex")?.unwrap_or(0);
        let recursive = field("recursive")?.unwrap_or(false);
        let sorted = field("sorted")?.unwrap_or(false);
        let wait = field("wait")?.unwrap_or(false);
        let dir = field("dir")?.unwrap_or(false);
        let quorum = field("quorum")?.unwrap_or(false);
        let stream = field("stream")?.unwrap_or(false);
        if wait && method != Method::Get {
            return Err(Error::in_request(
                Code::InvalidField,
                r#""wait" can only be used with GET requests"#,
            ));
        }
        let prev_value = form.get("prevValue");
        if prev_value == Some("") {
            return Err(Error::in_request(Code::PrevValueRequired, r#""prevValue" cannot be empty"#));
        }
        let no_value_on_success = field("noValueOnSuccess")?.unwrap_or(false);
        let ttl = match form.get("ttl") {
            None | Some("") => None,
            Some(_) => read(form, "ttl", number, Code::TtlNotANumber)?,
        };
        let prev_exist = field("prevExist")?;
        let refresh = field("refresh")?.unwrap_or(false);
        if refresh && !value.is_empty() {
            return Err(Error::in_request(Code::RefreshWithValue, "A value was provided on a refresh"));
        }
        if refresh && ttl.is_none() {
            return Err(Error::in_request(Code::RefreshWithoutTtl, "No TTL value set"));
        }
        let condition = Condition { value: prev_value.map(str::to_owned), index: prev_index };
        let condition = Some(condition).filter(|it| *it != Condition::default());
        let lifetime = Lifetime { ttl, refresh };
        Ok(Self {
            recursive,
            sorted,
            wait,
            wait_index,
            dir,
            quorum,
            stream,
            no_value_on_success,
            prev_exist,
            condition,
            lifetime,
        })
    }

    fn content(&self, value: &str) -> Content {
        if self.dir { Content::Directory } else { Content::File(value.into()) }
    }

    /// Which of its five meanings a PUT has (etcd: `apply_v2.go`, Put).
    fn put(&self, value: &str) -> Change {
        let lifetime = self.lifetime;
        match (self.prev_exist, &self.condition) {
            (Some(false), _) => Change::Create { content: self.content(value), ttl: lifetime.ttl },
            (_, Some(condition)) => {
                Change::CompareAndSwap { condition: condition.clone(), value: value.into(), lifetime }
            }
            (Some(true), None) => Change::Update { value: value.into(), lifetime },
            (None, None) => Change::Set { content: self.content(value), lifetime },
        }
    }
}

/// The value of a parameter, if the parameter is given.
fn read<T>(
    form: &Form<'_>,
    name: &str,
    parse: fn(&str) -> Option<T>,
    code: Code,
) -> Result<Option<T>, Error> {
    let invalid = || {
        // etcd puts no quotes around the names of these two.
        let quote = if matches!(name, "prevExist" | "refresh") { "" } else { "\"" };
        Error::in_request(code, format!("invalid value for {quote}{name}{quote}"))
    };
    form.get(name).map(|text| parse(text).ok_or_else(invalid)).transpose()
}

/// Reads a number as Go's `ParseUint`: digits alone, no sign.
fn number(text: &str) -> Option<u64> {
    Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

/// Reads a boolean as Go's `ParseBool`.
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
