// SPDX-License-Identifier: Apache-2.0
// Waits to be copied; a copy is PID 1 of one attempt: it reads its plan, builds the surroundings, starts the command,
// watches it, and reports.
import Glibc
import Linux
import Sandbox

guard ForkServer.serve(), let bytes = try? Descriptor(Plan.Descriptors.plan).readAll(), let plan = Plan(decoding: bytes)
else {
    try? Descriptor(2).write("jobs-init is started by jobs and jobsd, never by hand\n")
    exit(125)
}
let initProcess = Init(plan: plan)
initProcess.run()
