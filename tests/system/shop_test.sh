#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The example shop (deploy/example): its functions, its roles, its API, and the whole of it on the event bus, where the
# second delivery of every event changes nothing.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

shop=$system_root/deploy/example

# event TYPE AGGREGATE SEQUENCE DATA prints an event as a handler gets it.
event() {
    printf '{"eventId": "6a1d6b0e-0000-4000-8000-00000000000%s", "eventType": "%s", "aggregateId": "%s", "sequence": %s,
        "data": %s, "metadata": {"correlationId": "c-1"}}' "$3" "$1" "$2" "$3" "$4"
}
as() { PGOPTIONS="-c role=$1" sql "$2"; }
handle() { as shop_handlers "select shop.$1('$2')" >/dev/null; }

system_begin
system_postgres
system_database shop
psql --no-psqlrc --quiet --single-transaction --set ON_ERROR_STOP=1 --file "$shop/shop.sql"
sql "insert into shop.product values ('mug', 3)"

# One function after the other.
as shop_api "select shop.place_order('o-1', 'mug', 2, 'ann@example.com', 'c-1')" >/dev/null
assert_equal "an order is a row and an event" "placed order.created c-1" \
    "$(sql "select o.status, e.event_type, e.metadata ->> 'correlationId' from shop.orders o join outbox.event e on e.aggregate_id = o.id" | tr '|' ' ')"
assert_fails "an order of what is not sold fails" as shop_api "select shop.place_order('o-2', 'hat', 1, 'ann@example.com')"
assert_fails "so does one of nothing" as shop_api "select shop.place_order('o-2', 'mug', 0, 'ann@example.com')"
assert_equal "without an event" 1 "$(sql 'select count(*) from outbox.event')"
assert_fails "the API cannot touch the stock" as shop_api "update shop.product set stock = 100"
assert_fails "nor handle events" as shop_api "select shop.queue_email('{}')"
assert_fails "handlers cannot place orders" as shop_handlers "select shop.register_user('x')"
created=$(event order.created o-1 1 '{"orderId": "o-1", "productId": "mug", "quantity": 2, "email": "ann@example.com"}')
handle project_order "$created"
handle queue_email "$created"
handle reserve_stock "$created"
assert_equal "the stock is taken, and that is an event" "1 reserved order.reserved c-1 $(jq --raw-output .eventId <<<"$created")" \
    "$(sql "select p.stock, o.status, e.event_type, e.metadata ->> 'correlationId', e.metadata ->> 'causationId' from shop.product p, shop.orders o, outbox.event e
            where e.event_type <> 'order.created'" | tr '|' ' ')"
handle reserve_stock "$created"
assert_equal "too little stock is one, too" "1 rejected order.rejected insufficient stock" \
    "$(sql "select p.stock, o.status, e.event_type, e.data ->> 'reason' from shop.product p, shop.orders o, outbox.event e
            where e.event_type = 'order.rejected'" | tr '|' ' ')"
data=$(jq --compact-output .data <<<"$created")
handle project_order "$(event order.rejected o-1 3 "$data")"
handle project_order "$(event order.reserved o-1 2 "$data")"
assert_equal "the newest event counts in the view" "rejected 3" "$(sql 'select status, sequence from shop.order_view' | tr '|' ' ')"
handle queue_email "$(event user.registered ann@example.com 4 '{"email": "ann@example.com"}')"
assert_equal "the e-mails" "Thank you for order o-1, Welcome" "$(sql "select string_agg(subject, ', ' order by id) from shop.email")"

# The API.
: >"$system_dir/api.log"
sql "create role api login in role shop_api"
PGUSER=api process_start "$system_dir/api.pid" "$system_dir/api.log" node "$shop/api.mjs"
wait_for 10 "the API listens" grep -q '^listening on ' "$system_dir/api.log"
url=http://$(sed -n 's/^listening on //p' "$system_dir/api.log")
post() { curl --silent --max-time 10 --write-out ' %{http_code}' --header 'X-Correlation-Id: web-1' "$url/$1" --data "$2"; }
assert_match "an order comes in" '^\{"orderId":"order-[0-9a-f]{8}","eventId":"[0-9a-f-]{36}"\}. 201$' \
    "$(post orders '{"product": "mug", "quantity": 1, "email": "o'\''hara@example.com"}' | tr '\n' '.')"
