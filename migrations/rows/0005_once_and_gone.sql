-- Rows as the program of migration 5 wrote them, for the tests of later migrations. Understood by both databases.

INSERT INTO deleted_conversations (id, workspace_id, deleted_at, claimed_until) VALUES
    ('conv_0199b0f3000070008000000000000008', 'ws_0199b0f3000070008000000000000001', 1764000000000, 1764000030000);

INSERT INTO idempotency_keys (workspace_id, user_id, key_hash, fingerprint, outcome, created_at, expires_at) VALUES
    ('ws_0199b0f3000070008000000000000001', 'user_0199b0f3000070008000000000000002',
        '0000000000000000000000000000000000000000000000000000000000000009',
        '0000000000000000000000000000000000000000000000000000000000000010',
        'conv_0199b0f3000070008000000000000005', 1764000000000, 1764086400000);
