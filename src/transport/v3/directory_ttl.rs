//! An `update` of a directory, which can only be about its TTL.
//!
//! A lease cannot be given another TTL, so that all that hangs on a directory's lease is put on another one, within one
//! transaction. Its nodes are as they were: the side keys keep their indexes.

use crate::transport::v3::carrier::Carrier;
use crate::transport::v3::layout::{Layout, Place, after, sort_key};
use crate::transport::v3::lifetime::Life;
use crate::transport::v3::look::Enclosing;
use crate::transport::v3::messages::{Compare, KeyValue, RequestOp};
use crate::transport::v3::node::{Directory, File};
use crate::transport::v3::note::{self, Done, Note};
use crate::transport::v3::store::{Access, Stop};
use crate::transport::v3::transaction::{
    Outcome, Transaction, absent, page, put, release, unchanged, unsigned, unwritten_since,
};
use crate::transport::v3::written::Written;
use crate::v2::command::Lifetime;
use crate::v2::error::{Code, Error};
use crate::v2::event::{Action, Node};
use crate::v2::path::Path;
use crate::v2::time::Timestamp;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};

/// How many operations etcd takes in one transaction (etcd: `embed/config.go`, DefaultMaxTxnOps).
const MAX_OPERATIONS: usize = 128;
/// Of more keys, with their side keys, too many would have to be moved.
const MAX_KEYS: i64 = 512;

/// Nothing if the directory, or something in it, has changed meanwhile.
///
/// # Errors
/// 300 when too much is in the directory; 100 and 104; when there is no answer.
pub async fn change<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    lifetime: Lifetime,
) -> Result<Option<Written>, Stop> {
    let found = access.survey_existing(key).await?;
    let Some(directory) = &found.here.directory else { return Ok(None) };
    let enclosing = found.above.enclosing.as_ref();
    let life = access.live(lifetime.ttl, enclosing).await?;
    let done = if lifetime.refresh { Done::Refresh } else { Done::Update };
    let note = Note { bound: enclosing.and_then(Enclosing::ends), ..life.noted(Note::of(done)) };
    let mut leases = life.is_own.then_some(life.lease).into_iter().collect();
    let changed = move_to(access, key, directory, (life, &note), &mut leases).await;
    let outcome = match changed {
        Ok(Some(outcome)) => outcome,
        // Nobody uses them.
        Ok(None) | Err(Stop::Error(_)) => {
            leases.into_iter().for_each(|lease| access.revoke_later(lease));
            return changed.map(|_| None);
        }
        Err(stop) => return Err(stop),
    };
    if let Some(lease) = directory.own_lease() {
        access.revoke_later(lease);
    }
    if lifetime.ttl == Some(0) && life.is_own {
        access.revoke_later(life.lease);
    }
    let node = directory.node(key.clone(), note.expiry_when_written());
    let node = Node { modified_index: outcome.revision(), ..node };
    let prev_node = directory.node_at(key.clone(), Timestamp::now());
    Ok(Some(Written::new(Action::Update, node, Some(prev_node), &outcome.header)))
}

/// Gives a directory another life. `leases` gets those that were granted for what is in it.
async fn move_to<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    directory: &Directory,
    (life, note): (Life, &Note),
    leases: &mut Vec<i64>,
) -> Result<Option<Outcome>, Stop> {
    let layout = access.layout();
    let (marker, end) = (layout.marker(key.as_str()), layout.end(key.as_str()));
    let first = after(&marker);
    let reads = [page(first.clone(), end.clone(), MAX_KEYS)];
    let mut read = access.transact(Transaction::reading(reads)).await?;
    let revision = read.revision();
    let (keys, has_more) = read.page();
    let top = Level {
        path: key.as_str(),
        before: directory.lease,
        to: Target::Lease(life.lease),
        ends: note.ends(),
    };
    let Plan { moves, grants } = Plan::new(layout, &keys, top);
    if has_more || moves.iter().map(Move::count).sum::<usize>() + 2 > MAX_OPERATIONS {
        let cause = format!(
            "the TTL of the directory {key} cannot be changed: too much is in it for one transaction of etcd v3"
        );
        return Err(Error::new(Code::RaftInternal, cause, revision).into());
    }
    let mut granted = Vec::with_capacity(grants.len());
    for expires in grants {
        let left = expires.saturating_sub(note::now()).max(0).unsigned_abs().div_ceil(1000);
        let lease = access.live(Some(left), None).await?.lease;
        granted.push(lease);
        leases.push(lease);
    }
    let mut compare = vec![match directory.marker {
        Some(revision) => unchanged(marker.clone(), revision),
        None => absent(marker.clone()),
    }];
    compare.push(Compare { range_end: end, ..unwritten_since(first, revision + 1) });
    compare.extend(moves.iter().map(Move::compare));
    let mut success = vec![put(marker, note.write(), life.lease)];
    success.extend(moves.iter().flat_map(|one| one.operations(layout, &granted)));
    let outcome = access.transact(Transaction::when(compare, success)).await?;
    Ok(outcome.succeeded.then_some(outcome))
}

