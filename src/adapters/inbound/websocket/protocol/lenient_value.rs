//! JSON values whose type has not been checked yet.
//!
//! A request's parameters are judged only after its sender's right, so reading the JSON must not
//! fail on a parameter of the wrong type. Texts are borrowed if possible.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A scalar, or none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum LenientValue<'a> {
    /// Missing or null, which mean the same.
    #[default]
    Absent,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number, written without fraction or exponent.
    Integer(i64),
    /// true or false.
    Bool(bool),
    /// Anything else: a fraction, a number that is too large, a list, an object.
    Other,
}

/// An object, or none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Field<T> {
    /// Missing or null, which mean the same.
    #[default]
    Absent,
    /// An object. Boxed, because a request has many members, most of them absent, which would be
    /// copied on every move.
    Object(Box<T>),
    /// Anything else.
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for LenientValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientValueVisitor)
    }
}

struct LenientValueVisitor;

impl<'de> Visitor<'de> for LenientValueVisitor {
    type Value = LenientValue<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(LenientValue::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(LenientValue::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(LenientValue::Text(Cow::Owned(text)))
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

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list).map(|()| LenientValue::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(LenientValue::Other)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list).map(|()| Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        let object = T::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Field::Object(Box::new(object)))
    }
}

fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
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
            ("{\"a\":{\"b\":1}}", LenientValue::Other),
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
            ("{\"a\":1}", Field::Object(Box::new(One { a: 1 }))),
            ("null", Field::Absent),
            ("[1]", Field::Other),
            ("\"a\"", Field::Other),
            ("1", Field::Other),
            ("-1", Field::Other),
            ("1.5", Field::Other),
            ("false", Field::Other),
        ] {
            assert_eq!(
                serde_json::from_str::<Field<One>>(json).expect(json),
                value,
                "{json}"
            );
        }
    }
}
