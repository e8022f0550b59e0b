-- Rows as the program of migration 1 wrote them, for the tests of later migrations. Understood by both databases.

INSERT INTO workspaces (id, name, created_at) VALUES ('ws_0199b0f3000070008000000000000001', 'Ada''s; workspace', 1764000000000);

INSERT INTO users (id, workspace_id, email, name, password_hash, roles, status, created_at, updated_at) VALUES
    ('user_0199b0f3000070008000000000000002', 'ws_0199b0f3000070008000000000000001', 'ada@example.com', 'Ada',
        '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA', '["owner"]', 'active', 1764000000000, 1764000000000);

INSERT INTO sessions (id, workspace_id, user_id, user_agent, address, created_at, last_used_at, expires_at, revoked_at) VALUES
    ('sess_0199b0f3000070008000000000000003', 'ws_0199b0f3000070008000000000000001', 'user_0199b0f3000070008000000000000002',
        NULL, '127.0.0.1', 1764000000000, 1764000000000, 1766592000000, NULL);

INSERT INTO refresh_tokens (token_hash, workspace_id, session_id, created_at, expires_at, used_at) VALUES
    ('0000000000000000000000000000000000000000000000000000000000000004', 'ws_0199b0f3000070008000000000000001',
        'sess_0199b0f3000070008000000000000003', 1764000000000, 1766592000000, 1764000001000);

INSERT INTO signing_keys (id, secret, created_at) VALUES ('access', 'c2VjcmV0', 1764000000000);
