//! The policy of a request: which member, when another one, when all of them once more.

pub mod members;

use crate::transport::Transport;
use crate::v2::failure::{Cause, Failed, Failure, Kind, NodeError};
use crate::v2::reply::Reply;
use crate::v2::request::Request;
use members::Members;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait before all members are tried again: `base`, and each time `factor` times as long
/// (semantics.md 2.4).
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

    /// Before the first retry, the second …
    fn before(self, retry: u32) -> Duration {
        self.base.saturating_mul(self.factor.saturating_pow(retry - 1))
    }
}

/// What happens on the way to an outcome.
#[derive(Debug)]
pub enum Progress {
    /// A member failed; the next one follows, if there is one.
    Failed(Failure),
    /// All members failed in a way that an election explains; the count of retries is now this.
    Retrying(u32),
}

/// How a request ended.
#[derive(Debug)]
pub enum Outcome {
    /// The first reply of a member that could answer.
    Reply(Reply),
    /// Every member failed, for good. The failures were reported.
    Exhausted,
    /// The request cannot be sent, to whomever: none was asked.
    Unsendable(Box<NodeError>),
    /// The last failure leaves open whether the write took place, and it must not be sent again.
    Unknown,
}

/// How often and how soon a request is sent again.
#[derive(Debug, Clone, Copy)]
pub struct ResendPolicy {
    pub waits: RetryWaits,
    /// Whether a write goes to the next member, and into the next round, when a failure leaves open whether it took
    /// place. node-etcd does so.
    pub resend_writes: bool,
}

