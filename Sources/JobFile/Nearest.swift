// SPDX-License-Identifier: Apache-2.0

/// The candidate a typing mistake was probably meant to be, or `nil` when nothing is near.
///
/// Near is one mistake per three letters: more would turn any short word into any other. The start of a longer word
/// counts too (`mem` for `memory`), because that is what people type who know another tool.
public func nearest(_ word: String, among candidates: [String]) -> String? {
    // The comparison takes as long as both words together; no word of ours is half as long, and a submission may be 4 MB.
    guard word.utf8.count <= 64 else { return nil }
    let wanted = plain(word)
    guard !wanted.isEmpty else { return nil }
    let allowance = max(1, min(3, wanted.count / 3))
    let byDistance = candidates.map { (candidate: $0, distance: editDistance(wanted, plain($0))) }
    if let best = byDistance.min(by: { $0.distance < $1.distance }), best.distance <= allowance {
        return best.candidate
    }
    guard wanted.count >= 3 else { return nil }
    return candidates.filter { plain($0).hasPrefix(wanted) }.min { $0.count < $1.count }
}

/// `Wall_Time` and `wall-time` are the same mistake-free word for this purpose.
private func plain(_ word: String) -> String {
    String(word.lowercased().map { $0 == "_" || $0 == " " ? "-" : $0 })
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment).
func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a)
    let b = Array(b)
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
        var row = [i]
        for j in 1...b.count {
            var best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, beforeLast[j - 2] + 1) }
            row.append(best)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
