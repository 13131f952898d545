BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('history0001');
CREATE TABLE lifecycle (
	id INTEGER NOT NULL, 
	at_us INTEGER NOT NULL, 
	event TEXT NOT NULL, 
	account TEXT NOT NULL, 
	region TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	environment_id TEXT, 
	request_id TEXT, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE output (
	id INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	region TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	environment_id TEXT NOT NULL, 
	log_stream TEXT NOT NULL, 
	dropped_bytes INTEGER NOT NULL, 
	size_bytes INTEGER NOT NULL, 
	lines TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX output_of_function ON output (account, region, name, id, size_bytes);
CREATE INDEX lifecycle_of_function ON lifecycle (account, region, name, id);
CREATE INDEX lifecycle_of_environment ON lifecycle (environment_id, id) WHERE environment_id IS NOT NULL;
CREATE INDEX lifecycle_of_request ON lifecycle (request_id, id) WHERE request_id IS NOT NULL;
COMMIT;
