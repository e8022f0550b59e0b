//! Limits and slots.

use super::*;
use crate::{
    limits::{self as rules, Bucket, LimitError, Visitor},
    repo::limits::{count_failure, forget_old, give_back, give_slot_back, states, take_slot},
    token::TokenKey,
};
use host::sql::Statement;

fn buckets(email: &str) -> Vec<Bucket> {
    let key = TokenKey::new(&[1; 32]);
    Visitor { key: &key, address: "192.0.2.7".parse().ok() }.signing_in(email)
}

/// How often an attempt is let through before it is refused, and for how long it then is.
async fn admitted(fakes: &Fakes, buckets: &[Bucket]) -> (usize, u64) {
    for count in 0.. {
        match rules::admit(&fakes.host, buckets).await {
            Ok(()) => {}
            Err(LimitError::TooMany { retry_after_ms }) => return (count, retry_after_ms),
            Err(error) => panic!("{error:?}"),
        }
    }
    unreachable!("nothing was refused")
}

#[tokio::test]
async fn a_bucket_takes_what_fits_and_drains() {
    for (_database, fakes) in hosts().await {
        let buckets = buckets("ada@example.com");
        let (count, wait_ms) = admitted(&fakes, &buckets[..1]).await;
        assert!((20..24).contains(&count), "{count}, where some drain on a slow machine");
        assert!((1..=3000).contains(&wait_ms), "{wait_ms}");
        let later = "UPDATE sign_in_limits SET drained_at = drained_at - 6000";
        fakes.host.sql.execute(Statement::new(later)).await.unwrap();
        assert!((2..5).contains(&admitted(&fakes, &buckets[..1]).await.0));
        let given_back = give_back(&buckets[0]);
        for _ in 0..3 {
            run(&*fakes.host.sql, given_back.clone()).await;
        }
        assert!((3..6).contains(&admitted(&fakes, &buckets[..1]).await.0));
    }
}

#[tokio::test]
async fn what_one_bucket_refuses_is_not_taken_from_the_others() {
    for (_database, fakes) in hosts().await {
        let (ada, eve) = (buckets("ada@example.com"), buckets("eve@example.com"));
        admitted(&fakes, &ada).await;
        let of_eve = states(&*fakes.host.sql, &eve[2..]).await.unwrap();
        assert!(of_eve.is_empty());
        // Eve's buckets are made by the attempt that her address refuses, and nothing is in them.
        assert_eq!(admitted(&fakes, &eve).await.0, 0);
        let of_eve = states(&*fakes.host.sql, &eve[2..]).await.unwrap();
        assert!(of_eve.len() == 2 && of_eve.iter().all(|state| state.drained_in_ms <= 0), "{of_eve:?}");
    }
}

#[tokio::test]
async fn wrong_passwords_in_a_row_lock_a_bucket_for_twice_as_long_each_time() {
    for (_database, fakes) in hosts().await {
        let (sql, bucket) = (&*fakes.host.sql, buckets("ada@example.com").pop().unwrap());
        rules::admit(&fakes.host, std::slice::from_ref(&bucket)).await.unwrap();
        let mut locks = Vec::new();
        for _ in 0..17 {
            run(sql, count_failure(&bucket)).await;
            let found = states(sql, std::slice::from_ref(&bucket)).await.unwrap();
            // What has passed since is less than the shortest lock, or this machine is too slow for any clock.
            locks.push((found[0].locked_for_ms.max(0) + 999) / 1000);
        }
        assert_eq!(locks, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        run(sql, give_back(&bucket)).await;
        assert!(rules::admit(&fakes.host, std::slice::from_ref(&bucket)).await.is_ok());
    }
}

#[tokio::test]
async fn of_many_at_once_as_many_hash_as_there_are_slots() {
    for (_database, fakes) in hosts().await {
        let sql = &*fakes.host.sql;
        for at_once in [1, 2] {
            let take = |holder: usize| async move {
                let mut taken = Vec::new();
                for slot in 0..at_once {
                    let holder = format!("{holder:032}");
                    if take_slot(sql, slot, &holder, 60_000).await.unwrap() {
                        taken.push((slot, holder));
                        break;
                    }
                }
                taken
            };
            let taken = futures::future::join_all((0..10).map(take)).await.concat();
            assert_eq!(taken.len(), at_once as usize, "{taken:?}");
            for (slot, holder) in taken {
                give_slot_back(sql, slot, "somebody else").await.unwrap();
                assert!(!take_slot(sql, slot, "x", 60_000).await.unwrap());
                give_slot_back(sql, slot, &holder).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_slot_that_is_not_given_back_is_free_again_some_day() {
    for (_database, fakes) in hosts().await {
        fakes.clock.make_impatient();
        let sql = &*fakes.host.sql;
        assert!(take_slot(sql, 0, "whoever died", 60_000).await.unwrap());
        assert!(matches!(rules::in_turn(&fakes.host, 1, || ()).await, Err(LimitError::Busy)));
        sql.execute(Statement::new("UPDATE hashing_slots SET taken_until = taken_until - 60000")).await.unwrap();
        assert!(matches!(rules::in_turn(&fakes.host, 1, || 7).await, Ok(7)));
        assert!(matches!(rules::in_turn(&fakes.host, 1, || 8).await, Ok(8)), "it was given back");
    }
}

#[tokio::test]
async fn buckets_that_nobody_asks_for_are_forgotten() {
    for (_database, fakes) in hosts().await {
        let sql = &*fakes.host.sql;
        rules::admit(&fakes.host, &buckets("ada@example.com")).await.unwrap();
        forget_old(sql).await.unwrap();
        let rows = async || sql.query(Statement::new("SELECT bucket FROM sign_in_limits")).await.unwrap().len();
        assert_eq!(rows().await, 4);
        sql.execute(Statement::new("UPDATE sign_in_limits SET updated_at = updated_at - 86500000")).await.unwrap();
        forget_old(sql).await.unwrap();
        assert_eq!(rows().await, 0);
    }
}
