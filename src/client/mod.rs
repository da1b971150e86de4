//! The policy of a request: which endpoint, when another one, when all of them once more.

pub mod members;

use crate::client::members::Members;
use crate::transport::{Opened, Transport};
use crate::v2::failure::{Cause, Failure, TransportError};
use crate::v2::reply::Reply;
use crate::v2::request::Request;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long to wait before all endpoints are tried again: `base * factor^n` before retry n (semantics.md 2.4).
#[derive(Debug, Clone, Copy)]
pub struct RetryWaits {
    pub base: Duration,
    pub factor: u32,
}

impl RetryWaits {
    /// 100 ms, 1.6 s, 25.6 s: longer than an election takes.
    pub const ELECTION: Self = Self { base: Duration::from_millis(100), factor: 16 };
    /// For the tests of programs, by RUNNING_UNIT_TESTS.
    pub const UNIT_TESTS: Self = Self { base: Duration::from_millis(1), factor: 1 };

    fn before(self, retry: u32) -> Duration {
        self.base.saturating_mul(self.factor.saturating_pow(retry))
    }
}

/// What happens on the way to an outcome.
#[derive(Debug)]
pub enum Event {
    /// An endpoint failed; the next one follows, if there is one.
    Failed(Failure),
    /// All endpoints failed in a way that an election explains; the count of retries is now this.
    Retrying(u32),
}

/// How a request ended.
#[derive(Debug)]
pub enum Outcome {
    /// The first reply with a status below 500.
    Reply(Reply),
    /// Every endpoint failed, for good. The failures were reported.
    Exhausted,
    /// The last failure leaves open whether the write took place, and it must not be sent again.
    Unknown,
}

/// How often and how soon a request is sent again.
#[derive(Debug, Clone, Copy)]
pub struct ResendPolicy {
    pub waits: RetryWaits,
    /// Whether a write goes to the next endpoint, and into the next round, when a failure leaves open whether it took
    /// place. node-etcd does so.
    pub resend_writes: bool,
}

/// A client of the members of one cluster, over any transport.
#[derive(Debug)]
pub struct Client<T> {
    members: Arc<Members>,
    policy: ResendPolicy,
    transport: T,
}

impl<T: Transport> Client<T> {
    pub const fn new(members: Arc<Members>, policy: ResendPolicy, transport: T) -> Self {
        Self { members, policy, transport }
    }

    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Sends the request to one endpoint, to the headers of its reply.
    ///
    /// # Errors
    /// When no reply begins.
    pub async fn open(&self, endpoint: usize, request: &Request) -> Result<Opened<T::Body>, TransportError> {
        let opened = self.transport.open(&self.members.endpoints()[endpoint], request).await;
        self.members.note(endpoint, opened.as_ref().is_ok_and(|opened| opened.status < 500));
        opened
    }

    /// Sends the request to one endpoint. A reply has a status below 500.
    async fn send(&self, endpoint: usize, request: &Request) -> Result<Reply, Cause> {
        let result = match self.transport.send(&self.members.endpoints()[endpoint], request).await {
            Ok(reply) if reply.status < 500 => Ok(reply),
            Ok(reply) => Err(Cause::Status(reply)),
            Err(error) => Err(Cause::Transport(error)),
        };
        self.members.note(endpoint, result.is_ok());
        result
    }

    /// Sends the request to one endpoint of `route` after the other until one replies with a status below 500. When
    /// all have failed, waits and starts over, up to `max_retries` times, as long as every failure since the start
    /// may have been a leader election. A write whose outcome is unknown ends at once if the policy says so.
    pub async fn execute(
        &self,
        request: &Request,
        route: &[usize],
        max_retries: u32,
        mut report: impl FnMut(Event),
    ) -> Outcome {
        let mut election = true;
        for retry in 0.. {
            for &endpoint in route {
                let cause = match self.send(endpoint, request).await {
                    Ok(reply) => return Outcome::Reply(reply),
                    Err(cause) => cause,
                };
                election &= cause.may_be_leader_election();
                let unknown = !request.is_read() && cause.may_have_been_applied();
                report(Event::Failed(Failure { endpoint, at: SystemTime::now(), cause }));
                if unknown && !self.policy.resend_writes {
                    return Outcome::Unknown;
                }
            }
            if !election || retry >= max_retries {
                break;
            }
            report(Event::Retrying(retry + 1));
            tokio::time::sleep(self.policy.waits.before(retry)).await;
        }
        Outcome::Exhausted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Body;
    use crate::v2::request::Target;
    use crate::wire::endpoint::Endpoint;
    use bytes::Bytes;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use tokio::time::Instant;

    /// Answers from a list and notes who was asked, and when.
    struct Script {
        replies: Mutex<VecDeque<Result<Reply, TransportError>>>,
        asked: Mutex<Vec<(String, Duration)>>,
        start: Instant,
    }

    impl Transport for Script {
        type Body = Option<Bytes>;

        async fn open(&self, endpoint: &Endpoint, _: &Request) -> Result<Opened<Self::Body>, TransportError> {
            self.asked.lock().unwrap().push((endpoint.name().to_owned(), self.start.elapsed()));
            let reply = self.replies.lock().unwrap().pop_front().unwrap_or_else(refused)?;
            Ok(Opened { status: reply.status, headers: reply.headers, body: Some(reply.body.into()) })
        }
    }

    impl Body for Option<Bytes> {
        async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
            Ok(self.take())
        }
    }

