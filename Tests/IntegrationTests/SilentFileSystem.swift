// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Linux
import Testing

/// A file system of FUSE whose server does not answer, as a file server that hangs: mounted in a mount namespace of its
/// own, for the program that is started below it.
struct SilentFileSystem {
    enum Kind: String {
        /// The request is not even read: whoever waits for the answer can be killed.
        case unread
        /// The server has read it, so that the kernel waits for the answer whatever comes: state D.
        case unanswered
    }

    let kind: Kind
    /// Where it is mounted.
    let path: String
    /// A line comes out of it when the first request has arrived.
    let asked: String
    private let script: String
    private let scratch: Scratch

    init(_ kind: Kind) throws {
        scratch = try Scratch()
        self.kind = kind
        path = scratch.path + "/silent"
        script = scratch.path + "/server.py"
        asked = scratch.fifo("asked")
        mkdir(path, 0o755)
        try Data(Self.server.utf8).write(to: URL(filePath: script))
    }

    /// What to put before a program to have it below the server, which lives as long.
    var prefix: [String] { ["unshare", "-m", "python3", script, path, kind.rawValue, asked] }

    /// A daemon that sees it. The server lives until `held`, the end of a FIFO, is closed.
    func daemon() throws -> (daemon: Daemon, held: CInt) {
        let hold = scratch.fifo("hold")
        let held = open(hold, O_RDWR | O_CLOEXEC)
        return (try Daemon(setup: setup(until: hold)), held)
    }

    /// Shell commands for ``Daemon``: the server lives until `hold`, a FIFO, is closed by all who may write to it.
    private func setup(until hold: String) -> String {
        let ready = scratch.fifo("ready")
        return """
            { BACKGROUND=1 python3 \(script) \(path) \(kind.rawValue) \(asked) sh -c 'echo > \(ready); exec cat < \(hold)' >/dev/null 2>&1 & } \
            && read x < \(ready)
            """
    }

    /// Answers the kernel's greeting (`struct fuse_init_out` of <linux/fuse.h>) and nothing else.
    private static let server = """
        import ctypes, os, select, struct, sys, threading
        # By a descriptor that the test's daemon inherits, the test sees its end.
        if os.environ.get("BACKGROUND"): os.closerange(3, 1024)
        place, kind, asked, command = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
        device = os.open("/dev/fuse", os.O_RDWR)
        options = b"fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other" % device
        if ctypes.CDLL(None, use_errno=True).mount(b"silent", place.encode(), b"fuse", 6, options):
            sys.exit("mount: " + os.strerror(ctypes.get_errno()))
        # For both directions, so that nobody is waited for.
        fifo = os.open(asked, os.O_RDWR)
        unique = struct.unpack("<IIQ", os.read(device, 1 << 20)[:16])[2]
        body = struct.pack("<IIIIHHIIHHI7I", 7, 31, 65536, 0, 12, 9, 65536, 1, 0, 0, 0, *[0] * 7)
        os.write(device, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)
        child = os.fork()
        if not child:
            os.close(device)
            os.execvp(command[0], command)
        def serve():
            select.select([device], [], [])
            os.write(fifo, b"asked\\n")
            while kind == "unanswered": os.read(device, 1 << 20)
        threading.Thread(target=serve, daemon=True).start()
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)

        """
}

extension Trait where Self == ConditionTrait {
    static var needsFUSE: Self {
        .enabled(
            if: Machine.isRoot && Machine.hasFUSE && Machine.hasPython, "needs root, /dev/fuse and python3 with ctypes")
    }
}

extension Machine {
    static let hasFUSE = FileManager.default.isWritableFile(atPath: "/dev/fuse")
    static let hasPython = (try? JobsProgram.execute(["python3", "-c", "import ctypes"]).code) == 0
}
