//! The native half of an `Etcd` object.

#![expect(clippy::too_many_arguments, reason = "scalars cross the boundary faster than an object of them")]

use crate::binding::buffer::Buffer;
use crate::binding::environment::{Environment, Shared};
use crate::binding::event::Event;
use crate::binding::options::{ClientOptions, limit};
use crate::binding::panics::{Place, caught, caught_task, drill};
use crate::binding::reporter::Reporter;
use crate::client::members::Members;
use crate::client::{Client, ResendPolicy};
use crate::transport::cluster::{Cluster, ClusterOptions};
use crate::v2::key::{InvalidKey, Key};
use crate::v2::request::{InvalidVerb, Request, Target, Verb, Watch};
use crate::watch::Watching;
use crate::wire::proxy::{Proxies, ProxyRules};
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::cell::OnceCell;
use std::rc::Rc;
use std::result::Result as StdResult;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// A client of one cluster. Its connections open with the first request; those of synchronous requests are apart,
/// because a connection belongs to the runtime that drives it.
#[napi]
pub struct NativeClient {
    shared: Rc<Shared>,
    members: Arc<Members>,
    policy: ResendPolicy,
    proxies: Proxies,
    cluster: ClusterOptions,
    background: OnceCell<Arc<Client<Cluster>>>,
    blocking: OnceCell<Arc<Client<Cluster>>>,
}

#[napi]
impl NativeClient {
    /// Throws `InvalidArg` with a message that names the option.
    #[napi(constructor, catch_unwind)]
    pub fn new(environment: &Environment, options: ClientOptions) -> Result<Self> {
        drill(Place::Entry);
        let proxies = Proxies::default();
        let cluster = options.cluster(&proxies)?;
        Ok(Self {
            shared: Rc::clone(&environment.shared),
            members: Arc::new(Members::new(cluster.members())),
            policy: options.resend_policy(),
            cluster,
            proxies,
            background: OnceCell::new(),
            blocking: OnceCell::new(),
        })
    }

    /// The cleaned URLs, with the credentials they hold.
    #[napi(catch_unwind)]
    pub fn hosts(&self) -> Vec<String> {
        drill(Place::Entry);
        self.cluster.hosts()
    }

    /// The same URLs without credentials.
    #[napi(catch_unwind)]
    pub fn servers(&self) -> Vec<String> {
        drill(Place::Entry);
        self.cluster.servers()
    }

    /// An order in which a request can try the members, as indexes.
    #[napi(catch_unwind)]
    pub fn route(&self) -> Vec<u32> {
        drill(Place::Entry);
        indexes(&self.members.route())
    }

    /// From the next attempt on the proxies for http and for https, and NO_PROXY; or none.
    #[napi(catch_unwind)]
    pub fn set_proxies(&self, proxies: Option<Vec<String>>) {
        drill(Place::Entry);
        let rules = proxies.and_then(|proxies| {
            let [http, https, no_proxy] = proxies.try_into().ok()?;
            Some(ProxyRules { http, https, no_proxy })
        });
        self.proxies.set(rules);
    }

    /// Sends a request, which reports to the environment under `id`: after this call has returned, or if it is blocking
    /// until then.
    ///
    /// `parameters` are encoded as in a query, `value` is as it is to be stored, `waits` says that the reply may be held
    /// back, `timeout` is in milliseconds with 0 for none. The members are tried in the order of `route`; without one it
    /// is chosen here and returned, unless there is only one member.
    #[napi(catch_unwind)]
    pub fn send(
        &self,
        env: Env,
        id: u32,
        blocking: bool,
        verb: String,
        target: String,
        is_key: bool,
        parameters: String,
        value: Option<String>,
        waits: bool,
        max_retries: u32,
        timeout: f64,
        route: Option<Vec<u32>>,
    ) -> Result<Option<Vec<u32>>> {
        drill(Place::Entry);
        let is_open = route.is_none() && self.members.count() > 1;
        let route = self.checked_route(route)?;
        let chosen = is_open.then(|| indexes(&route));
        let resends = self.policy.resend_writes && max_retries > 0;
        let request = move || {
            let verb = Verb::parse(&verb)?;
            let once = !resends && !verb.is_read();
            let target = if is_key { Target::Key(Key::parse(&target)?) } else { Target::Path(target) };
            Ok(Request { verb, target, parameters, value, waits, once, timeout: limit(timeout) })
        };
        if self.cluster.is_in_process() {
            self.send_here(&env, id, blocking, request(), route, max_retries)?;
        } else {
            self.send_there(&env, id, blocking, request, route, max_retries)?;
        }
        Ok(chosen)
    }

