//! A store as if it were an etcd with one member: requests become replies. Clients, threads and copies of the facade in this
//! process that name the same store share it.

use crate::transport::memory::endpoints;
use crate::transport::memory::faults::{Fault, Faults, Rule};
use crate::transport::memory::hub::WatchId;
use crate::transport::memory::log::{Asked, Log};
use crate::transport::memory::reply;
use crate::transport::memory::snapshot::LoadError;
use crate::transport::memory::store::{Answer as Answered, Store};
use crate::transport::memory::subscription::{Sink, Subscription, Unwatch};
use crate::transport::{Broken, Position};
use crate::v2::command::{self, Command, Method, MethodNotAllowed};
use crate::v2::error::Error;
use crate::v2::form::Form;
use crate::v2::reply::Reply;
use crate::v2::request::{NamedKey, Request, Target, Verb, Watch};
use crate::v2::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How many nodes are ended at once, before others have their turn.
const EXPIRE_AT_ONCE: usize = 10_000;

type Named = Mutex<HashMap<String, Arc<Server>>>;

/// What a request is answered with.
pub enum Answer {
    Reply(Reply),
    /// With the next change.
    Poll(Subscription),
    /// With all changes, which never ends.
    Stream,
}

/// A store, and what tests do to it.
#[derive(Debug)]
pub struct Server {
    name: String,
    state: Mutex<State>,
    /// When the next node ends, by the store's clock.
    due: watch::Sender<Option<Timestamp>>,
}

#[derive(Debug)]
struct State {
    store: Store<Sink>,
    /// How much the store's clock is ahead of the system's, in nanoseconds.
    ahead: i64,
    is_connected: bool,
    /// Where the store was when it was reset while nobody was connected, who could have been told.
    went_back_from: Option<u64>,
    faults: Faults,
    log: Log,
}

impl State {
    /// Whether a watch goes on where the store was before it was reset, unseen.
    fn is_of_the_past(&self, since: u64) -> bool {
        self.went_back_from.is_some_and(|index| since > self.store.index() + 1 && since <= index + 1)
    }

    fn now(&self) -> Timestamp {
        Timestamp(Timestamp::now().0.saturating_add(self.ahead))
    }
}

