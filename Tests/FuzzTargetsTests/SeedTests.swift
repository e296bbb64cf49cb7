import Foundation
import FuzzTargets
import Testing

/// Every seed of the fuzzers, and every input that once broke a promise, through the fuzzers' own entry functions.
@Suite("Inputs of the fuzzers")
struct SeedTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzzing")

    private static func inputs(below name: String) throws -> [(name: String, bytes: [UInt8])] {
        let base = folder.appending(path: name)
        return try FileManager.default.subpathsOfDirectory(atPath: base.path()).sorted().compactMap { path in
            let file = base.appending(path: path)
            guard try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true else { return nil }
            return (path, Array(try Data(contentsOf: file)))
        }
    }

    @Test("Seeds of a target keep its promises", arguments: FuzzTarget.allCases)
    func seeds(_ target: FuzzTarget) throws {
        let inputs = try Self.inputs(below: "Seeds/\(target)")
        #expect(inputs.count >= 20)
        for input in inputs {
            #expect(target.run(input.bytes) == nil, "\(input.name)")
        }
    }

    @Test("Seeds of one target are fit for the others too, and so is what once broke a promise")
    func everything() throws {
        let inputs = try Self.inputs(below: "Seeds") + Self.inputs(below: "Regressions")
        for target in FuzzTarget.allCases {
            for input in inputs {
                #expect(target.run(input.bytes) == nil, "\(target): \(input.name)")
            }
        }
    }

    @Test("Seeds broken off anywhere are judged without a trap", arguments: [FuzzTarget.json, .envelope])
    func prefixes(_ target: FuzzTarget) throws {
        for input in try Self.inputs(below: "Seeds/\(target)") where input.bytes.count < 500 {
            for length in input.bytes.indices {
                #expect(target.run(Array(input.bytes[..<length])) == nil, "\(input.name), \(length) bytes")
            }
        }
    }
}
