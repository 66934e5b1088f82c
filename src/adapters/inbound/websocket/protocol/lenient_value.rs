//! JSON values whose type has not been checked yet.
//!
//! A request's parameters are judged only after its sender's right, so reading the JSON must not
//! fail on a parameter of the wrong type. Texts are borrowed if possible.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value of any type. If it is an object, it must be a `T`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum LenientValue<'a, T = IgnoredAny> {
    /// Missing or null, which mean the same.
    #[default]
    Absent,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number, written without fraction or exponent.
    Integer(i64),
    /// true or false.
    Bool(bool),
    /// An object. Boxed, because a request has many members, most of them absent, which would be
    /// copied on every move.
    Object(Box<T>),
    /// A list of texts.
    Texts(Vec<Cow<'a, str>>),
    /// Anything else: a fraction, a number that is too large, a list of something else.
    Other,
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for LenientValue<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientValueVisitor(PhantomData))
    }
}

struct LenientValueVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for LenientValueVisitor<T> {
    type Value = LenientValue<'de, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(LenientValue::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(LenientValue::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(LenientValue::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(LenientValue::Other, LenientValue::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(LenientValue::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(LenientValue::Bool(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(LenientValue::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut texts = Some(Vec::new());
        while let Some(element) = list.next_element::<LenientValue<'de>>()? {
            match (element, &mut texts) {
                (LenientValue::Text(text), Some(texts)) => texts.push(text),
                _ => texts = None,
            }
        }
        Ok(texts.map_or(LenientValue::Other, LenientValue::Texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        let object = T::deserialize(MapAccessDeserializer::new(object))?;
        Ok(LenientValue::Object(Box::new(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_read_for_what_it_is() {
        let text = |text: &'static str| LenientValue::Text(text.into());
        for (json, value) in [
            ("\"a\"", text("a")),
            ("\"\\u00e9\\/\"", text("é/")),
            ("1", LenientValue::Integer(1)),
            ("-1", LenientValue::Integer(-1)),
            (
                "9007199254740993",
                LenientValue::Integer(9_007_199_254_740_993),
            ),
            ("true", LenientValue::Bool(true)),
            ("null", LenientValue::Absent),
            ("1.5", LenientValue::Other),
            ("1.0", LenientValue::Other),
            ("1e3", LenientValue::Other),
            ("18446744073709551615", LenientValue::Other),
            ("1000000000000000000000000000000", LenientValue::Other),
            ("[1,[2]]", LenientValue::Other),
            ("[\"a\",1,\"b\"]", LenientValue::Other),
            ("[]", LenientValue::Texts(Vec::new())),
            (
                "[\"a\",\"\\u00e9\"]",
                LenientValue::Texts(vec!["a".into(), "é".into()]),
            ),
            (
                "{\"a\":{\"b\":1}}",
                LenientValue::Object(Box::new(IgnoredAny)),
            ),
        ] {
            assert_eq!(
                serde_json::from_str::<LenientValue<'_>>(json).expect(json),
                value,
                "{json}"
            );
        }
    }

    #[test]
    fn only_an_object_is_taken_for_an_object() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct One {
            a: u8,
        }
        for (json, value) in [
            ("{\"a\":1}", LenientValue::Object(Box::new(One { a: 1 }))),
            ("null", LenientValue::Absent),
            ("[1]", LenientValue::Other),
            ("\"a\"", LenientValue::Text("a".into())),
            ("1", LenientValue::Integer(1)),
            ("-1", LenientValue::Integer(-1)),
            ("1.5", LenientValue::Other),
            ("false", LenientValue::Bool(false)),
        ] {
            assert_eq!(
                serde_json::from_str::<LenientValue<'_, One>>(json).expect(json),
                value,
                "{json}"
            );
        }
    }
}
