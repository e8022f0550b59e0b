-- Rows as the program of migration 3 wrote them, for the tests of later migrations. Understood by both databases.

INSERT INTO account_tokens (id, token_hash, workspace_id, user_id, purpose, email, role, created_at, expires_at, used_at) VALUES
    ('tok_0199b0f3000070008000000000000008', '0000000000000000000000000000000000000000000000000000000000000008',
        'ws_0199b0f3000070008000000000000001', 'user_0199b0f3000070008000000000000002', 'password_reset', NULL, NULL,
        1764000000000, 1764003600000, NULL),
    ('tok_0199b0f3000070008000000000000009', '0000000000000000000000000000000000000000000000000000000000000009',
        'ws_0199b0f3000070008000000000000001', NULL, 'invitation', 'bob@example.com', 'member', 1764000000000, 1764600000000,
        NULL);

INSERT INTO notices (id, workspace_id, user_id, kind, recipient, token_id, created_at, expires_at) VALUES
    ('note_0199b0f300007000800000000000000a', 'ws_0199b0f3000070008000000000000001', 'user_0199b0f3000070008000000000000002',
        'password_reset', 'ada@example.com', 'tok_0199b0f3000070008000000000000008', 1764000000000, 1764003600000);

INSERT INTO sign_in_limits (bucket, drained_at, failures, locked_until, updated_at) VALUES
    ('000000000000000000000000000000000000000000000000000000000000000b', 1764000000000, 3, 0, 1764000000000);

INSERT INTO hashing_slots (slot, taken_until) VALUES (0, 0);
