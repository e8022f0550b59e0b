//! Comments, which JSON does not have and models write.

use super::{Context, Parser};
use crate::value::Value;

impl Parser {
    /// Skips the comment that starts here, or a slash that starts none.
    fn skip_comment(&mut self) {
        match (self.cursor.char(), self.cursor.at(1)) {
            (Some('#'), _) => self.skip_line(true),
            (Some('/'), Some('/')) => self.skip_line(false),
            (Some('/'), Some('*')) => {
                self.cursor.index += 2;
                // `/*/` is a whole comment to json_repair, which looks for `*/` in the comment with its opening.
                let mut last = '*';
                while let Some(ch) = self.cursor.char() {
                    self.cursor.index += 1;
                    if last == '*' && ch == '/' {
                        break;
                    }
                    last = ch;
                }
            }
            (Some('/'), _) => self.cursor.index += 1,
            _ => {}
        }
    }

    /// Skips to the end of the line; a `#` comment also ends where the containers around it could go on.
    fn skip_line(&mut self, is_hash: bool) {
        let ends_at = |context| is_hash && self.is_within(context);
        let (array, value, key) = (ends_at(Context::Array), ends_at(Context::ObjectValue), ends_at(Context::ObjectKey));
        while let Some(ch) = self.cursor.char() {
            let ends = match ch {
                '\n' | '\r' => true,
                ']' => array,
                '}' => value,
                ':' => key,
                _ => false,
            };
            if ends {
                break;
            }
            self.cursor.index += 1;
        }
    }

    /// Skips comments; at the top level the value after them is read.
    pub(super) fn comment(&mut self) -> Value {
        loop {
            self.skip_comment();
            if !self.context.is_empty() {
                return Value::from("");
            }
            self.cursor.skip_space();
            if !matches!(self.cursor.char(), Some('#' | '/')) {
                return self.value();
            }
        }
    }

    pub(super) fn skip_space_and_comments(&mut self) {
        loop {
            self.cursor.skip_space();
            match (self.cursor.char(), self.cursor.at(1)) {
                (Some('#'), _) | (Some('/'), Some('/' | '*')) => self.skip_comment(),
                _ => return,
            }
        }
    }
}
