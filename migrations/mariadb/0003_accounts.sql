-- What accounts need beyond signing in: proven addresses, tokens that are sent to people, and limits on guessing.
-- Limits and slots belong to the deployment: who tries to sign in has no workspace yet.

-- When the holder of the address last proved to be its holder.
ALTER TABLE users ADD COLUMN IF NOT EXISTS email_verified_at BIGINT NULL;

-- Tokens for one purpose and one use: a new password, the proof of an address, an invitation. Only their SHA-256 is kept; the
-- token itself can be made again from the id and the server's key.
CREATE TABLE IF NOT EXISTS account_tokens (
    id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    token_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    workspace_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- Whose account it is about; null for an invitation, whose account is yet to be opened.
    user_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
    purpose VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- Of an invitation: whom it is for, null for anybody who has it, and the role that it gives.
    email VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    role VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY uq_account_tokens_hash (token_hash),
    KEY ix_account_tokens_user (user_id, purpose),
    KEY ix_account_tokens_expiry (expires_at),
    CONSTRAINT fk_account_tokens_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT fk_account_tokens_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- What would have been sent as a letter, for an administrator to hand on while nothing sends letters.
CREATE TABLE IF NOT EXISTS notices (
    id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    workspace_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    recipient VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    -- The token that the letter brings, if it brings one.
    token_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY ix_notices_expiry (expires_at),
    CONSTRAINT fk_notices_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT fk_notices_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- How fast somebody may guess. A bucket is a keyed hash of what is limited: an account, an address, a network.
CREATE TABLE IF NOT EXISTS sign_in_limits (
    bucket CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- When the bucket will be empty again, by the database's clock.
    drained_at BIGINT NOT NULL,
    -- Wrong passwords in a row.
    failures BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (bucket),
    KEY ix_sign_in_limits_updated (updated_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- Who hashes a password at the moment: so many rows, so many at a time. By the database's clock.
CREATE TABLE IF NOT EXISTS hashing_slots (
    slot BIGINT NOT NULL,
    taken_until BIGINT NOT NULL,
    -- Names whoever took it, so that nobody else gives it back.
    holder CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    PRIMARY KEY (slot)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
