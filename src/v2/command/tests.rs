use super::*;
use proptest::prelude::*;

fn parse(method: Method, query: &str, value: Option<&str>) -> Result<Command, Error> {
    Command::parse(method, "/a", &Form::parse(query)?, value)
}

fn refusal(method: Method, query: &str, value: Option<&str>) -> (u16, String) {
    let error = parse(method, query, value).unwrap_err();
    assert_eq!(error.index, 0);
    (error.code.number(), error.cause)
}

fn change(method: Method, query: &str) -> Change {
    match parse(method, query, Some("v")) {
        Ok(Command::Write(write)) => write.change,
        other => panic!("{query} is {other:?}"),
    }
}

#[test]
fn what_is_wrong_is_said_in_etcds_words_and_order() {
    let mut query = String::new();
    for (parameter, code, cause) in [
        ("refresh=2", 209, "invalid value for refresh"),
        ("prevExist=", 209, "invalid value for prevExist"),
        ("ttl=-1", 202, "invalid value for \"ttl\""),
        ("noValueOnSuccess=yes", 209, "invalid value for \"noValueOnSuccess\""),
        ("prevValue=", 201, "\"prevValue\" cannot be empty"),
        ("wait=true", 209, "\"wait\" can only be used with GET requests"),
        ("stream=", 209, "invalid value for \"stream\""),
        ("quorum=", 209, "invalid value for \"quorum\""),
        ("dir=tRUE", 209, "invalid value for \"dir\""),
        ("sorted=x", 209, "invalid value for \"sorted\""),
        ("recursive=on", 209, "invalid value for \"recursive\""),
        ("waitIndex=+1", 203, "invalid value for \"waitIndex\""),
        ("prevIndex=18446744073709551616", 203, "invalid value for \"prevIndex\""),
        ("a=%x", 210, "invalid URL escape \"%x\""),
    ] {
        query = format!("{query}&{parameter}");
        assert_eq!(refusal(Method::Put, &query, None), (code, cause.to_owned()), "{query}");
    }
}

#[test]
fn a_refresh_has_a_ttl_and_no_value() {
    assert_eq!(
        refusal(Method::Put, "refresh=1", Some("v")),
        (211, "A value was provided on a refresh".to_owned())
    );
    assert_eq!(refusal(Method::Put, "refresh=1&ttl=", None), (212, "No TTL value set".to_owned()));
    assert!(parse(Method::Put, "refresh=1&ttl=0", Some("")).is_ok());
    assert!(parse(Method::Put, "refresh=0", Some("v")).is_ok());
}

#[test]
fn a_put_means_one_of_five_things() {
    let (value, lifetime) = (Arc::<str>::from("v"), Lifetime::default());
    let content = Content::File(value.clone());
    assert_eq!(change(Method::Put, "prevIndex=0"), Change::Set { content: content.clone(), lifetime });
    assert_eq!(
        change(Method::Put, "dir=t&ttl=5"),
        Change::Set { content: Content::Directory, lifetime: Lifetime { ttl: Some(5), refresh: false } }
    );
    let create = Change::Create { content, ttl: None };
    assert_eq!(change(Method::Put, "prevExist=false&prevIndex=3"), create);
    assert_eq!(
        change(Method::Put, "prevExist=true&dir=true"),
        Change::Update { value: value.clone(), lifetime }
    );
    let condition = Condition { value: Some("x".to_owned()), index: None };
    let swap = Change::CompareAndSwap { condition, value, lifetime };
    assert_eq!(change(Method::Put, "prevValue=x"), swap);
    assert_eq!(change(Method::Put, "prevExist=true&prevValue=x"), swap);
}

#[test]
fn a_delete_has_conditions_or_kinds() {
    assert_eq!(change(Method::Delete, "recursive=true"), Change::Delete { dir: true, recursive: true });
    assert_eq!(change(Method::Delete, "dir=1"), Change::Delete { dir: true, recursive: false });
    let condition = Condition { value: None, index: Some(7) };
    assert_eq!(change(Method::Delete, "prevIndex=7&dir=true"), Change::CompareAndDelete { condition });
}

