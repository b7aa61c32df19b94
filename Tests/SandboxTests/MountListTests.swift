// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Foundation
import Glibc
import Linux
import Testing

@testable import Sandbox

/// A list of mounts, carried out by the kernel below a root of the test's own, in a mount namespace of one thread.
@Suite(.enabled(if: getuid() == 0, "a mount namespace needs root")) struct MountListTests {
    private let root: String

    init() throws {
        root = "/var/tmp/jobs-mounts-" + UUID().uuidString
        for folder in ["a/inner", "b", "queue/run/api", "tmp/work", "proc/tty", "proc/sys"] {
            try FileManager.default.createDirectory(atPath: root + "/" + folder, withIntermediateDirectories: true)
        }
        for file in ["a/file", "queue/secret", "queue/run/api/socket", "tmp/work/result", "tmp/other", "proc/sys/x"] {
            try Data("text".utf8).write(to: URL(filePath: root + "/" + file))
        }
    }

    /// Performs the list and then `body`, in a thread that ends with its namespace.
    private func inside(_ mounts: [Mount], _ body: @escaping @Sendable (_ root: String) -> [String]) -> [String] {
        let root = root
        let box = Box()
        let thread = Thread {
            defer { box.done.signal() }
            guard (try? Namespaces.mount.unshare()) != nil else {
                box.found = ["no namespace: \(errno)"]
                return
            }
            do throws(SetupFailure) {
                try MountList([Mount("/", .makePrivate)]).perform()
                try MountList(mounts, root: root).perform()
                box.found = body(root)
            } catch { box.found = ["\(error.step) \(error.detail): \(error.errno)"] }
        }
        thread.start()
        box.done.wait()
        try? FileManager.default.removeItem(atPath: root)
        return box.found
    }

    private final class Box: @unchecked Sendable {
        // Unchecked: read after the thread that writes it has signalled.
        var found: [String] = []
        let done = DispatchSemaphore(value: 0)
    }

    private static func names(_ path: String) -> String {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? ["?"]).sorted().joined(separator: " ")
    }

    private static func writes(_ path: String) -> String {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return "\(errno)" }
        close(file)
        return "written"
    }

    @Test func `directories and files are hidden, below the root alone`() {
        let found = inside([
            Mount("/a", .emptyDirectory), Mount("/tmp/other", .emptyFile),
            Mount("/missing", .emptyDirectory, isOptional: true),
        ]) { root in
            [Self.names(root + "/a"), Self.writes(root + "/a/new"), "\((try? Files.read(root + "/tmp/other")) ?? "?")"]
        }
        #expect(found.first == "" && found.last == "", "\(found)")
        #expect(found.count == 3 && found[1] != "written")
    }

    @Test func `a target that is missing is a failure, unless it is optional`() {
        #expect(inside([Mount("/missing", .emptyDirectory)]) { _ in [] } == ["hide /missing: \(ENOENT)"])
    }

    @Test func `a directory that is made read-only is so for files, and others are not`() {
        let found = inside([
            Mount("/a", .readOnly), Mount("/proc/sys", .readOnly),
        ]) { root in [Self.writes(root + "/a/file"), Self.writes(root + "/proc/sys/x"), Self.writes(root + "/b/x")] }
        #expect(found == ["\(EROFS)", "\(EROFS)", "written"])
    }

    @Test func `a whole tree is made read-only after the mounts in it`() {
        let found = inside([
            Mount("/a/inner", .fileSystem(.init("tmpfs", flags: .data))), Mount("/a", .readOnly),
            Mount("/a", .readOnlyTree),
        ]) { root in [Self.writes(root + "/a/inner/x"), Self.writes(root + "/a/file")] }
        #expect(found == ["\(EROFS)", "\(EROFS)"])
    }

    @Test func `a directory is shown in what hides it`() {
        let found = inside([
            Mount("/queue", .fileSystem(.init("tmpfs", flags: .noExecution, options: "mode=755"))),
            Mount("/queue/run", .directory("/queue/run/api")),
            Mount("/queue/none", .directory("/queue/none"), isOptional: true),
        ]) { root in
            [Self.names(root + "/queue"), Self.names(root + "/queue/run"), Self.writes(root + "/queue/run/x")]
        }
        #expect(found == ["run", "socket", "\(EROFS)"])
    }

    @Test func `the working directory is restored below a new tmp, and only if it lies there`() {
        let tmp = Mount("/tmp", .fileSystem(.init("tmpfs", source: "tmp", flags: .data, options: "mode=1777")))
        let found = inside([
            tmp, Mount("/tmp/work", .restored(below: "/tmp"), isOptional: true),
            Mount("/a", .restored(below: "/tmp"), isOptional: true),
        ]) { root in
            [Self.names(root + "/tmp"), Self.names(root + "/tmp/work"), Self.writes(root + "/tmp/work/more")]
        }
        #expect(found == ["work", "result", "written"])
    }

    @Test func `a link into the old tmp is refused`() throws {
        try FileManager.default.createSymbolicLink(atPath: root + "/b/link", withDestinationPath: root + "/tmp/work")
        let found = inside([
            Mount("/tmp", .fileSystem(.init("tmpfs", flags: .data))),
            Mount("/b/link", .restored(below: "/tmp"), isOptional: true),
        ]) { _ in [] }
        #expect(found == ["keep the working directory /b/link: \(ELOOP)"])
    }

    @Test func `a directory takes the place of a mount`() {
        let found = inside([
            Mount("/b", .fileSystem(.init("tmpfs", source: "covered", flags: .data))), Mount("/b", .replacement("/a")),
        ]) { root in
            let left = ((try? Files.read("/proc/thread-self/mountinfo")) ?? "").split(separator: "\n")
                .filter { $0.contains(" \(root)/b ") }
            return [Self.names(root + "/b"), Self.writes(root + "/b/x"), "\(left.count)"]
        }
        #expect(found == ["file inner", "\(EROFS)", "1"])
    }
}
