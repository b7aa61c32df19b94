// SPDX-License-Identifier: Apache-2.0
import JobFile
import Linux

extension JobArguments {
    /// Reads the lines for Slurm if that was asked for, and says what would otherwise pass in silence: lines for another batch
    /// system, without which a job has no limits, and flags of ours that go to the job.
    mutating func heedForeignWords(own: [OwnFlag]) {
        if let lines = foreignLines {
            if has(OwnFlag.fromSlurm.flag), lines.mark == "#SBATCH" {
                prepend(lines.flags)
                if !lines.unread.isEmpty { warn("not read from #SBATCH lines: \(lines.unread.joined(separator: " "))") }
            } else {
                let remedy =
                    lines.mark == "#SBATCH" ? "--from-slurm reads the common ones" : "write #JOB lines or flags"
                warn("its \(lines.mark) lines are not read, so that it has none of their limits; \(remedy)")
            }
        }
        // For eyes alone: a script may well have flags of the same names.
        let misplaced = misplacedFlags(own: own)
        if !misplaced.isEmpty, Terminal.isTerminal(2) {
            let words = misplaced.joined(separator: ", ")
            warn("behind the name, \(words) goes to the job's command; flags for jobs stand before the name")
        }
    }

    func warn(_ message: String) {
        if !quiet { complain(message) }
    }
}
