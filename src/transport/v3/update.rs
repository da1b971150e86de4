//! `update` and `compareAndSwap`: a file that is there gets another value.

use crate::transport::v3::carrier::Carrier;
use crate::transport::v3::directory_ttl;
use crate::transport::v3::look::{Above, Found};
use crate::transport::v3::node::File;
use crate::transport::v3::note::{Done, Note};
use crate::transport::v3::store::{Access, Stop};
use crate::transport::v3::transaction::{Transaction, put, unchanged};
use crate::transport::v3::written::Written;
use crate::v2::command::{Condition, Lifetime};
use crate::v2::error::{Code, Error};
use crate::v2::event::{Action, Node};
use crate::v2::path::Path;
use crate::v2::time::Timestamp;
use bytes::Bytes;

/// What is to become of a file, under a condition or without one.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    pub condition: Option<&'a Condition>,
    pub value: &'a str,
    pub lifetime: Lifetime,
}

impl Update<'_> {
    const fn done(&self) -> Done {
        match self.condition {
            None => Done::Update,
            Some(_) => Done::CompareAndSwap,
        }
    }

    const fn note(&self) -> Done {
        if self.lifetime.refresh { Done::Refresh } else { self.done() }
    }

    const fn action(&self) -> Action {
        match self.condition {
            None => Action::Update,
            Some(_) => Action::CompareAndSwap,
        }
    }
}

/// # Errors
/// What v2 refuses, and when there is no answer.
pub async fn update<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    update: Update<'_>,
) -> Result<Written, Stop> {
    if key.is_root() {
        return Err(access.error_at_root(Code::RootReadOnly, "/").await);
    }
    loop {
        let found = find(access, key, &update).await?;
        let written = match &found.here.file {
            Some(file) => rewrite(access, key, &found, file, update).await?,
            None if update.condition.is_none() && update.value.is_empty() => {
                directory_ttl::change(access, key, update.lifetime).await?
            }
            None => return Err(Error::new(Code::NotAFile, key.as_str(), found.here.revision).into()),
        };
        if let Some(written) = written {
            return Ok(written);
        }
    }
}

/// Without a lease a file is in a directory without one, and then what is above does not matter.
async fn find<C: Carrier>(access: &Access<'_, C>, key: &Path, update: &Update<'_>) -> Result<Found, Stop> {
    let here = access.look(key).await?;
    match &here.file {
        Some(file) if file.kv.lease != 0 || update.lifetime.ttl.is_some() => {
            access.survey_existing(key).await
        }
        _ => Ok(Found { here, above: Above::default() }),
    }
}

/// Nothing if the file has changed meanwhile.
async fn rewrite<C: Carrier>(
    access: &Access<'_, C>,
    key: &Path,
    found: &Found,
    file: &File,
    update: Update<'_>,
) -> Result<Option<Written>, Stop> {
    if let Some(condition) = update.condition {
        check(condition, file, found.here.revision)?;
    }
    let value = match update.lifetime.refresh {
        true => file.kv.value.clone(),
        false => Bytes::copy_from_slice(update.value.as_bytes()),
    };
    let life = access.live(update.lifetime.ttl, found.above.enclosing.as_ref()).await?;
    let note = life.noted(Note { created: Some(file.created_index()), ..Note::of(update.note()) });
    let (layout, path) = (access.layout(), key.as_str());
    let transaction = Transaction::when(
        vec![unchanged(layout.file(path), file.revision())],
        vec![
            put(layout.file(path), value.clone(), life.lease),
            put(layout.side(path), note.write(), life.lease),
        ],
    );
    let outcome = access.transact(transaction).await?;
    if !outcome.succeeded {
        if life.is_own {
            access.revoke_later(life.lease);
        }
        return Ok(None);
    }
    if let Some(lease) = file.own_lease() {
        access.revoke_later(lease);
    }
    if update.lifetime.ttl == Some(0) && life.is_own {
        access.revoke_later(life.lease);
    }
    let node = Node {
        key: key.clone(),
        value: Some(String::from_utf8_lossy(&value).into()),
        dir: false,
        expiry: note.expiry_when_written(),
        modified_index: outcome.revision(),
        created_index: file.created_index(),
    };
    let prev_node = file.node_at(key.clone(), Timestamp::now());
    Ok(Some(Written::new(update.action(), node, Some(prev_node), &outcome.header)))
}

/// # Errors
/// 101 when a file does not fulfil a condition.
pub fn check(condition: &Condition, file: &File, revision: u64) -> Result<(), Error> {
    match condition.failure(&file.value(), file.modified_index()) {
        Some(cause) => Err(Error::new(Code::CompareFailed, cause, revision)),
        None => Ok(()),
    }
}
