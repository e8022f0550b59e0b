//! The words for failure, shared by everything that can fail in front of a caller.
//!
//! A capability's error says *what kind* of failure it is ([`Kind`]) and carries a stable [code](Fault::code); which HTTP
//! status that becomes is decided in one place, by `edge`. This crate knows neither HTTP nor JSON.

use std::borrow::Cow;

/// What kind of failure an error is, as far as its caller is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request cannot be carried out as it is; sending it again will not help.
    Invalid,
    /// Nobody is signed in, or the credentials are wrong.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// There was such a thing, and it is not kept any more.
    Gone,
    /// The request contradicts the present state.
    Conflict,
    /// Too many requests; the caller should slow down.
    Throttled,
    /// Something we need is not there right now; the same request may work later.
    Unavailable,
    /// A defect of ours.
    Internal,
}

impl Kind {
    /// True where the client must learn nothing of the cause: the log tells it instead.
    pub fn hides_its_cause(self) -> bool {
        matches!(self, Self::Unavailable | Self::Internal)
    }
}

/// One field of a request at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// Where: a JSON Pointer (RFC 6901) into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong with it, for a human reader.
    pub detail: Cow<'static, str>,
}

impl FieldFault {
    /// A fault at `pointer`, described by `detail`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// An error that may end up in front of a caller.
///
/// `Display` is the sentence that the caller may read (unless the [kind](Self::kind) hides its cause) and never repeats
/// what [`source`](std::error::Error::source) says.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    /// What kind of failure this is.
    fn kind(&self) -> Kind;

    /// The stable name of the problem, in snake_case; `docs/problems/<code>.md` explains it.
    fn code(&self) -> &'static str;

    /// How long the caller should wait before it tries again, in milliseconds, where that is known.
    fn retry_after_ms(&self) -> Option<u64> {
        None
    }

    /// What a program needs to know to go on, by its name in the problem: the id of what stands in the way. A name is none of
    /// RFC 9457's, and not `code`, `correlation_id`, `errors` or `retry_after`.
    fn members(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The fields at fault, where single fields are.
    fn fields(&self) -> Vec<FieldFault> {
        Vec::new()
    }
}
