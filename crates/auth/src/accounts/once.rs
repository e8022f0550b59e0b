//! Requests under an idempotency key, whose answers hold tokens. What is remembered of them is the id of a session; its tokens are
//! derived again, of the request and the server's key, and stored nowhere.

use std::time::Duration;

use host::sql::Statement;
use idempotency::{Attempt, IdempotencyError, Outcome, Owner, Stored};
use ids::SessionId;

use super::{AccountError, Accounts, SignedIn, registration::Registered, sign};
use crate::{account::Account, refresh::RefreshToken, repo, token::Keys};

/// What a key stands for whose request came to a letter.
pub(super) const LETTER: &str = "letter";

impl Accounts {
    /// Carries out `work` for `owner` as [`write`](Self::write) does; under the key of `attempt`, where it bears one, only once.
    pub(super) async fn write_once(
        &self,
        owner: Owner,
        attempt: Option<&Attempt>,
        outcome: &str,
        work: Vec<Statement>,
    ) -> Result<Stored, AccountError> {
        let Some(attempt) = attempt else {
            return Ok(if self.write(work).await? { Stored::Now } else { Stored::NothingMatched });
        };
        let (sql, now) = (&*self.host.sql, self.host.now());
        for pause_ms in [5, 10, 20, 40] {
            match attempt.store(sql, owner, outcome, work.clone(), now).await {
                Err(IdempotencyError::Sql(error)) if error.is_transient() => {}
                outcome => return Ok(outcome?),
            }
            self.host.clock.sleep(Duration::from_millis(pause_ms)).await;
        }
        Ok(attempt.store(sql, owner, outcome, work, now).await?)
    }

    /// What a registration of the holder of `email` under the key of `attempt` has come to before; none where there was none, or
    /// where the key was used for another request: whoever asks may be somebody else.
    pub(super) async fn registered_before(
        &self,
        email: &str,
        attempt: Option<&Attempt>,
        keys: &Keys,
    ) -> Result<Option<Outcome<Registered>>, AccountError> {
        let Some(attempt) = attempt else { return Ok(None) };
        let Some(account) = repo::accounts::by_email(&*self.host.sql, email).await? else { return Ok(None) };
        let value = match attempt.recall(&*self.host.sql, Owner::from(&account), self.host.now()).await {
            Ok(None) | Err(IdempotencyError::Reused) => return Ok(None),
            Ok(Some(outcome)) if outcome == LETTER => Registered::LetterSent,
            Ok(Some(session)) => {
                Registered::SignedIn(Box::new(self.session_again(&account, &session, attempt, keys).await?))
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Outcome { value, is_replay: true }))
    }

    /// The tokens of the session that the request of `attempt` began when it came first, for as long as its first refresh token
    /// has not been used: an older pair would end the session.
    pub(super) async fn session_again(
        &self,
        account: &Account,
        session: &str,
        attempt: &Attempt,
        keys: &Keys,
    ) -> Result<SignedIn, AccountError> {
        let session: SessionId = session.parse().map_err(|_| AccountError::NoLongerKept)?;
        let now = self.host.now();
        // The key may have changed since.
        for key in keys.all() {
            let first = RefreshToken::first_of(session, attempt, key);
            let Some(family) = self.living(&first.hash(), now).await? else { continue };
            if family.session == session && family.account.user == account.user && family.exchanged_for_ms.is_none() {
                return sign(family.account.principal(session), first, keys, family.made_at, now);
            }
        }
        Err(AccountError::NoLongerKept)
    }
}

impl From<&Account> for Owner {
    fn from(account: &Account) -> Self {
        Self { workspace: account.workspace, user: account.user }
    }
}