assert_equal "as it was sent" "o'hara@example.com web-1" \
    "$(sql "select o.email, e.metadata ->> 'correlationId' from shop.orders o join outbox.event e on e.aggregate_id = o.id where o.id like 'order-%'" | tr '|' ' ')"
assert_match "so does a user" '201$' "$(post users '{"email": "bob@example.com"}')"
assert_match "what is wrong is told" 'violates foreign key.* 400$' "$(post orders '{"product": "hat", "quantity": 1, "email": "x"}' | tr '\n' ' ')"
assert_match "what is missing, too" 'email is missing.* 400$' "$(post users '{}' | tr '\n' ' ')"
assert_match "nonsense is refused" ' 400$' "$(post users 'nonsense')"
assert_match "and there is nothing else" ' 404$' "$(post carts '{}')"
process_stop "$system_dir/api.pid"

# All of it on the bus: 50 orders, stock for 30 of them.
"$relay" migrate up --inbox >"$system_dir/migrate.log" 2>&1 || fail "migrate up --inbox failed"
sql "truncate shop.orders, shop.order_view, shop.email; truncate outbox.event;
     update shop.product set stock = 30; insert into shop.product values ('cup', 1000);
     create role handlers login in role outbox_relay, inbox_consumer, shop_handlers"
run_bus() {
    PGUSER=handlers "$relay" run --sink handlers --until-empty --on 'order.created=sql:shop.reserve_stock' --on 'order.*=sql:shop.project_order' \
        --on 'order.created=sql:shop.queue_email' --on 'user.registered=sql:shop.queue_email' 2>>"$system_dir/bus.log"
}
effects() {
    sql 'select * from shop.product order by id; select * from shop.orders order by id; select * from shop.order_view order by order_id;
         select * from shop.email order by id; select id, event_id from outbox.event order by id; select * from inbox.processed_event order by 1, 2'
}
for number in {1..50}; do printf "select shop.place_order('o-%d', 'mug', 1, 'u-%d@example.com');\n" "$number" $((number % 7)); done |
    PGOPTIONS='-c role=shop_api' psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --output /dev/null
as shop_api "select shop.register_user('u-' || n || '@example.com') from generate_series(0, 6) n" >/dev/null
assert_equal "the bus handles all there is, and what follows" 0 "$(run_bus && say 0)"
assert_equal "30 are reserved, 20 rejected, each with an event of its own" "rejected 20 20 20, reserved 30 30 30; 0 left" \
    "$(sql "select string_agg(s || ' ' || o || ' ' || v || ' ' || e, ', ' order by s) || '; ' || (select stock from shop.product where id = 'mug') || ' left'
            from (values ('reserved'), ('rejected')) x(s),
                lateral (select count(*) as o from shop.orders where status = s) a,
                lateral (select count(*) as v from shop.order_view where status = s) b,
                lateral (select count(*) as e from outbox.event where event_type = 'order.' || s) c")"
assert_equal "an e-mail for each order and each user" 57 "$(sql 'select count(*) from shop.email')"
assert_equal "every event that follows has the cause that it has" 50 \
    "$(sql "select count(*) from outbox.event n join outbox.event c on c.event_id = (n.metadata ->> 'causationId')::uuid and c.aggregate_id = n.aggregate_id and c.event_type = 'order.created'")"
effects >"$system_dir/before"
sql "update outbox.event set sent_at = null, message_id = null, due_at = now()"
assert_equal "delivered a second time" 0 "$(run_bus && say 0)"
assert_equal "every event is marked again" 0 "$(events_unsent)"
effects >"$system_dir/after"
assert_equal "nothing has changed" "" "$(diff "$system_dir/before" "$system_dir/after" | head -n 10)"
system_end
