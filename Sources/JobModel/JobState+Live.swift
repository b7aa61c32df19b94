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

    /// `true` while it is in the queue: an attempt may follow, none is under way.
    public var isWaiting: Bool { self == .pending || self == .held }

    /// The states that a job may end in.
    public static let final: [JobState] = allCases.filter(\.isFinal)
}
