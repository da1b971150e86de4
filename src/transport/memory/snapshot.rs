//! The contents of a store as plain JSON, for tests of programs: paths with values, side by side.
//!
//! `{"/a": "1", "/b": {"value": "2", "ttl": 60}, "/empty/": {}, "/d/": {"ttl": 5}, "/d/c": "3"}`: a slash at the end makes a
//! directory, which is only named when it is empty or has a TTL. One level of JSON does for any depth of tree.

use crate::transport::memory::entry::NodeId;
use crate::transport::memory::hub::Subscriber;
use crate::transport::memory::store::Store;
use crate::v2::command::Content;
use crate::v2::event::Action;
use crate::v2::path::Path;
use crate::v2::time::Timestamp;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer as _};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;

/// Why contents were not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("Cannot load: expected an object of paths and values: {0}")]
    Json(#[from] serde_json::Error),
    #[error("Cannot load {key:?}: {problem}")]
    Entry { key: String, problem: String },
}

const NANOS_PER_MILLISECOND: i64 = 1_000_000;

/// An entry that is more than a value.
#[derive(Debug, Serialize)]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<f64>,
}

struct Loaded {
    content: Content,
    expires: Option<Timestamp>,
}

impl<S: Subscriber> Store<S> {
    /// All contents, hidden ones too, with seconds that are left of TTLs.
    ///
    /// # Errors
    /// None: texts and numbers can always be written.
    pub fn dump(&self, now: Timestamp) -> serde_json::Result<Vec<u8>> {
        let mut json = Vec::new();
        let mut serializer = serde_json::Serializer::new(&mut json);
        let mut map = serializer.serialize_map(None)?;
        let mut written = Ok(());
        self.tree.walk(NodeId::ROOT, &Path::root(), |_, path, entry| {
            let ttl = entry.expires.map(|at| seconds(at.0.saturating_sub(now.0)));
            let value = entry.value().map(AsRef::as_ref);
            let entry = match (value, ttl) {
                (Some(value), None) => map.serialize_entry(path, value),
                (Some(_), Some(_)) => map.serialize_entry(path, &Details { value, ttl }),
                (None, _) if ttl.is_some() || entry.is_empty_dir() => {
                    map.serialize_entry(&format!("{path}/"), &Details { value, ttl })
                }
                (None, _) => Ok(()),
            };
            written = std::mem::replace(&mut written, Ok(())).and(entry);
            written.is_ok()
        });
        written?;
        map.end()?;
        Ok(json)
    }

    /// Puts contents in place of all that there is. Those who watch are told: what there was is deleted, and what is
    /// loaded is set.
    ///
    /// # Errors
    /// When it is not what [`Store::dump`] could have written. Then nothing has changed.
    pub fn load(&mut self, json: &str, now: Timestamp) -> Result<(), LoadError> {
        let contents = read(&serde_json::from_str(json)?, now)?;
        let mut tops = Vec::new();
        self.tree.walk(NodeId::ROOT, &Path::root(), |_, path, _| {
            tops.push(Path::clean(path));
            false
        });
        for key in tops {
            if let Ok(id) = self.tree.find(key.as_str(), self.index()) {
                self.end(id, &key, Action::Delete, now);
            }
        }
        for (key, Loaded { content, expires }) in contents {
            let placed = self.place(&key, &content, Action::Set, expires, now);
            let event = placed.map_err(|error| entry_error(key.as_str(), error.to_string()))?;
            self.tell(event);
        }
        Ok(())
    }
}

fn read(entries: &Map<String, Value>, now: Timestamp) -> Result<BTreeMap<Path, Loaded>, LoadError> {
    let mut contents = BTreeMap::new();
    for (key, entry) in entries {
        let (path, loaded) = (Path::clean(key), read_entry(key, entry, now)?);
        if path.is_root() {
            return Err(entry_error(key, "the root is there already"));
        }
        if contents.insert(path, loaded).is_some() {
            return Err(entry_error(key, "the same path is given twice"));
        }
    }
    for path in contents.keys() {
        let is_file =
            |prefix: &&str| matches!(contents.get(*prefix), Some(Loaded { content: Content::File(_), .. }));
        if let Some(file) = path.prefixes().filter(|prefix| *prefix != path.as_str()).find(is_file) {
            return Err(entry_error(path.as_str(), format!("{file:?} has a value, so nothing can be in it")));
        }
    }
    Ok(contents)
}

fn read_entry(key: &str, entry: &Value, now: Timestamp) -> Result<Loaded, LoadError> {
    let is_directory = key.ends_with('/');
    if let (Value::String(value), false) = (entry, is_directory) {
        return Ok(Loaded { content: Content::File(value.as_str().into()), expires: None });
    }
    let fields =
        entry.as_object().filter(|fields| fields.keys().all(|name| name == "value" || name == "ttl"));
    let fields = fields.ok_or_else(|| {
        let expected =
            if is_directory { r#"{} or {"ttl": 5}"# } else { r#"a text or {"value": "…", "ttl": 5}"# };
        entry_error(key, format!("expected {expected}, got {entry}"))
    })?;
    let content = match (fields.get("value"), is_directory) {
        (Some(Value::String(value)), false) => Content::File(value.as_str().into()),
        (None, true) => Content::Directory,
        (_, false) => {
            return Err(entry_error(key, "expected a text as value; a directory ends with a slash"));
        }
        (Some(_), true) => {
            return Err(entry_error(key, "a directory, which ends with a slash, has no value"));
        }
    };
    let ttl = fields.get("ttl").map(|ttl| {
        let seconds = ttl.as_number().and_then(Number::as_f64).filter(|seconds| (0.0..9e9).contains(seconds));
        seconds.ok_or_else(|| entry_error(key, format!("expected seconds as ttl, got {ttl}")))
    });
    let expires = ttl.transpose()?.map(|seconds| Timestamp(now.0.saturating_add(nanos(seconds))));
    Ok(Loaded { content, expires })
}

fn entry_error(key: &str, problem: impl Into<String>) -> LoadError {
    LoadError::Entry { key: key.to_owned(), problem: problem.into() }
}

/// Seconds that are left, to the millisecond: TTLs are not more exact than that.
fn seconds(nanos: i64) -> f64 {
    (nanos.max(0) / NANOS_PER_MILLISECOND) as f64 / 1000.0
}

fn nanos(seconds: f64) -> i64 {
    ((seconds * 1000.0).round() as i64).saturating_mul(NANOS_PER_MILLISECOND)
}
