-- SPDX-License-Identifier: Apache-2.0
-- outbox.publish, called by a writer.
BEGIN;
SELECT plan(11);

CREATE TABLE given (event_id uuid);
GRANT SELECT, INSERT ON given TO outbox_writer;

SET LOCAL ROLE outbox_writer;
INSERT INTO given SELECT outbox.publish('order.created', 'order-1', '{"total": 1.50}');
SELECT lives_ok($$SELECT outbox.publish('order.created', 'order-2', '{}', '{"source": "shop"}', '2.0',
    '2100-01-01 00:00Z', '6f1c6f0e-57a5-4c0f-9f0a-0a3c2a1f3b11')$$, 'every argument can be given');
SELECT lives_ok($$SELECT outbox.publish(event_type => 'order.paid', aggregate_id => 'order-3', data => '1',
    metadata => NULL, event_version => NULL)$$, 'NULL for what has a default is the default');
SELECT throws_ok($$SELECT outbox.publish(NULL, 'order-1', '{}')$$, '23502', 'outbox.publish: event_type is NULL', 'no type');
SELECT throws_ok($$SELECT outbox.publish('order.created', NULL, '{}')$$, '23502', 'outbox.publish: aggregate_id is NULL',
    'no aggregate');
SELECT throws_ok($$SELECT outbox.publish('order.created', 'order-1', NULL)$$, '23502', 'outbox.publish: data is NULL', 'no data');
SELECT throws_like($$SELECT outbox.publish('Order', 'order-1', '{}')$$, 'event_type "Order" is refused%',
    'the rules of the table hold, and a writer is told them');
RESET ROLE;

SELECT is((SELECT count(*)::integer FROM outbox.event), 3, 'three events are there');
SELECT is((SELECT event_id FROM outbox.event WHERE aggregate_id = 'order-1'), (SELECT event_id FROM given),
    'the event_id is returned');
SELECT row_eq($$SELECT event_type, data::text, metadata::text, event_version, due_at, attempts FROM outbox.event
                WHERE aggregate_id = 'order-1'$$,
    ROW('order.created'::text, '{"total": 1.50}'::text, '{}'::text, '1.0'::text, NULL::timestamptz, 0::smallint), 'with defaults');
SELECT row_eq($$SELECT event_id, metadata::text, event_version, due_at FROM outbox.event WHERE aggregate_id = 'order-2'$$,
    ROW('6f1c6f0e-57a5-4c0f-9f0a-0a3c2a1f3b11'::uuid, '{"source": "shop"}'::text, '2.0'::text, '2100-01-01 00:00Z'::timestamptz),
    'as given');
SELECT row_eq($$SELECT metadata::text, event_version FROM outbox.event WHERE aggregate_id = 'order-3'$$,
    ROW('{}'::text, '1.0'::text), 'NULL became the default');

SELECT * FROM finish();
ROLLBACK;
