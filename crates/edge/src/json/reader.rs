//! Reads a value of Rust out of a tree, strictly: a struct from an object only, a number from a number only.
//!
//! serde's derived code would also read a struct from a sequence, so that `["ada@example.com", "secret"]` would sign in. What does
//! not fit is said in the words of JSON, with a pointer to it; what nobody reads is pointed to as well.

use std::cell::RefCell;

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::{BorrowedStrDeserializer, MapDeserializer},
    },
};

use super::{
    faults::{Faults, Place},
    tree::Tree,
    wrong::Wrong,
};

/// By this name `serde_json` (1.0, `raw.rs`) asks for a value as the text that it is, and it wants it in a map of that name.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// A value that is being read, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Reader<'r, 'de> {
    tree: &'de Tree<'de>,
    place: &'r Place<'r>,
    faults: &'r RefCell<Faults>,
}

impl<'r, 'de> Reader<'r, 'de> {
    /// Reads the whole of `tree`; what is unknown in it goes to `faults`.
    pub(super) fn new(tree: &'de Tree<'de>, faults: &'r RefCell<Faults>) -> Self {
        Self { tree, place: &Place::Root, faults }
    }

    /// `outcome`, whose error stands here, unless it is known to stand further inside.
    fn here<T>(self, outcome: Result<T, Wrong>) -> Result<T, Wrong> {
        outcome.map_err(|mut wrong| {
            wrong.pointer.get_or_insert_with(|| self.faults.borrow().pointer(self.place));
            wrong
        })
    }

    fn needs<T>(self, wanted: impl std::fmt::Display) -> Result<T, Wrong> {
        self.here(Err(Wrong::needs(wanted)))
    }

    fn list<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let Tree::List(values) = self.tree else { return self.needs("an array") };
        self.here(visitor.visit_seq(Values { left: values.iter(), index: 0, list: self }))
    }

    fn list_of<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Wrong> {
        match self.tree {
            Tree::List(values) if values.len() == length => self.list(visitor),
            _ => self.needs(format_args!("an array of {length} values")),
        }
    }

    fn object<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let Tree::Object(entries) = self.tree else { return self.needs("an object") };
        self.here(visitor.visit_map(Entries { left: entries.iter(), value: None, object: self }))
    }
}

/// Whole numbers: read from a number in range, or from the digits of a query.
macro_rules! whole_numbers {
    ($($deserialize:ident $visit:ident $type:ident,)*) => {
        $(
            fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
                let number = match self.tree {
                    Tree::Unsigned(number) => $type::try_from(*number).ok(),
                    Tree::Signed(number) => $type::try_from(*number).ok(),
                    // Rust would also take a plus sign; a number has one spelling only.
                    Tree::Spelled(text) => text.parse().ok().filter(|_| !text.starts_with('+')),
                    _ => None,
                };
                match number {
                    Some(number) => self.here(visitor.$visit(number)),
                    None => self.needs(format_args!("a whole number from {} to {}", $type::MIN, $type::MAX)),
                }
            }
        )*
    };
}

/// Texts, however they are to be handed over.
macro_rules! texts {
    ($($deserialize:ident)*) => {
        $(
            fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
                match self.tree {
                    Tree::Text(text) | Tree::Spelled(text) => self.here(visitor.visit_borrowed_str(text)),
                    _ => self.needs("a string"),
                }
            }
        )*
    };
}

