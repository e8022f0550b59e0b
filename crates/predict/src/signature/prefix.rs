//! Prefixes made from field names. No prompt shows them; saved programs keep them.

use crate::python::unicode::{capitalize, is_upper};

/// The words of an identifier with capitals, as DSPy derives a field's prefix: `userID` gives `User ID`.
///
/// ```
/// assert_eq!(predict::signature::infer_prefix("gpt4o_mini"), "Gpt 4 O Mini");
/// ```
#[must_use]
pub fn infer_prefix(name: &str) -> String {
    let snake = split_before_words(name);
    let snake = split_between(&snake, |left, right| is_lower_or_digit(left) && right.is_ascii_uppercase());
    let snake = split_between(&snake, |left, right| left.is_ascii_alphabetic() && is_decimal(right));
    let snake = split_between(&snake, |left, right| is_decimal(left) && right.is_ascii_alphabetic());
    let words = snake.split('_').map(|word| if is_upper(word) { word.to_owned() } else { capitalize(word) });
    words.collect::<Vec<_>>().join(" ")
}

/// `(.)([A-Z][a-z]+)` with an underscore between the groups.
fn split_before_words(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut split = String::with_capacity(name.len() + 8);
    let mut at = 0;
    while at < chars.len() {
        let word = chars.get(at + 1).is_some_and(char::is_ascii_uppercase)
            && chars.get(at + 2).is_some_and(char::is_ascii_lowercase)
            && chars[at] != '\n';
        split.push(chars[at]);
        at += 1;
        if word {
            split.push('_');
            split.push(chars[at]);
            at += 1;
            while at < chars.len() && chars[at].is_ascii_lowercase() {
                split.push(chars[at]);
                at += 1;
            }
        }
    }
    split
}

/// `(x)(y)` with an underscore between; as in a regular expression, a matched `y` cannot be the next `x`.
fn split_between(text: &str, is_border: impl Fn(char, char) -> bool) -> String {
    let mut split = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(left) = chars.next() {
        split.push(left);
        if let Some(right) = chars.next_if(|right| is_border(left, *right)) {
            split.push('_');
            split.push(right);
        }
    }
    split
}

fn is_lower_or_digit(ch: char) -> bool {
    ch.is_ascii_lowercase() || ch.is_ascii_digit()
}

/// `\d` of Python's `re`: decimal digits of any script.
fn is_decimal(ch: char) -> bool {
    use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
    ch.general_category() == GeneralCategory::DecimalNumber
}
