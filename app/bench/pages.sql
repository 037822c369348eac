-- Rows first..last of a life of incidents: of 1,000 five are open, each has ten events, one came every five minutes.
-- Seven audit records, five pieces of evidence and a diagnosis each; a proposal with its report for nearly all.

INSERT INTO incidents_incident (
    id, number, status, status_at, epoch, attempts, title, summary, severity, failure_class, subtype, root_asset_id,
    connection_id, opened_by, signature, downstream_count, dashboard_count, opened_at, resolved_at, resolution,
    resolution_comment, follow_up_left, reopened)
SELECT n, n,
    CASE mod(n, 1000) WHEN 0 THEN 'awaiting_decision' WHEN 1 THEN 'awaiting_decision' WHEN 2 THEN 'escalated'
        WHEN 3 THEN 'open' WHEN 4 THEN 'watching' ELSE 'resolved' END,
    at, 0, 0, 'orders_' || n || ' is broken: a value never seen', 'Found by the drift check',
    (ARRAY['critical', 'high', 'warning', 'info', 'low'])[1 + mod(n, 5)],
    (ARRAY['infrastructure', 'code', 'data', 'transient'])[1 + mod(n, 4)],
    'unknown_category', 1 + mod(n, 500), 1 + mod(n, 2), '{}', md5(n::text), mod(n, 40), mod(n, 3), at,
    CASE WHEN mod(n, 1000) > 4 THEN at + interval '20 minutes' END,
    CASE WHEN mod(n, 1000) > 4 THEN 'fixed' ELSE '' END, '', 0, 0
FROM generate_series(%(first)s, %(last)s) n, LATERAL (SELECT now() - (%(last)s - n) * interval '5 minutes' AS at) t;

INSERT INTO incidents_event (id, connection_id, kind, fingerprint, received_at, payload, drained_at, attempts, error)
SELECT n * 10 + k, 1 + mod(n, 2), 'openlineage', md5(n || '-' || k), now() - (%(last)s - n) * interval '5 minutes',
    '{"eventType": "FAIL"}', now(), 0, ''
FROM generate_series(%(first)s, %(last)s) n, generate_series(0, 9) k;

INSERT INTO incidents_diagnosis (
    incident_id, failure_class, subtype, root_cause, claims, alternatives, confidence, inconclusive, produced_by, facts, at)
SELECT n, 'data', 'unknown_category', 'A value never seen', '[{"text": "A value never seen.", "cites": ["E1"]}]', '[]', 0.9,
    false, 'rules', '{}', now()
FROM generate_series(%(first)s, %(last)s) n;

INSERT INTO incidents_evidence (incident_id, label, kind, title, body, source, trust, at)
SELECT n, 'E' || k, 'log', 'Log', '{"lines": [{"n": 1, "text": "it failed", "hit": true}]}', 'run', 'untrusted', now()
FROM generate_series(%(first)s, %(last)s) n, generate_series(1, 5) k;

INSERT INTO approvals_proposal (
    id, status, status_at, epoch, attempts, incident_id, number, action, title, plan, risk, risk_reason, rehearsal, base,
    branches, staging, bound, fingerprint, policy, effect, expires_at, proposer, editors, status_reason, created_at)
SELECT n, CASE WHEN mod(n, 1000) < 2 THEN 'awaiting_decision' ELSE 'done' END, now(), 0, 0, n, 1, 'quarantine', 'Hold rows',
    %(plan)s::jsonb, 'low', '', 'branch', '{}', '[]', '{}', '{}', md5(n::text) || md5(n::text),
    '{"quorum": 1, "roles": ["approver"]}', '{}', now() + interval '3 hours',
    '{"type": "rules", "id": "rules", "name": "Rules"}', '{}', '', now()
FROM generate_series(%(first)s, %(last)s) n WHERE mod(n, 1000) NOT IN (2, 3);

INSERT INTO approvals_report (proposal_id, checks, sections, not_checked, green, sha256, verifier, seconds, created_at)
SELECT id, '[{"name": "rows", "title": "Rows", "state": "ok", "note": "10", "body": ""}]', '{}', '[]', true, '', '', 9, now()
FROM approvals_proposal WHERE id BETWEEN %(first)s AND %(last)s;

INSERT INTO core_auditrecord (
    event_id, time, event, severity, outcome, error_code, actor, session, source, correlation, subject, fingerprint, reason,
    before, after, detail, app_version, host, mac)
SELECT gen_random_uuid(), now() - (%(last)s - n) * interval '5 minutes',
    (ARRAY['incident.open', 'incident.diagnosing', 'incident.proposing', 'proposal.drafted', 'proposal.awaiting_decision',
        'decision.approve', 'incident.resolved'])[k], 'info', 'success', '',
    '{"id": "worker", "name": "Worker", "type": "service", "roles": []}', '{}', '{"door": "worker"}', n,
    jsonb_build_object('type', 'incident', 'id', n::text, 'name', 'INC-' || n), '', '', '', '', '{}', 'bench', 'bench', ''
FROM generate_series(%(first)s, %(last)s) n, generate_series(1, 7) k;
