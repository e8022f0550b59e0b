//! Who guesses has to wait, and who does not guess need not.

use super::*;

async fn attempt(deployment: &Deployment, email: &str, password: &str, address: &str) -> (u16, Value, Option<u64>) {
    let request = Request::post("/v1/auth/login")
        .header("content-type", "application/json")
        .header("spin-client-addr", format!("{address}:4711"));
    let body = json!({ "email": email, "password": password }).to_string();
    let response = deployment.app.handle(request.body(Body::from(body)).unwrap()).await;
    let retry_after = response.headers().get("retry-after").map(|it| it.to_str().unwrap().parse().unwrap());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap(), retry_after)
}

/// Lets so much time pass for limits, which are told by the database's clock.
async fn pass(deployment: &Deployment, ms: i64) {
    let statement = "UPDATE sign_in_limits SET drained_at = drained_at - ?, locked_until = locked_until - ?";
    deployment.fakes.host.sql.execute(Statement::new(statement).bind(ms).bind(ms)).await.unwrap();
}

#[tokio::test]
async fn wrong_passwords_lock_an_account_for_ever_longer_and_a_right_one_ends_that() {
    let deployment = Deployment::new().await;
    deployment.ada().await;
    let guess = || attempt(&deployment, "ada@example.com", "difference engine", "192.0.2.7");
    for _ in 0..5 {
        assert_eq!(guess().await.0, 401);
    }
    for wanted in [1, 2, 4, 8] {
        let (status, body, retry_after) = guess().await;
        assert_eq!((status, &body["code"], retry_after), (429, &json!("too_many_requests"), Some(wanted)));
        pass(&deployment, 1000 * wanted as i64).await;
        assert_eq!(guess().await.0, 401);
    }
    let right = || attempt(&deployment, "ada@example.com", "analytical engine", "192.0.2.7");
    assert_eq!(right().await.0, 429, "the right password does not open a lock");
    pass(&deployment, 16_000).await;
    assert_eq!(right().await.0, 200);
    assert_eq!(guess().await.0, 401, "failures are forgotten");
    assert_eq!(right().await.0, 200);
}

#[tokio::test]
async fn a_lock_is_never_longer_than_a_quarter_of_an_hour() {
    let deployment = Deployment::new().await;
    let guess = || attempt(&deployment, "eve@example.com", "difference engine", "192.0.2.7");
    guess().await;
    for _ in 0..3 {
        deployment
            .fakes
            .host
            .sql
            .execute(Statement::new("UPDATE sign_in_limits SET failures = 60, locked_until = 0"))
            .await
            .unwrap();
        assert_eq!(guess().await.0, 401);
        assert_eq!(guess().await.2, Some(900));
        pass(&deployment, 900_000).await;
    }
}

#[tokio::test]
async fn nobody_is_locked_out_by_somebody_elsewhere() {
    let deployment = Deployment::new().await;
    deployment.ada().await;
    for _ in 0..10 {
        attempt(&deployment, "ada@example.com", "difference engine", "203.0.113.9").await;
    }
    assert_eq!(attempt(&deployment, "ada@example.com", "analytical engine", "203.0.113.9").await.0, 429);
    assert_eq!(attempt(&deployment, "ada@example.com", "analytical engine", "192.0.2.7").await.0, 200);
}

#[tokio::test]
async fn who_tries_many_accounts_from_one_address_or_network_has_to_wait() {
    let deployment = Deployment::new().await;
    let guess = async |number: usize, address: &str| {
        attempt(&deployment, &format!("{number}@example.com"), "difference engine", address).await
    };
    let mut admitted = 0;
    let retry_after = loop {
        match guess(admitted, "192.0.2.7").await {
            (401, ..) => admitted += 1,
            (status, _, retry_after) => break (status, retry_after),
        }
    };
    // On a slow machine some room is made while it is used.
    assert!((20..40).contains(&admitted), "{admitted}");
    assert!(matches!(retry_after, (429, Some(1..=3))), "{retry_after:?}");
    assert_eq!(guess(41, "192.0.2.8").await.0, 401);
    pass(&deployment, 3000).await;
    assert_eq!(guess(42, "192.0.2.7").await.0, 401);
}

#[tokio::test]
async fn who_is_right_is_not_limited_by_it() {
    let deployment = Deployment::new().await;
    deployment.ada().await;
    for _ in 0..25 {
        assert_eq!(attempt(&deployment, "ada@example.com", "analytical engine", "192.0.2.7").await.0, 200);
    }
}

#[tokio::test]
async fn an_unknown_address_is_limited_like_a_known_one() {
    let deployment = Deployment::new().await;
    deployment.fakes.variables.set("bootstrap_admin_email", "root@example.com");
    deployment.fakes.variables.set("bootstrap_admin_password", "keys to the kingdom");
    deployment.ada().await;
    let mut seen = Vec::new();
    for (email, network) in
        [("ada@example.com", "192.0.2.7"), ("eve@example.com", "192.0.3.7"), ("root@example.com", "192.0.4.7")]
    {
        let mut answers = Vec::new();
        for _ in 0..7 {
            let (status, mut body, retry_after) = attempt(&deployment, email, "difference engine", network).await;
            body["correlation_id"] = Value::Null;
            answers.push((status, body, retry_after));
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[tokio::test]
async fn the_address_behind_a_trusted_proxy_counts() {
    let deployment = Deployment::new().await;
    deployment.fakes.variables.set("trusted_proxies", "1");
    let guess = async |number: usize, client: &str| {
        let request = Request::post("/v1/auth/login")
            .header("content-type", "application/json")
            .header("spin-client-addr", "10.0.0.1:4711")
            .header("x-forwarded-for", format!("6.6.6.{number}, {client}"));
        let body = json!({ "email": format!("{number}@example.com"), "password": "difference engine" });
        ask(&deployment.app, request, body.to_string()).await.0
    };
    let mut admitted = 0;
    while guess(admitted, "192.0.2.7").await == 401 {
        admitted += 1;
        assert!(admitted < 40, "whatever it says of those before it");
    }
    assert!(admitted >= 20, "{admitted}");
    assert_eq!(guess(41, "198.51.100.1").await, 401);
}
