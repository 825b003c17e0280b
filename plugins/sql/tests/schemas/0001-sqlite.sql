BEGIN TRANSACTION;
CREATE TABLE event (
	position INTEGER NOT NULL, 
	aggregate TEXT NOT NULL, 
	sequence INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	type TEXT NOT NULL, 
	at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	payload_hash TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (position), 
	UNIQUE (aggregate, sequence), 
	UNIQUE (id)
);
INSERT INTO "event" VALUES(1,'a',1,'a/1','request.submitted','2026-05-04T12:00:00.000000+00:00','ada','{"n":[1]}','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','','0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "event" VALUES(2,'a',2,'a/2','request.submitted','2026-05-04T12:00:00.000000+00:00','ada','{"n":[2]}','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','','0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "event" VALUES(3,'b',1,'b/1','request.submitted','2026-05-04T12:00:00.000000+00:00','ada','{"n":[1]}','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','','0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('schema_version','1');
CREATE TABLE record (
	kind TEXT NOT NULL, 
	id TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	sort TEXT NOT NULL, 
	entries TEXT NOT NULL, 
	document TEXT NOT NULL, 
	PRIMARY KEY (kind, id)
);
INSERT INTO "record" VALUES('thing','a',1,'1','[["s","x"]]','{"id":"a"}');
INSERT INTO "record" VALUES('thing','é',1,'0','[["s","x"],["s","y"]]','{"id":"\u00e9"}');
CREATE TABLE record_index (
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	sort TEXT NOT NULL, 
	id TEXT NOT NULL, 
	PRIMARY KEY (kind, "key", value, sort, id)
)
 WITHOUT ROWID

;
INSERT INTO "record_index" VALUES('thing','s','x','0','é');
INSERT INTO "record_index" VALUES('thing','s','x','1','a');
INSERT INTO "record_index" VALUES('thing','s','y','0','é');
CREATE TABLE work (
	number INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	due TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	owner TEXT NOT NULL, 
	leased_until TEXT, 
	dead INTEGER NOT NULL, 
	error TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
INSERT INTO "work" VALUES(1,'w1','q','k','2026-05-04T12:00:00.000000+00:00','{"n":["w1"]}',1,'',NULL,1,'gone');
INSERT INTO "work" VALUES(2,'w2','q','l','2026-05-04T12:00:00.000000+00:00','{"n":["w2"]}',0,'',NULL,0,'');
INSERT INTO "work" VALUES(3,'w3','q','m','2026-05-05T12:00:00.000000+00:00','{"n":["w3"]}',0,'',NULL,0,'');
CREATE INDEX record_sorted ON record (kind, sort, id);
CREATE INDEX work_dead ON work (queue, due) WHERE dead = 1;
CREATE INDEX work_due ON work (queue, due) WHERE dead = 0;
CREATE INDEX work_held ON work (queue, "key", leased_until) WHERE dead = 0 AND leased_until IS NOT NULL;
CREATE INDEX work_line ON work (queue, "key", due) WHERE dead = 0;
COMMIT;
