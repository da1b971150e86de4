//! `get`: a file, or what is in a directory.

use crate::transport::v3::carrier::Carrier;
use crate::transport::v3::listing::{list, next_page};
use crate::transport::v3::look::Here;
use crate::transport::v3::messages::{KeyValue, RangeRequest};
use crate::transport::v3::seen::position;
use crate::transport::v3::store::{Access, Stop};
use crate::transport::v3::transaction::{Transaction, page};
use crate::v2::answer;
use crate::v2::command::Get;
use crate::v2::path::Path;
use crate::v2::render::Listing;
use crate::v2::reply::Reply;
use crate::v2::time::Timestamp;
use crate::v2::values;
use crate::wire::fault;

/// How many keys are asked for at once.
const PAGE: i64 = 500;

/// # Errors
/// What v2 refuses, and when there is no answer. `max_size` limits the bytes that are read, and the values
/// that JavaScript makes of them.
pub async fn get<C: Carrier>(
    access: &Access<'_, C>,
    get: &Get,
    is_serializable: bool,
    max_size: usize,
) -> Result<Reply, Stop> {
    let (layout, key) = (access.layout(), &get.key);
    let serializable = |range: RangeRequest| RangeRequest { serializable: is_serializable, ..range };
    let reads = Here::reads(layout, key, Some(PAGE)).into_iter().map(serializable);
    let mut outcome = access.transact(Transaction::reading(reads)).await?;
    let here = Here::read(layout, key, true, &mut outcome);
    let now = Timestamp::now();
    let body = if let Some(file) = &here.file {
        let mut listing = Listing::default();
        listing.push(0, file.node_at(key.clone(), now).borrow());
        listing.finish()
    } else if let Some(directory) = &here.directory {
        let node = directory.node_at(key.clone(), now);
        let revision = outcome.header.revision;
        let rest = |range| RangeRequest { revision, ..serializable(range) };
        let keys = keys(access, get, here, rest, max_size).await?;
        let body = list(layout, &node, &keys, get.recursive, now);
        let most = values::limit(max_size);
        if values::exceed(&body, most) {
            return Err(Stop::Failed(fault::too_many_values(most)));
        }
        body
    } else {
        return Err(why_missing(access, key, here.revision).await);
    };
    Ok(answer::of_keys(200, position(&outcome.header), body))
}

/// What lists a directory: page by page, all of them at the same revision.
async fn keys<C: Carrier>(
    access: &Access<'_, C>,
    get: &Get,
    here: Here,
    rest: impl Fn(RangeRequest) -> RangeRequest,
    max_size: usize,
) -> Result<Vec<KeyValue>, Stop> {
    let (layout, path) = (access.layout(), get.key.as_str());
    let Here { mut keys, has_more: mut more, .. } = here;
    let mut size = total_size(&keys);
    while let Some(last) = keys.last().filter(|_| more) {
        if size > max_size {
            return Err(Stop::Failed(fault::reply_too_large(max_size)));
        }
        let next = next_page(layout, path, &last.key, get.recursive);
        let found = access.call(&rest(page(next, layout.end(path), PAGE))).await?;
        more = found.more;
        size += total_size(&found.kvs);
        keys.extend(found.kvs);
    }
    if size > max_size { Err(Stop::Failed(fault::reply_too_large(max_size))) } else { Ok(keys) }
}

fn total_size(keys: &[KeyValue]) -> usize {
    keys.iter().map(|kv| kv.key.len() + kv.value.len()).sum()
}

/// 100 or 104; what was made since this revision is as if it had not been there yet. Who watches from the next one on is
/// told of it.
async fn why_missing<C: Carrier>(access: &Access<'_, C>, key: &Path, revision: u64) -> Stop {
    match access.survey(key).await {
        Ok(found) => access.missing(key, &found.above.at_revision(revision)).await,
        Err(stop) => stop,
    }
}
