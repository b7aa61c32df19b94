// SPDX-License-Identifier: Apache-2.0
import CLinux
import SystemPackage

/// Issues a system call by number and returns its result.
///
/// For calls that Swift's Glibc module does not show; `EINTR` is retried, because no caller here wants half a call.
@discardableResult
package func syscall(
    _ number: Int, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0, _ e: Int = 0, _ f: Int = 0
) throws(Errno) -> Int {
    while true {
        let result = clinux_syscall(number, a, b, c, d, e, f)
        if result >= 0 { return result }
        let error = Errno(rawValue: CInt(-result))
        if error != .interrupted { throw error }
    }
}

/// Runs a libc call that returns -1 and sets errno.
@discardableResult
package func checked<R: SignedInteger>(_ call: () -> R) throws(Errno) -> R {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = Errno.current
        if error != .interrupted { throw error }
    }
}

/// Throws the errno value a `clinux_` function returned, if it is one.
package func check(_ error: CInt) throws(Errno) {
    if error != 0 { throw Errno(rawValue: error) }
}

extension Errno {
    /// The calling thread's errno.
    static var current: Errno { Errno(rawValue: lastErrno()) }
}

extension UnsafePointer {
    var address: Int { Int(bitPattern: self) }
}

extension UnsafeMutablePointer {
    var address: Int { Int(bitPattern: self) }
}

extension UnsafeRawPointer {
    var address: Int { Int(bitPattern: self) }
}
