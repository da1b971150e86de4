//! etcd v2 keys and the URL path each becomes.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::fmt::Write as _;

/// Bytes that a key cannot carry literally in a URL path. Everything else is sent as it is, which is what node-etcd
/// put on the wire (semantics.md 2.2). `%` is decided by [`encode_segment`].
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A key below `/v2/keys`, in the form it has in a URL.
///
/// Text is UTF-8 and percent-encoded; a `%XX` the caller already encoded passes through and a lone `%` is encoded.
/// Repeated slashes collapse, as the server would make them by a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

/// A key that would name something outside `/v2/keys`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid key {0:?}: a segment of a key must not be \".\" or \"..\" (also not when percent-encoded)")]
pub struct InvalidKey(String);

impl Key {
    /// # Errors
    /// [`InvalidKey`] when a segment is `.` or `..`: the server would redirect to another path, outside the keys.
    pub fn parse(key: &str) -> Result<Self, InvalidKey> {
        let mut path = String::with_capacity(key.len() + 8);
        for segment in key.split('/').filter(|segment| !segment.is_empty()) {
            if climbs(segment) {
                return Err(InvalidKey(key.to_owned()));
            }
            path.push('/');
            encode_segment(segment, &mut path);
        }
        if path.is_empty() {
            path.push('/');
        }
        Ok(Self(path))
    }

    /// The absolute path below the keys' root as URLs write it: `/` or `/a/b`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0
    }

    /// The same path as the store names it, decoded.
    #[must_use]
    pub fn name(&self) -> String {
        percent_decode_str(&self.0).decode_utf8_lossy().into_owned()
    }
}

/// The server decodes `%2e` and `%2F` before it looks for dot segments, so this does too.
fn climbs(segment: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    decoded.split(|&byte| byte == b'/').any(|part| matches!(part, b"." | b".."))
}

fn encode_segment(segment: &str, path: &mut String) {
    for (nth, piece) in segment.split('%').enumerate() {
        if nth > 0 {
            let escape = piece.len() >= 2 && piece.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
            path.push_str(if escape { "%" } else { "%25" });
        }
        write!(path, "{}", utf8_percent_encode(piece, ESCAPED)).expect("a String takes every write");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(key: &str) -> String {
        Key::parse(key).expect(key).path().to_owned()
    }

    #[test]
    fn text_is_utf8_and_percent_encoded() {
        assert_eq!(path("/a b"), "/a%20b");
        assert_eq!(path("ü/😀"), "/%C3%BC/%F0%9F%98%80");
        assert_eq!(path("a?b#c\\d"), "/a%3Fb%23c%5Cd");
        assert_eq!(path("+&;:@[]~!$*(),="), "/+&;:@[]~!$*(),=");
    }

    #[test]
    fn an_encoded_key_passes_through_and_a_lone_percent_is_encoded() {
        assert_eq!(path("a%20b%2fc"), "/a%20b%2fc");
        assert_eq!(path("100%"), "/100%25");
        assert_eq!(path("a%zzb%é"), "/a%25zzb%25%C3%A9");
    }

    #[test]
    fn the_store_names_it_decoded() {
        let name = |key| Key::parse(key).unwrap().name();
        assert_eq!(
            (name("a b"), name("a%20ü"), name("100%")),
            ("/a b".into(), "/a ü".into(), "/100%".into())
        );
    }

    #[test]
    fn slashes_collapse() {
        assert_eq!(path("//a///b/"), "/a/b");
        assert_eq!(path(""), "/");
        assert_eq!(path("///"), "/");
    }

    #[test]
    fn dot_segments_are_refused_in_every_spelling() {
        for key in ["..", "a/../b", "./a", "a/.", "%2e%2E/x", ".%2e", "a%2F..%2Fb", "a%2f%2e"] {
            assert_eq!(Key::parse(key), Err(InvalidKey(key.to_owned())), "{key}");
        }
        assert_eq!(path("...//.a/a..b/%252e"), "/.../.a/a..b/%252e");
    }

    proptest! {
        #[test]
        fn no_key_leaves_the_keys(key in "\\PC*|([./%2eEfF\\\\?#a]|\\PC){0,24}") {
            if let Ok(key) = Key::parse(&key) {
                let sent = format!("/v2/keys{}", key.path());
                let url = url::Url::parse(&format!("http://etcd{sent}")).unwrap();
                prop_assert_eq!(url.path(), sent.as_str());
                prop_assert_eq!(url.query(), None);
                prop_assert_eq!(url.fragment(), None);
            }
        }
    }
}
