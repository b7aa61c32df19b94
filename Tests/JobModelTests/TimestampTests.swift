// SPDX-License-Identifier: Apache-2.0

import JobModel
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        (1_795_471_860_123_456, "2026-11-23T22:11:00.123456Z"),
        // A Double rounds this up to the next day.
        (13_569_465_599_999_999, "2399-12-31T23:59:59.999999Z"),
    ])
    func printsRFC3339(_ usec: Int, _ text: String) {
        #expect(Timestamp(microsecondsSinceEpoch: usec).description == text)
    }

    /// Text order is time order: what tables and `sort` rely on.
    @Test func textOrderIsTimeOrder() {
        let moments = (0..<1000).map { _ in Timestamp(microsecondsSinceEpoch: Int.random(in: 0..<(1 << 52))) }.sorted()
        #expect(moments.map(\.description) == moments.map(\.description).sorted())
    }
}
