//! Ends a transaction the way its work ended.

use host::sql::Transaction;

use crate::error::ChatError;

/// Makes the work of `transaction` so if its `outcome` is a success; otherwise undoes it, and keeps the connection.
pub(crate) async fn conclude<T, E: From<ChatError>>(
    transaction: Box<dyn Transaction>,
    outcome: Result<T, E>,
) -> Result<T, E> {
    match outcome {
        Ok(value) => {
            transaction.commit().await.map_err(ChatError::from)?;
            Ok(value)
        }
        Err(error) => {
            // Where this fails the connection is lost, and the transaction with it.
            if let Err(lost) = transaction.rollback().await {
                tracing::debug!(%lost, "a transaction ended with its connection");
            }
            Err(error)
        }
    }
}
