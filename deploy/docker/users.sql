-- SPDX-License-Identifier: Apache-2.0
-- Whom the programs of compose.yaml are to PostgreSQL: each has the rights of its job and no more.
CREATE ROLE api LOGIN PASSWORD 'local' IN ROLE shop_api;
CREATE ROLE relay LOGIN PASSWORD 'local' IN ROLE outbox_relay;
CREATE ROLE consumer LOGIN PASSWORD 'local' IN ROLE inbox_consumer, shop_handlers;
INSERT INTO shop.product VALUES ('mug', 3), ('hat', 100);
