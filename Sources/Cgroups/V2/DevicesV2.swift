// SPDX-License-Identifier: Apache-2.0
import CLinux
import Linux
import SystemPackage

/// Device access on cgroup v2: a small BPF program at the cgroup, which allows what is listed and refuses the rest.
enum DevicesV2 {
    static func apply(_ rules: [ResolvedDevice], to directory: CgroupDirectory) throws(CgroupError) {
        do throws(Errno) {
            try attach(load(program(for: rules)), to: directory.descriptor)
        } catch {
            throw CgroupError(
                "restrict devices of", directory.path, errno: error,
                remedy: "needs CAP_BPF or root, and a kernel with CONFIG_CGROUP_BPF")
        }
    }

    /// One instruction of `struct bpf_insn`.
    struct Instruction: Hashable {
        var code: UInt8
        var registers: UInt8
        var offset: Int16
        var immediate: Int32

        init(_ code: Int32, destination: UInt8 = 0, source: UInt8 = 0, offset: Int = 0, immediate: Int32 = 0) {
            self.code = UInt8(code)
            registers = source << 4 | destination
            self.offset = Int16(offset)
            self.immediate = immediate
        }
    }

    /// r2 = type, r3 = access, r4 = major, r5 = minor of `struct bpf_cgroup_dev_ctx`; r0 is the answer.
    static func program(for rules: [ResolvedDevice]) -> [Instruction] {
        let load = BPF_LDX | BPF_MEM | BPF_W
        var out: [Instruction] = [
            Instruction(load, destination: 2, source: 1, offset: 0),
            Instruction(BPF_ALU | BPF_AND | BPF_K, destination: 2, immediate: 0xffff),
            Instruction(load, destination: 3, source: 1, offset: 0),
            Instruction(BPF_ALU | BPF_RSH | BPF_K, destination: 3, immediate: 16),
            Instruction(load, destination: 4, source: 1, offset: 4),
            Instruction(load, destination: 5, source: 1, offset: 8),
        ]
        for rule in merged(rules) {
            let allowed: Int32 = (rule.mknod ? 1 : 0) | (rule.read ? 2 : 0) | (rule.write ? 4 : 0)
            // Type and numbers must match, and no access outside the allowed ones may be asked for.
            var tests = [(Int(2), rule.isBlock ? Int32(1) : 2)]
            if let major = rule.major { tests.append((4, Int32(major))) }
            if let minor = rule.minor { tests.append((5, Int32(minor))) }
            let length = tests.count + 5
            for (index, test) in tests.enumerated() {
                out.append(
                    Instruction(
                        BPF_JMP | BPF_JNE | BPF_K, destination: UInt8(test.0), offset: length - index - 1,
                        immediate: test.1))
            }
            out += [
                Instruction(BPF_ALU | BPF_MOV | BPF_X, destination: 6, source: 3),
                Instruction(BPF_ALU | BPF_AND | BPF_K, destination: 6, immediate: ~allowed & 7),
                Instruction(BPF_JMP | BPF_JNE | BPF_K, destination: 6, offset: 2, immediate: 0),
                Instruction(BPF_ALU64 | BPF_MOV | BPF_K, destination: 0, immediate: 1),
                Instruction(BPF_JMP | BPF_EXIT),
            ]
        }
        return out + [
            Instruction(BPF_ALU64 | BPF_MOV | BPF_K, destination: 0, immediate: 0), Instruction(BPF_JMP | BPF_EXIT),
        ]
    }

    /// Rules for the same device add up, as `devices.allow` of v1 does it: read in one and write in another is both.
    private static func merged(_ rules: [ResolvedDevice]) -> [ResolvedDevice] {
        var result: [ResolvedDevice] = []
        for rule in rules {
            if let same = result.firstIndex(where: {
                ($0.isBlock, $0.major, $0.minor) == (rule.isBlock, rule.major, rule.minor)
            }) {
                result[same].read = result[same].read || rule.read
                result[same].write = result[same].write || rule.write
                result[same].mknod = result[same].mknod || rule.mknod
            } else {
                result.append(rule)
            }
        }
        return result
    }

    private static func load(_ program: [Instruction]) throws(Errno) -> Descriptor {
        let result = program.withUnsafeBytes { instructions in
            "GPL".withCString { license in
                // union bpf_attr for BPF_PROG_LOAD: type, count, instructions, license.
                var attributes: (UInt32, UInt32, UInt64, UInt64) = (
                    BPF_PROG_TYPE_CGROUP_DEVICE.rawValue, UInt32(program.count),
                    UInt64(UInt(bitPattern: instructions.baseAddress)),
                    UInt64(UInt(bitPattern: license))
                )
                return withUnsafeBytes(of: &attributes) {
                    clinux_syscall(
                        Int(SYS_bpf), Int(BPF_PROG_LOAD.rawValue), Int(bitPattern: $0.baseAddress), $0.count, 0, 0, 0)
                }
            }
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
        return Descriptor(CInt(result))
    }

    private static func attach(_ program: Descriptor, to directory: Descriptor) throws(Errno) {
        // union bpf_attr for BPF_PROG_ATTACH: target, program, type, flags.
        var attributes = (UInt32(directory.rawValue), UInt32(program.rawValue), BPF_CGROUP_DEVICE.rawValue, UInt32(0))
        let result = withUnsafeBytes(of: &attributes) {
            clinux_syscall(
                Int(SYS_bpf), Int(BPF_PROG_ATTACH.rawValue), Int(bitPattern: $0.baseAddress), $0.count, 0, 0, 0)
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
    }
}
