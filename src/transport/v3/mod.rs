//! v2 kept on etcd's v3 API.
//!
//! A request becomes one transaction, or a few, and its outcome a reply of v2's: [`v2`](crate::v2) has the parser and the
//! renderer. What a file and a directory are among v3's keys is [`layout`]'s; a [`session`] proves who asks, and a
//! [`carrier`] carries the calls.

pub mod carrier;
mod delete;
mod directory_ttl;
mod event;
mod gather;
mod get;
pub mod grpc;
mod identity;
mod in_order;
pub mod json;
pub mod layout;
mod lifetime;
mod listing;
mod look;
mod markers;
pub mod messages;
mod node;
mod note;
pub mod protocol;
mod seen;
pub mod session;
mod set;
mod stats;
pub mod status;
mod store;
mod transaction;
mod turns;
mod update;
mod watch;
mod written;

pub use identity::Credentials;

use crate::transport::{Broken, Feed, Position, Standing, Transport};
use crate::v2::answer;
use crate::v2::command::{self, Change, Command, Method, MethodNotAllowed, Write};
use crate::v2::error::{Code, Error};
use crate::v2::failure::Failed;
use crate::v2::form::Form;
use crate::v2::path::Path;
use crate::v2::render;
use crate::v2::reply::Reply;
use crate::v2::request::{NamedKey, Request, Verb, Watch};
use carrier::{CallOptions, Carrier};
use delete::Extent;
use layout::Layout;
use session::Session;
use set::Mode;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use store::{Access, Stop, Store};
use tokio::time::timeout;
use update::Update;
use watch::{Follower, Scope, Step};
use written::Written;

/// The v2 API of one client over v3. Belongs to the runtime that it was first used on.
pub struct V3<C> {
    store: Arc<Store<C>>,
    max_response_size: usize,
}

impl<C: Carrier> V3<C> {
    #[must_use]
    pub fn new(session: Session<C>, namespace: &str, max_response_size: usize) -> Self {
        Self { store: Arc::new(Store::new(session, Layout::new(namespace))), max_response_size }
    }

    /// Whether it answers a request, and not the server itself.
    #[must_use]
    pub fn answers(request: &Request) -> bool {
        request.named_key().is_some() || stats::is_of_v2(request.path())
    }

    fn access(&self, member: usize, timeout: Option<Duration>, once: bool) -> Access<'_, C> {
        let options = CallOptions { timeout, needs_leader: true, once };
        Access { store: &self.store, member, options }
    }

    async fn answer(&self, member: usize, request: &Request) -> Result<Reply, Failed> {
        let access = self.access(member, request.timeout, request.once);
        let named = request.named_key();
        let (what, result) = match &named {
            Some(named) => (named.key.as_str(), self.answer_key(access, request, named).await),
            None => (request.path(), stats::answer(&access, &request.verb, request.path()).await),
        };
        result.or_else(|stop| self.stopped(stop, what))
    }

    async fn answer_key(
        &self,
        mut access: Access<'_, C>,
        request: &Request,
        NamedKey { key, parameters }: &NamedKey<'_>,
    ) -> Result<Reply, Stop> {
        let Ok(method) = Method::try_from(&request.verb) else {
            return Ok(answer::method_not_allowed(MethodNotAllowed::ALLOW));
        };
        let form = Form::parse(parameters)?;
        match Command::parse(method, key, &form, request.value.as_deref())? {
            Command::Watch(watch) => poll(access, watch).await,
            Command::Get(get) => {
                let is_serializable = asks_member_alone(&form);
                access.options.needs_leader = !is_serializable;
                get::get(&access, &get, is_serializable, self.max_response_size).await
            }
            Command::Write(Write { key, change, no_value_on_success }) => {
                Ok(write(&access, &key, &change).await?.reply(no_value_on_success))
            }
        }
    }

    /// What a request that was not carried out is answered with; an error says what it was about.
    fn stopped(&self, stop: Stop, what: &str) -> Result<Reply, Failed> {
        let error = match stop {
            Stop::Failed(failed) => return Err(failed),
            Stop::Error(error) => error,
            Stop::Denied(status) => Error::new(
                Code::Unauthorized,
                format!("Insufficient credentials for {what}: {}", status.message),
                0,
            ),
            Stop::Refused(status) => Error::new(Code::RaftInternal, status.message, 0),
        };
        Ok(answer::of_error(self.store.seen.cluster(), &error))
    }

    /// Why a watch has come to its end.
    fn broken(&self, stop: Stop, what: &str) -> Broken {
        let index = match &stop {
            Stop::Error(Error { code: Code::IndexCleared, index, .. }) => Some(*index),
            _ => None,
        };
        let is_denied = matches!(stop, Stop::Denied(_));
        match (self.stopped(stop, what), index) {
            (Err(failed), _) => Broken::Failed(failed),
            (Ok(reply), Some(index)) => Broken::Outdated(index, reply),
            (Ok(reply), None) if is_denied => Broken::Forbidden(reply),
            (Ok(reply), None) => Broken::Refused(reply),
        }
    }

    /// Resolves when the store is not the one that was watched: it is another one, and here.
    async fn follow<F: Feed>(
        &self,
        member: usize,
        watch: &Watch,
        since: Option<u64>,
        feed: &mut F,
    ) -> Result<Position, Stop> {
        let form = Form::parse(&watch.parameters)?;
        let command = Command::parse(Method::Get, &watch.key.name(), &form, None)?;
        let (path, is_recursive) = match command {
            Command::Get(command::Get { key, recursive, .. })
            | Command::Watch(command::Watch { key, recursive, .. }) => (key, recursive),
            Command::Write(Write { key, .. }) => (key, false),
        };
        // A member that died without a word is noticed, whatever it is asked.
        let limit = Some(watch.timeout.map_or(watch.liveness, |timeout| timeout.min(watch.liveness)));
        let access = self.access(member, limit, false);
        let scope = Scope { path: path.clone(), is_recursive };
        let mut follower = Follower::register(access, scope, since, watch.liveness).await?;
        let position = self.store.seen.position(follower.registered());
        let here = here(position);
        match feed.registered(&here).await {
            Standing::Same => {}
            Standing::Other => return Ok(here),
            Standing::Behind => {
                let access = self.access(member, limit, false);
                if let Some(here) = went_back(&access, &path, since).await? {
                    return Ok(here);
                }
            }
        }
        loop {
            match follower.next().await? {
                Step::Change(event) => {
                    let reply = answer::of_keys(200, position, render::event(&event));
                    feed.change(event.index(), reply).await;
                }
                Step::Progress(index) => feed.progress(index),
            }
        }
    }
}

