//! What was asked, for tests of programs that want to know.

use crate::v2::request::{Request, Target};
use serde::Serialize;
use std::collections::VecDeque;

/// How many requests are remembered, the last ones.
const CAPACITY: usize = 10_000;

/// A request as a test looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    pub method: String,
    /// The decoded key; none for another path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The parameters as in a query.
    pub query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl From<&Request> for Asked {
    fn from(request: &Request) -> Self {
        let (key, path) = match &request.target {
            Target::Key(key) => (Some(key.name()), None),
            Target::Path(path) => (None, Some(path.clone())),
        };
        Self {
            method: request.verb.as_str().to_owned(),
            key,
            path,
            query: request.parameters.clone(),
            value: request.value.clone(),
        }
    }
}

/// The requests, in order. Nothing is kept before somebody wants to know.
#[derive(Debug, Default)]
pub struct Log(Option<VecDeque<Asked>>);

impl Log {
    /// From now on requests are kept.
    pub fn start(&mut self) {
        self.0.get_or_insert_default();
    }

    pub fn push(&mut self, request: &Request) {
        let Some(asked) = &mut self.0 else { return };
        if asked.len() == CAPACITY {
            asked.pop_front();
        }
        asked.push_back(request.into());
    }

    pub fn clear(&mut self) {
        if let Some(asked) = &mut self.0 {
            asked.clear();
        }
    }

    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.0.iter().flatten().cloned().collect()
    }
}
