// SPDX-License-Identifier: Apache-2.0

internal import JobModel

extension ValueType where Parsed == KeptCapabilities {
    static var capabilities: Self {
        let phrase = "a list such as [NET_ADMIN, SYS_PTRACE], default, all, or none"
        return Self(
            phrase, "LIST",
            schema: ["anyOf": [["type": "string"], ["type": "array", "items": ["type": "string"]]]],
            write: { kept in
                guard case .named(let names) = kept else { return "all" }
                return .array(names.sorted().map { .string($0) })
            }
        ) { value throws(Problem) in
            var names: Set<String> = []
            var isAll = false
            for item in try value.items(phrase) {
                let text = try item.text("a capability such as NET_ADMIN")
                switch text {
                case "all": isAll = true
                case "default": names.formUnion(Capability.engineDefaults)
                default: names.insert(try capability(text, item))
                }
            }
            return isAll ? .all : .named(names)
        }

        @Sendable func capability(_ text: String, _ item: Value) throws(Problem) -> String {
            let upper = text.uppercased()
            let name = upper.hasPrefix("CAP_") ? String(upper.dropFirst(4)) : upper
            guard Capability.names.contains(name) else {
                // Forty names would bury the message; capabilities(7) explains them as well.
                let near = nearest(name, among: Capability.names)
                throw item.problem("unknown capability '\(text)'; see capabilities(7)", suggestion: near)
            }
            return name
        }
    }
}

extension ValueType where Parsed == TimeOffsets {
    static var timeOffsets: Self {
        let phrase = "a map such as {monotonic: 10d, boottime: 10d}"
        let span = ValueType<JobDuration>.duration
        return Self(
            phrase, "CLOCK=DURATION,…",
            schema: [
                "type": "object", "additionalProperties": false,
                "properties": ["monotonic": span.schema, "boottime": span.schema],
            ],
            fromFlag: { text throws(Problem) in try pairs(text, "CLOCK=DURATION such as monotonic=10d,boottime=10d") },
            write: { offsets in
                let clocks = [("monotonic", offsets.monotonicSeconds), ("boottime", offsets.boottimeSeconds)]
                return .object(clocks.filter { $0.1 != 0 }.map { JSON.Member($0.0, .duration(.seconds($0.1))) })
            }
        ) { value throws(Problem) in
            let fields = try value.fields(of: "time", ["monotonic", "boottime"], phrase)
            return TimeOffsets(
                monotonicSeconds: try seconds(fields["monotonic"]), boottimeSeconds: try seconds(fields["boottime"]))
        }

        @Sendable func seconds(_ field: Value?) throws(Problem) -> Int {
            guard let field else { return 0 }
            let usec = try span.parse(field).microseconds
            guard usec % 1_000_000 == 0 else { throw field.problem("\(field.found): must be whole seconds") }
            return usec / 1_000_000
        }
    }
}
