// SPDX-License-Identifier: Apache-2.0

import JobModel
import Testing

@testable import JobFile

/// Numbers at and beyond the edge of what fits, in every setting: each is read or refused with a reason, and none traps.
@Suite struct ExtremesTests {
    static let numbers = [
        "0", "1", "2", "-1", "2147483647", "2147483648", "3000000000", "4294967295", "4294967296", "9007199254740992",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615",
        "18446744073709551616", "99999999999999999999999999999999", "1e308", "1e999", "nan", "inf",
        "0x7fffffffffffffff",
        "0.0000000000000000001", "9999999999.999999999999", "", " ", "NaN%",
    ]
    private static let units = ["", "T", "K", "us", "ms", "s", "d", "%", "%8", "h30m", ":1", "-1"]
    /// Of the settings that take more than a number.
    private static let frames =
        ["c #:1", "b 1:#", "c *:# rwm", "/:write=#", "#:0:read-iops=1", "#=1M", "2M=#", "0-#", "#-#"]
        + ["monotonic=#", "boottime=#", "ok:#", "now+#", "+#", "#,#", "0-1000000:#"]

    private static let plain = numbers.flatMap { number in units.map { number + $0 } }
    private static let framed = frames.flatMap { frame in
        numbers.flatMap { number in
            ["", "s"].map {
                frame.split(separator: "#", omittingEmptySubsequences: false).joined(separator: number + $0)
            }
        }
    }

    @Test(arguments: Settings.all.compactMap(\.flag)) func `every setting reads or refuses every number`(flag: String)
        throws
    {
        guard let setting = Settings.setting(flag: flag)?.setting, !setting.isSwitch else { return }
        var accepted = 0
        let isPlain = ["NUMBER", "SIZE", "DURATION", "SIZE|unlimited"].contains(setting.placeholder)
        for text in isPlain ? Self.plain : Self.plain + Self.framed {
            var spec = JobSpec(name: "x", command: .arguments(["true"]))
            do throws(Problem) { try Settings.apply(flag: flag, value: text, to: &spec) } catch {
                #expect(!error.description.isEmpty)
                continue
            }
            accepted += 1
            check(spec)
            // It can be written, and is read as the same again.
            guard Settings.contradictions(in: spec).isEmpty else { continue }
            let again = try JobFile.parse(json: JobFile.json(of: spec), file: "x.json")
            #expect(again == spec, "\(flag) \(text)")
        }
        #expect(accepted > 0 || setting.placeholder != "NUMBER", "\(flag) accepts nothing")
    }

    /// The bounds of every number of a job that was accepted.
    private func check(_ spec: JobSpec) {
        let limits = spec.limits
        let sizes = [limits.memory, limits.memorySoft, limits.output, spec.scheduling.memoryRequest]
        for size in sizes.compactMap({ $0 }) { #expect((0...ByteCount.largest.bytes).contains(size.bytes)) }
        if case .bytes(let swap) = limits.swap { #expect(swap <= .largest) }
        for time in [limits.wallTime, limits.cpuTime, limits.grace, spec.scheduling.retry.backoff].compactMap({ $0 }) {
            #expect((0...JobDuration.longest.microseconds).contains(time.microseconds) && !time.description.isEmpty)
        }
        for rule in limits.devices ?? [] {
            guard case .number(_, let major, let minor) = rule.target else { continue }
            #expect((major ?? 0) <= 4095 && (minor ?? 0) <= 1_048_575)
        }
        #expect((limits.pids ?? 1) <= 4_194_304)
    }

    /// A submission may have 4 MB. Without these bounds each of them takes minutes, and this test does not end.
    @Test func `long texts are refused before they are expanded`() {
        let ranges = Array(repeating: "0-65535", count: 60_000).joined(separator: ",")
        #expect(complaint(flag: "--cpuset", ranges).contains("names 65536 at most"))
        let array = Array(repeating: "0-99999", count: 400_000).joined(separator: ",")
        #expect(complaint(flag: "--array", array).contains("100000 jobs at most"))
        let word = String(repeating: "memory", count: 500_000)
        #expect(complaint(flag: "--" + word, "1").hasPrefix("unknown flag"))
    }

    /// A figure that another program has written is shown or left out.
    @Test func `figures from outside have a text`() {
        for number in [Int.min, -1, 0, 1 << 53, .max - 1, .max] {
            #expect(!ByteCount(number).description.isEmpty && !JobDuration(microseconds: number).description.isEmpty)
            #expect(!CPUCount(milli: number).description.isEmpty)
        }
        for value in [Double.nan, .infinity, -.infinity, 1e308, -1, 1e18] { #expect(CPUCount(value: value) == nil) }
        #expect(CPUCount(value: 1.5)?.milli == 1500)
    }
}
