//! What a write gave.

use crate::transport::v3::messages::ResponseHeader;
use crate::transport::v3::node::File;
use crate::transport::v3::seen::position;
use crate::v2::answer;
use crate::v2::event::{Action, Event, Node};
use crate::v2::path::Path;
use crate::v2::render;
use crate::v2::reply::Reply;
use crate::v2::time::Timestamp;

/// A write that took place: the change that it made, and the header of the transaction that made it.
#[derive(Debug)]
pub struct Written {
    pub event: Event,
    pub header: ResponseHeader,
}

impl Written {
    #[must_use]
    pub fn new(action: Action, node: Node, prev_node: Option<Node>, header: &ResponseHeader) -> Self {
        Self { event: Event { action, node, prev_node }, header: header.clone() }
    }

    /// A file that was removed.
    #[must_use]
    pub fn removal(action: Action, key: &Path, file: &File, header: &ResponseHeader) -> Self {
        let revision = position(header).index;
        let prev_node = file.node_at(key.clone(), Timestamp::now());
        Self::new(action, file.removed(key.clone(), revision), Some(prev_node), header)
    }

    #[must_use]
    pub fn reply(&self, no_value: bool) -> Reply {
        let render = if no_value { render::event_without_value } else { render::event };
        answer::of_keys(self.event.status(), position(&self.header), render(&self.event))
    }
}
