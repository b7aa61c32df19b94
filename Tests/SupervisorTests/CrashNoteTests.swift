// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Linux
import Testing

/// The line that a process leaves which dies of a fault of its own. One after the other: they share its file.
@Suite(.serialized) struct CrashNoteTests {
    /// Where the child writes: it knows its parent, and nothing else is handed to it.
    private static func path(_ parent: pid_t) -> String { "/tmp/jobs-crash-note-\(parent)" }

    private func note(after exit: () async -> Void) async -> String? {
        let path = Self.path(getpid())
        defer { unlink(path) }
        unlink(path)
        await exit()
        return try? String(contentsOfFile: path, encoding: .utf8)
    }

    private static func keepNotes() {
        guard let file = try? Descriptor.open(path(getppid()), O_WRONLY | O_CREAT | O_APPEND, mode: 0o600) else {
            exit(9)
        }
        // For as long as the process lives.
        _ = Unmanaged.passRetained(file)
        CrashNote.keep(in: file)
        CrashNote.prepareThread()
    }

    @Test func `the job in hand and the signal are noted, and the process dies of it`() async {
        let text = await note {
            await #expect(processExitsWith: .signal(SIGSEGV)) {
                CrashNoteTests.keepNotes()
                CrashNote.about(41) { CrashNote.about(42) {} }
                CrashNote.about(41) { CrashNote.about(42) { _ = raise(SIGSEGV) } }
            }
        }
        #expect(text == "42 \(SIGSEGV)\n")
    }

    @Test func `an overflow of the stack is noted too`() async {
        let text = await note {
            await #expect(processExitsWith: .failure) {
                CrashNoteTests.keepNotes()
                func deeper(_ depth: Int) -> Int {
                    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
                        buffer[0] = 1
                        return deeper(depth + 1) + Int(buffer[0])
                    }
                }
                CrashNote.about(7) { print(deeper(0)) }
            }
        }
        #expect(text == "7 \(SIGSEGV)\n")
    }

    @Test func `with no job in hand, nothing is noted`() async {
        let text = await note {
            await #expect(processExitsWith: .signal(SIGABRT)) {
                CrashNoteTests.keepNotes()
                CrashNote.about(42) {}
                abort()
            }
        }
        #expect(text == "")
    }
}
