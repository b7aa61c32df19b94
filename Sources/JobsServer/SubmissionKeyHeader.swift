// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Queue

extension SubmissionKey {
    static let header = "Idempotency-Key"
    static let longest = 128

    /// The key that a request has; `nil` if it has none.
    ///
    /// - Throws: 400 for one that cannot be kept.
    static func text(in headers: HTTPFields) throws(APIFailure) -> String? {
        guard let name = HTTPField.Name(header), case let values = headers[values: name], !values.isEmpty else {
            return nil
        }
        // The draft wants the quotes of a structured field; most clients leave them out.
        let isQuoted = values[0].count > 1 && values[0].hasPrefix("\"") && values[0].hasSuffix("\"")
        let key = isQuoted ? String(values[0].dropFirst().dropLast()) : values[0]
        let isPlain = key.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }
        guard values.count == 1, isPlain, (1...longest).contains(key.utf8.count) else {
            throw APIFailure(
                400,
                "\(header) must be one word of 1 to \(longest) visible ASCII characters without \" and \\, such as a UUID"
            )
        }
        return key
    }
}
