//! Thousands of requests that nobody would send: each gets an answer that makes sense, and nothing panics.

use super::*;
use crate::MEDIA_TYPE;

/// SplitMix64: the same requests in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((word ^ (word >> 31)) % sides as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.roll(choices.len())]
    }

    /// `seed` with a few bytes changed, inserted, removed or doubled.
    fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..self.roll(6) {
            let at = self.roll(bytes.len() + 1);
            match self.roll(4) {
                0 => bytes.insert(at, self.roll(256) as u8),
                1 if at < bytes.len() => bytes[at] = self.roll(256) as u8,
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..),
            }
        }
        bytes
    }
}

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW"];
const PATHS: &[&str] = &[
    "/hello",
    "/trace",
    "/client",
    "/me",
    "/conversations",
    "/internal",
    "/cats",
    "/cats/conv_1",
    "/tagged",
    "/away",
    "/axum/7",
    "/axum",
    "/events",
    "/",
    "//",
    "/cats?limit=5&cursor=ATQy",
    "/cats/%2e%2e?x=%00",
    "*",
];
const HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("content-length", "18446744073709551616"),
    ("authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."),
    ("x-request-id", "request-1"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("x-kowai-trace", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("x-kowai-workspace", "ws_019ab6a2c40070008000000000000000"),
    ("spin-client-addr", "127.0.0.1:1"),
    ("spin-full-url", "https://localhost/hello"),
    ("last-event-id", "7"),
    ("if-none-match", "\"7\""),
    ("if-match", "\"6\", \"7\""),
    ("if-match", "\"6\""),
    ("content-encoding", "gzip"),
    ("user-agent", "curl/8"),
    ("accept", "text/html"),
];
const BODIES: &[&[u8]] = &[
    b"",
    br#"{"name": "Tom", "age": 7, "nick_names": ["T"], "owner": {"name": "Ann"}}"#,
    br#"[[[[{"a": [1, 2.5e3, "\u00e9", null, true]}]]]]"#,
    b"name=Tom&age=7",
];

fn request(dice: &mut Dice) -> Option<Request<Body>> {
    let path = dice.pick(PATHS);
    let uri = String::from_utf8(dice.mutate(path.as_bytes())).ok().filter(|uri| uri.parse::<http::Uri>().is_ok());
    let mut builder = Request::builder().method(dice.pick(METHODS)).uri(uri.as_deref().unwrap_or(path));
    for _ in 0..dice.roll(6) {
        let (name, value) = HEADERS[dice.roll(HEADERS.len())];
        builder = builder.header(name, dice.mutate(value.as_bytes()));
    }
    let body = dice.pick(BODIES);
    // What the http crate refuses never reaches a component.
    builder.body(Body::from(dice.mutate(body))).ok()
}

#[tokio::test]
async fn whatever_comes_in_what_goes_out_makes_sense() {
    let fakes = Fakes::without_database();
    fakes.variables.set("auth_secret", "a secret of more than thirty-two bytes");
    fakes.clock.make_impatient();
    let app = app(&fakes);
    let mut dice = Dice(2026);
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..20_000 {
        let Some(request) = request(&mut dice) else { continue };
        let method = request.method().clone();
        let shown = format!("{number}: {request:?}");
        let answer = Answer::of(app.handle(request).await).await;
        *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
        check(&method, &answer, &shown);
    }
    for expected in [200, 304, 400, 401, 404, 405, 412, 415, 422, 503] {
        assert!(statuses.contains_key(&expected), "the requests are not hostile enough: {statuses:?}");
    }
    assert_eq!(statuses.keys().filter(|status| **status >= 500).collect::<Vec<_>>(), [&503], "{statuses:?}");
}

fn check(method: &http::Method, answer: &Answer, shown: &str) {
    let correlation_id = answer.header("x-request-id");
    assert!((1..=128).contains(&correlation_id.len()), "{shown}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{shown}");
    if let Some(length) = answer.headers.get("content-length")
        && method != http::Method::HEAD
    {
        assert_eq!(length.to_str().unwrap(), answer.body.len().to_string(), "{shown}");
    }
    if answer.status.as_u16() < 400 || method == http::Method::HEAD {
        return;
    }
    assert_eq!(answer.header("content-type"), MEDIA_TYPE, "{shown}");
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status.as_u16(), "{shown}");
    assert_eq!(problem["correlation_id"], correlation_id, "{shown}");
    assert_eq!(problem["type"], format!("https://kowai.dev/problems/{}", answer.code()), "{shown}");
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{shown}");
}
