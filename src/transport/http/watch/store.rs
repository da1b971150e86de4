//! Where a member's store is, and whether it is still the one that a watch came from.

use crate::transport::Position;
use crate::transport::http::exchange::{Exchange, Opened};
use crate::v2::failure::Failed;
use crate::v2::reply::Reply;
use crate::v2::request::{Request, Verb};
use http::HeaderMap;
use std::pin::pin;
use std::time::Duration;
use tokio::time::sleep;

const INDEX: &str = "x-etcd-index";
/// So long a member may be behind: one that only lags has caught up by then, or says so.
const PATIENCE: Duration = Duration::from_secs(4);
/// Between two questions to a member that does not answer the first one.
const AGAIN: Duration = Duration::from_secs(1);

/// Where the store was when it answered, if the headers of the reply say so.
#[must_use]
pub fn position_of(headers: &HeaderMap) -> Option<Position> {
    let text = |name| headers.get(name)?.to_str().ok();
    let index = text(INDEX)?.parse().ok().filter(|&index| index > 0)?;
    Some(Position { index, store: text("x-etcd-cluster-id").map(str::to_owned) })
}

/// Whether the headers of a reply say where the store is, as each etcd's do.
#[must_use]
pub fn is_etcds(headers: &HeaderMap) -> bool {
    headers.contains_key(INDEX)
}

/// The reply to a poll. One for a change that a store which went back will not have for a long time is answered by us.
///
/// # Errors
/// When the reply is cut short, or too large.
pub async fn complete<E: Exchange>(
    exchange: &E,
    member: usize,
    poll: &Request,
    mut opened: Opened<E::Body>,
) -> Result<Reply, Failed> {
    let awaited = position_of(&opened.headers).zip(wait_index(&poll.parameters));
    let behind = awaited.filter(|(position, next)| position.is_behind(*next));
    let mut reply = pin!(opened.complete(exchange.limit()));
    if let Some((position, next)) = behind {
        tokio::select! {
            biased;
            reply = &mut reply => return reply,
            went_back = went_back(exchange, member, poll, next) => if went_back {
                return Ok(position.reply_of_replaced(next, None));
            },
        }
    }
    reply.await
}

/// Of the parameters of a poll.
fn wait_index(parameters: &str) -> Option<u64> {
    parameters.split('&').find_map(|parameter| parameter.strip_prefix("waitIndex=")?.parse().ok())
}

/// Resolves when a member that was behind has caught up, or has not: whether its store went back. `next` is the index
/// after the last one seen, and `watch` the request that waits for it.
pub async fn went_back<E: Exchange>(exchange: &E, member: usize, watch: &Request, next: u64) -> bool {
    sleep(PATIENCE).await;
    // Through the cluster's log: who answers this has everything that was ever acknowledged.
    let question = Request { verb: Verb::Get, ..question(watch, &["quorum=true"]) };
    loop {
        match ask(exchange, member, &question).await {
            Ok(Some(position)) => return position.is_behind(next),
            _ => sleep(AGAIN).await,
        }
    }
}

/// Where the store is, by a plain read: what is no poll and no stream is passed on at once by all that is on the way.
///
/// # Errors
/// When the member fails.
pub async fn position<E: Exchange>(
    exchange: &E,
    member: usize,
    watch: &Request,
) -> Result<Option<Position>, Failed> {
    ask(exchange, member, &question(watch, &[])).await
}

async fn ask<E: Exchange>(
    exchange: &E,
    member: usize,
    question: &Request,
) -> Result<Option<Position>, Failed> {
    let mut opened = exchange.open(member, question, question.timeout).await?;
    let position = position_of(&opened.headers);
    if opened.status >= 500 {
        return Err(Failed::unavailable(opened.complete(exchange.limit()).await?));
    }
    if question.verb == Verb::Head {
        // There is no body: this keeps the connection.
        opened.complete(exchange.limit()).await?;
    }
    Ok(position)
}

/// A plain read of what is watched, without what makes it large. Only its headers are of interest.
fn question(watch: &Request, more: &[&str]) -> Request {
    const OF_WATCHES: [&str; 4] = ["recursive", "stream", "wait", "waitIndex"];
    let is_kept = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or_default();
        !name.is_empty() && !OF_WATCHES.contains(&name)
    };
    let kept = watch.parameters.split('&').filter(is_kept);
    let parameters = kept.chain(more.iter().copied()).collect::<Vec<_>>().join("&");
    // It takes no place among the requests: those may all be taken by others.
    Request { verb: Verb::Head, parameters, waits: true, ..watch.clone() }
}
