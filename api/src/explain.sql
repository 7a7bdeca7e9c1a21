WITH alert AS (SELECT * FROM alerts WHERE alert_id = '{alert}'),
records AS (
  SELECT user_id, record['topic'] AS topic, record['partition'] AS part, record['first_offset'] AS first_offset,
         record['last_offset'] AS last_offset
  FROM (SELECT user_id, unnest(offsets) AS record FROM alert)),
measured AS (
  SELECT m.*, r.topic FROM measurements m JOIN records r ON m.user_id = r.user_id AND m.partition = r.part
  WHERE r.topic = 'manpasik.measurement.packet' AND m.first_offset <= r.last_offset AND m.last_offset >= r.first_offset),
findings AS (SELECT rule, unnest(findings) AS finding FROM alert)
SELECT 1 AS place, 'rule' AS kind, rule AS name, NULL AS at, NULL AS topic, NULL AS partition, NULL AS first_offset,
       NULL AS last_offset, NULL AS packets, NULL AS window_start, NULL AS window_end, NULL AS value, rule_version AS text,
       NULL AS unit, NULL AS limits, rule_set AS source FROM alert
UNION ALL
SELECT 2, 'change', 'raised', raised_at AS at, NULL, NULL, NULL, NULL, NULL, onset, raised_at AS window_end, NULL, NULL, NULL,
       NULL, NULL FROM alert
UNION ALL
SELECT 3, 'change', CASE state WHEN 'cleared' THEN 'cleared' ELSE 'newest' END, changed_at, NULL, NULL, NULL, NULL, NULL,
       window_start, window_end, CAST(score AS DOUBLE), level, NULL, NULL, NULL FROM alert WHERE changed_at <> raised_at
UNION ALL
SELECT 4, 'claim', class, changed_at, NULL, NULL, NULL, NULL, NULL, window_start, window_end, value,
       CASE WHEN needs_retest THEN 'needs retest' END, unit, limits, source FROM alert WHERE class IS NOT NULL
UNION ALL
SELECT 5, 'finding', finding['parameter'], finding['observed_at'], NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       finding['value'], 'score ' || CAST(finding['score'] AS VARCHAR), finding['unit'], NULL, NULL FROM findings
UNION ALL
SELECT 6, 'records', NULL, NULL, topic, part, first_offset, last_offset, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM records
UNION ALL
SELECT 7, 'window', 'hr', w.window_end AS at, 'manpasik.measurement.packet', w.partition, w.first_offset, w.last_offset, NULL,
       w.window_start, w.window_end, w.hr_bpm, CASE WHEN w.good THEN 'good' ELSE 'not good' END, '/min', NULL, NULL
FROM windows w JOIN alert a ON w.session_id = a.session_id
WHERE w.window_end BETWEEN a.window_start AND a.window_end
UNION ALL
SELECT 8, 'measurement', session_id, completed_at AS at, topic, partition, first_offset, last_offset, NULL, started_at,
       completed_at, value, calibration_id, unit, NULL, NULL FROM measured
UNION ALL
SELECT 9, 'session', session_id, started_at, 'manpasik.measurement.packet', partition, first_offset, last_offset, packets,
       streamed_from, streamed_until, NULL, device_id, NULL, NULL, NULL FROM sessions
WHERE session_id IN (SELECT session_id FROM alert) OR session_id IN (SELECT session_id FROM measured)
