//! The native half of an `Etcd` object.

#![expect(clippy::too_many_arguments, reason = "scalars cross the boundary faster than an object of them")]

use crate::binding::environment::{Environment, Report, Shared};
use crate::binding::event::Event;
use crate::binding::options::ClientOptions;
use crate::client::members::Members;
use crate::client::{Client as Core, ResendPolicy};
use crate::transport::http::{Http, HttpOptions};
use crate::v2::key::Key;
use crate::v2::request::{Request, Target};
use crate::watch::{Notice, Observer, Watch, Watching};
use crate::wire::proxy::ProxyRules;
use futures_util::FutureExt as _;
use http::Method;
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::cell::OnceCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// A client of one cluster. Its connections open with the first request; those of synchronous requests are apart,
/// because a connection belongs to the runtime that drives it.
#[napi]
pub struct Client {
    shared: Rc<Shared>,
    members: Arc<Members>,
    policy: ResendPolicy,
    http: Arc<HttpOptions>,
    background: OnceCell<Arc<Core<Http>>>,
    blocking: OnceCell<Arc<Core<Http>>>,
}

#[napi]
impl Client {
    /// Throws `InvalidArg` with a message that names the option.
    #[napi(constructor, catch_unwind)]
    pub fn new(environment: &Environment, options: ClientOptions) -> Result<Self> {
        let endpoints = options.endpoints()?;
        let http = Arc::new(options.http(&endpoints)?);
        let policy = options.resend_policy();
        let shared = Rc::clone(&environment.shared);
        let (background, blocking) = (OnceCell::new(), OnceCell::new());
        let members = Arc::new(Members::new(endpoints));
        Ok(Self { shared, members, policy, http, background, blocking })
    }

    /// The cleaned URLs, with the credentials they hold.
    #[napi]
    pub fn hosts(&self) -> Vec<String> {
        self.members.endpoints().iter().map(|endpoint| endpoint.host().to_owned()).collect()
    }

    /// The same URLs without credentials.
    #[napi]
    pub fn servers(&self) -> Vec<String> {
        self.members.endpoints().iter().map(|endpoint| endpoint.server().to_owned()).collect()
    }

    /// The order in which a request is to try the endpoints, as indexes.
    #[napi]
    pub fn route(&self) -> Vec<u32> {
        let route = self.members.route();
        route.into_iter().map(|index| u32::try_from(index).unwrap_or(u32::MAX)).collect()
    }

    /// Starts a request, which reports to the environment under `id` after this call has returned.
    ///
    /// `query` is encoded, `timeout` in milliseconds with 0 for none, `proxies` for http, for https, and NO_PROXY;
    /// without a `route` the endpoints are tried as they are listed.
    #[napi(catch_unwind)]
    pub fn execute(
        &self,
        env: Env,
        id: u32,
        method: String,
        target: String,
        is_key: bool,
        query: String,
        form: Option<String>,
        max_retries: u32,
        timeout: f64,
        proxies: Option<Vec<String>>,
        route: Option<Vec<u32>>,
    ) -> Result<()> {
        let client = self.core(&self.background)?;
        let route = self.checked_route(route)?;
        let report = self.shared.report().clone();
        self.shared.spawn(&env, id, async move {
            let request = request(&method, target, is_key, query, form, timeout, proxies);
            let end = run(&client, request, &route, max_retries, |event| report.send(id, event)).await;
            report.send(id, end);
        })
    }

    /// The same, blocking: every event is reported before this returns.
    #[napi(catch_unwind)]
    pub fn execute_sync(
        &self,
        env: Env,
        id: u32,
        method: String,
        target: String,
        is_key: bool,
        query: String,
        form: Option<String>,
        max_retries: u32,
        timeout: f64,
        proxies: Option<Vec<String>>,
        route: Option<Vec<u32>>,
    ) -> Result<()> {
        let client = self.core(&self.blocking)?;
        let route = self.checked_route(route)?;
        let request = request(&method, target, is_key, query, form, timeout, proxies);
        let mut events = Vec::new();
        let work = run(&client, request, &route, max_retries, |event| events.push(event));
        let end = self.shared.block_on(work)?;
        events.push(end);
        events.into_iter().try_for_each(|event| self.shared.report_now(&env, id, event))
    }

    /// Starts a watch, which reports until it is aborted. `index` is the first one of interest; without it, it is the
    /// next after the registration. At most `buffer` events wait for JavaScript before reading stops. Within `liveness`
    /// milliseconds a connection that died without a word is noticed.
    #[napi(catch_unwind)]
    pub fn watch(
        &self,
        env: Env,
        id: u32,
        key: String,
        query: String,
        index: Option<f64>,
        timeout: f64,
        proxies: Option<Vec<String>>,
        buffer: u32,
        liveness: f64,
    ) -> Result<()> {
        let report = self.shared.report().clone();
        let key = match Key::parse(&key) {
            Ok(key) => key,
            Err(error) => {
                let refused = Event::Refused { code: "ERR_INVALID_KEY", message: error.to_string() };
                return self.shared.spawn(&env, id, async move { report.send(id, refused) });
            }
        };
        // Indexes are whole numbers far below 2^53.
        let index = index.map(|index| index as u64);
        let (timeout, proxies) = (limit(timeout), proxy_rules(proxies));
        let liveness = limit(liveness).unwrap_or(Duration::MAX);
        let watch = Watch { key, query, index, timeout, liveness, proxies };
        let observer =
            Reporter { report: report.clone(), id, places: Arc::new(Semaphore::new(buffer as usize)) };
        let watching = Watching::new(self.core(&self.background)?, watch, observer);
        self.shared.spawn(&env, id, async move {
            if AssertUnwindSafe(watching.run()).catch_unwind().await.is_err() {
                report.send(id, Event::defect("a panic, shown on standard error"));
            }
        })
    }

