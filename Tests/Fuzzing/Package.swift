// swift-tools-version: 6.2
import PackageDescription

// Fuzzers of the parsers that meet the outside, built apart from the product: everything here is instrumented, which
// nothing else may be. The modules under test are links to the same sources, so that a build needs no other package.
// `make fuzz` builds and runs them; Tests/FuzzTargetsTests runs their seeds with every `make test`.

let instrumented: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .unsafeFlags(["-sanitize=fuzzer,address"]),
]

let package = Package(
    name: "fuzzing",
    targets: [
        .target(
            name: "CSimdJSON", cxxSettings: [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])],
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("m")]),
        .target(name: "JSONTree", dependencies: ["CSimdJSON"], swiftSettings: instrumented),
        .target(name: "EventModel", dependencies: ["JSONTree"], swiftSettings: instrumented),
        .target(name: "ActionModel", dependencies: ["JSONTree", "EventModel"], swiftSettings: instrumented),
        .target(
            name: "FuzzTargets", dependencies: ["JSONTree", "EventModel", "ActionModel"], swiftSettings: instrumented),
        .target(name: "CFuzzer"),
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzTargets", "CFuzzer"], swiftSettings: instrumented,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
