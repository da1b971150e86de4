//! A watch of v2 over one of v3, which loses nothing by itself.

use crate::transport::v3::carrier::{Carrier, Told};
use crate::transport::v3::event::{Revision, directory_removed};
use crate::transport::v3::layout::after;
use crate::transport::v3::look::Above;
use crate::transport::v3::messages::{self, RangeRequest, WatchCreateRequest};
use crate::transport::v3::node::Directory;
use crate::transport::v3::note::Note;
use crate::transport::v3::session::Watching;
use crate::transport::v3::store::{Access, Stop};
use crate::transport::v3::transaction::{Transaction, range, signed, unsigned};
use crate::v2::error::{Code, Error};
use crate::v2::event::Event;
use crate::v2::path::{Path, last_hidden};
use crate::v2::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// So many directories are asked for in one transaction, with three keys each.
const ABOVE_AT_ONCE: usize = 40;

/// What is watched.
#[derive(Debug, Clone)]
pub struct Scope {
    pub path: Path,
    pub is_recursive: bool,
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    Change(Event),
    /// All before this index was told.
    Progress(u64),
}

/// A registered watch.
pub struct Follower<'a, C: Carrier> {
    access: Access<'a, C>,
    scope: Scope,
    watching: Watching<C::Watched>,
    since: Option<u64>,
    /// Whether it is known that the path has a marker: then its removal is seen, whoever does it.
    is_marked: bool,
    ready: VecDeque<Step>,
}

impl<'a, C: Carrier> Follower<'a, C> {
    /// # Errors
    /// When the member does not keep the watch.
    pub async fn register(
        access: Access<'a, C>,
        scope: Scope,
        since: Option<u64>,
        liveness: Duration,
    ) -> Result<Self, Stop> {
        if access.store.seen.cluster() == 0 {
            // Events do not say whose they are, but replies do.
            access.transact(Transaction::default()).await?;
        }
        let (layout, path) = (access.layout(), scope.path.as_str());
        let create = WatchCreateRequest {
            key: if scope.path.is_root() { layout.marker(path) } else { layout.file(path) },
            // What is in a directory matters to those alone who watch that as well.
            range_end: if scope.is_recursive { layout.end(path) } else { after(&layout.side(path)) },
            start_revision: since.map_or(0, signed),
            prev_kv: true,
            ..WatchCreateRequest::default()
        };
        let session = &access.store.session;
        let watching = session.watch(access.member, create, access.options, liveness).await?;
        Ok(Self { access, scope, watching, since, is_marked: false, ready: VecDeque::new() })
    }

    /// The store's index when the watch was registered.
    #[must_use]
    pub fn registered(&self) -> u64 {
        unsigned(self.watching.registered())
    }

