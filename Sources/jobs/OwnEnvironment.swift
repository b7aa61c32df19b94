// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The environment that this program was given, as far as it is text.
struct OwnEnvironment {
    var variables: [String: String] = [:]
    /// The names of variables that are not UTF-8, which JSON and a job's plan cannot carry unharmed.
    var unreadable: [String] = []

    init() {
        var pointer = environ
        while let entry = pointer.pointee {
            if let equals = strchr(entry, 61) {
                let bytes = UnsafeRawBufferPointer(start: entry, count: equals - entry)
                if let name = String(validating: bytes, as: UTF8.self),
                    let value = String(validatingCString: equals + 1)
                {
                    variables[name] = value
                } else {
                    unreadable.append(String(decoding: bytes, as: UTF8.self))
                }
            }
            pointer += 1
        }
    }
}
