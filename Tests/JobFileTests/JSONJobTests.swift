// SPDX-License-Identifier: Apache-2.0

@testable import JobFile
import JobModel
import Testing

private func parse(_ text: String) throws -> JobSpec { try JobFile.parse(json: text, file: "x.json") }

private func complaint(_ text: String) -> String {
    do throws(JobFileError) { _ = try JobFile.parse(json: text, file: "x.json") } catch { return error.description }
    return ""
}

@Suite struct JSONJobTests {
    @Test func everyJobReadsBackAsItWas() throws {
        for _ in 0..<2000 {
            let spec = randomSpec()
            let text = JobFile.json(of: spec).text()
            #expect(!text.unicodeScalars.contains("\n"))
            #expect(try parse(text) == spec, "\(text)")
        }
    }

    /// The list of settings is the list of what JSON says: a setting whose reader is missing or wrong fails here.
    @Test func everySettingIsWrittenAsItIsRead() throws {
        for setting in Settings.all {
            let spec = try yaml(document(with: setting))
            let json = JobFile.json(of: spec)
            #expect(try parse(json.text()) == spec, "\(setting.path)")
            let section = setting.section.map { json[$0] } ?? json
            // A block of shell commands is a command.
            let key = setting.key == "script" ? "command" : setting.key
            #expect(section?[key] != nil, "\(setting.path) is missing in \(json.text())")
        }
    }

    @Test func onlyWhatDiffersFromTheDefaultIsSaid() throws {
        #expect(JobFile.json(of: JobSpec(name: "x", command: .shell("a"))).text() == #"{"name":"x","command":"a"}"#)
        #expect(try parse(#"{"command":"a"}"#) == JobSpec(name: "x", command: .shell("a")))
    }

    @Test func spellings() throws {
        var spec = JobSpec(name: "x", command: .arguments(["ls", "1", "yes"]))
        spec.umask = 0o27
        spec.environment = ["B": "1e3", "A": ""]
        spec.limits.memory = ByteCount(100 << 20)
        spec.limits.swap = .bytes(ByteCount(1025 << 20))
        spec.limits.output = ByteCount(1025)
        spec.limits.cpus = CPUCount(milli: 1500)
        spec.limits.wallTime = .seconds(5400)
        spec.limits.cpuTime = JobDuration(microseconds: 3_601_500_001)
        spec.limits.grace = JobDuration(microseconds: 1500)
        spec.limits.devices = DeviceRule.standard
        spec.scheduling.after = Dependency([[.init(.ok, .id(41))]])
        spec.scheduling.retry.memoryFactor = 2
        #expect(
            JobFile.json(of: spec).text()
                == #"{"name":"x","command":["ls","1","yes"],"env":{"A":"","B":"1e3"},"umask":"0027","#
                + #""limits":{"memory":"100M","swap":"1025M","cpus":1.5,"wall-time":"1h30m","cpu-time":"3601500001us","#
                + #""grace":"1.5ms","output":1025,"devices":["standard"]},"queue":{"after":"ok:41","oom-factor":2}}"#)
        #expect(try parse(JobFile.json(of: spec).text()) == spec)
    }

    /// The kernel executes both alike, and a job file has no other word for it.
    @Test func aScriptFileBecomesTheListThatIsExecuted() throws {
        let spec = JobSpec(name: "x", command: .script(path: "/srv/x.sh", arguments: ["1"]))
        #expect(try parse(JobFile.json(of: spec).text()).command == .arguments(["/srv/x.sh", "1"]))
    }