/// Numbers that may have a fraction.
macro_rules! numbers {
    ($($deserialize:ident)*) => {
        $(
            fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
                let number = match self.tree {
                    Tree::Unsigned(number) => Some(*number as f64),
                    Tree::Signed(number) => Some(*number as f64),
                    Tree::Float(number) => Some(*number),
                    // Rust would also take "inf" and "NaN".
                    Tree::Spelled(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
                    _ => None,
                };
                match number {
                    Some(number) => self.here(visitor.visit_f64(number)),
                    None => self.needs("a number"),
                }
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = Wrong;

    whole_numbers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }
    numbers! { deserialize_f32 deserialize_f64 }
    texts! { deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.tree {
            Tree::Null => self.here(visitor.visit_unit()),
            Tree::Bool(value) => self.here(visitor.visit_bool(*value)),
            Tree::Unsigned(number) => self.here(visitor.visit_u64(*number)),
            Tree::Signed(number) => self.here(visitor.visit_i64(*number)),
            Tree::Float(number) => self.here(visitor.visit_f64(*number)),
            Tree::Text(text) | Tree::Spelled(text) => self.here(visitor.visit_borrowed_str(text)),
            Tree::List(_) => self.list(visitor),
            Tree::Object(_) => self.object(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.tree {
            Tree::Bool(value) => self.here(visitor.visit_bool(*value)),
            Tree::Spelled(text) if text == "true" || text == "false" => self.here(visitor.visit_bool(text == "true")),
            _ => self.needs("true or false"),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.tree {
            Tree::Null => self.here(visitor.visit_none()),
            _ => self.here(visitor.visit_some(self)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.tree {
            Tree::Null => self.here(visitor.visit_unit()),
            _ => self.needs("null"),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        if name == RAW_VALUE {
            let text = serde_json::to_string(self.tree).map_err(Wrong::custom)?;
            return self.here(visitor.visit_map(MapDeserializer::new(std::iter::once((RAW_VALUE, text)))));
        }
        self.here(visitor.visit_newtype_struct(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.list_of(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.list_of(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.object(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.object(visitor)
    }

    /// A variant without content is a text, one with content an object with one field.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.tree {
            Tree::Text(name) | Tree::Spelled(name) => self.here(visitor.visit_enum((&**name).into_deserializer())),
            Tree::Object(entries) => match entries.as_slice() {
                [(name, content)] => self.here(visitor.visit_enum(Variant { name, content, outer: self })),
                _ => self.needs("an object with one field"),
            },
            _ => self.needs("a string or an object"),
        }
    }

    /// What nobody reads is not a field of the request.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.faults.borrow_mut().unknown(self.place);
        visitor.visit_unit()
    }
}

struct Values<'r, 'de> {
    left: std::slice::Iter<'de, Tree<'de>>,
    index: usize,
    list: Reader<'r, 'de>,
}

impl<'de> SeqAccess<'de> for Values<'_, 'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some(tree) = self.left.next() else { return Ok(None) };
        let place = Place::Index(self.list.place, self.index);
        self.index += 1;
        let inner = Reader { tree, place: &place, faults: self.list.faults };
        inner.here(seed.deserialize(inner)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

struct Entries<'r, 'de> {
    left: std::slice::Iter<'de, (std::borrow::Cow<'de, str>, Tree<'de>)>,
    value: Option<(&'de str, &'de Tree<'de>)>,
    object: Reader<'r, 'de>,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((key, tree)) = self.left.next() else { return Ok(None) };
        self.value = Some((key, tree));
        self.object.here(seed.deserialize(BorrowedStrDeserializer::new(key))).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Wrong> {
        let Some((key, tree)) = self.value.take() else { return self.object.needs("an object") };
        let place = Place::Field(self.object.place, key);
        let inner = Reader { tree, place: &place, faults: self.object.faults };
        inner.here(seed.deserialize(inner))
    }
}

/// A variant with content.
struct Variant<'r, 'de> {
    name: &'de str,
    content: &'de Tree<'de>,
    outer: Reader<'r, 'de>,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Wrong> {
        let variant = seed.deserialize(BorrowedStrDeserializer::<Wrong>::new(self.name))?;
        Ok((variant, self))
    }
}

impl<'de> Variant<'_, 'de> {
    fn read<T>(self, read: impl FnOnce(Reader<'_, 'de>) -> Result<T, Wrong>) -> Result<T, Wrong> {
        let place = Place::Field(self.outer.place, self.name);
        read(Reader { tree: self.content, place: &place, faults: self.outer.faults })
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        self.outer.needs("a string")
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        self.read(|inner| inner.here(seed.deserialize(inner)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.read(|inner| inner.list_of(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        self.read(|inner| inner.object(visitor))
    }
}
