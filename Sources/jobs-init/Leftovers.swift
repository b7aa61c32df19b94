// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sandbox

/// Removes the job's cgroups when the supervisor has died and nobody else will.
///
/// The descriptors were opened outside our mount namespace, so `..` leads through a mount that is still writable. A job
/// that made cgroups of its own below keeps them; the next start of jobs removes those.
func removeLeftovers(of plan: Plan) {
    for descriptor in plan.v1Descriptors + (plan.cgroupDescriptor.map { [$0] } ?? []) {
        let base = openat(descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard base >= 0 else { continue }
        unlinkat(base, plan.cgroupName, AT_REMOVEDIR)
        close(base)
    }
}
