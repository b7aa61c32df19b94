// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Cgroups

/// What the device program of v2 allows, by running its instructions.
@Suite struct DevicesTests {
    /// An interpreter for the instructions that the program may hold; anything else is a trap, as for the verifier.
    private static func run(
        _ program: [DevicesV2.Instruction], block: Bool, access: UInt32, major: UInt32, minor: UInt32
    )
        throws -> Bool
    {
        // struct bpf_cgroup_dev_ctx: access_type, major, minor.
        let context = [access << 16 | (block ? 1 : 2), major, minor]
        var registers = [UInt64?](repeating: nil, count: 11)
        var place = 0
        while program.indices.contains(place) {
            let instruction = program[place]
            let destination = Int(instruction.registers & 15)
            let source = Int(instruction.registers >> 4)
            let immediate = UInt64(bitPattern: Int64(instruction.immediate))
            place += 1
            switch instruction.code {
            case 0x61:  // ldxw
                try #require(source == 1 && instruction.offset % 4 == 0)
                try #require(context.indices.contains(Int(instruction.offset) / 4))
                registers[destination] = UInt64(context[Int(instruction.offset) / 4])
            case 0x54:  // and32 imm
                registers[destination] = UInt64(
                    UInt32(truncatingIfNeeded: try #require(registers[destination]) & immediate))
            case 0x74:  // rsh32 imm
                let value = UInt32(truncatingIfNeeded: try #require(registers[destination]))
                registers[destination] = UInt64(value >> UInt32(truncatingIfNeeded: immediate))
            case 0xbc:  // mov32 reg
                registers[destination] = UInt64(UInt32(truncatingIfNeeded: try #require(registers[source])))
            case 0xb7: registers[destination] = immediate  // mov64 imm
            case 0x55:  // jne imm
                try #require(instruction.offset >= 0, "the verifier of old kernels refuses loops")
                if try #require(registers[destination]) != immediate { place += Int(instruction.offset) }
            case 0x95: return try #require(registers[0]) == 1  // exit
            default: Issue.record("an unexpected instruction \(instruction.code)")
            }
        }
        Issue.record("the program runs off its end")
        return false
    }

    private func rule(_ text: String) throws -> ResolvedDevice {
        let words = text.split(separator: " ").map(String.init)
        let access = words.count > 2 ? words[2] : ""
        let numbers = words[1].split(separator: ":").map { Int($0) }
        let rule = DeviceRule(
            target: .number(block: words[0] == "b", major: numbers[0], minor: numbers[1]), read: access.contains("r"),
            write: access.contains("w"), mknod: access.contains("m"))
        return try ResolvedDevice(rule)
    }

    private func allows(_ rules: [String], _ request: String) throws -> Bool {
        let asked = try rule(request)
        let access: UInt32 = (asked.mknod ? 1 : 0) | (asked.read ? 2 : 0) | (asked.write ? 4 : 0)
        return try Self.run(
            DevicesV2.program(for: rules.map { try rule($0) }), block: asked.isBlock, access: access,
            major: UInt32(asked.major ?? 0), minor: UInt32(asked.minor ?? 0))
    }

    private let standard: [String]

    init() throws { standard = try DeviceRule.standard.map { try ResolvedDevice($0).line } }

    @Test(arguments: [
        "c 1:3 rw", "c 1:3 r", "c 1:3 w", "c 1:5 r", "c 1:7 w", "c 1:8 r", "c 1:9 r", "c 5:0 rw", "c 5:2 rw",
        "c 136:0 rw", "c 136:1048575 r",
    ])
    func `standard devices are readable and writable`(_ request: String) throws {
        #expect(try allows(standard, request))
    }

    @Test(arguments: [
        "c 1:3 m", "c 1:3 rwm",  // making nodes is another matter
        "c 1:1 r", "c 1:2 r", "c 1:4 r", "c 1:11 r",  // mem, kmem, port, kmsg
        "b 1:3 r", "b 1:5 rw",  // ram disks have null's numbers
        "b 8:0 r", "b 8:0 w", "b 259:0 rw", "c 10:200 rw", "c 5:1 w", "c 137:0 r", "c 135:0 r", "c 4:64 rw",
        "c 3:1 r", "c 0:0 r",
    ])
    func `everything else is refused`(_ request: String) throws {
        #expect(try !allows(standard, request))
    }

    @Test(arguments: ["c 1:3 r", "b 8:0 w", "c 0:0 m"])
    func `an empty list allows nothing`(_ request: String) throws { #expect(try !allows([], request)) }

    /// Every request against every kind of rule, by the definition of devices.allow.
    @Test func `a rule allows its own type, numbers and access, and nothing beyond`() throws {
        let rules = [
            "c 1:3 r", "b 8:0 rw", "b 8:* r", "c *:* m", "b *:1 w", "c 2147483647:5 rwm", "c 0:0 rwm", "c 7:7 ",
        ]
        let kinds: [(Bool, Int, Int)] = [
            (false, 1, 3), (false, 3, 1), (true, 1, 3), (true, 8, 0), (true, 8, 1), (true, 9, 1), (false, 8, 0),
            (false, 2_147_483_647, 5), (false, 0, 0), (false, 7, 7),
        ]
        for text in rules {
            let rule = try rule(text)
            let program = DevicesV2.program(for: [rule])
            for (block, major, minor) in kinds {
                for access in UInt32(1)...7 {
                    let expected =
                        rule.isBlock == block && (rule.major ?? major) == major && (rule.minor ?? minor) == minor
                        && (access & 1 == 0 || rule.mknod) && (access & 2 == 0 || rule.read)
                        && (access & 4 == 0 || rule.write)
                    let allowed = try Self.run(
                        program, block: block, access: access, major: UInt32(major), minor: UInt32(minor))
                    #expect(allowed == expected, "\(text): \(block ? "b" : "c") \(major):\(minor) \(access)")
                }
            }
        }
    }

    @Test func `a rule that does not fit leaves the next its turn`() throws {
        let rules = ["b 8:0 r", "c 1:3 r", "c 1:5 w", "b *:* m"]
        for request in ["b 8:0 r", "c 1:3 r", "c 1:5 w", "b 8:0 m", "b 3:3 m"] { #expect(try allows(rules, request)) }
        for request in ["c 1:3 w", "c 1:5 r", "b 8:0 w", "c 1:3 m"] { #expect(try !allows(rules, request)) }
    }

    /// As `devices.allow` of v1 adds up what it is told of one device.
    @Test func `two rules for one device add up`() throws {
        #expect(try allows(["c 1:3 r", "c 1:5 r", "c 1:3 w"], "c 1:3 rw"))
        #expect(try !allows(["c 1:3 r", "c 1:5 w"], "c 1:3 rw"))
    }

    @Test func `numbers of devices are looked up`() throws {
        let null = try ResolvedDevice(DeviceRule(target: .path("/dev/null"), read: true, write: false, mknod: false))
        #expect(null.line == "c 1:3 r")
        let folder = DeviceRule(target: .path("/tmp"), read: true, write: true, mknod: false)
        #expect(throws: CgroupError.self) { try ResolvedDevice(folder) }
        let missing = DeviceRule(target: .path("/dev/no-such-device"), read: true, write: true, mknod: false)
        #expect(throws: CgroupError.self) { try ResolvedDevice(missing) }
    }

    @Test(arguments: ["c 1:3 rw", "b 8:0 rwm", "c *:* m", "b 8:* r", "c *:5 w"])
    func `a line is what devices.allow takes`(_ line: String) throws {
        #expect(try rule(line).line == line)
    }
}
