//! How long a text is for a model, without its tokenizer.

/// How many bytes of UTF-8 count as a token.
pub const BYTES_PER_TOKEN: usize = 4;

/// An estimate of the tokens in `text`, rather too many than too few.
///
/// A token of the common tokenizers is about four characters of English. Counted in bytes of UTF-8 instead of characters
/// the rule also holds for scripts whose tokens are shorter (Cyrillic, Chinese, emoji).
pub fn estimate_tokens(text: &str) -> u64 {
    u64::try_from(text.len().div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_grows_with_the_text_and_its_script() {
        for (text, tokens) in [("", 0), ("a", 1), ("four", 1), ("fives", 2), ("你好世界", 3), ("🌍🌍", 2)] {
            assert_eq!(estimate_tokens(text), tokens, "{text}");
        }
    }
}
