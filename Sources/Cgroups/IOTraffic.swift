// SPDX-License-Identifier: Apache-2.0

/// Bytes and requests that a cgroup read from block devices and wrote to them.
package struct IOTotals: Hashable, Sendable {
    package var readBytes = 0
    package var writeBytes = 0
    package var readOperations = 0
    package var writeOperations = 0

    private static var parts: [WritableKeyPath<IOTotals, Int>] {
        [\.readBytes, \.writeBytes, \.readOperations, \.writeOperations]
    }

    /// No sum of what a file says may trap.
    mutating func add(_ other: IOTotals) {
        for part in Self.parts {
            let (sum, overflow) = self[keyPath: part].addingReportingOverflow(other[keyPath: part])
            self[keyPath: part] = overflow ? .max : sum
        }
    }

    /// Takes `other` off, down to 0 where there is more of it.
    mutating func subtract(_ other: IOTotals) {
        for part in Self.parts {
            self[keyPath: part] = max(0, max(0, self[keyPath: part]) - max(0, other[keyPath: part]))
        }
    }
}

/// The same by device, `MAJOR:MINOR`.
package struct IOTraffic: Hashable, Sendable {
    package private(set) var devices: [String: IOTotals] = [:]

    /// v2 `io.stat`: `8:0 rbytes=… wbytes=… rios=… wios=… …` per device. Devices with no traffic leave a bare number
    /// behind; some kernels put the next device on the same line.
    package init(v2 text: String) {
        var device = ""
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let pair = word.split(separator: "=")
            guard pair.count == 2, let value = Int(pair[1]) else {
                if word.contains(":") { device = String(word) }
                continue
            }
            var totals = IOTotals()
            switch pair[0] {
            case "rbytes": totals.readBytes = value
            case "wbytes": totals.writeBytes = value
            case "rios": totals.readOperations = value
            case "wios": totals.writeOperations = value
            default: continue
            }
            devices[device, default: IOTotals()].add(totals)
        }
    }

    /// v1 `blkio.throttle.io_service_bytes` and `io_serviced`: `8:0 Read 123` per device and direction.
    package init(v1Bytes bytes: String, v1Operations operations: String) {
        for (text, isBytes) in [(bytes, true), (operations, false)] {
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 3, let value = Int(words[2]) else { continue }
                var totals = IOTotals()
                switch (words[1], isBytes) {
                case ("Read", true): totals.readBytes = value
                case ("Write", true): totals.writeBytes = value
                case ("Read", false): totals.readOperations = value
                case ("Write", false): totals.writeOperations = value
                default: continue
                }
                devices[String(words[0]), default: IOTotals()].add(totals)
            }
        }
    }

    /// All of it, each request once: the kernel counts one to a loop device, an LVM volume or a RAID again at every device
    /// below. Of such a device only that counts which did not come from above.
    ///
    /// - Parameter place: where a device stands.
    package func total(_ place: (String) -> DeviceStack) -> IOTotals {
        var own = devices
        for (device, traffic) in devices {
            switch place(device) {
            case .memory: own[device] = nil
            case .on(let below): for lower in below { own[lower]?.subtract(traffic) }
            }
        }
        return own.values.reduce(into: IOTotals()) { $0.add($1) }
    }
}

/// The place of a block device among others.
package enum DeviceStack: Hashable, Sendable {
    /// Memory that looks like a disk: zram and ram disks.
    case memory
    /// Other devices, none for a disk.
    case on(Set<String>)
}
