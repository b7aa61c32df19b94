// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

/// Refuses what a browser sends for a web page: behind `ssh -L` or the like it would act as the user who opened the tunnel.
///
/// - Throws: 403 for a `Host` that the Internet could name, which DNS rebinding uses; for the `Origin` of another site; and for
///   a `Sec-Fetch-Site` that says the same. See the Fetch standard and <https://www.w3.org/TR/fetch-metadata/>.
func refuseWebPages(_ head: HTTPRequest) throws(APIFailure) {
    let host = head.authority ?? ""
    guard isLocal(host: host) else {
        throw APIFailure(
            403, "jobsd serves no site '\(host.prefix(100))'; use localhost, or a word such as jobs, as host")
    }
    if let origin = head.headerFields[.origin], origin != "http://" + host {
        throw APIFailure(403, "jobsd serves no web pages, and '\(origin.prefix(100))' is one")
    }
    if let site = head.headerFields[.secFetchSite], site != "same-origin", site != "none" {
        throw APIFailure(403, "jobsd serves no web pages, and a browser says that one asks (Sec-Fetch-Site)")
    }
}

/// Whether only this machine is meant: a word without a dot, which clients of Unix sockets make up, the socket's path, or an
/// address of the loopback.
func isLocal(host: String) -> Bool {
    // `[::1]:8080`, `localhost:8080`
    var name = host.lowercased()[...]
    if name.hasPrefix("[") {
        name = name.dropFirst().prefix { $0 != "]" }
        return name == "::1"
    }
    if name.hasPrefix("/") || name.hasPrefix("%2f") { return true }
    name = name.prefix { $0 != ":" }
    if name.hasSuffix(".localhost") { return true }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count == 4, parts[0] == "127" { return parts.allSatisfy { UInt8($0) != nil } }
    return parts.count == 1
}

extension HTTPField.Name {
    // Both are tokens of RFC 9110, which is all that the initialiser asks.
    fileprivate static let secFetchSite = Self("Sec-Fetch-Site")!
}
