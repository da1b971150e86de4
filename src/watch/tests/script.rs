//! A store that is scripted, in paused time, and what a watch of it tells.

use crate::client::members::Members;
use crate::client::{ResendPolicy, RetryWaits};
use crate::transport::http::exchange::{Body, Exchange, Opened};
use crate::transport::http::watch::follow;
use crate::v2::failure::{Failed, NodeError};
use crate::v2::key::Key;
use crate::v2::request::Request;
use crate::watch::*;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use std::sync::Mutex;
use tokio::time::{Instant, timeout};

/// What the transport does with the next request whose URL holds `when`.
#[derive(Clone, Debug)]
pub struct Step {
    pub when: &'static str,
    pub does: Does,
}

#[derive(Clone, Debug)]
pub enum Does {
    Fail(Kind),
    /// Nothing, until the time for the headers is over.
    Hang,
    /// For so many milliseconds nothing, then headers with the store's index, and the body.
    Hold(u64, u64, String),
    /// Status, store index, and pieces after a wait of milliseconds each; then the end, or silence.
    Reply(u16, u64, Vec<(u64, String)>, bool),
}

#[derive(Default)]
struct Script {
    steps: Mutex<Vec<Step>>,
    asked: Mutex<Vec<(u64, String)>>,
}

/// The largest body taken.
const LIMIT: usize = 10_000;

struct Pieces {
    pieces: VecDeque<(Instant, String)>,
    silent: bool,
}

impl Body for Pieces {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Failed> {
        let Some((at, _)) = self.pieces.front() else {
            return if self.silent { std::future::pending().await } else { Ok(None) };
        };
        tokio::time::sleep_until(*at).await;
        Ok(self.pieces.pop_front().map(|(_, text)| text.into()))
    }
}

/// The transport over HTTP, but for the wire.
struct Scripted(Arc<Script>, Instant);

impl Transport for Scripted {
    async fn call(&self, member: usize, request: &Request) -> Result<Reply, Failed> {
        self.open(member, request, request.timeout).await?.complete(self.limit()).await
    }

    async fn watch<F: Feed>(&self, member: usize, watch: &Watch, since: Option<u64>, feed: &mut F) -> Broken {
        follow(self, member, watch, since, feed).await
    }
}

impl Exchange for Scripted {
    type Body = Pieces;

    fn limit(&self) -> usize {
        LIMIT
    }

    async fn open(
        &self,
        member: usize,
        request: &Request,
        patience: Option<Duration>,
    ) -> Result<Opened<Pieces>, Failed> {
        let asked = format!("{member} {} {}", request.verb.as_str(), request.parameters);
        // Of what is not there only those know who wait no longer.
        let silence = async move {
            match patience {
                Some(patience) => sleep(patience).await,
                None => std::future::pending().await,
            }
            Err(NodeError::new("silent").failed(Kind::Other, true))
        };
        let at = u64::try_from(self.1.elapsed().as_millis()).unwrap();
        self.0.asked.lock().unwrap().push((at, asked.clone()));
        let step = {
            let mut steps = self.0.steps.lock().unwrap();
            let found = steps.iter().position(|step| asked.contains(step.when));
            found.map(|found| steps.remove(found))
        };
        let Some(step) = step else { return std::future::pending().await };
        match step.does {
            Does::Fail(kind) => Err(NodeError::new("scripted").failed(kind, false)),
            Does::Hang => silence.await,
            Does::Hold(ms, index, body) => {
                sleep(Duration::from_millis(ms)).await;
                Ok(opened(200, index, vec![(0, body)], false))
            }
            Does::Reply(status, index, pieces, silent) => Ok(opened(status, index, pieces, silent)),
        }
    }
}

