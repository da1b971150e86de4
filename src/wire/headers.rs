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
