// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport

@testable import Cgroups

/// A cgroup made of plain files. They stay until the tests end: an open directory does not keep its files.
struct FakeCgroup {
    let path: String

    /// All fakes of this process, removed when it exits.
    private static let folder: String = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cgroups-tests-\(getpid())").path
        atexit { try? FileManager.default.removeItem(atPath: FakeCgroup.folder) }
        return folder
    }()

    init(_ files: [String: String] = [:]) throws {
        path = Self.folder + "/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try add(files)
    }

    /// Adds files by their path below this cgroup, and the sub-cgroups they lie in.
    func add(_ files: [String: String]) throws {
        for (name, text) in files {
            let file = URL(fileURLWithPath: path + "/" + name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: false, encoding: .utf8)
        }
    }

    func text(of name: String) -> String? { try? String(contentsOfFile: path + "/" + name, encoding: .utf8) }

    func directory(_ version: CgroupVersion, _ name: String = "") throws -> CgroupDirectory {
        try CgroupDirectory(path: path + (name.isEmpty ? "" : "/" + name), version: version)
    }

    func memorySplit(_ version: CgroupVersion) throws -> MemorySplit {
        let directory = try directory(version)
        return version.memoryController.split(of: directory, directory.memoryStat)
    }

    func memoryUsage(_ version: CgroupVersion) throws -> UsageReading {
        let directory = try directory(version)
        var reading = UsageReading()
        version.memoryController.usage(of: directory, directory.memoryStat, into: &reading)
        return reading
    }
}

/// `text` with bytes changed, cut off, doubled, or replaced by numbers at the edge of what fits.
func damaged(_ text: String, times: Int = 300) -> [String] {
    var random = SplitMix64(seed: UInt64(text.utf8.count))
    let edges = [
        "-1", "9223372036854775807", "9223372036854775808", "18446744073709551615", "", "max", "-", "+", "=", ":",
    ]
    return (0..<times).map { _ in
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.removeSubrange(place...)
            case 2: bytes.removeSubrange(..<place)
            case 3: bytes += bytes[place...]
            default:
                var end = place
                while end < bytes.count, (48...57).contains(bytes[end]) { end += 1 }
                bytes.replaceSubrange(place..<end, with: Array(edges.randomElement(using: &random)!.utf8))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
