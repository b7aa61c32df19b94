// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

/// The users who may submit: `submit.allow` and `submit.deny` in the state directory, read anew each time, with a user's name
/// or number on each line, as in `at.allow(5)`.
///
/// If the first is there, nobody else may; else nobody who is in the second. Without either everybody may.
struct Submitters: Sendable {
    let directory: String

    /// - Throws: 403 for a user who may not, and 503 if a list cannot be read.
    func admit(_ peer: Peer) throws(APIFailure) {
        guard peer.uid != 0, peer.uid != Peer.ownUID else { return }
        for (name, meansYes) in [("submit.allow", true), ("submit.deny", false)] {
            guard let users = try list(name) else { continue }
            let isListed = users.contains(peer.name) || users.contains("\(peer.uid)")
            guard isListed != meansYes else { return }
            throw APIFailure(
                403, "'\(peer.name)' may not submit jobs here: \(directory)/\(name) decides that; ask the administrator"
            )
        }
    }

    private func list(_ name: String) throws(APIFailure) -> Set<String>? {
        let path = directory + "/" + name
        let text: String
        do throws(Errno) { text = try Files.read(path) } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw APIFailure(503, "cannot read \(path): \(error); until then nobody but root may submit")
        }
        let lines = text.split(separator: "\n").map { line in
            line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
        }
        return Set(lines).subtracting([""])
    }
}
