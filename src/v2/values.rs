//! How much a text holds of what JSON is made of.
//!
//! A program's memory is filled by the values that `JSON.parse` makes, and a text needs two bytes for one: hundreds of
//! megabytes come of a few. So they are counted before. How deep they are does not matter, as nothing reads them by recursion.

/// As many as fit into some hundred megabytes, whatever they are. An answer about 200,000 keys has them.
const ALWAYS_TAKEN: usize = 1 << 20;
/// How many bytes of the largest reply stand for a value, for clients that take larger replies. A node of etcd's has 13 bytes
/// or more for each.
const BYTES_EACH: usize = 64;

/// How many values a client takes whose largest reply has so many bytes.
#[must_use]
pub fn limit(max_response_size: usize) -> usize {
    (max_response_size / BYTES_EACH).max(ALWAYS_TAKEN)
}

/// Whether a text holds more values than this; an empty list or object counts twice. What is no list and no object has none.
#[must_use]
pub fn exceed(text: &[u8], limit: usize) -> bool {
    if at_most(text) <= limit || !matches!(text.trim_ascii_start().first(), Some(b'[' | b'{')) {
        return false;
    }
    let mut values = 1;
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b',' | b'[' | b'{' => values += 1,
            _ => {}
        }
    }
    values > limit
}

/// The number of values if no string held what separates them. In pieces whose count fits into a byte, as the compiler
/// then counts many bytes at once: 0.1 ms a megabyte, where looking for strings takes 1.5 ms.
fn at_most(text: &[u8]) -> usize {
    let begins_value = |byte: &u8| u8::from(matches!(byte, b',' | b'[' | b'{'));
    let pieces = text.chunks(usize::from(u8::MAX));
    1 + pieces.map(|piece| usize::from(piece.iter().map(begins_value).sum::<u8>())).sum::<usize>()
}

fn skip_string<'a>(bytes: &mut impl Iterator<Item = &'a u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// The number of values, empty ones twice.
    fn count(value: &Value) -> usize {
        let inner: usize = match value {
            Value::Array(values) => values.iter().map(count).sum(),
            Value::Object(fields) => fields.values().map(count).sum(),
            _ => return 1,
        };
        1 + inner.max(1)
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<u32>().prop_map(Value::from),
            "[\\[\\]{},:\"\\\\a-z]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::hash_map("[\\[\\],\"a-z]{0,4}", inner, 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn a_client_of_large_replies_takes_more() {
        assert_eq!(limit(0), 1 << 20);
        assert_eq!(limit(64 << 20), 1 << 20);
        assert_eq!(limit(1 << 30), 1 << 24);
    }

    #[test]
    fn what_is_no_json_holds_no_values() {
        assert!(!exceed(b"a,b,c,d", 2));
        assert!(!exceed(b"\"a,b,c,d\"", 2));
        assert!(exceed(b" \n[1,2,3]", 2));
        assert!(exceed(b"[[[[", 3));
    }

    proptest! {
        #[test]
        fn values_are_counted(value in json(), spaces in " {0,3}") {
            let text = format!("{spaces}{value}");
            let values = count(&value);
            let is_nested = value.is_array() || value.is_object();
            prop_assert!(!exceed(text.as_bytes(), values));
            prop_assert_eq!(exceed(text.as_bytes(), values - 1), is_nested);
        }

        #[test]
        fn any_bytes_can_be_looked_at(bytes: Vec<u8>, limit in 0_usize..8) {
            let _ = exceed(&bytes, limit);
        }
    }
}
