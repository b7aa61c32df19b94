// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// No job file is this long by intention; a disk image given by mistake is.
let largestJobFile = 4 << 20

/// The bytes of a file, a pipe included (`jobs run <(generate)`), up to ``largestJobFile`` and one more.
func readFile(_ path: String) throws(Problem) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Problem("cannot be opened: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while bytes.count <= largestJobFile {
        let count = read(descriptor, &buffer, buffer.count)
        if count == 0 { break }
        if count < 0 {
            if errno == EINTR { continue }
            throw Problem("cannot be read: \(String(cString: strerror(errno)))")
        }
        bytes += buffer[..<count]
    }
    return bytes
}

func isFile(_ path: String) -> Bool { kind(of: path).map { $0 != S_IFDIR } ?? false }

func isDirectory(_ path: String) -> Bool { kind(of: path) == S_IFDIR }

/// Its `S_IF…` bits; `nil` if there is nothing, or nothing that we may see.
func kind(of path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
}

func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

/// The path that still holds after a change of directory.
func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    return String(cString: current) + "/" + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
}

/// The names in a directory; none if it cannot be read, because it is only asked for suggestions.
func entries(of folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        names.append(name)
    }
    return names
}
