// SPDX-License-Identifier: Apache-2.0

/// A set in ascending order, of a few elements or of a million.
///
/// A sorted array cut into chunks: finding is two binary searches, inserting and removing moves at most one chunk. Unlike a
/// heap it removes from anywhere and can be read in order from anywhere, and unlike a tree it has no node per element.
struct SortedSet<Element: Comparable & Sendable>: Sendable {
    private var chunks: [[Element]] = []

    /// A chunk that grows beyond this is cut.
    private static var chunkLimit: Int { 256 }

    var isEmpty: Bool { chunks.isEmpty }
    var first: Element? { chunks.first?.first }
    /// In ascending order.
    var elements: some Sequence<Element> { chunks.joined() }

    /// The least element greater than `bound`; the least of all without one.
    func first(after bound: Element?) -> Element? {
        guard let bound else { return first }
        guard !chunks.isEmpty else { return nil }
        let chunk = self.chunk(of: bound)
        let index = Self.count(of: chunks[chunk]) { $0 <= bound }
        if index < chunks[chunk].count { return chunks[chunk][index] }
        return chunk + 1 < chunks.count ? chunks[chunk + 1].first : nil
    }

    mutating func insert(_ element: Element) {
        guard !chunks.isEmpty else { return chunks.append([element]) }
        let chunk = self.chunk(of: element)
        let index = Self.count(of: chunks[chunk]) { $0 < element }
        if index < chunks[chunk].count, chunks[chunk][index] == element { return }
        // What comes in order fills chunk after chunk; halving would leave all of them half empty.
        if chunks[chunk].count >= Self.chunkLimit, index == chunks[chunk].count, chunk == chunks.count - 1 {
            return chunks.append([element])
        }
        chunks[chunk].insert(element, at: index)
        if chunks[chunk].count > Self.chunkLimit {
            let half = chunks[chunk].count / 2
            let upper = Array(chunks[chunk][half...])
            chunks[chunk].removeSubrange(half...)
            chunks.insert(upper, at: chunk + 1)
        }
    }

    mutating func remove(_ element: Element) {
        guard !chunks.isEmpty else { return }
        let chunk = self.chunk(of: element)
        let index = Self.count(of: chunks[chunk]) { $0 < element }
        guard index < chunks[chunk].count, chunks[chunk][index] == element else { return }
        chunks[chunk].remove(at: index)
        if chunks[chunk].isEmpty {
            chunks.remove(at: chunk)
        } else if chunks[chunk].count < Self.chunkLimit / 4 {
            // A queue that was emptied here and there would otherwise keep a chunk's memory for every job left.
            if !mergeChunk(chunk, with: chunk + 1), chunk > 0 { _ = mergeChunk(chunk - 1, with: chunk) }
        }
    }

    private mutating func mergeChunk(_ lower: Int, with upper: Int) -> Bool {
        guard upper < chunks.count, chunks[lower].count + chunks[upper].count <= Self.chunkLimit / 2 else {
            return false
        }
        chunks[lower] += chunks.remove(at: upper)
        return true
    }

    /// The last chunk that begins at or before `element`, or the first.
    private func chunk(of element: Element) -> Int {
        max(0, Self.count(of: chunks) { $0[0] <= element } - 1)
    }

    /// How many at the start of `sorted` are as `isBefore` says; they come before all that are not.
    private static func count<T>(of sorted: [T], where isBefore: (T) -> Bool) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(sorted[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
