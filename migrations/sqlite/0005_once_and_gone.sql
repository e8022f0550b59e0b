-- What makes a repeated request harmless, and what is left of deleted conversations.

-- Conversations that nobody sees any more and whose messages are being deleted in batches: the row has moved here from
-- `conversations`, so that no statement about conversations has to leave it out.
CREATE TABLE IF NOT EXISTS deleted_conversations (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    deleted_at INTEGER NOT NULL,
    -- Until when, by the database's clock, an instance is believed to be at work on it.
    claimed_until INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS ix_deleted_conversations_claim ON deleted_conversations (claimed_until);

-- What was done for requests with an Idempotency-Key: a row is written in the transaction of what it names.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- SHA-256 of the key, in hexadecimal digits.
    key_hash TEXT NOT NULL,
    -- SHA-256 of the request's method, path and body: another request under the same key is refused.
    fingerprint TEXT NOT NULL,
    -- What the request came to: the id of what it created.
    outcome TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id, key_hash)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS ix_idempotency_keys_expiry ON idempotency_keys (expires_at);
