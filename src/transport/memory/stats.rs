//! What `/v2/stats/store` counts (etcd: `v2store/stats.go`).

use crate::v2::command::Change;
use crate::v2::error::{Code, Error};
use serde::Serialize;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub gets_success: u64,
    pub gets_fail: u64,
    pub sets_success: u64,
    pub sets_fail: u64,
    pub delete_success: u64,
    pub delete_fail: u64,
    pub update_success: u64,
    pub update_fail: u64,
    pub create_success: u64,
    pub create_fail: u64,
    pub compare_and_swap_success: u64,
    pub compare_and_swap_fail: u64,
    pub compare_and_delete_success: u64,
    pub compare_and_delete_fail: u64,
    pub expire_count: u64,
    pub watchers: u64,
}

impl Stats {
    pub const fn count_get(&mut self, found: bool) {
        let counter = if found { &mut self.gets_success } else { &mut self.gets_fail };
        *counter += 1;
    }

    pub fn count_change(&mut self, change: &Change, error: Option<&Error>) {
        let (success, fail) = match change {
            Change::Set { .. } => (&mut self.sets_success, &mut self.sets_fail),
            Change::Create { .. } | Change::CreateInOrder { .. } => {
                (&mut self.create_success, &mut self.create_fail)
            }
            Change::Update { .. } => (&mut self.update_success, &mut self.update_fail),
            Change::CompareAndSwap { .. } => {
                (&mut self.compare_and_swap_success, &mut self.compare_and_swap_fail)
            }
            Change::Delete { .. } => (&mut self.delete_success, &mut self.delete_fail),
            Change::CompareAndDelete { .. } => {
                (&mut self.compare_and_delete_success, &mut self.compare_and_delete_fail)
            }
        };
        let failed = error.filter(|error| !passes_for_success(change, error.code));
        *if failed.is_some() { fail } else { success } += 1;
        let is_create = matches!(change, Change::Create { .. } | Change::CreateInOrder { .. });
        if is_create && error.is_some_and(|error| error.code == Code::NotADirectory) {
            self.sets_fail += 1;
        }
    }
}

/// Errors that etcd counts as successes, and the failed create above that also counts as a set: who compares the
/// numbers with a server's finds the same ones.
const fn passes_for_success(change: &Change, code: Code) -> bool {
    match change {
        Change::Update { .. } => matches!(code, Code::RootReadOnly | Code::NotAFile),
        Change::CompareAndSwap { .. } | Change::Delete { .. } => matches!(code, Code::RootReadOnly),
        Change::CompareAndDelete { .. } => matches!(code, Code::NotAFile | Code::CompareFailed),
        Change::Set { .. } | Change::Create { .. } | Change::CreateInOrder { .. } => false,
    }
}