    /// # Errors
    /// 401 when what was asked for is no longer known, and when the member failed.
    pub async fn next(&mut self) -> Result<Step, Stop> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(step);
            }
            match self.watching.next().await? {
                Told::Events { events, .. } => self.take(&events).await?,
                Told::Progress { revision } => return Ok(Step::Progress(unsigned(revision) + 1)),
                Told::Compacted { compact_revision, revision } => {
                    let asked = self.since.unwrap_or_default();
                    let cause =
                        format!("the requested history has been cleared [{compact_revision}/{asked}]");
                    return Err(Error::new(Code::IndexCleared, cause, unsigned(revision)).into());
                }
            }
        }
    }

    /// Takes whole revisions, each of them once.
    async fn take(&mut self, events: &[messages::Event]) -> Result<(), Stop> {
        let revision_of = |event: &messages::Event| event.kv.as_ref().map_or(0, |kv| kv.mod_revision);
        for events in events.chunk_by(|one, other| revision_of(one) == revision_of(other)) {
            let (told, number) = {
                let layout = &self.access.store.layout;
                let revision = Revision::new(layout, events, Timestamp::now());
                if self.since.is_some_and(|since| revision.number() < since) {
                    continue;
                }
                (self.concerned(&revision), revision.number())
            };
            let told = match told {
                Concerned::Events(events) => events,
                Concerned::PerhapsAbove(events) => match self.removed_above(number).await? {
                    Some(event) => vec![event],
                    None => events,
                },
            };
            if told.is_empty() {
                self.ready.push_back(Step::Progress(number + 1));
            }
            self.since = Some(number + 1);
            self.ready.extend(told.into_iter().map(Step::Change));
        }
        Ok(())
    }

    /// What of a revision those who watch are told.
    fn concerned(&mut self, revision: &Revision<'_>) -> Concerned {
        let path = self.scope.path.as_str();
        let was_marked = self.is_marked;
        if let Some(is_marked) = revision.marker(path) {
            self.is_marked = is_marked;
        }
        let events = revision.events();
        let is_gone_below = |event: &Event| event.node.key.below(path).is_some() && is_removal(event);
        let may_be_above = revision.may_be_removed_above(path)
            || (!was_marked
                && !self.is_marked
                && self.scope.is_recursive
                && events.iter().any(is_gone_below));
        let is_top = Above::directories(&self.scope.path).next().is_none();
        let told = events.into_iter().filter(|event| self.scope.is_told(event)).collect();
        if may_be_above && !is_top { Concerned::PerhapsAbove(told) } else { Concerned::Events(told) }
    }

    /// The topmost directory above the path that a revision removed, if it did. What there is no right to read, or what is
    /// forgotten already, was not.
    async fn removed_above(&mut self, revision: u64) -> Result<Option<Event>, Stop> {
        let layout = &self.access.store.layout;
        let at = |range: RangeRequest, revision: u64| RangeRequest { revision: signed(revision), ..range };
        let path = self.scope.path.as_str();
        let above: Vec<&str> = Above::directories(&self.scope.path).collect();
        for some in above.chunks(ABOVE_AT_ONCE) {
            let mut reads = vec![at(range(layout.marker(path)), revision)];
            for directory in some {
                reads.push(at(range(layout.marker(directory)), revision));
                reads.push(at(range(layout.marker(directory)), revision.saturating_sub(1)));
                reads.push(at(range(layout.side(directory)), revision));
            }
            let mut found = match self.access.transact(Transaction::reading(reads)).await {
                Err(Stop::Denied(_) | Stop::Refused(_)) => return Ok(None),
                found => found?,
            };
            self.is_marked |= found.read().is_some();
            for directory in some {
                let (is_there, before, side) = (found.read().is_some(), found.read(), found.read());
                let said = side.filter(|side| unsigned(side.mod_revision) == revision);
                let said = said.map(|side| Note::read(&side.value));
                let was_unmarked = said.as_ref().is_some_and(|note| note.was_directory);
                if is_there || !(before.is_some() || was_unmarked) {
                    continue;
                }
                let created = said.as_ref().and_then(|note| note.created).unwrap_or_default();
                let gone = before
                    .as_ref()
                    .map_or_else(|| Directory { created, ..Directory::default() }, Directory::marked);
                let key = Path::clean(directory);
                let event = directory_removed(&gone, said.as_ref(), key, revision, Timestamp::now());
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}

/// What a watch may be told of a revision.
enum Concerned {
    Events(Vec<Event>),
    /// These, unless a directory above was removed: then that.
    PerhapsAbove(Vec<Event>),
}

impl Scope {
    /// Whether who watches is told of it: hidden nodes are not told to those who watch above them.
    fn is_told(&self, event: &Event) -> bool {
        let (key, path) = (&event.node.key, self.path.as_str());
        if *key == self.path {
            return true;
        }
        let is_hidden = last_hidden(key.as_str()).is_some_and(|at| at >= path.len());
        self.is_recursive && key.below(path).is_some() && !is_hidden
    }
}

fn is_removal(event: &Event) -> bool {
    use crate::v2::event::Action;
    matches!(event.action, Action::Delete | Action::Expire)
}
