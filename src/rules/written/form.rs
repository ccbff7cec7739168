//! The short and long forms of one value, told apart by what stands there and never by trial.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Keys and values in the order written.
#[derive(Debug, Clone)]
pub struct Named<T>(pub Vec<(String, T)>);

/// One value, or a list of them.
#[derive(Debug, Clone)]
pub struct OneOrMany<T>(pub Vec<T>);

/// A text, or the long form.
#[derive(Debug, Clone)]
pub enum TextOr<R> {
    /// The short form.
    Text(String),
    /// The long form.
    Full(R),
}

/// One or several words, or the long form.
#[derive(Debug, Clone)]
pub enum WordsOr<R> {
    /// The short form.
    Words(Vec<String>),
    /// The long form.
    Full(R),
}

/// `true` or `false`, or something that says more than yes.
#[derive(Debug, Clone)]
pub enum FlagOr<R> {
    /// Yes or no.
    Flag(bool),
    /// The long form.
    Full(R),
}

/// A whole number, or the long form.
#[derive(Debug, Clone)]
pub enum CountOr<R> {
    /// The short form.
    Count(u64),
    /// The long form.
    Full(R),
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What a form makes of each kind of value.
trait Form<'de>: Sized {
    fn from_text<E: Error>(_text: String) -> Result<Self, E> {
        Err(E::custom("a text stands where none belongs"))
    }
    fn from_flag<E: Error>(_flag: bool) -> Result<Self, E> {
        Err(E::custom("`true` or `false` stands where none belongs"))
    }
    fn from_count<E: Error>(_count: u64) -> Result<Self, E> {
        Err(E::custom("a number stands where none belongs"))
    }
    fn from_list<A: SeqAccess<'de>>(_list: A) -> Result<Self, A::Error> {
        Err(A::Error::custom("a list stands where none belongs"))
    }
    fn from_map<A: MapAccess<'de>>(_map: A) -> Result<Self, A::Error> {
        Err(A::Error::custom("a map stands where none belongs"))
    }
}

struct Seen<T>(PhantomData<T>);

impl<'de, T: Form<'de>> Visitor<'de> for Seen<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("one of its forms")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text.to_owned())
    }
    fn visit_string<E: Error>(self, text: String) -> Result<T, E> {
        T::from_text(text)
    }
    fn visit_bool<E: Error>(self, flag: bool) -> Result<T, E> {
        T::from_flag(flag)
    }
    fn visit_u64<E: Error>(self, count: u64) -> Result<T, E> {
        T::from_count(count)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_map(map)
    }
}

fn items<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut list: A) -> Result<Vec<T>, A::Error> {
    let mut items = Vec::with_capacity(list.size_hint().unwrap_or(0).min(1024));
    while let Some(item) = list.next_element()? {
        items.push(item);
    }
    Ok(items)
}

fn full<'de, R: Deserialize<'de>, A: MapAccess<'de>>(map: A) -> Result<R, A::Error> {
    R::deserialize(MapAccessDeserializer::new(map))
}

impl<'de, T: Deserialize<'de>> Form<'de> for Named<T> {
    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut entries = Vec::with_capacity(map.size_hint().unwrap_or(0).min(1024));
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Self(entries))
    }
}

impl<'de, T: Deserialize<'de>> Form<'de> for OneOrMany<T> {
    fn from_text<E: Error>(text: String) -> Result<Self, E> {
        Ok(Self(vec![T::deserialize(StringDeserializer::new(text))?]))
    }
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Ok(Self(items(list)?))
    }
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Ok(Self(vec![full(map)?]))
    }
}

impl<'de, R: Deserialize<'de>> Form<'de> for TextOr<R> {
    fn from_text<E: Error>(text: String) -> Result<Self, E> {
        Ok(Self::Text(text))
    }
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Ok(Self::Full(full(map)?))
    }
}

impl<'de, R: Deserialize<'de>> Form<'de> for WordsOr<R> {
    fn from_text<E: Error>(text: String) -> Result<Self, E> {
        Ok(Self::Words(vec![text]))
    }
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Ok(Self::Words(items(list)?))
    }
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Ok(Self::Full(full(map)?))
    }
}

impl<'de, R: Deserialize<'de>> Form<'de> for FlagOr<R> {
    fn from_flag<E: Error>(flag: bool) -> Result<Self, E> {
        Ok(Self::Flag(flag))
    }
    fn from_text<E: Error>(text: String) -> Result<Self, E> {
        Ok(Self::Full(R::deserialize(StringDeserializer::new(text))?))
    }
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Ok(Self::Full(full(map)?))
    }
}

impl<'de, R: Deserialize<'de>> Form<'de> for CountOr<R> {
    fn from_count<E: Error>(count: u64) -> Result<Self, E> {
        Ok(Self::Count(count))
    }
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Ok(Self::Full(full(map)?))
    }
}

macro_rules! form {
    ($name:ident<$inner:ident>, $generator:ident, $schema:expr) => {
        impl<'de, $inner: Deserialize<'de>> Deserialize<'de> for $name<$inner> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Seen(PhantomData))
            }
        }

        impl<$inner: JsonSchema> JsonSchema for $name<$inner> {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                format!("{}_{}", stringify!($name), $inner::schema_name()).into()
            }
            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

form!(Named<T>, generator, {
    json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
});
form!(OneOrMany<T>, generator, {
    let one = generator.subschema_for::<T>();
    json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
});
form!(TextOr<R>, generator, json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<R>()] }));
form!(WordsOr<R>, generator, {
    let words = json_schema!({ "type": "array", "items": { "type": "string" } });
    json_schema!({ "anyOf": [{ "type": "string" }, words, generator.subschema_for::<R>()] })
});
form!(FlagOr<R>, generator, json_schema!({ "anyOf": [{ "type": "boolean" }, generator.subschema_for::<R>()] }));
form!(CountOr<R>, generator, {
    json_schema!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 255 }, generator.subschema_for::<R>()] })
});
