//! Which passwords an account may get (NIST SP 800-63B, section 5.1.1.2): long enough, and not what is tried first.

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

/// How long a password is, in characters of its normal form.
const MIN_CHARS: usize = 8;
const MAX_CHARS: usize = 256;

/// How long it may be as it comes, in bytes: normalizing costs.
pub(crate) const MAX_BYTES: usize = 4096;

/// How many characters have to be left of a password without what everybody knows of its holder.
const MIN_OWN_CHARS: usize = 4;

/// Words that passwords are made of by adding digits and signs, and passwords that are made otherwise: one a line, in lower
/// case, from what lists of leaked passwords begin with.
const STEMS: &str = include_str!("stems.txt");
const COMMON: &str = include_str!("common.txt");

/// The name of the application, which is what everybody tries.
const APPLICATION: &str = "kowai";

/// The form in which a password is counted, compared and hashed: NFKC, so that it is the same from every keyboard. `None`
/// where it is too long to be one.
pub(crate) fn normalize(password: &SecretString) -> Option<SecretString> {
    let text = password.expose_secret();
    if text.len() > MAX_BYTES {
        return None;
    }
    let normal: String = text.nfkc().collect();
    (normal.chars().count() <= MAX_CHARS).then(|| normal.into())
}

/// What is wrong with `password` for somebody with this address and this name, for them to read.
pub(crate) fn fault(password: &SecretString, email: &str, name: &str) -> Option<&'static str> {
    let Some(normal) = normalize(password) else { return Some("has to have at most 256 characters") };
    let normal = normal.expose_secret();
    if normal.chars().count() < MIN_CHARS {
        return Some("has to have at least 8 characters");
    }
    let folded = normal.to_lowercase();
    if is_common(&folded) {
        return Some("is one of the passwords that are tried first; choose another");
    }
    let known = email.split(['@', '.', '-', '_', '+']).chain(name.split_whitespace()).chain([email, name, APPLICATION]);
    let mut known: Vec<String> = known.map(str::to_lowercase).filter(|word| word.chars().count() > 2).collect();
    // The longest first, because the shorter ones are parts of them.
    known.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let own = known.iter().fold(folded.clone(), |rest, word| rest.replace(word.as_str(), ""));
    let too_little = own != folded && own.chars().count() < MIN_OWN_CHARS;
    too_little.then_some("is hardly more than what everybody knows of you; choose another")
}

/// True of a password in lower case that is on a list, or on it but for digits and signs around it and in place of letters,
/// or that consists of one or two characters or of a row of neighbours.
fn is_common(password: &str) -> bool {
    let listed = |list: &str, wanted: &str| list.lines().any(|line| line == wanted);
    let stem = |text: &str| text.trim_matches(|char: char| !char.is_alphabetic()).to_owned();
    let plain: String = password.chars().map(without_disguise).collect();
    // `p4ssw0rd!` is a word in disguise with a sign after it, `password1!` one with a digit that looks like a letter.
    let trimmed: String =
        password.trim_end_matches(|char: char| !char.is_alphabetic()).chars().map(without_disguise).collect();
    listed(COMMON, password)
        || [stem(password), stem(&plain), stem(&trimmed)].iter().any(|stem| is_made_of_stems(stem))
        || is_monotonous(password)
}

/// True where `text` is a listed word, or one twice or more.
fn is_made_of_stems(text: &str) -> bool {
    STEMS.lines().any(|stem| text.strip_prefix(stem).is_some_and(|rest| rest.replace(stem, "").is_empty()))
}

/// What a sign stands for that is used in place of a letter.
fn without_disguise(char: char) -> char {
    match char {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        other => other,
    }
}

fn is_monotonous(password: &str) -> bool {
    let mut distinct: Vec<char> = password.chars().collect();
    let steps =
        |by: i64| distinct.windows(2).all(|pair| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0])) == by);
    if steps(1) || steps(-1) {
        return true;
    }
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() < 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(password: &str) -> Option<&'static str> {
        fault(&password.into(), "ada.lovelace@example.org", "Ada Lovelace")
    }

    #[test]
    fn a_password_that_nobody_tries_first_will_do() {
        for good in
            ["correct horse battery staple", "analytical engine", "tr0ub4dor&3x", "ödipus-komplex", "🐈🐕🐦🐟🐄🐖🐎🐑"]
        {
            assert_eq!(said(good), None, "{good}");
        }
    }

    #[test]
    fn length_is_counted_in_characters_of_the_normal_form() {
        assert_eq!(said("kurz→1"), Some("has to have at least 8 characters"));
        assert_eq!(said("u\u{308}o\u{308}a\u{308}xq"), Some("has to have at least 8 characters"), "NFKC has five");
        assert_eq!(said(&"xyzzy-".repeat(42)), None);
        assert_eq!(said(&"xyzzy-".repeat(43)), Some("has to have at most 256 characters"));
        assert_eq!(said(&"x".repeat(MAX_BYTES + 1)), Some("has to have at most 256 characters"));
    }

    #[test]
    fn what_is_tried_first_will_not_do() {
        for bad in [
            "12345678",
            "password",
            "Password1!",
            "P@ssw0rd",
            "p4ssw0rd123",
            "qwertyuiop",
            "iloveyou2",
            "Summer2026!",
            "letmein!!",
            "passwordpassword",
            "aaaaaaaa",
            "abababab",
            "abcdefgh",
            "hgfedcba",
            "23456789",
            "1q2w3e4r",
            "ｐａｓｓｗｏｒｄ",
            "Welcome01",
        ] {
            assert_eq!(said(bad), Some("is one of the passwords that are tried first; choose another"), "{bad}");
        }
    }

    #[test]
    fn what_everybody_knows_of_its_holder_will_not_do() {
        for bad in ["ada.lovelace@example.org", "lovelace1", "Lovelace42", "AdaLovelace", "kowaikowai1", "kowai-ada"] {
            assert!(said(bad).is_some(), "{bad}");
        }
        assert_eq!(said("lovelace of the engine"), None);
    }

    #[test]
    fn the_lists_are_in_the_form_that_is_compared() {
        for line in STEMS.lines().chain(COMMON.lines()) {
            assert_eq!(line.nfkc().collect::<String>().to_lowercase(), line);
        }
    }
}
