-- SPDX-License-Identifier: Apache-2.0
-- The example shop: what its API writes, and the handlers that go on from there. README.md tells how it flows. To be
-- applied once by an administrator, in a database that has schema outbox: psql -1 -f shop.sql

-- Three roles, none of which can log in. shop owns everything and may write events. Whoever is a member of shop_api may
-- place orders, of shop_handlers: handle events; neither can touch a table, since functions act as shop.
CREATE ROLE shop NOLOGIN IN ROLE outbox_writer;
CREATE ROLE shop_api NOLOGIN;
CREATE ROLE shop_handlers NOLOGIN;
CREATE SCHEMA shop AUTHORIZATION shop;
GRANT USAGE ON SCHEMA shop TO shop_api, shop_handlers;
SET LOCAL ROLE shop;

CREATE TABLE shop.product (
    id    text PRIMARY KEY,
    stock integer NOT NULL CHECK (stock >= 0)
);
CREATE TABLE shop.orders (
    id         text PRIMARY KEY,
    product_id text NOT NULL REFERENCES shop.product,
    quantity   integer NOT NULL CHECK (quantity > 0),
    email      text NOT NULL,
    status     text NOT NULL DEFAULT 'placed' CHECK (status IN ('placed', 'reserved', 'rejected'))
);
CREATE TABLE shop.order_view (
    order_id   text PRIMARY KEY,
    product_id text NOT NULL,
    quantity   integer NOT NULL,
    status     text NOT NULL,
    sequence   bigint NOT NULL
);
CREATE TABLE shop.email (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recipient text NOT NULL,
    subject   text NOT NULL
);
COMMENT ON SCHEMA shop IS 'An example of a service that publishes events and handles them.';
COMMENT ON TABLE shop.order_view IS 'The orders as readers see them; written from events alone.';
COMMENT ON COLUMN shop.order_view.sequence IS 'Of the newest event that is in here.';
COMMENT ON TABLE shop.email IS 'E-mails to be sent.';

-- What the API calls. The row and the event that tells of it are written in one transaction: both or neither.

CREATE FUNCTION shop.place_order(id text, product_id text, quantity integer, email text, correlation_id text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO shop.orders (id, product_id, quantity, email) VALUES (id, product_id, quantity, email);
    RETURN outbox.publish('order.created', id,
        json_build_object('orderId', id, 'productId', product_id, 'quantity', quantity, 'email', email),
        json_strip_nulls(json_build_object('source', 'shop', 'correlationId', correlation_id)));
END
$$;
COMMENT ON FUNCTION shop.place_order(text, text, integer, text, text) IS
    'Places an order, and returns the id of the event order.created.';

CREATE FUNCTION shop.register_user(email text, correlation_id text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT outbox.publish('user.registered', email, json_build_object('email', email),
        json_strip_nulls(json_build_object('source', 'shop', 'correlationId', correlation_id)))
$$;
COMMENT ON FUNCTION shop.register_user(text, text) IS 'Returns the id of the event user.registered.';

-- What handles events. A handler is a function of one jsonb: the event, as README.md describes the message. It runs in one
-- transaction with the row in inbox.processed_event that says so: when an event is delivered again the handler is not
-- called, and when it fails both are undone. So there is nothing here against repeats.

-- An event that follows from another one: it belongs to the same order, and says what it comes from.
CREATE FUNCTION shop.publish_next(event jsonb, event_type text, data jsonb) RETURNS uuid
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT outbox.publish(event_type, event ->> 'aggregateId', data::json, json_strip_nulls(json_build_object(
        'source', 'shop',
        'correlationId', event -> 'metadata' -> 'correlationId',
        'causationId', event -> 'eventId')))
$$;
COMMENT ON FUNCTION shop.publish_next(jsonb, text, jsonb) IS 'Publishes an event about what the given one is about.';

CREATE FUNCTION shop.reserve_stock(event jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ordered  jsonb := event -> 'data';
    reserved boolean;
BEGIN
    UPDATE shop.product AS p SET stock = p.stock - (ordered ->> 'quantity')::integer
    WHERE p.id = ordered ->> 'productId' AND p.stock >= (ordered ->> 'quantity')::integer;
    reserved := FOUND;
    UPDATE shop.orders AS o SET status = CASE WHEN reserved THEN 'reserved' ELSE 'rejected' END
    WHERE o.id = ordered ->> 'orderId';
    -- Too little stock is no failure, which would be tried again and again: it is what has happened.
    IF reserved THEN
        PERFORM shop.publish_next(event, 'order.reserved', ordered);
    ELSE
        PERFORM shop.publish_next(event, 'order.rejected', ordered || '{"reason": "insufficient stock"}');
    END IF;
END
$$;
COMMENT ON FUNCTION shop.reserve_stock(jsonb) IS
    'On order.created: takes the stock and publishes order.reserved, or order.rejected when there is too little.';

-- Events may come in any order (a standard queue has none): the newest one counts, and each has all that is needed.
CREATE FUNCTION shop.project_order(event jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO shop.order_view AS v (order_id, product_id, quantity, status, sequence)
    VALUES (event ->> 'aggregateId', event -> 'data' ->> 'productId', (event -> 'data' ->> 'quantity')::integer,
            replace(replace(event ->> 'eventType', 'order.', ''), 'created', 'placed'), (event -> 'sequence')::bigint)
    ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, sequence = excluded.sequence
    WHERE v.sequence < excluded.sequence
$$;
COMMENT ON FUNCTION shop.project_order(jsonb) IS 'On all events of an order: keeps shop.order_view.';

CREATE FUNCTION shop.queue_email(event jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO shop.email (recipient, subject)
    VALUES (event -> 'data' ->> 'email',
            CASE event ->> 'eventType'
                WHEN 'order.created' THEN 'Thank you for order ' || (event ->> 'aggregateId')
                WHEN 'user.registered' THEN 'Welcome'
            END)
$$;
COMMENT ON FUNCTION shop.queue_email(jsonb) IS 'On order.created and user.registered: an e-mail.';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA shop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.place_order(text, text, integer, text, text), shop.register_user(text, text) TO shop_api;
GRANT EXECUTE ON FUNCTION shop.reserve_stock(jsonb), shop.project_order(jsonb), shop.queue_email(jsonb) TO shop_handlers;
RESET ROLE;
