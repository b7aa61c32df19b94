// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux
import Supervisor

/// Everything the checks need to know of a machine, as plain values: the checks themselves read nothing.
package struct Facts: Sendable {
    package var kernelRelease = "unknown"
    /// The words the kernel was booted with.
    package var commandLine: [String] = []
    package var user = User(id: 0, name: "root")
    /// `nil` if no cgroup hierarchy is mounted.
    package var cgroups: CgroupHost?
    package var place = Place()
    /// Feature id → whether this kernel has it.
    package var features: [String: Presence] = [:]
    package var swaps: [SwapArea] = []
    package var swapAccounting = Presence.unknown
    package var hasPressure = true
    package var canReadKernelLog = true
    package var dmesgRestrict: Int?
    package var namespaces = NamespaceFacts()
    package var systemd = SystemdFacts()
    package var platform = PlatformFacts()
    package var leftovers: [Leftover] = []
    package var mayLoadBPF = true
    /// The outcome of a job with the default isolation.
    package var trial = Trial.Outcome.untried

    package init() {}

    package var kernel: KernelVersion { KernelVersion(release: kernelRelease) }

    package struct User: Hashable, Sendable {
        package var id: UInt32
        package var name: String

        package init(id: UInt32, name: String) {
            self.id = id
            self.name = name
        }

        package var isRoot: Bool { id == 0 }
    }

    /// Our own cgroup: may attempts go below it?
    package struct Place: Sendable {
        /// The root of the v2 tree, which may hold processes beside controllers that are handed down.
        package var isHierarchyRoot = false
        /// We are alone in it and may write it.
        package var isOursAlone = false
        /// systemd has marked it as delegated.
        package var isMarked = false
        package var controllers: Set<Controller> = []
        /// Where no systemd delegates cgroups: the one that the first job divides, and how many processes are in it now.
        package var divisible = ""
        package var neighbours = 0
        /// Why that one cannot be divided.
        package var problem: CgroupError?
        /// systemd manages the tree, although it cannot be reached from here.
        package var isSystemds = false
        /// Our own directories in which no cgroup can be made.
        package var refusals: [Refusal] = []

        package init() {}
    }

    package struct Refusal: Hashable, Sendable {
        package var path: String
        package var reason: String
        /// The tree is mounted read-only, which no permission changes.
        package var isReadOnly = false

        package init(path: String, reason: String, isReadOnly: Bool = false) {
            self.path = path
            self.reason = reason
            self.isReadOnly = isReadOnly
        }
    }

    /// A line of `/proc/swaps`.
    package struct SwapArea: Hashable, Sendable {
        package var name: String
        package var bytes: Int

        package init(name: String, bytes: Int) {
            self.name = name
            self.bytes = bytes
        }

        package var isZram: Bool { name.split(separator: "/").last?.hasPrefix("zram") == true }
    }

    /// A cgroup of an attempt whose supervisor is gone.
    package struct Leftover: Hashable, Sendable {
        package var path: String
        /// Where the next `jobs run` of this shell looks and cleans.
        package var isInReach: Bool

        package init(path: String, isInReach: Bool) {
            self.path = path
            self.isInReach = isInReach
        }
    }
}

/// Whether something is there; `unknown` where it could not be tried.
package enum Presence: Hashable, Sendable {
    case present, absent, unknown

    init(_ isThere: Bool) { self = isThere ? .present : .absent }
}

package struct NamespaceFacts: Hashable, Sendable {
    /// Kinds in `/proc/self/ns`.
    package var kinds: Set<String> = []
    package var maxUserNamespaces: Int?
    /// Debian's and Ubuntu's switches; absent elsewhere.
    package var unprivilegedUsernsClone: Int?
    package var apparmorRestrictsUserns: Int?
    package var user = UserNamespace.untried

    package init() {}

    /// What came of making one, mapping us into it and using its capabilities.
    package enum UserNamespace: Hashable, Sendable {
        case untried, works
        case fails(String)
    }
}

package struct SystemdFacts: Hashable, Sendable {
    package var isRunning = false
    /// libsystemd can be loaded.
    package var hasLibrary = true
    /// What `user@UID.service` was given; `nil` if no such service runs.
    package var userControllers: Set<Controller>?
    package var userBus = Bus.reachable

    package init() {}

    package enum Bus: Hashable, Sendable {
        case reachable
        /// It is there, but the environment does not say where.
        case unnamed
        case missing
    }
}

package struct PlatformFacts: Hashable, Sendable {
    /// The device tree's model.
    package var model: String?
    /// The Raspberry Pi firmware's command-line file, and its text.
    package var bootFile: String?
    package var bootFileText = ""
    package var hasGRUB = false
    package var isChroot = false
    package var manager = CgroupManager.other
    /// Which kind of container we are in, and what says so.
    package var container: String?

    package init() {}
}
