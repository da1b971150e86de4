//! `delete` and `compareAndDelete`: a file ends, or a directory with all that is in it.
//!
//! Those who watch have to tell the end of a node with a lease from its expiration, and a `compareAndDelete` from a `delete`.
//! Where v3's events alone do not say it, the side key does for a moment.

use crate::transport::v3::carrier::Carrier;
use crate::transport::v3::layout::{Layout, Place, after};
use crate::transport::v3::look::{EVIDENCE, Here};
use crate::transport::v3::messages::{Compare, KeyValue, RangeRequest};
use crate::transport::v3::node::{Directory, File};
use crate::transport::v3::note::{Done, Note};
use crate::transport::v3::store::{Access, Stop};
use crate::transport::v3::transaction::{
    Outcome, Transaction, absent, delete, delete_between, leased, none_between, page, present, put,
    unchanged, unwritten_since,
};
use crate::transport::v3::update::check;
use crate::transport::v3::written::Written;
use crate::v2::command::Condition;
use crate::v2::error::{Code, Error};
use crate::v2::event::Action;
use crate::v2::path::Path;
use crate::v2::time::Timestamp;

/// What may be removed besides a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    File,
    EmptyDirectory,
    Tree,
}

/// # Errors
/// What v2 refuses, and when there is no answer.
pub async fn remove<C: Carrier>(access: &Access<'_, C>, key: &Path, extent: Extent) -> Result<Written, Stop> {
    if key.is_root() {
        return Err(access.error_at_root(Code::RootReadOnly, "/").await);
    }
    let mut outcome = access.transact(plain_transaction(access.layout(), key)).await?;
    if outcome.succeeded {
        return Ok(removed_plainly(key, &mut outcome));
    }
    let mut here = Here::read(access.layout(), key, false, &mut outcome);
    loop {
        if !here.is_there() {
            here = access.look(key).await?;
        }
        let written = match (&here.file, &here.directory) {
            (Some(file), _) => remove_file(access, key, file, Done::Delete).await?,
            (None, Some(directory)) if extent != Extent::File => {
                remove_directory(access, key, directory, extent).await?
            }
            _ => return Err(Error::new(Code::NotAFile, key.as_str(), here.revision).into()),
        };
        if let Some(written) = written {
            return Ok(written);
        }
        here = access.look(key).await?;
    }
}

/// # Errors
/// What v2 refuses, and when there is no answer.
pub async fn compare_and_delete<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    condition: &Condition,
) -> Result<Written, Stop> {
    if key.is_root() {
        return Err(access.error_at_root(Code::NotAFile, "").await);
    }
    loop {
        let here = access.look(key).await?;
        let Some(file) = &here.file else {
            return Err(Error::new(Code::NotAFile, key.as_str(), here.revision).into());
        };
        check(condition, file, here.revision)?;
        if let Some(written) = remove_file(access, key, file, Done::CompareAndDelete).await? {
            return Ok(written);
        }
    }
}

/// A file without a lease, or else what is there.
fn plain_transaction(layout: &Layout, key: &Path) -> Transaction {
    let (file, side) = (layout.file(key.as_str()), layout.side(key.as_str()));
    Transaction::when(vec![present(file.clone()), leased(file.clone(), 0)], vec![delete(file), delete(side)])
        .or_read(Here::reads(layout, key, None))
}

fn removed_plainly(key: &Path, outcome: &mut Outcome) -> Written {
    let (kv, side) = (outcome.replaced().unwrap_or_default(), outcome.replaced());
    Written::removal(Action::Delete, key, &File::new(kv, side.as_ref()), &outcome.header)
}

/// Nothing if the file has changed meanwhile.
async fn remove_file<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    file: &File,
    done: Done,
) -> Result<Option<Written>, Stop> {
    let (layout, path) = (access.layout(), key.as_str());
    // Without a lease a deletion that is nothing more says so by itself.
    let is_noted = done != Done::Delete || file.kv.lease != 0;
    let side = if is_noted {
        let note = Note { created: Some(file.created_index()), ..Note::of(done) };
        put(layout.side(path), note.write(), file.kv.lease)
    } else {
        delete(layout.side(path))
    };
    let compare = vec![unchanged(layout.file(path), file.revision())];
    let transaction = Transaction::when(compare, vec![delete(layout.file(path)), side]);
    let outcome = access.transact(transaction).await?;
    if !outcome.succeeded {
        return Ok(None);
    }
    match file.own_lease() {
        // Takes the side key along.
        Some(lease) => access.revoke_later(lease),
        None if is_noted => forget_note(access, key, outcome.revision()),
        None => {}
    }
    let action = if done == Done::Delete { Action::Delete } else { Action::CompareAndDelete };
    Ok(Some(Written::removal(action, key, file, &outcome.header)))
}

