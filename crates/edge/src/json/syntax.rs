//! Is a text JSON, with each key of an object there once? Asked before its types are looked at.
//!
//! RFC 8259 (section 4) leaves it open what an object with two equal keys means, and parsers disagree; whoever checks a
//! request and whoever carries it out might read two different ones.

use std::{collections::HashSet, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

/// What is wrong with `text`, if it is not strict JSON.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.trim_ascii().is_empty() {
        return Err("The request body is empty; it has to be JSON.".to_owned());
    }
    let mut json = serde_json::Deserializer::from_str(text);
    Strict.deserialize(&mut json).and_then(|()| json.end()).map_err(|error| {
        // serde_json nests at most 128 levels deep, so that a body cannot overflow the stack.
        format!("The request body is not JSON that can be read: {error}.")
    })
}

/// Reads any value and keeps nothing of it.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(Strict)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if !seen.insert(key) {
                return Err(A::Error::custom("an object has the same key twice"));
            }
            entries.next_value_seed(Strict)?;
        }
        Ok(())
    }
}
