// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "Jobs",
    products: [
        .executable(name: "jobs", targets: ["jobs"]),
        .executable(name: "jobs-init", targets: ["jobs-init"]),
        .executable(name: "jobsd", targets: ["jobsd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.5.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.20.0", traits: []),
        // Hummingbird's types of a request and an answer.
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.20.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
    ],
    targets: [
        // The CLI. Not a PIE: a position-independent static Swift runtime costs 0.7 ms of relocations at every start.
        .executableTarget(
            name: "jobs",
            dependencies: [
                "Doctor", "JobsClient", "JobsView", "JobsAPI", "Supervisor", "JobFile", "JobModel", "Cgroups", "Linux",
                system,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-Xclang-linker", "-no-pie"], .when(configuration: .release))]),
        // PID 1 of every attempt. Fully static and without Foundation: it starts as fast as /bin/true.
        .executableTarget(
            name: "jobs-init",
            dependencies: ["Sandbox", "AttemptFiles", "Linux", system],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-static-executable"])]),

        // The daemon: configuration, then services. No logic.
        .executableTarget(
            name: "jobsd",
            dependencies: [
                "JobsServer", "JobsAPI", "Queue", "JobStore", "Scheduler", "Supervisor", "Systemd", "Cgroups",
                "JobModel", "Linux", "CLanes", system,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-Xclang-linker", "-no-pie"], .when(configuration: .release))]),

        // What benchmarks/launch measures: the supervisor in one process, job after job.
        .executableTarget(
            name: "launch-loop",
            dependencies: ["Supervisor", "JobModel", "Linux", system],
            path: "benchmarks/launch-loop",
            swiftSettings: strict),

        // What benchmarks/scale measures of the scheduler alone, up to a million jobs.
        .executableTarget(
            name: "scheduler-loop",
            dependencies: ["Scheduler", "JobModel", "Linux"],
            path: "benchmarks/scheduler-loop",
            swiftSettings: strict),

        // What a hostile job tries, for the integration tests.
        .executableTarget(name: "attack", path: "Tests/attacks"),

        // Gives texts from outside to their parsers: the corpus, or with Tests/fuzz/run what libFuzzer makes of it.
        .executableTarget(
            name: "fuzz-parsers",
            dependencies: ["JobFile", "JobModel", "AttemptFiles", "Sandbox", "Cgroups", "Supervisor"],
            path: "Tests/fuzz",
            exclude: ["corpus", "run"],
            swiftSettings: strict),

        // What of this machine jobs can use: facts, and pure checks of them.
        .target(
            name: "Doctor",
            dependencies: ["Supervisor", "Cgroups", "JobModel", "Linux", "CLinux", system],
            swiftSettings: strict),
        .target(
            name: "Supervisor",
            dependencies: [
                "Sandbox", "AttemptFiles", "Cgroups", "Systemd", "JobModel", "Linux", "CSeccomp", system,
            ],
            swiftSettings: strict),
        // The daemon's heart on the event loop's thread, and the API's end on the socket.
        .target(
            name: "JobsServer",
            dependencies: [
                "JobsAPI", "Queue", "JobStore", "Scheduler", "Supervisor", "Sandbox", "AttemptFiles", "JobFile",
                "JobModel", "Cgroups", "Linux",
                system,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        // The queue's rules, without HTTP, sockets or processes.
        .target(
            name: "Queue",
            dependencies: ["JobStore", "Scheduler", "JobModel", "Linux", system],
            swiftSettings: strict),
        .target(
            name: "JobsClient",
            dependencies: [
                "JobsAPI", "JobModel", "Linux", system,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: strict),
        // What people read: tables, summaries, moments. Pure.
        .target(name: "JobsView", dependencies: ["JobsAPI", "JobModel"], swiftSettings: strict),
        .target(name: "JobsAPI", dependencies: ["JobModel"], swiftSettings: strict),
        .target(
            name: "JobStore",
            dependencies: [
                "JobModel",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict + [.define("SQLITE_DISABLE_SNAPSHOT")]),
        .target(
            name: "Scheduler",
            dependencies: ["JobModel"],
            swiftSettings: strict),
        // What jobs-init and a daemon, perhaps of another version, tell each other through files.
        .target(name: "AttemptFiles", dependencies: ["Linux", system], swiftSettings: strict),
        .target(name: "Sandbox", dependencies: ["AttemptFiles", "Linux", "CLinux", system], swiftSettings: strict),
        .target(name: "Cgroups", dependencies: ["JobModel", "Linux", "CLinux", system], swiftSettings: strict),
        .target(name: "Systemd", dependencies: ["CSystemd", "Linux", system], swiftSettings: strict),
        .target(name: "JobFile", dependencies: ["JobModel", "Yams"], swiftSettings: strict),
        .target(name: "JobModel", swiftSettings: strict),
        .target(name: "Linux", dependencies: ["CLinux", system], swiftSettings: strict),

        // Lets the daemon sleep: see the header.
        .target(name: "CLanes"),
        .target(name: "CLinux"),
        .target(name: "CSystemd"),
        .systemLibrary(name: "CSeccomp", providers: [.apt(["libseccomp-dev"])]),

        .testTarget(name: "ArchitectureTests", swiftSettings: strict),
        .testTarget(name: "JobModelTests", dependencies: ["JobModel"], swiftSettings: strict),
        .testTarget(name: "JobFileTests", dependencies: ["JobFile", "JobModel"], swiftSettings: strict),
        .target(name: "TestSupport", path: "Tests/Support", swiftSettings: strict),
        .testTarget(
            name: "CgroupsTests", dependencies: ["Cgroups", "JobModel", "TestSupport", system], swiftSettings: strict),
        .testTarget(
            name: "AttemptFilesTests", dependencies: ["AttemptFiles", "Linux", "TestSupport", system],
            swiftSettings: strict),
        .testTarget(
            name: "SandboxTests", dependencies: ["Sandbox", "AttemptFiles", "Linux", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "DoctorTests", dependencies: ["Doctor", "Cgroups", "JobModel", "Linux", system], swiftSettings: strict
        ),
        .testTarget(
            name: "SupervisorTests",
            dependencies: ["Supervisor", "AttemptFiles", "Cgroups", "Sandbox", "JobModel", "Linux", system],
            swiftSettings: strict),
        .testTarget(
            name: "SchedulerTests", dependencies: ["Scheduler", "JobModel", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "JobStoreTests",
            dependencies: ["JobStore", "JobModel", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict),
        .testTarget(
            name: "QueueTests", dependencies: ["Queue", "JobStore", "Scheduler", "JobModel", "Linux", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "JobsServerTests",
            dependencies: [
                "JobsServer", "Queue", "JobStore", "JobsAPI", "JobModel", "Linux", system,
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "JobsClientTests",
            dependencies: ["JobsClient", "JobsView", "JobsAPI", "JobModel", "Linux", system],
            swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "JobsClient", "JobsAPI", "Supervisor", "AttemptFiles", "Cgroups", "JobModel", "JobFile", "Linux",
                "TestSupport",
                system,
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
