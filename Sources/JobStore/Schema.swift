// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The tables of the queue and every step that led to them.
///
/// A migration that was released never changes: files that have run it would differ from files that run it later.
/// Nothing of ours is named in one but plain SQL, because our types go on to change.
enum Schema {
    static let migrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1-tables") { db in try db.execute(sql: tables) }
        migrator.registerMigration("v2-list-indexes") { db in try db.execute(sql: listIndexes) }
        migrator.registerMigration("v3-output-bytes") { db in try db.execute(sql: outputBytes) }
        migrator.registerMigration("v4-start-order") { db in try db.execute(sql: startOrder) }
        migrator.registerMigration("v5-application-id") { db in
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        }
        migrator.registerMigration("v6-text-bytes") { db in try db.execute(sql: textBytes) }
        migrator.registerMigration("v7-submission-keys") { db in try db.execute(sql: submissionKeys) }
        return migrator
    }()

    /// "JOBS": what file(1) and we know the file by.
    private static let applicationID = 0x4a4f_4253

    /// Whether the file is a queue of ours, or empty; another program's is to be left as it is.
    static func isOurs(_ db: Database) throws -> Bool {
        switch try Int.fetchOne(db, sql: "PRAGMA application_id") {
        case applicationID: return true
        case 0: break
        default: return false
        }
        if try db.tableExists("grdb_migrations") {
            return try migrator.appliedIdentifiers(db).contains("v1-tables")
        }
        return try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0
    }

    /// Ids come from AUTOINCREMENT's `sqlite_sequence`, which remembers the highest even after its row is gone.
    ///
    /// A document is a table of its own so that the rows which lists read are small and hold no secrets, and so that an
    /// array of ten thousand jobs keeps one.
    ///
    /// Tables are not STRICT and statements use no RETURNING: RHEL 9 has SQLite 3.34, which knows neither.
    private static let tables = """
        CREATE TABLE documents (
            id INTEGER PRIMARY KEY,
            spec TEXT NOT NULL,
            context TEXT NOT NULL
        );

        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            owner_uid INTEGER NOT NULL CHECK (owner_uid BETWEEN 0 AND 4294967295),
            owner_gid INTEGER NOT NULL CHECK (owner_gid BETWEEN 0 AND 4294967295),
            owner_name TEXT NOT NULL,
            command TEXT NOT NULL,
            array_id INTEGER,
            array_index INTEGER,
            array_parallel INTEGER,
            group_name TEXT NOT NULL,
            priority INTEGER NOT NULL,
            begin_usec INTEGER,
            dependency TEXT,
            memory_request_bytes INTEGER,
            cpus_request_milli INTEGER,
            memory_limit_bytes INTEGER,
            wall_time_limit_usec INTEGER,
            attempts_max INTEGER NOT NULL,
            submitted_usec INTEGER NOT NULL,
            state TEXT NOT NULL,
            reason TEXT,
            attempt INTEGER NOT NULL DEFAULT 0,
            started_usec INTEGER,
            ended_usec INTEGER,
            cause TEXT,
            message TEXT,
            exit_code INTEGER,
            exit_signal INTEGER,
            memory_peak_bytes INTEGER,
            cpu_usage_usec INTEGER,
            wall_time_usec INTEGER,
            document_id INTEGER NOT NULL REFERENCES documents(id)
        );
        CREATE INDEX jobs_by_document ON jobs(document_id);
        CREATE INDEX jobs_by_name ON jobs(name);
        CREATE INDEX jobs_live ON jobs(id) WHERE ended_usec IS NULL;
        CREATE INDEX jobs_by_end ON jobs(ended_usec) WHERE ended_usec IS NOT NULL;

        CREATE TRIGGER document_of_removed_job AFTER DELETE ON jobs
        WHEN NOT EXISTS (SELECT 1 FROM jobs WHERE document_id = OLD.document_id)
        BEGIN DELETE FROM documents WHERE id = OLD.document_id; END;
        CREATE TRIGGER document_of_updated_job AFTER UPDATE OF document_id ON jobs
        WHEN NOT EXISTS (SELECT 1 FROM jobs WHERE document_id = OLD.document_id)
        BEGIN DELETE FROM documents WHERE id = OLD.document_id; END;

        CREATE TABLE attempts (
            job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            boot_id TEXT NOT NULL,
            place TEXT NOT NULL,
            started_usec INTEGER NOT NULL,
            ended_usec INTEGER,
            state TEXT,
            cause TEXT,
            message TEXT,
            exit_code INTEGER,
            exit_signal INTEGER,
            memory_peak_bytes INTEGER,
            cpu_usage_usec INTEGER,
            wall_time_usec INTEGER,
            record TEXT,
            UNIQUE (job_id, number)
        );

        CREATE TABLE changes (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
            at_usec INTEGER NOT NULL,
            state TEXT NOT NULL,
            cause TEXT,
            attempt INTEGER,
            detail TEXT
        );
        CREATE INDEX changes_by_job ON changes(job_id);

        CREATE TRIGGER changes_stay_as_they_are BEFORE UPDATE ON changes
        BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
        CREATE TRIGGER changes_leave_with_their_job BEFORE DELETE ON changes
        WHEN EXISTS (SELECT 1 FROM jobs WHERE id = OLD.job_id)
        BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
        """

    private static let listIndexes = """
        CREATE INDEX jobs_by_state ON jobs(state);
        CREATE INDEX jobs_by_array ON jobs(array_id) WHERE array_id IS NOT NULL;
        """

    private static let outputBytes = """
        ALTER TABLE jobs ADD COLUMN output_bytes INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE attempts ADD COLUMN output_bytes INTEGER;
        CREATE INDEX jobs_ended ON jobs(id) WHERE ended_usec IS NOT NULL;
        """

    /// Only of jobs that have a priority, so that the others, which are most, cost nothing.
    private static let startOrder = """
        CREATE INDEX jobs_by_priority ON jobs(priority DESC) WHERE ended_usec IS NULL AND priority <> 0;
        """

    /// Jobs of before have 0.
    private static let textBytes = """
        ALTER TABLE jobs ADD COLUMN text_bytes INTEGER NOT NULL DEFAULT 0;
        """

    /// No reference to a job: an answer is given again after its job has left, too.
    private static let submissionKeys = """
        CREATE TABLE submission_keys (
            owner_uid INTEGER NOT NULL,
            key TEXT NOT NULL,
            number INTEGER NOT NULL,
            at_usec INTEGER NOT NULL,
            fingerprint INTEGER NOT NULL,
            answer TEXT NOT NULL,
            PRIMARY KEY (owner_uid, key)
        ) WITHOUT ROWID;
        CREATE INDEX submission_keys_by_number ON submission_keys(owner_uid, number);
        CREATE INDEX submission_keys_by_age ON submission_keys(at_usec);
        """
}
