-- What the warehouse lets others do with its database. The tables are kept, and written to, by the warehouse itself;
-- triggers of its own refuse a hold that can't be met ("out of stock", "unknown product").
-- @title Warehouse of Harbour Supply
-- @version 7
-- @type Line { sku: text, quantity: integer }

CREATE TABLE stock (
  sku       TEXT NOT NULL PRIMARY KEY,
  on_hand   INTEGER NOT NULL,
  held      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE holds (
  id          INTEGER PRIMARY KEY,
  reference   TEXT NOT NULL,
  sku         TEXT NOT NULL REFERENCES stock (sku),
  quantity    INTEGER NOT NULL,
  held_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  released_at TEXT
) STRICT;

-- @operation reserveStock  Holds the goods of an order: all lines or none.
-- The reference is the caller's effect key. Every call makes a hold of its own, whatever was held before.
-- @effect unrepeatable
-- @param lines Line[]  What to hold.
-- @fault UnknownProduct when "unknown product"  The warehouse has never had one of the products.
-- @fault OutOfStock when "out of stock"  There is not enough of one of the products.
-- @returns row
-- @column lines integer
-- @column heldAt text
INSERT INTO holds (reference, sku, quantity)
  SELECT :key, value ->> 'sku', value ->> 'quantity' FROM json_each(:lines);
SELECT reference, count(*) AS lines, min(held_at) AS heldAt FROM holds
  WHERE reference = :key AND released_at IS NULL GROUP BY reference;

-- @operation findHold  The hold of a reference; null if there is none, or none any more.
-- @returns one
-- @column lines integer
-- @column heldAt text
SELECT reference, count(*) AS lines, min(held_at) AS heldAt FROM holds
  WHERE reference = :reference AND released_at IS NULL GROUP BY reference;

-- @operation releaseStock  Lets go of a hold. A repeat changes nothing.
-- @effect idempotent
UPDATE holds SET released_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
  WHERE reference = :reference AND released_at IS NULL;

-- @operation getStock  How many pieces are on hand, and how many of them may be promised; null for an unknown product.
-- @returns one
-- @column available integer
SELECT sku, on_hand AS onHand, on_hand - held AS available FROM stock WHERE sku = :sku;