impl<C: Carrier> Transport for V3<C> {
    async fn call(&self, member: usize, request: &Request) -> Result<Reply, Failed> {
        if request.verb.as_str() == "OPTIONS" {
            return Ok(answer::empty());
        }
        let mut reply = self.answer(member, request).await?;
        if request.verb == Verb::Head {
            reply.body.clear();
        }
        Ok(reply)
    }

    async fn watch<F: Feed>(&self, member: usize, watch: &Watch, since: Option<u64>, feed: &mut F) -> Broken {
        match self.follow(member, watch, since, feed).await {
            Ok(replaced) => Broken::Replaced(replaced),
            Err(stop) => self.broken(stop, &watch.key.name()),
        }
    }
}

async fn write<C: Carrier>(access: &Access<'_, C>, key: &Path, change: &Change) -> Result<Written, Stop> {
    match change {
        Change::Set { content, lifetime } => set::set(access, key, content, *lifetime, Mode::Set).await,
        Change::Create { content, ttl } => {
            let lifetime = command::Lifetime { ttl: *ttl, refresh: false };
            set::set(access, key, content, lifetime, Mode::Create).await
        }
        Change::CreateInOrder { content, ttl } => in_order::create_in_order(access, key, content, *ttl).await,
        Change::Update { value, lifetime } => {
            update::update(access, key, Update { condition: None, value, lifetime: *lifetime }).await
        }
        Change::CompareAndSwap { condition, value, lifetime } => {
            update::update(access, key, Update { condition: Some(condition), value, lifetime: *lifetime })
                .await
        }
        Change::Delete { recursive: true, .. } => delete::remove(access, key, Extent::Tree).await,
        Change::Delete { dir: true, .. } => delete::remove(access, key, Extent::EmptyDirectory).await,
        Change::Delete { .. } => delete::remove(access, key, Extent::File).await,
        Change::CompareAndDelete { condition } => delete::compare_and_delete(access, key, condition).await,
    }
}

/// So long a poll waits for an index that is not there yet before it asks whether the store went back.
const PATIENCE: Duration = Duration::from_secs(4);

/// Within this time a connection is noticed on which nothing more will come.
const LIVENESS: Duration = Duration::from_secs(30);

/// Answers with the next change. One that asks for all of them never comes to its end: only a watch can read it as it goes on.
async fn poll<C: Carrier>(access: Access<'_, C>, watch: command::Watch) -> Result<Reply, Stop> {
    if watch.stream {
        return std::future::pending().await;
    }
    let Access { store, member, options } = access;
    let scope = Scope { path: watch.key.clone(), is_recursive: watch.recursive };
    let since = Some(watch.since).filter(|&since| since > 0);
    let mut follower = Follower::register(access, scope, since, LIVENESS).await?;
    let position = store.seen.position(follower.registered());
    let change = async {
        loop {
            if let Step::Change(event) = follower.next().await? {
                return Ok(answer::of_keys(200, position, render::event(&event)));
            }
        }
    };
    let Some(next) = since.filter(|&next| here(position).is_behind(next)) else { return change.await };
    let mut change = pin!(change);
    if let Ok(reply) = timeout(PATIENCE, &mut change).await {
        return reply;
    }
    match went_back(&Access { store, member, options }, &watch.key, since).await? {
        Some(here) => Ok(here.reply_of_replaced(next, None)),
        None => change.await,
    }
}

fn here(position: answer::Position) -> Position {
    Position {
        index: position.index,
        store: (position.cluster != 0).then(|| format!("{:x}", position.cluster)),
    }
}

/// Where the store is if changes before the index `next` were seen that it does not know of, though no member lags.
async fn went_back<C: Carrier>(
    access: &Access<'_, C>,
    path: &Path,
    next: Option<u64>,
) -> Result<Option<Position>, Stop> {
    let here = here(access.store.seen.position(access.revision(path).await?));
    Ok(Some(here).filter(|here| next.is_some_and(|next| here.is_behind(next))))
}

/// Whether a read is content with what the member knows: `quorum` is false, or `serializable` true.
fn asks_member_alone(form: &Form<'_>) -> bool {
    let flag = |name| form.get(name).and_then(command::boolean);
    flag("quorum") == Some(false) || flag("serializable") == Some(true)
}
