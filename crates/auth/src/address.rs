//! E-mail addresses: one spelling for each mailbox, whatever its holder types and whichever database keeps it.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

/// An address is at most this long, in bytes (RFC 5321, section 4.5.3.1, with erratum 1690); what is before the `@` at most
/// [`MAX_LOCAL_BYTES`].
const MAX_EMAIL_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// The one spelling of an address under which an account is found, if `email` may be an address at all. Whether it is one,
/// only a letter to it could tell.
///
/// Before the `@`: NFC and lower case. Not accepted there are characters that another normalization would take for others
/// (full-width letters, ligatures; RFC 8264, section 9.17), and words that mix Latin, Greek and Cyrillic letters, which look
/// alike. After it: the Unicode form of a domain by UTS 46, which takes `bücher.example` and `xn--bcher-kva.example` for the
/// same and full-width dots for dots, without the dot of the root. Characters that nobody sees are accepted nowhere.
pub(crate) fn canonical_email(email: &str) -> Option<String> {
    let email = email.trim();
    // Before anything is made of it: hostile texts are long.
    if email.len() > 4 * MAX_EMAIL_BYTES || email.contains(is_invisible) {
        return None;
    }
    let (local, domain) = email.rsplit_once('@')?;
    let canonical = format!("{}@{}", canonical_local(local)?, canonical_domain(domain)?);
    (canonical.len() <= MAX_EMAIL_BYTES).then_some(canonical)
}

/// What `email`, in its one spelling, begins with.
pub(crate) fn local_part(email: &str) -> &str {
    email.split('@').next().unwrap_or_default()
}

fn canonical_local(local: &str) -> Option<String> {
    // Lower case can undo a composition, hence the second NFC.
    let canonical: String = local.nfc().collect::<String>().to_lowercase().nfc().collect();
    let one_form = canonical.nfkc().eq(canonical.chars());
    let plausible = !canonical.is_empty() && canonical.len() <= MAX_LOCAL_BYTES && !canonical.contains(is_special);
    (one_form && plausible && scripts_agree(&canonical)).then_some(canonical)
}

fn canonical_domain(domain: &str) -> Option<String> {
    let processor = Uts46::new();
    let (unicode, valid) = processor.to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    valid.ok()?;
    let unicode = unicode.strip_suffix('.').unwrap_or(&unicode);
    // What the domain name system cannot look up is none of its names.
    processor.to_ascii(unicode.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify).ok()?;
    Some(unicode.to_owned())
}

/// White space, control characters, and what RFC 5322 (section 3.2.3) wants quoted: we take no quoted addresses.
fn is_special(char: char) -> bool {
    char.is_whitespace() || char.is_control() || "\"(),:;<>@[\\]".contains(char)
}

/// True for characters that are not shown: `Default_Ignorable_Code_Point` of Unicode 16, with the bidirectional controls, and
/// those that stand for nothing.
fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// False where letters of more than one of the scripts that share their shapes stand side by side, as in `раypal` with two
/// Cyrillic letters (UTS 39, section 5.1). Words are told apart by `.`, `-`, `_` and `+`.
fn scripts_agree(local: &str) -> bool {
    local.split(['.', '-', '_', '+']).all(|word| {
        let mut scripts = word.chars().filter_map(Script::of);
        scripts.next().is_none_or(|first| scripts.all(|other| other == first))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
}

impl Script {
    /// The script of a letter, by its block; `None` for all that is of none of the three.
    fn of(char: char) -> Option<Self> {
        match char {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Some(Self::Latin),
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Some(Self::Greek),
            '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}' => {
                Some(Self::Cyrillic)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for (given, canonical) in [
            (" Ada.Lovelace@Example.ORG ", "ada.lovelace@example.org"),
            ("ada+tag@localhost", "ada+tag@localhost"),
            ("josé@bücher.example", "josé@bücher.example"),
            ("jose\u{301}@example.com", "josé@example.com"),
            ("x@xn--bcher-kva.example", "x@bücher.example"),
            ("x@B\u{dc}CHER.example", "x@bücher.example"),
            ("z@example.com.", "z@example.com"),
            ("z@example\u{ff0e}com", "z@example.com"),
            ("z@example\u{3002}com", "z@example.com"),
            ("z@ＥＸＡＭＰＬＥ.com", "z@example.com"),
            ("\u{212a}elvin@example.com", "kelvin@example.com"),
            ("admin@kowai.local", "admin@kowai.local"),
            ("мария@пример.рф", "мария@пример.рф"),
            ("мария.ada@example.com", "мария.ada@example.com"),
        ] {
            assert_eq!(canonical_email(given).as_deref(), Some(canonical), "{given}");
            assert_eq!(canonical_email(canonical).as_deref(), Some(canonical), "{canonical} is its own spelling");
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_none() {
        let long = format!("{}@example.org", "x".repeat(65));
        let longer = format!("ada@{}", "x.".repeat(130));
        let label = format!("ada@{}.example", "x".repeat(64));
        for hostile in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b..c",
            "a@.b",
            "a@b..",
            "a\r\nBcc: x@y",
            "a@b\0",
            "\"a\"@b",
            "<a@b>",
            "a@b@c",
            "a@b c",
            "a@-b.example",
            "a@xn--a.example",
            "a@[192.0.2.1]",
            &long,
            &longer,
            &label,
        ] {
            assert_eq!(canonical_email(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn what_looks_like_another_address_is_none() {
        for hostile in [
            "a\u{200b}da@example.com",
            "ada\u{ad}@example.com",
            "ada@exam\u{ad}ple.com",
            "ada@example\u{200b}.com",
            "a\u{2060}da@example.com",
            "ada\u{fe0f}@example.com",
            "\u{202e}ada@example.com",
            "ａda@example.com",
            "ﬁa@example.com",
            "р\u{430}ypal@example.com",
            "αda@example.com",
        ] {
            assert_eq!(canonical_email(hostile), None, "{hostile:?}");
        }
    }
}
