// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Cgroups
import Glibc
import JobModel
import JobsAPI
import JobsServer
import Linux
import Queue
import Scheduler
import Synchronization
import SystemPackage

/// Tells whoever started the daemon, once, that it answers, or why it never will.
final class Readiness: Sendable {
    private let descriptor: Mutex<Descriptor?>

    init(_ fd: Int32?) { descriptor = Mutex(fd.map { Descriptor($0) }) }

    /// A line for the user who started the daemon, ahead of the word that ends the conversation.
    func note(_ line: String) {
        descriptor.withLock { descriptor in _ = try? descriptor?.write(line + "\n") }
    }

    func say(_ word: String) {
        descriptor.withLock { descriptor in
            try? descriptor?.write(word + "\n")
            // The end is what the other side waits for.
            descriptor = nil
        }
    }
}

/// Why the daemon does not start; one sentence with the remedy.
struct StartError: Error, CustomStringConvertible {
    var description: String
    /// Another daemon has the place.
    var isTaken = false
}

/// What all jobs together may have of this machine.
enum Capacity {
    /// The amounts of the command line; for those left out the machine's are taken.
    struct Asked {
        var bytes: Int?
        var milliCPUs: Int?

        init(memory: String?, cpus: String?) throws(ValidationError) {
            do throws(QuantityError) {
                if let memory { bytes = try ByteCount(parsing: memory).bytes }
                if let cpus { milliCPUs = try CPUCount(parsing: cpus).milli }
            } catch { throw ValidationError(error.description) }
        }

        /// - Parameter outer: what a container or a slice around us allows.
        func resources(within outer: OuterLimits) -> Resources {
            Resources(
                memoryBytes: bytes ?? min(installedMemory, outer.memoryBytes ?? .max) / 10 * 9,
                milliCPUs: milliCPUs ?? min(usableCPUs * 1000, outer.cpus?.milli ?? .max))
        }
    }

    /// Of a job that says nothing itself. The share is that of systemd's units (`DefaultTasksMax=15%`).
    static func pids(_ text: String?) throws -> Int? {
        guard let text else { return Host.mostPids.map { max(100, $0 / 7) } }
        if text == "unlimited" { return nil }
        guard let number = Int(text), (1...4_194_304).contains(number) else {
            throw ValidationError("--pids takes a number from 1 to 4194304, or `unlimited`; not '\(text)'")
        }
        return number
    }

    /// Of each stream of a job: together a tenth of the file system, but never less than the standard, which a job has not
    /// asked for. Nobody's job fills the disk on which everybody's are kept.
    static func output(below stateDirectory: String) -> Int {
        let standard = Limits().output.bytes
        guard let size = try? Files.fileSystemBytes(stateDirectory) else { return standard }
        return max(standard, size / 20)
    }

    private static var installedMemory: Int {
        sysconf(CInt(_SC_PHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE))
    }
}

extension RetentionPolicy {
    /// From what the command line says; `unlimited` lifts a bound.
    static func of(age: String, jobs: String, bytes: String) throws -> RetentionPolicy {
        func bounded<Value>(_ text: String, _ read: (String) throws -> Value) rethrows -> Value? {
            text == "unlimited" ? nil : try read(text)
        }
        do {
            return RetentionPolicy(
                ageUsec: try bounded(age) { try JobDuration(parsing: $0).microseconds },
                jobs: try bounded(jobs) { text in
                    guard let number = Int(text), number >= 0 else {
                        throw ValidationError("--keep-jobs takes a number, or `unlimited`; not '\(text)'")
                    }
                    return number
                },
                bytes: try bounded(bytes) { try ByteCount(parsing: $0).bytes })
        } catch let error as QuantityError { throw ValidationError(error.description) }
    }
}

extension Quotas {
    /// From what the command line says, over the defaults.
    static func of(_ words: [String]) throws -> Quotas {
        var quotas = Quotas()
        for word in words {
            do throws(QuantityError) { try quotas.set(word) } catch {
                throw ValidationError("--quota: \(error.description)")
            }
        }
        return quotas
    }
}

/// The group that may connect.
enum SocketGroup {
    static func number(of text: String) throws -> gid_t {
        guard let number = gid_t(text) ?? getgrnam(text)?.pointee.gr_gid, number != .max else {
            throw ValidationError("--socket-group: there is no group '\(text)'; see `getent group`")
        }
        // A process without privileges gives files to groups that it is in.
        guard geteuid() == 0 || number == getegid() || (try? Credentials.supplementaryGroups().contains(number)) == true
        else {
            throw ValidationError("--socket-group: you are no member of the group '\(text)'")
        }
        return number
    }
}
