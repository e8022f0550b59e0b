//! Passwords: hashed with argon2id, slowly, and compared without telling how wrong they are.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use host::Random;
use secrecy::{ExposeSecret, SecretString};

use crate::account::MAX_PASSWORD_BYTES;

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
    /// Right, but its hash was made with other parameters than today's.
    RightButStale,
    Wrong,
}

/// The hash of `password`, in PHC format.
pub(crate) fn hash(password: &SecretString, random: &dyn Random) -> Result<String, HashError> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let hash = argon2().hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|_| HashError)
}

/// Compares `password` with `hash`; without a hash, with nobody's, in the same time.
pub(crate) fn verify(password: &SecretString, hash: Option<&str>) -> Verdict {
    let password = password.expose_secret();
    // No account has such a password; hashing it would only cost.
    if password.len() > MAX_PASSWORD_BYTES {
        return Verdict::Wrong;
    }
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODYS)) else { return Verdict::Wrong };
    let matches = argon2().verify_password(password.as_bytes(), &parsed).is_ok();
    match (matches && hash.is_some(), is_current(&parsed)) {
        (false, _) => Verdict::Wrong,
        (true, true) => Verdict::Right,
        (true, false) => Verdict::RightButStale,
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
    fn a_hash_that_is_none_fits_no_password() {
        assert_eq!(verify(&secret("x"), Some("plain text")), Verdict::Wrong);
        assert_eq!(verify(&secret(&"x".repeat(MAX_PASSWORD_BYTES + 1)), None), Verdict::Wrong);
    }
}
