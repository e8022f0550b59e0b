//! Pages, cursors and queries.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::*;

#[tokio::test]
async fn following_the_cursor_sees_everything_once() {
    let app = app_without_database();
    let mut seen = Vec::new();
    let mut query = "?limit=25".to_owned();
    loop {
        let page = get(&app, &format!("/cats{query}")).await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|cat| cat.as_i64().unwrap()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=25&cursor={next}");
    }
    assert_eq!(seen, (0..60).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_page_has_twenty_entries_unless_said() {
    let page = get(&app_without_database(), "/cats").await.json();
    assert_eq!(page["data"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn an_exhausted_list_ends_without_a_cursor() {
    let app = app_without_database();
    assert_eq!(get(&app, "/cats?limit=60").await.json()["next_cursor"], Value::Null);
    assert!(get(&app, "/cats?limit=59").await.json()["next_cursor"].is_string());
}

#[tokio::test]
async fn hostile_queries_are_pointed_to() {
    let app = app_without_database();
    let encode = |bytes: &[u8]| format!("cursor={}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    for (query, status, pointers) in [
        ("limit=0", 422, vec!["?limit"]),
        ("limit=101", 422, vec!["?limit"]),
        ("limit=-1", 422, vec!["?limit"]),
        ("limit=", 422, vec!["?limit"]),
        ("limit=9999999999999999999999", 422, vec!["?limit"]),
        ("limit=1&limit=2", 422, vec!["?limit"]),
        ("limit=20;DROP%20TABLE%20users", 422, vec!["?limit"]),
        ("limt=5", 422, vec!["?limt"]),
        ("cursor=", 422, vec!["?cursor"]),
        ("cursor=7", 422, vec!["?cursor"]),
        ("cursor=%F0%9F%90%88", 422, vec!["?cursor"]),
        (&encode(b"\x0142 OR 1=1"), 422, vec!["?cursor"]),
        (&encode(b"\x0242"), 422, vec!["?cursor"]),
        (&encode(b"\x01\xff"), 422, vec!["?cursor"]),
        (&encode(&[1; 300]), 422, vec!["?cursor"]),
        ("cursor=%ff%fe", 400, vec![]),
        (&encode(b"\x0142"), 200, vec![]),
        ("", 200, vec![]),
        ("&&", 200, vec![]),
    ] {
        let answer = get(&app, &format!("/cats?{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}: {}", answer.body);
        assert_eq!(answer.pointers(), pointers, "{query}");
    }
}

#[tokio::test]
async fn what_is_no_id_names_nothing() {
    let app = app_without_database();
    assert_eq!(get(&app, "/cats/conv_019ab6a2c40070008000000000000000").await.status, StatusCode::OK);
    for hostile in [
        "x",
        "conv_019AB6A2C40070008000000000000000",
        "user_019ab6a2c40070008000000000000000",
        "conv_019ab6a2c40070008000000000000000%00",
        "%27%20OR%201%3D1%20--",
        "..%2F..%2Fetc%2Fpasswd",
        "%ff",
        "%F0%9F%90%88",
    ] {
        let answer = get(&app, &format!("/cats/{hostile}")).await;
        assert!(matches!(answer.status.as_u16(), 400 | 404), "{hostile}: {}", answer.body);
        assert!(matches!(answer.code().as_str(), "not_found" | "bad_request"), "{hostile}: {}", answer.body);
    }
}
