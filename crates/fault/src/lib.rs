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

/// What a caller is told of a failure, but for the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What kind of failure this is.
    pub kind: Kind,
    /// The stable name of the problem, in snake_case; `docs/problems/<code>.md` explains it.
    pub code: &'static str,
    /// How long the caller should wait before it tries again, in milliseconds, where that is known.
    pub retry_after_ms: Option<u64>,
    /// What a program needs to know to go on, by its name in the problem: the id of what stands in the way. A name is none of
    /// RFC 9457's, and not `code`, `correlation_id`, `errors` or `retry_after`.
    pub members: Vec<(&'static str, String)>,
    /// The fields at fault, where single fields are.
    pub fields: Vec<FieldFault>,
}

impl Facts {
    /// A failure of this kind and code, of which there is no more to say.
    pub const fn new(kind: Kind, code: &'static str) -> Self {
        Self { kind, code, retry_after_ms: None, members: Vec::new(), fields: Vec::new() }
    }
}

/// An error that may end up in front of a caller; [`faults!`] says what it is told.
///
/// `Display` is the sentence that the caller may read (unless the [kind](Self::kind) hides its cause) and never repeats
/// what [`source`](std::error::Error::source) says.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    /// All that a caller is told, but for the sentence.
    fn facts(&self) -> Facts;

    /// [`Facts::kind`].
    fn kind(&self) -> Kind {
        self.facts().kind
    }

    /// [`Facts::code`].
    fn code(&self) -> &'static str {
        self.facts().code
    }

    /// [`Facts::retry_after_ms`].
    fn retry_after_ms(&self) -> Option<u64> {
        self.facts().retry_after_ms
    }
}

/// Makes a type a [`Fault`]: a line for each of its failures says the [`Kind`], the code, and what else there is of [`Facts`]; or
/// that it is as another fault that it holds.
///
/// ```
/// #[derive(Debug, thiserror::Error)]
/// enum CatError {
///     #[error("the cat is away")]
///     Away,
///     #[error("there is no such cat")]
///     NotFound,
///     #[error(transparent)]
///     Invalid(#[from] fault::InvalidFields),
/// }
///
/// fault::faults! { CatError {
///     Self::Away => Unavailable "cat_away" { retry_after_ms: Some(1000) },
///     Self::NotFound => NotFound "cat_not_found",
///     Self::Invalid(error) => error,
/// } }
///
/// use fault::{Fault, Kind};
/// assert_eq!((CatError::Away.kind(), CatError::Away.retry_after_ms()), (Kind::Unavailable, Some(1000)));
/// assert_eq!(CatError::Invalid(fault::InvalidFields(vec![])).code(), "invalid_request");
/// ```
#[macro_export]
macro_rules! faults {
    ($type:ident { $(
        $failure:pat $(if $guard:expr)? => $what:ident $($code:literal)? $({ $($fact:ident: $value:expr),* $(,)? })?
    ),* $(,)? }) => {
        impl $crate::Fault for $type {
            fn facts(&self) -> $crate::Facts {
                match self {
                    $($failure $(if $guard)? => $crate::facts!($what $($code)? $({ $($fact: $value),* })?),)*
                }
            }
        }
    };
}

/// What a line of [`faults!`] says.
#[doc(hidden)]
#[macro_export]
macro_rules! facts {
    ($kind:ident $code:literal $({ $($fact:ident: $value:expr),* })?) => {
        $crate::Facts { $($($fact: $value,)*)? ..$crate::Facts::new($crate::Kind::$kind, $code) }
    };
    ($source:ident) => {
        $crate::Fault::facts($source)
    };
}

/// Fields of a request that are not as they have to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The request is well-formed, but not valid; `errors` says where.")]
pub struct InvalidFields(pub Vec<FieldFault>);

faults! { InvalidFields {
    Self(fields) => Invalid "invalid_request" { fields: fields.clone() },
} }
