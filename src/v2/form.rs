//! The parameters of a request, read as Go's `net/url` reads a query.

use crate::v2::error::{Code, Error};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Decoded names and values in order. Of a repeated name the first value counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    /// # Errors
    /// 210 for an escape that is none and for a semicolon, with Go's words for it.
    pub fn parse(encoded: &'a str) -> Result<Self, Error> {
        // Go tells of this one whatever else is wrong.
        if encoded.contains(';') {
            return Err(Error::in_request(Code::InvalidForm, "invalid semicolon separator in query"));
        }
        let pairs = encoded.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((unescape(name)?, unescape(value)?))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// The first value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_ref())
    }
}

impl<'a, N: Into<Cow<'a, str>>, V: Into<Cow<'a, str>>> FromIterator<(N, V)> for Form<'a> {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

fn unescape(text: &str) -> Result<Cow<'_, str>, Error> {
    for (at, _) in text.match_indices('%') {
        let escape = text[at..].chars().take(3).collect::<String>();
        if escape.len() != 3 || !escape[1..].bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::in_request(Code::InvalidForm, format!("invalid URL escape \"{escape}\"")));
        }
    }
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Ok(Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned()));
    }
    Ok(percent_decode_str(text).decode_utf8_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    #[test]
    fn the_first_value_of_a_name_counts() {
        let form = Form::parse("a=1&b=&a=2&c&&d=x=y").unwrap();
        let values = ["a", "b", "c", "d", "e"].map(|name| form.get(name));
        assert_eq!(values, [Some("1"), Some(""), Some(""), Some("x=y"), None]);
    }

    #[test]
    fn text_is_decoded() {
        let form = Form::parse("a+b=%C3%BC+%2B").unwrap();
        assert_eq!(form.get("a b"), Some("ü +"));
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        for (encoded, cause) in [
            ("x=%zz", "invalid URL escape \"%zz\""),
            ("x=%", "invalid URL escape \"%\""),
            ("x=%4", "invalid URL escape \"%4\""),
            ("x=%zz&x=1;y=2", "invalid semicolon separator in query"),
        ] {
            assert_eq!(Form::parse(encoded), Err(Error::in_request(Code::InvalidForm, cause)), "{encoded}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_again(pairs in prop::collection::vec(("\\PC{1,4}", "\\PC{0,6}"), 0..6)) {
            let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let encoded: Vec<_> =
                pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
            let encoded = encoded.join("&");
            prop_assert_eq!(Form::parse(&encoded), Ok(pairs.into_iter().collect()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "([&=;%+]|[0-9a-f]|\\PC){0,24}") {
            match Form::parse(&text) {
                Ok(_) => prop_assert!(!text.contains(';')),
                Err(error) => prop_assert_eq!(error.code, Code::InvalidForm),
            }
        }
    }
}
