//! How JSON writes what it has no type for: 64-bit numbers as texts, bytes in base64.

use bytes::Bytes;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use std::fmt;

/// Fields that have their default are left out: an older etcd may not know them.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub mod number {
    use super::{Deserializer, Error, Unexpected, Visitor, fmt};
    use serde::Serializer;
    use std::fmt::Display;
    use std::marker::PhantomData;
    use std::str::FromStr;

    pub fn serialize<T: Display, S: Serializer>(number: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub fn deserialize<'de, T: Number, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(Text(PhantomData))
    }

    /// A number of 64 bits.
    pub trait Number: FromStr + TryFrom<i64> + TryFrom<u64> {}
    impl<T: FromStr + TryFrom<i64> + TryFrom<u64>> Number for T {}

    struct Text<T>(PhantomData<T>);

    impl<T: Number> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number of 64 bits, or a text that holds one")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            number.try_into().map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            number.try_into().map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
        }
    }
}

pub mod bytes_in_base64 {
    use super::{Bytes, Deserializer, Error, Visitor, fmt};
    use base64::Engine as _;
    use base64::display::Base64Display;
    use base64::prelude::BASE64_STANDARD;
    use serde::Serializer;

    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(bytes, &BASE64_STANDARD))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        deserializer.deserialize_str(Text)
    }

    struct Text;

    impl Visitor<'_> for Text {
        type Value = Bytes;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes in base64")
        }

        // The text stays out of the error: it may be a secret.
        fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
            BASE64_STANDARD.decode(text).map(Bytes::from).map_err(|_| E::custom("not base64"))
        }
    }
}
