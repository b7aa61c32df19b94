// SPDX-License-Identifier: Apache-2.0
import Cgroups

/// The root of a daemon's attempts, and the scope that may have been made for it.
package struct QueuePlace {
    package let root: CgroupRoot
    var scope: QueueScope?

    /// Removes whatever a daemon that does not start has made here; directories and a scope that an earlier daemon left stay
    /// if attempts are in them.
    package func takeBack() {
        root.removeIfEmpty()
        scope?.takeBack()
    }
}
