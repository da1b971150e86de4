//! What holds for any sequence of requests.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Map;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;

fn key() -> impl Strategy<Value = String> {
    vec(prop::sample::select(vec!["a", "a", "a", "b", "ab", "_h"]), 0..4)
        .prop_map(|names| format!("/{}", names.join("/")))
}

fn request() -> impl Strategy<Value = String> {
    const PUT: &[&str] = &[
        "",
        "dir=true",
        "prevExist=true",
        "prevExist=false",
        "prevValue=1",
        "prevIndex=5",
        "ttl=1",
        "ttl=2&dir=true",
        "prevExist=true&ttl=1",
        "refresh=true&ttl=2",
    ];
    const DELETE: &[&str] = &["", "dir=true", "recursive=true", "recursive=true", "prevValue=1"];
    prop_oneof![
        6 => (key(), prop::sample::select(PUT)).prop_map(|(key, query)| format!("PUT {key}?{query}")),
        1 => key().prop_map(|key| format!("POST {key}")),
        3 => (key(), prop::sample::select(DELETE)).prop_map(|(key, query)| format!("DELETE {key}?{query}")),
        1 => Just("expire".to_owned()),
    ]
    .boxed()
}

/// Does one thing after the other, a tenth of a second apart, with a look at each step.
fn run(
    store: &mut TestStore,
    requests: &[String],
    mut look: impl FnMut(&mut TestStore, Timestamp, Option<Result<Answer, Error>>),
) {
    let mut now = NOW;
    for (nth, request) in requests.iter().enumerate() {
        now = Timestamp(now.0 + 100_000_000);
        let value = if request.contains("refresh") { "" } else { ["1", "2", ""][nth % 3] };
        let answer = if request == "expire" {
            store.expire(now, usize::MAX);
            None
        } else {
            Some(ask_at(store, request, value, now))
        };
        look(store, now, answer);
    }
}

/// Contents as a watcher of everything would keep them: a value, or nothing for a directory.
#[derive(Default)]
struct Mirror(BTreeMap<String, Option<String>>);

impl Mirror {
    fn follow(&mut self, event: &Event) {
        let key = event.node.key.as_str();
        if event.node.dir || event.node.value.is_some() {
            for directory in event.node.key.prefixes().skip(1).filter(|prefix| *prefix != key) {
                self.0.insert(directory.to_owned(), None);
            }
            self.0.insert(key.to_owned(), event.node.value.as_deref().map(str::to_owned));
        }
        if event.prev_node.is_some() && !matches!(event.action.name(), "set" | "update" | "compareAndSwap") {
            self.0.retain(|path, _| path != key && !path.starts_with(&format!("{key}/")));
        }
    }

    /// As the store's dump has it, without TTLs.
    fn dump(&self) -> Value {
        let is_empty = |path: &str| !self.0.keys().any(|other| other.starts_with(&format!("{path}/")));
        let entries = self.0.iter().filter_map(|(path, value)| match value {
            Some(value) => Some((path.clone(), Value::from(value.as_str()))),
            None => is_empty(path).then(|| (format!("{path}/"), Value::Object(Map::new()))),
        });
        Value::Object(entries.collect())
    }
}

