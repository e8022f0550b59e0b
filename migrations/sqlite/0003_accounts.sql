-- What accounts need beyond signing in: proven addresses, tokens that are sent to people, and limits on guessing.
-- Limits and slots belong to the deployment: who tries to sign in has no workspace yet.

-- When the holder of the address last proved to be its holder.
ALTER TABLE users ADD COLUMN email_verified_at INTEGER NULL;

-- Tokens for one purpose and one use: a new password, the proof of an address, an invitation. Only their SHA-256 is kept; the
-- token itself can be made again from the id and the server's key.
CREATE TABLE IF NOT EXISTS account_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash TEXT NOT NULL,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    -- Whose account it is about; null for an invitation, whose account is yet to be opened.
    user_id TEXT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    -- Of an invitation: whom it is for, null for anybody who has it, and the role that it gives.
    email TEXT NULL,
    role TEXT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS uq_account_tokens_hash ON account_tokens (token_hash);

CREATE INDEX IF NOT EXISTS ix_account_tokens_user ON account_tokens (user_id, purpose);

CREATE INDEX IF NOT EXISTS ix_account_tokens_expiry ON account_tokens (expires_at);

-- What would have been sent as a letter, for an administrator to hand on while nothing sends letters.
CREATE TABLE IF NOT EXISTS notices (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    user_id TEXT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    -- The token that the letter brings, if it brings one.
    token_id TEXT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS ix_notices_expiry ON notices (expires_at);

-- How fast somebody may guess. A bucket is a keyed hash of what is limited: an account, an address, a network.
CREATE TABLE IF NOT EXISTS sign_in_limits (
    bucket TEXT NOT NULL PRIMARY KEY,
    -- When the bucket will be empty again, by the database's clock.
    drained_at INTEGER NOT NULL,
    -- Wrong passwords in a row.
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS ix_sign_in_limits_updated ON sign_in_limits (updated_at);

-- Who hashes a password at the moment: so many rows, so many at a time. By the database's clock.
CREATE TABLE IF NOT EXISTS hashing_slots (
    slot INTEGER NOT NULL PRIMARY KEY,
    taken_until INTEGER NOT NULL,
    -- Names whoever took it, so that nobody else gives it back.
    holder TEXT NULL
) WITHOUT ROWID;