/// The lease that a key is put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Lease(i64),
    /// One that is to be granted, by its place among these.
    Granted(usize),
}

/// A key in the directory that gets another lease.
#[derive(Debug)]
struct Move<'k> {
    place: Place<'k>,
    kv: &'k KeyValue,
    note: Note,
    to: Target,
}

impl Move<'_> {
    fn compare(&self) -> Compare {
        unchanged(self.kv.key.clone(), unsigned(self.kv.mod_revision))
    }

    const fn count(&self) -> usize {
        if matches!(self.place, Place::File(_)) { 2 } else { 1 }
    }

    fn operations(&self, layout: &Layout, granted: &[i64]) -> Vec<RequestOp> {
        let lease = match self.to {
            Target::Lease(lease) => lease,
            Target::Granted(place) => granted.get(place).copied().unwrap_or_default(),
        };
        let key = self.kv.key.clone();
        match self.place {
            Place::File(path) => {
                vec![release(key, lease), put(layout.side(path), self.note.write(), lease)]
            }
            Place::Marker(_) => vec![put(key, self.note.write(), lease)],
            Place::Side(_) => vec![release(key, lease)],
        }
    }
}

/// A directory on the way, with the lease that it had and the one that it gets, and when it then ends.
struct Level<'k> {
    path: &'k str,
    before: i64,
    to: Target,
    ends: Option<i64>,
}

/// What hangs on the lease of a directory, or on that of one in it, and on which it is to hang.
#[derive(Debug, Default)]
struct Plan<'k> {
    moves: Vec<Move<'k>>,
    /// When the leases end that are to be granted.
    grants: Vec<i64>,
}

impl<'k> Plan<'k> {
    fn new(layout: &Layout, keys: &'k [KeyValue], top: Level<'k>) -> Self {
        let by_key: HashMap<&Bytes, &KeyValue> = keys.iter().map(|kv| (&kv.key, kv)).collect();
        let mut plan = Self::default();
        let mut levels = vec![top];
        for (path, place, kv) in in_order(layout, keys) {
            let is_side = matches!(place, Place::Side(_));
            if is_side && by_key.contains_key(&layout.file(path)) {
                // The side key of a file goes with it.
                continue;
            }
            let is_in = |level: &Level<'_>| {
                let rest = path.strip_prefix(level.path);
                rest.is_some_and(|rest| rest.starts_with('/') || (is_side && rest.is_empty()))
            };
            while levels.len() > 1 && !levels.last().is_some_and(is_in) {
                levels.pop();
            }
            let Some(level) = levels.last() else { continue };
            let side = by_key.get(&layout.side(path)).copied();
            let next = plan.add(level, (path, place, kv), side);
            if matches!(place, Place::Marker(_)) {
                levels.push(next);
            }
        }
        plan
    }

    /// Adds a key of a directory, and says what it is to the keys in it if it is a marker.
    fn add(
        &mut self,
        level: &Level<'_>,
        (path, place, kv): (&'k str, Place<'k>, &'k KeyValue),
        side: Option<&KeyValue>,
    ) -> Level<'k> {
        let file = File::new(kv.clone(), side.filter(|_| matches!(place, Place::File(_))));
        let note = match place {
            Place::Marker(_) => Note { bound: level.ends, ..Note::read(&kv.value) },
            _ => file.note.clone(),
        };
        let ends = note.ends();
        let is_foreign = kv.lease != level.before && kv.lease != 0 && !note.owns_lease;
        let ends_before = note.expires.is_some_and(|own| level.ends.is_none_or(|ends| own < ends));
        let to = match (is_foreign || (ends_before && note.owns_lease), ends_before) {
            (true, _) => Target::Lease(kv.lease),
            (false, true) => {
                self.grants.extend(note.expires);
                Target::Granted(self.grants.len() - 1)
            }
            (false, false) => level.to,
        };
        if to != Target::Lease(kv.lease) {
            let note = Note { done: Some(Done::Refresh), owns_lease: ends_before, ..note };
            let note = match place {
                Place::File(_) => Note {
                    created: Some(file.created_index()),
                    modified: Some(file.modified_index()),
                    ..note
                },
                _ => note,
            };
            self.moves.push(Move { place, kv, note, to });
        }
        Level { path, before: kv.lease, to, ends }
    }
}

/// The keys in the order of their nodes: a directory before what is in it, and a node before its side key.
fn in_order<'k>(
    layout: &Layout,
    keys: &'k [KeyValue],
) -> impl Iterator<Item = (&'k str, Place<'k>, &'k KeyValue)> {
    let sorted: BTreeMap<_, _> = keys
        .iter()
        .filter_map(|kv| {
            let place = layout.place(&kv.key)?;
            let (Place::File(path) | Place::Marker(path) | Place::Side(path)) = place;
            let is_side = matches!(place, Place::Side(_));
            Some(((sort_key(path), is_side), (path, place, kv)))
        })
        .collect();
    sorted.into_values()
}

#[cfg(test)]
mod tests;
