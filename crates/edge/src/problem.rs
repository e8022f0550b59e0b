//! Failures as their callers see them: problem details for HTTP APIs (RFC 9457).

use std::{borrow::Cow, collections::BTreeMap, error::Error, fmt::Write as _};

use axum::response::{IntoResponse, Response};
use fault::{Facts, Fault, FieldFault, Kind};
use http::{HeaderValue, StatusCode, header};
use ids::CorrelationId;
use serde::Serialize;

use crate::{refusal::Refusal, status};

/// The media type of a rendered problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Where the page of a problem code is.
const PAGES: &str = "https://kowai.dev/problems/";

/// What a caller is told of a failure that is not theirs to know.
const UNAVAILABLE: &str = "Something that this needs is not available right now. Try again later.";

/// A failure on its way to the caller.
///
/// Any [`Fault`] becomes one with `?`. As a response it carries no body yet: the stack writes that, because it knows the
/// correlation id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    fields: Vec<FieldFault>,
    members: Box<[(&'static str, String)]>,
    retry_after_ms: Option<u64>,
    cause: Option<Box<str>>,
}

impl Problem {
    /// A refusal of the way in itself; the problems of capabilities come from their [`Fault`]s.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self::because(refusal, refusal.detail())
    }

    /// A refusal with something more particular to say.
    pub(crate) fn because(refusal: Refusal, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: status::of_refusal(refusal),
            code: refusal.code(),
            detail: detail.into(),
            fields: Vec::new(),
            members: Box::default(),
            retry_after_ms: None,
            cause: None,
        }
    }

    /// There is no such thing, or the caller may not know of it.
    pub fn not_found() -> Self {
        Self::refused(Refusal::NotFound)
    }

    /// Some fields of the request, each named, are not as they have to be.
    pub fn invalid(fields: Vec<FieldFault>) -> Self {
        Self { fields, ..Self::refused(Refusal::InvalidRequest) }
    }

    /// A defect of ours; `cause` goes to the log, and nowhere else.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into().into()), ..Self::refused(Refusal::InternalError) }
    }

    /// The problem that stands for an error response that was not made by us.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let problem = match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::refused(Refusal::MethodNotAllowed),
            StatusCode::PAYLOAD_TOO_LARGE => Self::refused(Refusal::BodyTooLarge),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::refused(Refusal::UnsupportedMediaType),
            status if status.is_server_error() => {
                Self::internal(format!("a response of status {status} without a problem"))
            }
            _ => Self::refused(Refusal::BadRequest),
        };
        Self { status, ..problem }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable name of the problem.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The fields at fault.
    pub fn fields(&self) -> &[FieldFault] {
        &self.fields
    }

    /// What the log should say of a failure whose cause the caller does not learn.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Writes the cause to the log, where there is one. The stack does this for every problem that becomes a response;
    /// whoever sends one on another way (as an event of a stream) calls it once.
    pub fn log(&self) {
        if let Some(cause) = &self.cause {
            tracing::error!(code = self.code, status = self.status.as_u16(), cause, "failed");
        }
    }

    /// What goes over the wire; `application/problem+json` when serialized.
    pub fn body<'a>(&'a self, correlation_id: &'a CorrelationId) -> ProblemBody<'a> {
        ProblemBody { problem: self, correlation_id }
    }

    /// The complete response.
    pub(crate) fn render(&self, correlation_id: &CorrelationId) -> Response {
        let body = serde_json::to_vec(&self.body(correlation_id)).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, self.challenge());
        }
        if self.code == Refusal::UnsupportedContentCoding.code() {
            // What would be taken instead (RFC 9110, section 12.5.3).
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// How long to wait, in whole seconds (RFC 9110, section 10.2.3), rounded up so that nobody comes too early.
    fn retry_after(&self) -> Option<u64> {
        self.retry_after_ms.map(|millis| millis.div_ceil(1000))
    }

    /// What a client should do to be let in (RFC 6750, section 3).
    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static(match self.code {
            "invalid_token" | "token_expired" | "session_ended" => "Bearer realm=\"kowai\", error=\"invalid_token\"",
            _ => "Bearer realm=\"kowai\"",
        })
    }
}

impl<F: Fault> From<F> for Problem {
    fn from(fault: F) -> Self {
        let Facts { kind, code, retry_after_ms, members, fields } = fault.facts();
        let (detail, cause) = match kind {
            Kind::Unavailable => (UNAVAILABLE.into(), Some(chain(&fault).into())),
            Kind::Internal => (Refusal::InternalError.detail().into(), Some(chain(&fault).into())),
            _ => (fault.to_string().into(), None),
        };
        Self { status: status::of_kind(kind), code, detail, fields, members: members.into(), retry_after_ms, cause }
    }
}

/// The error and all that led to it: `Display` never repeats the source, so a chain of them reads well.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string does not fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem with the correlation id of the request that met it: what is serialized.
#[derive(Clone, Copy, Debug)]
pub struct ProblemBody<'a> {
    problem: &'a Problem,
    correlation_id: &'a CorrelationId,
}

impl Serialize for ProblemBody<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            r#type: String,
            title: String,
            status: u16,
            detail: &'a str,
            code: &'a str,
            correlation_id: &'a str,
            // The header of the same name is not there for those who read the problem in an event of a stream.
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after: Option<u64>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            errors: Vec<Field<'a>>,
            #[serde(flatten)]
            members: BTreeMap<&'a str, &'a str>,
        }
        #[derive(Serialize)]
        struct Field<'a> {
            pointer: &'a str,
            detail: &'a str,
        }

        let problem = self.problem;
        Wire {
            r#type: format!("{PAGES}{}", problem.code),
            title: title(problem.code),
            status: problem.status.as_u16(),
            detail: &problem.detail,
            code: problem.code,
            correlation_id: self.correlation_id.as_str(),
            retry_after: problem.retry_after(),
            members: problem.members.iter().map(|(name, value)| (*name, &**value)).collect(),
            errors: problem.fields.iter().map(|it| Field { pointer: &it.pointer, detail: &it.detail }).collect(),
        }
        .serialize(serializer)
    }
}

/// The code as words. A title is the same for every occurrence of a problem (RFC 9457, section 3.1.3).
fn title(code: &str) -> String {
    let mut title = code.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}