fn opened(status: u16, index: u64, pieces: Vec<(u64, String)>, silent: bool) -> Opened<Pieces> {
    let mut headers = HeaderMap::new();
    if index > 0 {
        headers.insert("x-etcd-index", HeaderValue::from(index));
    }
    let now = Instant::now();
    let pieces = pieces.into_iter().map(|(ms, text)| (now + Duration::from_millis(ms), text)).collect();
    Opened { status, headers, body: Pieces { pieces, silent } }
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Listener for Seen {
    async fn tell(&self, notice: Notice) {
        let text = match notice {
            Notice::Registered(index) => format!("registered {index}"),
            Notice::Change(reply) => {
                let body: Value = serde_json::from_slice(&reply.body).unwrap();
                body["node"]["modifiedIndex"].to_string()
            }
            Notice::Resync(_) => "resync".to_owned(),
            Notice::TooLarge(index, _) => format!("{index} is too large"),
            Notice::Ended(_) => "ended".to_owned(),
            Notice::Disconnected(failures) => format!("disconnected {}", failures.len()),
            Notice::Refused(_) => "refused".to_owned(),
            Notice::Unexpected(_) => "unexpected".to_owned(),
            Notice::Unsendable(_) => "unsendable".to_owned(),
        };
        self.0.lock().unwrap().push(text);
    }
}

pub fn event(index: u64) -> String {
    event_of("set", "/k", index)
}

pub fn event_of(action: &str, key: &str, index: u64) -> String {
    format!(r#"{{"action":"{action}","node":{{"key":"{key}","modifiedIndex":{index}}}}}"#)
}

/// A poll that answers after a wait.
pub fn poll(when: &'static str, store: u64, ms: u64, body: String) -> Step {
    Step { when, does: Does::Reply(200, store, vec![(ms, body)], false) }
}

pub fn refusal(when: &'static str, status: u16, body: &str) -> Step {
    Step { when, does: Does::Reply(status, 1, vec![(0, body.to_owned())], false) }
}

pub fn outdated(when: &'static str, index: u64) -> Step {
    refusal(when, 400, &format!(r#"{{"errorCode":401,"index":{index}}}"#))
}

/// A stream that brings events after so many milliseconds and then is silent.
pub fn stream(store: u64, lines: &[(u64, u64)]) -> Step {
    let lines = lines.iter().map(|(ms, index)| (*ms, event(*index) + "\n")).collect();
    Step { when: "stream=true", does: Does::Reply(200, store, lines, true) }
}

pub fn fail(when: &'static str, kind: Kind) -> Step {
    Step { when, does: Does::Fail(kind) }
}

/// Polls that find the watch far behind, so that a stream follows.
pub fn behind() -> Vec<Step> {
    vec![poll("waitIndex=1&", 9, 0, event(1)), poll("waitIndex=2&", 9, 0, event(2))]
}

/// A poll whose reply comes in pieces, and is then silent.
pub fn pieces(when: &'static str, store: u64, pieces: &[(u64, &str)]) -> Step {
    let pieces = pieces.iter().map(|(ms, text)| (*ms, (*text).to_owned())).collect();
    Step { when, does: Does::Reply(200, store, pieces, true) }
}

pub struct Run {
    pub seen: Vec<String>,
    pub asked: Vec<(u64, String)>,
}

/// Watches `/k` for a while.
pub async fn run_on(members: usize, since: Option<u64>, seconds: u64, steps: Vec<Step>) -> Run {
    let script = Arc::new(Script { steps: Mutex::new(steps), asked: Mutex::default() });
    let policy = ResendPolicy { waits: RetryWaits::ELECTION, resend_writes: true };
    let transport = Scripted(Arc::clone(&script), Instant::now());
    let client = Client::new(Arc::new(Members::new(members)), policy, transport);
    let key = Key::parse("/k").unwrap();
    let liveness = Duration::from_secs(60);
    let watch = Watch { key, parameters: String::new(), timeout: None, liveness };
    let seen = Seen::default();
    let watching = Watching::new(Arc::new(client), watch, since, seen.clone());
    let _ = timeout(Duration::from_secs(seconds), watching.run()).await;
    let asked = script.asked.lock().unwrap().clone();
    Run { seen: std::mem::take(&mut *seen.0.lock().unwrap()), asked }
}

pub async fn run(index: Option<u64>, steps: Vec<Step>) -> Vec<String> {
    run_on(1, index, 1000, steps).await.seen
}
