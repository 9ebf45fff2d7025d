PRAGMA application_id = 1161908819;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE clips (                     -- no row: pending
        program INTEGER PRIMARY KEY REFERENCES programs (position),
        render_id TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('ok', 'failed')),
        file TEXT,                           -- below audio/
        bytes INTEGER,
        sha256 TEXT,
        seconds REAL,
        rms REAL,
        peak REAL,
        render_s REAL NOT NULL,
        warnings TEXT NOT NULL,              -- JSON: [{"kind", "message", "line"}]
        error_kind TEXT,
        error_message TEXT,
        error_line INTEGER,
        CHECK ((state = 'ok') = (file IS NOT NULL)),
        CHECK ((state = 'failed') = (error_kind IS NOT NULL))
    );
INSERT INTO "clips" VALUES(1,'d00f063ba19358d80318ba2d8e6488e914b1502922904b21cf3df4cbb28c7f46','ok','d0/d00f063ba19358d80318ba2d8e6488e914b1502922904b21cf3df4cbb28c7f46.flac',84899,'5cfa0e45aebe149a2439faa284e5a9bd26404d933a777edb85d39115b31ea35b',0.5,2.88048103722675197246e-01,0.5,0.25,'[{"kind": "clipped", "message": "It is loud.", "line": 2}]',NULL,NULL,NULL);
INSERT INTO "clips" VALUES(2,'42c3cb90be54fb6c8134559233b366b794477a0fb9594b30fdbb220eecb1eba6','ok','42/42c3cb90be54fb6c8134559233b366b794477a0fb9594b30fdbb220eecb1eba6.flac',84911,'4e2a5c25d04289233943a31535046419f56def7ce559252aaf7fc063a1062fff',0.5,0.288339634219423,0.5,0.25,'[{"kind": "clipped", "message": "It is loud.", "line": 2}]',NULL,NULL,NULL);
INSERT INTO "clips" VALUES(3,'a3d69b0515de2bd4f75e8b777e2980bd42bb73cca7a64e1b230c549dc4028e0a','ok','a3/a3d69b0515de2bd4f75e8b777e2980bd42bb73cca7a64e1b230c549dc4028e0a.flac',84928,'324e771d8c08545af509b7d6fe5422763feb0a32ea6dcd7008313c0b7d551ff6',0.5,2.88945152118241677108e-01,0.5,0.25,'[{"kind": "clipped", "message": "It is loud.", "line": 2}]',NULL,NULL,NULL);
INSERT INTO "clips" VALUES(4,'9c04ad849114478de77d915f0713a0eb50e6bf6ef7c867a5dde0477f8606e321','failed',NULL,NULL,NULL,NULL,NULL,NULL,0.1,'[]','runtime','undefined variable',1);
CREATE TABLE embeddings (
        encoder INTEGER NOT NULL REFERENCES encoders (key),
        program INTEGER NOT NULL REFERENCES programs (position),
        vector BLOB NOT NULL,                -- dim float32, little-endian
        UNIQUE (encoder, program)
    );
INSERT INTO "embeddings" VALUES(1,1,X'000000000000003E0000803E');
INSERT INTO "embeddings" VALUES(1,2,X'0000C03E0000003F0000203F');
INSERT INTO "embeddings" VALUES(1,3,X'0000403F0000603F0000803F');
INSERT INTO "embeddings" VALUES(1,4,X'0000903F0000A03F0000B03F');
INSERT INTO "embeddings" VALUES(2,1,X'000000000000003E');
INSERT INTO "embeddings" VALUES(2,2,X'0000803E0000C03E');
INSERT INTO "embeddings" VALUES(2,3,X'0000003F0000203F');
CREATE TABLE encoders (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        modality TEXT NOT NULL CHECK (modality IN ('code', 'audio')),
        revision TEXT NOT NULL,
        dim INTEGER NOT NULL CHECK (dim > 0)
    );
INSERT INTO "encoders" VALUES(1,'sentence-transformers/all-MiniLM-L6-v2','code','r1',3);
INSERT INTO "encoders" VALUES(2,'log-mel','audio','r1',2);
CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL                  -- JSON
    ) WITHOUT ROWID;
INSERT INTO "meta" VALUES('audio_format','"flac"');
INSERT INTO "meta" VALUES('created','"2026-11-21T16:44:01+00:00"');
INSERT INTO "meta" VALUES('seconds','0.5');
INSERT INTO "meta" VALUES('seed','0');
CREATE TABLE parameters (
        program INTEGER NOT NULL REFERENCES programs (position),
        place INTEGER NOT NULL,              -- in the order they were drawn
        name TEXT NOT NULL,
        value TEXT NOT NULL,                 -- JSON: keeps true, 1 and 1.0 apart
        PRIMARY KEY (program, place)
    ) WITHOUT ROWID;
INSERT INTO "parameters" VALUES(1,0,'note','60');
INSERT INTO "parameters" VALUES(1,1,'loud','true');
INSERT INTO "parameters" VALUES(1,2,'amp','0.5');
INSERT INTO "parameters" VALUES(2,0,'note','61');
INSERT INTO "parameters" VALUES(2,1,'loud','true');
INSERT INTO "parameters" VALUES(2,2,'amp','0.5');
INSERT INTO "parameters" VALUES(3,0,'note','62');
INSERT INTO "parameters" VALUES(3,1,'loud','true');
INSERT INTO "parameters" VALUES(3,2,'amp','0.5');
CREATE TABLE programs (
        position INTEGER PRIMARY KEY,        -- in the order they were added
        id TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
        name TEXT NOT NULL UNIQUE,
        template TEXT NOT NULL,
        role TEXT NOT NULL,
        seed INTEGER,
        source TEXT NOT NULL,
        split TEXT NOT NULL CHECK (split IN ('train', 'validation', 'test'))
    );
INSERT INTO "programs" VALUES(1,'9a5b123c650d08fbb188d5ad3bb4cdd1','beeps-0','02_1_beeps','melody',7,'play 60
sleep 1 # l''été
','validation');
INSERT INTO "programs" VALUES(2,'9fdd3c29cd98f10a61a5837f61843606','beeps-1','02_1_beeps','melody',7,'play 61
sleep 1 # l''été
','train');
INSERT INTO "programs" VALUES(3,'015fa82180369a7b59fd3d7ac4d1e76c','beeps-2','02_1_beeps','melody',7,'play 62
sleep 1 # l''été
','train');
INSERT INTO "programs" VALUES(4,'8229ccae3452779ff2d7b1b4b44bba91','broken','','',NULL,'play nothing','test');
CREATE INDEX programs_of_template ON programs (template, seed);
COMMIT;
