//! The store as its users see it.

mod operations;
mod properties;
mod size;
mod snapshots;
mod watching;

use crate::transport::memory::hub::Subscriber;
use crate::transport::memory::store::{Answer, Store, Watching};
use crate::v2::command::{Command, Method};
use crate::v2::error::Error;
use crate::v2::event::Event;
use crate::v2::form::Form;
use crate::v2::request::Verb;
use crate::v2::time::Timestamp;
use serde_json::Value;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Some time in 2026.
const NOW: Timestamp = Timestamp(1_790_000_000_000_000_000);

impl Subscriber for Sender<Arc<Event>> {
    fn notify(&self, event: &Arc<Event>) {
        let _ = self.send(event.clone());
    }
}

type TestStore = Store<Sender<Arc<Event>>>;

/// Asks as a client does: `ask(store, "PUT /a?ttl=5", "value")`.
fn ask_at(store: &mut TestStore, request: &str, value: &str, now: Timestamp) -> Result<Answer, Error> {
    let (verb, target) = request.split_once(' ').expect("a verb and a key");
    let (key, query) = target.split_once('?').unwrap_or((target, ""));
    let method = Method::try_from(&Verb::parse(verb).expect("a verb")).expect("a method of keys");
    match Command::parse(method, key, &Form::parse(query)?, Some(value))? {
        Command::Get(get) => store.get(&get, now),
        Command::Write(write) => store.write(&write, now),
        Command::Watch(watch) => panic!("{watch:?} is to be asked by watch()"),
    }
}

fn ask(store: &mut TestStore, request: &str, value: &str) -> Result<Answer, Error> {
    ask_at(store, request, value, NOW)
}

fn put(store: &mut TestStore, key: &str, value: &str) {
    ask(store, &format!("PUT {key}"), value).expect("a key that can be set");
}

fn body(store: &mut TestStore, request: &str) -> Value {
    serde_json::from_slice(&ask(store, request, "").expect("an answer").body).expect("JSON")
}

/// What went wrong, as `code cause`.
fn refusal(store: &mut TestStore, request: &str, value: &str) -> String {
    let before = store.index();
    let error = ask(store, request, value).expect_err("a refusal");
    assert_eq!((error.index, store.index()), (before, before), "{request}");
    format!("{} {}", error.code.number(), error.cause)
}

/// Watches: `watch(store, "/a?recursive=true&stream=true")`.
fn watch(store: &mut TestStore, target: &str) -> Result<(Watching, Receiver<Arc<Event>>), Error> {
    let (key, query) = target.split_once('?').unwrap_or((target, ""));
    let query = format!("wait=true&{query}");
    let command = Command::parse(Method::Get, key, &Form::parse(&query)?, None)?;
    let Command::Watch(watch) = command else { panic!("{command:?} is no watch") };
    let (sender, receiver) = channel();
    Ok((store.watch(&watch, sender)?, receiver))
}

fn watching(store: &mut TestStore, target: &str) -> Receiver<Arc<Event>> {
    watch(store, target).expect("a watch").1
}

/// What a watch was told since the last look, as `action key`.
fn told(receiver: &Receiver<Arc<Event>>) -> Vec<String> {
    receiver.try_iter().map(|event| format!("{} {}", event.action.name(), event.node.key)).collect()
}
