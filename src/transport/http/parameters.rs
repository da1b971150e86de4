//! Where the parameters of a request go: into its query, or beside its value into a form.

use crate::v2::request::{Request, Target, Verb};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;

/// All but what RFC 3986 calls unreserved, as in queries (semantics.md 2.2).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What a write can depend on. etcd reads these from a form as from a query (semantics.md 3.1), and a form may be long and is
/// in no log on the way.
const CONDITIONS: [&str; 3] = ["prevExist", "prevIndex", "prevValue"];

/// The parameters and the value of a request, encoded.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameters<'r> {
    pub query: Cow<'r, str>,
    pub form: Option<Bytes>,
}

impl<'r> From<&'r Request> for Parameters<'r> {
    fn from(request: &'r Request) -> Self {
        let all = request.parameters.as_str();
        let has_conditions = request.verb == Verb::Put
            && matches!(request.target, Target::Key(_))
            && all.split('&').any(is_condition);
        if !has_conditions {
            return Self { query: Cow::Borrowed(all), form: form(request.value.as_deref(), &[]) };
        }
        let (conditions, others): (Vec<_>, Vec<_>) = all.split('&').partition(|pair| is_condition(pair));
        Self { query: Cow::Owned(others.join("&")), form: form(request.value.as_deref(), &conditions) }
    }
}

fn is_condition(pair: &str) -> bool {
    pair.split_once('=').is_some_and(|(name, _)| CONDITIONS.contains(&name))
}

/// The form that carries a value and further pairs; nothing if there are none.
fn form(value: Option<&str>, pairs: &[&str]) -> Option<Bytes> {
    let length: usize = pairs.iter().map(|pair| 1 + pair.len()).sum();
    let mut form = String::with_capacity("value=".len() + value.map_or(0, str::len) + length);
    if let Some(value) = value {
        form.push_str("value=");
        form.extend(utf8_percent_encode(value, ESCAPED));
    } else if pairs.is_empty() {
        return None;
    }
    for pair in pairs {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(pair);
    }
    Some(form.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::form::Form;
    use crate::v2::key::Key;
    use proptest::prelude::*;

    fn request(verb: Verb, target: Target, parameters: &str, value: Option<&str>) -> Request {
        Request {
            verb,
            target,
            parameters: parameters.to_owned(),
            value: value.map(str::to_owned),
            waits: false,
            once: false,
            timeout: None,
        }
    }

    fn key() -> Target {
        Target::Key(Key::parse("k").unwrap())
    }

    fn sent(request: &Request) -> (String, Option<String>) {
        let Parameters { query, form } = request.into();
        (query.into_owned(), form.map(|form| String::from_utf8(form.to_vec()).unwrap()))
    }

    #[test]
    fn a_form_holds_any_value_in_unreserved_characters() {
        let form = |value| sent(&request(Verb::Put, key(), "", Some(value))).1.unwrap();
        assert_eq!(form("a-Z_0.9~"), "value=a-Z_0.9~");
        assert_eq!(form("a b&c=d+é'()*!\n\0"), "value=a%20b%26c%3Dd%2B%C3%A9%27%28%29%2A%21%0A%00");
        assert_eq!(form(""), "value=");
    }

    #[test]
    fn the_conditions_of_a_put_on_a_key_go_into_its_form() {
        let put = |parameters, value| sent(&request(Verb::Put, key(), parameters, value));
        assert_eq!(
            put("ttl=5&prevValue=a%26b&dir=true&prevIndex=7", Some("new")),
            ("ttl=5&dir=true".into(), Some("value=new&prevValue=a%26b&prevIndex=7".into()))
        );
        assert_eq!(put("prevExist=true", None), (String::new(), Some("prevExist=true".into())));
        assert_eq!(put("ttl=5&prev=1", None), ("ttl=5&prev=1".into(), None));
        assert_eq!(put("", Some("v")), (String::new(), Some("value=v".into())));
    }

    #[test]
    fn all_others_go_into_the_query() {
        for (verb, target) in [
            (Verb::Delete, key()),
            (Verb::Post, key()),
            (Verb::Get, key()),
            (Verb::Put, Target::Path("/v2/keys/k".into())),
        ] {
            let parameters = "prevValue=x&prevExist=true";
            assert_eq!(sent(&request(verb, target, parameters, None)), (parameters.into(), None));
        }
    }

    proptest! {
        #[test]
        fn whatever_goes_where_etcd_reads_all_of_it(
            value in proptest::option::of(".*"),
            pairs in prop::collection::vec(("prev(Value|Index|Exist)|ttl|dir|[a-z]{1,9}", "[a-z0-9]{0,4}"), 0..6),
        ) {
            let parameters: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = request(Verb::Put, key(), &parameters.join("&"), value.as_deref());
            let (query, form) = sent(&request);
            let form = form.unwrap_or_default();
            let both = [form.as_str(), &query].join("&");
            let read = Form::parse(&both).unwrap();
            prop_assert_eq!(read.get("value"), value.as_deref().or_else(|| first(&pairs, "value")));
            for (name, _) in pairs.iter().filter(|(name, _)| name != "value") {
                prop_assert_eq!(read.get(name), first(&pairs, name));
            }
            prop_assert!(!query.contains("prevValue"));
        }
    }

    fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
        pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}
