// SPDX-License-Identifier: Apache-2.0
import Linux

/// Where jobs-init is installed: beside this program, or where `make install` puts it.
package enum InitProgram {
    package static var path: String {
        // Of a running program the link can be read; the fallback is what an installation has.
        let own = (try? Files.readLink("/proc/self/exe")) ?? "/usr/bin/jobs"
        let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
        let beside = directory + "/jobs-init"
        return Files.exists(beside) ? beside : directory + "/../libexec/jobs/jobs-init"
    }
}
