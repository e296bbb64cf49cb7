import Foundation
import Testing

/// The table of docs/architecture.md, held against the import lines.
@Suite("Imports follow the layers")
struct LayerTests {
    /// What each layer may import; modules of the layer itself are listed where a module may import its neighbours.
    private static let table: [String: Set<String>] = [
        "Domain": domain.union(["CSimdJSON", "CFrameLayout", "CZlib"]),
        "Wire": domain.union([
            "SerialLane", "CPostgres", "CRedis", "CCurl", "CFrameLayout", "Logging", "ServiceLifecycle",
            "Synchronization", "Glibc", "Dispatch",
        ]),
        "Services": domain.union(wire).union([
            "Runtime", "EventStore", "Logging", "Metrics", "CoreMetrics", "ServiceLifecycle", "UnixSignals", "Crypto",
            "JWTKit", "CryptoExtras", "Identity", "Configuration", "SystemPackage", "Synchronization", "Glibc",
            "NIOCore", "NIOPosix", "NIOHTTP1",
            "FoundationEssentials",
        ]),
        "Processes": domain.union(services).union([
            "FrameRing", "Logging", "Metrics", "CoreMetrics", "ServiceLifecycle", "UnixSignals", "Synchronization",
            "Glibc",
            "SystemPackage", "ArgumentParser", "Yams", "Subprocess", "Hummingbird", "HummingbirdCore",
            "HTTPTypes", "NIOCore", "NIOHTTP1", "NIOHTTPTypes", "NIOHTTPTypesHTTP1", "NIOHTTPTypesHTTP2", "NIOHTTP2",
            "NIOHPACK", "NIOSSL", "NIOTLS",
        ]),
        "Executables": processes.union(["ArgumentParser"]),
    ]
    private static let domain: Set<String> = [
        "JSONTree", "Compression", "EventModel", "TriggerEngine", "SchemaLearning", "ActionModel", "TextModel",
        "FrameModel", "IntentModel",
    ]
    private static let wire: Set<String> = ["SerialLane", "PostgresWire", "RedisWire", "HTTPWire", "FrameRing"]
    private static let services: Set<String> = [
        "Runtime", "EventStore", "Identity", "JobQueue", "Outbound", "EmbeddingSource", "LanguageModel",
    ]
    private static let processes: Set<String> = [
        "GatewayProcess", "ProcessorProcess", "WorkersProcess", "ColliderProcess", "ControlProcess",
    ]
    /// Modules that only some modules may import: the door of an outside system, or a library of one process.
    private static let restricted: [String: Set<String>] = [
        "CSimdJSON": ["JSONTree"],
        "CFrameLayout": ["FrameModel", "FrameRing"],
        "CZlib": ["Compression"],
        "CPostgres": ["PostgresWire"],
        "CRedis": ["RedisWire"],
        "CCurl": ["HTTPWire"],
        "FrameRing": ["ColliderProcess", "ControlProcess"],
        "Hummingbird": ["GatewayProcess"],
        "HummingbirdCore": ["GatewayProcess"],
        "HTTPTypes": ["GatewayProcess"],
        "NIOCore": ["GatewayProcess", "Runtime"],
        "NIOPosix": ["Runtime"],
        "NIOHTTP1": ["GatewayProcess", "Runtime"],
        "NIOHTTPTypes": ["GatewayProcess"],
        "NIOHTTPTypesHTTP1": ["GatewayProcess"],
        "NIOHTTPTypesHTTP2": ["GatewayProcess"],
        "NIOHTTP2": ["GatewayProcess"],
        "NIOHPACK": ["GatewayProcess"],
        "NIOSSL": ["GatewayProcess"],
        "NIOTLS": ["GatewayProcess"],
        "Configuration": ["Runtime"],
        "Crypto": ["EventStore", "Identity", "Outbound"],
        "CryptoExtras": ["Identity"],
        "JWTKit": ["Identity"],
        "Yams": ["ControlProcess"],
        "Subprocess": ["ControlProcess"],
    ]

    @Test("Every import is one that the file's layer may make")
    func importsStayInTheTable() throws {
        let files = try SourceTree.swiftFiles(below: "Sources")
        #expect(files.count > 50)
        for file in files {
            let allowed = try #require(Self.table[file.layer], "\(file) lies in no known layer")
            for name in file.imports where name != file.module {
                #expect(allowed.contains(name), "\(file) imports \(name), which \(file.layer) may not")
                if let importers = Self.restricted[name] {
                    #expect(importers.contains(file.module), "\(file) imports \(name), which only \(importers) may")
                }
            }
        }
    }

    @Test("Domain modules import no Foundation, no clock and no logging")
    func domainIsPure() throws {
        let outside = ["Foundation", "FoundationEssentials", "Glibc", "Dispatch", "Logging", "Metrics"]
        for file in try SourceTree.swiftFiles(below: "Sources/Domain") {
            #expect(file.imports.allSatisfy { !outside.contains($0) }, "\(file)")
        }
    }

    @Test("SQL lives in EventStore and nowhere else")
    func sqlLivesInOneModule() throws {
        let pattern = try Regex(#""[^"]*\b(SELECT .+ FROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b"#)
        for file in try SourceTree.swiftFiles(below: "Sources") where file.module != "EventStore" {
            for (number, line) in file.lines.enumerated() where line.contains(pattern) {
                Issue.record("\(file):\(number + 1) holds SQL: \(line)")
            }
        }
    }

    @Test("Executables are title pages of at most 30 lines")
    func executablesAreShort() throws {
        for file in try SourceTree.swiftFiles(below: "Sources/Executables") {
            #expect(file.lines.count <= 31, "\(file) has \(file.lines.count) lines")
        }
    }
}