/// Nothing if the directory has changed meanwhile.
async fn remove_directory<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    directory: &Directory,
    extent: Extent,
) -> Result<Option<Written>, Stop> {
    let layout = access.layout();
    let empty = if extent == Extent::EmptyDirectory { empty(layout, key) } else { Vec::new() };
    let mut outcome = access.transact(removal(layout, key, directory, empty)).await?;
    if !outcome.succeeded && extent == Extent::EmptyDirectory {
        if !is_same_and_empty(layout, key, directory, &mut outcome)? {
            return Ok(None);
        }
        // But for side keys of what was removed just now.
        let unwritten = unwritten_since(after(&layout.marker(key.as_str())), outcome.revision() + 1);
        let nothing_new = Compare { range_end: layout.end(key.as_str()), ..unwritten };
        outcome = access.transact(removal(layout, key, directory, vec![nothing_new])).await?;
    }
    if !outcome.succeeded {
        return Ok(None);
    }
    if is_noted(directory) {
        match directory.own_lease() {
            Some(lease) => access.revoke_later(lease),
            None => forget_note(access, key, outcome.revision()),
        }
    }
    let node = directory.removed(key.clone(), outcome.revision());
    let prev_node = directory.node_at(key.clone(), Timestamp::now());
    Ok(Some(Written::new(Action::Delete, node, Some(prev_node), &outcome.header)))
}

/// Whether the side key has to say that a directory was removed.
const fn is_noted(directory: &Directory) -> bool {
    directory.lease != 0 || directory.marker.is_none()
}

/// Nothing is in a directory, but for the two keys that are its own.
fn empty(layout: &Layout, key: &Path) -> Vec<Compare> {
    let path = key.as_str();
    let side = layout.side(path);
    vec![
        none_between(after(&layout.marker(path)), side.clone()),
        none_between(after(&side), layout.end(path)),
    ]
}

/// Looks at what has kept a directory from being removed: whether it has changed.
///
/// # Errors
/// 108 when something is in it.
fn is_same_and_empty(
    layout: &Layout,
    key: &Path,
    directory: &Directory,
    outcome: &mut Outcome,
) -> Result<bool, Error> {
    let (keys, has_more) = outcome.page();
    let marker = layout.marker(key.as_str());
    let found = keys.iter().find(|kv| kv.key == marker).map(Directory::marked);
    if found.and_then(|found| found.marker) != directory.marker {
        return Ok(false);
    }
    let is_content =
        |kv: &KeyValue| kv.key != marker && !matches!(layout.place(&kv.key), Some(Place::Side(_)));
    if has_more || keys.iter().any(is_content) {
        return Err(Error::new(Code::DirectoryNotEmpty, key.as_str(), outcome.revision()));
    }
    Ok(true)
}

/// The removal of a directory, and what it rests on.
fn removal(layout: &Layout, key: &Path, directory: &Directory, also: Vec<Compare>) -> Transaction {
    let path = key.as_str();
    let (marker, side, end) = (layout.marker(path), layout.side(path), layout.end(path));
    let mut compare = also;
    match directory.marker {
        Some(revision) => compare.push(unchanged(marker.clone(), revision)),
        None => compare.extend([absent(marker.clone()), absent(layout.file(path))]),
    }
    let look = page(marker.clone(), end.clone(), EVIDENCE);
    let operations = if is_noted(directory) {
        let was_directory = directory.marker.is_none();
        let note = Note { was_directory, created: Some(directory.created), ..Note::of(Done::Delete) };
        vec![
            delete_between(marker, side.clone()),
            put(side.clone(), note.write(), directory.lease),
            delete_between(after(&side), end),
        ]
    } else {
        vec![delete_between(marker, end)]
    };
    Transaction::when(compare, operations).or_read([RangeRequest { keys_only: true, ..look }])
}

/// Removes what a side key has said of a removal, once those who watch know it.
fn forget_note<C: Carrier>(access: &Access<'_, C>, key: &Path, revision: u64) {
    let side = access.layout().side(key.as_str());
    access.tidy_later(Transaction::when(vec![unchanged(side.clone(), revision)], vec![delete(side)]));
}
