// SPDX-License-Identifier: Apache-2.0

internal import JobModel

/// A job file while it is read: what it says, where it says so, and what is wrong with it.
struct Draft {
    let file: String
    var spec: JobSpec
    var problems: [Problem] = []
    /// Where each setting was given: the place to point at when two of them contradict each other.
    private(set) var origins: [[String]: Position] = [:]
    private var given: [(setting: Setting, value: Value, name: String)] = []

    init(file: String) {
        self.file = file
        self.spec = JobSpec(name: defaultName(of: file))
    }

    /// Notes a setting; a second time is a problem.
    mutating func add(_ setting: Setting, _ value: Value, as name: String, at position: Position?) {
        if let first = origins[setting.path] {
            problems.append(Problem("'\(name)' is given twice; the first is at line \(first.line)", at: position))
            return
        }
        guard !isGiven(setting.path) else {
            problems.append(Problem("'\(name)' is given twice", at: position))
            return
        }
        origins[setting.path] = position
        given.append((setting, value, name))
    }

    /// Whether a setting was noted. Not every notation has places, so the lack of an origin does not tell.
    func isGiven(_ path: [String]) -> Bool { given.contains { $0.setting.path == path } }

    /// Applies what was noted in the order of ``Settings/all``, so that a file means the same in any order.
    mutating func apply() {
        let order = Dictionary(uniqueKeysWithValues: Settings.all.enumerated().map { ($1.path, $0) })
        for (setting, value, name) in given.sorted(by: {
            order[$0.setting.path, default: 0] < order[$1.setting.path, default: 0]
        }) {
            do throws(Problem) {
                try setting.apply(value, as: name, to: &spec)
            } catch {
                problems.append(error.at(origins[setting.path]))
            }
        }
    }

    /// The job, if nothing is wrong with it.
    consuming func finish() throws(JobFileError) -> JobSpec {
        var problems = self.problems
        // Values that were not understood would only cause echoes.
        if problems.isEmpty {
            problems = Settings.conflicts(in: spec).map { conflict in
                Problem(conflict.message, at: conflict.settings.lazy.compactMap { [origins] in origins[$0] }.first)
            }
        }
        guard problems.isEmpty else {
            let file = self.file
            let sorted = problems.sorted { ($0.position ?? .start) < ($1.position ?? .start) }
            throw JobFileError(
                .invalid,
                sorted.map { problem in
                    var problem = problem
                    problem.file = file
                    return problem
                })
        }
        return spec
    }
}

extension Position {
    static let start = Position(line: 1, column: 1)
}

/// `jobs/stress-test.yaml` is the job `stress-test`.
private func defaultName(of file: String) -> String {
    let last = file.split(separator: "/").last.map(String.init) ?? file
    guard let dot = last.lastIndex(of: "."), dot > last.startIndex else { return last }
    return String(last[..<dot])
}
