// SPDX-License-Identifier: Apache-2.0

extension JobState {
    /// `true` while something may still happen to the job.
    public var isLive: Bool {
        switch self {
        case .pending, .held, .running, .suspended: true
        case .completed, .failed, .outOfMemory, .timeout, .cancelled, .lost, .skipped: false
        }
    }

    /// `true` once nothing happens to it any more unless somebody asks for it.
    public var isFinal: Bool { !isLive }

    /// The states that a job may end in.
    public static let final: [JobState] = allCases.filter(\.isFinal)
}
