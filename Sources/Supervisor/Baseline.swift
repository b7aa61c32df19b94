// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import JobModel
import Linux
import SystemPackage

/// What an attempt's account is compared with at its end: the state of the machine before it, and where its cgroup is.
///
/// A queued job's is written down before its command starts, as JSON, so that a daemon of another version can finish the
/// account that this one began: members that it does not know it passes over, and those that are missing are unknown.
/// ``FileFormat`` stands in front.
struct Baseline {
    var place: AttemptCgroup.Place
    var unenforced: [String: String] = [:]
    var machine: MachineReading
    /// Counters of the cgroups above: of OOM kills, throttled periods and refused forks.
    var ancestors: [AttemptCgroup.Reached]
    var throttling: [AttemptCgroup.Reached]
    var refusals: [AttemptCgroup.Reached]
    var companions: Set<String>

    init(of cgroup: AttemptCgroup, unenforced: [String: String], isQueued: Bool, _ supervisor: Supervisor) {
        self.init(
            place: cgroup.place, unenforced: unenforced, machine: MachineReading(supervisor.sources),
            ancestors: cgroup.ancestorCounters(), throttling: cgroup.ancestorThrottling(),
            refusals: cgroup.ancestorRefusals(),
            companions: supervisor.companions(of: cgroup.name, queued: isQueued))
    }

    private var json: JSON {
        let format = FileFormat.current
        let json = JSON.object([
            "format": .int(format.number), "needs": .int(format.needs), "name": .string(place.name),
            "unified": .string(place.unified),
            "controllers": .object(
                place.controllers.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                    JSON.Member(key: $0.key.rawValue, value: .string($0.value))
                }),
            "unenforced": .dictionary(unenforced),
            "pages_swapped": .int(machine.pagesSwapped), "thermal_throttles": .int(machine.thermalThrottles),
            "firmware_throttled": .int(machine.firmwareThrottled),
            "ancestors": Self.json(ancestors), "ancestor_throttling": Self.json(throttling),
            "ancestor_refusals": Self.json(refusals),
            "companions": .array(companions.sorted().map { .string($0) }),
        ])
        guard FileFormat.testVersion > 0, case .object(let members) = json else { return json }
        return .object(members + [JSON.Member(key: "of_a_later_version", value: .array([.object(members)]))])
    }

    func write(to directory: AttemptDirectory) throws(Errno) {
        try directory.open(directory.baseline, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600).write(json.text())
    }

    /// `nil` if there is none.
    init?(in directory: AttemptDirectory) throws(Unreadable) {
        guard let bytes = try directory.contents(of: directory.baseline) else { return nil }
        func unreadable(_ reason: Unreadable.Reason) -> Unreadable { Unreadable(directory.baseline, reason) }
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: bytes) } catch { throw unreadable(.damage("\(error)")) }
        let format = FileFormat(number: json["format"]?.intValue ?? 0, needs: json["needs"]?.intValue ?? 0)
        guard format.isReadable else { throw unreadable(.needs(format: format.needs)) }
        guard let name = json["name"]?.stringValue else { throw unreadable(.damage("it names no cgroup")) }
        var controllers: [Controller: String] = [:]
        for member in json["controllers"]?.objectValue ?? [] {
            if let controller = Controller(rawValue: member.key) { controllers[controller] = member.value.stringValue }
        }
        place = AttemptCgroup.Place(name: name, unified: json["unified"]?.stringValue, controllers: controllers)
        for member in json["unenforced"]?.objectValue ?? [] { unenforced[member.key] = member.value.stringValue }
        machine = MachineReading(
            pagesSwapped: Self.count(json["pages_swapped"]), thermalThrottles: Self.count(json["thermal_throttles"]),
            firmwareThrottled: Self.count(json["firmware_throttled"]))
        ancestors = Self.counts(json["ancestors"])
        throttling = Self.counts(json["ancestor_throttling"])
        refusals = Self.counts(json["ancestor_refusals"])
        companions = Set((json["companions"]?.arrayValue ?? []).compactMap(\.stringValue))
    }

    private static func json(_ counts: [AttemptCgroup.Reached]) -> JSON {
        .object(counts.map { JSON.Member(key: $0.path, value: .int($0.count)) })
    }

    private static func counts(_ json: JSON?) -> [AttemptCgroup.Reached] {
        (json?.objectValue ?? []).compactMap { member in count(member.value).map { (member.key, $0) } }
    }

    /// A counter that was damaged is as good as none: it is subtracted from later ones.
    private static func count(_ json: JSON?) -> Int? {
        json?.intValue.flatMap { (0...1 << 53).contains($0) ? $0 : nil }
    }

    private init(
        place: AttemptCgroup.Place, unenforced: [String: String], machine: MachineReading,
        ancestors: [AttemptCgroup.Reached], throttling: [AttemptCgroup.Reached], refusals: [AttemptCgroup.Reached],
        companions: Set<String>
    ) {
        self.place = place
        self.unenforced = unenforced
        self.machine = machine
        self.ancestors = ancestors
        self.throttling = throttling
        self.refusals = refusals
        self.companions = companions
    }
}
