CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, kind INTEGER, price REAL);
INSERT INTO item
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < COUNT)
    SELECT i, printf('name-%05d', i * 7919 % COUNT), i % 97, (i * 31 % 1009) / 7.0 FROM n;
CREATE INDEX item_name ON item(name);
CREATE INDEX item_kind ON item(kind, price);
CREATE TABLE kind (kind INTEGER PRIMARY KEY, title TEXT);
INSERT INTO kind SELECT DISTINCT kind, 'kind ' || kind FROM item;
SELECT kind, count(*), round(avg(price), 6), max(name) FROM item GROUP BY kind ORDER BY 3 DESC LIMIT 20;
SELECT title, sum(price > 70), min(name) FROM item JOIN kind USING (kind) WHERE name LIKE '%77%' GROUP BY title ORDER BY 1;
UPDATE item SET price = price * 1.1 WHERE kind % 5 = 2;
DELETE FROM item WHERE id % 11 = 3;
SELECT count(*), round(sum(price), 4) FROM item a WHERE EXISTS (SELECT 1 FROM item b WHERE b.name = a.name AND b.kind = a.kind);
SELECT substr(name, 1, 7) AS prefix, group_concat(kind, ',') FROM (SELECT * FROM item ORDER BY id LIMIT 3000) GROUP BY prefix;
