// SPDX-License-Identifier: Apache-2.0

/// A JSON value that keeps the order of its keys and says `null` out loud.
///
/// `JSONEncoder` drops absent optionals and sorts or shuffles keys; a record must do neither.
public indirect enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([Member])

    public struct Member: Hashable, Sendable {
        public var key: String
        public var value: JSON

        public init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }
    }

    /// An object from pairs, in their order.
    public static func object(_ pairs: KeyValuePairs<String, JSON>) -> JSON {
        .object(pairs.map { Member(key: $0.key, value: $0.value) })
    }

    public static func int(_ value: Int?) -> JSON { value.map { .int($0) } ?? .null }
    public static func string(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }

    /// The text, on one line or indented by two spaces.
    public func text(pretty: Bool = false) -> String {
        var out = ""
        write(to: &out, indent: pretty ? 0 : nil)
        return out
    }

    private func write(to out: inout String, indent: Int?) {
        switch self {
        case .null: out += "null"
        case .bool(let value): out += value ? "true" : "false"
        case .int(let value): out += String(value)
        // JSON has no infinity and no NaN.
        case .number(let value) where !value.isFinite: out += "null"
        case .number(let value): out += value == value.rounded() && abs(value) < 1e15 ? "\(Int(value)).0" : "\(value)"
        case .string(let value): Self.quote(value, to: &out)
        case .array(let values):
            Self.list(values, "[", "]", to: &out, indent: indent) { value, out, inner in
                value.write(to: &out, indent: inner)
            }
        case .object(let members):
            Self.list(members, "{", "}", to: &out, indent: indent) { member, out, inner in
                Self.quote(member.key, to: &out)
                out += indent == nil ? ":" : ": "
                member.value.write(to: &out, indent: inner)
            }
        }
    }

    private static func list<T>(
        _ items: [T], _ open: String, _ close: String, to out: inout String, indent: Int?,
        each: (T, inout String, Int?) -> Void
    ) {
        out += open
        for (index, item) in items.enumerated() {
            if index > 0 { out += "," }
            if let indent { out += "\n" + String(repeating: "  ", count: indent + 1) }
            each(item, &out, indent.map { $0 + 1 })
        }
        if let indent, !items.isEmpty { out += "\n" + String(repeating: "  ", count: indent) }
        out += close
    }

    private static func quote(_ text: String, to out: inout String) {
        out += "\""
        // Bytes above ASCII are never one of these, so the bytes can be looked at instead of the characters.
        if text.utf8.contains(where: needsEscape) {
            for scalar in text.unicodeScalars { escape(scalar, to: &out) }
        } else {
            out += text
        }
        out += "\""
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func escape(_ scalar: Unicode.Scalar, to out: inout String) {
        switch scalar {
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case "\n": out += "\\n"
        case "\t": out += "\\t"
        case "\r": out += "\\r"
        default:
            if scalar.value < 0x20 {
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
    }
}

extension Record {
    /// The record as the JSON document of DESIGN 4.5.
    public var json: JSON {
        .object([
            "schema_version": .int(Self.schemaVersion),
            "job": .object([
                "id": .int(job.id), "name": .string(job.name), "attempt": .int(job.attempt),
                "owner": .string(job.owner),
            ]),
            "state": .string(verdict.state.rawValue),
            "cause": .string(verdict.cause.rawValue),
            "exit": .object(["code": .int(verdict.exit.code), "signal": .int(verdict.exit.signal)]),
            "message": .string(verdict.message),
            "started_at": .string(startedAt?.description),
            "ended_at": .string(endedAt?.description),
            "limits": limits.json,
            "usage": .object(Usage.figures.map { JSON.Member(key: $0.key, value: .int(usage[keyPath: $0.path])) }),
            "unavailable": .dictionary(unavailable),
            "partial": .dictionary(partial),
            "sampled": .array(sampled.map { .string($0) }),
            "trust": .array(trust.map { .object(["flag": .string($0.kind.rawValue), "detail": .string($0.detail)]) }),
            "oom": oom?.json ?? .null,
            "rest": .object(["terminated": .int(rest.terminated), "killed": .int(rest.killed)]),
            "host": .object([
                "kernel": .string(host.kernel), "cgroup_mode": .string(host.cgroupMode), "board": .string(host.board),
            ]),
        ])
    }
}

extension EffectiveLimits {
    var json: JSON {
        .object([
            "memory_bytes": .int(memoryBytes), "swap_bytes": .int(swapBytes),
            "memory_soft_bytes": .int(memorySoftBytes),
            "cpus": cpus.map { .number($0.value) } ?? .null, "cpu_weight": .int(cpuWeight), "cpuset": .string(cpuset),
            "pids": .int(pids), "io": .array(io.map { .string($0) }),
            "hugepages": .object(
                hugepages.sorted { $0.key < $1.key }.map { JSON.Member(key: "\($0.key)", value: .int($0.value)) }),
            "wall_time_usec": .int(wallTimeUsec), "cpu_time_usec": .int(cpuTimeUsec),
            "ancestor_memory_bytes": .int(ancestorMemoryBytes), "ancestor_memory_path": .string(ancestorMemoryPath),
            "ancestor_cpus": ancestorCPUs.map { .number($0.value) } ?? .null,
            "ancestor_cpus_path": .string(ancestorCPUsPath),
            "ancestor_pids": .int(ancestorPids), "ancestor_pids_path": .string(ancestorPidsPath),
            "unenforced": .dictionary(unenforced),
        ])
    }
}

extension OOMEvidence {
    var json: JSON {
        .object([
            "source": .string(source.rawValue), "cause": .string(cause?.rawValue), "limit_path": .string(limitPath),
            "victims": .array(
                victims.map {
                    .object([
                        "process": .string($0.process), "pid": .int($0.pid), "anon_rss_bytes": .int($0.anonRSSBytes),
                    ])
                }),
        ])
    }
}

extension JSON {
    /// An object whose keys are sorted, so that the same dictionary always makes the same text.
    public static func dictionary(_ pairs: [String: String]) -> JSON { dictionary(pairs) { .string($0) } }

    public static func dictionary(_ pairs: [String: Int]) -> JSON { dictionary(pairs) { .int($0) } }

    private static func dictionary<Value>(_ pairs: [String: Value], _ json: (Value) -> JSON) -> JSON {
        .object(pairs.sorted { $0.key < $1.key }.map { Member(key: $0.key, value: json($0.value)) })
    }
}
