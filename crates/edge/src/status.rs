//! Which HTTP status a failure becomes. Nothing else decides that.

use fault::Kind;
use http::StatusCode;

use crate::refusal::Refusal;

/// The status of a capability's failure.
pub(crate) const fn of_kind(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Gone => StatusCode::GONE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status of a refusal of the way in.
pub(crate) const fn of_refusal(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::BadRequest | Refusal::MalformedJson | Refusal::IncompleteBody | Refusal::CallIncomplete => {
            StatusCode::BAD_REQUEST
        }
        Refusal::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Refusal::Unauthenticated => of_kind(Kind::Unauthenticated),
        Refusal::Forbidden => of_kind(Kind::Forbidden),
        Refusal::NotFound => of_kind(Kind::NotFound),
        Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Refusal::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::UnsupportedMediaType | Refusal::UnsupportedContentCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::InvalidRequest => of_kind(Kind::Invalid),
        Refusal::InternalError => of_kind(Kind::Internal),
    }
}
