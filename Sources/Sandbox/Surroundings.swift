// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Linux
import SystemPackage

/// The steps that build what the payload will see around it. They run in jobs-init, inside the new namespaces.
package struct Surroundings {
    let plan: Plan

    package init(_ plan: Plan) { self.plan = plan }

    package func build() throws(SetupFailure) {
        try nameHost()
        try bringUpNetwork()
        try MountList(plan.mounts, identity: plan.identity).perform()
        try shiftClocks()
    }

    private func nameHost() throws(SetupFailure) {
        guard plan.namespaces.contains(.uts), let name = plan.hostname else { return }
        try step("set the host name", name) { () throws(Errno) in try setHostName(name) }
    }

    private func bringUpNetwork() throws(SetupFailure) {
        guard plan.namespaces.contains(.net) else { return }
        try step("bring up the loopback interface", "lo") { () throws(Errno) in try bringLoopbackUp() }
    }

    /// Offsets can be set only while the new time namespace is still empty, so jobs-init stays outside of it.
    private func shiftClocks() throws(SetupFailure) {
        guard plan.namespaces.contains(.time) else { return }
        let offsets = "monotonic \(plan.monotonicOffset) 0\nboottime \(plan.boottimeOffset) 0\n"
        try step("create a time namespace", "") { () throws(Errno) in try Namespaces.time.unshare() }
        try step("write", "/proc/self/timens_offsets") { () throws(Errno) in
            try Files.write(offsets, to: "/proc/self/timens_offsets")
        }
    }
}

/// Runs one step and names it in its failure.
func step(_ name: String, _ detail: String, _ body: () throws(Errno) -> Void) throws(SetupFailure) {
    do throws(Errno) { try body() } catch { throw SetupFailure(step: name, detail: detail, errno: error.rawValue) }
}
