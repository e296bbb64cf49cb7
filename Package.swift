// swift-tools-version: 6.2
import PackageDescription

// This manifest is the architecture diagram of docs/architecture.md: one helper per layer, dependencies point
// downwards only. ArchitectureTests hold the `import` lines against the same table.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// MARK: - Products of other packages

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let jwt: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird: [Target.Dependency] = ["Hummingbird", "HummingbirdCore"].map {
    .product(name: $0, package: "hummingbird")
}
let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOHTTP1"].map { .product(name: $0, package: "swift-nio") }
let nioHTTPTypes: [Target.Dependency] = ["NIOHTTPTypes", "NIOHTTPTypesHTTP1", "NIOHTTPTypesHTTP2"].map {
    .product(name: $0, package: "swift-nio-extras")
}
let nioHTTP2: [Target.Dependency] = ["NIOHTTP2", "NIOHPACK"].map { .product(name: $0, package: "swift-nio-http2") }
let nioTLS: [Target.Dependency] = [
    .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "NIOTLS", package: "swift-nio"),
]
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")

// MARK: - Layers

/// A door to a C library: module map and shim, no logic.
func door(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// C (or C behind which C++ works) of our own.
func c(_ name: String, _ dependencies: [Target.Dependency] = [], links: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/C/\(name)", publicHeadersPath: "include",
        cxxSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
        linkerSettings: links.map { .linkedLibrary($0) })
}

func layer(_ folder: String, _ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(folder)/\(name)", swiftSettings: strict)
}

/// Pure functions and values: no I/O, no clock, no logging, no Foundation.
func domain(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    layer("Domain", name, dependencies)
}

/// One outside system each; every connection an actor on its own serial lane.
func wire(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    layer("Wire", name, dependencies + [logging, lifecycle])
}

/// Use cases over Wire behind small protocols.
func service(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    layer("Services", name, dependencies + [logging, metrics, lifecycle])
}

/// One library per process: `build(config)` returns its service group.
func process(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    layer("Processes", name, dependencies + ["Runtime", logging, metrics, coreMetrics, lifecycle])
}

/// A title page: arguments, `build`, `run`.
func executable(_ name: String, _ process: Target.Dependency) -> Target {
    .executableTarget(
        name: name, dependencies: [process, arguments], path: "Sources/Executables/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests", swiftSettings: strict)
}

