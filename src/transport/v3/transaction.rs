//! Transactions put together from etcd's operations, and what comes of them.

use crate::transport::v3::messages::{
    Compare, CompareResult, CompareTarget, DeleteRangeRequest, KeyValue, PutRequest, RangeRequest, RequestOp,
    Response, ResponseHeader, ResponseOp, TargetUnion, TxnRequest, TxnResponse,
};
use bytes::Bytes;

/// What a key has to be like.
fn compare(key: Bytes, result: CompareResult, target: CompareTarget, union: TargetUnion) -> Compare {
    Compare {
        result: result.into(),
        target: target.into(),
        key,
        target_union: Some(union),
        range_end: Bytes::new(),
    }
}

/// There is no such key.
#[must_use]
pub fn absent(key: Bytes) -> Compare {
    compare(key, CompareResult::Equal, CompareTarget::Create, TargetUnion::CreateRevision(0))
}

/// There is no key from one on and before another.
#[must_use]
pub fn none_between(key: Bytes, range_end: Bytes) -> Compare {
    Compare { range_end, ..absent(key) }
}

/// There is such a key.
#[must_use]
pub fn present(key: Bytes) -> Compare {
    compare(key, CompareResult::Greater, CompareTarget::Create, TargetUnion::CreateRevision(0))
}

/// The key is as it was when this revision wrote it.
#[must_use]
pub fn unchanged(key: Bytes, revision: u64) -> Compare {
    compare(key, CompareResult::Equal, CompareTarget::Mod, TargetUnion::ModRevision(signed(revision)))
}

/// The key was not written in this revision or later.
#[must_use]
pub fn unwritten_since(key: Bytes, revision: u64) -> Compare {
    compare(key, CompareResult::Less, CompareTarget::Mod, TargetUnion::ModRevision(signed(revision)))
}

/// The key has this lease, 0 for none.
#[must_use]
pub fn leased(key: Bytes, lease: i64) -> Compare {
    compare(key, CompareResult::Equal, CompareTarget::Lease, TargetUnion::Lease(lease))
}

/// Reads a key.
#[must_use]
pub fn range(key: Bytes) -> RangeRequest {
    RangeRequest { key, ..RangeRequest::default() }
}

/// Reads so many keys from one on and before another.
#[must_use]
pub fn page(key: Bytes, range_end: Bytes, limit: i64) -> RangeRequest {
    RangeRequest { key, range_end, limit, ..RangeRequest::default() }
}

/// Writes a key, with a lease or 0.
#[must_use]
pub fn put(key: Bytes, value: Bytes, lease: i64) -> RequestOp {
    PutRequest { key, value, lease, prev_kv: true, ..PutRequest::default() }.into()
}

/// Gives a key another lease, and changes nothing else.
#[must_use]
pub fn release(key: Bytes, lease: i64) -> RequestOp {
    PutRequest { key, lease, ignore_value: true, ..PutRequest::default() }.into()
}

/// Removes a key.
#[must_use]
pub fn delete(key: Bytes) -> RequestOp {
    DeleteRangeRequest { key, prev_kv: true, ..DeleteRangeRequest::default() }.into()
}

/// Removes all keys from one on and before another.
#[must_use]
pub fn delete_between(key: Bytes, range_end: Bytes) -> RequestOp {
    DeleteRangeRequest { key, range_end, prev_kv: false }.into()
}

/// A transaction in the making.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    pub compare: Vec<Compare>,
    pub success: Vec<RequestOp>,
    pub failure: Vec<RequestOp>,
}

impl Transaction {
    /// One that only reads.
    #[must_use]
    pub fn reading(reads: impl IntoIterator<Item = RangeRequest>) -> Self {
        Self { success: reads.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// One that does things if all is as it should be.
    #[must_use]
    pub const fn when(compare: Vec<Compare>, success: Vec<RequestOp>) -> Self {
        Self { compare, success, failure: Vec::new() }
    }

    /// The same which reads if it is not.
    #[must_use]
    pub fn or_read(self, reads: impl IntoIterator<Item = RangeRequest>) -> Self {
        Self { failure: reads.into_iter().map(Into::into).collect(), ..self }
    }
}

impl From<Transaction> for TxnRequest {
    fn from(Transaction { compare, success, failure }: Transaction) -> Self {
        Self { compare, success, failure }
    }
}

/// What came of a transaction. What the operations gave is taken in their order.
#[derive(Debug)]
pub struct Outcome {
    pub header: ResponseHeader,
    pub succeeded: bool,
    responses: std::vec::IntoIter<ResponseOp>,
}

impl From<TxnResponse> for Outcome {
    fn from(TxnResponse { header, succeeded, responses }: TxnResponse) -> Self {
        Self { header: header.unwrap_or_default(), succeeded, responses: responses.into_iter() }
    }
}

impl Outcome {
    /// The store's revision, which is the transaction's own if it has changed something.
    #[must_use]
    pub fn revision(&self) -> u64 {
        unsigned(self.header.revision)
    }

    /// What the next operation, which reads, has found, and whether there is more.
    pub fn page(&mut self) -> (Vec<KeyValue>, bool) {
        match self.responses.next().and_then(|operation| operation.response) {
            Some(Response::ResponseRange(range)) => (range.kvs, range.more),
            _ => (Vec::new(), false),
        }
    }

    /// What the next operation, which reads a key, has found.
    pub fn read(&mut self) -> Option<KeyValue> {
        self.page().0.pop()
    }

    /// What was there before the next operation, which puts or deletes a key.
    pub fn replaced(&mut self) -> Option<KeyValue> {
        match self.responses.next()?.response? {
            Response::ResponsePut(put) => put.prev_kv,
            Response::ResponseDeleteRange(mut delete) => delete.prev_kvs.pop(),
            Response::ResponseRange(_) => None,
        }
    }
}

/// A revision as v2 counts. None is negative.
#[must_use]
pub fn unsigned(revision: i64) -> u64 {
    revision.try_into().unwrap_or_default()
}

/// An index as v3 counts; one beyond its numbers is beyond all that there will be.
#[must_use]
pub fn signed(index: u64) -> i64 {
    index.try_into().unwrap_or(i64::MAX)
}
