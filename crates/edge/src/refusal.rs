//! What the way in itself refuses, before any capability is asked.

/// A reason to refuse a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It cannot be understood.
    BadRequest,
    /// Its body is not JSON.
    MalformedJson,
    /// Its body broke off.
    IncompleteBody,
    /// Its body took too long to arrive.
    RequestTimeout,
    /// It is not the complete call of a component.
    CallIncomplete,
    /// Nobody is signed in.
    Unauthenticated,
    /// The caller does not hold the permission.
    Forbidden,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// The resource does not know the method.
    MethodNotAllowed,
    /// The condition of the request (`If-Match`) does not hold.
    PreconditionFailed,
    /// Its body is larger than the component takes.
    BodyTooLarge,
    /// Its body is of the wrong type.
    UnsupportedMediaType,
    /// Its body is compressed, or coded otherwise.
    UnsupportedContentCoding,
    /// Fields of it are not as they have to be.
    InvalidRequest,
    /// A defect of ours.
    InternalError,
}

impl Refusal {
    /// The stable name of the problem; `docs/problems/<code>.md` explains it.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::MalformedJson => "malformed_json",
            Self::IncompleteBody => "incomplete_body",
            Self::RequestTimeout => "request_timeout",
            Self::CallIncomplete => "call_incomplete",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::PreconditionFailed => "precondition_failed",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::UnsupportedContentCoding => "unsupported_content_coding",
            Self::InvalidRequest => "invalid_request",
            Self::InternalError => "internal_error",
        }
    }

    /// What the caller reads, where there is nothing more particular to say.
    pub(crate) const fn detail(self) -> &'static str {
        match self {
            Self::BadRequest => "The request is not one that can be understood.",
            Self::MalformedJson => "The request body is not JSON.",
            Self::IncompleteBody => "The request body broke off.",
            Self::RequestTimeout => "The request body did not arrive in time: it may take 30 seconds.",
            Self::CallIncomplete => {
                "Only components of this application call this, and say in headers on whose behalf."
            }
            Self::Unauthenticated => "Sign in: send `Authorization: Bearer <access token>`.",
            Self::Forbidden => "You do not hold the permission that this needs.",
            Self::NotFound => "There is nothing here, or nothing that you may see.",
            Self::MethodNotAllowed => "This resource does not know this method; `Allow` lists those it knows.",
            Self::PreconditionFailed => "It has changed since you read it; read it again.",
            Self::BodyTooLarge => "The request body is larger than this takes.",
            Self::UnsupportedMediaType => "The request body has to be JSON: send `Content-Type: application/json`.",
            Self::UnsupportedContentCoding => "Send the request body as it is, without `Content-Encoding`.",
            Self::InvalidRequest => "The request is well-formed, but not valid; `errors` says where.",
            Self::InternalError => "Something went wrong on our side. The correlation id helps us to find out what.",
        }
    }
}
