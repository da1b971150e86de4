use super::*;

const BEFORE: i64 = 7;
const NEW: i64 = 8;

fn kv(key: &str, note: &str, lease: i64) -> KeyValue {
    KeyValue {
        key: Bytes::copy_from_slice(key.as_bytes()),
        value: Bytes::copy_from_slice(note.as_bytes()),
        create_revision: 4,
        mod_revision: 5,
        lease,
        ..KeyValue::default()
    }
}

/// What is moved in the directory `/d` when it gets another lease, which ends at a time: keys and leases, with `+` for one
/// of their own that is granted.
fn moved(keys: &[KeyValue], ends: Option<i64>) -> Vec<String> {
    let top = Level { path: "/d", before: BEFORE, to: Target::Lease(NEW), ends };
    let plan = Plan::new(&Layout::default(), keys, top);
    let shown = |one: &Move<'_>| {
        let lease = match one.to {
            Target::Lease(lease) => lease.to_string(),
            Target::Granted(place) => format!("+{}", plan.grants[place]),
        };
        format!("{} {lease}", String::from_utf8_lossy(&one.kv.key))
    };
    plan.moves.iter().map(shown).collect()
}

#[test]
fn what_hangs_on_the_lease_of_a_directory_is_put_on_the_other_one() {
    let keys = [kv("/d//", r#"{"a":"post"}"#, 7), kv("/d/a", "", 7), kv("/d/s/", "", 7), kv("/d/s/b", "", 7)];
    assert_eq!(moved(&keys, Some(9)), ["/d// 8", "/d/a 8", "/d/s/ 8", "/d/s/b 8"]);
}

#[test]
fn a_key_that_ends_earlier_keeps_its_lease_and_one_that_would_end_later_loses_it() {
    let own = |key: &str| [kv(key, "", 3), kv(&format!("{key}//"), r#"{"e":50,"o":true}"#, 3)];
    assert!(moved(&own("/d/a"), Some(60)).is_empty());
    assert!(moved(&own("/d/a"), None).is_empty());
    assert_eq!(moved(&own("/d/a"), Some(40)), ["/d/a 8"]);
}

#[test]
fn a_key_that_the_directory_no_longer_ends_gets_a_lease_of_its_own() {
    let keys = [kv("/d/a", "", 7), kv("/d/a//", r#"{"e":50}"#, 7)];
    assert_eq!(moved(&keys, Some(60)), ["/d/a +50"]);
    let directory = [kv("/d/s/", r#"{"e":50,"b":40}"#, 7), kv("/d/s/a", "", 7)];
    assert_eq!(moved(&directory, Some(60)), ["/d/s/ +50", "/d/s/a +50"], "one lease for both");
}

#[test]
fn the_lease_of_another_client_stays() {
    assert!(moved(&[kv("/d/a", "", 99)], Some(9)).is_empty());
}

#[test]
fn what_is_moved_keeps_its_indexes_and_nobody_is_told() {
    let keys = [kv("/d/a", "", 7), kv("/d/a//", r#"{"a":"update","c":2}"#, 7)];
    let top = Level { path: "/d", before: BEFORE, to: Target::Lease(NEW), ends: None };
    let plan = Plan::new(&Layout::default(), &keys, top);
    let Note { done, created, modified, owns_lease, .. } = plan.moves[0].note.clone();
    assert_eq!((done, created, modified, owns_lease), (Some(Done::Refresh), Some(2), Some(5), false));
}
