// SPDX-License-Identifier: Apache-2.0
import JobsAPI
import Testing

@Suite struct LocationsTests {
    private func find(
        user: UInt32 = 1000, _ variables: [String: String] = [:], home: String? = "/home/pi",
        directories: Set<String> = []
    ) throws(LocationsError) -> Locations {
        try Locations.find(
            user: user, variable: { variables[$0] }, home: { home }, isDirectory: { directories.contains($0) })
    }

    @Test func root() throws {
        #expect(try find(user: 0, ["HOME": "/root", "XDG_RUNTIME_DIR": "/run/user/0"]) == .system)
        #expect(Locations.system.socket == "/run/jobs/jobs.sock")
    }

    @Test func aUser() throws {
        #expect(
            try find(["XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r/"])
                == Locations(state: "/s/jobs", runtime: "/r/jobs"))
        #expect(
            try find(["HOME": "/h", "XDG_STATE_HOME": "relative"])
                == Locations(state: "/h/.local/state/jobs", runtime: "/h/.local/state/jobs/run"))
    }

    @Test func cronHasNeitherHomeNorXDG() throws {
        #expect(
            try find(directories: ["/run/user/1000"])
                == Locations(state: "/home/pi/.local/state/jobs", runtime: "/run/user/1000/jobs"))
        #expect(throws: LocationsError.self) { try find(home: nil) }
    }

    @Test func aSecondInstance() throws {
        let both = ["JOBS_STATE_DIR": "/a", "JOBS_RUNTIME_DIR": "/b"]
        #expect(try find(user: 0, both) == Locations(state: "/a", runtime: "/b", isExplicit: true))
        // Named alone, its socket must not be the first instance's.
        #expect(
            try find(user: 0, ["JOBS_STATE_DIR": "/a"]) == Locations(state: "/a", runtime: "/a/run", isExplicit: true))
        #expect(throws: LocationsError.self) { try find(["JOBS_STATE_DIR": "a"]) }
    }

    @Test func aSocketsPathHasItsLimit() throws {
        let longest = "/" + String(repeating: "x", count: 107 - "/".count - "/jobs.sock".count)
        #expect(try find(["JOBS_RUNTIME_DIR": longest]).socket.utf8.count == 107)
        let error = #expect(throws: LocationsError.self) { try find(["JOBS_RUNTIME_DIR": longest + "x"]) }
        #expect(error?.description.contains("JOBS_RUNTIME_DIR") == true)
    }
}