/// A client of the members of one cluster, over any transport.
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

    #[must_use]
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    /// The outcome of a request that the transport answers at once.
    pub fn at_once(&self, request: &Request) -> Option<Outcome> {
        self.transport.at_once(request).map(Outcome::Reply)
    }

    /// Sends the request to one member.
    async fn call(&self, member: usize, request: &Request) -> Result<Reply, Failed> {
        let result = self.transport.call(member, request).await;
        if !matches!(result, Err(Failed { kind: Kind::Unsendable, .. })) {
            self.members.record_outcome(member, result.is_ok());
        }
        result
    }

    /// Sends the request to one member of `route` after the other until one answers. When all have failed, waits and
    /// starts over, up to `max_retries` times, as long as every failure since the start may have been a leader election.
    /// A write whose outcome is unknown ends at once if the policy says so.
    pub async fn execute(
        &self,
        request: &Request,
        route: &[usize],
        max_retries: u32,
        mut report: impl FnMut(Progress),
    ) -> Outcome {
        let mut may_be_election = true;
        let mut retries = 0;
        loop {
            for &member in route {
                let failed = match self.call(member, request).await {
                    Ok(reply) => return Outcome::Reply(reply),
                    Err(Failed { kind: Kind::Unsendable, cause: Cause::Error(error), .. }) => {
                        return Outcome::Unsendable(error);
                    }
                    Err(failed) => failed,
                };
                may_be_election &= failed.kind.may_be_leader_election();
                let is_unknown = failed.sent && !request.verb.is_read();
                report(Progress::Failed(Failure::now(member, failed)));
                if is_unknown && !self.policy.resend_writes {
                    return Outcome::Unknown;
                }
            }
            if !may_be_election || retries >= max_retries {
                return Outcome::Exhausted;
            }
            retries += 1;
            report(Progress::Retrying(retries));
            tokio::time::sleep(self.policy.waits.before(retries)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{Broken, Feed};
    use crate::v2::request::{Target, Verb, Watch};
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use tokio::time::Instant;

    /// Answers from a list and takes down who was asked, and when.
    struct Script {
        replies: Mutex<VecDeque<Result<Reply, Failed>>>,
        asked: Mutex<Vec<(usize, Duration)>>,
        start: Instant,
    }

    impl Transport for Script {
        async fn call(&self, member: usize, _: &Request) -> Result<Reply, Failed> {
            self.asked.lock().unwrap().push((member, self.start.elapsed()));
            let reply = self.replies.lock().unwrap().pop_front().unwrap_or_else(refused)?;
            if reply.status < 500 { Ok(reply) } else { Err(Failed::unavailable(reply)) }
        }

        async fn watch<F: Feed>(&self, _: usize, _: &Watch, _: Option<u64>, _: &mut F) -> Broken {
            std::future::pending().await
        }
    }

    fn refused() -> Result<Reply, Failed> {
        Err(NodeError::new("connect ECONNREFUSED").failed(Kind::Refused, false))
    }

    fn status(status: u16, body: &str) -> Result<Reply, Failed> {
        Ok(Reply { status, body: body.into(), ..Reply::default() })
    }

    struct Run {
        outcome: Outcome,
        asked: Vec<usize>,
        waits: Vec<u64>,
        failures: usize,
        retries: u32,
    }

    async fn run(members: usize, replies: impl IntoIterator<Item = Result<Reply, Failed>>) -> Run {
        run_as(Verb::Get, true, members, replies).await
    }

    async fn run_as(
        verb: Verb,
        resend_writes: bool,
        members: usize,
        replies: impl IntoIterator<Item = Result<Reply, Failed>>,
    ) -> Run {
        let script = Script {
            replies: Mutex::new(replies.into_iter().collect()),
            asked: Mutex::default(),
            start: Instant::now(),
        };
        let policy = ResendPolicy { waits: RetryWaits::ELECTION, resend_writes };
        let client = Client::new(Arc::new(Members::new(members)), policy, script);
        let request = Request {
            verb,
            target: Target::Path("/version".into()),
            parameters: String::new(),
            value: None,
            waits: false,
            once: false,
            timeout: None,
        };
        let (mut failures, mut retries) = (0, 0);
        let route: Vec<usize> = (0..members).collect();
        let outcome = client
            .execute(&request, &route, 3, |event| match event {
                Progress::Failed(_) => failures += 1,
                Progress::Retrying(count) => retries = count,
            })
            .await;
        let asked = client.transport.asked.into_inner().unwrap();
        Run {
            outcome,
            waits: asked.iter().map(|(_, at)| at.as_millis().try_into().unwrap()).collect(),
            asked: asked.into_iter().map(|(member, _)| member).collect(),
            failures,
            retries,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_endpoint_follows_a_5xx_and_a_lost_connection() {
        let replies = [status(502, "bad gateway"), refused(), status(404, "{}")];
        let run = run(3, replies).await;
        assert!(matches!(run.outcome, Outcome::Reply(reply) if reply.status == 404));
        assert_eq!(run.asked, [0, 1, 2]);
        assert_eq!((run.failures, run.retries), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn refused_everywhere_is_tried_again_after_growing_waits_in_the_same_order() {
        let run = run(2, []).await;
        assert!(matches!(run.outcome, Outcome::Exhausted));
        assert_eq!(run.asked, [0, 1, 0, 1, 0, 1, 0, 1]);
        assert_eq!(run.waits, [0, 0, 100, 100, 1700, 1700, 27300, 27300]);
        assert_eq!((run.failures, run.retries), (8, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn one_failure_of_another_kind_in_any_round_ends_the_retrying() {
        let timeout = || Err(NodeError::new("ESOCKETTIMEDOUT").failed(Kind::Other, true));
        let first = run(2, [timeout()]).await;
        assert_eq!((first.failures, first.retries), (2, 0));
        let election = || status(500, r#"{"errorCode":301}"#);
        let second = run(2, [refused(), election(), refused(), status(500, "no")]).await;
        assert_eq!((second.failures, second.retries), (4, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_sent_is_asked_of_nobody_else() {
        let too_long = || Err(NodeError::new("too long").failed(Kind::Unsendable, false));
        let run = run_as(Verb::Delete, false, 3, [too_long()]).await;
        assert!(matches!(run.outcome, Outcome::Unsendable(error) if error.message == "too long"));
        assert_eq!((run.asked, run.failures, run.retries), (vec![0], 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_of_unknown_outcome_is_sent_again_only_if_the_policy_says_so() {
        let cut = || Err(NodeError::new("socket hang up").failed(Kind::Reset, true));
        let resent = run_as(Verb::Post, true, 2, [cut(), status(201, "{}")]).await;
        assert!(matches!(resent.outcome, Outcome::Reply(_)));
        let kept = run_as(Verb::Post, false, 2, [refused(), cut()]).await;
        assert!(matches!(kept.outcome, Outcome::Unknown));
        assert_eq!(kept.asked, [0, 1]);
        let read = run_as(Verb::Get, false, 2, [cut(), status(200, "{}")]).await;
        assert!(matches!(read.outcome, Outcome::Reply(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_list_of_hosts_is_retried_too() {
        let run = run(0, []).await;
        assert!(matches!(run.outcome, Outcome::Exhausted));
        assert_eq!((run.failures, run.retries), (0, 3));
    }
}
