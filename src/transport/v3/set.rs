//! `set` and `create`: a node comes to be, in place of a file or where nothing is.

use crate::transport::v3::carrier::Carrier;
use crate::transport::v3::lifetime::Life;
use crate::transport::v3::look::{Forbidden, Found};
use crate::transport::v3::messages::RequestOp;
use crate::transport::v3::node::File;
use crate::transport::v3::note::{Done, Note};
use crate::transport::v3::store::{Access, Stop};
use crate::transport::v3::transaction::{Transaction, absent, delete, leased, present, put};
use crate::transport::v3::written::Written;
use crate::v2::command::{Content, Lifetime};
use crate::v2::error::{Code, Error};
use crate::v2::event::{Action, Node};
use crate::v2::path::Path;
use crate::v2::time::Timestamp;
use bytes::Bytes;

/// Whether there may be a file already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Set,
    Create,
}

impl Mode {
    const fn action(self) -> Action {
        match self {
            Self::Set => Action::Set,
            Self::Create => Action::Create,
        }
    }
}

/// # Errors
/// What v2 refuses, and when there is no answer.
pub async fn set<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    content: &Content,
    lifetime: Lifetime,
    mode: Mode,
) -> Result<Written, Stop> {
    if key.is_root() {
        return Err(access.error_at_root(Code::RootReadOnly, "/").await);
    }
    loop {
        // Each time: what made the other way necessary, such as a missing directory, may be there by now.
        if let (Content::File(value), Lifetime { ttl: None, refresh: false }) = (content, lifetime)
            && let Some(written) = set_plainly(access, key, value, mode).await?
        {
            return Ok(written);
        }
        if let Some(written) = set_slowly(access, key, content, lifetime, mode).await? {
            return Ok(written);
        }
    }
}

/// The commonest write in one transaction: a file without a TTL, in a directory that is there and does not end. Nothing if
/// it is not so.
async fn set_plainly<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    value: &str,
    mode: Mode,
) -> Result<Option<Written>, Stop> {
    let transaction = plain_transaction(access, key, value, mode);
    let mut outcome = match access.transact(transaction).await {
        // Perhaps only to the marker of its directory; the other way knows what to do then.
        Err(Stop::Denied(_)) => return Ok(None),
        outcome => outcome?,
    };
    if !outcome.succeeded {
        return Ok(None);
    }
    let revision = outcome.revision();
    let (replaced, side) = (outcome.replaced(), outcome.replaced());
    let node = made(key, Some(value), None, revision);
    let file = replaced.filter(|_| mode == Mode::Set).map(|kv| File::new(kv, side.as_ref()));
    if let Some(lease) = file.as_ref().and_then(File::own_lease) {
        access.revoke_later(lease);
    }
    let prev_node = file.map(|file| file.node_at(key.clone(), Timestamp::now()));
    Ok(Some(Written::new(mode.action(), node, prev_node, &outcome.header)))
}

fn plain_transaction<C: Carrier>(access: &Access<'_, C>, key: &Path, value: &str, mode: Mode) -> Transaction {
    let (layout, path) = (access.layout(), key.as_str());
    let mut compare = vec![absent(layout.marker(path))];
    let parent = key.split().map_or("", |(parent, _)| parent);
    if !parent.is_empty() && !access.is_forbidden(parent) {
        let marker = layout.marker(parent);
        compare.extend([present(marker.clone()), leased(marker, 0)]);
    }
    let file = put(layout.file(path), Bytes::copy_from_slice(value.as_bytes()), 0);
    match mode {
        Mode::Set => Transaction::when(compare, vec![file, delete(layout.side(path))]),
        Mode::Create => {
            compare.push(absent(layout.file(path)));
            let side = put(layout.side(path), Note::of(Done::Create).write(), 0);
            Transaction::when(compare, vec![file, side])
        }
    }
}

/// Any other: what is there is read first. Nothing if it has changed meanwhile.
async fn set_slowly<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    content: &Content,
    lifetime: Lifetime,
    mode: Mode,
) -> Result<Option<Written>, Stop> {
    let found = match lifetime.refresh && mode == Mode::Set {
        true => access.survey_existing(key).await?,
        false => access.survey(key).await?,
    };
    check(&found, key, mode)?;
    let replaced = found.here.file.as_ref();
    let value = match (content, replaced) {
        (Content::Directory, _) => None,
        (Content::File(_), Some(file)) if lifetime.refresh => Some(file.kv.value.clone()),
        (Content::File(value), _) => Some(Bytes::copy_from_slice(value.as_bytes())),
    };
    let life = access.live(lifetime.ttl, found.above.enclosing.as_ref()).await?;
    let done = match mode {
        Mode::Create => Some(Done::Create),
        Mode::Set => lifetime.refresh.then_some(Done::Refresh),
    };
    let note = life.noted(Note { done, ..Note::default() });
    let make = |forbidden: &Forbidden| {
        let compare = found.compares(access.layout(), key, forbidden);
        Transaction::when(compare, operations(access, key, &found, value.as_ref(), (life, &note), forbidden))
    };
    let (_, outcome) = access.transact_below(key, make).await?;
    if !outcome.succeeded {
        if life.is_own {
            access.revoke_later(life.lease);
        }
        return Ok(None);
    }
    if let Some(lease) = replaced.and_then(File::own_lease) {
        access.revoke_later(lease);
    }
    if lifetime.ttl == Some(0) && life.is_own {
        access.revoke_later(life.lease);
    }
    let text = value.as_ref().map(|value| String::from_utf8_lossy(value));
    let node = made(key, text.as_deref(), Some(&note), outcome.revision());
    let prev_node = replaced.map(|file| file.node_at(key.clone(), Timestamp::now()));
    Ok(Some(Written::new(mode.action(), node, prev_node, &outcome.header)))
}

/// In etcd's order of checks (etcd: `v2store/store.go`, internalCreate).
fn check(found: &Found, key: &Path, mode: Mode) -> Result<(), Error> {
    let revision = found.here.revision;
    if mode == Mode::Create && found.here.is_there() {
        return Err(Error::new(Code::KeyExists, key.as_str(), revision));
    }
    if found.here.directory.is_some() {
        return Err(Error::new(Code::NotAFile, key.as_str(), revision));
    }
    Ok(())
}

/// The markers that are missing on the way, and the node.
fn operations<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    found: &Found,
    value: Option<&Bytes>,
    (life, note): (Life, &Note),
    forbidden: &Forbidden,
) -> Vec<RequestOp> {
    let (layout, path) = (access.layout(), key.as_str());
    let enclosing = found.above.enclosing.as_ref();
    let mut operations = super::markers::missing(layout, &found.above, forbidden);
    match value {
        Some(value) => {
            operations.push(put(layout.file(path), value.clone(), life.lease));
            operations.push(if note.says_nothing() {
                delete(layout.side(path))
            } else {
                put(layout.side(path), note.write(), life.lease)
            });
        }
        None => {
            let bound = enclosing.and_then(|enclosing| enclosing.ends());
            let note = Note { bound, ..note.clone() };
            operations.push(put(layout.marker(path), note.write(), life.lease));
            if found.here.file.is_some() {
                operations.extend([delete(layout.file(path)), delete(layout.side(path))]);
            }
        }
    }
    operations
}

/// A node as whoever made it is told.
pub fn made(key: &Path, value: Option<&str>, note: Option<&Note>, revision: u64) -> Node {
    Node {
        key: key.clone(),
        value: value.map(Into::into),
        dir: value.is_none(),
        expiry: note.and_then(Note::expiry_when_written),
        modified_index: revision,
        created_index: revision,
    }
}
