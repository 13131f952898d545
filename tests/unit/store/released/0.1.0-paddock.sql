BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('main0001');
CREATE TABLE function_versions (
	account TEXT NOT NULL, 
	region TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	image_uri TEXT NOT NULL, 
	image_id TEXT, 
	image_architecture TEXT, 
	image_size_bytes INTEGER, 
	image_entry_point TEXT, 
	image_command TEXT, 
	image_working_directory TEXT, 
	role TEXT NOT NULL, 
	description TEXT NOT NULL, 
	memory_mib INTEGER NOT NULL, 
	timeout_ms INTEGER NOT NULL, 
	environment TEXT NOT NULL, 
	config_entry_point TEXT, 
	config_command TEXT, 
	config_working_directory TEXT, 
	architecture TEXT NOT NULL, 
	ephemeral_storage_mib INTEGER NOT NULL, 
	revision_id TEXT NOT NULL, 
	last_modified_us INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	state_reason TEXT, 
	state_reason_code TEXT, 
	last_update_status TEXT NOT NULL, 
	last_update_status_reason TEXT, 
	last_update_status_reason_code TEXT, 
	PRIMARY KEY (account, region, name, version), 
	FOREIGN KEY(account, region, name) REFERENCES functions (account, region, name) ON DELETE CASCADE
);
INSERT INTO "function_versions" VALUES('000000000000','us-east-1','hello','$LATEST','hello:latest','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','x86_64',1000,'[]','[]','','arn:aws:iam::000000000000:role/any','',128,3000,'{"PASSWORD":"written-before-0.2"}',NULL,NULL,NULL,'x86_64',512,'revision-1',1795435200000000,'Active',NULL,NULL,'Successful',NULL,NULL);
CREATE TABLE functions (
	account TEXT NOT NULL, 
	region TEXT NOT NULL, 
	name TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	reserved_concurrency INTEGER, 
	PRIMARY KEY (account, region, name)
);
INSERT INTO "functions" VALUES('000000000000','us-east-1','hello','{"team":"a"}',7);
CREATE TABLE invocations (
	"key" INTEGER NOT NULL, 
	random_bits INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	region TEXT NOT NULL, 
	name TEXT NOT NULL, 
	qualifier TEXT, 
	invocation_type TEXT NOT NULL, 
	accepted_us INTEGER NOT NULL, 
	due_us INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	crashes INTEGER NOT NULL, 
	epoch INTEGER, 
	client_context TEXT, 
	trace_id TEXT, 
	caller TEXT, 
	error_type TEXT, 
	diagnosis TEXT, 
	ended_us INTEGER, 
	PRIMARY KEY ("key")
);
INSERT INTO "invocations" VALUES(58832820633600000,12345,'000000000000','us-east-1','hello',NULL,'Event',1795435200000000,1795435200000000,'queued',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "invocations" VALUES(58832820633600001,12345,'000000000000','us-east-1','hello',NULL,'Event',1795435200000000,1795435200000000,'queued',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "invocations" VALUES(58832820633600002,12345,'000000000000','us-east-1','hello',NULL,'Event',1795435200000000,1795435200000000,'queued',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE payloads (
	"key" INTEGER NOT NULL, 
	payload BLOB NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "payloads" VALUES(58832820633600000,X'7B226E223A20307D');
INSERT INTO "payloads" VALUES(58832820633600001,X'7B226E223A20317D');
INSERT INTO "payloads" VALUES(58832820633600002,X'7B226E223A20327D');
CREATE TABLE settings_kept (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "settings_kept" VALUES('owner','a7f4e3e8f615a6f8');
CREATE TABLE starts (
	epoch INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	node TEXT NOT NULL, 
	started_us INTEGER NOT NULL, 
	ended_us INTEGER
);
INSERT INTO "starts" VALUES(1,'vm',1795435200000000,1795435200000000);
CREATE INDEX invocations_waiting ON invocations (account, region, name, due_us) WHERE state IN ('queued', 'retrying') AND invocation_type = 'Event';
CREATE INDEX invocations_running ON invocations (account, region, name) WHERE state = 'running';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('starts',1);
COMMIT;
