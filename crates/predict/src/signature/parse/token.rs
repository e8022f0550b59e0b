//! The tokens of a Python parameter list.

use unicode_normalization::UnicodeNormalization;

use super::SignatureError;
use crate::python::literal_eval::literal_eval;
use crate::python::unicode::{is_alpha, is_word};
use crate::value::Value;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// An identifier or a keyword, in NFKC as Python reads it.
    Name(String),
    /// A string literal's text.
    Text(String),
    /// A number literal.
    Number(Value),
    /// `...`
    Ellipsis,
    /// One of `,:[]|.()=`
    Punctuation(char),
}

/// Splits one side of a signature.
pub(super) fn tokenize(text: &str) -> Result<Vec<Token>, SignatureError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(ch) = chars.get(at).copied() {
        let rest = &chars[at..];
        let (token, len) = match ch {
            ' ' | '\t' | '\n' | '\r' | '\u{c}' => {
                at += 1;
                continue;
            }
            '\'' | '"' => string(rest)?,
            '.' if rest.starts_with(&['.', '.', '.']) => (Token::Ellipsis, 3),
            ',' | ':' | '[' | ']' | '|' | '.' | '(' | ')' | '=' => (Token::Punctuation(ch), 1),
            '0'..='9' => number(rest)?,
            _ if ch == '_' || is_alpha(ch) => name(rest),
            _ => return Err(SignatureError::Syntax(rest.iter().take(20).collect())),
        };
        tokens.push(token);
        at += len;
    }
    Ok(tokens)
}

fn name(rest: &[char]) -> (Token, usize) {
    // Combining marks may continue an identifier although they are no word characters of Python's `re`.
    let is_mark = |ch: char| unicode_normalization::char::is_combining_mark(ch);
    let len = rest.iter().take_while(|ch| is_word(**ch) || is_mark(**ch)).count();
    (Token::Name(rest[..len].iter().copied().nfkc().collect()), len)
}

fn number(rest: &[char]) -> Result<(Token, usize), SignatureError> {
    let len = rest.iter().take_while(|ch| is_word(**ch) || **ch == '.').count();
    let written: String = rest[..len].iter().collect();
    match literal_eval(&written) {
        Some(value) => Ok((Token::Number(value), len)),
        None => Err(SignatureError::Syntax(written)),
    }
}

/// A quoted text with the escapes that a literal type may need.
fn string(rest: &[char]) -> Result<(Token, usize), SignatureError> {
    let quote = rest[0];
    let mut text = String::new();
    let mut at = 1;
    while let Some(ch) = rest.get(at).copied() {
        at += 1;
        match ch {
            _ if ch == quote => return Ok((Token::Text(text), at)),
            '\n' => break,
            '\\' => {
                let escaped = rest.get(at).copied().unwrap_or('\\');
                at += 1;
                match escaped {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    '\\' | '\'' | '"' => text.push(escaped),
                    other => text.extend(['\\', other]),
                }
            }
            _ => text.push(ch),
        }
    }
    Err(SignatureError::Syntax(rest.iter().take(20).collect()))
}
