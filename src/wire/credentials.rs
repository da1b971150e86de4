//! What proves to a server who is asking: values of the `Authorization` header, marked sensitive so that no debug
//! output shows them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderValue;
use http::header::InvalidHeaderValue;

/// RFC 7617, in UTF-8, sent unasked.
#[must_use]
pub fn basic(user: &str, password: &str) -> HeaderValue {
    let value = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
    sensitive(&value).expect("base64 is a valid header value")
}

/// RFC 6750.
///
/// # Errors
/// When the token holds a line break or another character that no header can carry.
pub fn bearer(token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    sensitive(&format!("Bearer {token}"))
}

/// A token as etcd v3 takes it.
///
/// # Errors
/// See [`bearer`].
pub fn token(token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    sensitive(token)
}

fn sensitive(value: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(value)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_utf8_in_base64() {
        assert_eq!(basic("rööt", "p:ß"), "Basic csO2w7Z0OnA6w58=");
    }

    #[test]
    fn a_token_that_is_no_header_is_refused() {
        assert_eq!(bearer("abc").unwrap(), "Bearer abc");
        assert!(bearer("a\r\nX-Evil: 1").is_err());
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let shown = format!("{:?} {:?}", basic("root", "geheim"), bearer("geheim"));
        assert!(!shown.contains("geheim") && !shown.contains(&BASE64_STANDARD.encode("root:geheim")));
    }
}