    fn refused() -> Result<Reply, TransportError> {
        Err(TransportError::with_code("connect ECONNREFUSED", "ECONNREFUSED"))
    }

    fn status(status: u16, body: &str) -> Result<Reply, TransportError> {
        Ok(Reply { status, body: body.into(), ..Reply::default() })
    }

    struct Run {
        outcome: Outcome,
        asked: Vec<String>,
        waits: Vec<u64>,
        failures: usize,
        retries: u32,
    }

    async fn run(hosts: &[&str], replies: impl IntoIterator<Item = Result<Reply, TransportError>>) -> Run {
        run_as(http::Method::GET, true, hosts, replies).await
    }

    async fn run_as(
        method: http::Method,
        resend_writes: bool,
        hosts: &[&str],
        replies: impl IntoIterator<Item = Result<Reply, TransportError>>,
    ) -> Run {
        let script = Script {
            replies: Mutex::new(replies.into_iter().collect()),
            asked: Mutex::default(),
            start: Instant::now(),
        };
        let endpoints = hosts.iter().map(|host| Endpoint::parse(host).unwrap()).collect();
        let policy = ResendPolicy { waits: RetryWaits::ELECTION, resend_writes };
        let client = Client::new(Arc::new(Members::new(endpoints)), policy, script);
        let request = Request {
            method,
            target: Target::Path("/version".into()),
            query: String::new(),
            form: None,
            timeout: None,
            proxies: None,
        };
        let (mut failures, mut retries) = (0, 0);
        let route: Vec<usize> = (0..hosts.len()).collect();
        let outcome = client
            .execute(&request, &route, 3, |event| match event {
                Event::Failed(_) => failures += 1,
                Event::Retrying(count) => retries = count,
            })
            .await;
        let asked = client.transport.asked.into_inner().unwrap();
        Run {
            outcome,
            waits: asked.iter().map(|(_, at)| at.as_millis().try_into().unwrap()).collect(),
            asked: asked.into_iter().map(|(name, _)| name).collect(),
            failures,
            retries,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_endpoint_follows_a_5xx_and_a_lost_connection() {
        let replies = [status(502, "bad gateway"), refused(), status(404, "{}")];
        let run = run(&["a", "b", "c"], replies).await;
        assert!(matches!(run.outcome, Outcome::Reply(reply) if reply.status == 404));
        assert_eq!(run.asked, ["a", "b", "c"]);
        assert_eq!((run.failures, run.retries), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn refused_everywhere_is_tried_again_after_growing_waits_in_the_same_order() {
        let run = run(&["a", "b"], []).await;
        assert!(matches!(run.outcome, Outcome::Exhausted));
        assert_eq!(run.asked, ["a", "b", "a", "b", "a", "b", "a", "b"]);
        assert_eq!(run.waits, [0, 0, 100, 100, 1700, 1700, 27300, 27300]);
        assert_eq!((run.failures, run.retries), (8, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn one_failure_of_another_kind_in_any_round_ends_the_retrying() {
        let timeout = || Err(TransportError::with_code("ESOCKETTIMEDOUT", "ESOCKETTIMEDOUT"));
        let first = run(&["a", "b"], [timeout()]).await;
        assert_eq!((first.failures, first.retries), (2, 0));
        let election = || status(500, r#"{"errorCode":301}"#);
        let second = run(&["a", "b"], [refused(), election(), refused(), status(500, "no")]).await;
        assert_eq!((second.failures, second.retries), (4, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_of_unknown_outcome_is_sent_again_only_if_the_policy_says_so() {
        let cut = || {
            let reset = TransportError::with_code("socket hang up", "ECONNRESET");
            Err(TransportError { sent: true, ..reset })
        };
        let post = http::Method::POST;
        let resent = run_as(post.clone(), true, &["a", "b"], [cut(), status(201, "{}")]).await;
        assert!(matches!(resent.outcome, Outcome::Reply(_)));
        let kept = run_as(post.clone(), false, &["a", "b"], [refused(), cut()]).await;
        assert!(matches!(kept.outcome, Outcome::Unknown));
        assert_eq!(kept.asked, ["a", "b"]);
        let read = run_as(http::Method::GET, false, &["a", "b"], [cut(), status(200, "{}")]).await;
        assert!(matches!(read.outcome, Outcome::Reply(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_list_of_hosts_is_retried_too() {
        let run = run(&[], []).await;
        assert!(matches!(run.outcome, Outcome::Exhausted));
        assert_eq!((run.failures, run.retries), (0, 3));
    }
}
