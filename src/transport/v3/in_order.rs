//! `create` in order: a name that comes after all that were made in the same directory before.
//!
//! The name is the index after the last one that was seen. The directory's side key gives those who do this at once
//! turns: whoever was overtaken by another one takes a later name.

use crate::transport::v3::carrier::Carrier;
use crate::transport::v3::look::{Forbidden, Found};
use crate::transport::v3::markers;
use crate::transport::v3::messages::{Compare, RequestOp};
use crate::transport::v3::note::{Done, Note};
use crate::transport::v3::set::made;
use crate::transport::v3::store::{Access, Stop};
use crate::transport::v3::transaction::{Transaction, absent, put, unwritten_since};
use crate::transport::v3::written::Written;
use crate::v2::command::Content;
use crate::v2::event::Action;
use crate::v2::failure::{Kind, NodeError};
use crate::v2::path::Path;
use crate::wire::bounded::bounded;
use bytes::Bytes;
use std::time::Duration;
use tokio::time::sleep;

/// Each try fails because somebody else's succeeded.
const TRIES: u32 = 500;
/// Others are let go first, for a random time that grows up to this one.
const MAX_WAIT: Duration = Duration::from_millis(50);

/// # Errors
/// 104, when there is no answer, and when others are quicker again and again.
pub async fn create_in_order<C: Carrier>(
    access: &Access<'_, C>,
    directory: &Path,
    content: &Content,
    ttl: Option<u64>,
) -> Result<Written, Stop> {
    // Without one, as when those before wait for a member that is silent, it is a race.
    let _turn = bounded(access.store.turns.take(access.member, directory), access.options.timeout).await;
    for tried in 0..TRIES {
        if let Some(written) = try_next(access, directory, content, ttl).await? {
            return Ok(written);
        }
        let wait = MAX_WAIT.min(Duration::from_millis(u64::from(tried)));
        sleep(wait.mul_f64(fastrand::f64())).await;
    }
    let message =
        format!("Others wrote into the directory {directory} first, {TRIES} times: nothing was created");
    Err(Stop::Failed(NodeError::with_code(message, "ERR_TOO_MANY_WRITERS").failed(Kind::Other, false)))
}

/// Nothing if somebody else was quicker.
async fn try_next<C: Carrier>(
    access: &Access<'_, C>,
    directory: &Path,
    content: &Content,
    ttl: Option<u64>,
) -> Result<Option<Written>, Stop> {
    // The directories above a name do not depend on it.
    let found = access.survey(&directory.child("0")).await?;
    let index = access.store.seen.revision() + 1;
    let key = directory.child(&format!("{index:020}"));
    let life = access.live(ttl, found.above.enclosing.as_ref()).await?;
    let note = life.noted(Note::of(Done::Create));
    let make = |forbidden: &Forbidden| {
        let compare = compares(access, directory, &key, index, &found, forbidden);
        let mut operations = markers::missing(access.layout(), &found.above, forbidden);
        let shared = found.above.enclosing.as_ref().map_or(0, |enclosing| enclosing.lease);
        operations.push(put(access.layout().side(directory.as_str()), Note::of(Done::Post).write(), shared));
        operations.extend(node(access, &key, content, &note, life.lease));
        Transaction::when(compare, operations)
    };
    let (_, outcome) = access.transact_below(&key, make).await?;
    if !outcome.succeeded {
        if life.is_own {
            access.revoke_later(life.lease);
        }
        return Ok(None);
    }
    if ttl == Some(0) && life.is_own {
        access.revoke_later(life.lease);
    }
    let value = match content {
        Content::File(value) => Some(value.as_ref()),
        Content::Directory => None,
    };
    let node = made(&key, value, Some(&note), outcome.revision());
    Ok(Some(Written::new(Action::Create, node, None, &outcome.header)))
}

fn compares<C: Carrier>(
    access: &Access<'_, C>,
    directory: &Path,
    key: &Path,
    index: u64,
    found: &Found,
    forbidden: &Forbidden,
) -> Vec<Compare> {
    let layout = access.layout();
    let mut compares = found.above.compares(layout, forbidden);
    compares.push(absent(layout.file(key.as_str())));
    compares.push(absent(layout.marker(key.as_str())));
    compares.push(unwritten_since(layout.side(directory.as_str()), index));
    compares
}

fn node<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    content: &Content,
    note: &Note,
    lease: i64,
) -> Vec<RequestOp> {
    let (layout, path) = (access.layout(), key.as_str());
    match content {
        Content::File(value) => vec![
            put(layout.file(path), Bytes::copy_from_slice(value.as_bytes()), lease),
            put(layout.side(path), note.write(), lease),
        ],
        Content::Directory => vec![put(layout.marker(path), note.write(), lease)],
    }
}
