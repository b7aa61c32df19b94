// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sandbox

/// Removes the job's cgroups when the supervisor has died and nobody else will.
///
/// The descriptors were opened outside our mount namespace, so `..` leads through a mount that is still writable. A job
/// that made cgroups of its own below keeps them; the next start of jobs removes those.
func removeLeftovers(of plan: Plan) {
    for descriptor in plan.v1Descriptors { remove([plan.cgroupName], from: descriptor) }
    if let descriptor = plan.cgroupDescriptor {
        remove((plan.cgroupLeaf.map { [$0] } ?? []) + [plan.cgroupName], from: descriptor)
    }
}

/// Removes the cgroup behind `descriptor`, which has the first of `names`, and so on upwards.
private func remove(_ names: [String], from descriptor: CInt) {
    guard let name = names.first else { return }
    let base = openat(descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard base >= 0 else { return }
    defer { close(base) }
    unlinkat(base, name, AT_REMOVEDIR)
    remove(Array(names.dropFirst()), from: base)
}