    /// As strict as YAML, and with the same words.
    @Test(arguments: [
        (
            #"{"command":"a","limits":{"memmory":"1M"}}"#,
            "x.json: error: unknown key 'memmory' in limits; did you mean 'memory'?"
        ),
        (#"{"command":"a","limits":{"memory":"100MB"}}"#, "x.json: error: memory: '100MB': MB is read both ways"),
        (#"{"command":"a","limits":{"memory":null}}"#, "x.json: error: memory: has no value; expected a size"),
        (#"{"command":"a","limits":{"pids":1.5}}"#, "x.json: error: pids: '1.5': expected a whole number"),
        (#"{"command":"a","isolation":{"net":1}}"#, "x.json: error: net: '1': expected true or false"),
        (#"{"command":"a","directory":"a\u0000b"}"#, "x.json: error: directory: must not contain a NUL character"),
        (#"{"command":"a","limits":{"swap":"1M"}}"#, "x.json: error: swap needs memory"),
        (#"{"name":"a"}"#, "x.json:1:1: error: there is no 'command'"),
        (#"["a"]"#, "x.json: error: found a list, expected keys"),
        ("{\"command\":\n\"é\",}", "x.json:2:5: error: not JSON: expected a key"),
        ("{\"command\":\"a\",\n \"command\":\"b\"}", "x.json:2:11: error: not JSON: the key \"command\" stands twice"),
        ("", "x.json:1:1: error: not JSON: expected a value"),
    ])
    func refuses(_ text: String, _ message: String) {
        #expect(complaint(text).hasPrefix(message), "\(complaint(text))")
    }

    @Test func numbersAndBooleansMayBeThemselves() throws {
        let spec = try parse(
            #"{"command":["a",1,true],"user":1000,"umask":"0022","limits":{"memory":1048576,"cpus":2.0,"pids":3},"#
                + #""isolation":{"net":true},"queue":{"priority":-5,"hold":true,"oom-factor":1.5,"array":7,"after":41}}"#
        )
        #expect(spec.command == .arguments(["a", "1", "true"]) && spec.user == "1000")
        #expect(spec.limits.memory == ByteCount(1 << 20) && spec.limits.cpus == CPUCount(milli: 2000))
        #expect(spec.isolation.net && spec.scheduling.priority == -5 && spec.scheduling.held)
        #expect(spec.scheduling.after == Dependency([[.init(.ok, .id(41))]]))
        #expect(spec.scheduling.array?.indices == IDSet([7]))
    }

    @Test func emptySectionsAreNoProblem() throws {
        #expect(try parse(#"{"command":"a","limits":null,"queue":{}}"#) == JobSpec(name: "x", command: .shell("a")))
    }

    @Test func jobFilesMayBeJSON() throws {
        try withTemporaryDirectory { folder throws in
            write(#"{"command": ["echo", "a\u2028b"], "limits": {"pids": 3}}"#, to: "\(folder)/deep.json")
            let spec = try JobFile.load(path: "\(folder)/deep.json")
            #expect(spec.name == "deep" && spec.command == .arguments(["echo", "a\u{2028}b"]) && spec.limits.pids == 3)
        }
    }
}

@Suite struct JobSourceTests {
    /// The words after `--` arrive as they were typed, whatever YAML would make of them.
    @Test func commandsKeepTheirWords() throws {
        for _ in 0..<500 {
            let words = ["/bin/echo"] + (0..<4).map { _ in randomText() }
            let source = JobSource(command: words, flags: [.init(flag: "--pids", value: "3")])
            #expect(JobSource(try JSON(parsing: source.json.text())) == source)
            let spec = try source.spec()
            #expect(spec.command == .arguments(words) && spec.name == "echo" && spec.limits.pids == 3)
        }
        let long = String(repeating: "x", count: 200_000)
        #expect(try JobSource(command: ["echo", long]).spec().command == .arguments(["echo", long]))
    }

    @Test func fileThenArgumentsThenFlags() throws {
        try withTemporaryDirectory { folder throws in
            write("command: [ls, -l]\nlimits: {pids: 3, memory: 1M}\nqueue: {priority: 1}\n", to: "\(folder)/a.yaml")
            let flags = [Settings.Given(flag: "--pids", value: "4"), .init(flag: "--hold", value: nil)]
            let source = try JobSource(path: "\(folder)/a.yaml", arguments: ["/"], flags: flags)
            #expect(JobSource(source.json) == source)
            let spec = try source.spec()
            #expect(spec.name == "a" && spec.command == .arguments(["ls", "-l", "/"]))
            #expect(spec.limits.pids == 4 && spec.scheduling.held && spec.scheduling.priority == 1)

            func complaint(_ source: JobSource) -> String {
                do { _ = try source.spec() } catch { return "\(error)" }
                return ""
            }
            var wrong = source
            wrong.flags.append(.init(flag: "--memory-soft", value: "2M"))
            #expect(complaint(wrong).hasPrefix("memory-soft (2M) is above memory (1M)"))
            wrong.text = "command: a\n"
            #expect(complaint(wrong).contains("is shell text and takes no arguments"))
            wrong.text = "commnd: a\n"
            #expect(complaint(wrong).hasPrefix("\(folder)/a.yaml:1:1: error: unknown key 'commnd'"))
        }
    }

    @Test(arguments: [
        "{}", #"{"text":1}"#, #"{"text":"a","flags":[["--pids","3","4"]]}"#, #"{"text":"a","arguments":[1]}"#,
    ])
    func whatIsNoSource(_ text: String) throws {
        #expect(JobSource(try JSON(parsing: text)) == nil)
    }
}
