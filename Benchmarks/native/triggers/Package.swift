// swift-tools-version: 6.2
import PackageDescription

// The engine of triggers without anything around it, measured by `make bench triggers`. The modules are links to the
// product's own sources, so that this builds in release mode without its servers and their packages.

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "trigger-bench",
    platforms: [.macOS(.v15)],
    targets: [
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("m")]),
        .target(name: "JSONTree", dependencies: ["CSimdJSON"], swiftSettings: settings),
        .target(name: "EventModel", dependencies: ["JSONTree"], swiftSettings: settings),
        .target(name: "ActionModel", dependencies: ["JSONTree", "EventModel"], swiftSettings: settings),
        .target(name: "TextModel", dependencies: ["JSONTree", "EventModel"], swiftSettings: settings),
        .target(
            name: "TriggerEngine", dependencies: ["JSONTree", "EventModel", "ActionModel", "TextModel"],
            swiftSettings: settings),
        .executableTarget(
            name: "trigger-bench", dependencies: ["JSONTree", "EventModel", "TriggerEngine"],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