#[test]
fn a_quorum_ends_the_waiting() {
    assert!(matches!(
        parse(Method::Get, "wait=true&waitIndex=3", None),
        Ok(Command::Watch(Watch { since: 3, .. }))
    ));
    assert!(matches!(
        parse(Method::Get, "wait=true&quorum=true", None),
        Ok(Command::Get(Get { quorum: true, .. }))
    ));
    assert_eq!(refusal(Method::Head, "wait=true", None).0, 209);
}

#[test]
fn a_body_goes_before_the_query_and_counts_for_put_and_post_alone() {
    let value = |method, query, value| match parse(method, query, value) {
        Ok(Command::Write(Write { change: Change::Set { content: Content::File(value), .. }, .. })) => value,
        other => panic!("{other:?}"),
    };
    assert_eq!(&*value(Method::Put, "value=q", Some("b")), "b");
    assert_eq!(&*value(Method::Put, "value=q", None), "q");
    assert_eq!(&*value(Method::Put, "", None), "");
    assert!(parse(Method::Delete, "refresh=1&ttl=1", Some("v")).is_ok());
}

#[test]
fn other_methods_are_not_allowed() {
    let method = |verb| Method::try_from(&Verb::parse(verb).unwrap());
    assert_eq!(method("PATCH"), Err(MethodNotAllowed));
    assert_eq!(method("get"), Err(MethodNotAllowed));
    assert_eq!(method("HEAD"), Ok(Method::Head));
}

#[test]
fn a_failed_condition_says_what_differs() {
    let both = Condition { value: Some("a".to_owned()), index: Some(1) };
    assert_eq!(both.failure("a", 1), None);
    assert_eq!(both.failure("b", 1).as_deref(), Some("[a != b]"));
    assert_eq!(both.failure("a", 2).as_deref(), Some("[1 != 2]"));
    assert_eq!(both.failure("b", 2).as_deref(), Some("[a != b] [1 != 2]"));
}

proptest! {
    #[test]
    fn any_request_is_read_or_refused(
        key: String,
        query in "(wait|ttl|prevExist|prevIndex|dir|value|&|=|%|;|1|true|-|\\PC){0,20}",
        value: Option<String>,
    ) {
        for method in [Method::Get, Method::Head, Method::Put, Method::Post, Method::Delete] {
            if let Ok(form) = Form::parse(&query) {
                let _ = Command::parse(method, &key, &form, value.as_deref());
            }
        }
    }

    #[test]
    fn no_condition_gets_lost(
        value in prop::option::of("[a-z]{1,3}"),
        index in prop::option::of(1_u64..9),
        exist in prop::option::of(any::<bool>()),
        others in "(&ttl=5|&dir=true|&recursive=true|&noValueOnSuccess=true|&x=1|&){0,5}",
    ) {
        let conditions = [
            value.as_ref().map(|value| format!("prevValue={value}")),
            index.map(|index| format!("prevIndex={index}")),
            exist.map(|exist| format!("prevExist={exist}")),
        ];
        let given: Vec<_> = conditions.into_iter().flatten().collect();
        let query = format!("{others}&{}", given.join("&"));
        let change = |method| {
            let form = Form::parse(&query).unwrap();
            match Command::parse(method, "/k", &form, None).unwrap() {
                Command::Write(write) => write.change,
                other => panic!("{other:?}"),
            }
        };
        let wanted = Condition { value: value.clone(), index };
        let is_conditional = value.is_some() || index.is_some();
        match change(Method::Put) {
            Change::Create { .. } => prop_assert_eq!(exist, Some(false)),
            Change::CompareAndSwap { condition, .. } => prop_assert_eq!(&condition, &wanted),
            Change::Update { .. } => prop_assert!(exist == Some(true) && !is_conditional),
            Change::Set { .. } => prop_assert!(exist.is_none() && !is_conditional),
            other => panic!("{other:?}"),
        }
        match change(Method::Delete) {
            Change::CompareAndDelete { condition } => prop_assert_eq!(&condition, &wanted),
            Change::Delete { .. } => prop_assert!(!is_conditional),
            other => panic!("{other:?}"),
        }
    }
}