impl Server {
    /// The one with this name, which is made when it is first named and ends with the process.
    #[must_use]
    pub fn named(name: &str) -> Arc<Self> {
        static SERVERS: LazyLock<Named> = LazyLock::new(Named::default);
        let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(name.to_owned()).or_insert_with(|| Arc::new(Self::new(name))))
    }

    fn new(name: &str) -> Self {
        let (store, faults, log) = (Store::default(), Faults::default(), Log::default());
        let state = State { store, ahead: 0, is_connected: true, went_back_from: None, faults, log };
        Self { name: name.to_owned(), state: Mutex::new(state), due: watch::Sender::new(None) }
    }

    /// Answers a request, as if there were no other.
    pub fn answer(self: &Arc<Self>, request: &Request) -> Answer {
        if request.verb.as_str() == "OPTIONS" {
            return Answer::Reply(reply::empty());
        }
        let mut reply = match request.named_key() {
            Some(NamedKey { key, parameters }) => self.answer_key(request, &key, &parameters),
            None => self.answer_path(request),
        };
        if let (Answer::Reply(reply), Verb::Head) = (&mut reply, &request.verb) {
            reply.body.clear();
        }
        reply
    }

    fn answer_path(&self, request: &Request) -> Answer {
        let stats = || self.lock().store.stats().unwrap_or_default();
        let host = format!("memory:{}", self.name);
        Answer::Reply(endpoints::answer(&request.verb, request.path(), &host, stats))
    }

    fn answer_key(self: &Arc<Self>, request: &Request, key: &str, parameters: &str) -> Answer {
        let Ok(method) = Method::try_from(&request.verb) else {
            return Answer::Reply(reply::method_not_allowed(MethodNotAllowed::ALLOW));
        };
        let form = Form::parse(parameters);
        let command = form.and_then(|form| Command::parse(method, key, &form, request.value.as_deref()));
        let result = match command {
            Ok(Command::Watch(watch)) => return self.poll(&watch),
            Ok(Command::Get(get)) => self.get(&get),
            Ok(Command::Write(write)) => self.write(&write),
            Err(error) => Err(error),
        };
        Answer::Reply(result.unwrap_or_else(|error| reply::of_error(&error)))
    }

    fn get(&self, get: &command::Get) -> Result<Reply, Error> {
        let mut state = self.lock();
        let now = state.now();
        let Answered { status, index, body } = state.store.get(get, now)?;
        Ok(reply::of_keys(status, index, body))
    }

    fn write(&self, write: &command::Write) -> Result<Reply, Error> {
        let mut state = self.lock();
        let now = state.now();
        let written = state.store.write(write, now);
        self.tell_due(&state);
        let Answered { status, index, body } = written?;
        Ok(reply::of_keys(status, index, body))
    }

    fn poll(self: &Arc<Self>, watch: &command::Watch) -> Answer {
        if watch.stream {
            return Answer::Stream;
        }
        if self.lock().is_of_the_past(watch.since) {
            return Answer::Reply(self.position().reply_of_replaced(watch.since, None));
        }
        match self.register(watch) {
            Ok(subscription) => Answer::Poll(subscription),
            Err(error) => Answer::Reply(reply::of_error(&error)),
        }
    }

    /// Watches, see [`crate::transport::Transport::watch`].
    ///
    /// # Errors
    /// With the reason why the store refuses it.
    pub fn subscribe(self: &Arc<Self>, watch: &Watch, since: Option<u64>) -> Result<Subscription, Broken> {
        let refused = |error: Error| Broken::Refused(reply::of_error(&error));
        let form = Form::parse(&watch.parameters).map_err(refused)?;
        let Command::Get(get) =
            Command::parse(Method::Get, &watch.key.name(), &form, None).map_err(refused)?
        else {
            return Err(Broken::Unexpected(Reply::default()));
        };
        let since = since.unwrap_or(0);
        if self.lock().is_of_the_past(since) {
            return Err(self.broken());
        }
        let watch = command::Watch { key: get.key, recursive: get.recursive, stream: true, since };
        self.register(&watch).map_err(|error| Broken::Outdated(error.index, reply::of_error(&error)))
    }

    fn register(self: &Arc<Self>, watch: &command::Watch) -> Result<Subscription, Error> {
        let (sender, events) = mpsc::unbounded_channel();
        let watching = self.lock().store.watch(watch, Sink(sender))?;
        let server = Arc::clone(self) as Arc<dyn Unwatch>;
        Ok(Subscription { server, id: watching.id, index: watching.index, since: watch.since, events })
    }

    /// Why watches have ended all at once.
    #[must_use]
    pub fn broken(&self) -> Broken {
        if self.is_connected() {
            Broken::Replaced(self.position())
        } else {
            Broken::Failed(Fault::Lost.failed())
        }
    }

    /// The answer to a poll that was cut by a reset, if it waits for what the new store will not have for a long time.
    #[must_use]
    pub fn went_back(&self, since: u64) -> Option<Reply> {
        let position = self.position();
        position.is_behind(since).then(|| position.reply_of_replaced(since, None))
    }

    fn position(&self) -> Position {
        Position { index: self.lock().store.index(), store: None }
    }

    /// Ends what has expired, but not too much at once. Whether that was all.
    pub fn expire(&self) -> bool {
        let mut state = self.lock();
        let now = state.now();
        let expired = state.store.expire(now, EXPIRE_AT_ONCE);
        if expired > 0 {
            self.tell_due(&state);
        }
        expired < EXPIRE_AT_ONCE
    }

    /// Ends all that has expired. Others have their turn in between.
    pub async fn expire_all(&self) {
        while !self.expire() {
            tokio::task::yield_now().await;
        }
    }

    /// Changes when the next node ends at another time, or the clock was set.
    #[must_use]
    pub fn due(&self) -> watch::Receiver<Option<Timestamp>> {
        self.due.subscribe()
    }

    /// The time until the next node ends.
    #[must_use]
    pub fn until_due(&self) -> Option<Duration> {
        let state = self.lock();
        let left = state.store.next_expiration()?.0.saturating_sub(state.now().0);
        Some(Duration::from_nanos(left.max(0).cast_unsigned()))
    }

    fn tell_due(&self, state: &State) {
        let next = state.store.next_expiration();
        self.due.send_if_modified(|due| std::mem::replace(due, next) != next);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tests do to a store.
impl Server {
    /// Whether a request is answered at once, as nothing is to happen to it.
    #[must_use]
    pub fn is_undisturbed(&self) -> bool {
        let state = self.lock();
        state.is_connected && state.faults.is_empty()
    }

    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.lock().is_connected
    }

    /// From now on nobody is connected, or can be: watches and requests that wait are cut.
    pub fn disconnect(&self) {
        let mut state = self.lock();
        state.is_connected = false;
        state.store.unwatch_all();
    }

    /// Ends what [`Self::disconnect`] began.
    pub fn reconnect(&self) {
        self.lock().is_connected = true;
    }

    /// What is to happen to the next requests that fit.
    pub fn add_rule(&self, rule: Rule) {
        self.lock().faults.add(rule);
    }

    /// What happens to a request for a target.
    pub fn take_fault(&self, verb: &Verb, target: &Target) -> (Option<Duration>, Option<Fault>) {
        let mut state = self.lock();
        if state.faults.is_empty() {
            return (None, None);
        }
        let name = match target {
            Target::Key(key) => key.name(),
            Target::Path(path) => path.split('?').next().unwrap_or_default().to_owned(),
        };
        state.faults.take(verb.as_str(), &name)
    }

    /// From now on requests are remembered.
    pub fn start_log(&self) {
        self.lock().log.start();
    }

    /// Remembers a request.
    pub fn record(&self, request: &Request) {
        self.lock().log.push(request);
    }

    /// The requests since the log was started, or since the last reset.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.lock().log.asked()
    }

    /// Begins anew, with the system's clock, no rules, and no requests. Watches go on in the new store.
    pub fn reset(&self) {
        let mut state = self.lock();
        state.went_back_from = (!state.is_connected).then(|| state.store.index());
        state.store.reset();
        state.ahead = 0;
        state.is_connected = true;
        state.faults = Faults::default();
        state.log.clear();
        self.tell_due(&state);
    }

    /// See [`Store::load`].
    ///
    /// # Errors
    /// When it is nothing that can be loaded.
    pub fn load(&self, json: &str) -> Result<(), LoadError> {
        let mut state = self.lock();
        let now = state.now();
        let loaded = state.store.load(json, now);
        self.tell_due(&state);
        loaded
    }

    /// See [`Store::dump`].
    ///
    /// # Errors
    /// None.
    pub fn dump(&self) -> serde_json::Result<Vec<u8>> {
        while !self.expire() {}
        let state = self.lock();
        state.store.dump(state.now())
    }

    /// Sets the store's clock forward: what expires by that ends now, in order.
    pub fn advance(&self, time: Duration) {
        {
            let mut state = self.lock();
            state.ahead = state.ahead.saturating_add(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        }
        while !self.expire() {}
        // Whoever waits for the next node to end waits less.
        self.due.send_modify(|_| {});
    }

    /// Forgets the events before the last one: who asks for one of them is told that it is gone.
    pub fn compact(&self) {
        self.lock().store.compact();
    }
}

impl Unwatch for Server {
    fn unwatch(&self, id: &WatchId) {
        self.lock().store.unwatch(id);
    }
}
