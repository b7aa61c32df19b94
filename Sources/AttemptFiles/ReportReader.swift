// SPDX-License-Identifier: Apache-2.0

/// Reads a report, of this version or another, in whatever pieces it comes.
///
/// Once something cannot be understood, nothing behind it can: every later call throws that again.
package struct ReportReader: Sendable {
    private enum Layout { case unknown, positional, tagged }

    private let path: String
    private var layout = Layout.unknown
    private var rest: ArraySlice<UInt8> = []
    private var count = 0
    private var problem: Unreadable?

    /// - Parameter path: for messages.
    package init(_ path: String) { self.path = path }

    package mutating func append(_ bytes: [UInt8]) {
        guard problem == nil else { return }
        // A copy: the array that was read into has room for much more, and this one stays.
        rest = (Array(rest) + bytes)[...]
        count += bytes.count
        if count > AttemptDirectory.mostBytes {
            problem = damage("it has more than \(AttemptDirectory.mostBytes) bytes")
        }
    }

    /// Whether it has found that it cannot read on.
    package var isAtItsEnd: Bool { problem != nil }

    /// Checks that a file does not end in the middle of a frame: jobs-init writes each one at once.
    package mutating func finish() throws(Unreadable) {
        guard problem == nil, !rest.isEmpty else { return }
        let part = damage("it ends in a part of a frame")
        problem = part
        throw part
    }

    /// The next report; `nil` if there is no whole one.
    package mutating func next() throws(Unreadable) -> Report? {
        if let problem { throw problem }
        do throws(Unreadable) { return try take() } catch {
            problem = error
            throw error
        }
    }

    private mutating func take() throws(Unreadable) -> Report? {
        if layout == .unknown { try takeHeader() }
        switch layout {
        case .unknown: return nil
        case .positional: return try takePositional()
        case .tagged: return try takeTagged()
        }
    }

    private mutating func takeHeader() throws(Unreadable) {
        guard rest.count >= FileFormat.magic.count else { return }
        guard rest.starts(with: FileFormat.magic) else {
            layout = .positional
            return
        }
        guard rest.count >= FileFormat.headerBytes else { return }
        let format = FileFormat(header: rest)
        guard format.isReadable else { throw Unreadable(path, .needs(format: format.needs)) }
        layout = .tagged
        rest = rest.dropFirst(FileFormat.headerBytes)
    }

    private mutating func takePositional() throws(Unreadable) -> Report? {
        guard rest.count >= 8 else { return nil }
        let body = try takeBody(littleEndian(Int.self, rest, at: rest.startIndex))
        guard let body else { return nil }
        guard let report = PositionalFrame.report(in: body) else { throw damage("a frame that jobs-init cannot write") }
        return report
    }

    private mutating func takeTagged() throws(Unreadable) -> Report? {
        while rest.count >= Report.frameHeaderBytes {
            let start = rest.startIndex
            let kind = littleEndian(UInt16.self, rest, at: start)
            let flags = littleEndian(UInt16.self, rest, at: start + 2)
            guard let body = try takeBody(Int(littleEndian(UInt32.self, rest, at: start + 4))) else { return nil }
            guard let (report, damage) = Report.decode(kind: kind, body) else {
                if flags & Report.isOptional != 0 { continue }
                throw Unreadable(path, .unknownFrame(kind: Int(kind)))
            }
            if let damage { throw self.damage("in a frame of kind \(kind), \(damage)") }
            return report
        }
        return nil
    }

    /// Takes a frame, whose header has eight bytes in either layout; `nil` if it is not all there.
    private mutating func takeBody(_ length: Int) throws(Unreadable) -> ArraySlice<UInt8>? {
        guard (0...Report.mostBytesOfFrame).contains(length) else { throw damage("a frame of \(length) bytes") }
        guard rest.count - 8 >= length else { return nil }
        let start = rest.startIndex + 8
        let body = rest[start..<start + length]
        rest = rest[(start + length)...]
        return body
    }

    private func damage(_ detail: String) -> Unreadable { Unreadable(path, .damage(detail)) }
}
