//! Passwords: hashed with argon2id, slowly, and compared without telling how wrong they are.

pub(crate) mod policy;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use host::Random;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 19 MiB, two passes, one lane: the OWASP Password Storage cheat sheet's minimum for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A hash of the same cost that no password is known for, so that an unknown address takes as long as a wrong password.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The password cannot be hashed: a defect, as its length was checked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password could not be hashed")]
pub struct HashError;

/// What a password turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    /// Right, but its hash was made in another way than today's: with other parameters, or of another Unicode form.
    RightButStale,
    Wrong,
}

/// The hash of `password`, in PHC format.
pub(crate) fn hash(password: &SecretString, random: &dyn Random) -> Result<String, HashError> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let normal = policy::normalize(password).ok_or(HashError)?;
    let hash = argon2().hash_password_with_salt(normal.expose_secret().as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|_| HashError)
}

/// Compares `password` with `hash`; without a hash, with nobody's, in the same time.
pub(crate) fn verify(password: &SecretString, hash: Option<&str>) -> Verdict {
    // No account has a password that is too long for a normal form. It is compared all the same: as quick an answer would say
    // nothing of an account, but its time would be one that no other answer has.
    let normal = policy::normalize(password).unwrap_or_default();
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODYS)) else { return Verdict::Wrong };
    let matches = |text: &SecretString| {
        argon2().verify_password(text.expose_secret().as_bytes(), &parsed).is_ok() && hash.is_some()
    };
    if matches(&normal) && !normal.expose_secret().is_empty() {
        return if is_current(&parsed) { Verdict::Right } else { Verdict::RightButStale };
    }
    // Accounts of the first version hashed what was typed, in whatever form that came.
    let raw = password.expose_secret();
    let differs = raw != normal.expose_secret() && raw.len() <= policy::MAX_BYTES;
    if differs && matches(password) { Verdict::RightButStale } else { Verdict::Wrong }
}

/// Compares two passwords that are both in clear, in a time that does not depend on where they differ.
pub(crate) fn is_same(one: &SecretString, other: &SecretString) -> bool {
    let digest = |password| policy::normalize(password).map(|it| Sha256::digest(it.expose_secret()));
    match (digest(one), digest(other)) {
        (Some(one), Some(other)) => one.ct_eq(&other).into(),
        _ => false,
    }
}

fn is_current(hash: &PasswordHash) -> bool {
    let params = Params::try_from(hash).ok();
    let same = params.is_some_and(|it| (it.m_cost(), it.t_cost(), it.p_cost()) == (MEMORY_KIB, PASSES, LANES));
    same && hash.algorithm == Algorithm::Argon2id.ident()
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;

    impl Random for Ones {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(1);
        }
    }

    fn secret(text: &str) -> SecretString {
        text.into()
    }

    #[test]
    fn only_the_right_password_is_right() {
        let hash = hash(&secret("correct horse"), &Ones).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$AQEBAQEBAQEBAQEBAQEBAQ$"), "{hash}");
        assert_eq!(verify(&secret("correct horse"), Some(&hash)), Verdict::Right);
        assert_eq!(verify(&secret("correct horsf"), Some(&hash)), Verdict::Wrong);
        assert_eq!(verify(&secret(""), Some(&hash)), Verdict::Wrong);
    }

    #[test]
    fn a_password_is_the_same_in_every_unicode_form() {
        let hash = hash(&secret("Caf\u{e9}-Pa\u{df}wort1"), &Ones).unwrap();
        assert_eq!(verify(&secret("Cafe\u{301}-Pa\u{df}wort1"), Some(&hash)), Verdict::Right);
        assert_eq!(verify(&secret("Cafe-Pa\u{df}wort1"), Some(&hash)), Verdict::Wrong);
    }

    #[test]
    fn a_hash_of_what_was_typed_is_stale() {
        let typed = "Cafe\u{301}-Pa\u{df}wort1";
        let hash = argon2().hash_password_with_salt(typed.as_bytes(), &[1; 16]).unwrap().to_string();
        assert_eq!(verify(&secret(typed), Some(&hash)), Verdict::RightButStale);
        assert_eq!(
            verify(&secret("Caf\u{e9}-Pa\u{df}wort1"), Some(&hash)),
            Verdict::Wrong,
            "it was typed in another form"
        );
    }

    #[test]
    fn nobody_is_compared_in_full_and_never_right() {
        assert!(PasswordHash::new(NOBODYS).is_ok_and(|hash| is_current(&hash)));
        assert_eq!(verify(&secret("anything at all"), None), Verdict::Wrong);
    }

    #[test]
    fn a_hash_of_other_parameters_is_stale() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let hash = weak.hash_password_with_salt(b"correct horse", &[1; 16]).unwrap().to_string();
        assert_eq!(verify(&secret("correct horse"), Some(&hash)), Verdict::RightButStale);
    }

    #[test]
    fn what_is_no_hash_and_what_is_too_long_fit_nothing() {
        assert_eq!(verify(&secret("x"), Some("plain text")), Verdict::Wrong);
        assert_eq!(verify(&secret(&"x".repeat(policy::MAX_BYTES + 1)), None), Verdict::Wrong);
        let empty = argon2().hash_password_with_salt(b"", &[1; 16]).unwrap().to_string();
        assert_eq!(verify(&secret(&"x".repeat(policy::MAX_BYTES + 1)), Some(&empty)), Verdict::Wrong);
    }

    #[test]
    fn two_passwords_in_clear_are_compared_in_their_normal_form() {
        assert!(is_same(&secret("Caf\u{e9} noir"), &secret("Cafe\u{301} noir")));
        assert!(!is_same(&secret("cafe noir"), &secret("cafe noit")));
        assert!(!is_same(&secret(&"x".repeat(5000)), &secret(&"x".repeat(5000))));
    }
}