    /// Closes the connections that no request uses any more. A later request opens new ones.
    #[napi(catch_unwind)]
    pub fn close(&mut self) -> Result<()> {
        self.background.take();
        if self.blocking.take().is_some() {
            // Their runtime sees to them only while it runs.
            self.shared.block_on(std::future::ready(()))?;
        }
        Ok(())
    }

    fn checked_route(&self, route: Option<Vec<u32>>) -> Result<Vec<usize>> {
        let count = self.members.endpoints().len();
        let Some(route) = route else { return Ok((0..count).collect()) };
        let route: Vec<usize> = route.into_iter().map(|index| index as usize).collect();
        if route.iter().any(|&index| index >= count) {
            return Err(Error::new(Status::InvalidArg, "route: an index beyond the hosts"));
        }
        Ok(route)
    }

    fn core(&self, cell: &OnceCell<Arc<Core<Http>>>) -> Result<Arc<Core<Http>>> {
        if let Some(core) = cell.get() {
            return Ok(Arc::clone(core));
        }
        let http = Http::new(Arc::clone(&self.http), self.members.endpoints())
            .map_err(|error| Error::from_reason(error.message))?;
        let core = Arc::new(Core::new(Arc::clone(&self.members), self.policy, http));
        Ok(Arc::clone(cell.get_or_init(|| core)))
    }
}

/// Nobody drives the connections of Sync calls any more, so that they close here or never.
impl Drop for Client {
    fn drop(&mut self) {
        // On a thread that ends it may be too late for a runtime; its own end closes them then.
        if Handle::try_current().is_err_and(|error| error.is_missing_context()) {
            let _ = self.close();
        }
    }
}

/// Resolves with the last event. A panic is the end of one request.
async fn run(
    client: &Core<Http>,
    request: std::result::Result<Request, Refusal>,
    route: &[usize],
    max_retries: u32,
    mut report: impl FnMut(Event),
) -> Event {
    let work = async {
        match request {
            Ok(request) => {
                client.execute(&request, route, max_retries, |event| report(event.into())).await.into()
            }
            Err(Refusal { code, message }) => Event::Refused { code, message },
        }
    };
    let end = AssertUnwindSafe(work).catch_unwind().await;
    end.unwrap_or_else(|_| Event::defect("a panic, shown on standard error"))
}

fn request(
    method: &str,
    target: String,
    is_key: bool,
    query: String,
    form: Option<String>,
    timeout: f64,
    proxies: Option<Vec<String>>,
) -> std::result::Result<Request, Refusal> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Refusal {
        code: "ERR_INVALID_HTTP_TOKEN",
        message: format!("{method:?} is no HTTP method"),
    })?;
    let target = if is_key {
        Target::Key(
            Key::parse(&target)
                .map_err(|error| Refusal { code: "ERR_INVALID_KEY", message: error.to_string() })?,
        )
    } else {
        Target::Path(target)
    };
    let (timeout, proxies) = (limit(timeout), proxy_rules(proxies));
    Ok(Request { method, target, query, form: form.map(Into::into), timeout, proxies })
}

/// Zero, and anything beyond time, stands for no limit, as it did in `request`.
fn limit(milliseconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(milliseconds / 1000.0).ok().filter(|limit| !limit.is_zero())
}

fn proxy_rules(proxies: Option<Vec<String>>) -> Option<ProxyRules> {
    let [http, https, no_proxy] = proxies?.try_into().ok()?;
    Some(ProxyRules { http, https, no_proxy })
}

/// Reports the notices of a watch, and holds it back while too many of its events wait for JavaScript.
struct Reporter {
    report: Report,
    id: u32,
    places: Arc<Semaphore>,
}

impl Observer for Reporter {
    async fn notify(&self, notice: Notice) {
        let event = match notice {
            Notice::Change(reply) => match Arc::clone(&self.places).acquire_owned().await {
                Ok(place) => Event::Change(reply, Some(place)),
                // Never: nobody closes the semaphore.
                Err(_) => return,
            },
            Notice::Registered(index) => Event::Registered(index),
            Notice::Resync(reply) => Event::Resync(reply),
            Notice::Nothing(reply) => Event::Nothing(reply),
            Notice::Unexpected(reply) => Event::Unexpected(reply),
            Notice::Disconnected(failures) => {
                for failure in failures {
                    self.report.send(self.id, Event::Failed(failure));
                }
                Event::Disconnected
            }
        };
        self.report.send(self.id, event);
    }
}

/// Why a request cannot be made.
struct Refusal {
    code: &'static str,
    message: String,
}