let package = Package(
    name: "collider",
    platforms: [.macOS(.v15)],
    products: [
        // For readers in other languages, .build/release/libcolliderring.so; the Python package compiles the same.
        .library(name: "colliderring", type: .dynamic, targets: ["ColliderRing"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit.git", from: "5.7.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.2", traits: []),
    ],
    targets: [
        // C
        door("CPostgres", pkgConfig: "libpq", apt: "libpq-dev"),
        door("CRedis", apt: "libhiredis-dev"),
        door("CCurl", apt: "libcurl4-openssl-dev"),
        door("CZlib", apt: "zlib1g-dev"),
        c("CSimdJSON", links: ["simdjson", "m"]),
        c("CFrameLayout"),
        c("ColliderRing", ["CFrameLayout"]),

        // Domain
        domain("JSONTree", ["CSimdJSON"]),
        domain("Compression", ["CZlib"]),
        domain("EventModel", ["JSONTree"]),
        domain("ActionModel", ["JSONTree", "EventModel"]),
        domain("TriggerEngine", ["JSONTree", "EventModel", "ActionModel", "TextModel"]),
        domain("SchemaLearning", ["JSONTree", "EventModel"]),
        domain("TextModel", ["JSONTree", "EventModel"]),
        domain("FrameModel", ["CFrameLayout", "JSONTree", "EventModel", "TextModel"]),

        // Wire
        .target(name: "SerialLane", path: "Sources/Wire/SerialLane", swiftSettings: strict),
        wire("PostgresWire", ["CPostgres", "SerialLane", "EventModel"]),
        wire("RedisWire", ["CRedis", "SerialLane"]),
        wire("HTTPWire", ["CCurl", "SerialLane"]),
        wire("FrameRing", ["CFrameLayout", "FrameModel"]),

        // Services
        service("Runtime", ["JSONTree", "EventModel", configuration, systemPackage, coreMetrics, unixSignals] + nio),
        service(
            "EventStore",
            [
                "PostgresWire", "JSONTree", "EventModel", "TriggerEngine", "SchemaLearning", "ActionModel", "Runtime",
                crypto, metrics,
            ]),
        service("JobQueue", ["RedisWire", "EventStore", "EventModel", "ActionModel", "Runtime"]),
        service("Outbound", ["HTTPWire", "JSONTree", "EventModel", "ActionModel", "Runtime", crypto]),
        service(
            "EmbeddingSource",
            ["HTTPWire", "JSONTree", "EventModel", "FrameModel", "TextModel", "Runtime", coreMetrics]),

        service(
            "Identity",
            ["EventStore", "SerialLane", "JSONTree", "EventModel", "Runtime", crypto, cryptoExtras, jwt]),

        // Processes
        process(
            "GatewayProcess",
            [
                "EventStore", "Identity", "JobQueue", "JSONTree", "EventModel", "TriggerEngine", "SchemaLearning",
                "ActionModel",
                "Compression", httpTypes, systemPackage, unixSignals, nio[0], nio[2],
            ] + nioHTTPTypes + nioHTTP2 + nioTLS + hummingbird),
        process(
            "ProcessorProcess",
            ["EventStore", "JobQueue", "JSONTree", "EventModel", "TriggerEngine", "SchemaLearning", "ActionModel"]),
        process("WorkersProcess", ["EventStore", "JobQueue", "Outbound", "JSONTree", "EventModel", "ActionModel"]),
        process(
            "ColliderProcess",
            ["EventStore", "EmbeddingSource", "FrameRing", "FrameModel", "JSONTree", "EventModel", "SchemaLearning"]),
        process(
            "ControlProcess",
            [
                "EventStore", "Identity", "Outbound", "FrameRing", "FrameModel", "JSONTree", "EventModel",
                "ActionModel",
                arguments, yaml, subprocess, systemPackage, unixSignals,
            ]),

        // Executables
        executable("api-gateway", "GatewayProcess"),
        executable("event-processor", "ProcessorProcess"),
        executable("action-workers", "WorkersProcess"),
        executable("collider-writer", "ColliderProcess"),
        executable("collider", "ControlProcess"),

        // What the ring and the embedders are measured and tested with
        .executableTarget(
            name: "ring-load", dependencies: ["FrameRing", "FrameModel", "EventModel"],
            path: "Benchmarks/native/ring-load", swiftSettings: strict),

        .executableTarget(
            name: "embedding-load",
            dependencies: [
                "EmbeddingSource", "TextModel", "FrameModel", "EventModel", "JSONTree", "Runtime", logging, lifecycle,
            ],
            path: "Benchmarks/native/embedding-load", swiftSettings: strict),

        // Tests
        .target(
            name: "TestKit",
            dependencies: ["EventStore", "PostgresWire", "TriggerEngine", "ActionModel", "EventModel", logging],
            path: "Tests/TestKit",
            swiftSettings: strict),
        tests("JSONTree", ["JSONTree"]),
        tests("Compression", ["Compression"]),
        tests("EventModel", ["EventModel", "JSONTree"]),
        tests("ActionModel", ["ActionModel", "EventModel", "JSONTree"]),
        tests("TriggerEngine", ["TriggerEngine", "ActionModel", "EventModel", "JSONTree"]),
        tests("SchemaLearning", ["SchemaLearning", "EventModel", "JSONTree"]),
        tests("TextModel", ["TextModel", "EventModel", "JSONTree"]),
        tests("FrameModel", ["FrameModel", "CFrameLayout", "TextModel", "EventModel", "JSONTree"]),
        tests("PostgresWire", ["PostgresWire", "EventModel", "TestKit", logging, lifecycle]),
        tests("RedisWire", ["RedisWire", "TestKit"]),
        tests("HTTPWire", ["HTTPWire", "TestKit"]),
        tests("FrameRing", ["FrameRing", "FrameModel", "EventModel"]),
        tests("Runtime", ["Runtime", "EventModel", "JSONTree", logging, lifecycle, coreMetrics] + nio),
        tests(
            "EventStore",
            [
                "EventStore", "PostgresWire", "Runtime", "ActionModel", "TriggerEngine", "SchemaLearning", "EventModel",
                "JSONTree", "TestKit", logging, lifecycle,
            ]),
        tests(
            "JobQueue",
            [
                "JobQueue", "EventStore", "RedisWire", "PostgresWire", "Runtime", "ActionModel", "TriggerEngine",
                "EventModel", "JSONTree", "TestKit", logging, lifecycle,
            ]),
        tests(
            "Outbound",
            ["Outbound", "HTTPWire", "ActionModel", "EventModel", "JSONTree", "Runtime", "TestKit", crypto]),
        tests("Identity", ["Identity", "EventStore", "Runtime", "JSONTree", "EventModel", crypto]),
        tests(
            "EmbeddingSource",
            [
                "EmbeddingSource", "FrameModel", "TextModel", "EventModel", "JSONTree", "Runtime", "TestKit", logging,
                lifecycle,
            ]),
        tests(
            "GatewayProcess",
            [
                "GatewayProcess", "EventStore", "Identity", "PostgresWire", "Runtime", "EventModel", "JSONTree",
                "TestKit",
                httpTypes, logging, lifecycle, crypto, .product(name: "NIOEmbedded", package: "swift-nio"),
            ] + nio),
        tests(
            "ProcessorProcess",
            [
                "ProcessorProcess", "EventStore", "JobQueue", "PostgresWire", "Runtime", "TriggerEngine",
                "SchemaLearning", "ActionModel", "EventModel", "JSONTree", "TestKit", logging, lifecycle,
            ]),
        tests(
            "ColliderProcess",
            [
                "ColliderProcess", "EventStore", "EmbeddingSource", "FrameRing", "FrameModel", "PostgresWire",
                "Runtime",
                "EventModel", "JSONTree", "TestKit", logging, lifecycle,
            ]),
        tests(
            "ControlProcess", ["ControlProcess", "TriggerEngine", "EventModel", "JSONTree", systemPackage, arguments]),
        // The fuzzers' entry functions; Tests/Fuzzing/Package.swift builds the same sources with libFuzzer.
        .target(
            name: "FuzzTargets", dependencies: ["JSONTree", "EventModel", "ActionModel"],
            path: "Tests/Fuzzing/Sources/FuzzTargets",
            swiftSettings: strict),
        tests("FuzzTargets", ["FuzzTargets"]),
        tests("Architecture"),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
