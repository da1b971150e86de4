//! The body of a reply to a watch, as much of it as is kept.

use crate::v2::failure::Failed;
use crate::wire::fault;

/// Of what is too large, strings up to this length are kept: it is values that make an event large, and of the rest one
/// wants to know the key and the index.
const MAX_STRING: usize = 4096;

/// A text of JSON. When it grows beyond the limit, its long strings become empty ones.
pub struct Kept {
    text: Vec<u8>,
    limit: usize,
    skimmer: Option<Skimmer>,
}

impl Kept {
    pub const fn new(limit: usize) -> Self {
        Self { text: Vec::new(), limit, skimmer: None }
    }

    /// # Errors
    /// When it is still too large without its long strings.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        match &mut self.skimmer {
            Some(skimmer) => skimmer.skim(bytes, &mut self.text),
            None => self.text.extend_from_slice(bytes),
        }
        if self.text.len() > self.limit && self.skimmer.is_none() {
            let whole = std::mem::take(&mut self.text);
            self.skimmer.insert(Skimmer::default()).skim(&whole, &mut self.text);
        }
        if self.text.len() > self.limit.max(MAX_STRING) {
            return Err(fault::reply_too_large(self.limit));
        }
        Ok(())
    }

    pub const fn is_whole(&self) -> bool {
        self.skimmer.is_none()
    }

    pub fn into_text(self) -> Vec<u8> {
        self.text
    }
}

/// Where in a text of JSON it is.
#[derive(Default)]
struct Skimmer {
    /// Where the string begins that is being read.
    string: Option<usize>,
    is_escaped: bool,
    is_skipping: bool,
}

impl Skimmer {
    fn skim(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        for &byte in bytes {
            let Some(start) = self.string else {
                text.push(byte);
                self.string = (byte == b'"').then_some(text.len());
                continue;
            };
            if byte == b'"' && !self.is_escaped {
                text.push(byte);
                *self = Self::default();
                continue;
            }
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            if !self.is_skipping {
                text.push(byte);
            }
            if text.len() - start > MAX_STRING {
                text.truncate(start);
                self.is_skipping = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn kept(text: &str, limit: usize, piece: usize) -> Result<Kept, Failed> {
        let mut kept = Kept::new(limit);
        text.as_bytes().chunks(piece).try_for_each(|bytes| kept.push(bytes))?;
        Ok(kept)
    }

    #[test]
    fn what_is_too_large_is_kept_without_its_long_strings() {
        let long = "\\\"\u{1f600}é\n".repeat(MAX_STRING);
        let event =
            |value: &str| json!({"action": "set", "node": {"key": "/k", "value": value, "modifiedIndex": 7}});
        let text = event(&long).to_string();
        for piece in [1, 7, 4096, text.len()] {
            let skimmed = kept(&text, 5000, piece).unwrap();
            assert!(!skimmed.is_whole());
            assert_eq!(serde_json::from_slice::<Value>(&skimmed.into_text()).unwrap(), event(""));
        }
        let whole = kept(&text, text.len(), 100).unwrap();
        assert!(whole.is_whole());
        assert_eq!(whole.into_text(), text.as_bytes());
    }

    #[test]
    fn what_is_too_large_without_strings_is_refused() {
        assert!(kept(&format!("[{}]", "{},".repeat(10_000)), 5000, 100).is_err());
    }

    proptest! {
        #[test]
        fn any_json_stays_json(strings: Vec<String>, piece in 1..50_usize) {
            let text = json!(strings).to_string();
            let skimmed = kept(&text, 2, piece).unwrap();
            if text.len() < MAX_STRING {
                prop_assert_eq!(serde_json::from_slice::<Vec<String>>(&skimmed.into_text()).unwrap(), strings);
            }
        }
    }
}
