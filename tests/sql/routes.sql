-- SPDX-License-Identifier: Apache-2.0
-- Routes: which are allowed, which match, and which of several wins.
BEGIN;
SELECT plan(53);

CREATE FUNCTION pg_temp.arn(name text) RETURNS text LANGUAGE sql AS
    $$SELECT 'arn:aws:sns:eu-central-1:123456789012:' || name$$;

SELECT is(outbox.route('order.*', pg_temp.arn('orders')), 'order.* goes to ' || pg_temp.arn('orders'), 'a new route');
SELECT is(outbox.route('order.*', pg_temp.arn('orders')), 'order.* goes to ' || pg_temp.arn('orders') || ' (as before)', 'the same');
SELECT is(outbox.route('order.*', pg_temp.arn('o.fifo'), 'cloudevents', true),
    'order.* goes to ' || pg_temp.arn('o.fifo') || ' (before: ' || pg_temp.arn('orders') || ')', 'a changed route');
SELECT row_eq('SELECT pattern, topic_arn, format, message_group FROM outbox.topic_route',
    ROW('order.*'::text, pg_temp.arn('o.fifo'), 'cloudevents'::text, true), 'is what the table has');
SELECT is(outbox.unroute('order.*'), 'order.* no longer goes to ' || pg_temp.arn('o.fifo'), 'a route is removed');
SELECT is(outbox.unroute('order.*'), 'there is no route order.*', 'once');
SELECT is(outbox.topic_of('order.created'), NULL, 'no route, no topic');

SELECT lives_ok(format('SELECT outbox.route(%L, pg_temp.arn(''t''))', allowed), 'pattern ' || allowed)
FROM unnest(ARRAY['*', '**', 'order', 'order.*.created', '**.created', '2nd._-']) AS allowed;
SELECT throws_like(format('SELECT outbox.route(%L, pg_temp.arn(''t''))', refused), 'pattern "% is refused: it must be words%',
    'not pattern ' || left(refused, 30))
FROM unnest(ARRAY['', 'order.', '.order', 'order..a', 'Order', 'ord*', '***', 'a.{b}', repeat('a', 201)]) AS refused;
SELECT lives_ok(format('SELECT outbox.route(''a'', %L)', allowed), 'topic ' || allowed)
FROM unnest(ARRAY[pg_temp.arn('A_b-1'), pg_temp.arn('a.fifo'), 'arn:aws-cn:sns:cn-north-1:123456789012:t',
    pg_temp.arn(repeat('x', 256)), pg_temp.arn(repeat('x', 251) || '.fifo')]) AS allowed;
SELECT throws_like(format('SELECT outbox.route(''a'', %L)', refused), 'topic_arn "% is refused: it must be the ARN%',
    'not topic ' || left(refused, 60))
FROM unnest(ARRAY['', 'orders', 'arn:aws:sqs:eu-central-1:123456789012:q', 'arn:aws:sns:eu-central-1:12345678901:t',
    pg_temp.arn('a.b'), pg_temp.arn(''), pg_temp.arn(repeat('x', 257)), pg_temp.arn(repeat('x', 252) || '.fifo'),
    pg_temp.arn('t:6f1c6f0e-57a5-4c0f-9f0a-0a3c2a1f3b11')]) AS refused;
SELECT throws_like($$SELECT outbox.route('a', pg_temp.arn('t'), 'xml')$$, 'format "xml" is refused%', 'not format xml');

-- Each line: patterns, of which the first must win for the event type; or none of them matches.
CREATE FUNCTION pg_temp.topic(patterns text[], event_type text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM outbox.topic_route;
    PERFORM outbox.route(pattern, pg_temp.arn(place::text)) FROM unnest(patterns) WITH ORDINALITY AS p(pattern, place);
    RETURN right(outbox.topic_of(event_type), 1);
END $$;
SELECT is(pg_temp.topic(patterns, event_type), '1', event_type || ' goes by ' || patterns[1] || ', of ' || patterns::text)
FROM (VALUES
    (ARRAY['order.created', 'order.*', '*.created', '**'], 'order.created'),
    (ARRAY['order.*', '**', '*.*'], 'order.created'),
    (ARRAY['*.*', '*.**', '**'], 'order.created'),
    (ARRAY['order.*', '*.created'], 'order.created'),
    (ARRAY['order.**', '**'], 'order'),
    (ARRAY['order.**.failed', 'order.**'], 'order.payment.card.failed'),
    (ARRAY['**.failed', '*.*.*'], 'order.payment.failed'),
    (ARRAY['a.**.b', '*.b'], 'a.b'),
    (ARRAY['a.*.*', 'a.*.**', 'a.**'], 'a.b.c'),
    (ARRAY['a.**', 'a.*.**'], 'a.b.c'),
    (ARRAY['a-b.c_d', 'a-b.*'], 'a-b.c_d')
) AS expected(patterns, event_type);
SELECT is(pg_temp.topic(patterns, event_type), NULL, event_type || ' does not go by ' || patterns::text)
FROM (VALUES
    (ARRAY['order.*', 'order'], 'order.payment.failed'),
    (ARRAY['order.*', 'order.*.**'], 'order'),
    (ARRAY['a.b', 'a'], 'axb'),
    (ARRAY['order'], 'orders'),
    (ARRAY['**.a'], 'ba')
) AS expected(patterns, event_type);

SELECT * FROM finish();
ROLLBACK;
