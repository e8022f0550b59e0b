-- What makes a repeated request harmless, and what is left of deleted conversations.

-- Conversations that nobody sees any more and whose messages are being deleted in batches: the row has moved here from
-- `conversations`, so that no statement about conversations has to leave it out.
CREATE TABLE IF NOT EXISTS deleted_conversations (
    id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    workspace_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    deleted_at BIGINT NOT NULL,
    -- Until when, by the database's clock, an instance is believed to be at work on it.
    claimed_until BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY ix_deleted_conversations_claim (claimed_until)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- What was done for requests with an Idempotency-Key: a row is written in the transaction of what it names.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    workspace_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- SHA-256 of the key, in hexadecimal digits.
    key_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- SHA-256 of the request's method, path and body: another request under the same key is refused.
    fingerprint CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- What the request came to: the id of what it created.
    outcome VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id, key_hash),
    KEY ix_idempotency_keys_expiry (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