fn dump_without_ttls(store: &TestStore, now: Timestamp) -> Value {
    let Value::Object(entries) = serde_json::from_slice(&store.dump(now).unwrap()).unwrap() else { panic!() };
    let is_named = |path: &str, entries: &Map<String, Value>| {
        !path.ends_with('/')
            || !entries.keys().any(|other| other.len() > path.len() && other.starts_with(path))
    };
    let kept = entries.iter().filter(|(path, _)| is_named(path, &entries)).map(|(path, entry)| {
        let bare = if path.ends_with('/') {
            Value::Object(Map::new())
        } else {
            entry.get("value").unwrap_or(entry).clone()
        };
        (path.clone(), bare)
    });
    Value::Object(kept.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_success_is_one_index_and_a_refusal_is_none(requests in vec(request(), 0..60)) {
        let mut index = TestStore::default().index();
        run(&mut TestStore::default(), &requests, |store, _, answer| {
            match answer {
                Some(Ok(answer)) => assert_eq!((answer.index, store.index()), (index + 1, index + 1)),
                Some(Err(error)) => assert_eq!((error.index, store.index()), (index, index)),
                None => assert!(store.index() >= index),
            }
            index = store.index();
        });
    }

    #[test]
    fn the_node_of_a_reply_is_the_node_that_is_read(requests in vec(request(), 0..60)) {
        run(&mut TestStore::default(), &requests, |store, now, answer| {
            let Some(Ok(answer)) = answer else { return };
            let event = serde_json::from_slice::<Value>(&answer.body).unwrap();
            let key = event["node"]["key"].as_str().unwrap();
            let read = ask_at(store, &format!("GET {key}"), "", now);
            if event["action"].as_str().unwrap().to_lowercase().contains("delete") {
                assert_eq!(read.unwrap_err().code.number(), 100);
                return;
            }
            let mut read = serde_json::from_slice::<Value>(&read.unwrap().body).unwrap()["node"].take();
            if event["action"] == "update" && read["dir"] == true {
                // A directory keeps its index, and is shown with what is in it.
                read["modifiedIndex"] = event["node"]["modifiedIndex"].clone();
                read.as_object_mut().unwrap().remove("nodes");
            }
            assert_eq!(read, event["node"]);
        });
    }

    #[test]
    fn the_events_alone_make_the_contents(requests in vec(request().prop_map(|it| it.replace("_h", "h")), 0..60)) {
        let store = &mut TestStore::default();
        let all = watching(store, "/?recursive=true&stream=true");
        let mut mirror = Mirror::default();
        run(store, &requests, |store, now, _| {
            all.try_iter().for_each(|event| mirror.follow(&event));
            assert_eq!(dump_without_ttls(store, now), mirror.dump());
        });
    }

    #[test]
    fn a_stream_from_any_index_is_told_what_one_of_long_standing_was(
        requests in vec(request(), 0..60),
        targets in vec((key(), any::<bool>()), 1..6),
    ) {
        let store = &mut TestStore::default();
        let targets = targets.iter().map(|(key, recursive)| format!("{key}?stream=true&recursive={recursive}"));
        let live = targets.map(|target| (watching(store, &target), target)).collect::<Vec<_>>();
        let begin = store.index();
        run(store, &requests, |_, _, _| {});
        for (watch, target) in live {
            let heard = watch.try_iter().collect::<Vec<_>>();
            prop_assert!(heard.windows(2).all(|pair| pair[0].index() < pair[1].index()));
            for since in begin + 1..=store.index() + 1 {
                let later = watching(store, &format!("{target}&waitIndex={since}")).try_iter().collect::<Vec<_>>();
                let expected = heard.iter().filter(|event| event.index() >= since).cloned().collect::<Vec<_>>();
                prop_assert_eq!(&later, &expected, "{} since {}", target, since);
            }
        }
    }

    #[test]
    fn polls_one_after_the_other_miss_nothing_that_a_stream_hears(requests in vec(request(), 0..60)) {
        let store = &mut TestStore::default();
        let stream = watching(store, "/?recursive=true&stream=true");
        run(store, &requests, |_, _, _| {});
        let mut polled = Vec::new();
        let mut since = 4;
        while let Ok(event) = watching(store, &format!("/?recursive=true&waitIndex={since}")).try_recv() {
            since = event.index() + 1;
            polled.push(event);
        }
        for event in stream.try_iter() {
            prop_assert!(polled.contains(&event), "{:?}", event);
        }
    }

    #[test]
    fn nodes_end_in_the_order_of_their_times(ttls in vec(0..20_u64, 0..40)) {
        let store = &mut TestStore::default();
        for (nth, ttl) in ttls.iter().enumerate() {
            ask(store, &format!("PUT /{nth}?ttl={ttl}"), "").unwrap();
        }
        let all = watching(store, "/?recursive=true&stream=true");
        store.expire(NOW.after(9), usize::MAX);
        let ended = all.try_iter().map(|event| event.prev_node.as_ref().unwrap().expiry.unwrap().at).collect::<Vec<_>>();
        let mut expected = ttls.iter().filter(|ttl| **ttl <= 9).map(|ttl| NOW.after(*ttl)).collect::<Vec<_>>();
        expected.sort();
        prop_assert_eq!(ended, expected);
    }

    #[test]
    fn what_was_dumped_can_be_loaded(requests in vec(request(), 0..60)) {
        let store = &mut TestStore::default();
        run(store, &requests, |_, _, _| {});
        let dumped = store.dump(NOW).unwrap();
        let copy = &mut TestStore::default();
        copy.load(std::str::from_utf8(&dumped).unwrap(), NOW).unwrap();
        prop_assert_eq!(copy.dump(NOW).unwrap(), dumped);
    }
}

#[test]
fn threads_that_compare_and_swap_lose_no_update() {
    let store = Mutex::new(TestStore::default());
    put(&mut store.lock().unwrap(), "/n", "0");
    let stream = watching(&mut store.lock().unwrap(), "/n?stream=true");
    let increment = || {
        loop {
            let read = body(&mut store.lock().unwrap(), "GET /n")["node"].take();
            let next = read["value"].as_str().unwrap().parse::<u32>().unwrap() + 1;
            let request = format!("PUT /n?prevIndex={}", read["modifiedIndex"]);
            if ask(&mut store.lock().unwrap(), &request, &next.to_string()).is_ok() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..500).for_each(|_| increment()));
        }
    });
    let values =
        stream.try_iter().map(|event| event.node.value.as_deref().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(values, (1..=1000).map(|number| Some(number.to_string())).collect::<Vec<_>>());
}
