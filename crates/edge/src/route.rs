//! A route, and who may call it.

use std::fmt;

use crate::guard::Needs;

/// A route and who may call it; as text, one line of the list that a test keeps golden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, parameters in braces: `/v1/auth/sessions/{id}`.
    pub path: &'static str,
    /// What is asked of callers.
    pub needs: Needs,
    /// What becomes of it when it is sent twice, where that is not said by its method (RFC 9110, section 9.2.2): of a POST.
    pub repeats: Option<Repeats>,
}

/// What becomes of a POST that is sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Under the same `Idempotency-Key` it happens once.
    Keyed,
    /// To do it twice is to do it once, or whoever may call it sees to that.
    Harmless,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<6} {:<48} {}", self.method, self.path, self.needs)?;
        match self.repeats {
            None => Ok(()),
            Some(Repeats::Keyed) => f.write_str(", keyed"),
            Some(Repeats::Harmless) => f.write_str(", repeatable"),
        }
    }
}
