// SPDX-License-Identifier: Apache-2.0

import Glibc
@testable import JobFile
import JobModel
import Testing

@Suite struct LoadTests {
    private func failure(_ path: String) -> JobFileError? {
        do throws(JobFileError) { _ = try JobFile.load(path: path) } catch { return error }
        return nil
    }

    @Test func whatAFileIs() throws {
        try withTemporaryDirectory { folder throws in
            func command(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> Command? {
                write(text, to: "\(folder)/\(name)", mode: mode)
                return try JobFile.load(path: "\(folder)/\(name)").command
            }
            #expect(try command("a.yaml", "command: a\n") == .shell("a"))
            #expect(try command("a.yaml", "#!/usr/bin/env -S jobs run\ncommand: a\n", mode: 0o755) == .shell("a"))
            #expect(try command("Jobfile", "command: a\n") == .shell("a"))
            #expect(try command("a", "#JOB --pids 3\ntrue\n") == .arguments(["/bin/sh", "\(folder)/a"]))
            #expect(try command("a.sh", "true\n") == .arguments(["/bin/sh", "\(folder)/a.sh"]))
            #expect(try command("a.py", "print()\n") == .arguments(["python3", "\(folder)/a.py"]))
            #expect(
                try command("b.sh", "#!/bin/sh\ntrue\n", mode: 0o755) == .script(path: "\(folder)/b.sh", arguments: []))
            if getuid() != 0 || access("\(folder)/a.sh", X_OK) != 0 {
                #expect(
                    try command("c", "#! /usr/bin/env  python3 -u \nprint()\n")
                        == .arguments(["/usr/bin/env", "python3 -u", "\(folder)/c"]))
            }
        }
    }

    @Test func whatCannotBeRead() throws {
        try withTemporaryDirectory { folder throws in
            #expect(failure("\(folder)/none.yaml")?.kind == .unreadable)
            #expect(
                failure("\(folder)/none.yaml")?.description
                    == "\(folder)/none.yaml: error: cannot be opened: No such file or directory")
            #expect(failure(folder)?.description == "\(folder): error: cannot be read: Is a directory")
            #expect(
                failure("/bin/ls")?.description == "/bin/ls: error: is not text; to run a program, put it after '--'")
            write(String(repeating: "# a\n", count: 1_100_000), to: "\(folder)/big.yaml")
            #expect(failure("\(folder)/big.yaml")?.description.contains("larger than 4 MiB") == true)
            write("a: b\n", to: "\(folder)/bad.yaml")
            #expect(failure("\(folder)/bad.yaml")?.kind == .invalid)
        }
    }

    @Test func relativeScriptsBecomeAbsolute() throws {
        let name = "jobfile-test-\(getpid()).sh"
        write("#!/bin/sh\n", to: name, mode: 0o755)
        defer { unlink(name) }
        let command = try #require(try JobFile.load(path: "./\(name)").command)
        #expect(command.arguments[0].hasPrefix("/") && command.arguments[0].hasSuffix("/\(name)"))
        #expect(!command.arguments[0].contains("/./"))
    }

    @Test func names() throws {
        try withTemporaryDirectory { folder throws in
            for name in ["first", "second"] { mkdir("\(folder)/\(name)", 0o755) }
            write("", to: "\(folder)/second/stress-test.yaml")
            write("", to: "\(folder)/second/both.yaml")
            write("", to: "\(folder)/first/both.py")
            write("", to: "\(folder)/first/.hidden.yaml")
            write("", to: "\(folder)/first/README.md")
            let folders = ["\(folder)/first", "\(folder)/second", "\(folder)/third"]
            #expect(try JobFile.find("stress-test", in: folders) == "\(folder)/second/stress-test.yaml")
            #expect(try JobFile.find("both", in: folders) == "\(folder)/first/both.py")
            #expect(try JobFile.find("\(folder)/first/both.py", in: []) == "\(folder)/first/both.py")
            #expect(JobFile.names(in: folders) == ["both", "stress-test"])

            func failure(_ name: String) -> String {
                do throws(JobFileError) { _ = try JobFile.find(name, in: folders) } catch {
                    #expect(error.kind == .notFound)
                    return error.description
                }
                return ""
            }
            #expect(
                failure("stres-test")
                    == "no job 'stres-test'; looked for stres-test.{yaml,yml,json,sh,py} in \(folder)/first, \(folder)/second, "
                    + "\(folder)/third; did you mean 'stress-test'?")
            #expect(failure("stress-tset.yaml") == "no such file: stress-tset.yaml; did you mean 'stress-test'?")
            #expect(failure("./x") == "no such file: ./x")
            #expect(failure("first").hasSuffix("third"))
        }
    }

    @Test func `root takes no file of another user's for a name alone`() throws {
        #expect(NameOwners.of(user: 0, sudoUser: nil).uids == [0])
        #expect(NameOwners.of(user: 0, sudoUser: "1000").uids == [0, 1000])
        #expect(NameOwners.of(user: 0, sudoUser: "x").uids == [0])
        #expect(NameOwners.of(user: 1000, sudoUser: "1000").uids == nil)
        try withTemporaryDirectory { folder throws in
            let (jobs, path) = ("\(folder)/jobs", "\(folder)/jobs/backup.yaml")
            mkdir(jobs, 0o755)
            write("command: 'true'\n", to: path)
            // The test's own user owns the file.
            let (own, other) = (NameOwners(uids: [geteuid()]), NameOwners(uids: [geteuid() + 1]))
            func find(_ name: String, _ owners: NameOwners) -> String {
                do throws(JobFileError) { return try JobFile.find(name, in: [jobs], of: owners) } catch {
                    return error.description
                }
            }
            #expect(find("backup", own) == path)
            #expect(find("backup", .everybody) == path)
            let name = String(cString: getpwuid(geteuid()).pointee.pw_name)
            #expect(
                find("backup", other)
                    == "for the name 'backup' root takes no file of others: \(path) belongs to user '\(name)'; if you mean it, write \(path)"
            )
            #expect(find(path, other) == path)
            chmod(jobs, 0o777)
            #expect(find("backup", own).contains("\(jobs) may be written by everybody; if you mean it, write \(path)"))
            chmod(jobs, 0o755)
            chmod(path, 0o666)
            #expect(find("backup", own).contains("\(path) may be written by everybody"))
            chmod(path, 0o644)
            // A user who may write where the folder is could put another one there.
            chmod(folder, 0o777)
            #expect(find("backup", own).contains("\(folder) may be written by everybody"))
            chmod(folder, 0o755)
            #expect(find("backup", own) == path)
            if geteuid() == 0 {
                let (links, link) = ("\(folder)/links", "\(folder)/links/backup.yaml")
                symlink(jobs, links)
                lchown(links, 60001, 0)
                do throws(JobFileError) {
                    _ = try JobFile.find("backup", in: [links], of: NameOwners(uids: [0]))
                    Issue.record("\(link) was taken")
                } catch { #expect(error.description.contains("\(links) belongs to user 60001")) }
            }
        }
    }

    @Test func folders() {
        func folders(_ variables: [String: String]) -> [String] { JobFile.folders(environment: { variables[$0] }) }
        let system = ["/etc/jobs/jobs", "/usr/local/share/jobs/jobs", "/usr/share/jobs/jobs"]
        #expect(folders([:]) == ["./jobs"] + system)
        #expect(folders(["HOME": "/home/pi"]) == ["./jobs", "/home/pi/.config/jobs/jobs"] + system)
        #expect(folders(["HOME": "/home/pi", "XDG_CONFIG_HOME": "/c"]) == ["./jobs", "/c/jobs/jobs"] + system)
        #expect(
            folders(["HOME": "/home/pi", "XDG_CONFIG_HOME": "c"]) == ["./jobs", "/home/pi/.config/jobs/jobs"] + system)
    }
}
