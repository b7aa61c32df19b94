// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Scheduler

@Suite struct SortedSetTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `it is a sorted array, whatever is done to it`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var set = SortedSet<Int>()
        var model: Set<Int> = []
        for phase in 0..<6 {
            for _ in 0..<1500 {
                let element = Int.random(in: 0..<3000, using: &random)
                if random.chance(phase % 2 == 0 ? 80 : 20) {
                    set.insert(element)
                    model.insert(element)
                } else {
                    set.remove(element)
                    model.remove(element)
                }
            }
            let sorted = model.sorted()
            #expect(Array(set.elements) == sorted, "seed \(seed)")
            #expect(set.first == sorted.first && set.isEmpty == sorted.isEmpty)
            for bound in [-1, 0, 77, 1500, 2999, 3000] {
                #expect(set.first(after: bound) == sorted.first { $0 > bound }, "seed \(seed), after \(bound)")
            }
        }
    }

    @Test func `in order in and in order out`() {
        var set = SortedSet<Int>()
        for element in 0..<5000 { set.insert(element) }
        for element in 0..<5000 {
            guard set.first == element else { return #expect(set.first == element) }
            set.remove(element)
        }
        #expect(set.isEmpty)
    }
}
