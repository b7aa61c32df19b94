// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// An OOM kill as the kernel logged it.
package struct KernelOOM: Hashable, Sendable {
    /// The cgroup whose limit was the cause; `nil` when the whole machine was out of memory.
    package var limitPath: String?
    package var taskPath: String
    package var victims: [OOMVictim]
}

/// The kernel log from a moment on; absent where it may not be read (`kernel.dmesg_restrict`).
package struct KernelLog: Sendable {
    private let descriptor: Descriptor

    /// Starts at the end of the log: what was before is not this attempt's.
    package init?() {
        guard let descriptor = try? Descriptor.open("/dev/kmsg", O_RDONLY | O_NONBLOCK) else { return nil }
        // Containers put other things in its place, such as /dev/null or a terminal.
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFCHR,
            DeviceNumber(status.st_rdev).description == "1:11"
        else { return nil }
        guard lseek(descriptor.rawValue, 0, SEEK_END) >= 0 else { return nil }
        self.descriptor = descriptor
    }

    /// The OOM kills since the start that hit a task of the cgroup called `name`.
    package func kills(inCgroupNamed name: String) -> [KernelOOM] {
        var lines: [String] = []
        while true {
            do throws(Errno) {
                // One record a read; EPIPE says that records were overwritten, the next read goes on after the gap.
                let record = try descriptor.read(limit: 8192)
                // No log of the kernel's ends so; whatever else it is has no more to say.
                if record.isEmpty { break }
                lines.append(String(decoding: record, as: UTF8.self))
            } catch {
                if error != .brokenPipe { break }
            }
        }
        return Self.parse(lines, cgroupNamed: name)
    }

    /// The pure part: `oom-kill:constraint=…` says why, where and of which process; `Killed process` lines say whom.
    ///
    /// The kernel holds the first kind back after ten in five seconds, and never the second. So a victim counts by its pid: the
    /// one that our cause names, and where a whole group is killed, those that the table before it lists. A victim without
    /// a cause is nobody's, and names, which are another user's, stay out of our record.
    package static func parse(_ lines: [String], cgroupNamed name: String) -> [KernelOOM] {
        var result: [KernelOOM] = []
        var listed: Set<Int> = []
        var expected: Set<Int> = []
        var isOurs = false
        for line in lines {
            // `PRIORITY,…;text`. A facility other than 0 was written by somebody who is not the kernel.
            if let priority = Int(line.prefix { $0 != "," }), priority > 7 { continue }
            let text = line.split(separator: ";", maxSplits: 1).last.map(String.init) ?? line
            if text.firstRange(of: " invoked oom-killer: ") != nil {
                listed = []
            } else if let pid = listedPid(text) {
                listed.insert(pid)
            } else if let range = text.firstRange(of: "oom-kill:constraint=") {
                let fields = self.fields(text[range.upperBound...])
                let task = fields["task_memcg"] ?? ""
                expected = []
                isOurs = contains(task, name)
                guard isOurs else { continue }
                expected = Set([victimPid(text)].compactMap { $0 })
                result.append(
                    KernelOOM(limitPath: fields["oom_memcg"].map(unescaped), taskPath: unescaped(task), victims: []))
            } else if text.hasPrefix("Tasks in "), isOurs, contains(text.dropFirst(9).prefix { $0 != " " }, name) {
                // The first of them has been named already.
                expected.formUnion(listed.subtracting(result[result.count - 1].victims.map(\.pid)))
            } else if let victim = victim(text), expected.remove(victim.pid) != nil {
                result[result.count - 1].victims.append(victim)
            }
        }
        return result
    }

    private static func contains(_ path: Substring, _ name: String) -> Bool {
        path.split(separator: "/").contains(name[...])
    }

    /// `[    812]     0   812    26541 … stress`, a row of the table of tasks.
    private static func listedPid(_ text: String) -> Int? {
        guard text.first == "[", let close = text.firstIndex(of: "]") else { return nil }
        return Int(text[text.index(after: text.startIndex)..<close].drop { $0 == " " })
    }

    /// `…,task=NAME,pid=812,uid=0`: from the end, since the name may hold anything.
    private static func victimPid(_ text: String) -> Int? {
        let line = text.prefix { $0 != "\n" }
        let parts = line.split(separator: ",").suffix(2)
        guard parts.count == 2, let pid = parts.first, pid.hasPrefix("pid=") else { return nil }
        return Int(pid.dropFirst(4))
    }

    private static func fields(_ text: Substring) -> [String: Substring] {
        var fields: [String: Substring] = [:]
        // The process's name comes last and is of its own choosing: `x,oom_memcg=/y` is one.
        let line = text.prefix { $0 != "\n" }
        for part in line[..<(line.firstRange(of: ",task=")?.lowerBound ?? line.endIndex)].split(separator: ",") {
            guard let equals = part.firstIndex(of: "=") else { continue }
            fields[String(part[..<equals])] = part[part.index(after: equals)...]
        }
        return fields
    }

    /// `Memory cgroup out of memory: Killed process 123 (stress) total-vm:…kB, anon-rss:102400kB, …`
    private static func victim(_ text: String) -> OOMVictim? {
        guard let start = text.firstRange(of: "Killed process ") else { return nil }
        let rest = text[start.upperBound...].prefix { $0 != "\n" }
        // The name may hold parentheses; nothing after it does.
        guard let pid = Int(rest.prefix { $0.isNumber }), let open = rest.firstIndex(of: "("),
            let close = rest.lastIndex(of: ")"), open < close
        else {
            return nil
        }
        let figures = rest[close...]
        let anon = figures.firstRange(of: "anon-rss:").flatMap { Int(figures[$0.upperBound...].prefix { $0.isNumber }) }
        return OOMVictim(
            process: unescaped(rest[rest.index(after: open)..<close]), pid: pid, anonRSSBytes: anon.map { $0 * 1024 })
    }

    /// Undoes `\xHH`, in which `/dev/kmsg` gives a backslash and all that is no printable ASCII (`msg_add_ext_text`).
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let first = rest.first {
            let digits = String(decoding: rest.dropFirst(2).prefix(2), as: UTF8.self)
            if rest.starts(with: "\\x".utf8), digits.utf8.count == 2, let byte = UInt8(digits, radix: 16) {
                bytes.append(byte)
                rest = rest.dropFirst(4)
            } else {
                bytes.append(first)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension StringProtocol {
    /// The first place of `other`; the standard library has this only with regex support, which costs a library.
    fileprivate func firstRange(of other: String) -> Range<Index>? {
        var start = startIndex
        while start != endIndex {
            if self[start...].hasPrefix(other), let end = index(start, offsetBy: other.count, limitedBy: endIndex) {
                return start..<end
            }
            start = index(after: start)
        }
        return nil
    }
}
