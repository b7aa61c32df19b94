// SPDX-License-Identifier: Apache-2.0

internal import JobModel

// How quantities are written into a job file: as people would write them where that is exact, else in the base unit.

extension JSON {
    /// `"100M"`, `"1.5G"`, or a plain number of bytes.
    static func size(_ size: ByteCount) -> JSON {
        let text = spelling(of: size)
        return Int(text).map { .int($0) } ?? .string(text)
    }

    /// `"1h30m"`, `"1.25s"`, `"3601500us"`.
    static func duration(_ duration: JobDuration) -> JSON {
        let text = duration.description
        let isExact = (try? JobDuration(parsing: text)) == duration
        return .string(isExact ? text : "\(duration.microseconds)us")
    }

    /// A whole number without the `.0` that a machine would write.
    static func decimal(_ value: Double) -> JSON { Int(exactly: value).map { .int($0) } ?? .number(value) }
}

func spelling(of size: ByteCount) -> String {
    let bytes = size.bytes
    guard bytes >= 1024 else { return "\(bytes)" }
    let text = size.description
    if (try? ByteCount(parsing: text)) == size { return text }
    for (unit, shift) in [("M", 20), ("K", 10)] where bytes & (1 << shift - 1) == 0 {
        return "\(bytes >> shift)\(unit)"
    }
    return "\(bytes)"
}
