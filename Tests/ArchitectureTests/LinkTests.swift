import Foundation
import Testing

/// Which C libraries each program needs at run time, read from its dynamic section: a program that suddenly needs
/// libcurl has grown an arrow that the picture does not show.
@Suite("Programs link what their picture shows")
struct LinkTests {
    static let expected: [(program: String, libraries: Set<String>)] = [
        ("api-gateway", ["libpq", "libhiredis", "libsimdjson"]),
        ("event-processor", ["libpq", "libhiredis", "libsimdjson"]),
        ("action-workers", ["libpq", "libhiredis", "libcurl", "libsimdjson"]),
        ("collider-writer", ["libpq", "libcurl", "libsimdjson"]),
        ("collider", ["libpq", "libcurl", "libsimdjson"]),
    ]
    private static let watched: Set<String> = ["libpq", "libhiredis", "libcurl", "libsimdjson"]

    @Test("Each program needs its own C libraries and no others", arguments: expected)
    func programLinksItsLibraries(_ program: String, _ libraries: Set<String>) throws {
        let path = SourceTree.root.appending(path: ".build/debug/\(program)").path()
        try #require(FileManager.default.fileExists(atPath: path), "build first: \(path) is missing")
        #expect(try Self.neededLibraries(path).intersection(Self.watched) == libraries)
    }

    private static func neededLibraries(_ path: String) throws -> Set<String> {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/readelf")
        process.arguments = ["-d", path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let names = text.split(separator: "\n").filter { $0.contains("(NEEDED)") }
            .compactMap { $0.split(separator: "[").last?.prefix { $0 != "." && $0 != "-" } }
        return Set(names.map(String.init))
    }
}