    /// Starts a watch, which reports until it is aborted. `since` is the first index of interest; without it, it is the
    /// next after the registration. At most `buffer` events with `buffer_bytes` altogether wait for JavaScript before reading
    /// stops. Within `liveness` milliseconds a connection that died without a word is noticed.
    #[napi(catch_unwind)]
    pub fn watch(
        &self,
        env: Env,
        id: u32,
        key: String,
        parameters: String,
        since: Option<f64>,
        timeout: f64,
        buffer: u32,
        buffer_bytes: u32,
        liveness: f64,
    ) -> Result<()> {
        drill(Place::Entry);
        let report = self.shared.report(&env)?;
        let key = match Key::parse(&key) {
            Ok(key) => key,
            Err(error) => {
                let refused = Event::from(Unsendable::from(error));
                return self.shared.spawn(&env, id, move || async move { report.send(id, refused) });
            }
        };
        // Indexes are whole numbers far below 2^53.
        let since = since.map(|index| index as u64);
        let liveness = limit(liveness).unwrap_or(Duration::MAX);
        let watch = Watch { key, parameters, timeout: limit(timeout), liveness };
        let reporter = Reporter::new(report.clone(), id, Buffer::new(buffer, buffer_bytes));
        let watching = Watching::new(self.client(&self.background), watch, since, reporter);
        self.shared.spawn(&env, id, move || async move {
            if caught_task(watching.run()).await.is_none() {
                report.send(id, Event::defect());
            }
        })
    }

    /// Closes the connections that no request uses any more. A later request opens new ones.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        drill(Place::Entry);
        self.close_connections();
    }

    fn close_connections(&mut self) {
        self.background.take();
        if self.blocking.take().is_some() {
            self.shared.see_to_connections();
        }
    }

    /// Sends a request to a store in this process, which may answer at once: then no other thread is asked.
    fn send_here(
        &self,
        env: &Env,
        id: u32,
        blocking: bool,
        request: StdResult<Request, Unsendable>,
        route: Vec<usize>,
        max_retries: u32,
    ) -> Result<()> {
        let cell = if blocking { &self.blocking } else { &self.background };
        let client = self.client(cell);
        match request.as_ref().ok().and_then(|request| client.at_once(request)) {
            Some(outcome) if blocking => self.shared.report_now(env, id, outcome.into()),
            Some(outcome) => self.shared.report_soon(env, id, outcome.into()),
            None => self.send_there(env, id, blocking, move || request, route, max_retries),
        }
    }

    fn send_there(
        &self,
        env: &Env,
        id: u32,
        blocking: bool,
        request: impl FnOnce() -> StdResult<Request, Unsendable> + Send + 'static,
        route: Vec<usize>,
        max_retries: u32,
    ) -> Result<()> {
        if blocking {
            let client = self.client(&self.blocking);
            let mut events = Vec::new();
            let work = run(&client, request, &route, max_retries, |event| events.push(event));
            match self.shared.block_on(env, work) {
                Ok(Some(end)) => events.push(end),
                // Nobody is left to tell.
                Ok(None) => return Ok(()),
                Err(refused) => events.push(Event::Unstarted(refused)),
            }
            return events.into_iter().try_for_each(|event| self.shared.report_now(env, id, event));
        }
        let client = self.client(&self.background);
        let report = self.shared.report(env)?;
        self.shared.spawn(env, id, move || async move {
            let end = run(&client, request, &route, max_retries, |event| report.send(id, event)).await;
            report.send(id, end);
        })
    }

    fn checked_route(&self, route: Option<Vec<u32>>) -> Result<Vec<usize>> {
        let Some(route) = route else { return Ok(self.members.route()) };
        let route: Vec<usize> = route.into_iter().map(|index| index as usize).collect();
        if route.iter().any(|&index| index >= self.members.count()) {
            return Err(Error::new(Status::InvalidArg, "route: an index beyond the hosts"));
        }
        Ok(route)
    }

    fn client(&self, cell: &OnceCell<Arc<Client<Cluster>>>) -> Arc<Client<Cluster>> {
        let connect =
            || Arc::new(Client::new(Arc::clone(&self.members), self.policy, self.cluster.connect()));
        Arc::clone(cell.get_or_init(connect))
    }
}

/// Nobody drives the connections of Sync calls any more, so that they close here or never.
impl Drop for NativeClient {
    fn drop(&mut self) {
        // On a thread that ends it may be too late for a runtime; its own end closes them then.
        if Handle::try_current().is_err_and(|error| error.is_missing_context()) {
            let _ = caught(Place::Finalizer, || self.close_connections());
        }
    }
}

fn indexes(route: &[usize]) -> Vec<u32> {
    route.iter().map(|&index| u32::try_from(index).unwrap_or(u32::MAX)).collect()
}

/// Resolves with the last event. A panic is the end of one request.
async fn run(
    client: &Client<Cluster>,
    request: impl FnOnce() -> StdResult<Request, Unsendable>,
    route: &[usize],
    max_retries: u32,
    mut report: impl FnMut(Event),
) -> Event {
    let ended = caught_task(async {
        match request() {
            Ok(request) => {
                client.execute(&request, route, max_retries, |progress| report(progress.into())).await.into()
            }
            Err(unsendable) => unsendable.into(),
        }
    });
    ended.await.unwrap_or_else(Event::defect)
}

/// Why a request cannot be made.
struct Unsendable {
    code: &'static str,
    message: String,
}

impl From<InvalidVerb> for Unsendable {
    fn from(error: InvalidVerb) -> Self {
        Self { code: "ERR_INVALID_HTTP_TOKEN", message: error.to_string() }
    }
}

impl From<InvalidKey> for Unsendable {
    fn from(error: InvalidKey) -> Self {
        Self { code: "ERR_INVALID_KEY", message: error.to_string() }
    }
}

impl From<Unsendable> for Event {
    fn from(Unsendable { code, message }: Unsendable) -> Self {
        Self::Unsendable { code: code.into(), message }
    }
}
