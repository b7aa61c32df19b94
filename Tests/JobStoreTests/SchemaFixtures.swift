// SPDX-License-Identifier: Apache-2.0

/// A file as each released version left it. A version's text never changes once it is released.
enum SchemaFixtures {
    /// Version → what `sqlite3 jobs.db .dump` of it would say, with a completed and a pending job.
    static let all: [(version: String, sql: String)] = [
        ("v1-tables", v1), ("v2-list-indexes", v2), ("v3-output-bytes", v3),
        ("v4-start-order", v4), ("v5-application-id", v5), ("v6-text-bytes", v6),
    ]

    private static let v2 =
        v1 + """

            CREATE INDEX jobs_by_state ON jobs(state);
            CREATE INDEX jobs_by_array ON jobs(array_id) WHERE array_id IS NOT NULL;
            INSERT INTO grdb_migrations VALUES ('v2-list-indexes');
            """

    private static let v3 =
        v2 + """

            ALTER TABLE jobs ADD COLUMN output_bytes INTEGER NOT NULL DEFAULT 0;
            ALTER TABLE attempts ADD COLUMN output_bytes INTEGER;
            CREATE INDEX jobs_ended ON jobs(id) WHERE ended_usec IS NOT NULL;
            INSERT INTO grdb_migrations VALUES ('v3-output-bytes');
            """

    private static let v4 =
        v3 + """

            CREATE INDEX jobs_by_priority ON jobs(priority DESC) WHERE ended_usec IS NULL AND priority <> 0;
            INSERT INTO grdb_migrations VALUES ('v4-start-order');
            """

    private static let v5 =
        v4 + """

            PRAGMA application_id = 1246708307;
            INSERT INTO grdb_migrations VALUES ('v5-application-id');
            """

    private static let v6 =
        v5 + """

            ALTER TABLE jobs ADD COLUMN text_bytes INTEGER NOT NULL DEFAULT 0;
            INSERT INTO grdb_migrations VALUES ('v6-text-bytes');
            """

    private static let v1 = """
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
        CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO grdb_migrations VALUES ('v1-tables');
        INSERT INTO documents VALUES (1, 'command: [make]', '{"directory": "/srv"}');
        INSERT INTO jobs (
            id, name, owner_uid, owner_gid, owner_name, command, array_id, array_index, array_parallel, group_name,
            priority, begin_usec, dependency, memory_request_bytes, cpus_request_milli, memory_limit_bytes,
            wall_time_limit_usec, attempts_max, submitted_usec, state, reason, attempt, started_usec, ended_usec, cause,
            message, exit_code, exit_signal, memory_peak_bytes, cpu_usage_usec, wall_time_usec, document_id
        ) VALUES
            (3, 'build', 1000, 1000, 'pi', 'make', NULL, NULL, NULL, 'default', 0, NULL, NULL, NULL, NULL, NULL, NULL,
                1, 1000000, 'completed', NULL, 1, 2000000, 3000000, 'success', 'Completed.', 0, NULL, 4096, 10, 20, 1),
            (4, 'test', 1000, 1000, 'pi', 'make test', 4, 0, 2, 'gpu', 5, 9000000, 'ok:3,any:2?failed:1', 100, 1500,
                200, 300, 2, 1000000, 'held', 'by pi', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1);
        -- Job 9 was removed.
        UPDATE sqlite_sequence SET seq = 9 WHERE name = 'jobs';
        INSERT INTO attempts (
            job_id, number, boot_id, place, started_usec, ended_usec, state, cause, message, exit_code, exit_signal,
            memory_peak_bytes, cpu_usage_usec, wall_time_usec, record
        ) VALUES (3, 1, 'boot', 'job-3.1', 2000000, 3000000, 'completed', 'success', 'Completed.', 0, NULL, 4096, 10, 20,
            '{}');
        INSERT INTO changes (job_id, at_usec, state, cause, attempt, detail) VALUES
            (3, 1000000, 'pending', NULL, NULL, NULL),
            (4, 1000000, 'held', NULL, NULL, 'by pi'),
            (3, 2000000, 'running', NULL, 1, NULL),
            (3, 3000000, 'completed', 'success', 1, 'Completed.');
        """
}
