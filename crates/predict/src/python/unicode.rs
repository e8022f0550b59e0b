//! Python's classes of characters, which are not quite Rust's.
//!
//! Source: the documentation of `str.isspace`, `str.isalnum`, `str.isprintable` and `str.capitalize` (Python 3.11) and of
//! the Unicode general categories they are defined by.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// `str.isspace`: Unicode's white space and the four information separators U+001C to U+001F.
#[must_use]
pub fn is_space(ch: char) -> bool {
    ch.is_whitespace() || matches!(ch, '\u{1c}'..='\u{1f}')
}

/// `str.isalpha`: letters of any kind; unlike Rust's `is_alphabetic`, no combining marks and no letter numbers.
#[must_use]
pub fn is_alpha(ch: char) -> bool {
    ch.is_ascii_alphabetic() || (!ch.is_ascii() && ch.general_category_group() == GeneralCategoryGroup::Letter)
}

/// `str.isalnum`: letters and numbers of any kind, no combining marks.
#[must_use]
pub fn is_alnum(ch: char) -> bool {
    if ch.is_ascii() {
        return ch.is_ascii_alphanumeric();
    }
    matches!(ch.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
}

/// `\w` of Python's `re`: [`is_alnum`] and the underscore.
#[must_use]
pub fn is_word(ch: char) -> bool {
    ch == '_' || is_alnum(ch)
}

/// `str.isdigit`: decimal digits of any script, superscripts and the digits in circles, stops and brackets.
#[must_use]
pub fn is_digit(ch: char) -> bool {
    if ch.is_ascii() {
        return ch.is_ascii_digit();
    }
    // Numeric_Type=Digit of Unicode 14, which Rust's libraries do not have.
    const DIGITS: [(u32, u32); 18] = [
        (0x00b2, 0x00b3),
        (0x00b9, 0x00b9),
        (0x1369, 0x1371),
        (0x19da, 0x19da),
        (0x2070, 0x2070),
        (0x2074, 0x2079),
        (0x2080, 0x2089),
        (0x2460, 0x2468),
        (0x2474, 0x247c),
        (0x2488, 0x2490),
        (0x24ea, 0x24ea),
        (0x24f5, 0x24fd),
        (0x24ff, 0x24ff),
        (0x2776, 0x277e),
        (0x2780, 0x2788),
        (0x278a, 0x2792),
        (0x10a40, 0x10a43),
        (0x1f100, 0x1f10a),
    ];
    const MORE_DIGITS: [(u32, u32); 2] = [(0x10e60, 0x10e68), (0x11052, 0x1105a)];
    let code = u32::from(ch);
    let listed = DIGITS.iter().chain(&MORE_DIGITS).any(|(first, last)| (*first..=*last).contains(&code));
    listed || ch.general_category() == GeneralCategory::DecimalNumber
}

/// `str.isprintable` for one character: what `repr` shows as it is.
#[must_use]
pub fn is_printable(ch: char) -> bool {
    if ch.is_ascii() {
        return matches!(ch, ' '..='~');
    }
    !matches!(ch.general_category_group(), GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator)
}

/// `str.isupper`: at least one upper-case character and no lower- or title-case one.
#[must_use]
pub fn is_upper(text: &str) -> bool {
    let is_title = |ch: char| ch.general_category() == GeneralCategory::TitlecaseLetter;
    text.chars().any(char::is_uppercase) && !text.chars().any(|ch| ch.is_lowercase() || is_title(ch))
}

/// `str.capitalize`: the first character in title case, the rest in lower case.
#[must_use]
pub fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    title_case(first) + &chars.as_str().to_lowercase()
}

/// Title case of one character. Rust has upper case only; the two differ for the Latin digraphs and where upper case
/// takes several letters (`ß` gives `SS`, in title case `Ss`).
fn title_case(ch: char) -> String {
    match ch {
        '\u{1c4}'..='\u{1c6}' => "\u{1c5}".to_owned(),
        '\u{1c7}'..='\u{1c9}' => "\u{1c8}".to_owned(),
        '\u{1ca}'..='\u{1cc}' => "\u{1cb}".to_owned(),
        '\u{1f1}'..='\u{1f3}' => "\u{1f2}".to_owned(),
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => ch.to_string(),
        _ => {
            let mut upper = ch.to_uppercase();
            let head = upper.next().map(String::from).unwrap_or_default();
            head + &upper.flat_map(char::to_lowercase).collect::<String>()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combining_marks_are_no_word_characters() {
        assert!(is_word('à') && is_word('٣') && is_word('½'));
        assert!(!is_word('\u{300}') && !is_word('-'));
    }

    #[test]
    fn separators_are_space_and_zero_width_is_not() {
        assert!(is_space('\u{1c}') && is_space('\u{85}') && is_space('\u{a0}') && is_space('\u{3000}'));
        assert!(!is_space('\u{200b}') && !is_space('\u{feff}'));
    }

    #[test]
    fn capitals_follow_python() {
        assert_eq!(capitalize("hELLO wORLD"), "Hello world");
        assert_eq!(capitalize("ßa"), "Ssa");
        assert_eq!(capitalize("ǆ"), "ǅ");
        assert!(is_upper("ID2") && !is_upper("2") && !is_upper("Id"));
    }
}
