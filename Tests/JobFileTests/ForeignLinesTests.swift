// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel
import Testing

@Suite struct ForeignLinesTests {
    private func flags(_ lines: String) -> [String] {
        let script = "#!/bin/sh\n\(lines)\ntrue\n#SBATCH --mem=9G\n"
        return ForeignLines(script: script)?.flags.map { $0.flag + ($0.value.map { "=" + $0 } ?? "") } ?? []
    }

    @Test func `only the head of a script counts, and #JOB lines say what is meant`() {
        #expect(ForeignLines(script: "#!/bin/sh\ntrue\n#SBATCH --mem=9G\n") == nil)
        #expect(ForeignLines(script: "#!/bin/sh\n#SBATCH --mem=9G\n#JOB --memory 1G\n") == nil)
        #expect(ForeignLines(script: "#SBATCHES --mem=9G\n##SBATCH --mem=9G\n") == nil)
        #expect(ForeignLines(script: "#!/bin/sh\n#PBS -l mem=1gb\n")?.mark == "#PBS")
        #expect(ForeignLines(script: "#!/bin/sh\n\n# a\n#SBATCH --mem=9G\n")?.mark == "#SBATCH")
    }

    @Test(
        arguments: [
            ("#SBATCH --mem=4G", ["--memory=4G"]), ("#SBATCH --mem 4000 # four", ["--memory=4000M"]),
            ("#SBATCH -J name -c4", ["--name=name", "--cpus=4"]), ("#SBATCH --time=90", ["--wall-time=5400s"]),
            ("#SBATCH -t 1:30", ["--wall-time=90s"]), ("#SBATCH -t 1:00:01", ["--wall-time=3601s"]),
            ("#SBATCH -t 1-2", ["--wall-time=93600s"]), ("#SBATCH -t 1-2:03:04", ["--wall-time=93784s"]),
            ("#SBATCH --array=0-9%2\n#SBATCH --hold", ["--array=0-9%2", "--hold"]),
            ("#SBATCH -d afterok:1:2,afterany:3?afternotok:4", ["--after=ok:1,ok:2,any:3?failed:4"]),
            (
                "#SBATCH --export=ALL -D /tmp -p gpu --nice=10",
                ["--export=ALL", "--directory=/tmp", "--queue-group=gpu", "--priority=-10"]
            ),
            ("#SBATCH --requeue -N 1 -n 1", ["--retries=1", "--retry-on=lost"]),
        ])
    func reads(_ line: String, _ expected: [String]) {
        #expect(flags(line) == expected)
        // Each is a flag of ours with a value that it takes.
        var spec = JobSpec(name: "x")
        for given in ForeignLines(script: line)?.flags ?? [] {
            #expect(throws: Never.self) { try Settings.apply(flag: given.flag, value: given.value, to: &spec) }
        }
    }

    @Test func `what has no counterpart is named`() {
        let lines = "#SBATCH --gres=gpu:1 -N 2 --mem=0 -o out.txt\n#SBATCH --exclusive --time=soon 'unclosed\n"
        #expect(ForeignLines(script: lines)?.flags == [])
        #expect(
            ForeignLines(script: lines)?.unread == [
                "--gres=gpu:1", "--nodes=2", "--mem=0", "--output=out.txt", "--exclusive --time=soon 'unclosed",
            ])
    }
}
