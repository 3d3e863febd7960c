-- The warehouse's own database: what it holds, and triggers that are its rules and its ledger.
-- The tables stand in systems/warehouse/warehouse.sql too, as the contract that others see.

CREATE TABLE IF NOT EXISTS stock (
  sku       TEXT NOT NULL PRIMARY KEY,
  on_hand   INTEGER NOT NULL CHECK (on_hand >= 0),
  held      INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  CHECK (held <= on_hand)
) STRICT;

CREATE TABLE IF NOT EXISTS holds (
  id          INTEGER PRIMARY KEY,
  reference   TEXT NOT NULL,
  sku         TEXT NOT NULL REFERENCES stock (sku),
  quantity    INTEGER NOT NULL CHECK (quantity > 0),
  held_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  released_at TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS holds_reference ON holds (reference);

CREATE TABLE IF NOT EXISTS movements (
  id       INTEGER PRIMARY KEY,
  sku      TEXT NOT NULL REFERENCES stock (sku),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

-- The ledger: whoever writes, it is on record in the same transaction. Append only.
CREATE TABLE IF NOT EXISTS audit (
  n         INTEGER PRIMARY KEY AUTOINCREMENT,
  at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  action    TEXT NOT NULL CHECK (action IN ('hold', 'release', 'receipt')),
  reference TEXT,
  sku       TEXT NOT NULL,
  quantity  INTEGER NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END;
CREATE TRIGGER IF NOT EXISTS audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END;

CREATE TRIGGER IF NOT EXISTS hold_check BEFORE INSERT ON holds BEGIN
  SELECT RAISE(ABORT, 'unknown product') WHERE NOT EXISTS (SELECT 1 FROM stock WHERE sku = NEW.sku);
  SELECT RAISE(ABORT, 'out of stock') WHERE (SELECT on_hand - held FROM stock WHERE sku = NEW.sku) < NEW.quantity;
END;
CREATE TRIGGER IF NOT EXISTS hold_taken AFTER INSERT ON holds BEGIN
  UPDATE stock SET held = held + NEW.quantity WHERE sku = NEW.sku;
  INSERT INTO audit (action, reference, sku, quantity) VALUES ('hold', NEW.reference, NEW.sku, NEW.quantity);
END;
CREATE TRIGGER IF NOT EXISTS hold_released AFTER UPDATE OF released_at ON holds
WHEN OLD.released_at IS NULL AND NEW.released_at IS NOT NULL BEGIN
  UPDATE stock SET held = held - NEW.quantity WHERE sku = NEW.sku;
  INSERT INTO audit (action, reference, sku, quantity) VALUES ('release', NEW.reference, NEW.sku, NEW.quantity);
END;
CREATE TRIGGER IF NOT EXISTS goods_received AFTER INSERT ON movements BEGIN
  UPDATE stock SET on_hand = on_hand + NEW.quantity WHERE sku = NEW.sku;
  INSERT INTO audit (action, sku, quantity) VALUES ('receipt', NEW.sku, NEW.quantity);
END;

INSERT OR IGNORE INTO stock (sku, on_hand) VALUES
  ('ROPE-12MM', 1000000), ('SHACKLE-8', 1000000), ('FENDER-L', 1000000),
  ('ANCHOR-10KG', 1000000), ('LANTERN-LED', 1000000), ('COMPASS-BRASS', 12);
