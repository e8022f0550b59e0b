//! Keys as clients send them, and requests that bear one.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

/// An idempotency key: 1 to 255 visible ASCII characters that a client has made up, a UUID for example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// A header is no idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Self::DETAIL)]
pub struct MalformedKey;

impl MalformedKey {
    /// What is wrong, as a predicate of the header.
    pub const DETAIL: &str = "has to be 1 to 255 visible ASCII characters, bare or in quotes (RFC 8941, section 3.3.3)";
}

impl Key {
    const MAX_BYTES: usize = 255;

    /// The key in the value of a header: a String of RFC 8941 (section 3.3.3), as the draft has it, or, as most clients send it,
    /// bare. Both spellings are the same key.
    pub fn parse(value: &[u8]) -> Result<Self, MalformedKey> {
        let value = value.trim_ascii();
        let text = match value.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted.strip_suffix(b"\"").ok_or(MalformedKey)?)?,
            None => value.to_vec(),
        };
        let is_bare = text.len() == value.len();
        let visible = |byte: &u8| byte.is_ascii_graphic() && !(is_bare && *byte == b'"');
        if !(1..=Self::MAX_BYTES).contains(&text.len()) || !text.iter().all(visible) {
            return Err(MalformedKey);
        }
        String::from_utf8(text).map(Self).map_err(|_| MalformedKey)
    }
}

/// The text between quotes, in which `\"` and `\\` stand for what follows the backslash.
fn unquote(quoted: &[u8]) -> Result<Vec<u8>, MalformedKey> {
    let (mut text, mut bytes) = (Vec::with_capacity(quoted.len()), quoted.iter().copied());
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'"' => return Err(MalformedKey),
            b'\\' => bytes.next().filter(|escaped| b"\"\\".contains(escaped)).ok_or(MalformedKey)?,
            byte => byte,
        });
    }
    Ok(text)
}

/// A request that bears a key. Neither the key nor the request can be told from it.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    key_hash: String,
    fingerprint: String,
    seed: [u8; 32],
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key_hash, fingerprint, .. } = self;
        f.debug_struct("Attempt").field("key_hash", key_hash).field("fingerprint", fingerprint).finish_non_exhaustive()
    }
}

impl Attempt {
    /// The request `method path` with `body`, sent under `key`. A body that is written in another way is another body.
    pub fn new(key: &Key, method: &str, path: &str, body: &[u8]) -> Self {
        // Neither a method nor a path has a line break.
        let fingerprint = Sha256::new().chain_update(format!("{method}\n{path}\n")).chain_update(body).finalize();
        // Neither this nor the key is ever stored, and a key has no line break.
        let seed = Sha256::new().chain_update(format!("seed\n{}\n", key.0)).chain_update(fingerprint).finalize();
        Self { key_hash: hex(&Sha256::digest(&key.0)), fingerprint: hex(&fingerprint), seed: seed.into() }
    }

    /// What only who sends this request can know: of the key and the request, and in no row. For secrets of an answer that are
    /// derived again when the request is repeated, with a key of the server, and so are stored nowhere.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// What stands for the key in rows.
    pub(crate) fn key_hash(&self) -> &str {
        &self.key_hash
    }

    /// What stands for the request in rows.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_bare_or_in_quotes() {
        let parsed = |value: &str| Key::parse(value.as_bytes()).ok().map(|Key(text)| text);
        for (value, key) in [
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", Some("8e03978e-40d5-43dd-bc93-6894a57f9324")),
            ("\"8e03978e\"", Some("8e03978e")),
            (r#""a\"b\\c""#, Some(r#"a"b\c"#)),
            (" a ", Some("a")),
            ("", None),
            ("\"\"", None),
            ("\"", None),
            ("\"a", None),
            ("a\"", None),
            ("a b", None),
            ("\"a\"b\"", None),
            (r#""a\b""#, None),
            ("\"a\";b=1", None),
            ("é", None),
            ("a\u{7f}", None),
        ] {
            assert_eq!(parsed(value).as_deref(), key, "{value}");
        }
        assert!(parsed(&"k".repeat(255)).is_some() && parsed(&"k".repeat(256)).is_none());
    }

    #[test]
    fn requests_are_the_same_only_where_all_of_them_is() {
        let key = Key::parse(b"k").unwrap();
        let first = Attempt::new(&key, "POST", "/a", b"{}");
        assert_eq!(first, Attempt::new(&Key::parse(b"\"k\"").unwrap(), "POST", "/a", b"{}"));
        let other_key = Attempt::new(&Key::parse(b"l").unwrap(), "POST", "/a", b"{}");
        assert_ne!(first.seed(), other_key.seed());
        assert!(!format!("{first:?}").contains("seed"));
        for (method, path, body) in
            [("PUT", "/a", "{}"), ("POST", "/b", "{}"), ("POST", "/a", "{ }"), ("POST", "/", "a{}")]
        {
            assert_ne!(first.fingerprint(), Attempt::new(&key, method, path, body.as_bytes()).fingerprint());
        }
    }
}
