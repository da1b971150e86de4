//! Headers of replies.

use crate::v2::reply::Headers;
use http::HeaderMap;

/// Headers as they cross to JavaScript.
#[must_use]
pub fn header_text(headers: &HeaderMap) -> Headers {
    let length = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 2).sum();
    let mut text = Headers::with_capacity(length);
    for (name, value) in headers {
        text.push(name.as_str(), value.as_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_line_comes_through_as_latin_1_and_makes_no_other(
            lines in prop::collection::vec(("[a-zA-Z][a-zA-Z0-9-]{0,5}", any::<Vec<u8>>()), 0..6),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in &lines {
                // What HTTP does not allow, such as a line feed, is none.
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    headers.append(HeaderName::try_from(name).unwrap(), value);
                }
            }
            let text = header_text(&headers).into_lines();
            let read: Vec<_> = if text.is_empty() { Vec::new() } else { text.split('\n').collect() };
            let sent = headers.iter().flat_map(|(name, value)| {
                [name.as_str().to_owned(), value.as_bytes().iter().copied().map(char::from).collect()]
            });
            prop_assert_eq!(read, sent.collect::<Vec<_>>());
        }
    }
}
