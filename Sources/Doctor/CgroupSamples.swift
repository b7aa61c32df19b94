// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux

/// The names of files in cgroups like those an attempt will have: they tell what the kernel offers better than its version.
struct CgroupSamples {
    private var v2: [Set<String>] = []
    private var v1: [Controller: [Set<String>]] = [:]
    private let host: CgroupHost

    /// - Parameter made: path of our own cgroup → the files of a cgroup that was made below it.
    init(_ host: CgroupHost, made: [String: Set<String>]) {
        self.host = host
        for (controller, hierarchy) in host.v1 {
            v1[controller] = [made[hierarchy.own], Self.files(hierarchy.own)].compactMap { $0 }
        }
        guard let unified = host.unified else { return }
        // A controller shows in a cgroup only if the one above hands it down; somebody's always does under systemd.
        let children = CgroupDirectory.children(of: unified.mountPoint).sorted().prefix(20)
            .map { unified.mountPoint + "/" + $0 }
        let below = children.flatMap { child in
            CgroupDirectory.children(of: child).sorted().prefix(20).map { child + "/" + $0 }
        }
        v2 = [made[unified.own]].compactMap { $0 } + ([unified.own] + children + below).map(Self.files)
    }

    private static func files(_ path: String) -> Set<String> { Set(((try? Files.list(path)) ?? []).map(\.name)) }

    /// A file that every v2 cgroup has, except the root.
    func core(_ name: String) -> Presence { Self.look(for: name, beside: "cgroup.type", in: v2) }

    /// A file of a controller.
    func presence(_ controller: Controller, _ name: String, v1 v1Name: String?) -> Presence {
        if let samples = v1[controller] {
            guard let v1Name else { return .absent }
            return Self.look(for: v1Name, beside: controller.v1Mark, in: samples)
        }
        return Self.look(for: name, beside: controller.v2Mark, in: v2)
    }

    private static func look(for name: String, beside mark: String, in samples: [Set<String>]) -> Presence {
        samples.first { $0.contains(mark) }.map { Presence($0.contains(name)) } ?? .unknown
    }
}

extension Controller {
    /// Files as old as the controller, which show that it is on in a cgroup that is not the root.
    fileprivate var v2Mark: String {
        switch self {
        // Not by the prefix: memory.pressure and cpu.stat are there without their controllers.
        case .memory: "memory.max"
        case .cpu: "cpu.weight"
        default: "\(rawValue).max"
        }
    }

    fileprivate var v1Mark: String {
        switch self {
        case .memory: "memory.limit_in_bytes"
        case .cpu: "cpu.shares"
        default: "\(v1Name).max"
        }
    }
}
