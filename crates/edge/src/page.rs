//! Keyset pages: the next page begins after the last key of this one, whatever was written in between.

use std::{fmt::Display, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// What a cursor of this kind begins with. A later kind gets another number, and the old cursors a clear answer.
const VERSION: u8 = 1;

/// The longest cursor, in bytes; ours are shorter.
const MAX_CURSOR_BYTES: usize = 256;

/// The query of a list that has no filters: `Query<Paging<ConversationId>>`. A list with filters has a struct of its own
/// with these two fields and more.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(bound = "K: FromStr")]
pub struct Paging<K> {
    /// How many entries the page has at most.
    #[serde(default)]
    pub limit: Limit,
    /// Where the page begins; none for the first page.
    pub cursor: Option<Cursor<K>>,
}

impl<K> Paging<K> {
    /// The key that the page begins after.
    pub fn after(self) -> Option<K> {
        self.cursor.map(|Cursor(key)| key)
    }
}

/// How many entries a page has at most: 1 to 100, 20 unless said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    const MAX: u8 = 100;

    /// The limit.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// The limit, as databases count.
    pub fn rows(&self) -> i64 {
        i64::from(self.0)
    }

    /// One more than the limit: how many rows to ask for, so that [`Page::of`] sees whether there is a next page.
    pub fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let limit = text.parse().ok().filter(|limit| (1..=Self::MAX).contains(limit));
        limit.map(Self).ok_or_else(|| D::Error::custom("has to be a number from 1 to 100"))
    }
}

/// Where a page begins, in a form that clients pass on and do not read: a key, wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<K>(pub K);

impl<K: Display> Cursor<K> {
    fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.0.to_string().as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl<K: FromStr> Cursor<K> {
    fn decode(text: &str) -> Option<Self> {
        if text.len() > MAX_CURSOR_BYTES {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let key = std::str::from_utf8(bytes.strip_prefix(&[VERSION])?).ok()?;
        key.parse().ok().map(Self)
    }
}

impl<'de, K: FromStr> Deserialize<'de> for Cursor<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::decode(&text).ok_or_else(|| D::Error::custom("is not a cursor of this list"))
    }
}

impl<K: Display> Serialize for Cursor<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.encode())
    }
}

/// A page of a list, as it goes over the wire: `{"data": [...], "next_cursor": null}`.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Where the next page begins; none where this is the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The page of `rows`, of which [`Limit::and_one`] were asked for; `key` is what they are ordered by.
    pub fn of<K: Display>(mut rows: Vec<T>, limit: Limit, key: impl Fn(&T) -> K) -> Self {
        let has_more = rows.len() > limit.get();
        rows.truncate(limit.get());
        Self::ending(rows, has_more, key)
    }

    /// The page of `rows`, which is followed by another one if it `has_more`, however many rows it could have had.
    pub fn ending<K: Display>(rows: Vec<T>, has_more: bool, key: impl Fn(&T) -> K) -> Self {
        let next_cursor = rows.last().filter(|_| has_more).map(|last| Cursor(key(last)).encode());
        Self { data: rows, next_cursor }
    }

    /// The same page of what `wire` makes of its entries.
    pub fn map<U>(self, wire: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(wire).collect(), next_cursor: self.next_cursor }
    }
}
