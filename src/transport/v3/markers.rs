//! The markers of directories that a write makes on its way.

use crate::transport::v3::layout::Layout;
use crate::transport::v3::look::{Above, Enclosing, Forbidden};
use crate::transport::v3::messages::RequestOp;
use crate::transport::v3::note::{Done, Note};
use crate::transport::v3::transaction::put;

/// Of the directories above a path that have none. They end with the one that they are in.
#[must_use]
pub fn missing(layout: &Layout, above: &Above, forbidden: &Forbidden) -> Vec<RequestOp> {
    let enclosing = above.enclosing.as_ref();
    let lease = enclosing.map_or(0, |enclosing| enclosing.lease);
    let note = Note { bound: enclosing.and_then(Enclosing::ends), ..Note::of(Done::Implied) };
    let markers = above.unmarked.iter().map(|path| layout.marker(path));
    markers.filter(|key| !forbidden.contains(key)).map(|key| put(key, note.write(), lease)).collect()
}
